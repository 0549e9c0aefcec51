//! Instructions → kernels.

use super::body::*;
use super::function::*;
use super::{Isa, Kernel};
use crate::ir::{MapOp, ReduceOp};
use crate::plan::{DType, TileOp};
use crate::run::fused::lanes::Lanes;
use half::{bf16, f16};

/// The kernel of an instruction whose operands are numbers or vectors as `scalar` says.
///
/// # Panics
/// If there is no such kernel, which the plan takes care of.
pub(in super::super) fn kernel<T: Lanes, I: Isa>(op: TileOp, scalar: [bool; 4]) -> Kernel {
    macro_rules! unary {
        ($f:ident) => {
            I::entry::<Each<$f, false, false, false>, T>()
        };
    }
    macro_rules! binary {
        ($f:ident) => {
            match (scalar[0], scalar[1]) {
                (false, false) => I::entry::<Each<$f, false, false, false>, T>(),
                (false, true) => I::entry::<Each<$f, false, true, false>, T>(),
                (true, false) => I::entry::<Each<$f, true, false, true>, T>(),
                (true, true) => unreachable!("{op:?} of numbers"),
            }
        };
    }
    macro_rules! ternary {
        ($f:ident) => {
            match [scalar[0], scalar[1], scalar[2]] {
                [false, false, false] => I::entry::<Each<$f, false, false, false>, T>(),
                [false, true, false] => I::entry::<Each<$f, false, true, false>, T>(),
                [false, false, true] => I::entry::<Each<$f, false, false, true>, T>(),
                [false, true, true] => I::entry::<Each<$f, false, true, true>, T>(),
                _ => unreachable!("{op:?} of a number first"),
            }
        };
    }
    macro_rules! compare {
        ($f:ident) => {
            match (scalar[0], scalar[1]) {
                (false, false) => I::entry::<Compare<$f, false, false>, T>(),
                (false, true) => I::entry::<Compare<$f, false, true>, T>(),
                (true, false) => I::entry::<Compare<$f, true, false>, T>(),
                (true, true) => unreachable!("{op:?} of numbers"),
            }
        };
    }
    macro_rules! by_type {
        ($body:ident, $dtype:expr) => {
            match $dtype {
                DType::U8 => I::entry::<$body<u8>, T>(),
                DType::U32 => I::entry::<$body<u32>, T>(),
                DType::I16 => I::entry::<$body<i16>, T>(),
                DType::I32 => I::entry::<$body<i32>, T>(),
                DType::I64 => I::entry::<$body<i64>, T>(),
                DType::F16 => I::entry::<$body<f16>, T>(),
                DType::BF16 => I::entry::<$body<bf16>, T>(),
                DType::F32 => I::entry::<$body<f32>, T>(),
                DType::F64 => I::entry::<$body<f64>, T>(),
            }
        };
    }
    macro_rules! joining {
        ($body:ident, $op:expr) => {
            match $op {
                ReduceOp::Sum => I::entry::<$body<Add>, T>(),
                ReduceOp::Prod => I::entry::<$body<Mul>, T>(),
                ReduceOp::Max => I::entry::<$body<Max>, T>(),
                ReduceOp::Min => I::entry::<$body<Min>, T>(),
                op => unreachable!("{op:?} is a maximum, a minimum or spelled out"),
            }
        };
    }
    match op {
        TileOp::Map(map) => match map {
            MapOp::Neg => unary!(Neg),
            MapOp::Abs => unary!(Abs),
            MapOp::Exp => unary!(Exp),
            MapOp::Log => unary!(Log),
            MapOp::Log1p => unary!(Log1p),
            MapOp::Expm1 => unary!(Expm1),
            MapOp::Sqrt => unary!(Sqrt),
            MapOp::Sigmoid => unary!(Sigmoid),
            MapOp::Softplus => unary!(Softplus),
            MapOp::Relu => unary!(Relu),
            MapOp::Tanh => unary!(Tanh),
            MapOp::Sin => unary!(Sin),
            MapOp::Cos => unary!(Cos),
            MapOp::Atan => unary!(Atan),
            MapOp::Erf => unary!(Erf),
            MapOp::Lgamma => unary!(Lgamma),
            MapOp::Digamma => unary!(Digamma),
            MapOp::Floor => unary!(Floor),
            MapOp::Sign => unary!(Sign),
            MapOp::Not => unary!(Not),
            MapOp::Float => unary!(Float),
            MapOp::Add => binary!(Add),
            MapOp::Sub => binary!(Sub),
            MapOp::Mul => binary!(Mul),
            MapOp::Div => binary!(Div),
            MapOp::Pow => binary!(Pow),
            MapOp::Max => binary!(Max),
            MapOp::Min => binary!(Min),
            MapOp::Gate => binary!(Gate),
            MapOp::Eq => binary!(Eq),
            MapOp::Ne => binary!(Ne),
            MapOp::Lt => binary!(Lt),
            MapOp::Le => binary!(Le),
            MapOp::Gt => binary!(Gt),
            MapOp::Ge => binary!(Ge),
            MapOp::And => binary!(And),
            MapOp::Or => binary!(Or),
            MapOp::Select => ternary!(Select),
            MapOp::Clamp => ternary!(Clamp),
        },
        TileOp::Compare(map) => match map {
            MapOp::Ne => compare!(Ne),
            MapOp::Lt => compare!(Lt),
            MapOp::Le => compare!(Le),
            MapOp::Gt => compare!(Gt),
            MapOp::Ge => compare!(Ge),
            _ => compare!(Eq),
        },
        TileOp::Float => I::entry::<FromInt, T>(),
        TileOp::Fill => I::entry::<Fill, T>(),
        TileOp::Copy => unary!(Float),
        TileOp::Load(dtype) => by_type!(Load, dtype),
        TileOp::LoadInt(dtype) => by_type!(LoadInt, dtype),
        TileOp::LoadAcc(op) => joining!(LoadAcc, op),
        TileOp::Store(dtype) => by_type!(Store, dtype),
        TileOp::Stream(_) => I::entry::<Stream, T>(),
        TileOp::SubExp => binary!(SubExp),
        TileOp::MulAdd => ternary!(MulAdd),
        TileOp::MulSub => ternary!(MulSub),
        TileOp::NegMulAdd => ternary!(NegMulAdd),
        TileOp::GateAdd => ternary!(GateAdd),
        TileOp::GateSub => ternary!(GateSub),
        TileOp::AddWhereEq => match (scalar[2], scalar[3]) {
            (false, false) => I::entry::<AddWhereEq<false, false>, T>(),
            (false, true) => I::entry::<AddWhereEq<false, true>, T>(),
            (true, false) => I::entry::<AddWhereEq<true, false>, T>(),
            (true, true) => I::entry::<AddWhereEq<true, true>, T>(),
        },
        TileOp::WhereEq if scalar[2] => I::entry::<WhereEq<true>, T>(),
        TileOp::WhereEq => I::entry::<WhereEq<false>, T>(),
        TileOp::Acc(op) => joining!(Acc, op),
        TileOp::AccMul if scalar[1] => I::entry::<AccMul<true>, T>(),
        TileOp::AccMul => I::entry::<AccMul<false>, T>(),
        TileOp::SubExpAcc => I::entry::<SubExpAcc, T>(),
        TileOp::Across(op) => joining!(Across, op),
        TileOp::AcrossMul => I::entry::<AcrossMul, T>(),
        TileOp::AcrossWhereEq if scalar[2] => I::entry::<AcrossWhereEq<true>, T>(),
        TileOp::AcrossWhereEq => I::entry::<AcrossWhereEq<false>, T>(),
        TileOp::AcrossBoth => I::entry::<AcrossBoth<false>, T>(),
        TileOp::AcrossBothMul => I::entry::<AcrossBoth<true>, T>(),
        TileOp::PickAcc => I::entry::<PickAcc, T>(),
        TileOp::Lookup => I::entry::<Lookup, T>(),
        TileOp::Fetch(dtype) => by_type!(Fetch, dtype),
        TileOp::FetchInt(dtype) => by_type!(FetchInt, dtype),
        TileOp::ArgMaxAcc => I::entry::<ArgMaxAcc, T>(),
        TileOp::Total(op) => joining!(Total, op),
    }
}
