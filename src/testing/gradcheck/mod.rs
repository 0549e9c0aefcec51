//! The gradient of a spec against finite differences, in f64.
//!
//! Along a direction d the derivative is (f(x + hd) − f(x − hd)) / 2h, up to terms of h² and
//! rounding of the order of 1/h. A few steps h are tried, and the gradient is right if it agrees
//! for one of them. Where the two sides differ however small the step is, the function has a kink
//! there, and any slope between those of the two sides is as good as another.

mod places;

pub use places::{Place, Random, inputs, sizes};

use crate::ast::{Ast, ItemKind};
use crate::error::Error;
use crate::hir::ExprKind;
use crate::loss::{Compiler, Loss};
use crate::run::{Binding, Inputs};
use crate::testing::mask::Mask;
use candle_core::{DType, Device, Tensor};

/// The steps that are tried, times the largest entry if that is more than 1 (and at most 100).
pub const STEPS: &[f64] = &[1e-5, 1e-6, 1e-7];

/// Inputs of at most so many entries are moved entry by entry, too.
const FEW: usize = 128;

/// Along how many random directions each input is moved.
const DIRECTIONS: usize = 4;

/// What a comparison tells.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Gradient and differences agree.
    Right,
    /// The function has a kink, and the gradient lies between the slopes of its sides.
    Kink,
    /// They differ in a spec that stops gradients, which differences cannot see.
    Stopped,
    /// They differ, or the gradient is no number.
    Wrong,
}

/// The derivative along one direction.
#[derive(Clone, Debug)]
pub struct Slope {
    /// Which input was moved.
    pub input: String,
    /// Which entry of it; `None` for all of them along a random direction.
    pub entry: Option<Vec<usize>>,
    /// What the gradient says.
    pub gradient: f64,
    /// What differences say, with the step that agrees best.
    pub difference: f64,
    /// How far apart they are, as a part of the size of the gradient (of 1e-4 where that is less).
    pub error: f64,
    /// What that means.
    pub verdict: Verdict,
}

/// A part of what a spec minimizes, compiled by itself.
pub struct Part {
    /// The term, or `None` for the total.
    pub term: Option<String>,
    /// What it computes.
    pub loss: Loss,
}

/// The total and, if there are several, each term of a spec.
///
/// # Errors
/// [`Error::Spec`] if the spec does not compile.
pub fn parts(compiler: &Compiler, text: &str) -> Result<Vec<Part>, Error> {
    let (ast, _) = compiler.parse(text)?;
    let loss = compiler.compile(text)?;
    let terms = &loss.typed().terms;
    let mut parts = Vec::new();
    for term in terms.iter().filter(|_| terms.len() > 1) {
        let text = alone(&ast, text, &term.name, term.span);
        parts.push(Part {
            term: Some(term.name.clone()),
            loss: compiler.compile(&text)?,
        });
    }
    parts.insert(0, Part { term: None, loss });
    Ok(parts)
}

/// The spec with one term in place of what it minimizes.
fn alone(ast: &Ast, text: &str, term: &str, span: crate::source::Span) -> String {
    let mut mask = Mask::new(text);
    let mut declared = false;
    for item in &ast.items {
        match &item.kind {
            ItemKind::Minimize(_) | ItemKind::Test(_) => continue,
            ItemKind::Term(binding) => declared |= binding.name.text == term,
            _ => {}
        }
        mask.show(item.span);
    }
    if declared {
        return format!("{}\nminimize {term}\n", mask.text());
    }
    mask.show(span);
    mask.text()
}

/// The gradient of a spec against differences, at these inputs, by each of its floating tensors of
/// which `moves` is true; `None` if the value is infinite, so that there is no gradient.
///
/// # Errors
/// As [`Loss::run`].
pub fn slopes(
    loss: &Loss,
    inputs: &Inputs,
    moves: &dyn Fn(&str) -> bool,
    steps: &[f64],
) -> Result<Option<Vec<Slope>>, Error> {
    let (outcome, gradients) = loss.gradients(inputs.clone())?;
    let at = number(&outcome.total)?;
    if at.is_infinite() {
        return Ok(None);
    }
    let exprs = &loss.typed().exprs;
    let stops = exprs
        .iter()
        .any(|e| matches!(e.kind, ExprKind::StopGrad(_)));
    let mut random = Random(7);
    let mut slopes = Vec::new();
    for (name, gradient) in &gradients {
        let Some(Binding::Tensor(tensor)) = inputs.get(name) else {
            continue;
        };
        if !moves(name) {
            continue;
        }
        let line = Line {
            loss,
            inputs,
            name,
            x: flat(tensor)?,
            shape: tensor.dims(),
            at,
            gradient: flat(gradient)?,
            steps,
            stops,
        };
        let count = line.x.len();
        for _ in 0..DIRECTIONS {
            let direction: Vec<f64> = (0..count).map(|_| random.between(-1.0, 1.0)).collect();
            slopes.push(line.slope(&direction, None)?);
        }
        for entry in (0..count).filter(|_| count <= FEW) {
            let mut direction = vec![0.0; count];
            direction[entry] = 1.0;
            slopes.push(line.slope(&direction, Some(entry))?);
        }
    }
    Ok(Some(slopes))
}

/// Whether it makes sense to move an input: masks and labels are what they are.
pub fn is_movable(loss: &Loss, name: &str) -> bool {
    let slot = loss.signature().slots.iter().find(|s| s.name == name);
    slot.is_some_and(|slot| !matches!(places::kind(slot), "mask" | "onehot" | "labels" | "bool"))
}

/// A spec as a function of one input.
struct Line<'a> {
    loss: &'a Loss,
    inputs: &'a Inputs,
    name: &'a str,
    x: Vec<f64>,
    shape: &'a [usize],
    /// The value at `x`.
    at: f64,
    gradient: Vec<f64>,
    steps: &'a [f64],
    /// Whether the spec stops gradients.
    stops: bool,
}

impl Line<'_> {
    fn moved(&self, direction: &[f64], by: f64) -> Result<f64, Error> {
        let x = self.x.iter().zip(direction).map(|(x, d)| x + by * d);
        let tensor = Tensor::from_vec(x.collect::<Vec<f64>>(), self.shape, &Device::Cpu)?;
        let inputs = self.inputs.clone().tensor(self.name, &tensor);
        number(&self.loss.run(inputs)?.total)
    }

    fn slope(&self, direction: &[f64], entry: Option<usize>) -> Result<Slope, Error> {
        let products = self.gradient.iter().zip(direction).map(|(g, d)| g * d);
        let products: Vec<f64> = products.filter(|x| *x != 0.0).collect();
        let gradient: f64 = products.iter().sum();
        let size: f64 = products.iter().map(|x| x.abs()).sum();
        let reach = self.x.iter().fold(1.0f64, |m, x| m.max(x.abs())).min(100.0);
        // What differences cannot tell: their own error, and rounding of the values.
        let unsure = |step: f64| 1e-5 * size + 1e-9 + 2e-13 * self.at.abs().max(1.0) / step;

        let mut best = (f64::INFINITY, f64::NAN);
        for step in self.steps.iter().map(|step| step * reach) {
            let (up, down) = (self.moved(direction, step)?, self.moved(direction, -step)?);
            let difference = (up - down) / (2.0 * step);
            let ratio = (difference - gradient).abs() / unsure(step);
            if ratio < best.0 || best.1.is_nan() {
                best = (ratio, difference);
            }
            if ratio <= 1.0 {
                break;
            }
        }
        let (ratio, difference) = best;
        let verdict = if ratio <= 1.0 {
            Verdict::Right
        } else if self.is_kink(direction, gradient, reach, &unsure)? {
            Verdict::Kink
        } else if self.stops && gradient.is_finite() {
            Verdict::Stopped
        } else {
            Verdict::Wrong
        };
        Ok(Slope {
            input: self.name.to_owned(),
            entry: entry.map(|entry| self.position(entry)),
            gradient,
            difference,
            error: (difference - gradient).abs() / size.max(1e-4),
            verdict,
        })
    }

    /// Whether the two sides have slopes that stay apart as the step shrinks, with the gradient
    /// between them.
    fn is_kink(
        &self,
        direction: &[f64],
        gradient: f64,
        reach: f64,
        unsure: &dyn Fn(f64) -> f64,
    ) -> Result<bool, Error> {
        let sides = |step: f64| -> Result<(f64, f64), Error> {
            let (up, down) = (self.moved(direction, step)?, self.moved(direction, -step)?);
            Ok(((up - self.at) / step, (self.at - down) / step))
        };
        let (wide, narrow) = (1e-5 * reach, 1e-6 * reach);
        let (right, left) = sides(wide)?;
        let apart = (right - left).abs();
        let (right, left) = sides(narrow)?;
        // In a smooth function the sides come ten times nearer.
        let stays = (right - left).abs() > (0.5 * apart).max(2.0 * unsure(narrow));
        let unsure = unsure(narrow);
        let between = gradient >= right.min(left) - unsure && gradient <= right.max(left) + unsure;
        Ok(stays && between)
    }

    /// The position of an entry along each axis.
    fn position(&self, mut entry: usize) -> Vec<usize> {
        let mut position = Vec::new();
        for size in self.shape.iter().rev() {
            position.push(entry % size);
            entry /= size;
        }
        position.reverse();
        position
    }
}

fn flat(tensor: &Tensor) -> Result<Vec<f64>, Error> {
    Ok(tensor.to_dtype(DType::F64)?.flatten_all()?.to_vec1()?)
}

fn number(tensor: &Tensor) -> Result<f64, Error> {
    let number = tensor.to_dtype(DType::F64)?.reshape(())?;
    Ok(number.to_scalar::<f64>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The verdicts on a gradient of `mean(x² + relu(x))`, times `factor`, at `x`.
    fn verdicts(x: [f64; 3], factor: f64) -> Vec<Verdict> {
        let spec = "input pred: real[N]\nminimize mean(square(pred) + relu(pred))";
        let loss = Loss::compile(spec).expect("a right spec");
        let tensor = Tensor::new(&x, &Device::Cpu).expect("a tensor");
        let inputs = Inputs::new().tensor("pred", &tensor);
        let (outcome, gradients) = loss.gradients(inputs.clone()).expect("a gradient");
        let line = Line {
            loss: &loss,
            inputs: &inputs,
            name: "pred",
            x: x.to_vec(),
            shape: &[3],
            at: number(&outcome.total).expect("a number"),
            gradient: flat(&gradients[0].1)
                .expect("numbers")
                .iter()
                .map(|g| g * factor)
                .collect(),
            steps: STEPS,
            stops: false,
        };
        let along = |entry: usize| {
            let mut direction = [0.0; 3];
            direction[entry] = 1.0;
            line.slope(&direction, Some(entry))
                .expect("a slope")
                .verdict
        };
        (0..3).map(along).collect()
    }

    #[test]
    fn a_wrong_gradient_is_told_from_a_right_one_and_from_a_kink() {
        use Verdict::{Kink, Right, Wrong};
        assert_eq!(verdicts([1.0, -2.0, 0.0], 1.0), [Right, Right, Kink]);
        // The gradient at the kink is 0 and stays so.
        assert_eq!(verdicts([1.0, -2.0, 0.0], 1.001), [Wrong, Wrong, Kink]);
        assert_eq!(verdicts([1.0, -2.0, 0.5], -1.0), [Wrong, Wrong, Wrong]);
        assert_eq!(verdicts([1.0, -2.0, 3.0], f64::NAN), [Wrong, Wrong, Wrong]);
    }
}
