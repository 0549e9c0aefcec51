//! Whole graphs at random, every value of them, against the reference.

use super::{Rng, array, close, tensor};
use crate::ir::random::{self, Style};
use candle_core::{DType, Device, Tensor};
use lossc::ir::{DimSizes, Graph, MapOp, NodeId, Op, Output, Role};
use lossc::passes::{self, Config};
use lossc::run::{Array, candle};
use proptest::prelude::*;

/// Every node as an output.
fn all_nodes(graph: &Graph) -> Graph {
    let mut graph = graph.clone();
    let roles = (0..).map(Role::Term);
    let outputs = graph.ids().zip(roles);
    graph.outputs = outputs.map(|(node, role)| Output { role, node }).collect();
    graph
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

/// Compares every operation of `graph` with what the reference makes of the same operands, those that
/// Candle computed: rounding errors do not pile up, and no comparison hangs on one.
fn check(graph: &Graph, sizes: &DimSizes, inputs: &[Array]) -> Result<(), TestCaseError> {
    let graph = all_nodes(graph);
    let actual = run(&graph, sizes, inputs, DType::F64);
    let actual: Vec<Array> = actual.iter().map(array).collect();
    for id in graph.ids() {
        let (node, actual) = (graph.node(id), |id: NodeId| &actual[id.index()]);
        let args: Vec<&Array> = node.args.iter().map(|&arg| actual(arg)).collect();
        let expected = match node.op {
            Op::Input(number) => inputs[number as usize].clone(),
            _ => random::step(&graph, sizes, id, &args),
        };
        let found = actual(id);
        prop_assert_eq!(&found.shape, &expected.shape);
        let slack = 1e-11 * slack(&node.op, &args);
        for (&a, &e) in found.data.iter().zip(&expected.data) {
            // An infinite factor that is constant along a summed axis multiplies the sum, which may
            // be inf where the sum of the products, inf − inf, is NaN.
            let beyond = matches!(node.op, Op::Dot(_)) && !a.is_finite() && !e.is_finite();
            prop_assert!(
                beyond || close(a, e, 1e-11, slack),
                "{id}: {a:e}, not {e:e}\n{:?}\n{}",
                args,
                lossc::ir::print(&graph)
            );
        }
    }
    Ok(())
}

/// The size of what an operation adds up, of which its rounding errors are a part even where
/// little is left of the sum.
fn slack(op: &Op, args: &[&Array]) -> f64 {
    let finite = |array: &&Array| {
        let numbers = array.data.iter().filter(|x| x.is_finite());
        numbers.fold(0.0, |m: f64, x| m.max(x.abs()))
    };
    let total = |array: &&Array| finite(array) * array.data.len() as f64;
    match op {
        Op::Reduce(..) => args.iter().map(total).sum(),
        Op::Dot(_) => args.iter().map(total).product(),
        Op::Softmax(_) | Op::LogSoftmax(_) => 1.0 + args.iter().map(finite).sum::<f64>(),
        // The logarithm of gamma and its derivative cross 0 where their terms cancel.
        Op::Map(MapOp::Lgamma | MapOp::Digamma) => 1.0 + args.iter().map(finite).sum::<f64>(),
        _ => 0.0,
    }
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
