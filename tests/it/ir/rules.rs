//! Every rewrite rule: it fires, and both sides agree, value and slope, on its sample points.

use super::random;
use lossc::ir::{self, DimSizes, Elem, Graph, Op, Role};
use lossc::passes::{self, Config, Effect, Rule, rewrite};
use lossc::run::{Array, reference};
use std::collections::BTreeSet;

fn rules() -> impl Iterator<Item = &'static Rule> {
    passes::STABILISE_RULES.iter().chain(passes::SIMPLIFY_RULES)
}

/// The sample points in every hole, each in another order.
fn inputs(rule: &Rule, graph: &Graph, sizes: &DimSizes) -> Vec<Array> {
    let mut offset = 0;
    let mut array = |input: &ir::Input| {
        offset += 1;
        let shape = sizes.shape(&input.ty.dims);
        let count: usize = shape.iter().product();
        // 2 is no divisor of the numbers of points in use, so every point meets every other.
        let point = |i: usize| rule.on[(i * offset + offset) % rule.on.len()];
        let data = (0..count).map(|i| match input.ty.elem {
            Elem::Float => point(i),
            Elem::Int => ((i + offset) % 3) as f64,
            Elem::Bool => f64::from(u8::from((i + offset) % 2 == 0)),
        });
        Array::new(shape, data.collect())
    };
    graph.inputs.iter().map(&mut array).collect()
}

/// The elements before the sum that is the total, and the gradients.
fn evaluate(graph: &Graph, sizes: &DimSizes, inputs: &[Array]) -> (Vec<f64>, Vec<f64>) {
    let wanted: Vec<u32> = (0..graph.inputs.len() as u32).collect();
    let differentiate = passes::ALL.iter().find(|p| p.name == "differentiate");
    let mut graph = graph.clone();
    let total = graph.outputs[0].node;
    let before = graph.node(total).args[0];
    graph = passes::apply(graph, &[differentiate.unwrap()], &Config { wanted });
    let gradients = graph.outputs.split_off(1);
    // The elements take the place of the total, whose type the interpreter does not check.
    graph.outputs[0].node = before;
    graph.outputs.extend(gradients);
    let mut inputs = inputs.to_vec();
    inputs.push(Array::scalar(1.0));
    let mut values = reference::run(&graph, sizes, &inputs);
    let gradients = values.split_off(1).into_iter().flat_map(|a| a.data);
    (values.remove(0).data, gradients.collect())
}

fn close(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * (1.0 + a.abs()) || a == b || (a.is_nan() && b.is_nan())
}

#[test]
fn every_rule_fires_and_keeps_the_numbers() {
    for rule in rules() {
        let name = rule.name;
        let before = rule.example();
        ir::verify(&before).unwrap();
        let after = rewrite(before.clone(), std::slice::from_ref(rule));
        ir::verify(&after).unwrap();
        assert_ne!(
            ir::print(&before),
            ir::print(&after),
            "`{name}` does not fire"
        );

        let sizes = DimSizes(vec![rule.on.len(), 3]);
        let inputs = inputs(rule, &before, &sizes);
        let (value, slope) = evaluate(&before, &sizes, &inputs);
        let (new_value, new_slope) = evaluate(&after, &sizes, &inputs);
        for (old, new) in value.iter().zip(&new_value) {
            let same = match rule.effect {
                Effect::Exact => old.to_bits() == new.to_bits(),
                Effect::Steadier | Effect::Loose => close(*old, *new, 1e-12),
            };
            assert!(same, "`{name}`: {old} became {new}\n{}", ir::print(&after));
            assert!(old.is_finite(), "`{name}` is compared at {old}");
        }
        for (old, new) in slope.iter().zip(&new_slope) {
            assert!(
                close(*old, *new, 1e-9),
                "`{name}`: slope {old} became {new}"
            );
        }
    }
}

#[test]
fn rules_have_names_of_their_own_and_do_not_cycle() {
    let names: BTreeSet<&str> = rules().map(|rule| rule.name).collect();
    assert_eq!(names.len(), rules().count());
    // A second run finds nothing left to do.
    let all: Vec<Rule> = rules().copied().collect();
    for rule in rules() {
        let once = rewrite(rule.example(), &all);
        let twice = rewrite(once.clone(), &all);
        assert_eq!(ir::print(&once), ir::print(&twice), "`{}`", rule.name);
    }
}

/// What a user may write, over x: f[N, D] with labels l: i[N] and t: f[N, D], at scores that are
/// far beyond what exp bears. The operations that must be gone, and the value at x = [[1e4, −1e4, 0]],
/// l = [1], t = [[0, 1, 0]].
const WRITTEN: &[(&str, &str, &[&str], f64)] = &[
    (
        "log of picked softmax",
        "%3: f[N, D] = softmax[D] %0\n%4: f[N] = pick[D] %3 %1\n%5: f[N] = log %4\n%6: f[N] = neg %5",
        &["log", "softmax"],
        2e4,
    ),
    (
        "one-hot cross entropy",
        "%3: f[N, D] = softmax[D] %0\n%4: f[N, D] = log %3\n%5: f[N, D] = mul %2 %4\n%6: f[N] = sum[D] %5\n%7: f[N] = neg %6",
        &["log", "softmax"],
        2e4,
    ),
    (
        "binary cross entropy",
        "%3: f[N, D] = sigmoid %0\n%4: f[N, D] = log %3\n%5: f[N, D] = mul %2 %4\n\
         %6: f[N, D] = const 1\n%7: f[N, D] = sub %6 %2\n%8: f[N, D] = sub %6 %3\n%9: f[N, D] = log %8\n\
         %10: f[N, D] = mul %7 %9\n%11: f[N, D] = add %5 %10\n%12: f[N, D] = neg %11",
        &["log", "sigmoid"],
        // softplus(1e4) + softplus(1e4) + softplus(0)
        2e4 + std::f64::consts::LN_2,
    ),
    (
        "logsumexp with the largest taken out",
        "%3: f[N] = reduce_max[D] %0\n%4: f[N, D] = broadcast[N, D] %3\n%5: f[N, D] = sub %0 %4\n\
         %6: f[N, D] = exp %5\n%7: f[N] = sum[D] %6\n%8: f[N] = log %7\n%9: f[N] = add %8 %3",
        &["log", "exp", "reduce_max"],
        1e4,
    ),
    (
        "stable softmax by hand, then its log at one class",
        "%3: f[N] = reduce_max[D] %0\n%4: f[N, D] = broadcast[N, D] %3\n%5: f[N, D] = sub %0 %4\n\
         %6: f[N, D] = exp %5\n%7: f[N] = sum[D] %6\n%8: f[N, D] = broadcast[N, D] %7\n\
         %9: f[N, D] = div %6 %8\n%10: f[N, D] = log %9\n%11: f[N] = at[D, 1] %10",
        &["log", "exp", "reduce_max", "softmax"],
        -2e4,
    ),
    (
        "log softmax by hand, three terms",
        "%3: f[N] = reduce_max[D] %0\n%4: f[N, D] = broadcast[N, D] %3\n%5: f[N, D] = sub %0 %4\n\
         %6: f[N, D] = exp %5\n%7: f[N] = sum[D] %6\n%8: f[N] = log %7\n%9: f[N, D] = broadcast[N, D] %8\n\
         %10: f[N, D] = sub %5 %9\n%11: f[N] = at[D, 2] %10",
        &["log", "exp", "reduce_max"],
        -1e4,
    ),
    (
        "divergence from a softmax",
        "%3: f[N, D] = softmax[D] %0\n%4: f[N, D] = const 1\n%5: f[N, D] = div %4 %3\n%6: f[N, D] = log %5\n%7: f[N] = at[D, 1] %6",
        &["log", "softmax", "div"],
        2e4,
    ),
    (
        "stable binary cross entropy by hand",
        "%3: f[N, D] = relu %0\n%4: f[N, D] = mul %0 %2\n%5: f[N, D] = sub %3 %4\n%6: f[N, D] = abs %0\n\
         %7: f[N, D] = neg %6\n%8: f[N, D] = exp %7\n%9: f[N, D] = const 1\n%10: f[N, D] = add %9 %8\n\
         %11: f[N, D] = log %10\n%12: f[N, D] = add %5 %11",
        &["log", "exp", "relu", "abs"],
        2e4 + std::f64::consts::LN_2,
    ),
    (
        "contrast of one score with all others",
        "%3: f[N] = at[D, 1] %0\n%4: f[N] = exp %3\n%5: f[N, D] = exp %0\n%6: f[N] = sum[D] %5\n\
         %7: f[N] = add %4 %6\n%8: f[N] = div %4 %7\n%9: f[N] = log %8\n%10: f[N] = neg %9",
        &["log", "exp", "div"],
        2e4,
    ),
    (
        "masked sum of exponentials and one",
        "%3: f[N, D] = const 0.5\n%4: b[N, D] = gt %2 %3\n%5: f[N, D] = exp %0\n%6: f[N, D] = const 0\n\
         %7: f[N, D] = select %4 %5 %6\n%8: f[N] = sum[D] %7\n%9: f[N] = const 1\n\
         %10: f[N] = add %9 %8\n%11: f[N] = log %10",
        &["log", "exp"],
        0.0,
    ),
    (
        "entropy of a target with zeros",
        "%3: f[N, D] = log %2\n%4: f[N, D] = mul %2 %3\n%5: f[N, D] = neg %4",
        &[],
        0.0,
    ),
    (
        "divergence of a softmax from a target with zeros",
        "%3: f[N, D] = softmax[D] %0\n%4: f[N, D] = div %2 %3\n%5: f[N, D] = log %4\n%6: f[N, D] = mul %2 %5",
        &["softmax", "div"],
        2e4,
    ),
];

#[test]
fn what_users_write_becomes_stable() {
    for (name, body, gone, expected) in WRITTEN {
        let text = format!(
            "dims N, D = 3\ngraph(x: f[N, D], l: i[N], t: f[N, D]) {{\n\
             %0: f[N, D] = input x\n%1: i[N] = input l\n%2: f[N, D] = input t\n{body}\n}}"
        );
        let mut graph = ir::parse(&text).unwrap();
        let last = graph.ids().next_back().unwrap();
        let dims = graph.ty(last).dims.clone();
        let node = graph.sum(last, dims, random::origin());
        let role = Role::Total;
        graph.outputs.push(ir::Output { role, node });
        let whole = graph.clone();
        let graph = passes::apply(graph, passes::VALUE, &Config::default());
        let left: Vec<&str> = graph.nodes.iter().map(|n| n.op.name()).collect();
        for op in *gone {
            assert!(
                !left.contains(op),
                "{name}: `{op}` is left\n{}",
                ir::print(&graph)
            );
        }
        let x = Array::new(vec![1, 3], vec![1e4, -1e4, 0.0]);
        let t = Array::new(vec![1, 3], vec![0.0, 1.0, 0.0]);
        let mut inputs = vec![x, Array::new(vec![1], vec![1.0]), t];
        let value = reference::run(&graph, &DimSizes(vec![1, 3]), &inputs)[0].data[0];
        assert!(
            close(value, *expected, 1e-12),
            "{name}: {value} for {expected}"
        );

        let config = Config { wanted: vec![0] };
        let graph = passes::apply(whole, passes::GRADIENT, &config);
        inputs.push(Array::scalar(1.0));
        let sizes = DimSizes(vec![1, 3]);
        let slope = reference::run(&graph, &sizes, &inputs).remove(1).data;
        let finite = slope.iter().all(|g| g.abs() <= 3.0);
        assert!(finite, "{name}: slope {slope:?}\n{}", ir::print(&graph));
    }
}

#[test]
fn rewriting_keeps_the_place_in_the_spec() {
    let mut graph = passes::STABILISE_RULES[0].example();
    for (i, node) in graph.nodes.iter_mut().enumerate() {
        node.origin.span.end = i as u32;
    }
    let log = graph.nodes.iter().find(|n| n.op.name() == "log").unwrap();
    let place = log.origin;
    let graph = passes::apply(graph, passes::VALUE, &Config::default());
    let new = graph
        .nodes
        .iter()
        .find(|n| matches!(n.op, Op::LogSoftmax(_)));
    assert_eq!(new.unwrap().origin, place);
}

#[test]
fn a_number_times_its_logarithm_ends() {
    for text in [
        "graph() {\n%0: f[] = const 0.5\n%1: f[] = log %0\n%2: f[] = mul %0 %1\ntotal = %2\n}",
        "graph(x: f[]) {\n%0: f[] = const 0.5\n%1: f[] = log %0\n%2: f[] = input x\n%3: f[] = sub %1 %2\n\
         %4: f[] = mul %0 %3\ntotal = %4\n}",
    ] {
        let graph = passes::apply(ir::parse(text).unwrap(), passes::VALUE, &Config::default());
        let inputs = vec![Array::scalar(2.0); graph.inputs.len()];
        let value = reference::run(&graph, &DimSizes(vec![]), &inputs)[0].data[0];
        let expected = 0.5 * (0.5f64.ln() - if inputs.is_empty() { 0.0 } else { 2.0 });
        assert!(close(value, expected, 1e-15), "{value} for {expected}");
    }
}
