//! The one position at which a loss is plotted: tensors of a single entry along every axis but those of
//! classes, one number of which moves.

use crate::answer::{Failure, Message};
use lossc::candle_core::{self, Device, Tensor};
use lossc::diag::{and_list, nearest};
use lossc::hir::{AxisId, Classes, InputAxis, InputSource, Kind, Role};
use lossc::signature::What;
use lossc::{Error, Inputs, Loss};

/// What a tensor holds.
struct Held {
    name: String,
    kind: Kind,
    shape: Vec<usize>,
    /// Which of its axes is that of classes.
    class: Option<usize>,
    value: f64,
}

/// A spec with numbers for its inputs, all but one.
pub struct Sample {
    tensors: Vec<Held>,
    numbers: Vec<(String, f64)>,
    over: Over,
}

/// What moves.
enum Over {
    /// A scalar or a param.
    Number(String),
    /// Tensor `i`, in the direction of its class.
    Tensor(usize),
}

impl Sample {
    /// `over` names what moves, by default the prediction; `set` holds numbers for scalars, and for tensors the value
    /// of their entries, or their class.
    pub fn new(loss: &Loss, over: Option<&str>, set: &[(String, f64)]) -> Result<Sample, Failure> {
        let hir = loss.typed();
        let names: Vec<&str> = hir.inputs.iter().map(|input| input.name.as_str()).collect();
        let asked = set.iter().map(|(name, _)| name.as_str()).chain(over);
        if let Some(unknown) = asked.clone().find(|name| !names.contains(name)) {
            return Err(no_input(unknown, &names));
        }
        let mut sample = Sample {
            tensors: Vec::new(),
            numbers: set.to_vec(),
            over: Over::Number(String::new()),
        };
        for input in &hir.inputs {
            if let InputSource::Tensor(axes) = &input.source {
                let value = set.iter().find(|(name, _)| *name == input.name);
                sample.numbers.retain(|(name, _)| *name != input.name);
                sample
                    .tensors
                    .push(held(loss, input, axes, value.map(|(_, v)| *v)));
            }
        }
        sample.over = match over {
            Some(name) => match sample.tensors.iter().position(|held| held.name == name) {
                Some(i) => Over::Tensor(i),
                None => Over::Number(name.to_string()),
            },
            None => sample.prediction()?,
        };
        if let Some((name, _)) = set.iter().find(|(name, _)| *name == sample.name()) {
            let text = format!("`{name}` is what moves, and is set too");
            return Err(Failure::Broken(Message::new(text)));
        }
        if let Over::Tensor(i) = sample.over
            && !sample.tensors[i].kind.is_float()
        {
            let text = format!(
                "`{}` holds no floats, so nothing changes along it",
                sample.name()
            );
            return Err(Failure::Wrong(
                Message::new(text).help("set its class: `--set target=0`"),
            ));
        }
        let fixed = |name: &str| sample.numbers.iter().any(|(n, _)| n == name);
        for input in &hir.inputs {
            let scalar = matches!(input.source, InputSource::Scalar);
            if scalar && input.name != sample.name() && !fixed(&input.name) {
                let name = &input.name;
                let message = Message::new(format!("scalar `{name}` has no value"));
                return Err(Failure::Wrong(message.help(format!(
                    "set it, `--set {name}=1`, or plot over it, `--over {name}`"
                ))));
            }
        }
        Ok(sample)
    }

    /// The first input of scores or probabilities, else the first of real numbers.
    fn prediction(&self) -> Result<Over, Failure> {
        let scores = |held: &Held| {
            matches!(
                held.kind,
                Kind::Logits(_) | Kind::Probs(_) | Kind::LogProbs(_)
            )
        };
        let real = |held: &Held| held.kind == Kind::Real;
        let found = self.tensors.iter().position(scores);
        match found.or(self.tensors.iter().position(real)) {
            Some(i) => Ok(Over::Tensor(i)),
            None => Err(Failure::Wrong(
                Message::new("the spec has no logits, probabilities or real numbers as inputs")
                    .help("say what to plot over: `--over epoch`"),
            )),
        }
    }

    /// The name of what moves.
    pub fn name(&self) -> &str {
        match &self.over {
            Over::Number(name) => name,
            Over::Tensor(i) => &self.tensors[*i].name,
        }
    }

    /// Whether it is a tensor, which has a gradient.
    pub fn is_tensor(&self) -> bool {
        matches!(self.over, Over::Tensor(_))
    }

    /// The name of the x axis.
    pub fn axis(&self) -> String {
        let Over::Tensor(i) = self.over else {
            return self.name().to_string();
        };
        let held = &self.tensors[i];
        let what = match held.kind {
            Kind::Logits(_) => "logit",
            Kind::Probs(_) | Kind::OneHot(_) | Kind::Mask(_) => "probability",
            Kind::LogProbs(_) => "log-probability",
            Kind::Labels(_) | Kind::Real | Kind::Bool | Kind::Int => return held.name.clone(),
        };
        match held.class {
            Some(axis) if held.shape[axis] > 1 => format!("{what} of class 1 in {}", held.name),
            _ => format!("{what} in {}", held.name),
        }
    }

    /// What is held, in words.
    pub fn caption(&self) -> String {
        let mut parts = Vec::new();
        for (i, held) in self.tensors.iter().enumerate() {
            if !matches!(self.over, Over::Tensor(over) if over == i) {
                let class = matches!(held.kind, Kind::Labels(_)) || exclusive(held);
                let word = if class { "class " } else { "" };
                parts.push(format!("{} = {word}{}", held.name, held.value));
            }
        }
        parts.extend(
            self.numbers
                .iter()
                .map(|(name, value)| format!("{name} = {value}")),
        );
        match self.is_tensor() {
            true => [vec!["one position".to_string()], parts]
                .concat()
                .join(", "),
            false => parts.join(", "),
        }
    }

    /// Where the plot begins and ends unless the command line says.
    pub fn range(&self, loss: &Loss) -> Option<(f64, f64)> {
        match &self.over {
            Over::Tensor(i) => Some(match self.tensors[*i].kind {
                Kind::Logits(_) => (-6.0, 6.0),
                Kind::Probs(_) | Kind::OneHot(_) | Kind::Mask(_) => (0.0, 1.0),
                Kind::LogProbs(_) => (-6.0, -1e-3),
                Kind::Labels(_) | Kind::Real | Kind::Bool | Kind::Int => (-3.0, 3.0),
            }),
            Over::Number(name) => {
                let slots = loss.signature().slots.iter();
                let slot = slots.into_iter().find(|slot| slot.name == *name)?;
                match &slot.what {
                    What::Param {
                        range: Some(range), ..
                    } => Some((range.low?.0, range.high?.0)),
                    _ => None,
                }
            }
        }
    }

    /// The inputs where what moves is `x`.
    pub fn inputs(&self, x: f64) -> Result<Inputs, Failure> {
        let mut inputs = Inputs::new();
        for (i, held) in self.tensors.iter().enumerate() {
            let moves = matches!(self.over, Over::Tensor(over) if over == i);
            let tensor = match moves {
                true => tensor(held, &moved(held, x)),
                false => filled(held),
            };
            inputs = inputs.tensor(&held.name, &tensor.map_err(Error::from)?);
        }
        for (name, value) in &self.numbers {
            inputs = inputs.scalar(name, *value);
        }
        if let Over::Number(name) = &self.over {
            inputs = inputs.scalar(name, x);
        }
        Ok(inputs)
    }

    /// The slope along what moves, given the gradient by it.
    pub fn slope(&self, x: f64, gradient: &[f64]) -> f64 {
        let Over::Tensor(i) = self.over else {
            return f64::NAN;
        };
        let direction = direction(&self.tensors[i], x);
        gradient
            .iter()
            .zip(direction)
            .map(|(g, d)| if d == 0.0 { 0.0 } else { g * d })
            .sum()
    }
}

fn no_input(name: &str, names: &[&str]) -> Failure {
    let message = Message::new(format!("the spec has no input `{name}`"));
    Failure::Wrong(match nearest(name, names.iter().copied()) {
        Some(near) => message.help(format!("a similar name is `{near}`")),
        None => {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            message.help(format!("its inputs are {}", and_list(&names)))
        }
    })
}

fn held(loss: &Loss, input: &lossc::hir::Input, axes: &[InputAxis], set: Option<f64>) -> Held {
    let hir = loss.typed();
    // Independent questions need no second class; exclusive ones do.
    let independent = |axis: AxisId| {
        hir.inputs.iter().any(|input| {
            let per = |classes: Classes| classes == Classes::Per(axis);
            match input.ty.kind {
                Kind::Logits(c) | Kind::Probs(c) | Kind::LogProbs(c) => per(c),
                Kind::Mask(mask) => mask == Some(axis),
                _ => false,
            }
        })
    };
    let size = |axis: AxisId| {
        let known = hir.axes.get(axis);
        match known.size {
            Some((size, ..)) => size,
            None if known.role == Role::Class && !independent(axis) => 2,
            None => 1,
        }
    };
    let mut shape = Vec::new();
    let mut class = None;
    for axis in axes {
        match axis {
            InputAxis::Axis(id) => {
                if input.ty.kind.class_axis() == Some(*id) {
                    class = Some(shape.len());
                }
                shape.push(size(*id));
            }
            InputAxis::Pack { axes, .. } => shape.extend(axes.iter().map(|_| 1)),
            InputAxis::One => shape.push(1),
        }
    }
    let usual = match input.ty.kind {
        Kind::Labels(axis) => size(axis).saturating_sub(1).min(1) as f64,
        Kind::OneHot(_) | Kind::Probs(_) | Kind::Mask(_) | Kind::Bool | Kind::Int => 1.0,
        Kind::Logits(_) | Kind::LogProbs(_) | Kind::Real => 0.0,
    };
    Held {
        name: input.name.clone(),
        kind: input.ty.kind,
        shape,
        class,
        value: set.unwrap_or(usual),
    }
}

/// Whether its classes exclude each other and share a probability of 1.
fn exclusive(held: &Held) -> bool {
    matches!(
        held.kind,
        Kind::OneHot(_) | Kind::Probs(Classes::Over(_)) | Kind::LogProbs(Classes::Over(_))
    )
}

/// The number of classes, and the class of each entry in row-major order.
fn classes(held: &Held) -> (usize, Vec<usize>) {
    let count: usize = held.shape.iter().product();
    match held.class {
        None => (1, vec![0; count]),
        Some(axis) => {
            let n = held.shape[axis];
            let stride: usize = held.shape[axis + 1..].iter().product();
            (n, (0..count).map(|i| i / stride % n).collect())
        }
    }
}

/// The entries of a tensor that is held.
fn filled(held: &Held) -> candle_core::Result<Tensor> {
    let (_, classes) = classes(held);
    let entries = classes.iter().map(|&class| match held.kind {
        Kind::LogProbs(Classes::Over(_)) if held.value == class as f64 => 0.0,
        Kind::LogProbs(Classes::Over(_)) => -30.0,
        _ if exclusive(held) => f64::from(u8::from(held.value == class as f64)),
        _ => held.value,
    });
    tensor(held, &entries.collect::<Vec<f64>>())
}

/// The class that moves, the second where there are several; without classes the first entry.
fn moves(held: &Held) -> (usize, usize, Vec<usize>) {
    let (n, classes) = classes(held);
    (n.saturating_sub(1).min(1), n, classes)
}

/// The entries of the tensor that moves, at x: of exclusive classes the others share what is left.
fn moved(held: &Held, x: f64) -> Vec<f64> {
    let (own, n, classes) = moves(held);
    let rest = match held.kind {
        Kind::Probs(Classes::Over(_)) | Kind::OneHot(_) => (1.0 - x) / (n as f64 - 1.0),
        Kind::LogProbs(Classes::Over(_)) => ((1.0 - x.exp()) / (n as f64 - 1.0)).ln(),
        _ => 0.0,
    };
    let entry = |(i, class): (usize, &usize)| match held.class {
        Some(_) if *class == own => x,
        None if i == 0 => x,
        _ => rest,
    };
    classes.iter().enumerate().map(entry).collect()
}

/// How fast each entry moves with x.
fn direction(held: &Held, x: f64) -> Vec<f64> {
    let (own, n, classes) = moves(held);
    let rest = match held.kind {
        Kind::Probs(Classes::Over(_)) | Kind::OneHot(_) => -1.0 / (n as f64 - 1.0),
        Kind::LogProbs(Classes::Over(_)) => -x.exp() / (1.0 - x.exp()),
        _ => 0.0,
    };
    let entry = |(i, class): (usize, &usize)| match held.class {
        Some(_) if *class == own => 1.0,
        None if i == 0 => 1.0,
        _ => rest,
    };
    classes.iter().enumerate().map(entry).collect()
}

fn tensor(held: &Held, entries: &[f64]) -> candle_core::Result<Tensor> {
    let shape = held.shape.as_slice();
    match held.kind {
        Kind::Labels(_) | Kind::Int => {
            let whole: Vec<i64> = entries.iter().map(|x| *x as i64).collect();
            Tensor::from_vec(whole, shape, &Device::Cpu)
        }
        Kind::Bool => {
            let truth: Vec<u8> = entries.iter().map(|x| u8::from(*x != 0.0)).collect();
            Tensor::from_vec(truth, shape, &Device::Cpu)
        }
        _ => Tensor::from_vec(entries.to_vec(), shape, &Device::Cpu),
    }
}
