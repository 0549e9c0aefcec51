//! The gradient of every loss of the standard library against finite differences in f64: at
//! ordinary points, with logits of ±1e4, zeros, ties, a single class, empty and full masks.

use candle_core::{Device, Tensor};
use lossc::signature::{InputDim, Numbers, Slot, What};
use lossc::{Backend, Compiler, Inputs, Loss};

/// Where the inputs lie.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Place {
    Ordinary,
    Saturated,
    Zero,
    Tied,
    OneClass,
    EmptyMask,
    FullMask,
}

const PLACES: [Place; 7] = [
    Place::Ordinary,
    Place::Saturated,
    Place::Zero,
    Place::Tied,
    Place::OneClass,
    Place::EmptyMask,
    Place::FullMask,
];

const MULTICLASS: &str = "task multiclass\n";
const SOFT: &str =
    "input pred: logits[N, C, ...S] over C\ninput target: probs[N, C, ...S] over C\n";
const BINARY: &str = "task binary\n";
const MULTILABEL: &str = "task multilabel\n";
const REGRESSION: &str = "task regression\n";
const BOXES: &str = "input pred: real[N, K=4]\ninput target: real[N, K=4]\n";
const VECTORS: &str = "input pred: real[N, D]\ninput target: real[N, D]\n";
const LABELLED: &str = "input pred: real[N, D]\ninput target: labels[N] of K\n";
const TRIPLE: &str =
    "input anchor: real[N, D]\ninput positive: real[N, D]\ninput negative: real[N, D]\n";
const TWO_SIZES: &str = "input pred: logits[N, C, H, W] over C\ninput pred_2: logits[N, C, H2=3, W2=4] over C\ninput target: labels[N, H, W] of C\n";
const LOG_PROBS: &str =
    "input pred: log_probs[N, C, ...S] over C\ninput target: labels[N, ...S] of C\n";
/// Log-rates: an exponential of 1e4 is no finite number, so none of them is saturated.
const RATES: &str = "input pred: real[N, ...S]\ninput counts: real[N, ...S]\nlet target = 3*abs(counts)/(1 + abs(counts))\n";
const GAUSS: &str =
    "input pred: real[N, ...S]\ninput target: real[N, ...S]\ninput var: real[N, ...S]\n";

/// Inputs and a loss over them.
pub const SPECS: &[(&str, &[&str])] = &[
    (
        MULTICLASS,
        &[
            "dice()",
            "dice(squared=true, weight=[1, 2, 3], background=false)",
            "dice(over=[batch, space], empty=skip)",
            "jaccard()",
            "tversky(alpha=0.3, beta=0.7)",
            "focal_tversky()",
            "log_cosh_dice()",
            "generalized_dice()",
            "generalized_dice(weighting=simple)",
            "ce()",
            "ce(weight=[1, 2, 3], smoothing=0.1)",
            "wce([0.2, 0.3, 0.5])",
            "focal()",
            "focal(gamma=0.5, alpha=[1, 2, 3])",
            "poly1()",
            "gce()",
            "multi_margin()",
            "multi_margin(p=2)",
            "log_dice(smooth=1e-3)",
            "mcc()",
            "sensitivity_specificity()",
            "dice_ce()",
            "dice_focal()",
            "unified_focal()",
            "unified_focal(asymmetric=false)",
            "symmetric_ce()",
            "logit_adjusted_ce([0.2, 0.3, 0.5])",
            "ldam([0.1, 0.2, 0.3])",
            "arc_margin(s=3)",
            "entropy()",
            "boundary()",
            "boundary(background=false, spacing=0.5)",
            "unet_weighted_ce()",
            "wasserstein_1d(squared=true)",
            "mean(cumsum[space, batch](pred)*pred)",
            "mean(pick(pred, target), where=top_k[batch, space](target, 7))",
            "boundary_ce(width=1)",
            "wasserstein_dice([[0, 1, 0.5], [0.75, 0, 1], [0.25, 1, 0]])",
            "wasserstein_dice([[0, 1, 0.5], [0.75, 0, 1], [0.25, 1, 0]], weighting=simple)",
            "nacl(power=2)",
        ],
    ),
    (SOFT, &["soft_ce()", "ce(smoothing=0.2)", "kl()", "js()"]),
    (
        BINARY,
        &[
            "bce()",
            "bce(pos_weight=3, smoothing=0.1)",
            "focal()",
            "focal(gamma=0.5, alpha=0.25)",
            "hinge()",
            "dice()",
            "dice_bce()",
            "dice_focal()",
            "squared_hinge()",
            "asl()",
            "asl(gamma_pos=1, gamma_neg=0.5, clip=0)",
            "quality_focal()",
            "varifocal()",
            "entropy()",
            "boundary()",
        ],
    ),
    (
        MULTILABEL,
        &[
            "bce(weight=[1, 2, 3])",
            "focal(gamma=3)",
            "dice()",
            "jaccard()",
            "zlpr()",
        ],
    ),
    (
        REGRESSION,
        &[
            "mse()",
            "mae()",
            "huber(delta=0.5)",
            "smooth_l1()",
            "log_cosh()",
            "charbonnier()",
            "quantile(q=0.3)",
            "tv()",
            "rmse()",
            "cauchy(c=0.5)",
            "geman_mcclure()",
            "welsch()",
            "barron(alpha=0.5)",
            "barron(alpha=-3)",
            "mape(eps=0.1)",
            "wing(width=1, curvature=0.5)",
            "ssim(window=3)",
            "psnr()",
            "lncc(window=3)",
            "gradient_l1()",
            "diffusion()",
            "bending_energy()",
            "mean(avg_pool[space](pred, 3)^2)",
            "mean(gaussian[space](pred, sigma=1, window=5, edge=clamp)*target)",
            "mean(gaussian[space](pred*target, sigma=2, edge=wrap)^2)",
            "mean(abs(avg_pool[space](pred - target, 3, edge=zero)))",
            "mean(gaussian[space](pred, sigma=1, window=3, edge=crop)*target[space=1..-1])",
        ],
    ),
    (GAUSS, &["gaussian_nll()"]),
    (LOG_PROBS, &["nll()", "nll(weight=[1, 2, 3])"]),
    (RATES, &["poisson_nll()", "poisson_nll(full=true)"]),
    (BOXES, &["giou()", "diou()"]),
    (
        VECTORS,
        &[
            "cosine()",
            "info_nce(temperature=0.5)",
            "info_nce(temperature=0.5, symmetric=true)",
            "vicreg()",
        ],
    ),
    (
        LABELLED,
        &[
            "supcon(temperature=0.5)",
            "multi_similarity(alpha=3, beta=5)",
        ],
    ),
    (TRIPLE, &["triplet()"]),
    (
        TWO_SIZES,
        &[
            "deep(dice() + ce(), [pred, pred_2])",
            "deep(focal(), [pred, pred_2], weights=[1, 3], entry=middle)",
            "ce() on (resize[space](pred_2, like=pred), target) + 0.1*mean(pred^2)",
            "mean(coarsen[space](softmax[class](pred), 2)^2) + 0*mean(pred_2)",
        ],
    ),
];

/// Losses that jump or bend where errors are equal or a probability is exactly 0.5, or whose inputs
/// must differ; they are held to differences elsewhere.
pub const UNTIED: &[(&str, &[&str])] = &[
    (
        MULTICLASS,
        &[
            "lovasz_softmax()",
            "lovasz_softmax(classes=all, per_image=true)",
            "topk_ce(fraction=0.3)",
            "ohem_ce(threshold=0.3, min_kept=11)",
            "hausdorff_dt()",
            "hausdorff_dt(alpha=1.5, background=false, spacing=[0.5, 2])",
            "wasserstein_1d()",
            "mean(sort[batch, space](softmax[class](pred))*softmax[class](pred))",
            "mean(cumsum[class, space](pred, by=softmax[class](pred), descending=true)*pred)",
        ],
    ),
    (
        BINARY,
        &[
            "lovasz_hinge()",
            "lovasz_hinge(per_image=true)",
            "hausdorff_dt()",
            "topk(bce(reduce=none), 0.2)",
        ],
    ),
    (MULTILABEL, &["lovasz_hinge()"]),
    (
        VECTORS,
        &["ntxent()", "barlow_twins()", "barlow_twins(lambda=0.5)"],
    ),
];

const UNTIED_PLACES: [Place; 4] = [
    Place::Ordinary,
    Place::OneClass,
    Place::EmptyMask,
    Place::FullMask,
];

/// A small generator, so that a failure can be had again.
pub struct Random(pub u64);

impl Random {
    /// A number between 0 and 1.
    pub fn next(&mut self) -> f64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.next()
    }
}

fn shape(loss: &Loss, axes: &[InputDim], batch: usize) -> Vec<usize> {
    let size = |dim: lossc::ir::DimId| {
        let fact = &loss.signature().dims[dim.index()];
        match (&fact.fixed, fact.name.as_str()) {
            (Some((size, ..)), _) => *size,
            (None, "N") => batch,
            (None, "C") => 3,
            (None, _) => 5,
        }
    };
    axes.iter()
        .flat_map(|axis| match axis {
            InputDim::One(dim) => vec![size(*dim)],
            InputDim::Flat(..) => vec![5, 7],
            InputDim::Pack(_, dims) => dims.iter().zip([5, 7]).map(|(_, n)| n).collect(),
            InputDim::Dropped => vec![1],
        })
        .collect()
}

/// A tensor for an input, with so many samples.
pub fn fill(loss: &Loss, slot: &Slot, place: Place, random: &mut Random, batch: usize) -> Tensor {
    let What::Tensor { axes, numbers, .. } = &slot.what else {
        panic!("only tensors here");
    };
    let shape = shape(loss, axes, batch);
    let count: usize = shape.iter().product();
    if let Numbers::Integers { .. } = numbers {
        let label = |r: f64| {
            if place == Place::OneClass || place == Place::EmptyMask {
                0
            } else {
                (r * 3.0) as i64
            }
        };
        let labels: Vec<i64> = (0..count).map(|_| label(random.next())).collect();
        return Tensor::from_vec(labels, shape, &Device::Cpu).expect("a tensor");
    }
    let boxes = shape.last() == Some(&4) && slot.ty.starts_with("real");
    let numbers: Vec<f64> = if boxes {
        (0..count / 4)
            .flat_map(|_| {
                let mut r = |low, high| random.between(low, high);
                let (x, y) = (r(0.0, 2.0), r(0.0, 2.0));
                [x, y, x + r(1.0, 3.0), y + r(1.0, 3.0)]
            })
            .collect()
    } else if slot.ty.starts_with("probs") {
        let (n, s) = (shape[0], count / shape[0] / shape[1]);
        let mut values = vec![0.0; count];
        for i in 0..n {
            for j in 0..s {
                let raw: Vec<f64> = (0..shape[1])
                    .map(|c| match place {
                        Place::OneClass => f64::from(u8::from(c == 0)),
                        _ => random.between(0.1, 1.0),
                    })
                    .collect();
                let sum: f64 = raw.iter().sum();
                for (c, x) in raw.into_iter().enumerate() {
                    values[(i * shape[1] + c) * s + j] = x / sum;
                }
            }
        }
        values
    } else {
        let one = |random: &mut Random| match (place, slot.name.as_str()) {
            (_, "var") => random.between(0.5, 2.0),
            (Place::EmptyMask, "target") if slot.ty.starts_with("mask") => 0.0,
            (Place::FullMask | Place::OneClass, "target") if slot.ty.starts_with("mask") => 1.0,
            (_, "target") if slot.ty.starts_with("mask") => {
                f64::from(u8::from(random.next() < 0.4))
            }
            (Place::Saturated, "pred")
                if loss.typed().inputs.iter().any(|i| i.name == "counts") =>
            {
                random.between(-20.0, 20.0)
            }
            (Place::Saturated, _) => {
                let sign = if random.next() < 0.5 { -1.0 } else { 1.0 };
                sign * 1e4
            }
            (Place::Zero, "pred" | "anchor" | "positive" | "negative") => 0.0,
            (Place::Tied, _) => 0.7,
            _ => random.between(-2.0, 2.0),
        };
        (0..count).map(|_| one(random)).collect()
    };
    Tensor::from_vec(numbers, shape, &Device::Cpu).expect("a tensor")
}

fn flat(tensor: &Tensor) -> Vec<f64> {
    tensor.flatten_all().and_then(|t| t.to_vec1()).expect("f64")
}

fn value(loss: &Loss, given: &[(String, Tensor)]) -> f64 {
    let inputs = given.iter().fold(Inputs::new(), |inputs, (name, tensor)| {
        inputs.tensor(name, tensor)
    });
    let outcome = loss.run(inputs).expect("a value");
    flat(&outcome.total)[0]
}

/// The derivative along random directions, by the gradient and by central differences.
fn compare(loss: &Loss, text: &str, place: Place) -> Result<(), String> {
    let mut random = Random(7);
    let slots = &loss.signature().slots;
    let given: Vec<(String, Tensor)> = slots
        .iter()
        .map(|slot| (slot.name.clone(), fill(loss, slot, place, &mut random, 2)))
        .collect();
    let inputs = given.iter().fold(Inputs::new(), |inputs, (name, tensor)| {
        inputs.tensor(name, tensor)
    });
    let (outcome, gradients) = loss.gradients(inputs).map_err(|e| e.to_string())?;
    let total = flat(&outcome.total)[0];
    if !total.is_finite() {
        return Err(format!("{text} at {place:?}: value {total}"));
    }
    for (name, gradient) in &gradients {
        // A target is differentiated only where it is any number.
        if (name == "target" || name == "counts") && !text.starts_with("task regression") {
            continue;
        }
        // At its corner the slopes on both sides differ in more than the sign.
        if name == "target" && text.contains("mape") && place == Place::Tied {
            continue;
        }
        let gradient = flat(gradient);
        if let Some(bad) = gradient.iter().find(|g| !g.is_finite()) {
            return Err(format!("{text} at {place:?}: gradient of {name} has {bad}"));
        }
        let at = given
            .iter()
            .position(|(n, _)| n == name)
            .expect("a given input");
        let x = flat(&given[at].1);
        for _ in 0..3 {
            let direction: Vec<f64> = x.iter().map(|_| random.between(-1.0, 1.0)).collect();
            // Norms near 0 bend within their eps of 1e-6 or 1e-8, and the step must be finer.
            let norms = ["triplet", "cosine", "info_nce", "ntxent", "supcon"];
            let vectors = norms.iter().any(|loss| text.contains(loss));
            let fine = vectors && matches!(place, Place::Zero | Place::Tied);
            let step = if fine { 1e-9 } else { 1e-5 }
                * x.iter().fold(1.0f64, |m, v| m.max(v.abs())).min(100.0);
            let moved = |sign: f64| {
                let data: Vec<f64> = x
                    .iter()
                    .zip(&direction)
                    .map(|(a, d)| a + sign * step * d)
                    .collect();
                let mut given = given.clone();
                given[at].1 =
                    Tensor::from_vec(data, given[at].1.shape(), &Device::Cpu).expect("a tensor");
                value(loss, &given)
            };
            let difference = (moved(1.0) - moved(-1.0)) / (2.0 * step);
            let slope: f64 = gradient.iter().zip(&direction).map(|(g, d)| g * d).sum();
            let size: f64 = gradient
                .iter()
                .zip(&direction)
                .map(|(g, d)| (g * d).abs())
                .sum();
            // A logit of 1e4 is rounded by more than a value of 1.
            let largest = x.iter().fold(0.0f64, |m, v| m.max(v.abs()));
            let rounding = (1e-14 * total.abs().max(1.0) + 1e-16 * largest) / step;
            if (difference - slope).abs() > 1e-5 * size + 1e-9 + 20.0 * rounding {
                return Err(format!(
                    "{text} at {place:?}: along {name} the gradient says {slope}, differences {difference}"
                ));
            }
        }
    }
    Ok(())
}

#[test]
fn gradients_are_slopes() {
    held_to_differences(SPECS, &PLACES);
}

#[test]
fn gradients_are_slopes_between_ties() {
    held_to_differences(UNTIED, &UNTIED_PLACES);
}

fn held_to_differences(specs: &[(&str, &[&str])], places: &[Place]) {
    let mut wrong = Vec::new();
    for (inputs, losses) in specs {
        for loss in *losses {
            let text = format!("{inputs}minimize {loss}\n");
            let compiled = Compiler::new().backend(Backend::Reference).compile(&text);
            let compiled = compiled.expect("a right spec");
            for &place in places {
                wrong.extend(compare(&compiled, &text, place).err());
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
