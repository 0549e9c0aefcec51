//! Operations along several dims seen as one: order, running sums, selection, distance.
//!
//! The indices over the dims of such an operation count as one sequence, in row-major order over
//! those dims ascending; every setting of the other dims has a sequence of its own. So the result
//! has the dims of the operand, and sizes stay symbolic.

use super::op::Op;
use super::ty::{Dims, Elem, Ty};

macro_rules! order_ops {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal, $arity:literal;)*) => {
        /// An operation along a sequence of positions.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum OrderOp {
            $($(#[doc = $doc])+ $name,)*
        }

        impl OrderOp {
            /// Every one, in the order of the table.
            pub const ALL: &'static [OrderOp] = &[$(OrderOp::$name),*];

            /// The name in the text form.
            pub fn name(self) -> &'static str {
                match self { $(OrderOp::$name => $text,)* }
            }

            /// How many operands it takes.
            pub fn arity(self) -> usize {
                match self { $(OrderOp::$name => $arity,)* }
            }

            /// What it does, in a sentence.
            pub fn about(self) -> &'static str {
                match self { $(OrderOp::$name => concat!($($doc),+).trim_ascii(),)* }
            }
        }
    };
}

order_ops! {
    /// The positions of the entries from the smallest to the largest, equals as they stand, NaN last
    ArgSort = "argsort", 1;
    /// The positions of the entries from the largest to the smallest, equals as they stand, NaN last
    ArgSortDown = "argsort_down", 1;
    /// Entry i is the operand's entry at the position that the second operand has at i
    Take = "take", 2;
    /// Adds entry i to position p(i), p the second operand: the adjoint of `take`
    Scatter = "scatter", 2;
    /// Σ of the entries up to each position, itself included
    CumSum = "cumsum", 1;
    /// Σ of the entries from each position on: the adjoint of `cumsum`
    CumSumBack = "cumsum_back", 1;
    /// Σ of the entries up to each position, in the order that the second operand lists
    CumSumBy = "cumsum_by", 2;
    /// Σ of the entries from each position on, in the order that the second operand lists
    CumSumByBack = "cumsum_by_back", 2;
    /// Whether fewer entries than the second operand says are larger, or equal and earlier; NaN is smallest
    TopK = "top_k", 2;
}

impl OrderOp {
    /// The function of the language that it is a case of.
    pub fn function(self) -> &'static str {
        match self {
            OrderOp::ArgSort | OrderOp::ArgSortDown => "argsort",
            OrderOp::Take | OrderOp::Scatter => "take",
            OrderOp::CumSum | OrderOp::CumSumBack | OrderOp::CumSumBy | OrderOp::CumSumByBack => {
                "cumsum"
            }
            OrderOp::TopK => "top_k",
        }
    }

    /// The operation with this name in the text form.
    pub fn from_name(name: &str) -> Option<OrderOp> {
        OrderOp::ALL.iter().copied().find(|op| op.name() == name)
    }

    /// The type of the result along `over`, or what is wrong with the operands.
    pub(super) fn result(self, over: &Dims, args: &[&Ty]) -> Result<Ty, String> {
        let whole = Op::Order(self, over.clone());
        if args.len() != self.arity() {
            return Err(format!(
                "`{}` takes {} operands, not {}",
                self.name(),
                self.arity(),
                args.len()
            ));
        }
        if !over.is_subset(&args[0].dims) {
            return Err(format!("`{}` along dims that are not there", self.name()));
        }
        let x = args[0];
        if self != OrderOp::Take {
            super::op::expect(x, Elem::Float, &whole)?;
        }
        let second = |elem: Elem, dims: &Dims| {
            super::op::expect(args[1], elem, &whole)?;
            if args[1].dims == *dims {
                return Ok(());
            }
            Err(format!("operands of `{}` do not fit in dims", self.name()))
        };
        match self {
            OrderOp::ArgSort | OrderOp::ArgSortDown => {
                return Ok(Ty::new(Elem::Int, x.dims.clone()));
            }
            OrderOp::CumSum | OrderOp::CumSumBack => {}
            OrderOp::Take | OrderOp::Scatter | OrderOp::CumSumBy | OrderOp::CumSumByBack => {
                second(Elem::Int, &x.dims)?
            }
            OrderOp::TopK => {
                second(Elem::Float, &x.dims.minus(over))?;
                return Ok(Ty::new(Elem::Bool, x.dims.clone()));
            }
        }
        Ok(x.clone())
    }
}
