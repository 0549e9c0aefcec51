//! `Graph` ↔ text, one operation per line; the form is documented in `grammar/ir.pest`.
//!
//! `parse(print(g))` is `g` up to the origins of the nodes and the payloads of NaNs.

use super::graph::{Dim, DimSize, Graph, Input, Node, NodeId, Origin, Output, Role};
use super::grid::Grid;
use super::op::{Edge, MapOp, Op, ReduceOp, Rim};
use super::order::OrderOp;
use super::ty::{DimId, Dims, Elem, Ty};
use crate::source::{FileId, Span};
use pest::Parser;
use pest::iterators::Pair;
use std::fmt::Write;

/// The text of a graph; also of one that is malformed, so that the verifier can show it.
pub fn print(graph: &Graph) -> String {
    let mut out = String::new();
    if !graph.dims.is_empty() {
        let dims: Vec<String> = graph.dims.iter().map(|dim| print_dim(graph, dim)).collect();
        let _ = writeln!(out, "dims {}", dims.join(", "));
    }
    let inputs: Vec<String> = graph
        .inputs
        .iter()
        .map(|input| print_input(graph, input))
        .collect();
    let _ = writeln!(out, "graph({}) {{", inputs.join(", "));
    for id in graph.ids() {
        let _ = writeln!(out, "  {}", print_node(graph, id));
    }
    for output in &graph.outputs {
        let _ = writeln!(out, "  {} = {}", print_role(output.role), output.node);
    }
    out.push_str("}\n");
    out
}

fn print_input(graph: &Graph, input: &Input) -> String {
    let range = if input.unit { " in 0..1" } else { "" };
    format!("{}: {}{range}", input.name, print_ty(graph, &input.ty))
}

/// The line of one node.
pub(super) fn print_node(graph: &Graph, id: NodeId) -> String {
    let node = graph.node(id);
    let mut out = format!("{id}: {} = ", print_ty(graph, &node.ty));
    out.push_str(&print_op(graph, &node.op));
    for arg in &node.args {
        let _ = write!(out, " {arg}");
    }
    out
}

/// A type, as `f[N, C]`.
pub(super) fn print_ty(graph: &Graph, ty: &Ty) -> String {
    format!("{}[{}]", ty.elem.letter(), print_dims(graph, &ty.dims))
}

/// An operation with its attributes, without its operands.
pub(super) fn print_op(graph: &Graph, op: &Op) -> String {
    let head = op.name();
    let name = |dim: DimId| dim_name(graph, dim);
    match op {
        Op::Input(number) => match graph.inputs.get(*number as usize) {
            Some(input) => format!("{head} {}", input.name),
            None => format!("{head} ?{number}"),
        },
        Op::Const(value) => format!("{head} {}", print_number(*value)),
        Op::Table(values) => {
            let values: Vec<String> = values.iter().map(|&v| print_number(v)).collect();
            format!("{head} {}", values.join(", ")).trim_end().into()
        }
        Op::Map(_) | Op::StopGrad => head.into(),
        Op::Index(dim)
        | Op::Softmax(dim)
        | Op::LogSoftmax(dim)
        | Op::Pick(dim)
        | Op::OneHot(dim)
        | Op::ArgMax(dim) => format!("{head}[{}]", name(*dim)),
        Op::Size(dims)
        | Op::Broadcast(dims)
        | Op::Reduce(_, dims)
        | Op::Dot(dims)
        | Op::Order(_, dims) => {
            format!("{head}[{}]", print_dims(graph, dims))
        }
        Op::Distance(along) => {
            let along = along
                .iter()
                .map(|&(dim, spacing)| format!("{} by {}", name(dim), print_number(spacing)));
            format!("{head}[{}]", along.collect::<Vec<_>>().join(", "))
        }
        Op::Rename { from, to } => format!("{head}[{} -> {}]", name(*from), name(*to)),
        Op::At { dim, index } => format!("{head}[{}, {index}]", name(*dim)),
        Op::Slice { from, to, start } | Op::Place { from, to, start } => {
            format!("{head}[{} -> {}, {start}]", name(*from), name(*to))
        }
        Op::Resize { from, to, grid } | Op::Collect { from, to, grid } => {
            format!("{head}[{} -> {}, {}]", name(*from), name(*to), grid.name())
        }
        Op::Shift { dim, by, edge } => format!("{head}[{}, {by}, {}]", name(*dim), edge.name()),
        Op::WindowMax { dim, radius } | Op::WindowTies { dim, radius } => {
            format!("{head}[{}, {radius}]", name(*dim))
        }
        Op::WindowSum { dim, weights, rim } => {
            let weights: Vec<String> = weights.iter().map(|&w| print_number(w)).collect();
            let weights = weights.join(", ");
            format!("{head}[{}, {}, {weights}]", name(*dim), rim.name())
        }
    }
}

/// An output's role, as `grad.0`.
pub(super) fn print_role(role: Role) -> String {
    match role {
        Role::Total => "total".into(),
        Role::Term(n) => format!("term.{n}"),
        Role::Weight(n) => format!("weight.{n}"),
        Role::Report(n) => format!("report.{n}"),
        Role::Grad(n) => format!("grad.{n}"),
        Role::Statistic(n) => Input::statistic(n as usize),
    }
}

fn print_dim(graph: &Graph, dim: &Dim) -> String {
    let name = &dim.name;
    match &dim.size {
        DimSize::Bound => name.clone(),
        DimSize::Fixed(n) => format!("{name} = {n}"),
        DimSize::Same(of) => format!("{name} = {}", dim_name(graph, *of)),
        DimSize::Blocks { of, size } => format!("{name} = {}/{size}", dim_name(graph, *of)),
        DimSize::Slice { of, start, end } => {
            let start = if *start == 0 {
                String::new()
            } else {
                start.to_string()
            };
            let end = end.map_or(String::new(), |e| e.to_string());
            format!("{name} = {}[{start}..{end}]", dim_name(graph, *of))
        }
    }
}

fn print_dims(graph: &Graph, dims: &Dims) -> String {
    let names: Vec<String> = dims.iter().map(|d| dim_name(graph, d)).collect();
    names.join(", ")
}

/// The name of a dim, or its bare number where a malformed graph has none.
fn dim_name(graph: &Graph, dim: DimId) -> String {
    match graph.dims.get(dim.index()) {
        Some(dim) => dim.name.clone(),
        None => format!("?{dim}"),
    }
}

/// The shortest decimal that reads back as the same number.
pub(super) fn print_number(value: f64) -> String {
    if value.is_nan() {
        return "nan".into();
    }
    let text = format!("{value:?}");
    text.strip_suffix(".0").unwrap_or(&text).into()
}

/// Whether a dim or an input may be called so: the rule `name` of the grammar.
pub(super) fn is_name(text: &str) -> bool {
    Reader::parse(Rule::name, text).is_ok_and(|mut pairs| {
        pairs
            .next()
            .is_some_and(|pair| pair.as_str().len() == text.len())
    })
}

#[derive(pest_derive::Parser)]
#[grammar = "grammar/ir.pest"]
struct Reader;

/// The graph that a text describes; an error says which line is wrong and why. All origins are
/// the empty span at the beginning of the first file.
pub fn parse(text: &str) -> Result<Graph, String> {
    let mut pairs = Reader::parse(Rule::graph, text).map_err(|e| syntax_error(&e))?;
    let mut graph = Graph::default();
    let top = pairs.next().expect("the grammar gives one graph");
    for pair in top.into_inner() {
        let line = pair.line_col().0;
        read_item(&mut graph, pair).map_err(|why| format!("line {line}: {why}"))?;
    }
    super::verify(&graph)?;
    Ok(graph)
}

fn syntax_error(error: &pest::error::Error<Rule>) -> String {
    let error = error.clone().renamed_rules(|rule| match rule {
        Rule::value => "a node such as `%0`".into(),
        Rule::ty => "a type such as `f[N, C]`".into(),
        Rule::int | Rule::number => "a number".into(),
        Rule::EOI => "the end of the text".into(),
        other => format!("{other:?}"),
    });
    let line = match error.line_col {
        pest::error::LineColLocation::Pos((line, _)) => line,
        pest::error::LineColLocation::Span((line, _), _) => line,
    };
    format!("line {line}: {}", error.variant.message())
}

/// Adds what one line says.
fn read_item(graph: &mut Graph, pair: Pair<'_, Rule>) -> Result<(), String> {
    match pair.as_rule() {
        Rule::dims => {
            for dim in pair.into_inner() {
                let dim = read_dim(graph, dim)?;
                graph.dims.push(dim);
            }
        }
        Rule::head => {
            for input in pair.into_inner() {
                let mut parts = input.into_inner();
                let (name, ty) = (next(&mut parts), next(&mut parts));
                let input = Input::new(name.as_str(), read_ty(graph, ty)?);
                let unit = parts.next().is_some();
                graph.inputs.push(Input { unit, ..input });
            }
        }
        Rule::node => {
            let node = read_node(graph, pair)?;
            graph.nodes.push(node);
        }
        Rule::output => {
            let [role, node] = two(pair);
            let (role, node) = (read_role(role.as_str())?, read_value(&node)?);
            graph.outputs.push(Output { role, node });
        }
        _ => {}
    }
    Ok(())
}

fn read_dim(graph: &Graph, pair: Pair<'_, Rule>) -> Result<Dim, String> {
    let mut parts = pair.into_inner();
    let name = next(&mut parts).as_str().into();
    let Some(size) = parts.next() else {
        let size = DimSize::Bound;
        return Ok(Dim { name, size });
    };
    let size = next(&mut size.into_inner());
    let size = match size.as_rule() {
        Rule::int => DimSize::Fixed(read_int(&size)?),
        Rule::name => DimSize::Same(find_dim(graph, size.as_str())?),
        Rule::blocks => {
            let [of, size] = two(size);
            let (of, size) = (find_dim(graph, of.as_str())?, read_int(&size)?);
            DimSize::Blocks { of, size }
        }
        _ => {
            let mut parts = size.into_inner();
            let of = find_dim(graph, next(&mut parts).as_str())?;
            let (mut start, mut end) = (0, None);
            for bound in parts {
                let value = read_int(&bound)?;
                match bound.as_rule() {
                    Rule::start => start = value,
                    _ => end = Some(value),
                }
            }
            DimSize::Slice { of, start, end }
        }
    };
    Ok(Dim { name, size })
}

fn read_ty(graph: &Graph, pair: Pair<'_, Rule>) -> Result<Ty, String> {
    let mut parts = pair.into_inner();
    let elem = match next(&mut parts).as_str() {
        "f" => Elem::Float,
        "i" => Elem::Int,
        _ => Elem::Bool,
    };
    let dims = parts.map(|dim| find_dim(graph, dim.as_str()));
    Ok(Ty::new(elem, dims.collect::<Result<Dims, String>>()?))
}

fn read_node(graph: &Graph, pair: Pair<'_, Rule>) -> Result<Node, String> {
    let mut parts = pair.into_inner();
    let id = read_value(&next(&mut parts))?;
    if id.index() != graph.nodes.len() {
        return Err(format!(
            "{id} should be {}",
            NodeId(graph.nodes.len() as u32)
        ));
    }
    let ty = read_ty(graph, next(&mut parts))?;
    let op = next(&mut next(&mut parts).into_inner());
    let (op, args) = match op.as_rule() {
        Rule::read => {
            let name = next(&mut op.into_inner());
            let number = graph.inputs.iter().position(|i| i.name == name.as_str());
            let number = number.ok_or_else(|| format!("there is no input `{}`", name.as_str()))?;
            (Op::Input(number as u32), Vec::new())
        }
        Rule::constant => (
            Op::Const(read_number(&next(&mut op.into_inner()))?),
            Vec::new(),
        ),
        Rule::table => {
            let values = op.into_inner().map(|v| read_number(&v));
            (Op::Table(values.collect::<Result<_, _>>()?), Vec::new())
        }
        _ => read_plain(graph, op)?,
    };
    let span = Span::new(FileId(0), 0, 0);
    let origin = Origin {
        span,
        adjoint: false,
    };
    Ok(Node {
        op,
        args,
        ty,
        origin,
    })
}

/// What stands in the brackets after the name of an operation.
enum Attribute<'i> {
    Arrow(DimId, DimId),
    By(DimId, f64),
    Int(i64),
    Decimal(f64),
    Name(&'i str),
}

fn read_plain(graph: &Graph, pair: Pair<'_, Rule>) -> Result<(Op, Vec<NodeId>), String> {
    let mut parts = pair.into_inner();
    let name = next(&mut parts);
    let (mut attributes, mut args) = (Vec::new(), Vec::new());
    for part in parts {
        match part.as_rule() {
            Rule::value => args.push(read_value(&part)?),
            _ => attributes.push(read_attribute(graph, next(&mut part.into_inner()))?),
        }
    }
    Ok((make_op(graph, name.as_str(), &attributes)?, args))
}

fn read_attribute<'i>(graph: &Graph, pair: Pair<'i, Rule>) -> Result<Attribute<'i>, String> {
    match pair.as_rule() {
        Rule::int => read_int(&pair).map(Attribute::Int),
        Rule::decimal => read_number(&pair).map(Attribute::Decimal),
        Rule::arrow => {
            let [from, to] = two(pair);
            let from = find_dim(graph, from.as_str())?;
            Ok(Attribute::Arrow(from, find_dim(graph, to.as_str())?))
        }
        Rule::by => {
            let [dim, spacing] = two(pair);
            let dim = find_dim(graph, dim.as_str())?;
            Ok(Attribute::By(dim, read_number(&spacing)?))
        }
        _ => Ok(Attribute::Name(pair.as_str())),
    }
}

fn make_op(graph: &Graph, name: &str, attributes: &[Attribute<'_>]) -> Result<Op, String> {
    use Attribute::{Arrow, By, Decimal, Int, Name};
    let misfit = || format!("what `{name}` has in brackets is not what it needs");
    let dims = || -> Result<Dims, String> {
        let dim = |a: &Attribute<'_>| match a {
            Name(dim) => find_dim(graph, dim),
            Arrow(..) | By(..) | Int(_) | Decimal(_) => Err(misfit()),
        };
        attributes.iter().map(dim).collect()
    };
    Ok(match (name, attributes) {
        ("index", [Name(dim)]) => Op::Index(find_dim(graph, dim)?),
        ("size", _) => Op::Size(dims()?),
        ("broadcast", _) => Op::Broadcast(dims()?),
        ("rename", &[Arrow(from, to)]) => Op::Rename { from, to },
        ("at", &[Name(dim), Int(index)]) => Op::At {
            dim: find_dim(graph, dim)?,
            index,
        },
        ("slice", &[Arrow(from, to), Int(start)]) => Op::Slice { from, to, start },
        ("place", &[Arrow(from, to), Int(start)]) => Op::Place { from, to, start },
        ("resize" | "collect", &[Arrow(from, to), ref grid]) => {
            let grid = match *grid {
                Name("first") => Grid::First,
                Name("middle") => Grid::Middle,
                Int(size) if size > 0 => Grid::Blocks(size as usize),
                _ => return Err(misfit()),
            };
            match name {
                "resize" => Op::Resize { from, to, grid },
                _ => Op::Collect { from, to, grid },
            }
        }
        ("shift", &[Name(dim), Int(by), Name(edge)]) => {
            let dim = find_dim(graph, dim)?;
            let edge = Edge::ALL.iter().copied().find(|e| e.name() == edge);
            let edge = edge.ok_or_else(misfit)?;
            Op::Shift { dim, by, edge }
        }
        ("window_max" | "window_ties", &[Name(dim), Int(radius)]) => {
            let dim = find_dim(graph, dim)?;
            let radius = usize::try_from(radius).map_err(|_| misfit())?;
            match name {
                "window_max" => Op::WindowMax { dim, radius },
                _ => Op::WindowTies { dim, radius },
            }
        }
        ("window_sum", [Name(dim), Name(rim), weights @ ..]) => {
            let dim = find_dim(graph, dim)?;
            let rim = Rim::ALL.iter().copied().find(|r| r.name() == *rim);
            let rim = rim.ok_or_else(misfit)?;
            let weight = |a: &Attribute<'_>| match *a {
                Int(i) => Ok(i as f64),
                Decimal(x) => Ok(x),
                Arrow(..) | By(..) | Name(_) => Err(misfit()),
            };
            let weights = weights.iter().map(weight).collect::<Result<_, _>>()?;
            Op::WindowSum { dim, weights, rim }
        }
        ("softmax", [Name(dim)]) => Op::Softmax(find_dim(graph, dim)?),
        ("log_softmax", [Name(dim)]) => Op::LogSoftmax(find_dim(graph, dim)?),
        ("pick", [Name(dim)]) => Op::Pick(find_dim(graph, dim)?),
        ("onehot", [Name(dim)]) => Op::OneHot(find_dim(graph, dim)?),
        ("argmax", [Name(dim)]) => Op::ArgMax(find_dim(graph, dim)?),
        ("dot", _) => Op::Dot(dims()?),
        ("distance", _) => {
            let along = |a: &Attribute<'_>| match *a {
                By(dim, spacing) => Ok((dim, spacing)),
                Name(_) | Arrow(..) | Int(_) | Decimal(_) => Err(misfit()),
            };
            Op::Distance(attributes.iter().map(along).collect::<Result<_, _>>()?)
        }
        ("stop_grad", []) => Op::StopGrad,
        _ => {
            if let Some(op) = MapOp::from_name(name) {
                return if attributes.is_empty() {
                    Ok(Op::Map(op))
                } else {
                    Err(misfit())
                };
            }
            if let Some(op) = OrderOp::from_name(name) {
                return Ok(Op::Order(op, dims()?));
            }
            match ReduceOp::ALL.iter().find(|op| op.name() == name) {
                Some(&op) => Op::Reduce(op, dims()?),
                None if OTHERS.contains(&name) => return Err(misfit()),
                None => return Err(format!("there is no operation `{name}`")),
            }
        }
    })
}

/// Operations that are neither elementwise nor reductions and need something in brackets (or, as
/// `stop_grad`, nothing): an error about one of them is about its brackets, not its name.
const OTHERS: &[&str] = &[
    "index",
    "rename",
    "at",
    "slice",
    "place",
    "resize",
    "collect",
    "shift",
    "window_max",
    "window_sum",
    "window_ties",
    "softmax",
    "log_softmax",
    "pick",
    "onehot",
    "argmax",
    "stop_grad",
];

fn read_role(text: &str) -> Result<Role, String> {
    let (kind, number) = match text.split_once('.') {
        Some((kind, number)) => (kind, number.parse::<u32>().ok()),
        None => (text, None),
    };
    match (kind, number) {
        ("total", None) if text == "total" => Ok(Role::Total),
        ("term", Some(n)) => Ok(Role::Term(n)),
        ("weight", Some(n)) => Ok(Role::Weight(n)),
        ("report", Some(n)) => Ok(Role::Report(n)),
        ("grad", Some(n)) => Ok(Role::Grad(n)),
        ("statistic", Some(n)) => Ok(Role::Statistic(n)),
        _ => Err(format!("there is no output `{text}`")),
    }
}

fn find_dim(graph: &Graph, name: &str) -> Result<DimId, String> {
    let number = graph.dims.iter().position(|dim| dim.name == name);
    number
        .map(|i| DimId(i as u32))
        .ok_or_else(|| format!("there is no dim `{name}`"))
}

fn read_value(pair: &Pair<'_, Rule>) -> Result<NodeId, String> {
    let digits = pair.as_str().trim_start_matches('%');
    digits.parse().map(NodeId).map_err(|e| e.to_string())
}

fn read_int<T: std::str::FromStr<Err = std::num::ParseIntError>>(
    pair: &Pair<'_, Rule>,
) -> Result<T, String> {
    let text = pair.as_str().trim();
    text.parse().map_err(|e| format!("`{text}`: {e}"))
}

fn read_number(pair: &Pair<'_, Rule>) -> Result<f64, String> {
    let text = pair.as_str();
    text.parse().map_err(|e| format!("`{text}`: {e}"))
}

fn next<'i>(pairs: &mut pest::iterators::Pairs<'i, Rule>) -> Pair<'i, Rule> {
    pairs.next().expect("the grammar has this part")
}

fn two(pair: Pair<'_, Rule>) -> [Pair<'_, Rule>; 2] {
    let mut parts = pair.into_inner();
    [next(&mut parts), next(&mut parts)]
}
