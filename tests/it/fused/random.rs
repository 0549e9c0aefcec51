//! Random graphs, sizes, types and layouts: the fused back end computes what the reference does.

use super::bind::{Lie, Tensor, distance, meaning, planned, run, tensors};
use crate::ir::random::{Style, arrays, graph, sizes};
use lossc::ir::{DimSizes, Elem, Graph, MapOp, NodeId, Op};
use lossc::passes::{self, Config};
use lossc::plan::DType;
use lossc::run::Array;
use lossc::run::fused::Program;
use proptest::prelude::*;

/// Whether an operation that jumps looks at a sum: the order of summation, which back ends are free
/// to choose, may then decide between two results that are both right.
fn jumps(graph: &Graph) -> bool {
    let mut summed = vec![false; graph.nodes.len()];
    graph.ids().any(|id| {
        let node = graph.node(id);
        let of_sum = node.args.iter().any(|a| summed[a.index()]);
        let sums = matches!(
            node.op,
            Op::Reduce(..) | Op::Dot(_) | Op::Softmax(_) | Op::LogSoftmax(_)
        );
        summed[id.index()] = sums || of_sum;
        let compares = matches!(
            node.op,
            Op::Map(MapOp::Eq | MapOp::Ne | MapOp::Lt | MapOp::Le | MapOp::Gt | MapOp::Ge)
        );
        let steps =
            matches!(node.op, Op::Map(MapOp::Floor | MapOp::Sign) | Op::ArgMax(_)) || compares;
        steps && of_sum
    })
}

/// Whether rounding decides about the digits that are compared: whether the outputs move as much if
/// every node is a little off.
fn shaky(graph: &Graph, sizes: &DimSizes, tensors: &[Tensor]) -> bool {
    let expected = meaning(graph, sizes, tensors);
    [0.618, 0.414].into_iter().any(|step: f64| {
        let mut noisy = graph.empty_like();
        let mut new: Vec<NodeId> = Vec::new();
        for (i, node) in graph.nodes.iter().enumerate() {
            let args: Vec<NodeId> = node.args.iter().map(|arg| new[arg.index()]).collect();
            let mut id = noisy.copy(node, &args);
            if node.ty.elem == Elem::Float {
                let off = 1.0 + 1e-12 * ((i as f64 * step).fract() - 0.5);
                let off = noisy.constant(off, node.ty.dims.clone(), node.origin);
                id = noisy.map(MapOp::Mul, &[id, off], node.origin);
            }
            new.push(id);
        }
        noisy.outputs = graph.outputs.clone();
        for output in &mut noisy.outputs {
            output.node = new[output.node.index()];
        }
        let moved = meaning(&noisy, sizes, tensors);
        let far = |(a, b): (&Array, &Array)| distance(&a.data, &b.data);
        moved.iter().zip(&expected).map(far).any(|far| far > 1e-9)
    })
}

fn check(
    choices: &[u32],
    numbers: &[f64],
    n: usize,
    s: usize,
    gradient: bool,
    lie: Lie,
) -> Result<(), TestCaseError> {
    let mut g = graph(choices, Style::Smooth);
    let (pipeline, wanted) = if gradient {
        (passes::GRADIENT, vec![0, 1, 2])
    } else {
        (passes::VALUE, Vec::new())
    };
    g = passes::apply(g, pipeline, &Config { wanted });
    if jumps(&g) {
        return Ok(());
    }
    let sizes = sizes(n, s);
    let mut arrays = arrays(&sizes, numbers);
    if gradient {
        arrays.push(Array::scalar(0.7));
    }
    let bound = tensors(&g, &arrays, DType::F64, DType::I64, lie);
    let expected = meaning(&g, &sizes, &bound);
    let program = Program::new(planned(&g, &sizes, &bound));
    let got = run(&program, &bound, 1);
    for ((got, expected), output) in got.iter().zip(&expected).zip(&g.outputs) {
        let finite = expected
            .data
            .iter()
            .all(|x| x.is_finite() && x.abs() < 1e12);
        if !finite {
            continue;
        }
        let far = distance(&got.to_f64(), &expected.data);
        if far >= 1e-7 && shaky(&g, &sizes, &bound) {
            return Ok(());
        }
        prop_assert!(
            far < 1e-7,
            "{:?} is off by {far}: {:?} instead of {:?}\n{}\n{}",
            output.role,
            got.to_f64().iter().take(8).collect::<Vec<_>>(),
            expected.data.iter().take(8).collect::<Vec<_>>(),
            lossc::ir::print(&g),
            program.plan().text()
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn values(
        choices in prop::collection::vec(any::<u32>(), 5..160),
        numbers in prop::collection::vec(-1.0..1.0f64, 64),
        n in 1..6usize,
        s in 1..70usize,
        lie in prop::sample::select(&Lie::ALL[..]),
    ) {
        check(&choices, &numbers, n, s, false, lie)?;
    }

    #[test]
    fn gradients(
        choices in prop::collection::vec(any::<u32>(), 5..120),
        numbers in prop::collection::vec(-1.0..1.0f64, 64),
        n in 1..6usize,
        s in 1..70usize,
        lie in prop::sample::select(&Lie::ALL[..]),
    ) {
        check(&choices, &numbers, n, s, true, lie)?;
    }
}
