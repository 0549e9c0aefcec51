//! Labels that are no class numbers: every label is looked at before a spec runs, since what comes
//! after reads memory by them. Under an `ignore` rule those at ignored positions may be anything.

use super::backend::{Backend, backend_for, execute};
use super::bind::{BoundInputs, merged_dims, scalar_value, unreadable};
use super::prepared::Prepared;
use super::range;
use crate::diag::{Code, Diagnostic};
use crate::ir::{DimId, Role};
use crate::signature::{InputDim, Numbers, Signature, Slot, What};
use candle_core::{DType, Result, Tensor};

/// Which labels count under the `ignore` rule of a spec: the graphs that `lower` makes of it.
pub struct LabelRule {
    /// How many valid labels of each input are no class, as the report with the input's number.
    pub counts: Prepared,
    /// The position of the first of them, for each input of labels: report k along its k-th dim.
    pub places: Vec<(u32, Prepared)>,
    /// For some inputs a label whose positions are all ignored, so that it need not be asked for.
    pub spared: Vec<(u32, i64)>,
}

/// Where a label that is no class stands in its tensor.
type Found = Option<Vec<usize>>;

/// Finds, for each input of labels, one that is not a class number, and names it with its position.
pub(super) fn check(
    signature: &Signature,
    bound: &BoundInputs,
    rule: Option<&LabelRule>,
    errors: &mut Vec<Diagnostic>,
) {
    for (i, slot) in signature.slots.iter().enumerate() {
        let What::Tensor {
            axes,
            numbers: Numbers::Integers { classes: Some(dim) },
            ..
        } = &slot.what
        else {
            continue;
        };
        let classes = bound.sizes.get(*dim);
        let Some(given) = &bound.inputs[i].given else {
            continue;
        };
        let spared = rule.and_then(|rule| rule.spared.iter().find(|(of, _)| *of as usize == i));
        let spared = spared.map(|(_, label)| *label);
        let found = first(given, classes, spared).and_then(|found| match (found, rule) {
            (Some(_), Some(rule)) => first_valid(rule, i, axes, bound),
            (found, _) => Ok(found),
        });
        let told = found.and_then(|found| {
            let Some(index) = found else {
                return Ok(None);
            };
            let label = label(given, &index)?;
            let position = position(signature, axes, &index);
            Ok(Some(no_class(slot, label, &position, classes, rule)))
        });
        match told {
            Ok(told) => errors.extend(told),
            Err(why) => errors.push(unreadable(slot, &why)),
        }
    }
}

/// The first label that is no class, whatever else is ignored than the one that is spared.
fn first(given: &Tensor, classes: usize, spared: Option<i64>) -> Result<Found> {
    let at = range::first_outside(given, classes, spared)?;
    Ok(at.map(|at| unravel(at, given.dims())))
}

/// The index of an entry of a dense tensor.
fn unravel(mut at: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (index, &size) in index.iter_mut().zip(shape).rev() {
        *index = at % size;
        at /= size;
    }
    index
}

fn label(given: &Tensor, index: &[usize]) -> Result<i64> {
    let one = index.iter().try_fold(given.detach(), |x, &i| x.get(i))?;
    one.to_dtype(DType::I64)?.to_scalar()
}

/// The first label that is no class and not ignored.
fn first_valid(
    rule: &LabelRule,
    input: usize,
    axes: &[InputDim],
    bound: &BoundInputs,
) -> Result<Found> {
    let (counts, role) = (&rule.counts, Role::Report(input as u32));
    let outputs = execute(backend_for(None, bound), counts, bound, &[])?;
    let mut outputs = counts.graph().outputs.iter().zip(outputs);
    match outputs.find(|(output, _)| output.role == role) {
        Some((_, count)) if scalar_value(&count)? != 0.0 => {}
        _ => return Ok(None),
    }
    let place = rule.places.iter().find(|(i, _)| *i as usize == input);
    let (Some((_, place)), Some(given)) = (place, &bound.inputs[input].given) else {
        return Ok(None);
    };
    let mut dims = merged_dims(axes);
    dims.sort_unstable();
    let found = execute(Backend::Reference, place, bound, &[])?;
    let found = found.iter().map(scalar_value).collect::<Result<Vec<_>>>()?;
    let along = |dim: &DimId| {
        let at = dims.iter().position(|known| known == dim);
        at.map_or(0, |at| found[at] as usize)
    };
    let mut index = Vec::new();
    for (axis, count) in counted(axes, given.rank()) {
        match axis {
            InputDim::One(dim) => index.push(along(dim)),
            InputDim::Dropped => index.push(0),
            InputDim::Pack(_, dims) => index.extend(dims.iter().map(along)),
            InputDim::Flat(_, dim) => {
                let shape = &given.dims()[index.len()..][..count];
                index.extend(unravel(along(dim), shape));
            }
        }
    }
    Ok(Some(index))
}

/// Each entry of a signature's axes with the number of axes that a tensor has for it.
fn counted(axes: &[InputDim], rank: usize) -> impl Iterator<Item = (&InputDim, usize)> {
    let single = |axis: &InputDim| match axis {
        InputDim::One(_) | InputDim::Dropped => 1,
        InputDim::Pack(_, dims) => dims.len(),
        InputDim::Flat(..) => 0,
    };
    let flat = rank - axes.iter().map(single).sum::<usize>();
    axes.iter().map(move |axis| match axis {
        InputDim::Flat(..) => (axis, flat),
        axis => (axis, single(axis)),
    })
}

/// The position of an entry of a tensor, by the names of its axes: `N=0, H=3, W=4`.
fn position(signature: &Signature, axes: &[InputDim], index: &[usize]) -> String {
    let mut rest = index;
    let mut parts: Vec<String> = Vec::new();
    for (axis, count) in counted(axes, index.len()) {
        let (own, others) = rest.split_at(count);
        rest = others;
        let name = match axis {
            InputDim::Dropped => continue,
            InputDim::One(dim) => &signature.dims[dim.index()].name,
            InputDim::Flat(name, _) | InputDim::Pack(name, _) => name,
        };
        match own {
            [] => {}
            [one] => parts.push(format!("{name}={one}")),
            many => parts.push(format!("{name}={many:?}")),
        }
    }
    parts.join(", ")
}

fn no_class(
    slot: &Slot,
    label: i64,
    position: &str,
    classes: usize,
    rule: Option<&LabelRule>,
) -> Diagnostic {
    let place = match position {
        "" => String::new(),
        position => format!(" at {position}"),
    };
    let range = match classes {
        0 => "there is no class at all".to_string(),
        n => format!("labels are 0 … {}", n - 1),
    };
    Diagnostic::error(
        Code::BadLabel,
        format!(
            "`{}` has the label {label}{place}, and there are {classes} classes",
            slot.name
        ),
    )
    .at(slot.span, range)
    .help(match rule {
        None => format!(
            "if it marks positions without a class, write `ignore {} == {label}`",
            slot.name
        ),
        Some(_) => format!(
            "`ignore` does not hold there; if it should, add `or {} == {label}`",
            slot.name
        ),
    })
}
