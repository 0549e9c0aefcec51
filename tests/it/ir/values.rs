//! Passes do not change the numbers beyond what they say.

use super::random::{self, Style};
use lossc::ir::{Graph, print};
use lossc::passes::{self, Config, Pass};
use lossc::run::{Array, reference};
use proptest::prelude::*;

fn numbers(arrays: Vec<Array>) -> Vec<f64> {
    arrays.into_iter().flat_map(|a| a.data).collect()
}

fn check(
    graph: &Graph,
    passes: &[&Pass],
    tolerance: f64,
    (n, s, given): (usize, usize, Vec<f64>),
) -> Result<(), TestCaseError> {
    let new = passes::apply(graph.clone(), passes, &Config::default());
    let sizes = random::sizes(n, s);
    let inputs = random::arrays(&sizes, &given);
    let values = |graph: &Graph| numbers(reference::run(graph, &sizes, &inputs));
    for (i, (old, new_value)) in values(graph).into_iter().zip(values(&new)).enumerate() {
        let same = old.to_bits() == new_value.to_bits()
            || (old.is_nan() && new_value.is_nan())
            || (old - new_value).abs() <= tolerance * (1.0 + old.abs());
        // A pass that may round otherwise moves a number as far as rounding can move it.
        let moved = || numbers(random::doubt(graph, &sizes, &inputs))[i];
        prop_assert!(
            same || (tolerance > 0.0 && (old - new_value).abs() <= moved()),
            "{} became {}\n{}\nbecame\n{}",
            old,
            new_value,
            print(graph),
            print(&new)
        );
    }
    Ok(())
}

fn choices() -> impl Strategy<Value = Vec<u32>> {
    proptest::collection::vec(any::<u32>(), 0..150)
}

fn binding() -> impl Strategy<Value = (usize, usize, Vec<f64>)> {
    let numbers = proptest::collection::vec(-1.0..1.0, 7..40);
    (0usize..4, 0usize..4, numbers)
}

proptest! {
    #![proptest_config(random::config(400))]

    #[test]
    fn most_passes_are_exact(choices in choices(), binding in binding()) {
        let graph = random::graph(&choices, Style::Any);
        for pass in passes::ALL {
            if ["cse", "dce", "fold", "unseen"].contains(&pass.name) {
                check(&graph, &[pass], 0.0, binding.clone())?;
            }
        }
    }

    #[test]
    fn the_value_pipeline_keeps_the_value(choices in choices(), binding in binding()) {
        let graph = random::graph(&choices, Style::Smooth);
        check(&graph, passes::VALUE, 1e-9, binding)?;
    }

    #[test]
    fn passes_reach_a_fixpoint(choices in choices()) {
        let graph = random::graph(&choices, Style::Any);
        for pass in passes::ALL {
            if pass.name != "differentiate" {
                let once = passes::apply(graph.clone(), &[pass], &Config::default());
                let twice = passes::apply(once.clone(), &[pass], &Config::default());
                prop_assert_eq!(print(&once), print(&twice), "{}", pass.name);
            }
        }
    }

    /// The value comes out the same whether or not the gradient is computed along with it.
    #[test]
    fn the_gradient_pipeline_keeps_the_value(choices in choices(), binding in binding()) {
        let graph = random::graph(&choices, Style::Smooth);
        check(&graph, &passes::GRADIENT[..5], 1e-9, binding)?;
    }
}
