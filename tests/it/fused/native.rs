//! Generated code against the kernels: the same bits, where nothing is summed up. On machines without AVX-512
//! both are the kernels.

use super::bind::{Lie, planned, run, tensors};
use lossc::ir::{DimSizes, MapOp, Role, parse};
use lossc::passes::{self, Config};
use lossc::plan::DType;
use lossc::run::Array;
use lossc::run::fused::Program;

/// Numbers at the ends of what functions treat in one way, and many between.
fn numbers(count: usize, turn: usize) -> Vec<f64> {
    const SPECIAL: [f32; 26] = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.5,
        -0.5,
        2.0,
        1e-45,
        -1e-45,
        1.2e-38,
        -1.2e-38,
        1e-20,
        1e-7,
        -1e-7,
        87.5,
        -87.5,
        88.8,
        -104.5,
        1e4,
        -1e4,
        1e20,
        3.4e38,
        -3.4e38,
        f32::INFINITY,
        f32::NEG_INFINITY,
        f32::NAN,
    ];
    let number = |i: usize| {
        let between = (i * 7919 + turn * 104_729) % 20_011;
        match i % 3 {
            0 => f64::from(SPECIAL[(i / 3 + turn) % SPECIAL.len()]),
            _ => (between as f64 / 20_011.0 - 0.5) * [4.0, 60.0][i % 2],
        }
    };
    (0..count).map(number).collect()
}

/// Value and derivatives of a function, each in every lane: the gradients of Σ f(x, y) · z.
fn both(op: MapOp, lanes: usize) {
    let operands = ["%0", "%0 %1", "%0 %1 %2"][op.arity() - 1];
    let body = format!(
        "\
  %3: f[N, S] = {} {operands}
  %4: f[N, S] = mul %3 %2
  %5: f[] = sum[N, S] %4
  total = %5",
        op.name()
    );
    same_gradients(&body, lanes, &format!("{op:?}"));
}

/// The gradients of a graph by its inputs x, y and z, which are %0 to %2, in code and by kernels.
fn same_gradients(body: &str, lanes: usize, what: &str) {
    let text = format!(
        "\
dims N, S
graph(x: f[N, S], y: f[N, S], z: f[N, S]) {{
  %0: f[N, S] = input x
  %1: f[N, S] = input y
  %2: f[N, S] = input z
{body}
}}
"
    );
    let graph = parse(&text).unwrap_or_else(|e| panic!("{text}{e:?}"));
    let wanted = vec![0, 1, 2];
    let graph = passes::apply(graph, passes::GRADIENT, &Config { wanted });
    let sizes = DimSizes(vec![3, lanes]);
    let array = |turn| Array::new(vec![3, lanes], numbers(3 * lanes, turn));
    let arrays = [array(0), array(5), array(11), Array::scalar(1.0)];
    let bound = tensors(&graph, &arrays, DType::F32, DType::I64, Lie::Dense);
    let plan = planned(&graph, &sizes, &bound);
    let kernels = run(&Program::of_kernels(plan.clone()), &bound, 1);
    let code = run(&Program::new(plan), &bound, 1);
    // The value is a sum.
    for ((code, kernels), output) in code.iter().zip(&kernels).zip(&graph.outputs) {
        if matches!(output.role, Role::Grad(_)) {
            let (code, kernels) = (code.to_f64(), kernels.to_f64());
            for (at, (code, kernels)) in code.iter().zip(&kernels).enumerate() {
                assert!(
                    code.to_bits() == kernels.to_bits() || code.is_nan() && kernels.is_nan(),
                    "{what}, {:?} of {lanes} lanes: {code:e} instead of {kernels:e} at {at}",
                    output.role
                );
            }
        }
    }
}

/// The largest and the least of several, of which any may be NaN, and of a choice that is NaN where another number is.
/// The gradient by z is what is multiplied by it.
#[test]
fn extremes_of_several_have_the_bits_of_kernels() {
    for op in ["max", "min"] {
        for first in ["add %0 %0", "select %3 %0 %4", "select %3 %4 %0"] {
            let body = format!(
                "\
  %3: b[N, S] = lt %1 %0
  %4: f[N, S] = const nan
  %5: f[N, S] = {first}
  %6: f[N, S] = {op} %5 %1
  %7: f[N, S] = neg %1
  %8: f[N, S] = {op} %6 %7
  %9: f[N, S] = mul %1 %1
  %10: f[N, S] = {op} %8 %9
  %11: f[N, S] = mul %10 %2
  %12: f[] = sum[N, S] %11
  total = %12"
            );
            for lanes in [1, 16, 31, 67, 523] {
                same_gradients(&body, lanes, &format!("{op} of {first}"));
            }
        }
    }
}

#[test]
fn functions_have_the_bits_of_kernels() {
    let floats = |op: &&MapOp| {
        use MapOp::*;
        !matches!(
            op,
            Not | Float | Eq | Ne | Lt | Le | Gt | Ge | And | Or | Select
        )
    };
    for &op in MapOp::ALL.iter().filter(floats) {
        for lanes in [1, 5, 16, 31, 67, 523] {
            both(op, lanes);
        }
    }
}

/// More values at once than there are registers: what a step reads from the stack for the last time is not overwritten by
/// what makes room for its result.
#[test]
fn many_values_have_the_bits_of_kernels() {
    use std::fmt::Write;
    const COUNT: usize = 48;
    let mut body = String::new();
    let mut number = 2;
    let mut line = |what: &str| {
        number += 1;
        let _ = writeln!(body, "  %{number}: f[N, S] = {what}");
        number
    };
    let chain = |line: &mut dyn FnMut(&str) -> usize, all: &[usize]| {
        let first = line(&format!("sub %1 %{}", all[0]));
        all[1..]
            .iter()
            .fold(first, |sum, value| line(&format!("sub %{sum} %{value}")))
    };
    let products: Vec<usize> = (0..COUNT)
        .map(|n| {
            let factor = line(&format!("const {}", 0.5 + n as f64));
            line(&format!("mul %0 %{factor}"))
        })
        .collect();
    let first = chain(&mut line, &products);
    let rests: Vec<usize> = products
        .iter()
        .map(|value| line(&format!("sub %1 %{value}")))
        .collect();
    let second = chain(&mut line, &rests);
    let back: Vec<usize> = rests.into_iter().rev().collect();
    let third = chain(&mut line, &back);
    let both = line(&format!("mul %{first} %{second}"));
    let all = line(&format!("mul %{both} %{third}"));
    let all = line(&format!("mul %{all} %2"));
    let _ = write!(
        body,
        "  %{}: f[] = sum[N, S] %{all}\n  total = %{}",
        all + 1,
        all + 1
    );
    for lanes in [1, 16, 31, 67, 523] {
        same_gradients(&body, lanes, "many values");
    }
}
