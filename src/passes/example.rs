//! A rewrite rule → a graph that it fires on, built from its left side.
//!
//! The dims are `N`, bound, and `D = 3`, which is what every `[d]` and `[d..]` stands for. Types
//! of the holes follow from what is around them: the root is tried as a float over `N, D`, then
//! over `N`, and so on until everything fits.

use super::rewrite::Rule;
use super::term::{self, Head, Names, Term};
use crate::ir::{
    Dim, DimId, DimSize, Dims, Elem, Graph, Input, MapOp, NodeId, Op, Origin, Output, ReduceOp,
    Role, Ty,
};
use crate::source::{FileId, Span};

const N: DimId = DimId(0);
const D: DimId = DimId(1);

/// The left side of a rule; its value is the report, the sum of it the total.
///
/// # Panics
/// If the left side fits no types: rules are part of the compiler.
pub(super) fn example(rule: &Rule) -> Graph {
    let mut names = Names::default();
    let lhs = term::read(rule.lhs, &mut names);
    let over_n = Dims::one(N);
    let tries = [
        Ty::new(Elem::Float, over_n.with(D)),
        Ty::new(Elem::Float, over_n.clone()),
        Ty::new(Elem::Bool, over_n.with(D)),
    ];
    let built = tries.iter().find_map(|ty| build(&lhs, &names, ty));
    built.unwrap_or_else(|| panic!("the left side of `{}` fits no types", rule.name))
}

fn build(lhs: &Term, names: &Names<'_>, ty: &Ty) -> Option<Graph> {
    let dim = |name: &str, size| Dim {
        name: name.into(),
        size,
    };
    let mut cx = Cx {
        graph: Graph {
            dims: vec![dim("N", DimSize::Bound), dim("D", DimSize::Fixed(3))],
            ..Graph::default()
        },
        holes: vec![None; names.holes.len()],
        origin: Origin {
            span: Span::new(FileId(0), 0, 0),
            adjoint: false,
        },
    };
    let mut root = cx.term(lhs, names, ty)?;
    let origin = cx.origin;
    if ty.elem == Elem::Bool {
        root = cx.graph.push(Op::Map(MapOp::Float), &[root], origin);
    }
    let dims = cx.graph.ty(root).dims.clone();
    let node = cx
        .graph
        .push(Op::Reduce(ReduceOp::Sum, dims), &[root], origin);
    let role = Role::Total;
    cx.graph.outputs.push(Output { role, node });
    Some(cx.graph)
}

struct Cx {
    graph: Graph,
    holes: Vec<Option<NodeId>>,
    origin: Origin,
}

impl Cx {
    /// A node of type `ty` that the term matches.
    fn term(&mut self, term: &Term, names: &Names<'_>, ty: &Ty) -> Option<NodeId> {
        let id = match term {
            Term::Hole(hole) => match self.holes[*hole] {
                Some(id) => id,
                None => {
                    let name = names.holes[*hole];
                    let number = self.graph.inputs.len() as u32;
                    let ty = ty.clone();
                    self.graph.inputs.push(Input::new(name, ty.clone()));
                    let id = self.graph.leaf(Op::Input(number), ty, self.origin);
                    self.holes[*hole] = Some(id);
                    id
                }
            },
            Term::Number(value) => self.graph.leaf(Op::Const(*value), ty.clone(), self.origin),
            // A chain of one step that changes the dims.
            Term::Moved(inner) => {
                let whole = Ty::new(ty.elem, ty.dims.with(D));
                let inner = self.term(inner, names, &whole)?;
                if ty.dims.contains(D) {
                    inner
                } else {
                    let op = Op::At { dim: D, index: 1 };
                    self.graph.push(op, &[inner], self.origin)
                }
            }
            Term::Apply(head, terms) => self.apply(*head, terms, names, ty)?,
        };
        (self.graph.ty(id) == ty).then_some(id)
    }

    fn apply(&mut self, head: Head, terms: &[Term], names: &Names<'_>, ty: &Ty) -> Option<NodeId> {
        let whole = Ty::new(ty.elem, ty.dims.with(D));
        let part = Ty::new(ty.elem, ty.dims.without(D));
        let labels = |dims: &Dims| Ty::new(Elem::Int, dims.without(D));
        let (op, types) = match head {
            Head::Map(op) => (Op::Map(op), operands(op, ty)),
            Head::Broadcast(_) => (Op::Broadcast(ty.dims.clone()), vec![part]),
            Head::Softmax(_) => (Op::Softmax(D), vec![ty.clone()]),
            Head::LogSoftmax(_) => (Op::LogSoftmax(D), vec![ty.clone()]),
            Head::Pick(_) => (Op::Pick(D), vec![whole, labels(&ty.dims)]),
            Head::OneHot(_) => (Op::OneHot(D), vec![labels(&ty.dims)]),
            Head::Reduce(op, _) => (Op::Reduce(op, Dims::one(D)), vec![whole]),
            Head::Dot(_) => (Op::Dot(Dims::one(D)), vec![whole.clone(), whole]),
            Head::StopGrad => (Op::StopGrad, vec![ty.clone()]),
        };
        let mut args = Vec::new();
        for (term, ty) in terms.iter().zip(&types) {
            args.push(self.term(term, names, ty)?);
        }
        let types: Vec<&Ty> = args.iter().map(|&arg| self.graph.ty(arg)).collect();
        op.result(&types).ok()?;
        Some(self.graph.push(op, &args, self.origin))
    }
}

/// The types of operands that give this result.
fn operands(op: MapOp, ty: &Ty) -> Vec<Ty> {
    let bools = Ty::new(Elem::Bool, ty.dims.clone());
    let floats = Ty::new(Elem::Float, ty.dims.clone());
    match op {
        MapOp::Select => vec![bools, ty.clone(), ty.clone()],
        MapOp::Float => vec![bools],
        MapOp::Not | MapOp::And | MapOp::Or => vec![bools; op.arity()],
        _ => vec![floats; op.arity()],
    }
}
