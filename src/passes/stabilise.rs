//! `Graph` → the same real numbers without overflow or lost digits on the way. Before
//! differentiation, so that the derivative is that of the stable form.
//!
//! The rules cover what users write by hand and what the library composes. They do not touch what
//! changes the number, such as log(p + 1e-8), nor what has no stable twin, such as log(1 − p) of
//! a softmax. Exact simplifications take part, since they bring operands into the forms that the
//! rules look for.

use super::rewrite::Effect::{Exact, Steadier};
use super::rewrite::{self, Rule, Rules};
use super::{Config, Pass, simplify};
use crate::ir::Graph;
use std::sync::OnceLock;

/// The pass.
pub const PASS: Pass = Pass {
    name: "stabilise",
    about: "replaces forms that overflow or lose digits, such as log(softmax(x))",
    run,
};

fn run(graph: Graph, _: &Config) -> Graph {
    static READY: OnceLock<Rules> = OnceLock::new();
    let ready = READY.get_or_init(|| Rules::new(RULES.iter().chain(simplify::RULES)));
    rewrite::run(graph, ready, simplify::structure)
}

/// Sample points on which every function is defined and nothing is lost.
const MODERATE: &[f64] = &[-3.0, -0.5, 0.25, 1.0, 4.0];
const POSITIVE: &[f64] = &[0.25, 0.5, 1.0, 3.0, 20.0];

/// The rules, the first that matches wins.
pub const RULES: &[Rule] = &[
    // log softmax, also after picking a class or dropping one, and log of quotients and products.
    Rule {
        name: "log of softmax",
        effect: Steadier,
        lhs: "log(moved(softmax[d](?x)))",
        rhs: "moved(log_softmax[d](?x))",
        on: MODERATE,
    },
    Rule {
        name: "log of selected softmax",
        effect: Steadier,
        lhs: "log(select(?c, moved(softmax[d](?x)), ?y))",
        rhs: "select(?c, moved(log_softmax[d](?x)), log(?y))",
        on: POSITIVE,
    },
    Rule {
        name: "log of rejected softmax",
        effect: Steadier,
        lhs: "log(select(?c, ?y, moved(softmax[d](?x))))",
        rhs: "select(?c, log(?y), moved(log_softmax[d](?x)))",
        on: POSITIVE,
    },
    Rule {
        name: "log of a share of softmax",
        effect: Steadier,
        lhs: "log(mul(?a, moved(softmax[d](?x))))",
        rhs: "add(log(?a), moved(log_softmax[d](?x)))",
        on: POSITIVE,
    },
    Rule {
        name: "log of softmax over something",
        effect: Steadier,
        lhs: "log(div(moved(softmax[d](?x)), ?b))",
        rhs: "sub(moved(log_softmax[d](?x)), log(?b))",
        on: POSITIVE,
    },
    Rule {
        name: "log of something over softmax",
        effect: Steadier,
        lhs: "log(div(?a, moved(softmax[d](?x))))",
        rhs: "sub(log(?a), moved(log_softmax[d](?x)))",
        on: POSITIVE,
    },
    Rule {
        name: "softmax of log softmax",
        effect: Steadier,
        lhs: "exp(log_softmax[d](?x))",
        rhs: "softmax[d](?x)",
        on: MODERATE,
    },
    // Softmax and its log written out, with the largest subtracted or not. What is subtracted is
    // the same for the whole class axis, so it does not matter what it is.
    Rule {
        name: "softmax by hand",
        effect: Steadier,
        lhs: "div(exp(?x), broadcast(sum[d](exp(?x))))",
        rhs: "softmax[d](?x)",
        on: MODERATE,
    },
    Rule {
        name: "softmax by hand over several dims",
        effect: Steadier,
        lhs: "div(exp(?x), broadcast(sum[d..](exp(?x))))",
        rhs: "exp(sub(?x, logsumexp[d..](?x)))",
        on: MODERATE,
    },
    Rule {
        name: "log softmax by hand",
        effect: Steadier,
        lhs: "sub(?x, broadcast(logsumexp[d](?x)))",
        rhs: "log_softmax[d](?x)",
        on: MODERATE,
    },
    Rule {
        name: "log softmax by hand, negated",
        effect: Steadier,
        lhs: "sub(broadcast(logsumexp[d](?x)), ?x)",
        rhs: "neg(log_softmax[d](?x))",
        on: MODERATE,
    },
    Rule {
        name: "picked log softmax by hand",
        effect: Steadier,
        lhs: "sub(pick[d](?x, ?l), logsumexp[d](?x))",
        rhs: "pick[d](log_softmax[d](?x), ?l)",
        on: MODERATE,
    },
    Rule {
        name: "picked cross entropy by hand",
        effect: Steadier,
        lhs: "sub(logsumexp[d](?x), pick[d](?x, ?l))",
        rhs: "neg(pick[d](log_softmax[d](?x), ?l))",
        on: MODERATE,
    },
    Rule {
        name: "softmax of shifted",
        effect: Steadier,
        lhs: "softmax[d](sub(?x, broadcast[d](?m)))",
        rhs: "softmax[d](?x)",
        on: MODERATE,
    },
    Rule {
        name: "softmax of shifted up",
        effect: Steadier,
        lhs: "softmax[d](add(?x, broadcast[d](?m)))",
        rhs: "softmax[d](?x)",
        on: MODERATE,
    },
    Rule {
        name: "log softmax of shifted",
        effect: Steadier,
        lhs: "log_softmax[d](sub(?x, broadcast[d](?m)))",
        rhs: "log_softmax[d](?x)",
        on: MODERATE,
    },
    Rule {
        name: "log softmax of shifted up",
        effect: Steadier,
        lhs: "log_softmax[d](add(?x, broadcast[d](?m)))",
        rhs: "log_softmax[d](?x)",
        on: MODERATE,
    },
    Rule {
        name: "log of a sum of exponentials",
        effect: Steadier,
        lhs: "log(sum[d..](exp(?x)))",
        rhs: "logsumexp[d..](?x)",
        on: MODERATE,
    },
    Rule {
        name: "log of a mean of exponentials",
        effect: Steadier,
        lhs: "log(div(sum[d..](exp(?x)), ?n))",
        rhs: "sub(logsumexp[d..](?x), log(?n))",
        on: POSITIVE,
    },
    Rule {
        name: "logsumexp by hand",
        effect: Steadier,
        lhs: "add(logsumexp[d..](sub(?x, broadcast[d](?m))), ?m)",
        rhs: "logsumexp[d..](?x)",
        on: MODERATE,
    },
    Rule {
        name: "log of a sum of two exponentials",
        effect: Steadier,
        lhs: "log(add(exp(?x), exp(?y)))",
        rhs: "add(max(?x, ?y), softplus(neg(abs(sub(?x, ?y)))))",
        on: MODERATE,
    },
    // The logistic function, its complement and their logs.
    Rule {
        name: "complement of sigmoid",
        effect: Steadier,
        lhs: "sub(1, moved(sigmoid(?x)))",
        rhs: "moved(sigmoid(neg(?x)))",
        on: MODERATE,
    },
    Rule {
        name: "log of sigmoid",
        effect: Steadier,
        lhs: "log(moved(sigmoid(?x)))",
        rhs: "moved(neg(softplus(neg(?x))))",
        on: MODERATE,
    },
    Rule {
        name: "log1p of minus sigmoid",
        effect: Steadier,
        lhs: "log1p(neg(moved(sigmoid(?x))))",
        rhs: "moved(neg(softplus(?x)))",
        on: MODERATE,
    },
    Rule {
        name: "log of selected sigmoid",
        effect: Steadier,
        lhs: "log(select(?c, moved(sigmoid(?x)), ?y))",
        rhs: "select(?c, moved(neg(softplus(neg(?x)))), log(?y))",
        on: POSITIVE,
    },
    Rule {
        name: "log of rejected sigmoid",
        effect: Steadier,
        lhs: "log(select(?c, ?y, moved(sigmoid(?x))))",
        rhs: "select(?c, log(?y), moved(neg(softplus(neg(?x)))))",
        on: POSITIVE,
    },
    Rule {
        name: "log of a share of sigmoid",
        effect: Steadier,
        lhs: "log(mul(?a, moved(sigmoid(?x))))",
        rhs: "sub(log(?a), moved(softplus(neg(?x))))",
        on: POSITIVE,
    },
    Rule {
        name: "log of sigmoid over something",
        effect: Steadier,
        lhs: "log(div(moved(sigmoid(?x)), ?b))",
        rhs: "sub(moved(neg(softplus(neg(?x)))), log(?b))",
        on: POSITIVE,
    },
    Rule {
        name: "log of something over sigmoid",
        effect: Steadier,
        lhs: "log(div(?a, moved(sigmoid(?x))))",
        rhs: "add(log(?a), moved(softplus(neg(?x))))",
        on: POSITIVE,
    },
    Rule {
        name: "sigmoid by hand",
        effect: Steadier,
        lhs: "div(1, add(1, exp(neg(?x))))",
        rhs: "sigmoid(?x)",
        on: MODERATE,
    },
    Rule {
        name: "complement of sigmoid by hand",
        effect: Steadier,
        lhs: "div(1, add(1, exp(?x)))",
        rhs: "sigmoid(neg(?x))",
        on: MODERATE,
    },
    Rule {
        name: "sigmoid by hand, expanded",
        effect: Steadier,
        lhs: "div(exp(?x), add(1, exp(?x)))",
        rhs: "sigmoid(?x)",
        on: MODERATE,
    },
    Rule {
        name: "exp of log sigmoid",
        effect: Steadier,
        lhs: "exp(neg(softplus(neg(?x))))",
        rhs: "sigmoid(?x)",
        on: MODERATE,
    },
    Rule {
        name: "exp of log of the complement of sigmoid",
        effect: Steadier,
        lhs: "exp(neg(softplus(?x)))",
        rhs: "sigmoid(neg(?x))",
        on: MODERATE,
    },
    // softplus written out. The form with |x| has a kink at 0 where the function has none.
    Rule {
        name: "softplus by hand",
        effect: Steadier,
        lhs: "log(add(1, exp(?x)))",
        rhs: "softplus(?x)",
        on: MODERATE,
    },
    Rule {
        name: "softplus by log1p",
        effect: Steadier,
        lhs: "log1p(exp(?x))",
        rhs: "softplus(?x)",
        on: MODERATE,
    },
    Rule {
        name: "softplus around relu",
        effect: Steadier,
        lhs: "add(relu(?x), softplus(neg(abs(?x))))",
        rhs: "softplus(?x)",
        on: MODERATE,
    },
    Rule {
        name: "softplus around max",
        effect: Steadier,
        lhs: "add(max(?x, 0), softplus(neg(abs(?x))))",
        rhs: "softplus(?x)",
        on: MODERATE,
    },
    Rule {
        name: "binary cross entropy by hand with relu",
        effect: Steadier,
        lhs: "add(sub(relu(?x), ?y), softplus(neg(abs(?x))))",
        rhs: "sub(softplus(?x), ?y)",
        on: MODERATE,
    },
    Rule {
        name: "binary cross entropy by hand with max",
        effect: Steadier,
        lhs: "add(sub(max(?x, 0), ?y), softplus(neg(abs(?x))))",
        rhs: "sub(softplus(?x), ?y)",
        on: MODERATE,
    },
    // Logs and exponentials near 1 and 0.
    Rule {
        name: "log of exp",
        effect: Steadier,
        lhs: "log(moved(exp(?x)))",
        rhs: "moved(?x)",
        on: MODERATE,
    },
    Rule {
        name: "log of a share of exp",
        effect: Steadier,
        lhs: "log(mul(?a, exp(?x)))",
        rhs: "add(log(?a), ?x)",
        on: POSITIVE,
    },
    Rule {
        name: "log of exp over something",
        effect: Steadier,
        lhs: "log(div(exp(?x), ?b))",
        rhs: "sub(?x, log(?b))",
        on: POSITIVE,
    },
    Rule {
        name: "log of something over exp",
        effect: Steadier,
        lhs: "log(div(?a, exp(?x)))",
        rhs: "sub(log(?a), ?x)",
        on: POSITIVE,
    },
    Rule {
        name: "log of an inverse",
        effect: Steadier,
        lhs: "log(div(1, ?x))",
        rhs: "neg(log(?x))",
        on: POSITIVE,
    },
    Rule {
        name: "log of one more",
        effect: Steadier,
        lhs: "log(add(1, ?x))",
        rhs: "log1p(?x)",
        on: POSITIVE,
    },
    Rule {
        name: "log of one less",
        effect: Steadier,
        lhs: "log(sub(1, ?x))",
        rhs: "log1p(neg(?x))",
        on: &[-3.0, -0.5, 0.25, 0.5, 0.75],
    },
    Rule {
        name: "exp less one",
        effect: Steadier,
        lhs: "sub(exp(?x), 1)",
        rhs: "expm1(?x)",
        on: MODERATE,
    },
    Rule {
        name: "exp and minus one",
        effect: Steadier,
        lhs: "add(exp(?x), -1)",
        rhs: "expm1(?x)",
        on: MODERATE,
    },
    Rule {
        name: "one less exp",
        effect: Steadier,
        lhs: "sub(1, exp(?x))",
        rhs: "neg(expm1(?x))",
        on: MODERATE,
    },
    // Powers that are products or roots: faster, and their slopes are finite at 0. `exp(k·log x)`
    // would not do for negative x.
    Rule {
        name: "root of a square",
        effect: Steadier,
        lhs: "sqrt(mul(?x, ?x))",
        rhs: "abs(?x)",
        on: MODERATE,
    },
    Rule {
        name: "power 0",
        effect: Exact,
        lhs: "pow(?x, 0)",
        rhs: "1",
        on: MODERATE,
    },
    Rule {
        name: "power 1/2",
        effect: Steadier,
        lhs: "pow(?x, 0.5)",
        rhs: "sqrt(?x)",
        on: POSITIVE,
    },
    Rule {
        name: "power 1",
        effect: Exact,
        lhs: "pow(?x, 1)",
        rhs: "?x",
        on: MODERATE,
    },
    Rule {
        name: "power 2",
        effect: Steadier,
        lhs: "pow(?x, 2)",
        rhs: "mul(?x, ?x)",
        on: MODERATE,
    },
    Rule {
        name: "power 3",
        effect: Steadier,
        lhs: "pow(?x, 3)",
        rhs: "mul(?x, mul(?x, ?x))",
        on: MODERATE,
    },
    Rule {
        name: "power 4",
        effect: Steadier,
        lhs: "pow(?x, 4)",
        rhs: "mul(mul(?x, ?x), mul(?x, ?x))",
        on: MODERATE,
    },
    Rule {
        name: "power -1",
        effect: Steadier,
        lhs: "pow(?x, -1)",
        rhs: "div(1, ?x)",
        on: MODERATE,
    },
];
