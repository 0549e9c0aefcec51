//! The table of functions that the language has of itself.
//!
//! Elementwise functions come from the table in `ir/op.rs`; the rest is [`FUNCTIONS`].

use crate::ir::MapOp;

/// A function that is not elementwise: its name, how it is written, what it does.
pub struct Function {
    /// The name.
    pub name: &'static str,
    /// How it is written.
    pub usage: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
}

macro_rules! functions {
    ($($name:literal, $usage:literal, $about:literal;)*) => {
        /// The functions of the language that are not elementwise.
        pub const FUNCTIONS: &[Function] = &[$(Function { name: $name, usage: $usage, about: $about }),*];
    };
}

functions! {
    "sum", "sum[axes](x, where=m)", "Σ over the axes, over all without brackets";
    "mean", "mean[axes](x, where=m)", "Σ x / number of elements, over those where `m` holds; 0 of nothing";
    "weighted_mean", "weighted_mean[axes](x, w)", "Σ w·x / Σ w; 0 where Σ w = 0";
    "max", "max[axes](x, where=m), max(a, b)", "the largest over the axes, or the larger of two";
    "min", "min[axes](x, where=m), min(a, b)", "the smallest over the axes, or the smaller of two";
    "prod", "prod[axes](x, where=m)", "Π over the axes";
    "logsumexp", "logsumexp[axes](x, where=m)", "log Σ exp without overflow";
    "count", "count[axes](m)", "how many are true";
    "any", "any[axes](m)", "whether any is true";
    "all", "all[axes](m)", "whether all are true";
    "argmax", "argmax[C](x)", "the position of the largest along one axis, the first of equals";
    "softmax", "softmax[C](x)", "exp(x) / Σ exp(x) along one axis";
    "log_softmax", "log_softmax[C](x)", "log(softmax), computed without it";
    "pick", "pick(x, labels)", "the entry of x at the label, along the axis of the classes";
    "onehot", "onehot(labels)", "1 at the label, else 0";
    "index", "index[N], index[B=15]", "0, 1, 2, … along an axis, or along a new one of this size";
    "size", "size[N, C]", "the number of elements along axes";
    "shift", "shift[H](x, by, edge=zero)", "entry i is entry i − by; edge: zero, clamp, wrap";
    "resize", "resize[space](x, like=y, entry=first)", "x at the size of y, from the nearest entries; entry: first, middle of those that it stands for";
    "coarsen", "coarsen[space](x, size)", "the means of blocks of so many entries along each axis; a rest at the end is left out";
    "deep", "deep(loss, [pred, pred_2], weights=[2, 1], entry=first)", "the loss at several resolutions: `pred` stands for each prediction in turn, everything else is resized to it; without weights each counts half of the one before";
    "diff", "diff[H](x)", "differences of neighbours; one entry fewer";
    "max_pool", "max_pool[space](x, size, shape=box, edge=absent)", "the largest around each entry; shape: box, cross; edge: absent, crop";
    "min_pool", "min_pool[space](x, size, shape=box, edge=absent)", "the smallest around each entry; shape: box, cross; edge: absent, crop";
    "avg_pool", "avg_pool[space](x, size, edge=absent)", "the mean of a box around each entry; edge: absent, zero, clamp, wrap, crop";
    "gaussian", "gaussian[space](x, sigma, window=8*sigma+1, edge=absent)", "the mean around each entry, weighted by a bell; edge as for avg_pool";
    "dot", "dot[D](a, b)", "Σ a·b along axes";
    "sort", "sort[axes](x, descending=false)", "x in order along the axes, which count as one; NaN last, equals as they stand";
    "argsort", "argsort[axes](x, descending=false)", "the positions of x in order along the axes, which count as one";
    "take", "take[axes](x, positions)", "x at the positions along the axes, which count as one";
    "cumsum", "cumsum[axes](x, by=y, descending=false)", "Σ of x up to each position along the axes, which count as one, or up to it in the order of `by`";
    "top_k", "top_k[axes](x, k)", "whether x is among the k largest along the axes; of equals the first are";
    "distance", "distance[axes](m, spacing=1, signed=false)", "the Euclidean distance to the nearest position where `m` does not hold; signed: below 0 inside `m`, above outside";
    "expand_as", "expand_as(x, y)", "x repeated along the axes of y that it lacks";
    "where", "where(c, a, b)", "a where c holds, else b";
    "stop_grad", "stop_grad(x)", "x, and no gradient flows through";
}

/// The elementwise operations that are functions of the language.
pub fn elementwise(name: &str) -> Option<MapOp> {
    let op = MapOp::from_name(name)?;
    is_function(op).then_some(op)
}

/// Whether an elementwise operation is called by its name, and not written as an operator.
pub fn is_function(op: MapOp) -> bool {
    !matches!(
        op,
        MapOp::Neg
            | MapOp::Not
            | MapOp::Float
            | MapOp::Add
            | MapOp::Sub
            | MapOp::Mul
            | MapOp::Div
            | MapOp::Pow
            | MapOp::Gate
            | MapOp::Digamma
            | MapOp::Eq
            | MapOp::Ne
            | MapOp::Lt
            | MapOp::Le
            | MapOp::Gt
            | MapOp::Ge
            | MapOp::And
            | MapOp::Or
            | MapOp::Select
    )
}

/// Whether the language itself has a function of this name.
pub fn is_builtin(name: &str) -> bool {
    elementwise(name).is_some() || FUNCTIONS.iter().any(|f| f.name == name)
}
