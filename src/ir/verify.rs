//! `Graph` → whether it is well-formed.
//!
//! **Dims.** Names are unique and can be read back. A dim derives its size only from a dim before
//! it.
//!
//! **Inputs.** Names are unique and can be read back; dims exist.
//!
//! **Nodes.**
//! - Operands come before their users, and dims exist.
//! - Every node has the type that its op gives ([`Op::result`]).
//! - An `input` node names an input and has its type.
//! - A `table` stands over fixed dims and has as many numbers as they have positions.
//! - The stretch that `slice` takes and `place` puts is fixed or derived from the longer dim.
//! - `rename` is between dims of one size: one derives from the other, both from a third, or
//!   both are fixed to the same.
//!
//! **Outputs.** Nodes exist, no role occurs twice. The total, terms, weights and reports are float
//! scalars. A gradient has the type of its input, which is of floats.

use super::graph::{DimSize, Graph, NodeId, Role};
use super::op::Op;
use super::text;
use super::ty::{DimId, Elem, Ty};

/// Whether `graph` is well-formed; if not, why not, with the faulty line and its surroundings.
pub fn verify(graph: &Graph) -> Result<(), String> {
    dims(graph)?;
    inputs(graph)?;
    for id in graph.ids() {
        node(graph, id).map_err(|why| show(graph, id, &why))?;
    }
    outputs(graph)
}

fn dims(graph: &Graph) -> Result<(), String> {
    for (i, dim) in graph.dims.iter().enumerate() {
        let name = &dim.name;
        if !text::is_name(name) {
            return Err(format!("`{name}` is no name of a dim"));
        }
        if graph.dims[..i].iter().any(|d| d.name == *name) {
            return Err(format!("two dims are called `{name}`"));
        }
        match dim.size {
            DimSize::Bound | DimSize::Fixed(_) => {}
            DimSize::Same(of) | DimSize::Slice { of, .. } if of.index() < i => {}
            DimSize::Blocks { of, size } if of.index() < i && size > 0 => {}
            DimSize::Blocks { size: 0, .. } => {
                return Err(format!("dim `{name}` counts blocks of nothing"));
            }
            DimSize::Same(_) | DimSize::Slice { .. } | DimSize::Blocks { .. } => {
                return Err(format!(
                    "dim `{name}` derives from one that is not before it"
                ));
            }
        }
    }
    Ok(())
}

fn inputs(graph: &Graph) -> Result<(), String> {
    for (i, input) in graph.inputs.iter().enumerate() {
        let name = &input.name;
        if !text::is_name(name) {
            return Err(format!("`{name}` is no name of an input"));
        }
        if graph.inputs[..i].iter().any(|other| other.name == *name) {
            return Err(format!("two inputs are called `{name}`"));
        }
        dims_exist(graph, &input.ty).map_err(|why| format!("input `{name}`: {why}"))?;
    }
    Ok(())
}

fn node(graph: &Graph, id: NodeId) -> Result<(), String> {
    let node = graph.node(id);
    if let Some(arg) = node.args.iter().find(|&&arg| arg >= id) {
        return Err(format!("{arg} is not defined before {id}"));
    }
    dims_exist(graph, &node.ty)?;
    let expected = match &node.op {
        Op::Input(_) | Op::Const(_) | Op::Table(_) if !node.args.is_empty() => {
            return Err(format!("`{}` takes no operands", node.op.name()));
        }
        Op::Input(number) => match graph.inputs.get(*number as usize) {
            Some(input) => input.ty.clone(),
            None => return Err(format!("there is no input number {number}")),
        },
        Op::Const(_) => node.ty.clone(),
        Op::Table(values) => {
            table(graph, values, &node.ty)?;
            node.ty.clone()
        }
        op => {
            op_dims_exist(graph, op)?;
            let args: Vec<&Ty> = node.args.iter().map(|&a| graph.ty(a)).collect();
            op.result(&args)?
        }
    };
    if expected != node.ty {
        let expected = text::print_ty(graph, &expected);
        return Err(format!("the type should be {expected}"));
    }
    match node.op {
        Op::Rename { from, to } if !same_size(graph, from, to) => {
            let (from, to) = (graph.dim_name(from), graph.dim_name(to));
            Err(format!("`{from}` and `{to}` may differ in size"))
        }
        Op::Slice { from, to, .. } if !is_stretch(graph, to, from) => {
            Err(no_stretch(graph, to, from))
        }
        Op::Place { from, to, .. } if !is_stretch(graph, from, to) => {
            Err(no_stretch(graph, from, to))
        }
        _ => Ok(()),
    }
}

fn table(graph: &Graph, values: &[f64], ty: &Ty) -> Result<(), String> {
    let mut count = 1usize;
    for dim in ty.dims.iter() {
        match graph.dims[root(graph, dim).index()].size {
            DimSize::Fixed(n) => count *= n,
            _ => return Err(format!("`{}` is not fixed", graph.dim_name(dim))),
        }
    }
    if values.len() != count {
        return Err(format!("{} numbers for {count} positions", values.len()));
    }
    Ok(())
}

/// The dim that this one is as long as.
fn root(graph: &Graph, mut dim: DimId) -> DimId {
    while let DimSize::Same(of) = graph.dims[dim.index()].size {
        dim = of;
    }
    dim
}

/// Whether two dims have one size whatever is bound.
fn same_size(graph: &Graph, a: DimId, b: DimId) -> bool {
    let (a, b) = (root(graph, a), root(graph, b));
    match (&graph.dims[a.index()].size, &graph.dims[b.index()].size) {
        _ if a == b => true,
        (DimSize::Fixed(n), DimSize::Fixed(m)) => n == m,
        (
            DimSize::Slice { of, start, end },
            DimSize::Slice {
                of: other,
                start: first,
                end: last,
            },
        ) => start == first && end == last && same_size(graph, *of, *other),
        _ => false,
    }
}

/// Whether `part` is a stretch of `whole`, or as long as one (or fixed, and then so by luck).
fn is_stretch(graph: &Graph, part: DimId, whole: DimId) -> bool {
    match graph.dims[part.index()].size {
        DimSize::Bound | DimSize::Blocks { .. } => false,
        DimSize::Fixed(_) => true,
        DimSize::Same(of) => of == whole || is_stretch(graph, of, whole),
        DimSize::Slice { of, .. } => same_size(graph, of, whole) || is_stretch(graph, of, whole),
    }
}

fn no_stretch(graph: &Graph, part: DimId, whole: DimId) -> String {
    let (part, whole) = (graph.dim_name(part), graph.dim_name(whole));
    format!("`{part}` does not derive from `{whole}`")
}

fn dims_exist(graph: &Graph, ty: &Ty) -> Result<(), String> {
    ty.dims.iter().try_for_each(|dim| dim_exists(graph, dim))
}

fn dim_exists(graph: &Graph, dim: DimId) -> Result<(), String> {
    if dim.index() < graph.dims.len() {
        Ok(())
    } else {
        Err(format!("there is no dim {dim}"))
    }
}

fn op_dims_exist(graph: &Graph, op: &Op) -> Result<(), String> {
    match op {
        Op::Input(_) | Op::Const(_) | Op::Table(_) | Op::Map(_) | Op::StopGrad => Ok(()),
        Op::Size(dims)
        | Op::Broadcast(dims)
        | Op::Reduce(_, dims)
        | Op::Dot(dims)
        | Op::Order(_, dims) => dims.iter().try_for_each(|dim| dim_exists(graph, dim)),
        Op::Distance(along) => along
            .iter()
            .try_for_each(|(dim, _)| dim_exists(graph, *dim)),
        Op::Rename { from, to }
        | Op::Slice { from, to, .. }
        | Op::Place { from, to, .. }
        | Op::Resize { from, to, .. }
        | Op::Collect { from, to, .. } => {
            dim_exists(graph, *from)?;
            dim_exists(graph, *to)
        }
        Op::Index(dim)
        | Op::At { dim, .. }
        | Op::Shift { dim, .. }
        | Op::WindowMax { dim, .. }
        | Op::WindowSum { dim, .. }
        | Op::WindowTies { dim, .. }
        | Op::Softmax(dim)
        | Op::LogSoftmax(dim)
        | Op::Pick(dim)
        | Op::OneHot(dim)
        | Op::ArgMax(dim) => dim_exists(graph, *dim),
    }
}

fn outputs(graph: &Graph) -> Result<(), String> {
    for (i, output) in graph.outputs.iter().enumerate() {
        let (role, id) = (text::print_role(output.role), output.node);
        if graph.outputs[..i].iter().any(|o| o.role == output.role) {
            return Err(format!("two outputs are called `{role}`"));
        }
        if id.index() >= graph.nodes.len() {
            return Err(format!("`{role}` is {id}, which does not exist"));
        }
        let expected = match output.role {
            Role::Total | Role::Term(_) | Role::Weight(_) | Role::Report(_) => Ty::scalar(),
            Role::Grad(number) => match graph.inputs.get(number as usize) {
                Some(input) if input.ty.elem == Elem::Float => input.ty.clone(),
                Some(_) => return Err(format!("`{role}` is of an input that is not of floats")),
                None => return Err(format!("`{role}` is of an input that does not exist")),
            },
            Role::Statistic(_) => Ty::new(Elem::Float, graph.ty(id).dims.clone()),
        };
        if *graph.ty(id) != expected {
            let expected = text::print_ty(graph, &expected);
            let why = format!("`{role}` should have the type {expected}");
            return Err(show(graph, id, &why));
        }
    }
    Ok(())
}

/// The reason under the line at fault, with two lines before and after it.
fn show(graph: &Graph, fault: NodeId, why: &str) -> String {
    let last = graph.nodes.len() - 1;
    let lines = fault.index().saturating_sub(2)..=(fault.index() + 2).min(last);
    let mut out = String::new();
    for i in lines {
        let line = text::print_node(graph, NodeId(i as u32));
        out.push_str(&format!("  {line}\n"));
        if i == fault.index() {
            let marks = "^".repeat(line.chars().count());
            out.push_str(&format!("  {marks} {why}\n"));
        }
    }
    out
}
