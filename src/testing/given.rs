//! What a test gives → what is bound.

use super::{Run, Wrong};
use crate::ast::{Binding, Expr, ExprKind, StatementKind, UnaryOp};
use crate::diag::{Code, Diagnostic, nearest};
use crate::error::Error;
use crate::loss::Loss;
use crate::run::Inputs;
use crate::signature::{Numbers, What};
use candle_core::{Device, Tensor};

/// The inputs of a run: every value that the test gives and the spec uses.
pub(super) fn inputs(run: &Run, loss: &Loss) -> Result<Inputs, Wrong> {
    let mut inputs = Inputs::new();
    let mut known: Vec<&Binding> = Vec::new();
    for statement in &run.test.statements {
        let StatementKind::Given(given) = &statement.kind else {
            continue;
        };
        let name = &given.name;
        if let Some(first) = known.iter().find(|known| known.name.text == name.text) {
            let message = format!("`{}` is given twice", name.text);
            return Err(Diagnostic::error(Code::TestValue, message)
                .at(name.span, "the second time")
                .also(first.name.span, "the first time")
                .into());
        }
        known.push(given);
        inputs = bind(run, loss, given, inputs)?;
    }
    Ok(inputs)
}

fn bind(run: &Run, loss: &Loss, given: &Binding, inputs: Inputs) -> Result<Inputs, Wrong> {
    let name = &given.name;
    let mut array = Array::default();
    array.add(run, &given.value, 0)?;
    let signature = loss.signature();
    let Some(slot) = signature.slots.iter().find(|slot| slot.name == name.text) else {
        if signature.unused.contains(&name.text) {
            return Ok(inputs);
        }
        return Err(unknown(loss, given));
    };
    let tensor = match &slot.what {
        What::Scalar | What::Param { .. } => {
            return match array.numbers.as_slice() {
                [number] if array.shape.is_empty() => Ok(inputs.scalar(&name.text, *number)),
                _ => Err(Diagnostic::error(
                    Code::TestValue,
                    format!("`{}` is one number", name.text),
                )
                .at(given.value.span, "a list")
                .into()),
            };
        }
        What::Tensor {
            numbers: Numbers::Integers { .. },
            ..
        } => {
            let whole: Vec<i64> = array.numbers.iter().map(|x| *x as i64).collect();
            if let Some(bad) = array.numbers.iter().find(|x| x.fract() != 0.0) {
                let message = format!("`{}` holds whole numbers, and {bad:?} is none", name.text);
                return Err(Diagnostic::error(Code::TestValue, message)
                    .at(given.value.span, slot.ty.clone())
                    .into());
            }
            Tensor::from_vec(whole, array.shape, &Device::Cpu)
        }
        What::Tensor { .. } => Tensor::from_vec(array.numbers, array.shape, &Device::Cpu),
    };
    Ok(inputs.tensor(&name.text, &tensor.map_err(Error::from)?))
}

fn unknown(loss: &Loss, given: &Binding) -> Wrong {
    let name = &given.name;
    let signature = loss.signature();
    let slots = signature.slots.iter().map(|slot| slot.name.as_str());
    let names: Vec<&str> = slots
        .chain(signature.unused.iter().map(String::as_str))
        .collect();
    let message = format!("the spec has no input and no param `{}`", name.text);
    let diagnostic = Diagnostic::error(Code::TestValue, message).at(name.span, "not an input");
    let list: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match nearest(&name.text, names.iter().copied()) {
        Some(near) => diagnostic.fix(name.span, near, "a similar name"),
        None if list.is_empty() => diagnostic,
        None => diagnostic.help(format!("it takes {}", list.join(", "))),
    }
    .into()
}

/// Numbers in nested lists.
#[derive(Default)]
struct Array {
    numbers: Vec<f64>,
    /// The lengths of the lists, from the outermost.
    shape: Vec<usize>,
    /// How deep the numbers lie, once one is seen.
    depth: Option<usize>,
}

impl Array {
    fn add(&mut self, run: &Run, value: &Expr, depth: usize) -> Result<(), Wrong> {
        let ExprKind::List(entries) = &value.kind else {
            if self.shape.len() > depth || self.depth.is_some_and(|d| d != depth) {
                return Err(ragged(value, "a number where other entries are lists"));
            }
            self.depth = Some(depth);
            self.numbers.push(run.constant(value)?);
            return Ok(());
        };
        match self.shape.get(depth) {
            Some(length) if *length != entries.len() => {
                let label = format!("its length is {}, and {length} before", entries.len());
                return Err(ragged(value, label));
            }
            None if self.depth.is_some() => {
                return Err(ragged(value, "a list where other entries are numbers"));
            }
            Some(_) => {}
            None => self.shape.push(entries.len()),
        }
        entries
            .iter()
            .try_for_each(|entry| self.add(run, entry, depth + 1))
    }
}

fn ragged(value: &Expr, label: impl Into<String>) -> Wrong {
    Diagnostic::error(Code::TestValue, "the lists of a tensor have equal lengths")
        .at(value.span, label)
        .into()
}

/// The value of a number as it is written.
pub(super) fn literal(expr: &Expr) -> Option<f64> {
    match &expr.kind {
        ExprKind::Number { value, .. } => Some(*value),
        ExprKind::Bool(value) => Some(f64::from(u8::from(*value))),
        ExprKind::Unary {
            op: UnaryOp::Neg,
            operand,
        } => literal(operand).map(|value| -value),
        _ => None,
    }
}
