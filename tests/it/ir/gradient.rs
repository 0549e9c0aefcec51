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

/// What central differences say about the slope along one element: `None` where any two steps
/// disagree, as they do next to a kink and where the value is rounded too coarsely.
fn slope(
    graph: &Graph,
    sizes: &DimSizes,
    inputs: &[Array],
    at: (usize, usize),
    steps: &[f64],
) -> Option<f64> {
    let estimate = |h: f64| {
        let value = |step: f64| {
            let mut inputs = inputs.to_vec();
            inputs[at.0].data[at.1] += step;
            run(graph, sizes, &inputs).0
        };
        (value(h) - value(-h)) / (2.0 * h)
    };
    let first = estimate(steps[0]);
    let close = |h: &f64| (first - estimate(*h)).abs() <= 1e-4 * (1.0 + first.abs());
    (first.is_finite() && steps[1..].iter().all(close)).then_some(first)
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
            let differences = |steps: &[f64]| slope(&graph, sizes, inputs, (input, i), steps);
            let Some(expected) = differences(&[1e-6, 3e-6]) else {
                continue;
            };
            for (found, which) in [(grad.data[i], "plain"), (other.data[i], "optimised")] {
                let wrong = |expected: f64| {
                    let error = (found - expected).abs();
                    error.is_nan() || error > 1e-3 * (1.0 + expected.abs())
                };
                // Two steps may agree by chance; so many do not.
                let more = [1e-6, 7e-7, 2e-6, 3e-6, 5e-6, 1e-5, 3e-5];
                prop_assert!(
                    !wrong(expected) || !differences(&more).is_some_and(wrong),
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
        choices in proptest::collection::vec(any::<u32>(), 0..100),
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

/// Bodies over `%0: f[D]`, the value of x, the slope of the sum of the last node.
const POINTS: &[(&str, &[f64], &[f64])] = &[
    // Kinks.
    ("%1: f[D] = abs %0", &[-2.0, 0.0, 2.0], &[-1.0, 0.0, 1.0]),
    ("%1: f[D] = relu %0", &[-2.0, 0.0, 2.0], &[0.0, 0.0, 1.0]),
    ("%1: f[D] = sign %0", &[-2.0, 0.0, 2.0], &[0.0, 0.0, 0.0]),
    ("%1: f[D] = floor %0", &[-2.0, 0.0, 2.5], &[0.0, 0.0, 0.0]),
    (
        "%1: f[D] = const -1\n%2: f[D] = const 1\n%3: f[D] = clamp %0 %1 %2",
        &[-2.0, -1.0, 0.0, 1.0, 2.0],
        &[0.0, 1.0, 1.0, 1.0, 0.0],
    ),
    (
        "%1: f[D] = const 1\n%2: f[D] = max %0 %1",
        &[0.0, 1.0, 2.0],
        &[0.0, 0.5, 1.0],
    ),
    (
        "%1: f[D] = const 1\n%2: f[D] = min %0 %1",
        &[0.0, 1.0, 2.0],
        &[1.0, 0.5, 0.0],
    ),
    ("%1: f[D] = max %0 %0", &[1.0], &[1.0]),
    (
        "%1: f[] = reduce_max[D] %0",
        &[1.0, 3.0, 3.0],
        &[0.0, 0.5, 0.5],
    ),
    (
        "%1: f[] = reduce_min[D] %0",
        &[1.0, 3.0, 1.0],
        &[0.5, 0.0, 0.5],
    ),
    ("%1: f[] = reduce_max[D] %0", &[7.0], &[1.0]),
    // Each goes where it came from; of equals the first is first.
    (
        "%1: i[D] = argsort_down[D] %0\n%2: f[D] = take[D] %0 %1\n%3: i[D] = index[D]\n%4: f[D] = float %3\n%5: f[D] = mul %2 %4",
        &[1.0, 4.0, 4.0],
        &[2.0, 0.0, 1.0],
    ),
    (
        "%1: f[D] = cumsum[D] %0\n%2: i[D] = index[D]\n%3: f[D] = float %2\n%4: f[D] = mul %1 %3",
        &[1.0, 4.0, 4.0],
        &[3.0, 3.0, 2.0],
    ),
    (
        "%1: i[D] = argsort[D] %0\n%2: f[D] = cumsum_by[D] %0 %1\n%3: i[D] = index[D]\n%4: f[D] = float %3\n%5: f[D] = mul %2 %4",
        &[4.0, 1.0, 2.0],
        &[0.0, 3.0, 2.0],
    ),
    // Windows: each of three takes its largest; in the middle two are equal.
    (
        "%1: f[D] = window_max[D, 1] %0",
        &[1.0, 4.0, 2.0, 4.0, 0.0],
        &[0.0, 2.5, 0.0, 2.5, 0.0],
    ),
    (
        "%1: f[D] = window_max[D, 9] %0",
        &[f64::NEG_INFINITY, f64::NEG_INFINITY],
        &[1.0, 1.0],
    ),
    (
        "%1: f[D] = window_max[D, 1] %0",
        &[f64::NAN, 1.0, 1.0, 3.0],
        &[0.0, 0.0, 0.0, 2.0],
    ),
    (
        "%1: f[D] = mul %0 %0\n%2: f[D] = window_sum[D, zero, 1, 2, 1] %1\n%3: f[D] = sqrt %2",
        &[0.0, 0.0, 0.0, 3.0],
        &[0.0, 0.0, 0.0, 1.0 + 6.0 / 4.242640687119285],
    ),
    // Roots and powers at 0.
    (
        "%1: f[D] = mul %0 %0\n%2: f[D] = sqrt %1",
        &[-2.0, 0.0, 2.0],
        &[-1.0, 0.0, 1.0],
    ),
    (
        "%1: f[D] = mul %0 %0\n%2: f[] = sum[D] %1\n%3: f[] = sqrt %2",
        &[3.0, 4.0],
        &[0.6, 0.8],
    ),
    (
        "%1: f[D] = mul %0 %0\n%2: f[] = sum[D] %1\n%3: f[] = sqrt %2",
        &[0.0, 0.0],
        &[0.0, 0.0],
    ),
    (
        "%1: f[] = dot[D] %0 %0\n%2: f[] = sqrt %1",
        &[0.0, 0.0],
        &[0.0, 0.0],
    ),
    (
        "%1: f[D] = const 0\n%2: f[D] = pow %0 %1",
        &[-1.0, 0.0, 2.0],
        &[0.0, 0.0, 0.0],
    ),
    (
        "%1: f[D] = const 1\n%2: f[D] = pow %0 %1",
        &[-1.0, 0.0, 2.0],
        &[1.0, 1.0, 1.0],
    ),
    (
        "%1: f[D] = const 2\n%2: f[D] = pow %0 %1",
        &[-1.0, 0.0, 2.0],
        &[-2.0, 0.0, 4.0],
    ),
    (
        "%1: f[D] = const 2.5\n%2: f[D] = pow %0 %1",
        &[0.0, 4.0],
        &[0.0, 20.0],
    ),
    (
        "%1: f[D] = const 0\n%2: f[D] = pow %1 %0",
        &[0.0, 1.0, 2.0],
        &[0.0, 0.0, 0.0],
    ),
    ("%1: f[D] = pow %0 %0", &[0.0, 1.0], &[0.0, 1.0]),
    // Products with zeros.
    ("%1: f[] = prod[D] %0", &[2.0, 3.0, 4.0], &[12.0, 8.0, 6.0]),
    ("%1: f[] = prod[D] %0", &[2.0, 0.0, 4.0], &[0.0, 8.0, 0.0]),
    ("%1: f[] = prod[D] %0", &[0.0, 0.0, 4.0], &[0.0, 0.0, 0.0]),
    ("%1: f[] = prod[D] %0", &[5.0], &[1.0]),
    // Saturation.
    (
        "%1: f[D] = sigmoid %0\n%2: f[D] = log %1",
        &[-1e4, 0.0, 1e4],
        &[1.0, 0.5, 0.0],
    ),
    (
        "%1: f[D] = const 1\n%2: f[D] = sigmoid %0\n%3: f[D] = sub %1 %2\n%4: f[D] = log %3",
        &[-1e4, 0.0, 1e4],
        &[0.0, -0.5, -1.0],
    ),
    (
        "%1: f[D] = softplus %0",
        &[-1e4, 0.0, 1e4],
        &[0.0, 0.5, 1.0],
    ),
    (
        "%1: f[D] = exp %0\n%2: f[D] = log1p %1",
        &[-1e4, 0.0, 1e4],
        &[0.0, 0.5, 1.0],
    ),
    ("%1: f[D] = tanh %0", &[-1e4, 0.0, 1e4], &[0.0, 1.0, 0.0]),
    ("%1: f[D] = erf %0", &[-1e4, 1e4, 1e200], &[0.0, 0.0, 0.0]),
    (
        "%1: f[D] = atan %0",
        &[-1e4, 0.0, 1e200],
        &[1.0 / (1.0 + 1e8), 1.0, 0.0],
    ),
    (
        "%1: f[D] = softmax[D] %0\n%2: f[D] = log %1\n%3: f[] = at[D, 0] %2",
        &[-1e4, 1e4],
        &[1.0, -1.0],
    ),
    (
        "%1: f[] = logsumexp[D] %0",
        &[1e4, -1e4, 1e4],
        &[0.5, 0.0, 0.5],
    ),
    (
        "%1: f[D] = exp %0\n%2: f[] = sum[D] %1\n%3: f[] = log %2",
        &[1e4, -1e4],
        &[1.0, 0.0],
    ),
    (
        "%1: f[D] = const 1e200\n%2: f[D] = div %0 %1\n%3: f[D] = mul %2 %1",
        &[1.0],
        &[1.0],
    ),
    (
        "%1: f[D] = const 1\n%2: f[D] = div %1 %0",
        &[1e200, -1e200],
        &[0.0, 0.0],
    ),
    // Infinities that mean "not this one".
    (
        "%1: f[] = logsumexp[D] %0",
        &[f64::NEG_INFINITY, f64::NEG_INFINITY],
        &[0.0, 0.0],
    ),
    (
        "%1: f[] = logsumexp[D] %0",
        &[f64::NEG_INFINITY, 1.0],
        &[0.0, 1.0],
    ),
    // A dead branch, infinite or NaN in value or slope.
    (
        "%1: f[D] = const 0\n%2: b[D] = gt %0 %1\n%3: f[D] = log %0\n%4: f[D] = select %2 %3 %1",
        &[-1.0, 0.0, 2.0],
        &[0.0, 0.0, 0.5],
    ),
    (
        "%1: f[D] = const 0\n%2: b[D] = gt %0 %1\n%3: f[D] = sqrt %0\n%4: f[D] = mul %3 %0\n\
         %5: f[D] = select %2 %4 %1",
        &[-1.0, 0.0, 4.0],
        &[0.0, 0.0, 3.0],
    ),
    (
        "%1: f[D] = const 0\n%2: b[D] = gt %0 %1\n%3: f[D] = div %0 %0\n%4: f[D] = tanh %3\n\
         %5: f[D] = mul %4 %4\n%6: f[D] = select %2 %5 %0",
        &[-1.0, 0.0, 4.0],
        &[1.0, 1.0, 0.0],
    ),
    (
        "%1: f[D] = const 10\n%2: b[D] = lt %0 %1\n%3: f[D] = exp %0\n%4: f[D] = mul %3 %3\n\
         %5: f[D] = select %2 %4 %0",
        &[1e4, 0.0],
        &[1.0, 2.0],
    ),
    (
        "%1: f[D] = const 0\n%2: b[D] = eq %0 %0\n%3: f[D] = softmax[D] %0\n%4: f[] = at[D, 0] %3\n\
         %5: b[] = at[D, 1] %2\n%6: f[] = const 0\n%7: f[] = select %5 %4 %6",
        &[1.0, f64::NAN],
        &[0.0, 0.0],
    ),
    // A value that overflows on the way to one that does not.
    (
        "%1: f[D] = const 1\n%2: f[D] = exp %0\n%3: f[D] = add %1 %2\n%4: f[D] = div %1 %3",
        &[1e4],
        &[0.0],
    ),
    (
        "%1: f[D] = const 5\n%2: f[D] = exp %0\n%3: f[D] = min %2 %1",
        &[1e4, 0.0],
        &[0.0, 1.0],
    ),
    // Structure.
    ("%1: f[] = at[D, 1] %0", &[1.0, 2.0, 3.0], &[0.0, 1.0, 0.0]),
    ("%1: f[] = at[D, -1] %0", &[1.0, 2.0, 3.0], &[0.0, 0.0, 1.0]),
    ("%1: f[] = at[D, -3] %0", &[1.0, 2.0, 3.0], &[1.0, 0.0, 0.0]),
    (
        "%1: f[D] = stop_grad %0\n%2: f[D] = mul %1 %0",
        &[3.0],
        &[3.0],
    ),
    ("%1: f[D] = stop_grad %0", &[3.0], &[0.0]),
    // Nothing.
    ("%1: f[D] = exp %0", &[], &[]),
    ("%1: f[] = reduce_max[D] %0", &[], &[]),
    ("%1: f[] = logsumexp[D] %0", &[], &[]),
    ("%1: f[] = prod[D] %0", &[], &[]),
    ("%1: f[D] = softmax[D] %0", &[], &[]),
];

#[test]
fn points_where_differences_fail() {
    for (body, x, expected) in POINTS {
        let text = format!("dims D\ngraph(x: f[D]) {{\n%0: f[D] = input x\n{body}\n}}");
        let mut graph = ir::parse(&text).unwrap();
        let last = graph.ids().next_back().unwrap();
        let dims = graph.ty(last).dims.clone();
        let node = graph.sum(last, dims, random::origin());
        let role = Role::Total;
        graph.outputs.push(ir::Output { role, node });
        let sizes = DimSizes(vec![x.len()]);
        let inputs = [Array::new(vec![x.len()], x.to_vec())];
        let config = Config { wanted: vec![0] };
        for passes in [&[pass("differentiate")][..], passes::GRADIENT] {
            let graph = passes::apply(graph.clone(), passes, &config);
            let (_, grads) = run(&graph, &sizes, &inputs);
            for (i, (found, expected)) in grads[0].data.iter().zip(*expected).enumerate() {
                // The plain graph is allowed to be wrong where only stabilising makes it right.
                let excused = passes.len() == 1 && body.contains("log") && x[i].abs() == 1e4;
                let close = (found - expected).abs() <= 1e-9 * (1.0 + expected.abs());
                assert!(
                    close || excused,
                    "{body}\nat {x:?} has slope {found} for {expected}:\n{}",
                    ir::print(&graph)
                );
            }
        }
    }
}

#[test]
fn slopes_of_shifts() {
    // Σ i·shifted(i): entry j gets the weights of the places that read it.
    let slope = |by: i64, edge: &str| {
        let text = format!(
            "dims D\ngraph(x: f[D]) {{\n%0: f[D] = input x\n%1: f[D] = shift[D, {by}, {edge}] %0\n\
             %2: i[D] = index[D]\n%3: f[D] = float %2\n%4: f[] = dot[D] %1 %3\ntotal = %4\n}}"
        );
        let graph = ir::parse(&text).unwrap();
        let config = Config { wanted: vec![0] };
        let graph = passes::apply(graph, passes::GRADIENT, &config);
        let inputs = [Array::filled(vec![4], 1.0)];
        run(&graph, &DimSizes(vec![4]), &inputs).1[0].data.clone()
    };
    assert_eq!(slope(1, "zero"), [1.0, 2.0, 3.0, 0.0]);
    assert_eq!(slope(-2, "zero"), [0.0, 0.0, 0.0, 1.0]);
    assert_eq!(slope(1, "wrap"), [1.0, 2.0, 3.0, 0.0]);
    assert_eq!(slope(-1, "wrap"), [3.0, 0.0, 1.0, 2.0]);
    assert_eq!(slope(1, "clamp"), [1.0, 2.0, 3.0, 0.0]);
    assert_eq!(slope(2, "clamp"), [3.0, 3.0, 0.0, 0.0]);
    assert_eq!(slope(-2, "clamp"), [0.0, 0.0, 0.0, 6.0]);
    assert_eq!(slope(9, "clamp"), [6.0, 0.0, 0.0, 0.0]);
    assert_eq!(slope(0, "clamp"), [0.0, 1.0, 2.0, 3.0]);
}

/// Ties in a box share evenly, in whichever order its sides are gone along.
#[test]
fn ties_of_a_box_share_evenly() {
    let slope = |first: &str, second: &str| {
        let text = format!(
            "dims H, W\ngraph(x: f[H, W]) {{\n%0: f[H, W] = input x\n\
             %1: f[H, W] = window_max[{first}, 1] %0\n%2: f[H, W] = window_max[{second}, 1] %1\n\
             %3: f[W] = at[H, 1] %2\n%4: f[] = at[W, 1] %3\ntotal = %4\n}}"
        );
        let config = Config { wanted: vec![0] };
        let graph = passes::apply(ir::parse(&text).unwrap(), passes::GRADIENT, &config);
        // Four of the largest around the middle, two of them in a row; one out of reach.
        let x = [5.0, 0.0, 5.0, 5.0, 1.0, 2.0, 0.0, 5.0, 0.0, 5.0, 0.0, 0.0];
        let inputs = [Array::new(vec![4, 3], x.to_vec())];
        run(&graph, &DimSizes(vec![4, 3]), &inputs).1[0]
            .data
            .clone()
    };
    let quarter = 0.25;
    let expected = [
        quarter, 0.0, quarter, quarter, 0.0, 0.0, 0.0, quarter, 0.0, 0.0, 0.0, 0.0,
    ];
    assert_eq!(slope("H", "W"), expected);
    assert_eq!(slope("W", "H"), expected);
}

#[test]
fn wanted_inputs_never_lack_a_gradient() {
    let text = "dims D\ngraph(x: f[D], t: i[D], unread: f[D]) {\n%0: f[] = const 1\ntotal = %0\n}";
    let config = Config {
        wanted: vec![2, 0, 1, 0],
    };
    let graph = passes::apply(ir::parse(text).unwrap(), passes::GRADIENT, &config);
    let roles: Vec<Role> = graph.outputs.iter().map(|o| o.role).collect();
    assert_eq!(roles, [Role::Total, Role::Grad(0), Role::Grad(2)]);
    let x = Array::filled(vec![2], 1.0);
    let (_, grads) = run(&graph, &DimSizes(vec![2]), &[x.clone(), x.clone(), x]);
    assert_eq!(
        grads,
        [Array::filled(vec![2], 0.0), Array::filled(vec![2], 0.0)]
    );
}

#[test]
fn upstream_multiplies_the_gradient() {
    let text = "graph(x: f[]) {\n%0: f[] = input x\n%1: f[] = mul %0 %0\ntotal = %1\n}";
    let config = Config { wanted: vec![0] };
    let graph = passes::apply(ir::parse(text).unwrap(), passes::GRADIENT, &config);
    for (upstream, expected) in [(1.0, 6.0), (-0.5, -3.0), (0.0, 0.0)] {
        let inputs = [Array::scalar(3.0), Array::scalar(upstream)];
        assert_eq!(
            run(&graph, &DimSizes(vec![]), &inputs),
            (9.0, vec![Array::scalar(expected)])
        );
    }
}

#[test]
fn adjoints_say_where_they_come_from() {
    let mut graph = ir::parse(
        "graph(x: f[]) {\n%0: f[] = input x\n%1: f[] = exp %0\n%2: f[] = sin %1\ntotal = %2\n}",
    )
    .unwrap();
    for (i, node) in graph.nodes.iter_mut().enumerate() {
        node.origin.span.start = i as u32;
        node.origin.span.end = i as u32;
    }
    let config = Config { wanted: vec![0] };
    let graph = passes::apply(graph, &[pass("differentiate")], &config);
    let origins: Vec<(u32, bool)> = graph
        .nodes
        .iter()
        .map(|n| (n.origin.span.start, n.origin.adjoint))
        .collect();
    assert_eq!(
        origins,
        [
            (0, false),
            (1, false),
            (2, false),
            (2, true),
            (2, true),
            (2, true),
            (1, true)
        ]
    );
}
