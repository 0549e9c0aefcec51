//! Named tensors and numbers → canonical tensors and sizes, or what is wrong with them.
//!
//! A tensor keeps its memory: axes are merged, dropped and put in order by strides, and copied
//! only where strides cannot say it.

use super::labels::{self, LabelRule};
use crate::diag::{Code, Diagnostic, nearest};
use crate::ir::{DimId, DimSizes, Graph};
use crate::signature::{InputDim, Numbers, Signature, Slot, What};
use candle_core::{CpuStorage, DType, Storage, Tensor};

/// What a caller binds to a name.
#[derive(Clone, Debug)]
pub enum Binding {
    /// A tensor; for a scalar input one with a single element.
    Tensor(Tensor),
    /// A number, for scalars and params.
    Number(f64),
}

/// Inputs by name.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    list: Vec<(String, Binding)>,
}

impl Inputs {
    /// No inputs.
    pub fn new() -> Inputs {
        Inputs::default()
    }

    /// Binds a tensor; the last one counts where a name is bound twice.
    pub fn tensor(mut self, name: impl Into<String>, tensor: &Tensor) -> Inputs {
        self.set(name.into(), Binding::Tensor(tensor.clone()));
        self
    }

    /// Binds a number to a scalar input or a param.
    pub fn scalar(mut self, name: impl Into<String>, value: f64) -> Inputs {
        self.set(name.into(), Binding::Number(value));
        self
    }

    fn set(&mut self, name: String, binding: Binding) {
        match self.list.iter_mut().find(|(n, _)| *n == name) {
            Some((_, known)) => *known = binding,
            None => self.list.push((name, binding)),
        }
    }

    /// What is bound to a name.
    pub fn get(&self, name: &str) -> Option<&Binding> {
        self.list.iter().find(|(n, _)| n == name).map(|(_, b)| b)
    }

    /// The shape of the tensor that is bound to a name, if one is.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        match self.get(name) {
            Some(Binding::Tensor(tensor)) => Some(tensor.dims()),
            Some(Binding::Number(_)) | None => None,
        }
    }

    /// All names with what is bound to them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Binding)> {
        self.list
            .iter()
            .map(|(name, binding)| (name.as_str(), binding))
    }
}

impl<const N: usize> From<[(&str, &Tensor); N]> for Inputs {
    fn from(list: [(&str, &Tensor); N]) -> Inputs {
        list.into_iter()
            .fold(Inputs::new(), |inputs, (name, tensor)| {
                inputs.tensor(name, tensor)
            })
    }
}

/// An input, bound.
#[derive(Clone, Debug)]
pub struct Bound {
    /// The tensor that was given, as it was given; `None` where a number was.
    pub given: Option<Tensor>,
    /// The same numbers over the dims of the graph's input, in their order, without history.
    pub canonical: Tensor,
}

/// All inputs of a graph, bound.
#[derive(Clone, Debug)]
pub struct BoundInputs {
    /// One for each input of the graph.
    pub inputs: Vec<Bound>,
    /// The size of every dim.
    pub sizes: DimSizes,
}

/// The shape that is given for an input, if one is.
pub type Shapes<'a> = dyn Fn(&str) -> Option<&'a [usize]> + 'a;

/// How many axes each pack holds, as far as the given shapes tell.
pub fn ranks(signature: &Signature, shapes: &Shapes) -> Vec<(String, usize)> {
    let mut ranks: Vec<(String, usize)> = Vec::new();
    for slot in &signature.slots {
        let (What::Tensor { axes, .. }, Some(shape)) = (&slot.what, shapes(&slot.name)) else {
            continue;
        };
        let pack = axes.iter().find_map(|axis| match axis {
            InputDim::Pack(name, _) | InputDim::Flat(name, _) => Some(name),
            InputDim::One(_) | InputDim::Dropped => None,
        });
        if let (Some(name), Some(rank)) = (pack, (shape.len() + 1).checked_sub(axes.len()))
            && !ranks.iter().any(|(n, _)| n == name)
        {
            ranks.push((name.clone(), rank));
        }
    }
    ranks
}

/// A size that a tensor gave to a dim.
struct Source {
    size: Vec<usize>,
    slot: usize,
}

/// Binds inputs: every mistake that can be told from names, shapes, types and numbers is told. `rule`
/// says which labels need not be class numbers.
pub fn bind(
    signature: &Signature,
    graph: &Graph,
    inputs: &Inputs,
    rule: Option<&LabelRule>,
) -> Result<BoundInputs, Vec<Diagnostic>> {
    let mut errors = Vec::new();
    for (name, _) in inputs.iter() {
        unknown_name(signature, name, &mut errors);
    }
    let mut sources: Vec<Option<Source>> = signature.dims.iter().map(|_| None).collect();
    for (i, slot) in signature.slots.iter().enumerate() {
        match (&slot.what, inputs.get(&slot.name)) {
            (What::Param { .. }, None) => {}
            (_, None) => errors.push(
                Diagnostic::error(
                    Code::MissingInput,
                    format!("input `{}` is not given", slot.name),
                )
                .at(slot.span, format!("`{}` is needed", slot.ty)),
            ),
            (What::Tensor { axes, numbers, .. }, Some(Binding::Tensor(tensor))) => {
                element_type(slot, *numbers, tensor, &mut errors);
                shape(signature, i, axes, tensor.dims(), &mut sources, &mut errors);
            }
            (What::Tensor { .. }, Some(Binding::Number(_))) => errors.push(
                Diagnostic::error(
                    Code::WrongRank,
                    format!("`{}` is given a number and needs a tensor", slot.name),
                )
                .at(slot.span, format!("`{}` is needed", slot.ty)),
            ),
            (What::Scalar | What::Param { .. }, Some(Binding::Tensor(tensor)))
                if tensor.elem_count() != 1 =>
            {
                errors.push(not_a_number(slot, tensor.dims()));
            }
            (What::Scalar | What::Param { .. }, Some(_)) => {}
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let known = known_sizes(signature, graph, &sources, &mut errors);
    if let Some(i) = known.iter().position(Option::is_none) {
        errors.push(size_unknown(signature, i));
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let sizes = DimSizes(known.into_iter().flatten().collect());
    let mut bound = Vec::new();
    for slot in &signature.slots {
        match canonical(slot, inputs.get(&slot.name)) {
            Ok(one) => bound.push(one),
            Err(why) => errors.push(unreadable(slot, &why)),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let bound = BoundInputs {
        inputs: bound,
        sizes,
    };
    values(signature, &bound, &mut errors);
    labels::check(signature, &bound, rule, &mut errors);
    if errors.is_empty() {
        Ok(bound)
    } else {
        Err(errors)
    }
}

/// The sizes of the dims of a signature, as far as they are known; a pack that is seen as one dim
/// has several numbers.
pub type Sizes = Vec<Option<Vec<usize>>>;

/// What shapes alone tell of sizes. Inputs may be missing; a shape that does not fit the spec is the
/// same mistake that it would be when a tensor is bound.
pub fn sizes(
    signature: &Signature,
    graph: &Graph,
    shapes: &[(&str, &[usize])],
) -> Result<Sizes, Vec<Diagnostic>> {
    let mut errors = Vec::new();
    let mut sources: Vec<Option<Source>> = signature.dims.iter().map(|_| None).collect();
    for (name, _) in shapes {
        unknown_name(signature, name, &mut errors);
    }
    for (i, slot) in signature.slots.iter().enumerate() {
        let Some((_, given)) = shapes.iter().find(|(name, _)| *name == slot.name) else {
            continue;
        };
        match &slot.what {
            What::Tensor { axes, .. } => {
                shape(signature, i, axes, given, &mut sources, &mut errors);
            }
            What::Scalar | What::Param { .. } => {
                if count(given) != 1 {
                    errors.push(not_a_number(slot, given));
                }
            }
        }
    }
    let known = if errors.is_empty() {
        known_sizes(signature, graph, &sources, &mut errors)
    } else {
        Vec::new()
    };
    if !errors.is_empty() {
        return Err(errors);
    }
    let sizes = known.into_iter().zip(sources);
    Ok(sizes
        .map(|(size, source)| source.map(|s| s.size).or(size.map(|size| vec![size])))
        .collect())
}

/// What the sources and the graph tell of the sizes, held against what the spec says of them.
fn known_sizes(
    signature: &Signature,
    graph: &Graph,
    sources: &[Option<Source>],
    errors: &mut Vec<Diagnostic>,
) -> Vec<Option<usize>> {
    facts(signature, sources, errors);
    let counts: Vec<Option<usize>> = sources
        .iter()
        .map(|s| s.as_ref().map(|s| count(&s.size)))
        .collect();
    let known = crate::ir::known_sizes(graph, &counts);
    least(signature, &known, errors);
    known
}

/// The number of elements of a shape, which a user may have typed: the largest number there is
/// where it is larger.
fn count(shape: &[usize]) -> usize {
    shape
        .iter()
        .fold(1, |n: usize, size| n.saturating_mul(*size))
}

/// A dim of which no tensor is an axis: how many classes there are is not told by labels.
fn size_unknown(signature: &Signature, dim: usize) -> Diagnostic {
    let name = &signature.dims[dim].name;
    let diagnostic = Diagnostic::error(
        Code::MissingInput,
        format!("no tensor that is given tells the size of `{name}`"),
    );
    let counted = signature.slots.iter().find(|slot| match slot.what {
        What::Tensor {
            numbers: Numbers::Integers { classes },
            ..
        } => classes.is_some_and(|classes| classes.index() == dim),
        What::Scalar | What::Param { .. } | What::Tensor { .. } => false,
    });
    match counted {
        Some(slot) => diagnostic
            .at(
                slot.span,
                format!("labels do not tell how many `{name}` there are"),
            )
            .help(format!("say it in the spec: `axis {name} = 3`")),
        None => diagnostic,
    }
}

fn not_a_number(slot: &Slot, shape: &[usize]) -> Diagnostic {
    Diagnostic::error(
        Code::WrongRank,
        format!(
            "`{}` is a single number, and a tensor of shape {shape:?} is given",
            slot.name
        ),
    )
    .at(slot.span, "one number is needed")
}

fn unknown_name(signature: &Signature, name: &str, errors: &mut Vec<Diagnostic>) {
    let known = signature.slots.iter().any(|slot| slot.name == name)
        || signature.unused.iter().any(|unused| unused == name);
    if known {
        return;
    }
    let names: Vec<&str> = signature.slots.iter().map(|s| s.name.as_str()).collect();
    let diagnostic = Diagnostic::error(
        Code::UnknownInput,
        format!("the spec has no input `{name}`"),
    );
    errors.push(match nearest(name, names.iter().copied()) {
        Some(near) => diagnostic.help(format!("a similar name is `{near}`")),
        None => diagnostic.help(format!(
            "its inputs are {}",
            crate::diag::and_list(&names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>())
        )),
    });
}

fn element_type(slot: &Slot, numbers: Numbers, tensor: &Tensor, errors: &mut Vec<Diagnostic>) {
    let dtype = tensor.dtype();
    let supported = dtype.is_float() && dtype != DType::F8E4M3
        || matches!(
            dtype,
            DType::U8 | DType::U32 | DType::I16 | DType::I32 | DType::I64
        );
    let (fits, needed, help) = match numbers {
        _ if !supported => (
            false,
            "a plain number type",
            "convert it to f32 or, for labels, to i64",
        ),
        Numbers::Floats => (
            dtype.is_float(),
            "floats",
            "these are scores or probabilities; convert the tensor to f32",
        ),
        Numbers::Integers { .. } => (
            dtype.is_int(),
            "integers",
            "labels are class numbers: convert them to i64, or declare `probs` or `onehot` if they are one number for each class",
        ),
        Numbers::Any => (true, "", ""),
    };
    if !fits {
        errors.push(
            Diagnostic::error(
                Code::WrongType,
                format!(
                    "`{}` needs {needed}, and the tensor holds {}",
                    slot.name,
                    dtype.as_str()
                ),
            )
            .at(slot.span, format!("`{}` is declared here", slot.ty))
            .help(help),
        );
    }
}

fn shape(
    signature: &Signature,
    i: usize,
    axes: &[InputDim],
    shape: &[usize],
    sources: &mut [Option<Source>],
    errors: &mut Vec<Diagnostic>,
) {
    let slot = &signature.slots[i];
    let mut fixed = 0;
    let mut pack = None;
    for axis in axes {
        match axis {
            InputDim::One(_) | InputDim::Dropped => fixed += 1,
            InputDim::Flat(..) => pack = Some(None),
            InputDim::Pack(_, dims) => pack = Some(Some(dims.len())),
        }
    }
    let fits = match pack {
        None => shape.len() == fixed,
        Some(None) => shape.len() >= fixed,
        Some(Some(rank)) => shape.len() == fixed + rank,
    };
    if !fits {
        let need = match pack {
            None => format!("{fixed}"),
            Some(None) => format!("at least {fixed}"),
            Some(Some(rank)) => format!("{}", fixed + rank),
        };
        errors.push(
            Diagnostic::error(
                Code::WrongRank,
                format!(
                    "`{}` has {need} axes, and a tensor of shape {shape:?} is given",
                    slot.name
                ),
            )
            .at(slot.span, format!("`{}` is declared here", slot.ty))
            .help("axes are matched in order; `1` in the brackets stands for an axis of size 1"),
        );
        return;
    }
    let mut next = 0;
    for axis in axes {
        match axis {
            InputDim::One(dim) => {
                note(signature, i, *dim, &shape[next..=next], sources, errors);
                next += 1;
            }
            InputDim::Dropped => {
                if shape[next] != 1 {
                    errors.push(
                        Diagnostic::error(
                            Code::WrongSize,
                            format!(
                                "axis {next} of `{}` has size 1, and a tensor of shape {shape:?} is given",
                                slot.name
                            ),
                        )
                        .at(slot.span, "because of the `1` here"),
                    );
                }
                next += 1;
            }
            InputDim::Flat(_, dim) => {
                let count = shape.len() - fixed;
                note(
                    signature,
                    i,
                    *dim,
                    &shape[next..next + count],
                    sources,
                    errors,
                );
                next += count;
            }
            InputDim::Pack(_, dims) => {
                for dim in dims {
                    note(signature, i, *dim, &shape[next..=next], sources, errors);
                    next += 1;
                }
            }
        }
    }
}

fn note(
    signature: &Signature,
    i: usize,
    dim: DimId,
    size: &[usize],
    sources: &mut [Option<Source>],
    errors: &mut Vec<Diagnostic>,
) {
    let name = &signature.dims[dim.index()].name;
    let show = |size: &[usize]| match size {
        [one] => one.to_string(),
        many => format!("{many:?}"),
    };
    match &sources[dim.index()] {
        None => {
            sources[dim.index()] = Some(Source {
                size: size.to_vec(),
                slot: i,
            });
        }
        Some(known) if known.size == size => {}
        Some(known) => {
            let (here, there) = (&signature.slots[i], &signature.slots[known.slot]);
            let (size, known) = (show(size), show(&known.size));
            let mut diagnostic = Diagnostic::error(
                Code::WrongSize,
                format!(
                    "`{name}` is {known} in `{}` and {size} in `{}`",
                    there.name, here.name
                ),
            )
            .at(here.span, format!("`{name}` is {size} in this tensor"));
            diagnostic = diagnostic.also(there.span, format!("but {known} in this one"));
            errors.push(diagnostic.help("both tensors must come from the same batch"));
        }
    }
}

/// What the spec says of sizes, against what the tensors have.
fn facts(signature: &Signature, sources: &[Option<Source>], errors: &mut Vec<Diagnostic>) {
    for (fact, source) in signature.dims.iter().zip(sources) {
        let Some(source) = source else { continue };
        let size = count(&source.size);
        let slot = &signature.slots[source.slot];
        if let Some((fixed, span, why)) = &fact.fixed
            && *fixed != size
        {
            errors.push(
                Diagnostic::error(
                    Code::WrongSize,
                    format!(
                        "`{}` is {fixed} in the spec and {size} in the tensor `{}`",
                        fact.name, slot.name
                    ),
                )
                .at(*span, format!("`{}` is {fixed} {why}", fact.name))
                .also(
                    slot.span,
                    format!("but {size} in the tensor given for this"),
                ),
            );
        }
        if let (1, Some(span)) = (size, fact.softmax) {
            errors.push(
                crate::run::one_class(&fact.name)
                    .at(span, "the softmax runs here")
                    .also(
                        slot.span,
                        format!("`{}` is 1 in the tensor given for this", fact.name),
                    ),
            );
        }
    }
}

fn least(signature: &Signature, sizes: &[Option<usize>], errors: &mut Vec<Diagnostic>) {
    for (fact, size) in signature.dims.iter().zip(sizes) {
        if let (Some((least, span)), Some(size)) = (fact.least, *size)
            && size < least
        {
            errors.push(
                Diagnostic::error(
                    Code::BadIndex,
                    format!(
                        "`{}` has {size} entries in the given tensors, and needs {least}",
                        fact.name
                    ),
                )
                .at(span, format!("this asks for {least} entries")),
            );
        }
    }
}

fn canonical(slot: &Slot, binding: Option<&Binding>) -> candle_core::Result<Bound> {
    let number = |value: f64| -> candle_core::Result<Bound> {
        Ok(Bound {
            given: None,
            canonical: Tensor::new(value, &candle_core::Device::Cpu)?,
        })
    };
    match (&slot.what, binding) {
        (What::Tensor { axes, .. }, Some(Binding::Tensor(tensor))) => Ok(Bound {
            given: Some(tensor.clone()),
            canonical: to_canonical(axes, tensor)?,
        }),
        (What::Scalar | What::Param { .. }, Some(Binding::Tensor(tensor))) => Ok(Bound {
            given: Some(tensor.clone()),
            canonical: tensor.detach().reshape(())?,
        }),
        (_, Some(Binding::Number(value))) => number(*value),
        (What::Param { default, .. }, None) => number(*default),
        (What::Tensor { .. } | What::Scalar, None) => candle_core::bail!("not given"),
    }
}

/// The dims of a tensor's axes after packs are merged and unnamed axes dropped, in memory order.
pub(crate) fn merged_dims(axes: &[InputDim]) -> Vec<DimId> {
    axes.iter()
        .flat_map(|axis| match axis {
            InputDim::One(dim) | InputDim::Flat(_, dim) => vec![*dim],
            InputDim::Pack(_, dims) => dims.clone(),
            InputDim::Dropped => Vec::new(),
        })
        .collect()
}

fn to_canonical(axes: &[InputDim], tensor: &Tensor) -> candle_core::Result<Tensor> {
    let shape = tensor.dims();
    let fixed = axes
        .iter()
        .map(|axis| match axis {
            InputDim::One(_) | InputDim::Dropped => 1,
            InputDim::Pack(_, dims) => dims.len(),
            InputDim::Flat(..) => 0,
        })
        .sum::<usize>();
    let mut merged: Vec<usize> = Vec::new();
    let mut next = 0;
    let mut plain = true;
    for axis in axes {
        let count = match axis {
            InputDim::One(_) | InputDim::Dropped => 1,
            InputDim::Pack(_, dims) => dims.len(),
            InputDim::Flat(..) => shape.len() - fixed,
        };
        let part = &shape[next..next + count];
        next += count;
        match axis {
            InputDim::One(_) | InputDim::Pack(..) => merged.extend(part),
            InputDim::Dropped => plain = false,
            InputDim::Flat(..) => {
                plain &= count == 1;
                merged.push(part.iter().product());
            }
        }
    }
    let tensor = tensor.detach();
    let tensor = if plain {
        tensor
    } else {
        tensor.reshape(merged)?
    };
    let dims = merged_dims(axes);
    let mut order: Vec<usize> = (0..dims.len()).collect();
    order.sort_by_key(|&k| dims[k]);
    if order.is_sorted() {
        Ok(tensor)
    } else {
        tensor.permute(order)
    }
}

/// A gradient over the dims of the graph's input, in the shape of the tensor that was bound.
pub fn from_canonical(
    what: &What,
    gradient: &Tensor,
    like: &Tensor,
) -> candle_core::Result<Tensor> {
    let gradient = match what {
        What::Tensor { axes, .. } => {
            let dims = merged_dims(axes);
            let mut sorted = dims.clone();
            sorted.sort_unstable();
            let order: Vec<usize> = dims
                .iter()
                .map(|dim| sorted.iter().position(|d| d == dim).unwrap_or(0))
                .collect();
            if order.is_sorted() {
                gradient.clone()
            } else {
                gradient.permute(order)?
            }
        }
        What::Scalar | What::Param { .. } => gradient.clone(),
    };
    let gradient = gradient.contiguous()?;
    let gradient = if gradient.dims() == like.dims() {
        gradient
    } else {
        gradient.reshape(like.shape())?
    };
    if gradient.dtype() == like.dtype() {
        Ok(gradient)
    } else {
        gradient.to_dtype(like.dtype())
    }
}

/// Ranges of params.
fn values(signature: &Signature, bound: &BoundInputs, errors: &mut Vec<Diagnostic>) {
    for (slot, one) in signature.slots.iter().zip(&bound.inputs) {
        let What::Param { range, integer, .. } = &slot.what else {
            continue;
        };
        let value = match scalar_value(&one.canonical) {
            Ok(value) => value,
            Err(why) => {
                errors.push(unreadable(slot, &why));
                continue;
            }
        };
        let text = match range {
            Some(range) if !range.contains(value) => format!("is {range}"),
            _ if *integer && value != value.trunc() => "is a whole number".to_string(),
            _ => continue,
        };
        errors.push(
            Diagnostic::error(
                Code::BadScalar,
                format!("`{}` {text}, and {value} is given", slot.name),
            )
            .at(slot.span, "declared here"),
        );
    }
}

/// The message for an input that Candle fails to read.
pub(super) fn unreadable(slot: &Slot, why: &candle_core::Error) -> Diagnostic {
    Diagnostic::error(
        Code::Execution,
        format!("`{}` could not be read", slot.name),
    )
    .at(slot.span, "this input")
    .note(why.to_string())
}

/// The number in a tensor of one element.
pub fn scalar_value(tensor: &Tensor) -> candle_core::Result<f64> {
    let (storage, layout) = tensor.storage_and_layout();
    // Most come from the fused back end: read them where they lie, without a tensor for each conversion.
    if let (Storage::Cpu(cpu), 1) = (&*storage, tensor.elem_count()) {
        let at = layout.start_offset();
        match cpu {
            CpuStorage::F64(x) => return Ok(x[at]),
            CpuStorage::F32(x) => return Ok(f64::from(x[at])),
            _ => {}
        }
    }
    drop(storage);
    tensor.to_dtype(DType::F64)?.reshape(())?.to_scalar::<f64>()
}
