//! `lossc bench`: how long a spec takes on each back end, against a plain copy of the same bytes.

use crate::answer::{Answer, Failure, Talk};
use crate::args::{Bench, Format};
use crate::files;
use crate::folder;
use crate::synthetic;
use crate::table::columns;
use lossc::candle_core::DType;
use lossc::ir::{DimSizes, Graph, Op};
use lossc::{Backend, Error, Inputs, Loss};
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// Each measurement runs at least this often, and until the time for it is spent.
const RUNS: usize = 5;
const BUDGET: Duration = Duration::from_millis(500);

/// Milliseconds of several runs.
struct Times {
    median: f64,
    min: f64,
}

/// What one back end takes.
struct Row {
    backend: Backend,
    value: Times,
    gradient: Times,
    traffic: Traffic,
}

/// What a run of value and gradient moves.
#[derive(Clone, Copy)]
struct Traffic {
    read: usize,
    written: usize,
    passes: usize,
    extra: usize,
}

pub fn run(args: &Bench, talk: &mut Talk) -> Result<Answer, Failure> {
    let spec = files::read_spec(&args.file)?;
    let compiler = folder::compiler(&spec, args.root.root.as_deref())?;
    let loss = compiler.compile(&spec.text)?;
    talk.report(loss.warnings());
    let compile = time(|| compiler.compile(&spec.text).map(|_| ()))?;
    let shapes: Vec<(&str, &[usize])> = args
        .shapes
        .iter()
        .map(|(n, s)| (n.as_str(), &s[..]))
        .collect();
    let (at, sizes) = loss.at_shapes(&shapes)?;
    let inputs = synthetic::inputs(&at, &sizes, DType::F32)?;
    let mut rows = Vec::new();
    for &backend in Backend::ALL {
        if args
            .backend
            .as_deref()
            .is_some_and(|name| name != backend.name())
        {
            continue;
        }
        let loss = compiler.clone().backend(backend).compile(&spec.text)?;
        rows.push(Row {
            backend,
            value: time(|| loss.run(inputs.clone()).map(|_| ()))?,
            gradient: time(|| loss.gradients(inputs.clone()).map(|_| ()))?,
            traffic: traffic(&loss, backend, &inputs)?,
        });
    }
    let bytes = least_bytes(&at, &inputs)?;
    let copy = copy(bytes);
    match args.format {
        Format::Json => Ok(Answer::json(&object(&compile, &rows, &copy))),
        Format::Human => Ok(Answer::fine(text(&compile, &rows, &copy, bytes))),
    }
}

/// Runs once to warm up, then measures.
fn time(mut run: impl FnMut() -> Result<(), Error>) -> Result<Times, Failure> {
    run()?;
    let mut times = Vec::new();
    let begin = Instant::now();
    while times.len() < RUNS || (begin.elapsed() < BUDGET && times.len() < 1000) {
        let start = Instant::now();
        run()?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(Times {
        median: times[times.len() / 2],
        min: times[0],
    })
}

/// The bytes that any implementation must read and write: each input once, each gradient once.
fn least_bytes(loss: &Loss, inputs: &Inputs) -> Result<usize, Failure> {
    let (_, gradients) = loss.gradients(inputs.clone())?;
    let size = |t: &lossc::candle_core::Tensor| t.elem_count() * t.dtype().size_in_bytes();
    let given = inputs.iter().map(|(_, binding)| match binding {
        lossc::run::Binding::Tensor(tensor) => size(tensor),
        lossc::run::Binding::Number(_) => 0,
    });
    Ok(given.sum::<usize>() + gradients.iter().map(|(_, t)| size(t)).sum::<usize>())
}

/// A copy that reads and writes `bytes` in all, on as many threads as the fused back end takes.
fn copy(bytes: usize) -> Times {
    use rayon::prelude::*;
    const CHUNK: usize = 1 << 18;
    let from = vec![1u8; bytes / 2];
    let mut to = vec![0u8; bytes / 2];
    let run = || {
        if from.len() <= CHUNK {
            to.copy_from_slice(&from);
        } else {
            to.par_chunks_mut(CHUNK)
                .zip(from.par_chunks(CHUNK))
                .for_each(|(to, from)| to.copy_from_slice(from));
        }
        std::hint::black_box(&mut to);
        Ok(())
    };
    // A copy cannot fail.
    time(run).unwrap_or(Times {
        median: 0.0,
        min: 0.0,
    })
}

fn traffic(loss: &Loss, backend: Backend, inputs: &Inputs) -> Result<Traffic, Failure> {
    let program = loss.program(inputs.clone(), true)?;
    let plan = program.plan();
    Ok(match backend {
        Backend::Fused => Traffic {
            read: plan.bytes_read(),
            written: plan.bytes_written(),
            passes: plan.passes(),
            extra: plan.extra_bytes(),
        },
        Backend::Candle | Backend::Reference => {
            let (graph, sizes) = loss.sized_gradient_graph(inputs.clone())?;
            let width = if backend == Backend::Candle { 4 } else { 8 };
            op_by_op(&graph, &sizes, width)
        }
    })
}

/// What running one operation after another moves: each reads its operands and writes its result.
fn op_by_op(graph: &Graph, sizes: &DimSizes, width: usize) -> Traffic {
    let count = |id: lossc::ir::NodeId| sizes.count(&graph.ty(id).dims) * width;
    let largest = graph.ids().map(count).max().unwrap_or(0);
    let mut last = vec![0; graph.nodes.len()];
    for id in graph.ids() {
        for arg in &graph.node(id).args {
            last[arg.index()] = id.index();
        }
    }
    for output in &graph.outputs {
        last[output.node.index()] = usize::MAX;
    }
    let lazy = |op: &Op| matches!(op, Op::Const(_) | Op::Input(_) | Op::Broadcast(_));
    let mut all = Traffic {
        read: 0,
        written: 0,
        passes: 0,
        extra: 0,
    };
    let mut live = 0;
    for id in graph.ids() {
        let node = graph.node(id);
        if !lazy(&node.op) {
            let read: usize = node.args.iter().map(|&a| count(a)).sum();
            all.read += read;
            all.written += count(id);
            all.passes += usize::from(largest > 0 && read.max(count(id)) >= largest);
            live += count(id);
            all.extra = all.extra.max(live);
        }
        let mut done: Vec<_> = node.args.clone();
        done.sort_unstable();
        done.dedup();
        for arg in done {
            if last[arg.index()] == id.index() && !lazy(&graph.node(arg).op) {
                live -= count(arg);
            }
        }
    }
    all
}

fn object(compile: &Times, rows: &[Row], copy: &Times) -> Value {
    let times = |t: &Times| json!({ "median": t.median, "min": t.min });
    let backends = rows.iter().map(|row| {
        let value = json!({
            "value_ms": times(&row.value),
            "value_and_grad_ms": times(&row.gradient),
            "bytes_read": row.traffic.read,
            "bytes_written": row.traffic.written,
            "passes": row.traffic.passes,
            "peak_extra_bytes": row.traffic.extra,
        });
        (row.backend.name().to_string(), value)
    });
    json!({
        "version": 1,
        "compile_us": compile.median * 1e3,
        "backends": backends.collect::<Map<String, Value>>(),
        "copy_ms": times(copy),
    })
}

fn text(compile: &Times, rows: &[Row], copy: &Times, bytes: usize) -> String {
    let ms = |t: &Times| format!("{:.3} ms", t.median);
    let mb = |bytes: usize| format!("{:.2} MB", bytes as f64 / 1e6);
    let head = [
        "",
        "value",
        "value and gradient",
        "of a copy",
        "read",
        "written",
        "passes",
        "extra",
    ];
    let mut table = vec![head.map(String::from).to_vec()];
    for row in rows {
        table.push(vec![
            row.backend.name().to_string(),
            ms(&row.value),
            format!("{} (least {:.3})", ms(&row.gradient), row.gradient.min),
            format!("{:.1}×", row.gradient.min / copy.min.max(1e-9)),
            mb(row.traffic.read),
            mb(row.traffic.written),
            row.traffic.passes.to_string(),
            mb(row.traffic.extra),
        ]);
    }
    format!(
        "{}\ncopy of the same {}: {} (least {:.3})\ncompiled in {:.0} µs\n",
        columns(&table, 0),
        mb(bytes),
        ms(copy),
        copy.min,
        compile.median * 1e3,
    )
}
