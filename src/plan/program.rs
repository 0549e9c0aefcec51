//! What a plan consists of: buffers, whole-tensor operations, and passes with their programs.

use super::layout::DType;
use crate::ir::{Edge, MapOp, OrderOp, ReduceOp, Rim};
use std::ops::Range;

/// The type in which a plan computes inside tiles.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lane {
    /// f32, and i32 for integers.
    F32,
    /// f64, and i64 for integers.
    F64,
}

impl Lane {
    /// The name of the type of its floats.
    pub fn name(self) -> &'static str {
        match self {
            Lane::F32 => "f32",
            Lane::F64 => "f64",
        }
    }

    /// The type of its floats.
    pub fn dtype(self) -> DType {
        match self {
            Lane::F32 => DType::F32,
            Lane::F64 => DType::F64,
        }
    }

    /// Bytes per lane.
    pub fn size(self) -> usize {
        match self {
            Lane::F32 => 4,
            Lane::F64 => 8,
        }
    }
}

/// One thing to do.
#[derive(Clone, Debug)]
pub enum Step {
    /// Whole-tensor operations, one after the other.
    Whole(Vec<Whole>),
    /// A product of matrices.
    Product(Box<Product>),
    /// One trip over memory.
    Pass(Box<Pass>),
}

/// An array of f64 that lives between steps: the result of a whole-tensor operation, a completed
/// reduction, a table of constants.
#[derive(Clone, Debug)]
pub struct Buffer {
    /// Elements.
    pub len: usize,
    /// Its elements, where they are known beforehand.
    pub values: Option<Vec<f64>>,
    /// What the text form calls it.
    pub name: String,
}

/// A walk through an array: where it starts, and a stride per loop. The loops are the caller's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Walk {
    /// Which array.
    pub of: usize,
    /// Its first element.
    pub offset: usize,
    /// Elements per step of each loop.
    pub strides: Vec<usize>,
}

/// A whole-tensor operation on buffers.
#[derive(Clone, Debug)]
pub struct Whole {
    /// What to do.
    pub op: WholeOp,
    /// The sizes of the loops: those of the result, then those that are contracted.
    pub shape: Vec<usize>,
    /// How many of the loops belong to the result, which is dense over them (but see `Order`).
    pub kept: usize,
    /// The buffer of the result.
    pub into: usize,
    /// The operands: buffers, but for `Import`.
    pub args: Vec<Walk>,
}

/// What a whole-tensor operation does at each index.
#[derive(Clone, Debug, PartialEq)]
pub enum WholeOp {
    /// Reads the input with the number that the operand's `of` says.
    Import,
    /// Copies.
    Copy,
    /// Computes an elementwise operation.
    Map(MapOp),
    /// Reduces over the contracted loops.
    Reduce(ReduceOp),
    /// Takes the first operand at the class that the second says; a class is this far from the
    /// next, and there are that many.
    Pick {
        /// From one class to the next.
        stride: usize,
        /// How many there are.
        classes: usize,
    },
    /// Finds the position of the largest along the only contracted loop.
    ArgMax,
    /// Copies what lies `by` back along one loop.
    Shift {
        /// Which loop.
        axis: usize,
        /// How far.
        by: i64,
        /// What lies outside.
        edge: Edge,
    },
    /// Works along the loops behind the first `kept`, seen as one. The result has all loops and lies
    /// by these strides.
    Order(OrderOp, Vec<usize>),
    /// Measures distances along the loops behind the first `kept`.
    Distance {
        /// How the result, which has all loops, lies.
        strides: Vec<usize>,
        /// From one position to the next, for each of those loops.
        spacing: Vec<f64>,
    },
    /// Finds the largest entry around each one along one loop.
    WindowMax {
        /// Which loop.
        axis: usize,
        /// How far the window reaches to each side.
        radius: usize,
    },
    /// Sums the entries around each one along one loop, weighted.
    WindowSum {
        /// Which loop.
        axis: usize,
        /// The weights, that of the entry itself in the middle.
        weights: Vec<f64>,
        /// What lies outside.
        rim: Rim,
    },
    /// Sums the third operand around each position along one loop, where the first operand there
    /// is the second here.
    WindowTies {
        /// Which loop.
        axis: usize,
        /// How far the window reaches to each side.
        radius: usize,
    },
    /// Sums a stretch of the operand for each position along one loop, or one stretch for all.
    Stretches {
        /// Which loop; none if there is one stretch.
        axis: Option<usize>,
        /// From one entry of the operand to the next.
        stride: usize,
        /// The entries that are summed.
        ranges: Vec<Range<usize>>,
    },
    /// Copies to the positions from `start` on along one loop, `len` of them; 0 elsewhere.
    Place {
        /// Which loop.
        axis: usize,
        /// The first position.
        start: usize,
        /// How many.
        len: usize,
    },
}

/// A contraction: products of two operands, each of which has loops that the other lacks, summed over loops
/// that both have.
#[derive(Clone, Debug)]
pub struct Product {
    /// The sizes of the loops: those of the result, then those that are summed over.
    pub shape: Vec<usize>,
    /// How many of the loops belong to the result.
    pub kept: usize,
    /// The operands.
    pub args: [Matrix; 2],
    /// The result, without gaps; its strides are those of the loops that it has.
    pub into: Matrix,
    /// What is multiplied: numbers of the lane type where they come from passes and go to passes, f64
    /// where the result is a buffer.
    pub lane: Lane,
}

/// What a product reads or writes.
#[derive(Clone, Debug)]
pub struct Matrix {
    /// What it is.
    pub place: Place,
    /// The type of its elements.
    pub dtype: DType,
    /// The first element.
    pub offset: usize,
    /// Elements per step of each loop, 0 where it lacks the loop.
    pub strides: Vec<usize>,
    /// Its elements.
    pub count: usize,
    /// What the text form calls it.
    pub name: String,
}

/// One trip over memory: a loop nest and the program that runs in each of its tiles.
#[derive(Clone, Debug)]
pub struct Pass {
    /// How the dims are looped over, in words.
    pub title: String,
    /// Sizes of the outer loops.
    pub outer: Vec<usize>,
    /// Length of the lane dim.
    pub lane: usize,
    /// Whether tiles are rows (see `plan::space`): the inner loop runs over the lane dim.
    pub rows: bool,
    /// Size of the inner loop where tiles are not rows.
    pub inner: usize,
    /// Lanes of a register.
    pub width: usize,
    /// Arrays that are read or written.
    pub arrays: Vec<Array>,
    /// Constants, as (value, is an integer).
    pub consts: Vec<(f64, bool)>,
    /// The program.
    pub segments: Vec<Segment>,
    /// Elements of scratch memory that registers take.
    pub scratch: usize,
    /// Reductions across tiles.
    pub sums: Vec<Across>,
    /// Elements of accumulators, in f64: those of `sums`, then those of rows.
    pub slots: usize,
    /// Accumulators that start afresh in every row: where, and with what.
    pub row_slots: Vec<(usize, f64)>,
    /// Consecutive tiles that one task takes; a task does not cross rows if `split` says so.
    pub block: usize,
    /// Whether some reduction keeps outer dims, so that a block belongs to one row.
    pub split: bool,
    /// Whether its tasks come from the last one on: it then begins with what the pass before it read last, which
    /// is still in the cache.
    pub backwards: bool,
    /// Elements that the pass touches, all arrays together; decides about threads.
    pub work: usize,
}

impl Pass {
    /// The number of outer indices.
    pub fn row_count(&self) -> usize {
        self.outer.iter().product()
    }

    /// Tiles per outer index.
    pub fn tiles_per_row(&self) -> usize {
        if self.rows {
            1
        } else {
            self.lane.div_ceil(self.width)
        }
    }

    /// Turns of the inner loop.
    pub fn turns(&self) -> usize {
        if self.rows {
            self.lane.div_ceil(self.width)
        } else {
            self.inner
        }
    }

    /// The number of tasks, which depends on sizes and on nothing else.
    pub fn blocks(&self) -> usize {
        let tiles = self.tiles_per_row();
        if self.split {
            self.row_count() * tiles.div_ceil(self.block)
        } else {
            (self.row_count() * tiles).div_ceil(self.block)
        }
    }
}

/// What an array of a pass is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// The tensor bound to an input.
    Input(usize),
    /// A buffer of f64.
    Buffer(usize),
    /// A copy of a buffer in the lane type, made before the pass.
    Param(usize),
    /// An array in the lane type that passes and products hand on.
    Kept(usize),
    /// An output of the plan.
    Output(usize),
}

/// An array as a pass walks through it.
#[derive(Clone, Debug)]
pub struct Array {
    /// What it is.
    pub place: Place,
    /// The type of its elements.
    pub dtype: DType,
    /// Whether they are integers to the program.
    pub int: bool,
    /// The first element.
    pub offset: usize,
    /// Elements per step of each outer loop.
    pub outer: Vec<usize>,
    /// Elements per class, or 0.
    pub inner: usize,
    /// Elements per lane, or 0.
    pub lane: usize,
    /// Elements that the walk touches, each once.
    pub count: usize,
    /// Whether the pass writes it.
    pub written: bool,
    /// What the text form calls it.
    pub name: String,
}

/// A copy of a buffer in the lane type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    /// The buffer.
    pub buffer: usize,
    /// Whether its elements are integers to the program.
    pub int: bool,
}

/// A reduction across tiles.
#[derive(Clone, Debug)]
pub struct Across {
    /// How partial results combine.
    pub op: ReduceOp,
    /// The first accumulator.
    pub slot: usize,
    /// How many: one, or one per class.
    pub width: usize,
    /// The buffer of the result.
    pub into: usize,
    /// Elements of the result per step of each outer loop; 0 where the loop is reduced over.
    pub outer: Vec<usize>,
    /// Elements of the result per class.
    pub inner: usize,
}

/// A stretch of a program.
#[derive(Clone, Debug)]
pub struct Segment {
    /// Whether it runs in every turn of the inner loop, or once per tile.
    pub looped: bool,
    /// The instructions.
    pub code: Vec<Instr>,
}

/// Where an operand begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Base {
    /// Nowhere: the operand is not used.
    None,
    /// Scratch memory.
    Reg,
    /// The constants of the pass.
    Const,
    /// An array, at the current tile.
    Array(u16),
    /// The accumulators of the block.
    Slot,
}

/// An operand: elements from a base, and a step per turn of the inner loop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Loc {
    /// What `offset` counts from.
    pub base: Base,
    /// Elements from there.
    pub offset: usize,
    /// Elements per turn.
    pub step: usize,
    /// Whether it is one number for all lanes.
    pub scalar: bool,
}

impl Loc {
    /// No operand.
    pub const NONE: Loc = Loc {
        base: Base::None,
        offset: 0,
        step: 0,
        scalar: false,
    };
}

/// An instruction: one kernel over one tile.
#[derive(Clone, Debug)]
pub struct Instr {
    /// What it does.
    pub op: TileOp,
    /// Where the result goes.
    pub dst: Loc,
    /// The operands.
    pub args: [Loc; 4],
    /// A number that some kernels want: a stride, the size of a table.
    pub aux: usize,
    /// Outer loops (one bit each) that must stand at 0: an operand lacks them, and is to be
    /// counted or written once.
    pub guard: u32,
    /// Works on one element even within rows.
    pub single: bool,
}

/// What an instruction does. `a`, `b`, `c`, `e` are the operands and `d` is the result.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum TileOp {
    /// d = op(a, b, c)
    Map(MapOp),
    /// d = op(a, b) on integers
    Compare(MapOp),
    /// d = a as a float, from an integer
    Float,
    /// d = a for all lanes
    Fill,
    /// d = a
    Copy,
    /// d = the array a of this type, `aux` elements from lane to lane, as a float
    Load(DType),
    /// The same, as an integer.
    LoadInt(DType),
    /// d = the array a, in the lane type and dense, and c = c ⊕ d, lane by lane
    LoadAcc(ReduceOp),
    /// The array d of this type = a
    Store(DType),
    /// The same past the cache.
    Stream(DType),
    /// d = exp(a − b)
    SubExp,
    /// d = a · b + c
    MulAdd,
    /// d = a · b − c
    MulSub,
    /// d = c − a · b
    NegMulAdd,
    /// d = c + a · b, which is 0 where a is
    GateAdd,
    /// d = c − a · b, which is 0 where a is
    GateSub,
    /// d = c where the integers a and b are equal, else 0
    WhereEq,
    /// d = e + c where the integers a and b are equal, else e
    AddWhereEq,
    /// d = d ⊕ a, lane by lane
    Acc(ReduceOp),
    /// d = d + a · b
    AccMul,
    /// d = exp(a − b), and c = c + d
    SubExpAcc,
    /// d = ⊕ of the lanes of a, into an accumulator
    Across(ReduceOp),
    /// d = Σ a · b, into an accumulator
    AcrossMul,
    /// d = Σ c where the integers a and b are equal, into an accumulator
    AcrossWhereEq,
    /// The same, and Σ c into the accumulator `aux` behind
    AcrossBoth,
    /// The same of c · e
    AcrossBothMul,
    /// d = b where the integers a and c are equal, else d
    PickAcc,
    /// d = the table b of `aux` elements at the index a; NaN outside
    Lookup,
    /// d = the one element at index b of `aux` in the array a of this type
    Fetch(DType),
    /// The same for an array of integers
    FetchInt(DType),
    /// d = c where a > b; b = max(a, b)
    ArgMaxAcc,
    /// d = the accumulator a, of this reduction, as a number
    Total(ReduceOp),
}
