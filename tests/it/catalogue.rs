//! Every loss of the standard library as a test calls it: what it is of, and the ways that its options allow.
//! What is tested over all losses goes through this list, so that a new loss is tested by being there.

use candle_core::{DType, Device, Tensor};
use lossc::ast::{ItemKind, OperandDecl, OptionDecl};

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

    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.next()
    }
}

/// How many samples and positions there are. There are 3 classes, 4 corners of a box, and vectors of 6 entries.
pub struct Sizes {
    pub samples: usize,
    pub positions: usize,
}

impl Sizes {
    fn get(&self, axis: &str) -> usize {
        match axis {
            "N" => self.samples,
            "C" => 3,
            "P" => self.positions,
            "K=4" => 4,
            "D" => 6,
            other => panic!("no size for {other}"),
        }
    }
}

/// Losses that look at neighbours, which cutting down to some positions brings together.
pub const NEIGHBOURS: &[(&str, &str)] = &[
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

/// Options that a call must have: those without a default, and windows that fit into what is bound.
const NEEDED: &[(&str, &str)] = &[
    ("wce", "[0.2, 0.3, 0.5]"),
    ("logit_adjusted_ce", "[0.2, 0.3, 0.5]"),
    ("ldam", "[0.1, 0.2, 0.3]"),
    ("ms_ssim", "window=3, levels=2, weights=[0.4, 0.6]"),
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

/// An input of a test: its name, its type up to the brackets and behind them, its axes.
#[derive(Clone, PartialEq)]
pub struct Operand {
    pub name: String,
    pub kind: &'static str,
    pub axes: &'static [&'static str],
    pub class: &'static str,
}

impl Operand {
    /// The item that declares it.
    pub fn declared(&self) -> String {
        let Operand {
            name, kind, class, ..
        } = self;
        format!("input {name}: {kind}[{}]{class}\n", self.axes.join(", "))
    }

    /// The sizes of its axes.
    pub fn shape(&self, sizes: &Sizes) -> Vec<usize> {
        self.axes.iter().map(|axis| sizes.get(axis)).collect()
    }

    /// The sample and the position of an entry, as far as it has them.
    pub fn place(&self, mut at: usize, sizes: &Sizes) -> (Option<usize>, Option<usize>) {
        let mut place = (None, None);
        for axis in self.axes.iter().rev() {
            let size = sizes.get(axis);
            match *axis {
                "N" => place.0 = Some(at % size),
                "P" => place.1 = Some(at % size),
                _ => {}
            }
            at /= size;
        }
        place
    }

    /// Numbers of its kind.
    pub fn values(&self, sizes: &Sizes, random: &mut Random) -> Vec<f64> {
        let shape = self.shape(sizes);
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
            for n in 0..sizes.samples {
                for p in 0..sizes.positions {
                    let at = |c: usize| (n * 3 + c) * sizes.positions + p;
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
pub struct Call {
    /// The name of the loss.
    pub name: String,
    /// What stands in the spec.
    pub text: String,
    /// What it is of.
    pub inputs: Vec<Operand>,
}

impl Call {
    /// A spec that minimizes it, after these items.
    pub fn spec(&self, items: &str) -> String {
        let declared: String = self.inputs.iter().map(Operand::declared).collect();
        format!("{declared}{items}minimize {}\n", self.text)
    }
}

/// Every loss of the library, in the ways that its options allow; and what could not be called.
pub fn calls() -> (Vec<Call>, Vec<String>) {
    let (mut calls, mut missed) = (Vec::new(), Vec::new());
    for (_, source, ast) in lossc::library::modules() {
        for item in &ast.items {
            let ItemKind::Loss(definition) = &item.kind else {
                continue;
            };
            let name = definition.name.text.as_str();
            if name.starts_with('_') {
                continue;
            }
            let operands = definition.operands.iter();
            let operands: Option<Vec<Operand>> = operands.map(|o| operand(source, o)).collect();
            let needed = NEEDED.iter().find(|(known, _)| *known == name);
            let open = |o: &&OptionDecl| o.default.is_none();
            let open = definition.options.iter().filter(open).count();
            let (Some(operands), true) = (operands, open == 0 || needed.is_some()) else {
                missed.push(source[definition.head.range()].to_string());
                continue;
            };
            let first = needed.map_or("", |(_, text)| *text);
            let mut ways = vec![String::new()];
            for option in &definition.options {
                let along_classes = source[option.ty.span.range()].starts_with("real[class]");
                let window = NEIGHBOURS.iter().any(|(known, _)| *known == name);
                ways.extend(match option.name.text.as_str() {
                    "pixel_weight" => Some("pixel_weight=w".to_string()),
                    "over" if !window => Some("over=[batch, space]".to_string()),
                    "reduce" => Some("reduce=sum".to_string()),
                    "weight" if option.default.is_some() && along_classes => {
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
                let name = name.to_string();
                calls.push(Call { name, text, inputs });
            }
        }
    }
    (calls, missed)
}

/// The tensor that is bound for it.
pub fn tensor(input: &Operand, data: &[f64], shape: Vec<usize>, dtype: DType) -> Tensor {
    let tensor = match input.kind {
        "labels" => {
            let labels: Vec<i64> = data.iter().map(|&x| x as i64).collect();
            Tensor::from_vec(labels, shape, &Device::Cpu)
        }
        _ => Tensor::from_vec(data.to_vec(), shape, &Device::Cpu).and_then(|t| t.to_dtype(dtype)),
    };
    tensor.expect("a tensor")
}
