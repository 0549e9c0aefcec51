//! `differentiate`: gradients against finite differences, and at points where those fail.

use super::random::{self, Style};
use lossc::ir::{self, DimSizes, Graph, Role};
use lossc::passes::{self, Config, Pass};
use lossc::run::{Array, reference};
use proptest::prelude::*;

fn pass(name: &str) -> &'static Pass {
    passes::ALL.iter().find(|p| p.name == name).unwrap()
}

/// The total, and the gradient of each input in `wanted`, with upstream 1.
fn run(graph: &Graph, sizes: &DimSizes, inputs: &[Array]) -> (f64, Vec<Array>) {
    let mut inputs = inputs.to_vec();
    if inputs.len() < graph.inputs.len() {
        inputs.push(Array::scalar(1.0));
    }
    let values = reference::run(graph, sizes, &inputs);
    let mut total = f64::NAN;
    let mut grads = Vec::new();
    for (output, value) in graph.outputs.iter().zip(values) {
        match output.role {
            Role::Total => total = value.data[0],
            Role::Grad(_) => grads.push(value),
            _ => {}
        }
    }
    (total, grads)
}

/// What central differences say about the slope along one element: `None` where two steps
/// disagree, as they do next to a kink.
fn slope(graph: &Graph, sizes: &DimSizes, inputs: &[Array], at: (usize, usize)) -> Option<f64> {
    let estimate = |h: f64| {
        let value = |step: f64| {
            let mut inputs = inputs.to_vec();
            inputs[at.0].data[at.1] += step;
            run(graph, sizes, &inputs).0
        };
        (value(h) - value(-h)) / (2.0 * h)
    };
    let (fine, coarse) = (estimate(1e-6), estimate(3e-6));
    let close = (fine - coarse).abs() <= 1e-4 * (1.0 + fine.abs());
    (fine.is_finite() && close).then_some(fine)
}

fn check(graph: Graph, sizes: &DimSizes, inputs: &[Array]) -> Result<(), TestCaseError> {
    let config = Config {
        wanted: vec![0, 1, 2],
    };
    let plain = passes::apply(graph.clone(), &[pass("differentiate")], &config);
    let (_, grads) = run(&plain, sizes, inputs);
    let whole = passes::apply(graph.clone(), passes::GRADIENT, &config);
    let (_, optimised) = run(&whole, sizes, inputs);
    for (input, (grad, other)) in grads.iter().zip(&optimised).enumerate() {
        prop_assert_eq!(&grad.shape, &inputs[input].shape);
        for i in 0..grad.data.len() {
            let Some(expected) = slope(&graph, sizes, inputs, (input, i)) else {
                continue;
            };
            for (found, which) in [(grad.data[i], "plain"), (other.data[i], "optimised")] {
                let error = (found - expected).abs();
                prop_assert!(
                    error <= 1e-3 * (1.0 + expected.abs()),
                    "{} gradient of input {} at {}: {} instead of {}\n{}",
                    which,
                    input,
                    i,
                    found,
                    expected,
                    ir::print(if which == "plain" { &graph } else { &whole })
                );
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(super::random::config(400))]

    #[test]
    fn random_gradients_agree_with_differences(
        choices in proptest::collection::vec(any::<u32>(), 0..60),
        numbers in proptest::collection::vec(-1.0..1.0, 7..40),
        n in 0usize..3,
        s in 0usize..4,
    ) {
        let graph = random::graph(&choices, Style::Smooth);
        let sizes = random::sizes(n, s);
        let inputs = random::arrays(&sizes, &numbers);
        check(graph, &sizes, &inputs)?;
    }
}
