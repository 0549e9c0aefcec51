//! Trains a small U-Net to find rare lesions on drawn retinal images, with a loss from a file.
//!
//! ```sh
//! cargo run --release --example train_unet -- specs/examples/retina.loss --compare
//! ```
//!
//! `--compare` trains a second time with plain cross entropy, from the same weights on the same
//! images. Both nets are right on nearly every pixel, because nearly every pixel is healthy; the
//! Dice value of the lesions tells them apart.

mod data;
mod net;
mod picture;

use candle_core::{D, DType, Device, Tensor};
use candle_nn::{AdamW, Module, Optimizer, ParamsAdamW};
use data::{Rng, Sample};
use indicatif::{ProgressBar, ProgressStyle};
use lossc::{Backend, Compiler, Inputs, Loss, Outcome};
use std::f64::consts::PI;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

const RETINA: &str = include_str!("../../specs/examples/retina.loss");
const CE: &str = include_str!("../../specs/examples/ce.loss");

const HELP: &str = "\
Trains a small U-Net to find rare lesions on drawn retinal images.

usage: train_unet [SPEC.loss] [options]

  SPEC.loss            the loss, over `pred` and `target`; a scalar input `step` is given if the
                       spec declares one       [default: that of specs/examples/retina.loss]
  --compare            train with plain cross entropy too, from the same weights
  --steps N            optimizer steps         [default: 300]
  --batch N            images in each step     [default: 4]
  --size N             pixels along an edge, a multiple of 8 [default: 96]
  --seed N             seed of weights and images [default: 1]
  --backend NAME       what computes the loss
  --out PICTURE.png    images, truth and predictions [default: train_unet.png]
";

/// The learning rate at the start.
const RATE: f64 = 0.003;

type Failure = Box<dyn std::error::Error>;

struct Options {
    specs: Vec<(String, String)>,
    steps: usize,
    batch: usize,
    size: usize,
    seed: u64,
    backend: Option<Backend>,
    out: PathBuf,
}

fn options(mut args: impl Iterator<Item = String>) -> Result<Option<Options>, Failure> {
    let mut options = Options {
        specs: Vec::new(),
        steps: 300,
        batch: 4,
        size: 96,
        seed: 1,
        backend: None,
        out: PathBuf::from("train_unet.png"),
    };
    let mut compare = false;
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("`{arg}` needs a value"));
        match arg.as_str() {
            "--help" | "-h" => return Ok(None),
            "--compare" => compare = true,
            "--steps" => options.steps = value()?.parse()?,
            "--batch" => options.batch = value()?.parse()?,
            "--size" => options.size = value()?.parse()?,
            "--seed" => options.seed = value()?.parse()?,
            "--backend" => options.backend = Some(backend(&value()?)?),
            "--out" => options.out = value()?.into(),
            _ if arg.starts_with('-') => {
                return Err(format!("no option `{arg}`; see --help").into());
            }
            _ => {
                let text = std::fs::read_to_string(&arg).map_err(|e| format!("{arg}: {e}"))?;
                options.specs.push((arg, text));
            }
        }
    }
    if options.specs.is_empty() {
        options.specs.push(("retina.loss".into(), RETINA.into()));
    }
    if compare {
        options.specs.push(("ce.loss".into(), CE.into()));
    }
    if !options.size.is_multiple_of(8) || options.size < 32 {
        return Err("--size is a multiple of 8, and 32 at least".into());
    }
    if options.steps.min(options.batch) == 0 {
        return Err("--steps and --batch are 1 at least".into());
    }
    Ok(Some(options))
}

fn backend(name: &str) -> Result<Backend, Failure> {
    Backend::from_name(name).ok_or_else(|| {
        let all: Vec<&str> = Backend::ALL.iter().map(|b| b.name()).collect();
        format!("no back end `{name}`; there are {}", all.join(", ")).into()
    })
}

fn main() -> ExitCode {
    let result = options(std::env::args().skip(1)).and_then(|options| match options {
        Some(options) => run(&options),
        None => {
            print!("{HELP}");
            Ok(())
        }
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), Failure> {
    // Compile everything before training anything: a mistake in the second spec shows at once.
    let mut losses = Vec::new();
    for (name, text) in &options.specs {
        let mut compiler = Compiler::new().name(name);
        if let Some(backend) = options.backend {
            compiler = compiler.backend(backend);
        }
        let loss = compiler.compile(text)?;
        if !loss.warnings().diagnostics.is_empty() {
            eprintln!("{}", loss.warnings());
        }
        losses.push((name.as_str(), loss));
    }
    // Another stream than that of the training images: none of these is ever trained on.
    let unseen = samples(&mut Rng::new(!options.seed), 64, options.size);
    let lesion: u32 = unseen.iter().flat_map(|s| &s.labels).sum();
    let pixels = unseen.len() * options.size * options.size;
    println!(
        "{} unseen images of {1}×{1}, {2:.2} % of their pixels are lesion",
        unseen.len(),
        options.size,
        100.0 * f64::from(lesion) / pixels as f64
    );
    let mut predictions = Vec::new();
    let mut table = Vec::new();
    for (name, loss) in &losses {
        let (net, clock) = train(name, loss, options)?;
        let predicted = predict(&net, &unseen, options)?;
        let score = score(&unseen, &predicted);
        table.push(format!(
            "{name:<28} {:>8.4} {:>10.4} {:>10.4} {:>9.3}% {:>8.1} {:>8.2} {:>6.1}%",
            score.dice,
            score.found,
            score.precision,
            100.0 * score.accuracy,
            1e3 * clock.step,
            1e3 * clock.loss,
            100.0 * clock.loss / clock.step,
        ));
        predictions.push(predicted);
    }
    println!(
        "\n{:<28} {:>8} {:>10} {:>10} {:>10} {:>8} {:>8} {:>7}",
        "", "Dice", "found", "precision", "accuracy", "ms/step", "ms/loss", "share"
    );
    table.iter().for_each(|line| println!("{line}"));

    let rows = unseen.into_iter().enumerate().take(4);
    let rows: Vec<_> = rows
        .map(|(i, sample)| (sample, predictions.iter().map(|p| p[i].clone()).collect()))
        .collect();
    picture::save(&options.out, options.size, &rows)?;
    let panels: Vec<&str> = losses.iter().map(|(name, _)| *name).collect();
    println!(
        "\n{}: image | truth | {}\n{}",
        options.out.display(),
        panels.join(" | "),
        picture::LEGEND
    );
    Ok(())
}

/// Mean seconds.
struct Clock {
    /// For a whole step: network forward and backward, loss, optimizer. Drawing is not counted.
    step: f64,
    /// For the loss: its value, its terms and its gradient by the logits.
    loss: f64,
}

fn train(name: &str, loss: &Loss, options: &Options) -> Result<(net::UNet, Clock), Failure> {
    let (net, vars) = net::UNet::new(options.seed)?;
    let mut optimizer = AdamW::new(vars, ParamsAdamW::default())?;
    let slots = &loss.signature().slots;
    let wants_step = slots.iter().any(|slot| slot.name == "step");
    let style = ProgressStyle::with_template("{prefix} {bar:24} {pos}/{len} {eta} {msg}")?;
    let bar = ProgressBar::new(options.steps as u64)
        .with_style(style)
        .with_prefix(name.to_string());
    let mut rng = Rng::new(options.seed);
    let (mut stepping, mut in_loss, mut probes) = (Duration::ZERO, Duration::ZERO, 0);
    for step in 0..options.steps {
        let (images, labels) = batch(&samples(&mut rng, options.batch, options.size), options)?;
        let inputs = |logits: &Tensor| {
            let inputs = Inputs::from([("pred", logits), ("target", &labels)]);
            if wants_step {
                inputs.scalar("step", step as f64)
            } else {
                inputs
            }
        };
        // A cosine from the full rate to 0 makes the last weights good ones.
        let progress = step as f64 / options.steps as f64;
        optimizer.set_learning_rate(RATE * 0.5 * (1.0 + (PI * progress).cos()));

        let start = Instant::now();
        let logits = net.forward(&images)?;
        let (outcome, grads) = loss.value_and_grad(inputs(&logits))?;
        optimizer.step(&grads)?;
        stepping += start.elapsed();

        // `value_and_grad` goes back through the network too, so the loss is timed alone, on logits
        // without a history; now and then is enough, and not within the time of the step.
        if step % 10 == 0 {
            let logits = logits.detach();
            let start = Instant::now();
            loss.gradients(inputs(&logits))?;
            in_loss += start.elapsed();
            probes += 1;
        }
        let message = describe(&outcome)?;
        if bar.is_hidden() && (step % 50 == 0 || step + 1 == options.steps) {
            println!("{name} {step:>5}  {message}");
        }
        bar.set_message(message);
        bar.inc(1);
    }
    bar.finish();
    let clock = Clock {
        step: stepping.as_secs_f64() / options.steps as f64,
        loss: in_loss.as_secs_f64() / f64::from(probes),
    };
    Ok((net, clock))
}

/// The total, then each term raw and weighted, then the reports.
fn describe(outcome: &Outcome) -> Result<String, Failure> {
    let total = outcome.total.to_dtype(DType::F64)?.to_scalar::<f64>()?;
    let mut text = format!("{total:.4}");
    for term in &outcome.terms {
        text += &format!(" | {} {:.4}", term.name, term.raw);
        if let Some(weighted) = term.weighted() {
            text += &format!(" → {weighted:.4}");
        }
    }
    for (name, value) in &outcome.reports {
        text += &format!(" | {name} = {value:.4}");
    }
    Ok(text)
}

fn samples(rng: &mut Rng, count: usize, size: usize) -> Vec<Sample> {
    (0..count).map(|_| data::draw(rng, size)).collect()
}

/// Images `[N, 3, H, W]` and labels `[N, H, W]`.
fn batch(samples: &[Sample], options: &Options) -> candle_core::Result<(Tensor, Tensor)> {
    let (n, size) = (samples.len(), options.size);
    let images: Vec<f32> = samples
        .iter()
        .flat_map(|s| s.image.iter().copied())
        .collect();
    let labels: Vec<u32> = samples
        .iter()
        .flat_map(|s| s.labels.iter().copied())
        .collect();
    Ok((
        Tensor::from_vec(images, (n, 3, size, size), &Device::Cpu)?,
        Tensor::from_vec(labels, (n, size, size), &Device::Cpu)?,
    ))
}

/// The likelier class of every pixel.
fn predict(
    net: &net::UNet,
    samples: &[Sample],
    options: &Options,
) -> Result<Vec<Vec<u32>>, Failure> {
    let mut predicted = Vec::new();
    for some in samples.chunks(options.batch) {
        let (images, _) = batch(some, options)?;
        let classes = net
            .forward(&images)?
            .detach()
            .argmax(1)?
            .flatten_from(D::Minus2)?;
        predicted.extend(classes.to_vec2::<u32>()?);
    }
    Ok(predicted)
}

/// What a net is worth, from counts over all pixels of all images.
struct Score {
    /// Of the lesions.
    dice: f64,
    /// How much of the lesions was found.
    found: f64,
    /// How much of what was marked is lesion; 0 if nothing was.
    precision: f64,
    /// How many pixels are right.
    accuracy: f64,
}

fn score(samples: &[Sample], predicted: &[Vec<u32>]) -> Score {
    let mut counts = [[0f64; 2]; 2];
    for (sample, predicted) in samples.iter().zip(predicted) {
        for (&truth, &class) in sample.labels.iter().zip(predicted) {
            counts[truth as usize][class as usize] += 1.0;
        }
    }
    let [[healthy, alarms], [misses, hits]] = counts;
    Score {
        dice: 2.0 * hits / (2.0 * hits + alarms + misses),
        found: hits / (hits + misses),
        precision: hits / (hits + alarms).max(1.0),
        accuracy: (hits + healthy) / (hits + healthy + alarms + misses),
    }
}
