//! Rewrite rules as data, and the engine that applies them: `Graph` → `Graph`, bottom-up.
//!
//! Every node is rebuilt on operands that are rewritten already; the first rule that matches
//! replaces it by its right side, the nodes of which are rewritten in turn as they are made. So
//! one sweep reaches a fixpoint. A bound on the number of replacements makes sure that it ends
//! whatever the rules are. New nodes come from the place in the spec of the node that they stand for.
//!
//! What no output needs any more is dropped, as `dce` does.

use super::dce;
use super::intern::{Interner, commutes, rebuild};
use super::term::{self, DimHole, Head, Names, Term};
use crate::ir::{DimId, Dims, Edge, Graph, MapOp, Node, NodeId, Op, Origin, ReduceOp, Ty};

/// What a rule may do to numbers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// The same bits.
    Exact,
    /// The same real number: better rounding, a wider domain, or another sign of zero.
    Steadier,
    /// The same real number if everything is finite, and perhaps worse rounding.
    Loose,
}

/// What is on the left may be replaced by what is on the right. The language of the sides is
/// described in `term.rs`.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// How listings and tests call it.
    pub name: &'static str,
    /// What it may do to numbers.
    pub effect: Effect,
    /// What it looks for.
    pub lhs: &'static str,
    /// What it puts there.
    pub rhs: &'static str,
    /// Numbers at which a test compares both sides, value and slope.
    pub on: &'static [f64],
}

/// A table of rules: `"name", Effect, on SAMPLES: "left" => "right";`
macro_rules! rules {
    (
        #[doc = $doc:literal] $table:ident
        $($name:literal, $effect:ident, on $on:ident: $lhs:literal => $rhs:literal;)*
    ) => {
        #[doc = $doc]
        pub const $table: &[$crate::passes::rewrite::Rule] = &[
            $($crate::passes::rewrite::Rule {
                name: $name,
                effect: $crate::passes::rewrite::Effect::$effect,
                lhs: $lhs,
                rhs: $rhs,
                on: $on,
            },)*
        ];
    };
}
pub(super) use rules;

impl Rule {
    /// A graph that the rule fires on, its left side: over the dims `N` (bound) and `D = 3`, with
    /// the holes as inputs.
    pub fn example(&self) -> Graph {
        super::example::example(self)
    }
}

/// Applies rules and nothing else.
pub fn rewrite(graph: Graph, rules: &[Rule]) -> Graph {
    run(graph, &Rules::new(rules.iter()), |_, _| None)
}

/// Rules ready for matching.
pub(super) struct Rules {
    rules: Vec<Ready>,
    /// For each kind of operation, the rules whose left side begins with it, in order.
    by_kind: Vec<Vec<usize>>,
}

struct Ready {
    lhs: Term,
    rhs: Term,
    holes: usize,
    dims: usize,
}

impl Rules {
    /// Reads rules; where several match, the first is taken.
    pub(super) fn new<'r>(rules: impl Iterator<Item = &'r Rule>) -> Rules {
        let mut by_kind = vec![Vec::new(); KINDS];
        let mut ready = Vec::new();
        for rule in rules {
            let mut names = Names::default();
            let lhs = term::read(rule.lhs, &mut names);
            let (holes, dims) = (names.holes.len(), names.dims.len());
            let rhs = term::read(rule.rhs, &mut names);
            let bound = names.holes.len() == holes && names.dims.len() == dims;
            assert!(bound, "rule `{}` puts what it did not find", rule.name);
            let Term::Apply(head, _) = &lhs else {
                panic!("rule `{}` looks for anything", rule.name);
            };
            by_kind[kind_of_head(*head)].push(ready.len());
            ready.push(Ready {
                lhs,
                rhs,
                holes,
                dims,
            });
        }
        Rules {
            rules: ready,
            by_kind,
        }
    }
}

/// A rewriting that needs more than a rule can say; gets a node on rewritten operands.
pub(super) type Extra = fn(&mut Rewriter<'_>, NodeId) -> Option<NodeId>;

/// Rewrites a graph by rules and `extra`, which is asked where no rule matches.
pub(super) fn run(graph: Graph, rules: &Rules, extra: Extra) -> Graph {
    let start = |graph, count| Rewriter {
        // Rules leave the nodes that they replace behind, for a while.
        interner: Interner::new(graph, 2 * count),
        rules,
        extra,
        normal: Vec::with_capacity(2 * count),
        // No rule makes a graph much larger; this is far more than any graph needs.
        fuel: 16 * count + 256,
    };
    let graph = rebuild(graph, start, Rewriter::node, |cx| cx.interner.graph);
    dce::sweep(graph)
}

/// A graph in which every new node is rewritten as soon as it is made.
pub(super) struct Rewriter<'r> {
    interner: Interner,
    rules: &'r Rules,
    extra: Extra,
    /// What stands for each node, once that is known.
    normal: Vec<Option<NodeId>>,
    fuel: usize,
}

impl Rewriter<'_> {
    /// The graph so far.
    pub(super) fn graph(&self) -> &Graph {
        &self.interner.graph
    }

    /// The node that stands for this one.
    pub(super) fn node(&mut self, node: Node) -> NodeId {
        let id = self.interner.add(node);
        self.normal.resize(self.interner.graph.nodes.len(), None);
        if let Some(normal) = self.normal[id.index()] {
            return normal;
        }
        let normal = self.replace(id).unwrap_or(id);
        self.normal[id.index()] = Some(normal);
        self.normal[normal.index()] = Some(normal);
        normal
    }

    /// An operation that does not fit its operands is `None`.
    pub(super) fn push(&mut self, op: Op, args: &[NodeId], origin: Origin) -> Option<NodeId> {
        let types: Vec<&Ty> = args.iter().map(|&arg| self.graph().ty(arg)).collect();
        let ty = op.result(&types).ok()?;
        let args = args.to_vec();
        Some(self.node(Node {
            op,
            args,
            ty,
            origin,
        }))
    }

    /// A constant.
    pub(super) fn constant(&mut self, value: f64, ty: Ty, origin: Origin) -> NodeId {
        let (op, args) = (Op::Const(value), Vec::new());
        self.node(Node {
            op,
            args,
            ty,
            origin,
        })
    }

    /// `x` repeated along those of `dims` that it lacks.
    pub(super) fn broadcast(&mut self, x: NodeId, dims: &Dims, origin: Origin) -> Option<NodeId> {
        let node = self.graph().node(x);
        if node.ty.dims == *dims {
            return Some(x);
        }
        if let Op::Const(value) = node.op {
            let ty = Ty::new(node.ty.elem, dims.clone());
            return Some(self.constant(value, ty, origin));
        }
        self.push(Op::Broadcast(dims.clone()), &[x], origin)
    }

    /// An elementwise operation; operands are broadcast to each other first.
    pub(super) fn map(&mut self, op: MapOp, args: &[NodeId], origin: Origin) -> Option<NodeId> {
        let dims = args.iter().fold(Dims::none(), |all, &arg| {
            all.union(&self.graph().ty(arg).dims)
        });
        let args: Option<Vec<NodeId>> = args
            .iter()
            .map(|&arg| self.broadcast(arg, &dims, origin))
            .collect();
        self.push(Op::Map(op), &args?, origin)
    }

    fn replace(&mut self, id: NodeId) -> Option<NodeId> {
        if self.fuel == 0 {
            return None;
        }
        let rules = self.rules;
        let kind = kind(&self.graph().node(id).op);
        for &rule in kind.map_or(&[][..], |kind| &rules.by_kind[kind]) {
            let rule = &rules.rules[rule];
            if let Some(found) = find(self.graph(), rule, id)
                && let Some(new) = self.put(rule, &found, id)
            {
                self.fuel = self.fuel.saturating_sub(1);
                return Some(new);
            }
        }
        (self.extra)(self, id).inspect(|_| self.fuel = self.fuel.saturating_sub(1))
    }

    /// The right side of a rule in place of `id`, if it fits there.
    fn put(&mut self, rule: &Ready, found: &Found, id: NodeId) -> Option<NodeId> {
        let Node { ty, origin, .. } = self.graph().node(id);
        let (ty, origin) = (ty.clone(), *origin);
        let new = match rule.rhs {
            Term::Number(value) => self.constant(value, ty.clone(), origin),
            ref rhs => self.make(rhs, found, origin)?,
        };
        let new = self.broadcast(new, &ty.dims, origin)?;
        (*self.graph().ty(new) == ty).then_some(new)
    }

    fn make(&mut self, term: &Term, found: &Found, origin: Origin) -> Option<NodeId> {
        match term {
            Term::Hole(hole) => found.holes[*hole],
            Term::Number(value) => Some(self.constant(*value, Ty::scalar(), origin)),
            Term::Moved(inner) => {
                let mut new = self.make(inner, found, origin)?;
                for &step in found.moved.iter().rev() {
                    let Node {
                        op, args, origin, ..
                    } = self.graph().node(step);
                    let (op, mut args, origin) = (op.clone(), args.clone(), *origin);
                    args[0] = new;
                    new = self.push(op, &args, origin)?;
                }
                Some(new)
            }
            Term::Apply(head, terms) => {
                let mut args = Vec::with_capacity(terms.len());
                for term in terms {
                    args.push(self.make(term, found, origin)?);
                }
                let dims = |hole: &DimHole| found.dims[hole.number].clone();
                let dim = |hole: &DimHole| only(found.dims[hole.number].as_ref()?);
                let op = match head {
                    Head::Map(op) => return self.map(*op, &args, origin),
                    // Elementwise operations broadcast by themselves.
                    Head::Broadcast(_) => return None,
                    Head::Softmax(d) => Op::Softmax(dim(d)?),
                    Head::LogSoftmax(d) => Op::LogSoftmax(dim(d)?),
                    Head::Pick(d) => Op::Pick(dim(d)?),
                    Head::OneHot(d) => Op::OneHot(dim(d)?),
                    Head::Reduce(op, d) => Op::Reduce(*op, dims(d)?),
                    Head::Dot(d) => Op::Dot(dims(d)?),
                    Head::StopGrad => Op::StopGrad,
                };
                self.push(op, &args, origin)
            }
        }
    }
}

/// What the holes of a rule stand for.
#[derive(Clone)]
struct Found {
    holes: Vec<Option<NodeId>>,
    dims: Vec<Option<Dims>>,
    /// The chain of `moved`, from its end to its beginning.
    moved: Vec<NodeId>,
}

fn find(graph: &Graph, rule: &Ready, id: NodeId) -> Option<Found> {
    if !plausible(graph, &rule.lhs, id) {
        return None;
    }
    let found = Found {
        holes: vec![None; rule.holes],
        dims: vec![None; rule.dims],
        moved: Vec::new(),
    };
    solve(graph, vec![(&rule.lhs, id)], found)
}

/// Whether operations stand where a term wants them, whatever is in the holes: a quick no to most
/// questions.
fn plausible(graph: &Graph, term: &Term, id: NodeId) -> bool {
    let node = graph.node(id);
    match term {
        Term::Hole(_) => true,
        Term::Number(number) => match node.op {
            Op::Const(value) => value.to_bits() == number.to_bits(),
            _ => false,
        },
        Term::Moved(inner) => {
            plausible(graph, inner, id) || (moves(&node.op) && plausible(graph, term, node.args[0]))
        }
        Term::Apply(head, terms) => {
            let [x, y] = match node.args[..] {
                [x] => [x, x],
                [x, y, ..] => [x, y],
                [] => [id, id],
            };
            kind(&node.op) == Some(kind_of_head(*head))
                && match &terms[..] {
                    [a] => plausible(graph, a, x),
                    [a, b] => {
                        let either = |x, y| plausible(graph, a, x) && plausible(graph, b, y);
                        either(x, y) || (commutes(&node.op) && either(y, x))
                    }
                    terms => terms
                        .iter()
                        .zip(&node.args)
                        .all(|(term, &arg)| plausible(graph, term, arg)),
                }
        }
    }
}

/// Matches every term with its node, backtracking over the order of commutative operands and the
/// length of moves.
fn solve(graph: &Graph, mut goals: Vec<(&Term, NodeId)>, mut found: Found) -> Option<Found> {
    while let Some((term, id)) = goals.pop() {
        let node = graph.node(id);
        match term {
            Term::Hole(hole) => match found.holes[*hole] {
                Some(other) if other != id => return None,
                _ => found.holes[*hole] = Some(id),
            },
            Term::Number(number) => match node.op {
                Op::Const(value) if value.to_bits() == number.to_bits() => {}
                _ => return None,
            },
            Term::Moved(inner) => {
                if moves(&node.op) {
                    let mut longer = (goals.clone(), found.clone());
                    longer.0.push((term, node.args[0]));
                    longer.1.moved.push(id);
                    if let Some(found) = solve(graph, longer.0, longer.1) {
                        return Some(found);
                    }
                }
                goals.push((inner, id));
            }
            Term::Apply(head, terms) => {
                if !fits(graph, *head, node, &mut found) {
                    return None;
                }
                if let ([a, b], [x, y]) = (&terms[..], &node.args[..])
                    && commutes(&node.op)
                {
                    let mut other = goals.clone();
                    other.extend([(b, *x), (a, *y)]);
                    if let Some(found) = solve(graph, other, found.clone()) {
                        return Some(found);
                    }
                }
                goals.extend(terms.iter().zip(node.args.iter().copied()).rev());
            }
        }
    }
    Some(found)
}

/// Whether an operation is the one of the term, as far as the dims are known.
fn fits(graph: &Graph, head: Head, node: &Node, found: &mut Found) -> bool {
    let mut bind = |hole: DimHole, dims: &Dims| {
        if !hole.many && dims.len() != 1 {
            return false;
        }
        let bound = found.dims[hole.number].get_or_insert_with(|| dims.clone());
        bound == dims
    };
    match (head, &node.op) {
        (Head::Map(a), Op::Map(b)) => a == *b,
        (Head::Broadcast(None), Op::Broadcast(_)) | (Head::StopGrad, Op::StopGrad) => true,
        (Head::Broadcast(Some(hole)), Op::Broadcast(dims)) => {
            let added = dims.minus(&graph.ty(node.args[0]).dims);
            match &found.dims[hole.number] {
                Some(dims) => dims.is_subset(&added),
                None => false,
            }
        }
        (Head::Softmax(hole), Op::Softmax(dim))
        | (Head::LogSoftmax(hole), Op::LogSoftmax(dim))
        | (Head::Pick(hole), Op::Pick(dim))
        | (Head::OneHot(hole), Op::OneHot(dim)) => bind(hole, &Dims::one(*dim)),
        (Head::Reduce(a, hole), Op::Reduce(b, dims)) => a == *b && bind(hole, dims),
        (Head::Dot(hole), Op::Dot(dims)) => bind(hole, dims),
        _ => false,
    }
}

/// Whether an operation only moves the entries of its first operand.
fn moves(op: &Op) -> bool {
    match op {
        Op::Broadcast(_)
        | Op::Rename { .. }
        | Op::At { .. }
        | Op::Slice { .. }
        | Op::Pick(_)
        | Op::StopGrad => true,
        Op::Shift { edge, .. } => *edge != Edge::Zero,
        _ => false,
    }
}

fn only(dims: &Dims) -> Option<DimId> {
    match dims.as_slice() {
        [dim] => Some(*dim),
        _ => None,
    }
}

/// The number of kinds of operation that a left side can begin with.
const KINDS: usize = MapOp::ALL.len() + ReduceOp::ALL.len() + 7;

fn kind_of_head(head: Head) -> usize {
    let reductions = MapOp::ALL.len();
    let others = reductions + ReduceOp::ALL.len();
    match head {
        Head::Map(op) => op as usize,
        Head::Reduce(op, _) => reductions + op as usize,
        Head::Broadcast(_) => others,
        Head::Softmax(_) => others + 1,
        Head::LogSoftmax(_) => others + 2,
        Head::Pick(_) => others + 3,
        Head::OneHot(_) => others + 4,
        Head::StopGrad => others + 5,
        Head::Dot(_) => others + 6,
    }
}

fn kind(op: &Op) -> Option<usize> {
    let any = DimHole {
        number: 0,
        many: false,
    };
    let head = match op {
        Op::Map(op) => Head::Map(*op),
        Op::Reduce(op, _) => Head::Reduce(*op, any),
        Op::Dot(_) => Head::Dot(any),
        Op::Broadcast(_) => Head::Broadcast(None),
        Op::Softmax(_) => Head::Softmax(any),
        Op::LogSoftmax(_) => Head::LogSoftmax(any),
        Op::Pick(_) => Head::Pick(any),
        Op::OneHot(_) => Head::OneHot(any),
        Op::StopGrad => Head::StopGrad,
        _ => return None,
    };
    Some(kind_of_head(head))
}
