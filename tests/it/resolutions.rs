//! Losses at several resolutions: `deep` is the sum that it stands for, however it is written.

use candle_core::{DType, Device, Tensor};
use lossc::{Backend, Compiler, Error, Inputs, Loss};

const ITEMS: &str = "\
input pred:   logits[N, C, H, W] over C
input pred_2: logits[N, C, H2, W2] over C
input target: labels[N, H, W] of C
input edge:   real[N, H, W]
let small = resize[space](target, like=pred_2)
let border = max_pool[space](target, 3) > min_pool[space](target, 3)
loss mine() on pred: logits over class, pred_2: logits over class, target: labels of class =
  deep(dice() + ce(), [pred, pred_2])
";

/// A definition that sees the file's own names.
const WEIGHTED: &str =
    "loss weighted() on pred: logits over class, target: labels of class = ce(pixel_weight=edge)\n";

/// What is written, and what it stands for.
const PAIRS: &[(&str, &str)] = &[
    (
        "deep(dice() + ce(), [pred, pred_2])",
        "(2*(dice() + ce()) + dice() on (pred_2, small) + ce() on (pred_2, small)) / 3",
    ),
    ("mine()", "deep(dice() + ce(), [pred, pred_2])"),
    (
        "deep(dice(over=[H, W]), [pred, pred_2], weights=[1, 3])",
        "0.25*dice() + 0.75*dice() on (pred_2, small)",
    ),
    (
        "deep(ce(pixel_weight=edge), [pred, pred_2], weights=[0, 1])",
        "ce(pixel_weight=resize[space](edge, like=pred_2)) on (pred_2, small) + 0*ce()",
    ),
    (
        "deep(weighted(), [pred, pred_2], weights=[0, 2])",
        "deep(ce(pixel_weight=edge), [pred, pred_2], weights=[0, 1])",
    ),
    (
        "deep(ce(pixel_weight=if border then 3 else 1), [pred, pred_2], weights=[0, 1])",
        "ce(pixel_weight=if resize[space](border, like=pred_2) then 3 else 1) on (pred_2, small) + 0*ce()",
    ),
    (
        "deep(ce() on (pred, target), [pred, pred_2], weights=[1, 1], entry=middle)",
        "0.5*ce() + 0.5*ce() on (pred_2, resize[space](target, like=pred_2, entry=middle))",
    ),
];

fn compile(text: &str, backend: Backend) -> Loss {
    match Compiler::new().backend(backend).compile(text) {
        Ok(loss) => loss,
        Err(why) => panic!("{text}\n{why}"),
    }
}

fn reals(shape: &[usize], seed: usize) -> Tensor {
    let count = shape.iter().product();
    let data = (0..count).map(|i| ((i * 37 + seed) % 64) as f64 / 16.0 - 2.0);
    Tensor::from_vec(data.collect::<Vec<f64>>(), shape, &Device::Cpu).expect("a tensor")
}

fn given() -> Inputs {
    let labels = (0..2 * 7 * 5).map(|i: i64| (i * i / 3 + i) % 3).collect();
    let labels: Vec<i64> = labels;
    Inputs::new()
        .tensor("pred", &reals(&[2, 3, 7, 5], 1))
        .tensor("pred_2", &reals(&[2, 3, 4, 2], 5))
        .tensor("edge", &reals(&[2, 7, 5], 9).abs().expect("sizes"))
        .tensor(
            "target",
            &Tensor::from_vec(labels, (2, 7, 5), &Device::Cpu).expect("a tensor"),
        )
}

#[test]
fn deep_is_the_sum_that_it_stands_for() {
    for &backend in Backend::ALL {
        for (left, right) in PAIRS {
            let run = |text: &str| {
                // What a spec does not use it may have all the same.
                let more = if text.contains("weighted(") {
                    WEIGHTED
                } else {
                    ""
                };
                let unused = "0*mean(pred_2) + 0*mean(edge)";
                let loss = compile(
                    &format!("{ITEMS}{more}minimize {text} + {unused}\n"),
                    backend,
                );
                let (outcome, gradients) = loss.gradients(given()).expect("a value");
                let mut all = vec![outcome.total.clone()];
                all.extend(
                    gradients
                        .iter()
                        .filter(|(n, _)| n.starts_with("pred"))
                        .map(|(_, g)| g.clone()),
                );
                all.into_iter()
                    .flat_map(|t| {
                        t.to_dtype(DType::F64)
                            .and_then(|t| t.flatten_all()?.to_vec1::<f64>())
                            .expect("numbers")
                    })
                    .collect::<Vec<f64>>()
            };
            let (found, want) = (run(left), run(right));
            assert_eq!(found.len(), want.len());
            for (i, (a, b)) in found.iter().zip(&want).enumerate() {
                assert!(
                    (a - b).abs() < 1e-12,
                    "{backend:?} {left}: {a} and {b} at {i}"
                );
            }
        }
    }
}

#[test]
fn predictions_of_other_ranks_are_refused() {
    let loss = compile(
        "input pred: logits[N, C, ...S] over C\ninput pred_2: logits[N, C, ...R] over C\n\
         input target: labels[N, ...S] of C\nminimize deep(ce(), [pred, pred_2])\n",
        Backend::Fused,
    );
    let labels = Tensor::zeros((2, 4, 4), DType::I64, &Device::Cpu).expect("a tensor");
    let given = Inputs::new()
        .tensor("pred", &reals(&[2, 3, 4, 4], 1))
        .tensor("pred_2", &reals(&[2, 3, 2, 2, 2], 2))
        .tensor("target", &labels);
    match loss.gradients(given) {
        Err(Error::Inputs(report)) => {
            let text = report.to_string();
            assert!(
                text.contains("differ in more than the sizes of their space"),
                "{text}"
            );
        }
        other => panic!("{:?}", other.map(|_| ())),
    }
}
