//! Value and gradient of every case: fused, with Candle's operations, written by hand, and a copy of the
//! same bytes. `cargo bench --bench losses -- slices` runs one case.

mod cases;

use cases::{Case, Way};
use criterion::Criterion;
use std::time::Duration;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    for case in cases::list()? {
        let name = case["name"].as_str().ok_or("a case without a name")?;
        // Making a case takes time and memory: only those that are asked for.
        if !wanted.is_empty() && !wanted.iter().any(|w| w.contains(name)) {
            continue;
        }
        let mut case = Case::new(name)?;
        let mut group = criterion.benchmark_group(name);
        for (label, way) in Way::ALL {
            group.bench_function(label, |b| {
                b.iter(|| case.run(way).unwrap_or_else(|why| panic!("{name}: {why}")));
            });
        }
        group.finish();
    }
    criterion.final_summary();
    Ok(())
}
