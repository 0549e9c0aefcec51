//! Two instructions → one, where they follow one another and the second reads what the first
//! computes: a tile is then written and read once less, which is most of what an instruction costs.
//!
//! Every number keeps its bits; a product that is not rounded before its sum is chosen earlier, by
//! `emit.rs`, which knows what is compared.

use super::layout::DType;
use super::program::TileOp;
use super::registers::{Draft, Kind, Val};
use crate::ir::{MapOp, ReduceOp};

/// Joins pairs in every segment.
pub(super) fn join(drafts: &mut [(bool, Vec<Draft>)], kinds: &[Kind], lane: DType) {
    let reads = reads(drafts, kinds.len());
    for (_, code) in drafts {
        let mut joined: Vec<Draft> = Vec::with_capacity(code.len());
        for draft in code.drain(..) {
            let pair = joined.last().and_then(|first| {
                let passes_on = match first.dst {
                    Val::Reg(reg) => reads[reg] == 1 && kinds[reg] == Kind::Tile,
                    _ => false,
                };
                pair(first, &draft, passes_on, lane)
            });
            match (pair, joined.last_mut()) {
                (Some(pair), Some(last)) => *last = pair,
                _ => joined.push(draft),
            }
        }
        *code = joined;
    }
}

/// How many instructions read each register.
fn reads(drafts: &[(bool, Vec<Draft>)], registers: usize) -> Vec<usize> {
    let mut reads = vec![0; registers];
    for draft in drafts.iter().flat_map(|(_, code)| code) {
        for arg in draft.args {
            if let Val::Reg(reg) = arg {
                reads[reg] += 1;
            }
        }
    }
    reads
}

/// Both as one. `passes_on` says that nothing else reads the result of the first.
fn pair(first: &Draft, second: &Draft, passes_on: bool, lane: DType) -> Option<Draft> {
    if first.guard != 0 || first.single != second.single {
        return None;
    }
    // The operand of a sum or difference that is not the result of the first.
    let other = |at: usize| (second.args[at], second.scalar[at]);
    let with = |op: TileOp, last: usize, (val, scalar): (Val, bool)| {
        let (mut args, mut scalars) = (first.args, first.scalar);
        (args[last], scalars[last]) = (val, scalar);
        Draft {
            op,
            dst: second.dst,
            args,
            scalar: scalars,
            aux: second.aux,
            guard: second.guard,
            single: second.single,
        }
    };
    let at = second.args.iter().position(|&arg| arg == first.dst)?;
    match (first.op, second.op) {
        (
            TileOp::Load(dtype),
            TileOp::Acc(op @ (ReduceOp::Sum | ReduceOp::Max | ReduceOp::Min)),
        ) if dtype == lane && first.aux == 1 => {
            let mut pair = first.clone();
            pair.op = TileOp::LoadAcc(op);
            pair.args[2] = second.dst;
            Some(pair)
        }
        (TileOp::Map(MapOp::Mul), TileOp::AcrossBoth)
            if passes_on && !first.scalar[0] && !first.scalar[1] =>
        {
            let mut pair = second.clone();
            pair.op = TileOp::AcrossBothMul;
            (pair.args[2], pair.args[3]) = (first.args[0], first.args[1]);
            Some(pair)
        }
        (TileOp::WhereEq, TileOp::Map(MapOp::Add)) if passes_on => {
            Some(with(TileOp::AddWhereEq, 3, other(1 - at)))
        }
        (TileOp::Map(MapOp::Gate), TileOp::Map(MapOp::Add)) if passes_on && !first.scalar[0] => {
            Some(with(TileOp::GateAdd, 2, other(1 - at)))
        }
        (TileOp::Map(MapOp::Gate), TileOp::Map(MapOp::Sub))
            if passes_on && !first.scalar[0] && at == 1 =>
        {
            Some(with(TileOp::GateSub, 2, other(0)))
        }
        _ => None,
    }
}
