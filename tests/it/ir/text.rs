//! Graphs print, and what they print reads back.

use super::random::{self, Style};
use lossc::ir::{self, Graph};
use proptest::prelude::*;

const CROSS_ENTROPY: &str = "\
dims N, C = 2, S, F = C[1..], M = N, T = S[-3..-1], B = S/2
graph(pred: f[N, C, S], target: i[N, S], soft: f[N, S] in 0..1, unused: b[]) {
  %0: f[N, C, S] = input pred
  %1: f[N, C, S] = log_softmax[C] %0
  %2: i[N, S] = input target
  %3: f[N, S] = pick[C] %1 %2
  %4: f[] = sum[N, S] %3
  %5: f[] = const -0.5
  %6: f[] = mul %4 %5
  %7: f[C] = table 0.2, -1e-6
  %8: f[F] = slice[C -> F, 1] %7
  %9: f[N, C, S] = shift[S, -1, clamp] %0
  %10: f[C, S, M] = rename[N -> M] %9
  %11: f[N, S] = at[C, -1] %0
  %12: f[C] = place[F -> C, 1] %8
  %13: f[] = size[N, S]
  %14: i[S] = index[S]
  %15: f[N, S] = broadcast[N, S] %13
  %16: b[N, S] = const 1
  %17: f[N, C, S] = window_max[S, 3] %0
  %18: f[N, C, S] = window_sum[S, pile, 0.25, 1, -1e-7] %0
  %19: f[N, C, S] = window_ties[C, 1] %0 %17 %18
  %20: f[N, C, B] = collect[S -> B, 2] %0
  %21: f[N, C, S] = resize[B -> S, 2] %20
  %22: f[C, S, M] = resize[N -> M, middle] %0
  %23: i[S, M] = resize[N -> M, first] %2
  total = %6
  term.0 = %4
  weight.0 = %5
  report.3 = %13
  grad.0 = %1
}
";

#[test]
fn prints_what_it_reads() {
    let graph = ir::parse(CROSS_ENTROPY).unwrap();
    assert_eq!(ir::print(&graph), CROSS_ENTROPY);
}

#[test]
fn comments_and_blank_lines_are_skipped() {
    let text = "# nothing\n\n  graph() {  # no inputs\n\n    %0: f[]=const 1e300 # large\n}";
    let graph = ir::parse(text).unwrap();
    assert_eq!(ir::print(&graph), "graph() {\n  %0: f[] = const 1e300\n}\n");
}

#[test]
fn numbers_keep_their_value() {
    for value in [
        0.1,
        -0.0,
        1.0 / 3.0,
        5e-324,
        f64::MAX,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ] {
        let mut graph = Graph::default();
        graph.constant(value, Default::default(), random::origin());
        let back = ir::parse(&ir::print(&graph)).unwrap();
        assert!(matches!(back.nodes[0].op, ir::Op::Const(v) if v.to_bits() == value.to_bits()));
    }
    let nan = ir::parse("graph() {\n%0: f[] = const nan\n}").unwrap();
    assert!(ir::print(&nan).contains("const nan"));
}

/// Broken texts, the line that is wrong, and a part of the reason.
const BROKEN: &[(&str, &str)] = &[
    ("", "line 1: expected"),
    (
        "graph() {\n%0: f[] = const one\n}",
        "line 2: expected a number",
    ),
    ("graph() {\n%1: f[] = const 1\n}", "line 2: %1 should be %0"),
    (
        "graph() {\n%0: f[N] = const 1\n}",
        "line 2: there is no dim `N`",
    ),
    (
        "graph() {\n%0: f[] = input x\n}",
        "line 2: there is no input `x`",
    ),
    (
        "graph() {\n%0: f[] = const 1\n%1: f[] = log10 %0\n}",
        "line 3: there is no operation `log10`",
    ),
    (
        "dims C\ngraph() {\n%0: i[C] = index[C, C]\n}",
        "what `index` has in brackets",
    ),
    (
        "graph() {\n%0: f[] = const 1\ngain = %0\n}",
        "there is no output `gain`",
    ),
    ("dims N, N\ngraph() {\n}", "two dims are called `N`"),
    (
        "dims N\ngraph(x: f[], x: f[]) {\n}",
        "two inputs are called `x`",
    ),
    (
        "graph() {\n%0: f[] = neg %0\n}",
        "%0 is not defined before %0",
    ),
    (
        "graph() {\n%0: f[] = const 1\n%1: b[] = neg %0\n}",
        "the type should be f[]",
    ),
    (
        "graph() {\n%0: b[] = const 1\n%1: f[] = neg %0\n}",
        "`neg` takes `f`, not `b`",
    ),
    (
        "graph(x: f[]) {\n%0: b[] = input x\n}",
        "the type should be f[]",
    ),
    (
        "dims C = 2\ngraph() {\n%0: f[C] = table 1\n}",
        "1 numbers for 2 positions",
    ),
    (
        "dims C\ngraph() {\n%0: f[C] = table 1\n}",
        "`C` is not fixed",
    ),
    (
        "dims N, M\ngraph() {\n%0: f[N] = const 1\n%1: f[M] = rename[N -> M] %0\n}",
        "may differ in size",
    ),
    (
        "dims N, M\ngraph() {\n%0: f[N] = const 1\n%1: f[M] = slice[N -> M, 0] %0\n}",
        "does not derive",
    ),
    (
        "dims N\ngraph() {\n%0: f[N] = const 1\ntotal = %0\n}",
        "should have the type f[]",
    ),
    (
        "graph() {\n%0: f[] = const 1\ntotal = %1\n}",
        "does not exist",
    ),
    (
        "graph() {\n%0: f[] = const 1\ntotal = %0\ntotal = %0\n}",
        "two outputs are called `total`",
    ),
    (
        "graph(t: i[]) {\n%0: f[] = const 1\ngrad.0 = %0\n}",
        "not of floats",
    ),
];

#[test]
fn errors_say_where_and_why() {
    for (text, reason) in BROKEN {
        let error = ir::parse(text).expect_err(text);
        assert!(
            error.contains(reason),
            "{text}\ngives\n{error}\nnot\n{reason}"
        );
    }
}

#[test]
fn a_fault_is_shown_among_its_neighbours() {
    let text = "graph() {\n%0: f[] = const 1\n%1: f[] = neg %0\n%2: f[] = exp %1\n%3: f[] = log %9\n%4: f[] = abs %1\n}";
    let expected = "  %1: f[] = neg %0\n  %2: f[] = exp %1\n  %3: f[] = log %9\n  ^^^^^^^^^^^^^^^^ %9 is not defined before %3\n  %4: f[] = abs %1\n";
    assert_eq!(ir::parse(text).unwrap_err(), expected);
}

#[test]
fn dot_has_every_node_and_edge() {
    let graph = ir::parse(CROSS_ENTROPY).unwrap();
    let dot = ir::dot(&graph);
    assert!(dot.contains("n3 [label=\"pick[C]\\nf[N, S]\"];"));
    assert!(dot.contains("n2 -> n3 [label=\"1\"];"));
    assert!(dot.contains("n6 -> o0;"));
}

proptest! {
    #![proptest_config(random::config(256))]

    #[test]
    fn random_graphs_read_back(choices in proptest::collection::vec(any::<u32>(), 0..200)) {
        let graph = random::graph(&choices, Style::Any);
        let back = ir::parse(&ir::print(&graph)).unwrap();
        prop_assert_eq!(back, graph);
    }
}
