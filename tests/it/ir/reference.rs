//! What each operation means, on numbers small enough to check by eye.

use super::random::{self, Style};
use lossc::ir::{self, DimSizes};
use lossc::run::{Array, reference};
use proptest::prelude::*;

/// Runs the nodes of `body` over `N` (2), `C = 3`, `F = C[1..]`, `M = N` and returns the last.
/// The inputs are x = [[1, 2, 3], [4, 5, 6]] over N and C, and t = [2, 0] over N.
#[track_caller]
fn last(body: &str) -> Vec<f64> {
    let text = format!(
        "dims N, C = 3, F = C[1..], M = N\ngraph(x: f[N, C], t: i[N]) {{\n\
         %0: f[N, C] = input x\n%1: i[N] = input t\n{body}\n}}"
    );
    let mut graph = ir::parse(&text).unwrap();
    let node = graph.ids().next_back().unwrap();
    // Not a total by type, but the interpreter does not mind.
    let role = ir::Role::Total;
    graph.outputs.push(ir::Output { role, node });
    let sizes = ir::bind_sizes(&graph, &[Some(2), None, None, None]).unwrap();
    let x = Array::new(vec![2, 3], vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let t = Array::new(vec![2], vec![2.0, 0.0]);
    let out = reference::run(&graph, &sizes, &[x, t]).remove(0);
    assert_eq!(out.shape, sizes.shape(&graph.ty(node).dims));
    out.data
}

#[test]
fn structure() {
    assert_eq!(last("%2: f[N] = at[C, 1] %0"), [2.0, 5.0]);
    assert_eq!(last("%2: f[N] = at[C, -1] %0"), [3.0, 6.0]);
    assert!(last("%2: f[N] = at[C, 3] %0").iter().all(|x| x.is_nan()));
    assert_eq!(
        last("%2: f[N, F] = slice[C -> F, 1] %0"),
        [2.0, 3.0, 5.0, 6.0]
    );
    assert_eq!(
        last("%2: f[N, F] = slice[C -> F, -3] %0"),
        [1.0, 2.0, 4.0, 5.0]
    );
    assert_eq!(
        last("%2: f[N, F] = slice[C -> F, 1] %0\n%3: f[N, C] = place[F -> C, 1] %2"),
        [0.0, 2.0, 3.0, 0.0, 5.0, 6.0]
    );
    assert_eq!(
        last("%2: f[C, M] = rename[N -> M] %0"),
        [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]
    );
    assert_eq!(last("%2: i[C] = index[C]"), [0.0, 1.0, 2.0]);
    assert_eq!(last("%2: f[] = size[N, C]"), [6.0]);
    assert_eq!(
        last("%2: i[N, F] = broadcast[N, F] %1"),
        [2.0, 2.0, 0.0, 0.0]
    );
    assert_eq!(last("%2: f[C] = table 7, 8, 9"), [7.0, 8.0, 9.0]);
}

#[test]
fn shifts() {
    let shift = |by: i64, edge: &str| last(&format!("%2: f[N, C] = shift[C, {by}, {edge}] %0"));
    assert_eq!(shift(1, "zero"), [0.0, 1.0, 2.0, 0.0, 4.0, 5.0]);
    assert_eq!(shift(-1, "zero"), [2.0, 3.0, 0.0, 5.0, 6.0, 0.0]);
    assert_eq!(shift(2, "clamp"), [1.0, 1.0, 1.0, 4.0, 4.0, 4.0]);
    assert_eq!(shift(-9, "clamp"), [3.0, 3.0, 3.0, 6.0, 6.0, 6.0]);
    assert_eq!(shift(4, "wrap"), [3.0, 1.0, 2.0, 6.0, 4.0, 5.0]);
    assert_eq!(shift(i64::MIN, "zero"), [0.0; 6]);
}

#[test]
fn resolutions() {
    // %0 is 1 2 3, 4 5 6; F has two entries, M two as N.
    let one = |grid: &str| last(&format!("%2: f[N, F] = resize[C -> F, {grid}] %0"));
    assert_eq!(one("first"), [1.0, 2.0, 4.0, 5.0]);
    assert_eq!(one("middle"), [1.0, 3.0, 4.0, 6.0]);
    assert_eq!(one("2"), [1.0, 1.0, 4.0, 4.0]);
    let and = |op: &str| {
        last(&format!(
            "%2: f[N, F] = slice[C -> F, 1] %0\n%3: f[N, C] = {op} %2"
        ))
    };
    // Of 2 3, 5 6.
    assert_eq!(and("resize[F -> C, first]"), [2.0, 2.0, 3.0, 5.0, 5.0, 6.0]);
    assert_eq!(
        and("resize[F -> C, middle]"),
        [2.0, 3.0, 3.0, 5.0, 6.0, 6.0]
    );
    assert_eq!(and("resize[F -> C, 1]"), [2.0, 3.0, 0.0, 5.0, 6.0, 0.0]);
    assert_eq!(
        and("collect[F -> C, first]"),
        [2.0, 3.0, 0.0, 5.0, 6.0, 0.0]
    );
    assert_eq!(and("collect[F -> C, 2]"), [5.0, 0.0, 0.0, 11.0, 0.0, 0.0]);
    let sum = |grid: &str| last(&format!("%2: f[N, F] = collect[C -> F, {grid}] %0"));
    assert_eq!(sum("first"), [3.0, 3.0, 9.0, 6.0]);
    assert_eq!(sum("middle"), [1.0, 5.0, 4.0, 11.0]);
    assert_eq!(sum("1"), [1.0, 2.0, 4.0, 5.0]);
    assert_eq!(last("%2: i[M] = resize[N -> M, first] %1"), [2.0, 0.0]);
}

#[test]
fn windows() {
    // %0 is 1 2 3, 4 5 6.
    let max = |radius: usize| last(&format!("%2: f[N, C] = window_max[C, {radius}] %0"));
    assert_eq!(max(0), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(max(1), [2.0, 3.0, 3.0, 5.0, 6.0, 6.0]);
    assert_eq!(max(usize::MAX >> 1), [3.0, 3.0, 3.0, 6.0, 6.0, 6.0]);
    assert_eq!(
        last("%2: f[N, C] = window_max[N, 1] %0"),
        [4.0, 5.0, 6.0, 4.0, 5.0, 6.0]
    );
    let sum = |rim: &str| {
        last(&format!(
            "%2: f[N, C] = window_sum[C, {rim}, 100, 10, 1] %0"
        ))
    };
    assert_eq!(sum("zero"), [12.0, 123.0, 230.0, 45.0, 456.0, 560.0]);
    assert_eq!(sum("clamp"), [112.0, 123.0, 233.0, 445.0, 456.0, 566.0]);
    assert_eq!(sum("wrap"), [312.0, 123.0, 231.0, 645.0, 456.0, 564.0]);
    // Around the places before and after come 1 and 300, 4 and 600.
    assert_eq!(sum("pile"), [13.0, 123.0, 530.0, 49.0, 456.0, 1160.0]);
    let wide = |rim: &str| {
        let weights = "1, 1, 1, 1, 0.5, 1, 1, 1, 1";
        last(&format!("%2: f[N, C] = window_sum[C, {rim}, {weights}] %0"))[..3].to_vec()
    };
    assert_eq!(wide("zero"), [5.5, 5.0, 4.5]);
    assert_eq!(wide("clamp"), [15.5, 17.0, 18.5]);
    assert_eq!(wide("wrap"), [17.5, 17.0, 16.5]);
    let ties = |radius: usize| {
        let body =
            "%2: f[N, C] = const 2\n%3: f[N, C] = min %0 %2\n%4: f[N, C] = window_max[C, 1] %3\n";
        last(&format!(
            "{body}%5: f[N, C] = window_ties[C, {radius}] %3 %4 %0"
        ))
    };
    assert_eq!(ties(1), [2.0, 5.0, 5.0, 9.0, 15.0, 11.0]);
    assert_eq!(ties(0), [0.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
}

#[test]
fn classes() {
    assert_eq!(last("%2: f[N] = pick[C] %0 %1"), [3.0, 4.0]);
    assert_eq!(
        last("%2: f[N, C] = onehot[C] %1"),
        [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]
    );
    assert_eq!(last("%2: i[N] = argmax[C] %0"), [2.0, 2.0]);
    let beyond = "%2: i[N] = const 3\n";
    assert!(
        last(&format!("{beyond}%3: f[N] = pick[C] %0 %2"))
            .iter()
            .all(|x| x.is_nan())
    );
    assert_eq!(
        last(&format!("{beyond}%3: f[N, C] = onehot[C] %2")),
        [0.0; 6]
    );
    let even = "%2: f[N, C] = const 1e4\n";
    let third = |body: &str| last(&format!("{even}{body}"))[0];
    assert_eq!(third("%3: f[N, C] = softmax[C] %2"), 1.0 / 3.0);
    assert!((third("%3: f[N, C] = log_softmax[C] %2") + 3f64.ln()).abs() < 1e-12);
}

#[test]
fn reductions() {
    assert_eq!(last("%2: f[C] = sum[N] %0"), [5.0, 7.0, 9.0]);
    assert_eq!(last("%2: f[N] = prod[C] %0"), [6.0, 120.0]);
    assert_eq!(last("%2: f[] = reduce_max[N, C] %0"), [6.0]);
    assert_eq!(last("%2: f[C] = reduce_min[N] %0"), [1.0, 2.0, 3.0]);
    assert_eq!(last("%2: f[N, C] = sum[] %0").len(), 6);
    assert_eq!(
        last("%2: f[C] = table 0, 1, 0\n%3: f[N] = dot[C] %0 %2"),
        [2.0, 5.0]
    );
    assert_eq!(
        last("%2: f[F] = const 2\n%3: f[N, C, F] = dot[] %0 %2")[..3],
        [2.0, 2.0, 4.0]
    );
    let minus_infinity = "%2: f[C] = const -inf\n%3: f[] = logsumexp[C] %2";
    assert_eq!(last(minus_infinity), [f64::NEG_INFINITY]);
    let large = last("%2: f[C] = const 1e4\n%3: f[] = logsumexp[C] %2");
    assert!((large[0] - (1e4 + 3f64.ln())).abs() < 1e-9);
}

#[test]
fn order() {
    let of = "%2: f[C] = table 2, 0, 1\n%3: f[N, C] = broadcast[N, C] %2\n";
    let order = |body: &str| last(&format!("{of}{body}"));
    assert_eq!(
        order("%4: i[N, C] = argsort[C] %3"),
        [1.0, 2.0, 0.0, 1.0, 2.0, 0.0]
    );
    // Both dims as one: equals stand as they stood.
    assert_eq!(
        order("%4: i[N, C] = argsort[N, C] %3"),
        [1.0, 4.0, 2.0, 5.0, 0.0, 3.0]
    );
    assert_eq!(
        order("%4: i[N, C] = argsort_down[N, C] %3"),
        [0.0, 3.0, 2.0, 5.0, 1.0, 4.0]
    );
    assert_eq!(
        order("%4: i[N, C] = argsort[N] %3"),
        [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
    );
    let taken = "%4: i[N, C] = argsort[N, C] %3\n%5: f[N, C] = ";
    assert_eq!(
        order(&format!("{taken}take[N, C] %0 %4")),
        [2.0, 5.0, 3.0, 6.0, 1.0, 4.0]
    );
    assert_eq!(
        order(&format!("{taken}scatter[N, C] %0 %4")),
        [5.0, 1.0, 3.0, 6.0, 2.0, 4.0]
    );
    assert_eq!(
        order(&format!("{taken}cumsum_by[N, C] %0 %4")),
        [17.0, 2.0, 10.0, 21.0, 7.0, 16.0]
    );
    assert_eq!(
        order(&format!("{taken}cumsum_by_back[N, C] %0 %4")),
        [5.0, 21.0, 14.0, 4.0, 19.0, 11.0]
    );
    let once = "%4: i[N, C] = const 4\n%5: f[N, C] = ";
    assert_eq!(order(&format!("{once}take[N, C] %0 %4")), [5.0; 6]);
    assert_eq!(
        order(&format!("{once}scatter[N, C] %0 %4")),
        [0.0, 0.0, 0.0, 0.0, 21.0, 0.0]
    );
    assert!(
        order(&format!("{once}take[C] %0 %4"))
            .iter()
            .all(|x| x.is_nan())
    );
    assert_eq!(
        last("%2: f[N, C] = cumsum[C] %0"),
        [1.0, 3.0, 6.0, 4.0, 9.0, 15.0]
    );
    assert_eq!(
        last("%2: f[N, C] = cumsum_back[N, C] %0"),
        [21.0, 20.0, 18.0, 15.0, 11.0, 6.0]
    );
    let top = |k: &str| {
        order(&format!(
            "%4: f[N] = const {k}\n%5: b[N, C] = top_k[C] %3 %4\n%6: f[N, C] = float %5"
        ))
    };
    assert_eq!(top("1"), [1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    assert_eq!(top("1.1"), [1.0, 0.0, 1.0, 1.0, 0.0, 1.0]);
    assert_eq!(top("0"), [0.0; 6]);
    assert_eq!(top("nan"), [0.0; 6]);
    assert_eq!(top("9"), [1.0; 6]);
    assert_eq!(
        last(
            "%2: f[N, C] = const nan\n%3: f[] = const 3\n%4: f[C] = table 1, 0, 1\n%5: f[N, C] = broadcast[N, C] %4\n\
              %6: f[N, C] = const 0\n%7: b[N, C] = eq %5 %6\n%8: f[N, C] = select %7 %2 %0\n\
              %9: b[N, C] = top_k[N, C] %8 %3\n%10: f[N, C] = float %9"
        ),
        [0.0, 0.0, 1.0, 1.0, 0.0, 1.0]
    );
}

#[test]
fn distances() {
    let mask = "%2: f[C] = table 1, 1, 0\n%3: f[N, C] = broadcast[N, C] %2\n%4: f[N, C] = const 0\n%5: b[N, C] = gt %3 %4\n%6: f[N, C] = ";
    let far = |along: &str| last(&format!("{mask}distance[{along}] %5"));
    assert_eq!(far("C by 1"), [2.0, 1.0, 0.0, 2.0, 1.0, 0.0]);
    assert_eq!(far("N by 3, C by 0.5"), [1.0, 0.5, 0.0, 1.0, 0.5, 0.0]);
    let never = f64::INFINITY;
    assert_eq!(far("N by 1"), [never, never, 0.0, never, never, 0.0]);
    assert_eq!(far(""), [never, never, 0.0, never, never, 0.0]);
}

#[test]
fn nothing_has_neutral_reductions() {
    let text = "dims N\ngraph(x: f[N], b: b[N]) {\n%0: f[N] = input x\n%1: b[N] = input b\n\
        %2: f[] = sum[N] %0\n%3: f[] = prod[N] %0\n%4: f[] = reduce_max[N] %0\n\
        %5: f[] = reduce_min[N] %0\n%6: f[] = logsumexp[N] %0\n%7: b[] = any[N] %1\n\
        %8: b[] = all[N] %1\n%9: f[] = float %7\n%10: f[] = float %8\n\
        report.0 = %2\nreport.1 = %3\nreport.2 = %4\nreport.3 = %5\nreport.4 = %6\n\
        report.5 = %9\nreport.6 = %10\n}";
    let graph = ir::parse(text).unwrap();
    let nothing = Array::new(vec![0], vec![]);
    let out = reference::run(&graph, &DimSizes(vec![0]), &[nothing.clone(), nothing]);
    let out: Vec<f64> = out.iter().map(|a| a.data[0]).collect();
    let infinity = f64::INFINITY;
    assert_eq!(out, [0.0, 1.0, -infinity, infinity, -infinity, 0.0, 1.0]);
}

proptest! {
    #![proptest_config(random::config(256))]

    /// Any graph runs on any sizes, those of nothing and of one included.
    #[test]
    fn random_graphs_run(
        choices in proptest::collection::vec(any::<u32>(), 0..200),
        numbers in proptest::collection::vec(-1.0..1.0, 1..40),
        n in 0usize..3,
        s in 0usize..3,
    ) {
        let graph = random::graph(&choices, Style::Any);
        let sizes = random::sizes(n, s);
        let inputs = random::arrays(&sizes, &numbers);
        let out = reference::run(&graph, &sizes, &inputs);
        prop_assert_eq!(out.len(), graph.outputs.len());
    }
}
