//! Random graphs, sizes, types and layouts: the fused back end computes what the reference does.

use super::bind::{Lie, distance, meaning, planned, run, tensors};
use crate::ir::random::{self, Style, arrays, graph, sizes};
use lossc::passes::{self, Config};
use lossc::plan::DType;
use lossc::run::Array;
use lossc::run::fused::Program;
use proptest::prelude::*;

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
    let sizes = sizes(n, s);
    let mut arrays = arrays(&sizes, numbers);
    if gradient {
        arrays.push(Array::scalar(0.7));
    }
    let bound = tensors(&g, &arrays, DType::F64, DType::I64, lie);
    let expected = meaning(&g, &sizes, &bound);
    let program = Program::new(planned(&g, &sizes, &bound));
    let got = run(&program, &bound, 1);
    // Found only for graphs on which the two differ, to tell a mistake from what rounding does.
    let mut doubt: Option<Vec<Array>> = None;
    for (at, ((got, expected), output)) in got.iter().zip(&expected).zip(&g.outputs).enumerate() {
        let finite = expected
            .data
            .iter()
            .all(|x| x.is_finite() && x.abs() < 1e12);
        if !finite {
            continue;
        }
        let far = distance(&got.to_f64(), &expected.data);
        if far < 1e-7 {
            continue;
        }
        let doubt = doubt.get_or_insert_with(|| {
            let arrays = g.inputs.iter().zip(&bound);
            let arrays = arrays.map(|(input, t)| t.array(&sizes.shape(&input.ty.dims)));
            random::doubt(&g, &sizes, &arrays.collect::<Vec<_>>())
        });
        let scale = expected.data.iter().fold(1.0, |m: f64, x| m.max(x.abs()));
        // Of many near ties each is decided the other way in one of two opposite trials, so that
        // one trial sees at least half of what all of them together could do.
        let doubted = 4.0 * doubt[at].data.iter().fold(0.0, |m: f64, x| m.max(*x)) / scale;
        prop_assert!(
            far <= doubted,
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
    #![proptest_config(random::config(3000))]

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
