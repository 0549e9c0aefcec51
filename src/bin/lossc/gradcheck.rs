//! `lossc gradcheck`: gradients against finite differences.

use crate::answer::{Answer, Failure, Message, Status, Talk};
use crate::args::{Format, Gradcheck};
use crate::eval::{self, Given};
use crate::files;
use crate::folder;
use crate::numbers::{show, to_json};
use crate::table::columns;
use lossc::candle_core::DType;
use lossc::testing::gradcheck::{self, Part, Place, Random, STEPS, Slope, Verdict};
use lossc::{Backend, Inputs};
use serde_json::{Value, json};

/// What was found by one input of one part at one place.
struct Row {
    place: &'static str,
    term: Option<String>,
    input: String,
    slopes: Vec<Slope>,
}

impl Row {
    fn count(&self, verdict: Verdict) -> usize {
        let slopes = self.slopes.iter();
        slopes.filter(|slope| slope.verdict == verdict).count()
    }

    /// The slope with the largest error: of those that are wrong, or else of those that are right.
    fn worst(&self) -> Option<&Slope> {
        let of = |verdict: Verdict| {
            let slopes = self.slopes.iter().filter(move |s| s.verdict == verdict);
            // NaN is larger than any number.
            slopes.max_by(|a, b| a.error.total_cmp(&b.error))
        };
        of(Verdict::Wrong).or_else(|| of(Verdict::Right))
    }

    fn of(&self) -> &str {
        self.term.as_deref().unwrap_or("total")
    }
}

/// Where the value is infinite.
struct Infinite {
    place: &'static str,
    term: Option<String>,
}

pub fn run(args: &Gradcheck, talk: &mut Talk) -> Result<Answer, Failure> {
    let spec = files::read_spec(&args.file)?;
    let compiler = folder::compiler(&spec, args.root.root.as_deref())?.backend(Backend::Reference);
    let parts = gradcheck::parts(&compiler, &spec.text)?;
    let (mut rows, mut infinite) = (Vec::new(), Vec::new());
    for (place, inputs) in inputs(args, &parts[0], talk)? {
        for part in &parts {
            let inputs = needed(part, &inputs);
            let moves = |name: &str| gradcheck::is_movable(&part.loss, name);
            let slopes = gradcheck::slopes(&part.loss, &inputs, &moves, STEPS);
            let slopes = slopes.map_err(eval::how_to_give)?;
            match slopes {
                None => infinite.push(Infinite {
                    place,
                    term: part.term.clone(),
                }),
                Some(slopes) => {
                    for slopes in slopes.chunk_by(|a, b| a.input == b.input) {
                        rows.push(Row {
                            place,
                            term: part.term.clone(),
                            input: slopes[0].input.clone(),
                            slopes: slopes.to_vec(),
                        });
                    }
                }
            }
        }
    }
    if rows.is_empty() && infinite.is_empty() {
        talk.note("no input is a floating tensor that can be moved: there is nothing to compare");
    }
    let wrong: Vec<&Row> = rows
        .iter()
        .filter(|r| r.count(Verdict::Wrong) > 0)
        .collect();
    let status = match wrong.is_empty() {
        true => Status::Fine,
        false => Status::Wrong,
    };
    if args.format == Format::Json {
        let value = json!({
            "version": 1,
            "agrees": wrong.is_empty(),
            "rows": rows.iter().map(object).collect::<Vec<Value>>(),
            "infinite": infinite
                .iter()
                .map(|one| json!({ "place": one.place, "term": one.term }))
                .collect::<Vec<Value>>(),
        });
        return Ok(Answer {
            status,
            ..Answer::json(&value)
        });
    }
    for row in wrong {
        talk.message(&message(row));
    }
    Ok(Answer {
        out: text(&rows, &infinite).into_bytes(),
        status,
    })
}

/// Where gradients are compared: at the arrays that are given, or at every place.
fn inputs(
    args: &Gradcheck,
    total: &Part,
    talk: &mut Talk,
) -> Result<Vec<(&'static str, Inputs)>, Failure> {
    let numbers = |inputs: Inputs| {
        let numbers = args.numbers.iter();
        numbers.fold(inputs, |inputs, (name, number)| {
            inputs.scalar(name, *number)
        })
    };
    if args.inputs.is_some() || !args.arrays.is_empty() {
        let given = Given {
            inputs: args.inputs.as_deref(),
            arrays: &args.arrays,
            numbers: &args.numbers,
            dtype: Some(DType::F64),
        };
        let tensors = eval::tensors(&given, &total.loss, talk)?;
        let inputs = tensors
            .iter()
            .fold(Inputs::new(), |inputs, (name, tensor)| {
                inputs.tensor(name, tensor)
            });
        return Ok(vec![("given", numbers(inputs))]);
    }
    let shapes: Vec<(&str, &[usize])> = args
        .shapes
        .iter()
        .map(|(name, sizes)| (name.as_str(), &sizes[..]))
        .collect();
    let (loss, known) = total.loss.at_shapes(&shapes)?;
    let sizes = gradcheck::sizes(&loss, &known);
    let mut random = Random(1);
    let mut places = Vec::new();
    for &place in Place::ALL.iter().filter(|place| place.fits(&loss)) {
        let inputs = gradcheck::inputs(&loss, &sizes, place, &mut random)?;
        places.push((place.name(), numbers(inputs)));
    }
    Ok(places)
}

/// The inputs that a part takes: a term need not take all that the total does.
fn needed(part: &Part, inputs: &Inputs) -> Inputs {
    use lossc::run::Binding;
    let signature = part.loss.signature();
    let takes = |name: &str| {
        signature.slots.iter().any(|slot| slot.name == name)
            || signature.unused.iter().any(|unused| unused == name)
            || part.term.is_none()
    };
    let mut needed = Inputs::new();
    for (name, binding) in inputs.iter().filter(|(name, _)| takes(name)) {
        needed = match binding {
            Binding::Tensor(tensor) => needed.tensor(name, tensor),
            Binding::Number(number) => needed.scalar(name, *number),
        };
    }
    needed
}

fn message(row: &Row) -> Message {
    let (of, input, place) = (row.of(), &row.input, row.place);
    let count = row.count(Verdict::Wrong);
    let text = format!(
        "the gradient of `{of}` by `{input}` is wrong at {place} inputs, in {count} of {} places",
        row.slopes.len()
    );
    let message = Message::new(text);
    let Some(worst) = row.worst() else {
        return message;
    };
    let along = match &worst.entry {
        Some(entry) => format!("at entry {entry:?}"),
        None => "along a random direction".to_string(),
    };
    message.help(format!(
        "{along} the gradient says {}, differences say {}",
        show(worst.gradient, false),
        show(worst.difference, false)
    ))
}

fn object(row: &Row) -> Value {
    let worst = row.worst();
    let number = |of: fn(&Slope) -> f64| worst.map_or(Value::Null, |slope| to_json(of(slope)));
    json!({
        "place": row.place,
        "term": row.term,
        "input": row.input,
        "compared": row.slopes.len(),
        "kinks": row.count(Verdict::Kink),
        "stopped": row.count(Verdict::Stopped),
        "wrong": row.count(Verdict::Wrong),
        "error": number(|slope| slope.error),
        "entry": worst.and_then(|slope| slope.entry.clone()),
        "gradient": number(|slope| slope.gradient),
        "difference": number(|slope| slope.difference),
    })
}

fn text(rows: &[Row], infinite: &[Infinite]) -> String {
    let head = [
        "inputs",
        "of",
        "by",
        "compared",
        "kinks",
        "stopped",
        "wrong",
        "largest error",
    ];
    let mut table = vec![head.map(str::to_string).to_vec()];
    for row in rows {
        table.push(vec![
            row.place.to_string(),
            row.of().to_string(),
            row.input.clone(),
            row.slopes.len().to_string(),
            row.count(Verdict::Kink).to_string(),
            row.count(Verdict::Stopped).to_string(),
            row.count(Verdict::Wrong).to_string(),
            row.worst()
                .map_or("–".to_string(), |slope| format!("{:.1e}", slope.error)),
        ]);
    }
    let mut out = columns(&table, 0);
    for one in infinite {
        let of = one.term.as_deref().unwrap_or("total");
        out.push_str(&format!("at {} inputs `{of}` is infinite\n", one.place));
    }
    let wrong = |row: &&Row| row.count(Verdict::Wrong) > 0;
    let some = rows.iter().any(|row| wrong(&row));
    let worst = rows
        .iter()
        .filter(|row| !some || wrong(row))
        .filter_map(|row| Some((row, row.worst()?)))
        .max_by(|a, b| a.1.error.total_cmp(&b.1.error));
    if let Some((row, slope)) = worst {
        out.push_str(&format!(
            "largest error {:.1e} of the gradient: of `{}` by `{}`, {} inputs\n",
            slope.error,
            row.of(),
            row.input,
            row.place
        ));
    }
    out
}
