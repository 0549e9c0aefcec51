//! `Graph` → the same real numbers without overflow or lost digits on the way. Before
//! differentiation, so that the derivative is that of the stable form.
//!
//! The rules cover what users write by hand and what the library composes. They do not touch what
//! changes the number, such as log(p + 1e-8), nor what has no stable twin, such as log(1 − p) of
//! a softmax. Exact simplifications take part, since they bring operands into the forms that the
//! rules look for.

use super::rewrite::{self, Rules, rules};
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
const BELOW_ONE: &[f64] = &[-3.0, -0.5, 0.25, 0.5, 0.75];

rules! {
    /// The rules, the first that matches wins.
    RULES

    // log softmax, also after picking a class or dropping one, and log of quotients and products.
    "log of softmax", Steadier, on MODERATE:
        "log(moved(softmax[d](?x)))" => "moved(log_softmax[d](?x))";
    "log of selected softmax", Steadier, on POSITIVE:
        "log(select(?c, moved(softmax[d](?x)), ?y))" => "select(?c, moved(log_softmax[d](?x)), log(?y))";
    "log of rejected softmax", Steadier, on POSITIVE:
        "log(select(?c, ?y, moved(softmax[d](?x))))" => "select(?c, log(?y), moved(log_softmax[d](?x)))";
    "log of a share of softmax", Steadier, on POSITIVE:
        "log(mul(?a, moved(softmax[d](?x))))" => "add(log(?a), moved(log_softmax[d](?x)))";
    "log of softmax over something", Steadier, on POSITIVE:
        "log(div(moved(softmax[d](?x)), ?b))" => "sub(moved(log_softmax[d](?x)), log(?b))";
    "log of something over softmax", Steadier, on POSITIVE:
        "log(div(?a, moved(softmax[d](?x))))" => "sub(log(?a), moved(log_softmax[d](?x)))";
    "softmax of log softmax", Steadier, on MODERATE:
        "exp(log_softmax[d](?x))" => "softmax[d](?x)";

    // Softmax and its log written out, with the largest subtracted or not. What is subtracted is
    // the same for the whole class axis, so it does not matter what it is.
    "softmax by hand", Steadier, on MODERATE:
        "div(exp(?x), broadcast(sum[d](exp(?x))))" => "softmax[d](?x)";
    "softmax by hand over several dims", Steadier, on MODERATE:
        "div(exp(?x), broadcast(sum[d..](exp(?x))))" => "exp(sub(?x, logsumexp[d..](?x)))";
    "log softmax by hand", Steadier, on MODERATE:
        "sub(?x, broadcast(logsumexp[d](?x)))" => "log_softmax[d](?x)";
    "log softmax by hand, negated", Steadier, on MODERATE:
        "sub(broadcast(logsumexp[d](?x)), ?x)" => "neg(log_softmax[d](?x))";
    "picked log softmax by hand", Steadier, on MODERATE:
        "sub(pick[d](?x, ?l), logsumexp[d](?x))" => "pick[d](log_softmax[d](?x), ?l)";
    "picked cross entropy by hand", Steadier, on MODERATE:
        "sub(logsumexp[d](?x), pick[d](?x, ?l))" => "neg(pick[d](log_softmax[d](?x), ?l))";
    "softmax of shifted", Steadier, on MODERATE:
        "softmax[d](sub(?x, broadcast[d](?m)))" => "softmax[d](?x)";
    "softmax of shifted up", Steadier, on MODERATE:
        "softmax[d](add(?x, broadcast[d](?m)))" => "softmax[d](?x)";
    "log softmax of shifted", Steadier, on MODERATE:
        "log_softmax[d](sub(?x, broadcast[d](?m)))" => "log_softmax[d](?x)";
    "log softmax of shifted up", Steadier, on MODERATE:
        "log_softmax[d](add(?x, broadcast[d](?m)))" => "log_softmax[d](?x)";
    "log of a sum of exponentials", Steadier, on MODERATE:
        "log(sum[d..](exp(?x)))" => "logsumexp[d..](?x)";
    "log of a sum of selected exponentials", Steadier, on MODERATE:
        "log(sum[d..](select(?c, exp(?x), 0)))" => "logsumexp[d..](select(?c, ?x, -inf))";
    "log of a sum of masked exponentials", Steadier, on MODERATE:
        "log(sum[d..](mul(exp(?x), float(?c))))" => "logsumexp[d..](select(?c, ?x, -inf))";
    "log of a mean of exponentials", Steadier, on POSITIVE:
        "log(div(sum[d..](exp(?x)), ?n))" => "sub(logsumexp[d..](?x), log(?n))";
    "logsumexp by hand", Steadier, on MODERATE:
        "add(logsumexp[d..](sub(?x, broadcast[d](?m))), ?m)" => "logsumexp[d..](?x)";
    "logsumexp by hand with one shift for all", Steadier, on MODERATE:
        "add(logsumexp[d..](sub(?x, broadcast[d](?m))), broadcast(?m))" => "logsumexp[d..](?x)";
    "log of a sum of two exponentials", Steadier, on MODERATE:
        "log(add(exp(?x), exp(?y)))" => "add(max(?x, ?y), softplus(neg(abs(sub(?x, ?y)))))";
    "log of a mean of two exponentials", Steadier, on POSITIVE:
        "log(div(add(exp(?x), exp(?y)), ?n))"
        => "sub(add(max(?x, ?y), softplus(neg(abs(sub(?x, ?y))))), log(?n))";
    "log of a share of two exponentials", Steadier, on POSITIVE:
        "log(mul(?a, add(exp(?x), exp(?y))))"
        => "add(log(?a), add(max(?x, ?y), softplus(neg(abs(sub(?x, ?y))))))";
    "log of an exponential and a sum of them", Steadier, on MODERATE:
        "log(add(exp(?x), sum[d..](exp(?y))))"
        => "add(max(?x, logsumexp[d..](?y)), softplus(neg(abs(sub(?x, logsumexp[d..](?y))))))";
    "log of one and a sum of exponentials", Steadier, on MODERATE:
        "log(add(1, sum[d..](exp(?x))))" => "softplus(logsumexp[d..](?x))";
    "log1p of a sum of exponentials", Steadier, on MODERATE:
        "log1p(sum[d..](exp(?x)))" => "softplus(logsumexp[d..](?x))";
    "log of one and a sum of selected exponentials", Steadier, on MODERATE:
        "log(add(1, sum[d..](select(?c, exp(?x), 0))))" => "softplus(logsumexp[d..](select(?c, ?x, -inf)))";
    "log1p of a sum of selected exponentials", Steadier, on MODERATE:
        "log1p(sum[d..](select(?c, exp(?x), 0)))" => "softplus(logsumexp[d..](select(?c, ?x, -inf)))";

    // The logistic function, its complement and their logs.
    "complement of sigmoid", Steadier, on MODERATE:
        "sub(1, moved(sigmoid(?x)))" => "moved(sigmoid(neg(?x)))";
    "log of sigmoid", Steadier, on MODERATE:
        "log(moved(sigmoid(?x)))" => "moved(neg(softplus(neg(?x))))";
    "log1p of minus sigmoid", Steadier, on MODERATE:
        "log1p(neg(moved(sigmoid(?x))))" => "moved(neg(softplus(?x)))";
    "log of selected sigmoid", Steadier, on POSITIVE:
        "log(select(?c, moved(sigmoid(?x)), ?y))" => "select(?c, moved(neg(softplus(neg(?x)))), log(?y))";
    "log of rejected sigmoid", Steadier, on POSITIVE:
        "log(select(?c, ?y, moved(sigmoid(?x))))" => "select(?c, log(?y), moved(neg(softplus(neg(?x)))))";
    "log of a share of sigmoid", Steadier, on POSITIVE:
        "log(mul(?a, moved(sigmoid(?x))))" => "sub(log(?a), moved(softplus(neg(?x))))";
    "log of sigmoid over something", Steadier, on POSITIVE:
        "log(div(moved(sigmoid(?x)), ?b))" => "sub(moved(neg(softplus(neg(?x)))), log(?b))";
    "log of something over sigmoid", Steadier, on POSITIVE:
        "log(div(?a, moved(sigmoid(?x))))" => "add(log(?a), moved(softplus(neg(?x))))";
    "sigmoid by hand", Steadier, on MODERATE:
        "div(1, add(1, exp(neg(?x))))" => "sigmoid(?x)";
    "complement of sigmoid by hand", Steadier, on MODERATE:
        "div(1, add(1, exp(?x)))" => "sigmoid(neg(?x))";
    "sigmoid by hand, expanded", Steadier, on MODERATE:
        "div(exp(?x), add(1, exp(?x)))" => "sigmoid(?x)";
    "exp of log sigmoid", Steadier, on MODERATE:
        "exp(neg(softplus(neg(?x))))" => "sigmoid(?x)";
    "exp of log of the complement of sigmoid", Steadier, on MODERATE:
        "exp(neg(softplus(?x)))" => "sigmoid(neg(?x))";

    // softplus written out. The form with |x| has a kink at 0 where the function has none.
    "softplus by hand", Steadier, on MODERATE:
        "log(add(1, exp(?x)))" => "softplus(?x)";
    "softplus by log1p", Steadier, on MODERATE:
        "log1p(exp(?x))" => "softplus(?x)";
    "softplus around relu", Steadier, on MODERATE:
        "add(relu(?x), softplus(neg(abs(?x))))" => "softplus(?x)";
    "softplus around max", Steadier, on MODERATE:
        "add(max(?x, 0), softplus(neg(abs(?x))))" => "softplus(?x)";
    "binary cross entropy by hand with relu", Steadier, on MODERATE:
        "add(sub(relu(?x), ?y), softplus(neg(abs(?x))))" => "sub(softplus(?x), ?y)";
    "binary cross entropy by hand with max", Steadier, on MODERATE:
        "add(sub(max(?x, 0), ?y), softplus(neg(abs(?x))))" => "sub(softplus(?x), ?y)";

    // Logs and exponentials near 1 and 0.
    "log of exp", Steadier, on MODERATE:
        "log(moved(exp(?x)))" => "moved(?x)";
    "log of a share of exp", Steadier, on POSITIVE:
        "log(mul(?a, exp(?x)))" => "add(log(?a), ?x)";
    "log of exp over something", Steadier, on POSITIVE:
        "log(div(exp(?x), ?b))" => "sub(?x, log(?b))";
    "log of something over exp", Steadier, on POSITIVE:
        "log(div(?a, exp(?x)))" => "sub(log(?a), ?x)";
    "log of an inverse", Steadier, on POSITIVE:
        "log(div(1, ?x))" => "neg(log(?x))";
    "log of one more", Steadier, on POSITIVE:
        "log(add(1, ?x))" => "log1p(?x)";
    "log of one less", Steadier, on BELOW_ONE:
        "log(sub(1, ?x))" => "log1p(neg(?x))";
    "exp less one", Steadier, on MODERATE:
        "sub(exp(?x), 1)" => "expm1(?x)";
    "exp and minus one", Steadier, on MODERATE:
        "add(exp(?x), -1)" => "expm1(?x)";
    "one less exp", Steadier, on MODERATE:
        "sub(1, exp(?x))" => "neg(expm1(?x))";
    "tanh by hand", Steadier, on MODERATE:
        "div(sub(exp(?x), exp(neg(?x))), add(exp(?x), exp(neg(?x))))" => "tanh(?x)";

    // 0·log 0 is 0, as the limit is.
    "x log x", Steadier, on POSITIVE:
        "mul(?x, log(?x))" => "gate(?x, log(?x))";
    "x log of x over y", Steadier, on POSITIVE:
        "mul(?x, sub(log(?x), ?y))" => "gate(?x, sub(log(?x), ?y))";

    // Powers that are products or roots: faster, and their slopes are finite at 0. `exp(k·log x)`
    // would not do for negative x.
    "root of a square", Steadier, on MODERATE:
        "sqrt(mul(?x, ?x))" => "abs(?x)";
    "power 0", Exact, on MODERATE:
        "pow(?x, 0)" => "1";
    "power 1/2", Steadier, on POSITIVE:
        "pow(?x, 0.5)" => "sqrt(?x)";
    "power 1", Exact, on MODERATE:
        "pow(?x, 1)" => "?x";
    "power 2", Steadier, on MODERATE:
        "pow(?x, 2)" => "mul(?x, ?x)";
    "power 3", Steadier, on MODERATE:
        "pow(?x, 3)" => "mul(?x, mul(?x, ?x))";
    "power 4", Steadier, on MODERATE:
        "pow(?x, 4)" => "mul(mul(?x, ?x), mul(?x, ?x))";
    "power -1", Steadier, on MODERATE:
        "pow(?x, -1)" => "div(1, ?x)";
}
