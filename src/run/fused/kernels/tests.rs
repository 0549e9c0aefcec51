//! Every kernel alone, on every instruction set that the machine has.
//!
//! Operands share one piece of scratch memory when a pass runs, where reading a lane too many goes unnoticed. Here each
//! is an allocation of just its size, so that Miri and AddressSanitizer see it.

use super::{Baseline, Isa, Kernel, WIDE, kernel};
use crate::ir::{MapOp, ReduceOp};
use crate::plan::{DType, TileOp};
use crate::run::fused::lanes::Lanes;
use half::{bf16, f16};
use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};

/// Numbers of lanes: one, fewer than a vector, as many as there are partial sums, and neither. Miri, which is
/// slow, takes one lane and enough of them for every loop of a kernel.
const LANES: &[usize] = if cfg!(miri) {
    &[1, 67]
} else {
    &[1, 5, 64, 67, 143]
};

/// What an operand points to.
#[derive(Clone, Copy)]
enum Behind {
    /// A number in each lane.
    Lanes,
    /// A number, the same in all lanes.
    Number,
    /// 0 or 1 in each lane.
    Truths,
    /// An integer in each lane.
    Ints,
    /// An integer, the same in all lanes.
    Int,
    /// Elements of a type in memory, so many apart from lane to lane.
    Memory(DType, usize),
    /// So many elements of a type in memory.
    Elements(DType, usize),
    /// So many accumulators.
    Accumulators(usize),
    /// The operand before, as it is not used.
    First,
}

use Behind::{Accumulators, Elements, First, Int, Ints, Memory, Number, Truths};

/// A kernel and what it works on: the result first.
struct Case {
    op: TileOp,
    operands: [Behind; 5],
    aux: usize,
}

/// Memory of just the size of its elements.
struct Block {
    at: *mut u8,
    layout: Layout,
    dtype: DType,
}

impl Block {
    fn new(dtype: DType, numbers: impl ExactSizeIterator<Item = f64>) -> Block {
        let size = dtype.size();
        let layout = Layout::from_size_align(numbers.len() * size, size).expect("a small size");
        // SAFETY: no block is empty.
        let at = unsafe { alloc_zeroed(layout) };
        if at.is_null() {
            handle_alloc_error(layout);
        }
        for (i, x) in numbers.enumerate() {
            // SAFETY: there is room for all of them, aligned to their size.
            unsafe {
                match dtype {
                    DType::U8 => *at.add(i) = x as u8,
                    DType::U32 => *at.cast::<u32>().add(i) = x as u32,
                    DType::I16 => *at.cast::<i16>().add(i) = x as i16,
                    DType::I32 => *at.cast::<i32>().add(i) = x as i32,
                    DType::I64 => *at.cast::<i64>().add(i) = x as i64,
                    DType::F16 => *at.cast::<f16>().add(i) = f16::from_f64(x),
                    DType::BF16 => *at.cast::<bf16>().add(i) = bf16::from_f64(x),
                    DType::F32 => *at.cast::<f32>().add(i) = x as f32,
                    DType::F64 => *at.cast::<f64>().add(i) = x,
                }
            }
        }
        Block { at, layout, dtype }
    }

    fn numbers(&self) -> Vec<f64> {
        let at = self.at;
        let number = |i: usize| {
            // SAFETY: there are as many elements as in `new`, all of them written.
            unsafe {
                match self.dtype {
                    DType::U8 => f64::from(*at.add(i)),
                    DType::U32 => f64::from(*at.cast::<u32>().add(i)),
                    DType::I16 => f64::from(*at.cast::<i16>().add(i)),
                    DType::I32 => f64::from(*at.cast::<i32>().add(i)),
                    DType::I64 => *at.cast::<i64>().add(i) as f64,
                    DType::F16 => (*at.cast::<f16>().add(i)).to_f64(),
                    DType::BF16 => (*at.cast::<bf16>().add(i)).to_f64(),
                    DType::F32 => f64::from(*at.cast::<f32>().add(i)),
                    DType::F64 => *at.cast::<f64>().add(i),
                }
            }
        };
        (0..self.layout.size() / self.dtype.size())
            .map(number)
            .collect()
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: it was allocated with this layout.
        unsafe { dealloc(self.at, self.layout) };
    }
}

/// A block of `n` lanes of what an operand points to; `seed` tells operands apart.
fn block<T: Lanes>(behind: Behind, n: usize, seed: usize) -> Block {
    let (float, int) = if size_of::<T>() == 4 {
        (DType::F32, DType::I32)
    } else {
        (DType::F64, DType::I64)
    };
    // Numbers of moderate size with few equal among them; labels of which some are no class.
    let number = move |i: usize| 0.1 + 1.9 * ((i + 17 * seed) as f64 * 0.618).fract();
    let label = move |i: usize| ((i * 7 + seed) % 6) as f64 - 1.0;
    match behind {
        Behind::Lanes => Block::new(float, (0..n).map(number)),
        Number => Block::new(float, (0..1).map(number)),
        Truths => Block::new(float, (0..n).map(|i| number(i).floor())),
        Ints => Block::new(int, (0..n).map(label)),
        Int => Block::new(int, (3..4).map(label)),
        Memory(dtype, apart) => Block::new(dtype, (0..(n - 1) * apart + 1).map(number)),
        Elements(dtype, count) => Block::new(dtype, (0..count).map(number)),
        Accumulators(count) => Block::new(DType::F64, (0..count * WIDE).map(number)),
        First => unreachable!("an operand of its own"),
    }
}

/// What the kernel of an instruction set leaves in all blocks.
fn run<T: Lanes, I: Isa>(case: &Case, n: usize) -> Vec<f64> {
    let number = |behind: &Behind| matches!(behind, Number | Int);
    let scalar = std::array::from_fn(|i| number(&case.operands[i + 1]));
    let kernel: Kernel = kernel::<T, I>(case.op, scalar);
    let mut blocks: Vec<Block> = Vec::new();
    let mut at = [std::ptr::null_mut(); 5];
    for (i, &behind) in case.operands.iter().enumerate() {
        at[i] = match behind {
            First => at[1],
            _ => {
                blocks.push(block::<T>(behind, n, i));
                blocks[blocks.len() - 1].at
            }
        };
    }
    let [d, a, b, c, e] = at;
    // SAFETY: the machine has the instruction set, and the operands are those of the kernel.
    unsafe { kernel(d, a, b, c, e, n, case.aux) };
    blocks.iter().flat_map(Block::numbers).collect()
}

/// Every kernel with every kind of operands that it takes.
fn cases<T: Lanes>() -> Vec<Case> {
    use Behind::Lanes;
    let lane = if size_of::<T>() == 4 {
        DType::F32
    } else {
        DType::F64
    };
    let mut cases = Vec::new();
    let mut case = |op, aux, operands: &[Behind]| {
        let mut all = [First; 5];
        all[..operands.len()].copy_from_slice(operands);
        cases.push(Case {
            op,
            operands: all,
            aux,
        });
    };
    for &op in MapOp::ALL {
        let first = match op {
            MapOp::Not | MapOp::And | MapOp::Or | MapOp::Select => Truths,
            _ => Lanes,
        };
        let (b, op) = (Lanes, TileOp::Map(op));
        match op {
            TileOp::Map(map) if map.arity() == 1 => case(op, 0, &[Lanes, first]),
            TileOp::Map(MapOp::And | MapOp::Or) => case(op, 0, &[Lanes, Truths, Truths]),
            TileOp::Map(map) if map.arity() == 2 => {
                for (a, b) in [(Lanes, Lanes), (Lanes, Number), (Number, Lanes)] {
                    case(op, 0, &[Lanes, a, b]);
                }
            }
            _ => {
                for (b, c) in [(b, b), (Number, b), (b, Number), (Number, Number)] {
                    case(op, 0, &[Lanes, first, b, c]);
                }
            }
        }
    }
    for (a, b) in [(Ints, Ints), (Ints, Int), (Int, Ints)] {
        use MapOp::{Eq, Ge, Gt, Le, Lt, Ne};
        for op in [Eq, Ne, Lt, Le, Gt, Ge] {
            case(TileOp::Compare(op), 0, &[Lanes, a, b]);
        }
    }
    case(TileOp::Float, 0, &[Lanes, Ints]);
    case(TileOp::Fill, 0, &[Lanes, Number]);
    case(TileOp::Fill, 0, &[Ints, Int]);
    case(TileOp::Copy, 0, &[Lanes, Lanes]);
    for &dtype in DType::ALL {
        for apart in [1, 3] {
            case(TileOp::Load(dtype), apart, &[Lanes, Memory(dtype, apart)]);
            case(TileOp::LoadInt(dtype), apart, &[Ints, Memory(dtype, apart)]);
            case(TileOp::Store(dtype), apart, &[Memory(dtype, apart), Lanes]);
        }
        // 4 classes, 3 elements apart.
        let table = Elements(dtype, 10);
        case(TileOp::Fetch(dtype), 4 | 3 << 32, &[Number, table, Int]);
        case(TileOp::FetchInt(dtype), 4 | 3 << 32, &[Int, table, Int]);
    }
    if lane == DType::F32 {
        case(TileOp::Stream(DType::F32), 1, &[Lanes, Lanes]);
    }
    for op in [ReduceOp::Sum, ReduceOp::Prod, ReduceOp::Max, ReduceOp::Min] {
        case(TileOp::LoadAcc(op), 1, &[Lanes, Lanes, First, Lanes]);
        case(TileOp::Acc(op), 0, &[Lanes, Lanes]);
        case(TileOp::Across(op), 0, &[Accumulators(1), Lanes]);
        case(TileOp::Total(op), 0, &[Number, Accumulators(1)]);
    }
    for (a, b) in [(Lanes, Lanes), (Lanes, Number), (Number, Lanes)] {
        case(TileOp::SubExp, 0, &[Lanes, a, b]);
    }
    for (b, c) in [
        (Lanes, Lanes),
        (Number, Lanes),
        (Lanes, Number),
        (Number, Number),
    ] {
        for op in [
            TileOp::MulAdd,
            TileOp::MulSub,
            TileOp::NegMulAdd,
            TileOp::GateAdd,
            TileOp::GateSub,
        ] {
            case(op, 0, &[Lanes, Lanes, b, c]);
        }
        case(TileOp::AddWhereEq, 0, &[Lanes, Ints, Int, b, c]);
    }
    for c in [Lanes, Number] {
        case(TileOp::AccMul, 0, &[Lanes, Lanes, c]);
        case(TileOp::WhereEq, 0, &[Lanes, Ints, Int, c]);
        case(TileOp::AcrossWhereEq, 0, &[Accumulators(1), Ints, Int, c]);
    }
    case(TileOp::AcrossMul, 0, &[Accumulators(1), Lanes, Lanes]);
    case(TileOp::AcrossBoth, 1, &[Accumulators(2), Ints, Int, Lanes]);
    case(
        TileOp::AcrossBothMul,
        1,
        &[Accumulators(2), Ints, Int, Lanes, Lanes],
    );
    case(TileOp::SubExpAcc, 0, &[Lanes, Lanes, Lanes, Lanes]);
    case(TileOp::PickAcc, 0, &[Lanes, Ints, Lanes, Int]);
    for classes in [4, 20] {
        let table = Elements(lane, (classes - 1) * 3 + 1);
        case(TileOp::Lookup, classes | 3 << 32, &[Lanes, Ints, table]);
    }
    case(TileOp::ArgMaxAcc, 0, &[Ints, Lanes, Lanes, Int]);
    cases
}

/// That two lists are the same but for rounding; for all bits, if nothing is `allowed`.
fn same(found: &[f64], expected: &[f64], allowed: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (x, y)) in found.iter().zip(expected).enumerate() {
        let near = (x - y).abs() <= allowed * y.abs().max(1.0);
        assert!(
            x == y || near || (x.is_nan() && y.is_nan()),
            "{what}: {x} and not {y} at {i}"
        );
    }
}

fn check<T: Lanes>(allowed: f64) {
    for case in cases::<T>() {
        for &n in LANES {
            let what = format!("{:?} of {n}", case.op);
            let found = run::<T, Baseline>(&case, n);
            if let TileOp::Map(op) = case.op {
                let operand = |i: usize| -> Vec<f64> {
                    match case.operands[i] {
                        First => vec![0.0; n],
                        Number => vec![block::<T>(Number, n, i).numbers()[0]; n],
                        behind => block::<T>(behind, n, i).numbers(),
                    }
                };
                let (a, b, c) = (operand(1), operand(2), operand(3));
                let expected: Vec<f64> = (0..n).map(|i| op.eval(a[i], b[i], c[i])).collect();
                same(&found[..n], &expected, allowed, &what);
            }
            #[cfg(target_arch = "x86_64")]
            {
                use super::{Avx2, Avx512};
                let level = crate::run::fused::level();
                let avx2 = (level >= 1).then(|| run::<T, Avx2>(&case, n));
                let avx512 = (level >= 2).then(|| run::<T, Avx512>(&case, n));
                // Without fused multiply-add they round otherwise.
                for wide in avx2.iter().chain(&avx512) {
                    same(&found, wide, allowed, &what);
                }
                if let (Some(avx2), Some(avx512)) = (avx2, avx512) {
                    same(&avx2, &avx512, 0.0, &what);
                }
            }
        }
    }
}

#[test]
fn kernels_in_f32() {
    check::<f32>(1e-5);
}

#[test]
fn kernels_in_f64() {
    check::<f64>(1e-12);
}
