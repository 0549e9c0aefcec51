//! `lossc eval`: value, terms, reports and gradients of a spec on arrays.

use crate::answer::{Answer, Failure, Message, Talk};
use crate::args::{Eval, Float, Format};
use crate::arrays;
use crate::files;
use crate::folder;
use crate::numbers::{show, to_json};
use crate::table::columns;
use lossc::candle_core::{self, DType, Tensor};
use lossc::diag::{Code, and_list};
use lossc::{Backend, Error, Inputs, Loss, Outcome};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

pub fn run(args: &Eval, talk: &mut Talk) -> Result<Answer, Failure> {
    if let Some(grads) = &args.grads {
        gradient_file(grads)?;
    }
    let spec = files::spec_of(&args.source)?;
    let mut compiler = folder::compiler(&spec, args.source.root.root.as_deref())?;
    if let Some(backend) = args.backend.as_deref().and_then(Backend::from_name) {
        compiler = compiler.backend(backend);
    }
    let loss = compiler.compile(&spec.text)?;
    talk.report(loss.warnings());
    let given = Given {
        inputs: args.inputs.as_deref(),
        arrays: &args.arrays,
        numbers: &args.numbers,
        dtype: args.dtype.map(dtype),
    };
    let tensors = tensors(&given, &loss, talk)?;
    let mut inputs = Inputs::new();
    for (name, tensor) in &tensors {
        inputs = inputs.tensor(name, tensor);
    }
    for (name, number) in &args.numbers {
        inputs = inputs.scalar(name, *number);
    }
    let (outcome, gradients) = match args.grads {
        None => (loss.run(inputs).map_err(how_to_give)?, Vec::new()),
        Some(_) => loss.gradients(inputs).map_err(how_to_give)?,
    };
    if let Some(path) = &args.grads {
        if gradients.is_empty() {
            talk.note("no input is a floating tensor: there are no gradients to write");
        }
        arrays::write_npz(path, &gradients)?;
    }
    let total = scalar(&outcome.total).map_err(Error::from)?;
    match args.format {
        Format::Json => Ok(Answer::json(&object(total, &outcome, &tensors))),
        Format::Human => Ok(Answer::fine(text(total, &outcome))),
    }
}

/// Refuses a file for gradients before anything is computed for it.
fn gradient_file(path: &Path) -> Result<(), Failure> {
    let npz = path
        .extension()
        .is_some_and(|e| e.eq_ignore_ascii_case("npz"));
    // `/dev/null` and the like have no extension and take anything.
    let device = std::fs::metadata(path).is_ok_and(|known| !known.is_file() && !known.is_dir());
    if npz || device {
        return Ok(());
    }
    Err(Failure::Broken(
        Message::new(format!("`{}` is not an .npz file", path.display()))
            .help("gradients are written as .npz: `--grads grads.npz`"),
    ))
}

/// What the command line gives.
pub struct Given<'a> {
    /// A batch file.
    pub inputs: Option<&'a Path>,
    /// Files of single arrays, by name.
    pub arrays: &'a [(String, PathBuf)],
    /// Numbers, by name.
    pub numbers: &'a [(String, f64)],
    /// The type that floats are converted to.
    pub dtype: Option<DType>,
}

/// The arrays that are given, single ones before those of the batch, in the type that is asked for.
pub fn tensors(
    args: &Given,
    loss: &Loss,
    talk: &mut Talk,
) -> Result<Vec<(String, Tensor)>, Failure> {
    let mut given: Vec<(String, Tensor)> = Vec::new();
    let names = args.arrays.iter().map(|(name, _)| name);
    let names: Vec<&String> = names
        .chain(args.numbers.iter().map(|(name, _)| name))
        .collect();
    for (i, name) in names.iter().enumerate() {
        if names[..i].contains(name) {
            return Err(Failure::Broken(Message::new(format!(
                "`{name}` is given twice"
            ))));
        }
    }
    for (name, path) in args.arrays {
        given.push((name.clone(), arrays::read_array(path)?));
    }
    if let Some(path) = args.inputs {
        let slots = &loss.signature().slots;
        let unused = &loss.signature().unused;
        let wanted = |name: &str| {
            slots.iter().any(|slot| slot.name == name) && !names.iter().any(|known| *known == name)
        };
        let batch = arrays::read_batch(path, &wanted)?;
        let mut over: Vec<String> = batch
            .others
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        over.retain(|name| {
            let bare = name.trim_matches('`');
            !unused.iter().any(|n| n == bare) && !names.iter().any(|n| *n == bare)
        });
        if !over.is_empty() {
            let of = path.display();
            talk.note(&format!(
                "the spec does not use {} of `{of}`",
                and_list(&over)
            ));
        }
        given.extend(batch.arrays);
    }
    if let Some(dtype) = args.dtype {
        for (_, tensor) in &mut given {
            if tensor.dtype().is_float() {
                *tensor = tensor.to_dtype(dtype).map_err(Error::from)?;
            }
        }
    }
    Ok(given)
}

fn dtype(float: Float) -> DType {
    match float {
        Float::F32 => DType::F32,
        Float::Bf16 => DType::BF16,
        Float::F16 => DType::F16,
        Float::F64 => DType::F64,
    }
}

/// Adds what only the command line knows: which flag gives an input.
pub fn how_to_give(error: Error) -> Failure {
    let mut failure = Failure::from(error);
    if let Failure::Report(report) = &mut failure {
        let missing = |code| code == Code::MissingInput;
        let last = report
            .diagnostics
            .iter_mut()
            .rev()
            .find(|d| missing(d.code));
        if let Some(diagnostic) = last {
            diagnostic.help.push(
                "give arrays with `--inputs batch.npz` or `--input name=file.npy`, numbers with `--set name=0.5`"
                    .to_string(),
            );
        }
    }
    failure
}

fn scalar(tensor: &Tensor) -> candle_core::Result<f64> {
    tensor.to_dtype(DType::F64)?.reshape(())?.to_scalar::<f64>()
}

fn object(total: f64, outcome: &Outcome, tensors: &[(String, Tensor)]) -> Value {
    let number = |x: Option<f64>| x.map_or(Value::Null, to_json);
    let terms = outcome.terms.iter().map(|term| {
        let value = json!({
            "raw": to_json(term.raw),
            "weight": number(term.weight),
            "weighted": number(term.weighted()),
        });
        (term.name.clone(), value)
    });
    let reports = outcome.reports.iter();
    let inputs = tensors.iter().map(|(name, tensor)| {
        let value = json!({ "shape": tensor.dims(), "dtype": tensor.dtype().as_str() });
        (name.clone(), value)
    });
    json!({
        "version": 1,
        "total": to_json(total),
        "terms": terms.collect::<Map<String, Value>>(),
        "reports": reports.map(|(name, x)| (name.clone(), to_json(*x))).collect::<Map<_, _>>(),
        "inputs": inputs.collect::<Map<String, Value>>(),
    })
}

fn text(total: f64, outcome: &Outcome) -> String {
    let single = outcome.total.dtype() == DType::F32;
    let number = |x: f64| show(x, single);
    let cells = |cells: [&str; 4]| cells.map(str::to_string).to_vec();
    let mut rows = vec![cells(["", "value", "weight", "weighted"])];
    for term in &outcome.terms {
        let optional = |x: Option<f64>| x.map_or("–".to_string(), number);
        rows.push(vec![
            term.name.clone(),
            number(term.raw),
            optional(term.weight),
            optional(term.weighted()),
        ]);
    }
    rows.push(vec![
        "total".into(),
        String::new(),
        String::new(),
        number(total),
    ]);
    let mut out = columns(&rows, 0);
    if !outcome.reports.is_empty() {
        let rows: Vec<Vec<String>> = outcome
            .reports
            .iter()
            .map(|(name, value)| vec![name.clone(), number(*value)])
            .collect();
        out.push_str("\nreports\n");
        out.push_str(&columns(&rows, 2));
    }
    out
}
