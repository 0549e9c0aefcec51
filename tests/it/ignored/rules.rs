//! What the rule does to each reduction, to derived axes, terms and reports, whatever its condition.

use super::{RUBBISH, compile, flat, run};
use crate::catalogue::Random;
use candle_core::{DType, Device, Tensor};
use lossc::{Backend, Compiler, Inputs};

/// Two samples of three positions, of which two of the first are valid: 1 and 3.
const SMALL: &str = "input x: real[N, P]\ninput keep: mask[N, P]\nignore keep == 0\n";

fn small() -> Inputs {
    let x = [1.0, f64::NAN, 3.0, f64::INFINITY, 5.0, 6.0];
    let x = Tensor::from_vec(x.to_vec(), (2, 3), &Device::Cpu).expect("a tensor");
    let keep = Tensor::from_vec(vec![1u8, 0, 1, 0, 0, 0], (2, 3), &Device::Cpu);
    Inputs::from([("x", &x), ("keep", &keep.expect("a tensor"))])
}

#[test]
fn each_reduction_runs_over_valid_positions() {
    let both = (1f64.exp() + 3f64.exp()).ln();
    let share = 3f64.exp() / (1f64.exp() + 3f64.exp());
    // What is computed, what it is, and its gradient at the two valid positions.
    let cases: &[(&str, f64, [f64; 2])] = &[
        ("sum(x)", 4.0, [1.0, 1.0]),
        ("mean(x)", 2.0, [0.5, 0.5]),
        ("mean(mean[P](x))", 2.0, [0.5, 0.5]),
        ("mean[P](mean[N](x))", 2.0, [0.5, 0.5]),
        ("weighted_mean(x, x)", 2.5, [-0.125, 0.875]),
        ("mean(x, where=x > 1)", 3.0, [0.0, 1.0]),
        ("max(x)", 3.0, [0.0, 1.0]),
        ("min(x)", 1.0, [1.0, 0.0]),
        ("sum(max[P](x))", 3.0, [0.0, 1.0]),
        ("sum(min[P](-x))", -3.0, [0.0, -1.0]),
        ("prod(x)", 3.0, [3.0, 1.0]),
        ("logsumexp(x)", both, [1.0 - share, share]),
        ("sum(logsumexp[P](x))", both, [1.0 - share, share]),
        ("count(x > 0) + 0*sum(x)", 2.0, [0.0, 0.0]),
        ("count(any[P](x > 2)) + 0*sum(x)", 1.0, [0.0, 0.0]),
        ("count(all[P](x > 0)) + 0*sum(x)", 1.0, [0.0, 0.0]),
        ("count(all[P](x < 3)) + 0*sum(x)", 0.0, [0.0, 0.0]),
        ("sum(argmax[P](x)) + 0*sum(x)", 2.0, [0.0, 0.0]),
        (
            "sum(softmax[P](x), where=x > 2)",
            share,
            [-share * (1.0 - share), share * (1.0 - share)],
        ),
        (
            "sum(log_softmax[P](x), where=x > 2)",
            share.ln(),
            [share - 1.0, 1.0 - share],
        ),
        ("sum(dot[P](x, x))", 10.0, [2.0, 6.0]),
        ("dot[N, P](x, stop_grad(x))", 10.0, [1.0, 3.0]),
        // Numbers of positions and samples that count.
        ("size[N, P] + 0*sum(x)", 2.0, [0.0, 0.0]),
        ("size[N] + 0*sum(x)", 1.0, [0.0, 0.0]),
        ("size[P] + 0*sum(x)", 2.0, [0.0, 0.0]),
        ("sum(index[P]*x)", 6.0, [0.0, 2.0]),
        ("sum(index[P]) + 0*sum(x)", 2.0, [0.0, 0.0]),
        // A single entry that is ignored is read as 0; a stretch has the valid ones that are in it.
        ("sum(exp(x)[P=0])", 1f64.exp(), [1f64.exp(), 0.0]),
        ("sum(exp(x)[P=1])", 0.0, [0.0, 0.0]),
        ("mean(x[P=1..])", 3.0, [0.0, 1.0]),
        ("mean(x[P=..-1])", 1.0, [1.0, 0.0]),
        // A shift reads 0 from an ignored position, and position 2 reads position 0.
        ("sum(shift[P](exp(x), 1))", 0.0, [0.0, 0.0]),
        ("sum(shift[P](exp(x), 2))", 1f64.exp(), [1f64.exp(), 0.0]),
        (
            "sum(shift[P](exp(x), -1, edge=clamp))",
            3f64.exp(),
            [0.0, 3f64.exp()],
        ),
        // No two valid positions are neighbours.
        ("mean(diff[P](x))", 0.0, [0.0, 0.0]),
        ("sum(diff[P](diff[P](x)))", 0.0, [0.0, 0.0]),
        // Pairs of samples, and of positions.
        ("mean(x*x[N as M])", 5.0, [1.0, 3.0]),
        ("sum(x*x[P as Q])", 16.0, [8.0, 8.0]),
        ("mean(dot[P](x, x[N as M]))", 10.0, [2.0, 6.0]),
        ("sum(dot[N](x, x[P as Q]))", 16.0, [8.0, 8.0]),
        (
            "0*sum(x*x[N as M]) + count(index[N] == index[M])",
            1.0,
            [0.0, 0.0],
        ),
        // In order, what is ignored comes last and adds nothing.
        ("sum(cumsum[P](x))", 5.0, [2.0, 1.0]),
        (
            "sum(cumsum[N, P](x, by=x, descending=true))",
            7.0,
            [1.0, 2.0],
        ),
        ("sum(x, where=top_k[N, P](x, 1))", 3.0, [0.0, 1.0]),
        ("sum(x, where=top_k[N, P](-x, 9))", 4.0, [1.0, 1.0]),
        ("count(top_k[N, P](x, 9)) + 0*sum(x)", 2.0, [0.0, 0.0]),
        // From position 2 to position 0: what lies between is neither inside nor outside.
        ("sum(distance[P](x > 1)) + 0*sum(x)", 2.0, [0.0, 0.0]),
        ("sum(if x > 2 then 1/(x - 1) else 0)", 0.5, [0.0, -0.25]),
        ("sum(log(x))", 3f64.ln(), [1.0, 1.0 / 3.0]),
    ];
    let mut wrong = Vec::new();
    for backend in Backend::ALL.iter().copied() {
        for (text, want, slopes) in cases {
            let loss = match Compiler::new()
                .backend(backend)
                .compile(&format!("{SMALL}minimize {text}\n"))
            {
                Ok(loss) => loss,
                Err(why) => {
                    wrong.push(format!("{text}: {why}"));
                    continue;
                }
            };
            let (value, gradients) = match run(&loss, small()) {
                Ok(found) => found,
                Err(why) => {
                    wrong.push(format!("{text}: {why}"));
                    continue;
                }
            };
            let found = gradients.iter().find(|(name, _)| name == "x");
            let found = found.map_or(vec![0.0; 6], |(_, gradient)| flat(gradient));
            let want_all = [slopes[0], 0.0, slopes[1], 0.0, 0.0, 0.0];
            let near = |a: f64, b: f64| (a - b).abs() < 1e-12 * b.abs().max(1.0);
            let fine = near(value, *want)
                && found.iter().zip(want_all).all(|(&a, b)| near(a, b))
                && (found[1] == 0.0 && found[3..].iter().all(|&g| g == 0.0));
            if !fine {
                wrong.push(format!(
                    "{backend:?} {text}: {value} {found:?}, not {want} {slopes:?}"
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn terms_and_reports_obey_the_rule() {
    let spec = format!(
        "{SMALL}term a = mean(x)\nminimize 3*a\nreport top = max(x)\nreport lost = mean(x == 0)\n"
    );
    for backend in Backend::ALL.iter().copied() {
        let outcome = compile(&spec, backend).run(small()).expect("a run");
        assert_eq!(
            (outcome.terms[0].raw, outcome.terms[0].weight),
            (2.0, Some(3.0))
        );
        assert_eq!(
            outcome.reports,
            [("top".to_string(), 3.0), ("lost".to_string(), 0.0)]
        );
        assert_eq!(flat(&outcome.total), [6.0]);
    }
}

/// Differences along each axis of space count where both neighbours are valid.
#[test]
fn neighbours_count_where_both_are_valid() {
    let spec =
        "input pred: real[N, ...S]\ninput seen: mask[N, ...S]\nignore seen == 0\nminimize tv()\n";
    let (n, h, w) = (3, 5, 7);
    let random = &mut Random(3);
    let x: Vec<f64> = (0..n * h * w).map(|_| random.between(-2.0, 2.0)).collect();
    // The second sample is ignored as a whole.
    let seen: Vec<bool> = (0..n * h * w)
        .map(|at| at / (h * w) != 1 && random.next() < 0.7)
        .collect();
    let rubbish = |at: usize| {
        if seen[at] {
            x[at]
        } else {
            RUBBISH[at % RUBBISH.len()]
        }
    };
    let pred: Vec<f64> = (0..x.len()).map(rubbish).collect();
    let pred = Tensor::from_vec(pred, (n, h, w), &Device::Cpu).expect("a tensor");
    let mask: Vec<u8> = seen.iter().map(|&seen| u8::from(seen)).collect();
    let mask = Tensor::from_vec(mask, (n, h, w), &Device::Cpu).expect("a tensor");
    let mut want = 0.0;
    let mut slopes = vec![0.0; x.len()];
    for (step, last) in [(w, h), (1, w)] {
        let along = |at: usize| at / step % last;
        let pairs = (0..x.len()).filter(|&at| along(at) + 1 < last);
        let pairs = pairs.map(|at| (at, at + step));
        let pairs: Vec<_> = pairs.filter(|&(a, b)| seen[a] && seen[b]).collect();
        for &(a, b) in &pairs {
            want += (x[b] - x[a]).abs() / pairs.len() as f64;
            let slope = (x[b] - x[a]).signum() / pairs.len() as f64;
            slopes[b] += slope;
            slopes[a] -= slope;
        }
    }
    for backend in Backend::ALL.iter().copied() {
        let inputs = Inputs::from([("pred", &pred), ("seen", &mask)]);
        let (value, gradients) = run(&compile(spec, backend), inputs).expect("a run");
        assert!(
            (value - want).abs() < 1e-12,
            "{backend:?}: {value}, not {want}"
        );
        for (at, (found, want)) in flat(&gradients[0].1).iter().zip(&slopes).enumerate() {
            let fine = (found - want).abs() < 1e-12 && (seen[at] || *found == 0.0);
            assert!(fine, "{backend:?} at {at}: {found}, not {want}");
        }
    }
}

/// A rule over samples, one over space alone, and conditions of several inputs, of scores and of
/// positions: the same as `where=` with the same condition.
#[test]
fn conditions_of_any_inputs() {
    let inputs = "input pred: logits[N, C, H, W] over C\ninput target: labels[N, H, W] of C\n\
        input known: mask[N]\ninput roi: mask[H, W]\ninput limit: scalar\n";
    let conditions = [
        "target == 1",
        "known == 0",
        "roi == 0",
        "(known == 0 or target != 2) and roi == 0",
        "not (roi > 0.5)",
        "max[C](pred) < limit",
        "any[class](pred > 2*limit)",
        "index[H] < 2 or target == 0",
        "if known == 1 then target == 0 else roi == 0",
    ];
    let (n, c, h, w) = (3, 3, 5, 7);
    let random = &mut Random(9);
    let pred: Vec<f64> = (0..n * c * h * w)
        .map(|_| random.between(-2.0, 2.0))
        .collect();
    let pred = Tensor::from_vec(pred, (n, c, h, w), &Device::Cpu).expect("a tensor");
    let target: Vec<i64> = (0..n * h * w)
        .map(|_| (random.next() * 3.0) as i64)
        .collect();
    let target = Tensor::from_vec(target, (n, h, w), &Device::Cpu).expect("a tensor");
    let known = Tensor::from_vec(vec![1u8, 0, 1], n, &Device::Cpu).expect("a tensor");
    let roi: Vec<u8> = (0..h * w).map(|_| u8::from(random.next() < 0.6)).collect();
    let roi = Tensor::from_vec(roi, (h, w), &Device::Cpu).expect("a tensor");
    for backend in Backend::ALL.iter().copied() {
        for condition in conditions {
            let given = || {
                let given = Inputs::from([("pred", &pred), ("target", &target)]);
                let given = given.tensor("known", &known).tensor("roi", &roi);
                given.scalar("limit", 0.9)
            };
            // Everything is used, so that everything may be bound.
            let rest = "0*(mean(known) + mean(roi) + limit)";
            let ruled = format!("{inputs}ignore {condition}\nminimize ce() + {rest}\n");
            let (value, gradients) = run(&compile(&ruled, backend), given()).expect("a run");
            let masked = format!(
                "{inputs}let left = not ({condition})\nminimize mean(ce(reduce=none), where=left) + {rest}\n"
            );
            let (want, slopes) = run(&compile(&masked, backend), given()).expect("a run");
            assert!(
                (value - want).abs() < 1e-12,
                "{backend:?} {condition}: {value}, not {want}"
            );
            let (found, slopes) = (flat(&gradients[0].1), flat(&slopes[0].1));
            let near = found
                .iter()
                .zip(&slopes)
                .all(|(a, b)| (a - b).abs() < 1e-12);
            assert!(near, "{backend:?} {condition}: {found:?}, not {slopes:?}");
        }
    }
}

/// The larger program of the language's description.
#[test]
fn the_program_of_the_description_runs() {
    let spec = "language 1
        input pred:   logits[N, C, H, W] over C
        input target: labels[N, H, W] of C
        input edge:   real[N, H, W]
        input epoch:  scalar
        ignore target == 255
        param alpha: real in [0, 1] = 0.5
        let ramp = linear(epoch, from=0, to=1, over=[0, 20])
        term region = dice(smooth=1e-6)
        term pixel  = wce([0.2, 0.8])
        term border = ce(pixel_weight=edge)
        minimize alpha*region + (1 - alpha)*pixel + 0.1*ramp*border
        report iou = mean_iou()";
    let (n, h, w) = (2, 5, 7);
    let pred = Tensor::arange(0f64, (n * 2 * h * w) as f64, &Device::Cpu);
    let pred = pred
        .and_then(|x| x.sin()?.reshape((n, 2, h, w)))
        .expect("a tensor");
    let label = |at: usize| [0i64, 1, 255, 1, 255][at * at % 5];
    let target: Vec<i64> = (0..n * h * w).map(label).collect();
    let target = Tensor::from_vec(target, (n, h, w), &Device::Cpu).expect("a tensor");
    let lost = |at: usize| {
        if label(at) == 255 {
            f64::NAN
        } else {
            1.0 + (at % 3) as f64
        }
    };
    let edge: Vec<f64> = (0..n * h * w).map(lost).collect();
    let edge = Tensor::from_vec(edge, (n, h, w), &Device::Cpu).expect("a tensor");
    let mut totals = Vec::new();
    for backend in Backend::ALL.iter().copied() {
        let inputs = Inputs::from([("pred", &pred), ("target", &target), ("edge", &edge)]);
        let (total, gradients) =
            run(&compile(spec, backend), inputs.scalar("epoch", 10.0)).expect("a run");
        let finite = gradients
            .iter()
            .all(|(_, g)| flat(g).iter().all(|g| g.is_finite()));
        assert!(total.is_finite() && finite, "{backend:?}: {total}");
        totals.push(total);
    }
    let near = totals.iter().all(|total| (total - totals[0]).abs() < 1e-12);
    assert!(near, "{totals:?}");
}

#[test]
fn no_class_at_all_and_nothing_left() {
    let pred = Tensor::zeros((2, 0, 5), DType::F32, &Device::Cpu).expect("a tensor");
    let target = Tensor::full(255i64, (2, 5), &Device::Cpu).expect("a tensor");
    for backend in Backend::ALL.iter().copied() {
        let loss = compile("ignore target == 255\nminimize ce() + dice()\n", backend);
        let inputs = Inputs::from([("pred", &pred), ("target", &target)]);
        let (value, _) = run(&loss, inputs).expect("a run");
        assert_eq!(value, 0.0, "{backend:?}");
    }
}

#[test]
fn other_resolutions_follow_the_rule() {
    for backend in Backend::ALL.iter().copied() {
        // Blocks of 2, 2 and a rest: the first has one valid entry, the second none.
        let loss = compile(
            "input x: real[N, P]\ninput keep: mask[N, P]\nignore keep == 0\n\
             minimize sum(coarsen[P](x, 2)^2) + 100*mean(coarsen[P](x, 2))\n",
            backend,
        );
        let tensor = |values: &[f64]| {
            let shape = (values.len() / 5, 5);
            Tensor::from_vec(values.to_vec(), shape, &Device::Cpu).expect("a tensor")
        };
        let nan = f64::NAN;
        let given = Inputs::new()
            .tensor(
                "x",
                &tensor(&[3.0, nan, nan, nan, 7.0, 2.0, 4.0, 5.0, 1.0, nan]),
            )
            .tensor(
                "keep",
                &tensor(&[1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0]),
            );
        let (value, gradients) = run(&loss, given).expect("a value");
        // Means of 3, and of 3 and 3.
        assert!(
            (value - (27.0 + 300.0)).abs() < 1e-9,
            "{backend:?}: {value}"
        );
        let slope = 100.0 / 3.0;
        let want = [
            6.0 + slope,
            0.0,
            0.0,
            0.0,
            0.0,
            3.0 + slope / 2.0,
            3.0 + slope / 2.0,
            3.0 + slope / 2.0,
            3.0 + slope / 2.0,
            0.0,
        ];
        for (g, want) in flat(&gradients[0].1).iter().zip(want) {
            assert!((g - want).abs() < 1e-9, "{backend:?}: {g}, not {want}");
        }
        // A second prediction is left out where the target is, whatever looks at it.
        let loss = compile(
            "input pred: logits[N, C, P] over C\ninput pred_2: logits[N, C, R] over C\n\
             input target: labels[N, P] of C\nignore target == 255\n\
             minimize deep(entropy(), [pred, pred_2], weights=[0, 1])\n",
            backend,
        );
        let pred = |values: Vec<f64>| {
            let shape = (1, 2, values.len() / 2);
            Tensor::from_vec(values, shape, &Device::Cpu).expect("a tensor")
        };
        let given = Inputs::new()
            .tensor("pred", &pred(vec![0.0; 8]))
            .tensor("pred_2", &pred(vec![1.0, nan, 0.0, nan]))
            .tensor(
                "target",
                &Tensor::from_vec(vec![0i64, 1, 255, 1], (1, 4), &Device::Cpu).expect("a tensor"),
            );
        let (value, gradients) = run(&loss, given).expect("a value");
        let p = 1.0 / (1.0 + (-1.0f64).exp());
        let want = -p * p.ln() - (1.0 - p) * (1.0 - p).ln();
        assert!(
            (value - want).abs() < 1e-9,
            "{backend:?}: {value}, not {want}"
        );
        let slopes = flat(&gradients[1].1);
        assert!(
            slopes[1] == 0.0 && slopes[3] == 0.0 && slopes[0] != 0.0,
            "{slopes:?}"
        );
    }
}
