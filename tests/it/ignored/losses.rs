//! Every loss of the standard library with an ignored mask, against the same loss of what is left; and
//! with nothing left.

use super::{NO_LABELS, RUBBISH, Random, compile, flat, run};
use candle_core::{DType, Device, Tensor};
use lossc::ast::{ItemKind, OperandDecl, OptionDecl};
use lossc::{Backend, Inputs};

/// Losses that look at neighbours, which cutting down to valid positions brings together.
const NEIGHBOURS: &[(&str, &str)] = &[
    ("tv", "differences of neighbours"),
    ("boundary", "distances"),
    ("hausdorff_dt", "distances"),
    ("unet_weighted_ce", "distances"),
    ("gradient_l1", "differences of neighbours"),
    ("diffusion", "differences of neighbours"),
    ("bending_energy", "differences of neighbours"),
    ("ssim", "a window"),
    ("ms_ssim", "a window"),
    ("lncc", "a window"),
    ("nacl", "a window"),
    ("cldice", "erosions"),
    ("boundary_ce", "a window"),
];

/// Options without a default.
const NEEDED: &[(&str, &str)] = &[
    ("wce", "[0.2, 0.3, 0.5]"),
    ("logit_adjusted_ce", "[0.2, 0.3, 0.5]"),
    ("ldam", "[0.1, 0.2, 0.3]"),
    (
        "wasserstein_dice",
        "[[0, 1, 0.5], [0.75, 0, 1], [0.25, 1, 0]]",
    ),
];

/// More ways to call a loss, besides those that follow from the options it has.
const MORE: &[(&str, &str)] = &[
    ("dice", "squared=true"),
    ("dice", "empty=skip"),
    ("dice", "empty=one, background=false"),
    ("generalized_dice", "weighting=simple"),
    ("ce", "weight=[0.2, 0.3, 0.5], smoothing=0.1"),
    ("ce", "smoothing=0.1, pixel_weight=sample"),
    ("ce", "weight=rates"),
    ("bce", "pos_weight=3, smoothing=0.1"),
    ("bce", "weight=[0.2, 0.3, 0.5], pixel_weight=w"),
    ("focal", "gamma=0.5"),
    ("asl", "gamma_pos=1, gamma_neg=0.5, clip=0"),
    ("barron", "alpha=-2"),
    ("unified_focal", "asymmetric=false"),
    ("tweedie", "p=1.2"),
    ("multi_margin", "p=2"),
    ("mse", "pixel_weight=sample"),
    ("poisson_nll", "full=true"),
    ("gaussian_nll", "full=true"),
    ("lovasz_softmax", "classes=all"),
    ("lovasz_softmax", "per_image=true"),
    ("lovasz_hinge", "per_image=true"),
    ("topk_ce", "fraction=0.5"),
    ("ohem_ce", "threshold=0.3, min_kept=4"),
    ("wasserstein_1d", "squared=true"),
    ("info_nce", "symmetric=true"),
    ("wasserstein_dice", "weighting=simple"),
    ("top_k_accuracy", "k=1"),
];

/// What a test binds: samples, of which one is ignored as a whole, with positions, of which as many
/// are valid in each of the others, classes, corners of a box, and entries of a vector.
const SAMPLES: usize = 4;
const LOST: usize = 2;
const POSITIONS: usize = 13;
const VALID: usize = 5;

/// An input of a test: its name, its type up to the brackets and behind them, its axes.
#[derive(Clone, PartialEq)]
struct Operand {
    name: String,
    kind: &'static str,
    axes: &'static [&'static str],
    class: &'static str,
}

impl Operand {
    fn declared(&self) -> String {
        let Operand {
            name, kind, class, ..
        } = self;
        format!("input {name}: {kind}[{}]{class}\n", self.axes.join(", "))
    }

    fn size(axis: &str) -> usize {
        match axis {
            "N" => SAMPLES,
            "C" => 3,
            "P" => POSITIONS,
            "K=4" => 4,
            "D" => 6,
            other => panic!("no size for {other}"),
        }
    }

    fn shape(&self) -> Vec<usize> {
        self.axes.iter().map(|axis| Operand::size(axis)).collect()
    }

    /// The sample and the position of an entry, as far as it has them.
    fn place(&self, mut at: usize) -> (Option<usize>, Option<usize>) {
        let mut place = (None, None);
        for axis in self.axes.iter().rev() {
            let size = Operand::size(axis);
            match *axis {
                "N" => place.0 = Some(at % size),
                "P" => place.1 = Some(at % size),
                _ => {}
            }
            at /= size;
        }
        place
    }

    fn values(&self, random: &mut Random) -> Vec<f64> {
        let shape = self.shape();
        let count: usize = shape.iter().product();
        let corner = |at: usize| at % 4;
        let mut data: Vec<f64> = (0..count)
            .map(|at| match self.kind {
                "labels" => (random.next() * 3.0).floor(),
                "mask" => f64::from(u8::from(random.next() < 0.4)),
                "probs" | "log_probs" => random.between(0.1, 1.0),
                _ if self.name == "var" => random.between(0.5, 2.0),
                _ if self.name == "w" || self.name == "sample" => random.between(0.5, 2.0),
                _ if self.name == "rates" => random.between(0.2, 1.0),
                _ if self.axes.contains(&"K=4") && corner(at) >= 2 => random.between(2.0, 4.0),
                _ if self.axes.contains(&"K=4") => random.between(0.0, 1.8),
                _ => random.between(-2.0, 2.0),
            })
            .collect();
        if matches!(self.kind, "probs" | "log_probs") && self.class.starts_with(" over") {
            for n in 0..SAMPLES {
                for p in 0..POSITIONS {
                    let at = |c: usize| (n * 3 + c) * POSITIONS + p;
                    let sum: f64 = (0..3).map(|c| data[at(c)]).sum();
                    (0..3).for_each(|c| data[at(c)] /= sum);
                }
            }
        }
        if self.kind == "log_probs" {
            data.iter_mut().for_each(|x| *x = x.ln());
        }
        data
    }
}

/// The input that an operand of a definition takes.
fn operand(source: &str, declared: &OperandDecl) -> Option<Operand> {
    let (kind, axes, class): (_, &[&str], _) = match &source[declared.ty.span.range()] {
        "log_probs over class" => ("log_probs", &["N", "C", "P"], " over C"),
        "logits over class" => ("logits", &["N", "C", "P"], " over C"),
        "probs over class" | "probs" => ("probs", &["N", "C", "P"], " over C"),
        "labels of class" => ("labels", &["N", "P"], " of C"),
        "logits per class" => ("logits", &["N", "C", "P"], " per C"),
        "probs per class" => ("probs", &["N", "C", "P"], " per C"),
        "mask per class" => ("mask", &["N", "C", "P"], " per C"),
        "real" | "real[...A]" => ("real", &["N", "P"], ""),
        "real[...B, K=4]" => ("real", &["N", "K=4"], ""),
        "real[...B, D]" | "real[N, D]" => ("real", &["N", "D"], ""),
        "labels[N] of class" => ("labels", &["N"], " of C"),
        "mask[...B]" => ("mask", &["N"], ""),
        _ => return None,
    };
    let name = declared.name.text.clone();
    Some(Operand {
        name,
        kind,
        axes,
        class,
    })
}

/// A call of a loss of the library with the inputs that it needs.
struct Call {
    text: String,
    inputs: Vec<Operand>,
}

/// Every loss of the library, in the ways that its options allow; and what could not be called.
fn calls() -> (Vec<Call>, Vec<String>) {
    let (mut calls, mut missed) = (Vec::new(), Vec::new());
    for (_, source, ast) in lossc::library::modules() {
        for item in &ast.items {
            let ItemKind::Loss(definition) = &item.kind else {
                continue;
            };
            let name = definition.name.text.as_str();
            if name.starts_with('_') || NEIGHBOURS.iter().any(|(known, _)| *known == name) {
                continue;
            }
            let operands = definition.operands.iter();
            let operands: Option<Vec<Operand>> = operands.map(|o| operand(source, o)).collect();
            let needed = NEEDED.iter().find(|(known, _)| *known == name);
            let open = |o: &&OptionDecl| o.default.is_none();
            let open = definition.options.iter().filter(open).count();
            let (Some(operands), true) = (operands, open == needed.iter().len()) else {
                missed.push(source[definition.head.range()].to_string());
                continue;
            };
            let first = needed.map_or("", |(_, text)| *text);
            let mut ways = vec![String::new()];
            for option in &definition.options {
                ways.extend(match option.name.text.as_str() {
                    "pixel_weight" => Some("pixel_weight=w".to_string()),
                    "over" => Some("over=[batch, space]".to_string()),
                    "reduce" => Some("reduce=sum".to_string()),
                    "weight" if option.default.is_some() => {
                        Some("weight=[0.2, 0.3, 0.5]".to_string())
                    }
                    _ => None,
                });
            }
            let more = MORE.iter().filter(|(known, _)| *known == name);
            ways.extend(more.map(|(_, text)| text.to_string()));
            let wide = operands.iter().any(|o| o.axes.contains(&"P"));
            let classes = operands.iter().any(|o| o.axes.contains(&"C"));
            for way in ways {
                let missing = |word: &str| !definition.options.iter().any(|o| o.name.text == word);
                // Overloads of one name have different options.
                if way.split(", ").any(|part| match part.split_once('=') {
                    Some((word, _)) if !word.starts_with(char::is_numeric) => {
                        !way.contains(&format!("[{part}")) && missing(word)
                    }
                    _ => false,
                }) {
                    continue;
                }
                let mut inputs = operands.clone();
                let mut add = |name: &str, axes| {
                    let (name, kind, class) = (name.to_string(), "real", "");
                    if way.contains(&format!("={name}")) {
                        inputs.push(Operand {
                            name,
                            kind,
                            axes,
                            class,
                        });
                    }
                };
                add("w", if wide { &["N", "P"] } else { &["N"] });
                add("sample", &["N"]);
                if classes {
                    add("rates", &["C"]);
                }
                let options = [first, &way].into_iter().filter(|text| !text.is_empty());
                let options: Vec<&str> = options.collect();
                let text = format!("{name}({})", options.join(", "));
                calls.push(Call { text, inputs });
            }
        }
    }
    (calls, missed)
}

/// Which positions are valid: as many in each sample that is, in other places.
fn keep(random: &mut Random, wide: bool) -> Vec<bool> {
    if !wide {
        return (0..SAMPLES).map(|n| n != LOST).collect();
    }
    let mut keep = vec![false; SAMPLES * POSITIONS];
    for n in (0..SAMPLES).filter(|&n| n != LOST) {
        let mut left = VALID;
        while left > 0 {
            let p = (random.next() * POSITIONS as f64) as usize;
            if !keep[n * POSITIONS + p] {
                keep[n * POSITIONS + p] = true;
                left -= 1;
            }
        }
    }
    keep
}

/// Whether an entry of an input is valid; a coarser one is if anything under it is.
fn valid(input: &Operand, at: usize, keep: &[bool]) -> bool {
    match (input.place(at), keep.len() > SAMPLES) {
        ((Some(n), Some(p)), true) => keep[n * POSITIONS + p],
        ((Some(n), _), _) => n != LOST,
        ((None, _), _) => true,
    }
}

fn tensor(input: &Operand, data: &[f64], shape: Vec<usize>, dtype: DType) -> Tensor {
    let tensor = match input.kind {
        "labels" => {
            let labels: Vec<i64> = data.iter().map(|&x| x as i64).collect();
            Tensor::from_vec(labels, shape, &Device::Cpu)
        }
        _ => Tensor::from_vec(data.to_vec(), shape, &Device::Cpu).and_then(|t| t.to_dtype(dtype)),
    };
    tensor.expect("a tensor")
}

/// The loss under the rule against the loss of what is left.
fn compare(call: &Call, backend: Backend, dtype: DType, limit: f64) -> Result<(), String> {
    let random = &mut Random(11);
    let wide = call.inputs.iter().any(|input| input.axes.contains(&"P"));
    let keep = keep(random, wide);
    let declared: String = call.inputs.iter().map(Operand::declared).collect();
    let rule = format!(
        "input keep: mask[{}]\nignore keep == 0\n",
        if wide { "N, P" } else { "N" }
    );
    let whole = compile(
        &format!("{declared}{rule}minimize {}\n", call.text),
        backend,
    );
    let cut = compile(&format!("{declared}minimize {}\n", call.text), backend);
    let (mut all, mut rest) = (Inputs::new(), Inputs::new());
    for input in &call.inputs {
        let mut data = input.values(random);
        let left: Vec<f64> = (0..data.len())
            .filter(|&at| valid(input, at, &keep))
            .map(|at| data[at])
            .collect();
        for (at, x) in data.iter_mut().enumerate() {
            if !valid(input, at, &keep) {
                *x = match input.kind {
                    "labels" => NO_LABELS[at % NO_LABELS.len()],
                    _ => RUBBISH[at % RUBBISH.len()],
                };
            }
        }
        let sizes = input.axes.iter().map(|axis| match *axis {
            "N" => SAMPLES - 1,
            "P" => VALID,
            axis => Operand::size(axis),
        });
        all = all.tensor(&input.name, &tensor(input, &data, input.shape(), dtype));
        rest = rest.tensor(&input.name, &tensor(input, &left, sizes.collect(), dtype));
    }
    let shape = if wide {
        vec![SAMPLES, POSITIONS]
    } else {
        vec![SAMPLES]
    };
    let mask: Vec<u8> = keep.iter().map(|&keep| u8::from(keep)).collect();
    let mask = Tensor::from_vec(mask, shape, &Device::Cpu).expect("a tensor");
    let (value, gradients) = run(&whole, all.tensor("keep", &mask)).map_err(|e| e.to_string())?;
    let (want, slopes) = run(&cut, rest).map_err(|e| e.to_string())?;
    let far = |a: f64, b: f64, scale: f64| (a - b).abs() > limit * scale || a.is_nan();
    if far(value, want, want.abs().max(0.1)) {
        return Err(format!("value {value}, of what is left {want}"));
    }
    for (name, slopes) in slopes {
        let input = call.inputs.iter().find(|input| input.name == name);
        let input = input.expect("a bound input");
        let found = gradients.iter().find(|(n, _)| *n == name);
        let found = flat(&found.expect("a gradient").1);
        let mut slopes = flat(&slopes).into_iter();
        let scale = slopes.clone().fold(1e-3f64, |m, x| m.max(x.abs()));
        for (at, &slope) in found.iter().enumerate() {
            if !valid(input, at, &keep) {
                if slope != 0.0 {
                    return Err(format!("gradient of {name} at ignored {at}: {slope}"));
                }
                continue;
            }
            let want = slopes.next().expect("as many as are valid");
            if far(slope, want, scale) {
                return Err(format!("gradient of {name} at {at}: {slope}, not {want}"));
            }
        }
    }
    Ok(())
}

fn every_loss(backend: Backend, dtype: DType, limit: f64) {
    let (calls, missed) = calls();
    assert!(missed.is_empty(), "not covered: {missed:?}");
    assert!(calls.len() > 100, "only {} calls", calls.len());
    let wrong = calls.iter().filter_map(|call| {
        let why = compare(call, backend, dtype, limit).err()?;
        let inputs: String = call.inputs.iter().map(Operand::declared).collect();
        Some(format!("{} on\n{inputs}{why}", call.text))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_loss_is_that_of_what_is_left_in_the_reference() {
    every_loss(Backend::Reference, DType::F64, 1e-11);
}

#[test]
fn every_loss_is_that_of_what_is_left_in_candle() {
    every_loss(Backend::Candle, DType::F64, 1e-11);
}

#[test]
fn every_loss_is_that_of_what_is_left_fused() {
    every_loss(Backend::Fused, DType::F64, 1e-11);
    every_loss(Backend::Fused, DType::F32, 2e-4);
}

#[test]
fn nothing_left_is_0_with_zero_gradient_or_nan_under_a_strict_rule() {
    let (calls, _) = calls();
    for backend in Backend::ALL.iter().copied() {
        for call in &calls {
            let declared: String = call.inputs.iter().map(Operand::declared).collect();
            for strict in [false, true] {
                let word = if strict { " strict" } else { "" };
                let rule = format!("input keep: mask[N]\nignore keep == 0{word}\n");
                let loss = compile(
                    &format!("{declared}{rule}minimize {}\n", call.text),
                    backend,
                );
                let mut random = Random(5);
                let mut inputs = Inputs::new();
                for input in &call.inputs {
                    let mut data = input.values(&mut random);
                    if input.axes.contains(&"N") {
                        let rubbish = |at: usize| match input.kind {
                            "labels" => NO_LABELS[at % NO_LABELS.len()],
                            _ => RUBBISH[at % RUBBISH.len()],
                        };
                        data = (0..data.len()).map(rubbish).collect();
                    }
                    let bound = tensor(input, &data, input.shape(), DType::F64);
                    inputs = inputs.tensor(&input.name, &bound);
                }
                let none = Tensor::zeros(SAMPLES, DType::U8, &Device::Cpu).expect("a tensor");
                let (value, gradients) = run(&loss, inputs.tensor("keep", &none))
                    .unwrap_or_else(|why| panic!("{}: {why}", call.text));
                let fine = if strict { value.is_nan() } else { value == 0.0 };
                assert!(fine, "{backend:?} {}{word}: {value}", call.text);
                for (name, gradient) in gradients {
                    let zero = flat(&gradient).iter().all(|&g| g == 0.0);
                    assert!(zero, "{backend:?} {}{word}: {name} {gradient}", call.text);
                }
            }
        }
    }
}
