//! Whole graphs at random, every value of them, against the reference.

use super::{Rng, array, close, tensor};
use crate::ir::random::{self, Style};
use candle_core::{DType, Device, Tensor};
use lossc::ir::{DimSizes, Graph, MapOp, Op, Output, Role};
use lossc::passes::{self, Config};
use lossc::run::{Array, candle, reference};
use proptest::prelude::*;

/// Every node as an output.
fn all_nodes(graph: &Graph) -> Graph {
    let mut graph = graph.clone();
    let roles = (0..).map(Role::Term);
    let outputs = graph.ids().zip(roles);
    graph.outputs = outputs.map(|(node, role)| Output { role, node }).collect();
    graph
}

/// Whether a rounding error of an operand may change the result altogether.
fn jumps(op: &Op) -> bool {
    match op {
        Op::Map(op) => matches!(
            op,
            MapOp::Floor
                | MapOp::Sign
                | MapOp::Eq
                | MapOp::Ne
                | MapOp::Lt
                | MapOp::Le
                | MapOp::Gt
                | MapOp::Ge
                | MapOp::Gate
                | MapOp::Pow
                | MapOp::Lgamma
                | MapOp::Digamma
        ),
        Op::ArgMax(_) => true,
        _ => false,
    }
}

fn run(graph: &Graph, sizes: &DimSizes, inputs: &[Array], dtype: DType) -> Vec<Tensor> {
    let mut rng = Rng::new(inputs[0].data.len() as u64);
    let tensors: Vec<Tensor> = graph
        .inputs
        .iter()
        .zip(inputs)
        .map(|(input, array)| tensor(array, input.ty.elem, dtype, &mut rng))
        .collect();
    candle::run(graph, sizes, &tensors, dtype, &Device::Cpu)
        .unwrap_or_else(|why| panic!("{why}\n{}", lossc::ir::print(graph)))
}

/// Compares the value of every node of `graph`.
fn check(graph: &Graph, sizes: &DimSizes, inputs: &[Array]) -> Result<(), TestCaseError> {
    let graph = all_nodes(graph);
    let expected = reference::run(&graph, sizes, inputs);
    let actual = run(&graph, sizes, inputs, DType::F64);
    // Which values are the very same, and which may have gone astray after a jump.
    let mut exact = vec![false; graph.nodes.len()];
    let mut astray = vec![false; graph.nodes.len()];
    for (i, (actual, expected)) in actual.iter().zip(&expected).enumerate() {
        let actual = array(actual);
        prop_assert_eq!(&actual.shape, &expected.shape);
        let node = &graph.nodes[i];
        exact[i] = actual.data == expected.data;
        astray[i] = node.args.iter().any(|a| astray[a.index()])
            || (jumps(&node.op) && node.args.iter().any(|a| !exact[a.index()]));
        if astray[i] {
            continue;
        }
        let size = expected.data.iter().fold(1.0, |m: f64, x| m.max(x.abs()));
        for (&a, &e) in actual.data.iter().zip(&expected.data) {
            prop_assert!(
                close(a, e, 1e-7, 1e-7 * size),
                "%{i}: {a:e}, not {e:e}\n{:?}\n{}",
                inputs,
                lossc::ir::print(&graph)
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(random::config(300))]

    #[test]
    fn same_values(
        choices in prop::collection::vec(any::<u32>(), 5..200),
        numbers in prop::collection::vec(-1.0..1.0, 37),
        n in 0..4usize,
        s in 0..5usize,
    ) {
        let graph = random::graph(&choices, Style::Smooth);
        let sizes = random::sizes(n, s);
        check(&graph, &sizes, &random::arrays(&sizes, &numbers))?;
    }

    #[test]
    fn same_gradients(
        choices in prop::collection::vec(any::<u32>(), 5..100),
        numbers in prop::collection::vec(-1.0..1.0, 37),
        n in 0..4usize,
        s in 0..5usize,
    ) {
        let config = Config { wanted: vec![0, 1, 2] };
        let graph = random::graph(&choices, Style::Smooth);
        let graph = passes::apply(graph, passes::GRADIENT, &config);
        let sizes = random::sizes(n, s);
        let mut inputs = random::arrays(&sizes, &numbers);
        inputs.push(Array::scalar(0.7));
        check(&graph, &sizes, &inputs)?;
    }

    #[test]
    fn never_fails(
        choices in prop::collection::vec(any::<u32>(), 5..300),
        numbers in prop::collection::vec(-1e30..1e30, 37),
        n in 0..4usize,
        s in 0..5usize,
    ) {
        let graph = all_nodes(&random::graph(&choices, Style::Any));
        let sizes = random::sizes(n, s);
        let mut inputs = random::arrays(&sizes, &numbers);
        for (input, array) in graph.inputs.iter().zip(&mut inputs) {
            if input.ty.elem == lossc::ir::Elem::Int {
                array.data.iter_mut().for_each(|x| *x %= 3.0);
            }
        }
        for dtype in [DType::F32, DType::F64] {
            run(&graph, &sizes, &inputs, dtype);
        }
    }
}
