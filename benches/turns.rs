//! Times one case at a time, when told to: the side of lossc in `benches/peers/peers.py`, which lets peers
//! and lossc take turns.
//!
//! Reads lines `case way` and answers each with a line of JSON: the least and the median of the
//! milliseconds that value and gradient took, and the value.

mod cases;

use cases::{Case, Way};
use std::io::BufRead;
use std::time::{Duration, Instant};

/// A turn lasts this long, or one run.
const TURN: Duration = Duration::from_millis(300);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Cargo tells a benchmark that it is one.
    if std::env::args().all(|arg| arg != "--turns") {
        println!("benches/peers/peers.py starts this with `--turns`");
        return Ok(());
    }
    let mut current: Option<Case> = None;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (name, way) = line.split_once(' ').ok_or("`case way` is needed")?;
        let way = Way::ALL.iter().find(|(label, _)| *label == way);
        let (_, way) = *way.ok_or("no such way")?;
        let case = match current.take().filter(|case| case.name == name) {
            Some(case) => current.insert(case),
            None => current.insert(Case::new(name)?),
        };
        println!("{}", turn(case, way)?);
    }
    Ok(())
}

fn turn(case: &mut Case, way: Way) -> Result<serde_json::Value, Box<dyn std::error::Error>> {
    // Making the case has warmed up all ways.
    let begin = Instant::now();
    let (mut value, mut times) = (0.0, Vec::new());
    while times.is_empty() || begin.elapsed() < TURN {
        let start = Instant::now();
        value = case.run(way)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(serde_json::json!({
        "least": times[0],
        "median": times[times.len() / 2],
        "value": value,
    }))
}
