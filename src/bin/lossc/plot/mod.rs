//! `lossc plot`: a loss over one number, with its gradient and the shares of its terms, or the weights of
//! terms over a schedule.

mod figure;
mod font;
mod png;
mod sample;
mod svg;

use crate::answer::{Answer, Failure, Message, Talk};
use crate::args::Plot;
use crate::files;
use crate::folder;
use figure::{Curve, Figure, Panel};
use lossc::candle_core::DType;
use lossc::{Backend, Error, Loss};
use sample::Sample;
use std::io::Write;
use std::path::Path;

/// How many places of the x axis are computed.
const PLACES: usize = 401;

/// The formats of pictures.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Picture {
    Svg,
    Png,
}

pub fn run(args: &Plot, talk: &mut Talk) -> Result<Answer, Failure> {
    let picture = picture(args.output.as_deref())?;
    let spec = files::spec_of(&args.source)?;
    let compiler = folder::compiler(&spec, args.source.root.root.as_deref())?;
    let loss = compiler.backend(Backend::Reference).compile(&spec.text)?;
    talk.report(loss.warnings());
    let sample = Sample::new(&loss, args.over.as_deref(), &args.numbers)?;
    let (from, to) = ends(args, &loss, &sample)?;
    let title = match &args.source.expression {
        Some(text) => text.split_whitespace().collect::<Vec<_>>().join(" "),
        None => spec.name.clone(),
    };
    let figure = figure(&loss, &sample, title, (from, to), talk)?;
    let sheet = figure::lay_out(&figure);
    let bytes = match picture {
        Picture::Svg => svg::write(&sheet).into_bytes(),
        Picture::Png => png::write(&sheet)?,
    };
    match &args.output {
        Some(path) if path.as_os_str() != "-" => {
            files::write_whole(path, |file| file.write_all(&bytes))?;
            Ok(Answer::fine(Vec::new()))
        }
        _ => Ok(Answer::fine(bytes)),
    }
}

/// The picture of a loss on its own, for the pages of the reference; `None` where one number does not tell
/// anything: more must be given, or the loss is not finite, or has no gradient but in one place.
pub fn of_loss(spec: &str, title: &str) -> Option<String> {
    let compiler = lossc::Compiler::new().backend(Backend::Reference);
    let loss = compiler.compile(spec).ok()?;
    let sample = Sample::new(&loss, None, &[]).ok()?;
    let range = sample.range(&loss)?;
    let mut talk = Talk::new(lossc::diag::Style::Plain);
    let figure = figure(&loss, &sample, title.to_string(), range, &mut talk).ok()?;
    let curve = |panel: usize| figure.panels.get(panel).and_then(|p| p.curves.first());
    let finite = curve(0)?.points.iter().filter(|p| p.1.is_finite()).count();
    // A slope that is steep in one place alone would be all that is seen.
    let slopes = || {
        curve(1)
            .into_iter()
            .flat_map(|c| &c.points)
            .map(|p| p.1.abs())
    };
    let steepest = slopes().fold(0.0, f64::max);
    let seen = slopes().filter(|slope| *slope > steepest / 20.0).count();
    let telling = (1e-6..1e4).contains(&steepest) && 7 * seen > PLACES;
    (finite + 2 >= PLACES && telling).then(|| svg::write(&figure::lay_out(&figure)))
}

fn picture(output: Option<&Path>) -> Result<Picture, Failure> {
    let Some(path) = output.filter(|path| path.as_os_str() != "-") else {
        return Ok(Picture::Svg);
    };
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or("");
    match extension.to_ascii_lowercase().as_str() {
        "svg" => Ok(Picture::Svg),
        "png" => Ok(Picture::Png),
        _ => Err(Failure::Broken(
            Message::new(format!("`{}` is neither .svg nor .png", path.display()))
                .help("the ending says what is written: `-o loss.svg`"),
        )),
    }
}

/// Where the x axis begins and ends.
fn ends(args: &Plot, loss: &Loss, sample: &Sample) -> Result<(f64, f64), Failure> {
    let usual = sample.range(loss);
    let from = args.from.or(usual.map(|range| range.0));
    let to = args.to.or(usual.map(|range| range.1));
    let (Some(from), Some(to)) = (from, to) else {
        let name = sample.name();
        let message = Message::new(format!("`{name}` has no range to plot over"));
        return Err(Failure::Broken(message.help("say it: `--from 0 --to 100`")));
    };
    let fits = from.is_finite() && to.is_finite() && from < to;
    match fits && (to - from).is_finite() {
        true => Ok((from, to)),
        false => Err(Failure::Broken(Message::new(format!(
            "a plot goes from a number to a larger one, not from {from} to {to}"
        )))),
    }
}

/// Computes the curves.
fn figure(
    loss: &Loss,
    sample: &Sample,
    title: String,
    (from, to): (f64, f64),
    talk: &mut Talk,
) -> Result<Figure, Failure> {
    let names: Vec<String> = loss.term_names().map(str::to_string).collect();
    let curve = |name: &str| Curve {
        name: name.to_string(),
        points: Vec::with_capacity(PLACES),
    };
    let (mut total, mut slope) = (curve("total"), curve("total"));
    let mut shares: Vec<Curve> = names.iter().map(|name| curve(name)).collect();
    let mut weights: Vec<Curve> = names.iter().map(|name| curve(name)).collect();
    for i in 0..PLACES {
        let x = from + (to - from) * i as f64 / (PLACES - 1) as f64;
        let inputs = sample.inputs(x)?;
        let (outcome, gradient) = match sample.is_tensor() {
            false => (loss.run(inputs)?, Vec::new()),
            true => {
                let (outcome, gradients) = loss.gradients(inputs)?;
                let own = gradients
                    .into_iter()
                    .find(|(name, _)| name == sample.name());
                let own = own.map(|(_, tensor)| tensor.flatten_all()?.to_vec1::<f64>());
                (
                    outcome,
                    own.transpose().map_err(Error::from)?.unwrap_or_default(),
                )
            }
        };
        let value = outcome
            .total
            .to_dtype(DType::F64)
            .and_then(|t| t.to_scalar::<f64>());
        total.points.push((x, value.map_err(Error::from)?));
        slope.points.push((x, sample.slope(x, &gradient)));
        for (term, (share, weight)) in outcome
            .terms
            .iter()
            .zip(shares.iter_mut().zip(&mut weights))
        {
            share.points.push((x, term.weighted().unwrap_or(f64::NAN)));
            weight.points.push((x, term.weight.unwrap_or(f64::NAN)));
        }
    }
    for share in &shares {
        if share.points.iter().all(|p| p.1.is_nan()) {
            let name = &share.name;
            talk.note(&format!(
                "`{name}` enters otherwise than by a factor: its share is not drawn"
            ));
        }
    }
    let drawn = |curve: &Curve| curve.points.iter().any(|p| p.1.is_finite());
    shares.retain(drawn);
    weights.retain(drawn);
    let moves = |curve: &Curve| {
        let first = curve.points[0].1;
        curve.points.iter().any(|p| p.1 != first)
    };
    let schedule = !sample.is_tensor() && weights.iter().any(moves);
    let mut curves = vec![total];
    // The share of a single term is the total.
    if names.len() > 1 {
        curves.append(&mut shares);
    }
    let panel = |title: &str, curves: Vec<Curve>| Panel {
        title: title.to_string(),
        curves,
    };
    let mut panels = Vec::new();
    if schedule {
        panels.push(panel("weight of each term", weights));
    } else {
        panels.push(panel("loss", curves));
    }
    if sample.is_tensor() {
        panels.push(panel("gradient", vec![slope]));
    }
    Ok(Figure {
        title,
        caption: match schedule {
            true => "what terms weigh in the total".to_string(),
            false => sample.caption(),
        },
        x: sample.axis(),
        panels,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use lossc::Compiler;

    fn drawn(spec: &str, over: Option<&str>, set: &[(&str, f64)], range: (f64, f64)) -> Figure {
        let loss = Compiler::new().backend(Backend::Reference).compile(spec);
        let loss = loss.expect("a right spec");
        let set: Vec<(String, f64)> = set.iter().map(|(n, x)| (n.to_string(), *x)).collect();
        let sample = Sample::new(&loss, over, &set).expect("a sample");
        let mut talk = Talk::new(lossc::diag::Style::Plain);
        figure(&loss, &sample, "title".into(), range, &mut talk).expect("curves")
    }

    /// What the gradient panel shows is the slope of the loss panel, whatever moves.
    #[test]
    fn the_gradient_is_the_slope_of_the_loss() {
        let soft = "input pred: probs[N, C] over C\ninput target: probs[N, C] over C\n";
        let log = "input pred: log_probs[N, C] over C\ninput target: labels[N] of C\n";
        for (spec, over, set, range) in [
            ("dice() + 0.5*focal()", None, &[][..], (-5.0, 5.0)),
            (
                "ce(weight=[0.2, 0.3, 0.5])",
                None,
                &[("target", 0.0)],
                (-5.0, 5.0),
            ),
            (
                "task binary\nminimize bce(pos_weight=3)",
                None,
                &[("target", 0.3)],
                (-5.0, 5.0),
            ),
            ("task multilabel\nminimize asl()", None, &[], (-5.0, 5.0)),
            (
                "task regression\nminimize wing()",
                None,
                &[("target", 0.7)],
                (1.0, 3.0),
            ),
            (
                "task regression\nminimize log_cosh()",
                Some("target"),
                &[],
                (-3.0, 3.0),
            ),
            (
                &format!("{soft}minimize kl() + dice()"),
                None,
                &[],
                (0.1, 0.9),
            ),
            (
                &format!("{log}minimize nll() + mean(exp(pred)^2)"),
                None,
                &[],
                (-4.0, -0.1),
            ),
        ] {
            let figure = drawn(spec, over, set, range);
            let (value, slope) = (&figure.panels[0].curves[0], &figure.panels[1].curves[0]);
            for i in 1..PLACES - 1 {
                let (a, b) = (value.points[i - 1], value.points[i + 1]);
                let difference = (b.1 - a.1) / (b.0 - a.0);
                let slope = slope.points[i].1;
                assert!(
                    (slope - difference).abs() < 2e-3 * (1.0 + slope.abs()),
                    "{spec} at {}: {slope}, and not {difference}",
                    value.points[i].0
                );
            }
        }
    }

    #[test]
    fn shares_add_up_to_the_total() {
        let figure = drawn("0.5*dice() + 2*ce()", None, &[], (-6.0, 6.0));
        let [total, dice, ce] = &figure.panels[0].curves[..] else {
            panic!("a total and two terms");
        };
        assert_eq!((dice.name.as_str(), ce.name.as_str()), ("dice", "ce"));
        for i in 0..PLACES {
            let sum = dice.points[i].1 + ce.points[i].1;
            assert!((sum - total.points[i].1).abs() < 1e-12);
        }
    }

    #[test]
    fn a_schedule_is_the_weights() {
        let spec = "input epoch: scalar\nminimize dice() + linear(epoch, over=[0, 20])*ce()";
        let figure = drawn(spec, Some("epoch"), &[], (0.0, 40.0));
        assert_eq!(figure.panels.len(), 1);
        let weights = &figure.panels[0].curves;
        assert_eq!(weights[1].points[PLACES / 4], (10.0, 0.5));
        assert!(weights[0].points.iter().all(|p| p.1 == 1.0));
        // A number that no weight depends on changes the loss.
        let spec = "param gamma: real in [0, 4] = 2\nminimize focal(gamma=gamma)";
        let figure = drawn(spec, Some("gamma"), &[("pred", 1.0)], (0.0, 4.0));
        let total = &figure.panels[0].curves[0].points;
        assert!(total[0].1 > total[PLACES - 1].1);
    }
}
