//! Windows in specs, on every back end, against loops over all entries.

use candle_core::{DType, Device, Tensor};
use lossc::{Backend, Compiler, Error, Loss};

const BACKENDS: [Backend; 3] = [Backend::Reference, Backend::Candle, Backend::Fused];
/// Odd and different, so that no axis can pass for another.
const SHAPE: [usize; 4] = [2, 3, 7, 5];

/// Numbers that look random.
fn noise(count: usize) -> Vec<f64> {
    let wave = |i: usize| ((i * i + 3 * i) as f64 * 0.7).sin() * 2.0;
    (0..count).map(wave).collect()
}

fn tensor(shape: &[usize]) -> Tensor {
    let count = shape.iter().product();
    Tensor::from_vec(noise(count), shape, &Device::Cpu).expect("a tensor")
}

fn flat(tensor: &Tensor) -> Vec<f64> {
    let tensor = tensor.to_dtype(DType::F64).and_then(|t| t.flatten_all());
    tensor.and_then(|t| t.to_vec1()).expect("numbers")
}

fn compiled(text: &str, backend: Backend) -> Loss {
    match Compiler::new().backend(backend).compile(text) {
        Ok(loss) => loss,
        Err(why) => panic!("{text}\n{why}"),
    }
}

/// Σ of an expression times weights that tell its entries apart, by each back end.
fn totals(inputs: &str, expression: &str, x: &Tensor) -> Vec<f64> {
    let text = format!("{inputs}\nminimize sum({expression})\n");
    let run = |backend| {
        let loss = compiled(&text, backend);
        flat(&loss.run([("x", x)]).expect("a run").total)[0]
    };
    BACKENDS.map(run).to_vec()
}

/// What a window of weights over a box sees at each position of the last two axes, by looking at
/// every entry: `f(Σ of weights outside, [(weight, entry)])`.
fn boxed(x: &[f64], weights: [&[f64]; 2], f: impl Fn(f64, &[(f64, f64)]) -> f64) -> Vec<f64> {
    let [n, c, h, w] = SHAPE;
    let mut out = Vec::new();
    for plane in 0..n * c {
        for i in 0..h as i64 {
            for j in 0..w as i64 {
                let (mut outside, mut seen) = (0.0, Vec::new());
                for (a, p) in weights[0].iter().zip(i - (weights[0].len() / 2) as i64..) {
                    for (b, q) in weights[1].iter().zip(j - (weights[1].len() / 2) as i64..) {
                        if (0..h as i64).contains(&p) && (0..w as i64).contains(&q) {
                            let at = (plane * h + p as usize) * w + q as usize;
                            seen.push((a * b, x[at]));
                        } else {
                            outside += a * b;
                        }
                    }
                }
                out.push(f(outside, &seen));
            }
        }
    }
    out
}

/// Σ over everything of value·(1 + i)², i being the position along the axis before the last, or
/// along the last.
fn told_apart(values: &[f64], last: bool) -> f64 {
    let [_, _, h, w] = SHAPE;
    let place = |at: usize| if last { at % w } else { at / w % h };
    let term = |(at, v): (usize, &f64)| v * ((1 + place(at)) as f64).powi(2);
    values.iter().enumerate().map(term).sum()
}

const INPUT: &str = "input x: mask[N, C, ...S] per C";
const NAMED: &str = "input x: mask[N, C, H, W] per C";

fn largest(_: f64, seen: &[(f64, f64)]) -> f64 {
    seen.iter().fold(f64::NEG_INFINITY, |a, (_, x)| a.max(*x))
}

fn weighted(_: f64, seen: &[(f64, f64)]) -> f64 {
    seen.iter().map(|(w, x)| w * x).sum()
}

/// Weights 1 each, and the mean of what is there.
fn mean(_: f64, seen: &[(f64, f64)]) -> f64 {
    let weight: f64 = seen.iter().map(|(w, _)| w).sum();
    weighted(0.0, seen) / weight
}

#[test]
fn boxes() {
    let x = tensor(&SHAPE);
    let data = flat(&x);
    let negative: Vec<f64> = data.iter().map(|x| -x).collect();
    let (three, five, nine) = (
        [1.0; 3].as_slice(),
        [1.0; 5].as_slice(),
        [1.0; 9].as_slice(),
    );
    let one = [1.0].as_slice();
    let ninth: &[f64] = &[1.0 / 3.0; 3];
    let smallest = |weights| -> Vec<f64> {
        boxed(&negative, weights, largest)
            .iter()
            .map(|x| -x)
            .collect()
    };
    let cross = |weights, data: &[f64]| -> Vec<f64> {
        let (a, b) = (
            boxed(data, [weights, one], largest),
            boxed(data, [one, weights], largest),
        );
        a.iter().zip(&b).map(|(a, b)| a.max(*b)).collect()
    };
    let bell: Vec<f64> = (-6..=6)
        .map(|i| (-0.5 * (i as f64 / 1.5).powi(2)).exp())
        .collect();
    let small: Vec<f64> = bell[4..9].to_vec();
    let narrow: Vec<f64> = {
        let sum: f64 = small.iter().sum();
        small.iter().map(|w| w / sum).collect()
    };
    let cases: Vec<(&str, Vec<f64>)> = vec![
        (
            "max_pool[H, W](x, 3)",
            boxed(&data, [three, three], largest),
        ),
        (
            "max_pool[space](x, size=5)",
            boxed(&data, [five, five], largest),
        ),
        ("max_pool[H](x, 3)", boxed(&data, [three, one], largest)),
        ("min_pool[W](x, 5)", smallest([one, five])),
        ("min_pool[space](x, 9)", smallest([nine, nine])),
        ("max_pool[space](x, 3, shape=cross)", cross(three, &data)),
        (
            "min_pool[H, W](x, 5, shape=cross)",
            cross(five, &negative).iter().map(|x| -x).collect(),
        ),
        ("avg_pool[H, W](x, 3)", boxed(&data, [three, three], mean)),
        (
            "avg_pool[space](x, 9, edge=absent)",
            boxed(&data, [nine, nine], mean),
        ),
        (
            "avg_pool[W](x, 3, edge=zero)",
            boxed(&data, [one, ninth], weighted),
        ),
        ("avg_pool[H, W](x, 1)", data.clone()),
        (
            "gaussian[H, W](x, sigma=1.5)",
            boxed(&data, [&bell, &bell], mean),
        ),
        (
            "gaussian[H](x, 1.5, window=5)",
            boxed(&data, [&small, one], mean),
        ),
        (
            "gaussian[space](x, sigma=1.5, window=5, edge=zero)",
            boxed(&data, [&narrow, &narrow], weighted),
        ),
    ];
    for (expression, expected) in cases {
        for (axis, last) in [("H", false), ("W", true)] {
            let expected = told_apart(&expected, last);
            let weighted = format!("{expression}*(1 + index[{axis}])^2");
            for found in totals(NAMED, &weighted, &x) {
                let close = (found - expected).abs() < 1e-9 * (1.0 + expected.abs());
                assert!(close, "{weighted}: {found} instead of {expected}");
            }
        }
    }
}

#[test]
fn edges() {
    let x = Tensor::new(&[[1.0, 2.0, 4.0, 8.0]], &Device::Cpu).expect("a tensor");
    for (expression, expected) in [
        ("avg_pool[W](x, 3, edge=zero)[W=0]", 1.0),
        ("avg_pool[W](x, 3, edge=clamp)[W=0]", 4.0 / 3.0),
        ("avg_pool[W](x, 3, edge=wrap)[W=0]", 11.0 / 3.0),
        ("avg_pool[W](x, 3, edge=absent)[W=0]", 1.5),
        ("avg_pool[W](x, 3)[W=-1]", 6.0),
        ("avg_pool[W](x, 3, edge=crop)[W=0]", 7.0 / 3.0),
        ("avg_pool[W](x, 3, edge=crop)", 7.0),
        ("max_pool[W](x, 3, edge=crop)", 12.0),
        ("min_pool[W](x, 3, edge=crop)", 3.0),
        ("max_pool[W](x, 3, edge=absent)", 22.0),
        ("max_pool[W](x, 1, edge=crop) - x", 0.0),
    ] {
        for found in totals("input x: real[N, W]", expression, &x) {
            assert!((found - expected).abs() < 1e-12, "{expression}: {found}");
        }
    }
}

/// One spec for one, two and three axes; a crop lines up with a slice of the same length.
#[test]
fn packs() {
    for shape in [&[2, 3, 9][..], &[2, 3, 9, 5], &[2, 3, 5, 7, 6]] {
        let x = tensor(shape);
        let expression = "gaussian[space](x, sigma=1, window=3, edge=crop) - x[space=1..-1]";
        let found = totals(INPUT, &format!("abs({expression})"), &x);
        assert!(
            found.iter().all(|f| (f - found[0]).abs() < 1e-9),
            "{found:?}"
        );
        let same = totals(INPUT, "avg_pool[space](0*x + 3, 5) - 3", &x);
        assert!(same.iter().all(|s| s.abs() < 1e-9), "{same:?}");
    }
    // No axis in the pack: nothing is around an entry.
    let x = tensor(&[2, 3]);
    assert_eq!(totals(INPUT, "max_pool[space](x, 3) - x", &x), [0.0; 3]);
}

#[test]
fn what_is_outside_may_not_be_there_at_all() {
    let text = "input x: real[N, H, W]\nminimize mean(gaussian[H, W](x, sigma=1, edge=crop))\n";
    let x = tensor(&[1, 12, 8]);
    for backend in BACKENDS {
        let refused = compiled(text, backend).run([("x", &x)]);
        let Err(Error::Inputs(report)) = refused else {
            panic!("a window of 9 in 8 entries");
        };
        let message = report.to_string();
        assert!(message.contains('W') && message.contains('9'), "{message}");
    }
}

/// NaN stays within reach of the window, in values and gradients; an infinity is a number like any.
#[test]
fn odd_numbers() {
    let nan = f64::NAN;
    let x = Tensor::new(&[[nan, 1.0, 2.0, f64::NEG_INFINITY]], &Device::Cpu).expect("a tensor");
    for backend in BACKENDS {
        let text = "input x: real[N, W]\nminimize sum(max_pool[W](x, 3)[W=2..])\n";
        let (outcome, gradients) = compiled(text, backend)
            .gradients([("x", &x)])
            .expect("a run");
        assert_eq!(flat(&outcome.total), [4.0]);
        assert_eq!(flat(&gradients[0].1)[2..], [2.0, 0.0]);
        let text = "input x: real[N, W]\nminimize sum(avg_pool[W](x, 3)[W=2])\n";
        let total = flat(
            &compiled(text, backend)
                .run([("x", &x)])
                .expect("a run")
                .total,
        )[0];
        assert_eq!(total, f64::NEG_INFINITY);
    }
}

/// What is ignored is not there, NaN or not: neither in windows nor among what is divided by.
#[test]
fn ignored_positions_are_absent() {
    let [n, c, h, w] = SHAPE;
    let valid: Vec<f64> = (0..n * h * w)
        .map(|i| f64::from(u8::from((i * i + i / 3) % 5 > 1)))
        .collect();
    let is_valid = |at: usize| valid[at / (c * h * w) * h * w + at % (h * w)] == 1.0;
    let mut data = noise(n * c * h * w);
    for (at, x) in data.iter_mut().enumerate() {
        if !is_valid(at) {
            *x = f64::NAN;
        }
    }
    let present = |seen: &[(f64, f64)]| -> Vec<(f64, f64)> {
        let kept = seen.iter().filter(|(_, x)| !x.is_nan());
        kept.copied().collect()
    };
    let ratio = |outside: f64, seen: &[(f64, f64)]| {
        let seen = present(seen);
        let weight: f64 = seen.iter().map(|(w, _)| w).sum();
        weighted(0.0, &seen) / (outside + weight)
    };
    let (three, five) = ([1.0; 3].as_slice(), [1.0; 5].as_slice());
    let bell: Vec<f64> = (-2..=2)
        .map(|i| (-0.5 * (i as f64 / 1.5).powi(2)).exp())
        .collect();
    let smallest = |_: f64, seen: &[(f64, f64)]| {
        present(seen)
            .iter()
            .fold(f64::INFINITY, |a, (_, x)| a.min(*x))
    };
    let cases: Vec<(&str, Vec<f64>)> = vec![
        (
            "max_pool[H, W](x, 3)",
            boxed(&data, [three; 2], |_, seen| largest(0.0, &present(seen))),
        ),
        ("min_pool[space](x, 5)", boxed(&data, [five; 2], smallest)),
        (
            "avg_pool[H, W](x, 3)",
            boxed(&data, [three; 2], |_, seen| ratio(0.0, seen)),
        ),
        (
            "avg_pool[H, W](x, 3, edge=zero)",
            boxed(&data, [three; 2], ratio),
        ),
        (
            "gaussian[H, W](x, sigma=1.5, window=5)",
            boxed(&data, [&bell; 2], |_, seen| ratio(0.0, seen)),
        ),
    ];
    let inputs = "input x: mask[N, C, H, W] per C\ninput m: mask[N, H, W]\nignore m == 0\n";
    let x = Tensor::from_vec(data.clone(), &SHAPE, &Device::Cpu).expect("a tensor");
    let m = Tensor::from_vec(valid.clone(), &[n, h, w], &Device::Cpu).expect("a tensor");
    for (expression, mut expected) in cases {
        for (at, x) in expected.iter_mut().enumerate() {
            if !is_valid(at) {
                *x = 0.0;
            }
        }
        let expected = told_apart(&expected, true);
        let text = format!("{inputs}minimize sum({expression}*(1 + index[W])^2)\n");
        for backend in BACKENDS {
            let loss = compiled(&text, backend);
            let (outcome, gradients) = loss.gradients([("x", &x), ("m", &m)]).expect("a run");
            let found = flat(&outcome.total)[0];
            let close = (found - expected).abs() < 1e-9 * (1.0 + expected.abs());
            assert!(close, "{expression}: {found} instead of {expected}");
            for (at, slope) in flat(&gradients[0].1).into_iter().enumerate() {
                assert!(
                    slope.is_finite() && (is_valid(at) || slope == 0.0),
                    "{expression}"
                );
            }
        }
    }
    // A constant stays what it is, however much of it is ignored.
    for edge in ["absent", "clamp", "wrap"] {
        let expression = format!("avg_pool[H, W](0*x + 3, 3, edge={edge}) - 3");
        let text = format!("{inputs}minimize sum(abs({expression}))\n");
        for backend in BACKENDS {
            let outcome = compiled(&text, backend).run([("x", &x), ("m", &m)]);
            let total = flat(&outcome.expect("a run").total)[0];
            assert!(total.abs() < 1e-9, "{edge}: {total}");
        }
    }
}

/// The library's losses that look around, with parts ignored: finite, and blind to what is ignored.
#[test]
fn losses_that_look_around_do_not_see_what_is_ignored() {
    let shape = [2, 9, 11];
    let valid = |at: usize| at % 7 != 3 && !(30..44).contains(&at);
    let mask: Vec<f64> = (0..2 * 99)
        .map(|at| f64::from(u8::from(valid(at))))
        .collect();
    let mask = Tensor::from_vec(mask, &shape, &Device::Cpu).expect("a tensor");
    let filled = |hidden: f64, offset: usize| {
        let seen = noise(2 * 99 + offset).split_off(offset);
        let data = seen.into_iter().enumerate();
        let data = data.map(|(at, x)| if valid(at) { 0.5 + 0.2 * x } else { hidden });
        Tensor::from_vec(data.collect::<Vec<f64>>(), &shape, &Device::Cpu).expect("a tensor")
    };
    let losses = [
        "ssim(window=5)",
        "lncc(window=5)",
        "cldice()",
        "diffusion()",
        "gradient_l1()",
    ];
    for loss in losses {
        let kind = if loss == "cldice()" { "probs" } else { "real" };
        let text = format!(
            "input pred: {kind}[N, ...S]\ninput target: {kind}[N, ...S]\ninput m: mask[N, ...S]\n\
             ignore m == 0\nminimize {loss}\n"
        );
        for backend in BACKENDS {
            let loss = compiled(&text, backend);
            let run = |hidden: f64| {
                let (pred, target) = (filled(hidden, 0), filled(hidden, 5));
                let given = [("pred", &pred), ("target", &target), ("m", &mask)];
                let (outcome, gradients) = loss.gradients(given).expect("a run");
                (flat(&outcome.total), flat(&gradients[0].1))
            };
            let (value, slopes) = run(0.5);
            assert!(
                value[0].is_finite() && slopes.iter().all(|s| s.is_finite()),
                "{text}"
            );
            assert!(slopes.iter().any(|s| *s != 0.0), "{text}");
            let hidden = slopes.iter().enumerate().filter(|(at, _)| !valid(*at));
            assert!(hidden.into_iter().all(|(_, s)| *s == 0.0), "{text}");
            assert_eq!(run(f64::NAN), (value.clone(), slopes.clone()), "{text}");
            assert_eq!(run(1e4), (value, slopes), "{text}");
        }
    }
}
