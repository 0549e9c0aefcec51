//! Batches in shards: for every loss of the standard library that can be pooled, uneven shards give the value and the
//! gradient of the whole batch; the others say why they cannot.

use crate::slopes::{Place, Random, SPECS, UNTIED, fill};
use candle_core::{DType, Device, Tensor, Var};
use lossc::{Backend, Compiler, Error, Inputs, Loss, Sharded, Sharding};

const SPLITS: &[&[usize]] = &[&[3, 4], &[1, 5, 1], &[2, 1, 3, 1]];

/// Reductions that no loss of the library makes over samples.
const MORE: &[(&str, &[&str])] = &[(
    "task regression\n",
    &[
        "mean(softmax[batch](pred)*target)",
        "mean(log_softmax[batch](pred)*target)",
        "logsumexp[batch, space](pred*target)",
        "sum[space](max[batch](pred) - min[batch](pred*target))",
        "log(abs(prod[batch, space](pred)))",
        "mean(if any[batch](pred > 1.8) then pred^2 else pred, where=all[batch](target < 1.9))",
    ],
)];

type Given = Vec<(String, Tensor)>;

fn inputs(given: &Given) -> Inputs {
    let none = Inputs::new();
    given
        .iter()
        .fold(none, |inputs, (name, tensor)| inputs.tensor(name, tensor))
}

/// The shards of a batch along the axis `at` of every tensor.
fn shards(given: &Given, at: usize, split: &[usize]) -> Vec<Given> {
    let mut from = 0;
    let mut list = Vec::new();
    for &n in split {
        let part = |(name, x): &(String, Tensor)| {
            let part = x.narrow(at, from, n).expect("a view");
            (name.clone(), part)
        };
        list.push(given.iter().map(part).collect());
        from += n;
    }
    list
}

fn flat(tensor: &Tensor) -> Vec<f64> {
    let wide = tensor.to_dtype(DType::F64).expect("f64");
    wide.flatten_all().and_then(|t| t.to_vec1()).expect("f64")
}

fn close(a: &[f64], b: &[f64], tolerance: f64) -> bool {
    let near = |(x, y): (&f64, &f64)| (x - y).abs() <= tolerance * (1.0 + y.abs());
    a.len() == b.len() && a.iter().zip(b).all(near)
}

/// Holds the shards of a batch to the batch.
fn compare(
    loss: &Loss,
    sharded: &Sharded,
    given: &Given,
    at: usize,
    split: &[usize],
) -> Result<(), String> {
    let (whole, gradients) = loss.gradients(inputs(given)).map_err(|e| e.to_string())?;
    let shards: Vec<Inputs> = shards(given, at, split).iter().map(inputs).collect();
    let pooled = sharded.pool(&shards).map_err(|e| e.to_string())?;
    assert_eq!(pooled.shards(), split.len());
    let mut parts: Vec<(String, Vec<Tensor>)> = Vec::new();
    for shard in shards {
        let finished = sharded.finish(shard.clone(), &pooled);
        let finished = finished.map_err(|e| e.to_string())?;
        let (outcome, part) = sharded
            .gradients(shard, &pooled)
            .map_err(|e| e.to_string())?;
        for outcome in [finished, outcome] {
            let (a, b) = (flat(&outcome.total), flat(&whole.total));
            if !close(&a, &b, 1e-12) {
                return Err(format!("{split:?}: value {a:?} instead of {b:?}"));
            }
            for (a, b) in outcome.terms.iter().zip(&whole.terms) {
                assert!(
                    close(&[a.raw], &[b.raw], 1e-12),
                    "{split:?}: term {}",
                    a.name
                );
            }
        }
        for (name, tensor) in part {
            match parts.iter_mut().find(|(n, _)| *n == name) {
                Some((_, list)) => list.push(tensor),
                None => parts.push((name, vec![tensor])),
            }
        }
    }
    assert!(!parts.is_empty());
    for (name, list) in parts {
        let all = Tensor::cat(&list, at).expect("stretches of a batch");
        let (_, whole) = gradients
            .iter()
            .find(|(n, _)| *n == name)
            .expect("asked for");
        if !close(&flat(&all), &flat(whole), 1e-11) {
            return Err(format!("{split:?}: gradient of {name}"));
        }
    }
    Ok(())
}

/// Why a loss is refused.
fn reason(error: &Error) -> String {
    let report = error.report().expect("a diagnostic");
    let first = &report.diagnostics[0];
    assert_eq!(first.code.as_str(), "E0609", "{error}");
    let label = first.primary.as_ref().expect("a place");
    let file = report.sources.file(label.span.file);
    let place = &file.text[label.span.start as usize..label.span.end as usize];
    format!("{}: {}", place, label.text)
}

/// The snapshot lists those that take more than one round, and those that are refused.
#[test]
fn shards_of_every_loss_are_the_batch() {
    let (mut table, mut wrong) = (String::new(), Vec::new());
    for (declared, losses) in SPECS.iter().chain(UNTIED).chain(MORE) {
        for text in *losses {
            let spec = format!("{declared}minimize {text}\n");
            for backend in [Backend::Reference, Backend::Fused, Backend::Candle] {
                let loss = Compiler::new().backend(backend).compile(&spec);
                let loss = loss.expect("a right spec");
                let mut random = Random(11);
                let slots = &loss.signature().slots;
                let given: Given = slots
                    .iter()
                    .map(|slot| {
                        let tensor = fill(&loss, slot, Place::Ordinary, &mut random, 7);
                        (slot.name.clone(), tensor)
                    })
                    .collect();
                let wanted = |(name, x): &&(String, Tensor)| {
                    x.dtype().is_float() && !matches!(name.as_str(), "target" | "counts")
                };
                let sharding = given
                    .iter()
                    .filter(wanted)
                    .fold(Sharding::batch(), |all, (name, _)| all.gradient(name));
                let shown = backend == Backend::Reference;
                let sharded = match loss.sharded(sharding) {
                    Ok(sharded) => sharded,
                    Err(error) => {
                        if shown {
                            table += &format!("{text}: no, {}\n", reason(&error));
                        }
                        continue;
                    }
                };
                let splits = if shown { SPLITS } else { &SPLITS[2..] };
                for split in splits {
                    if let Err(why) = compare(&loss, &sharded, &given, 0, split) {
                        wrong.push(format!("{text} on {}: {why}", backend.name()));
                    }
                }
                let rounds = sharded.begin().rounds();
                if shown && rounds > 1 {
                    table += &format!("{text}: {rounds} rounds\n");
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    insta::assert_snapshot!(table);
}

const N: usize = 128;

/// Samples without a space, and labels of three classes.
fn samples() -> Given {
    let mut random = Random(5);
    let mut numbers = |n: usize| -> Vec<f64> { (0..n).map(|_| random.next()).collect() };
    let pred: Vec<f64> = numbers(3 * N).iter().map(|x| 4.0 * x - 2.0).collect();
    let target: Vec<i64> = numbers(N).iter().map(|x| (3.0 * x) as i64).collect();
    let pred = Tensor::from_vec(pred, (N, 3), &Device::Cpu).expect("a tensor");
    let target = Tensor::from_vec(target, N, &Device::Cpu).expect("a tensor");
    vec![("pred".into(), pred), ("target".into(), target)]
}

/// Where the sums of the batch have the halves of the shards, nothing at all is lost.
#[test]
fn four_shards_are_the_batch_bit_for_bit() {
    let given = samples();
    for spec in [
        "dice(over=[batch, space])",
        "wce([0.2, 0.3, 0.5]) + jaccard()",
        "rounds",
    ] {
        let spec = match spec {
            "rounds" => "input pred: real[N, D]\nminimize mean((pred - mean[batch](pred))^2)",
            spec => spec,
        };
        let loss = Compiler::new().backend(Backend::Reference).compile(spec);
        let loss = loss.expect("a right spec");
        let sharded = loss
            .sharded(Sharding::batch().gradient("pred"))
            .expect("sums");
        let given: Given = match spec.contains("target") || !spec.contains("real") {
            true => given.clone(),
            false => given[..1].to_vec(),
        };
        let shards: Vec<Inputs> = shards(&given, 0, &[N / 4; 4]).iter().map(inputs).collect();
        let one = sharded.pool(&[inputs(&given)]).expect("pooled");
        let four = sharded.pool(&shards).expect("pooled");
        let (whole, gradient) = sharded.gradients(inputs(&given), &one).expect("a gradient");
        let bits = |x: &Tensor| flat(x).iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        let mut parts = Vec::new();
        for shard in shards {
            let (outcome, part) = sharded.gradients(shard, &four).expect("a gradient");
            assert_eq!(bits(&outcome.total), bits(&whole.total), "{spec}");
            parts.push(part[0].1.clone());
        }
        let parts = Tensor::cat(&parts, 0).expect("stretches");
        assert_eq!(bits(&parts), bits(&gradient[0].1), "{spec}");
    }
}

/// Tiles of an image, cut along both of its axes.
#[test]
fn tiles_are_the_image() {
    let spec = "task multiclass\nignore target == 2\n\
        minimize dice(over=[space]) + wce([1, 2, 3]) + jaccard(over=[batch, space])\n\
        report right = accuracy()";
    let mut random = Random(3);
    let mut numbers = |n: usize| -> Vec<f64> { (0..n).map(|_| random.next()).collect() };
    let (n, h, w) = (2, 13, 11);
    let pred: Vec<f64> = numbers(n * 3 * h * w)
        .iter()
        .map(|x| 4.0 * x - 2.0)
        .collect();
    let target: Vec<i64> = numbers(n * h * w)
        .iter()
        .map(|x| (3.0 * x) as i64)
        .collect();
    let pred = Tensor::from_vec(pred, (n, 3, h, w), &Device::Cpu).expect("a tensor");
    let target = Tensor::from_vec(target, (n, h, w), &Device::Cpu).expect("a tensor");
    let tile = |y: usize, rows: usize, x: usize, columns: usize| {
        let cut = |tensor: &Tensor, at: usize| {
            let rows = tensor.narrow(at, y, rows).expect("a view");
            rows.narrow(at + 1, x, columns).expect("a view")
        };
        Inputs::from([("pred", &cut(&pred, 2)), ("target", &cut(&target, 1))])
    };
    for backend in Backend::ALL {
        let loss = Compiler::new()
            .backend(*backend)
            .compile(spec)
            .expect("a right spec");
        let whole = Inputs::from([("pred", &pred), ("target", &target)]);
        let (expected, gradients) = loss.gradients(whole).expect("a gradient");
        let sharded = loss
            .sharded(Sharding::along("S").gradient("pred"))
            .expect("sums");
        let tiles = [tile(0, 5, 0, 11), tile(5, 8, 0, 4), tile(5, 8, 4, 7)];
        let pooled = sharded.pool(&tiles).expect("pooled");
        let [top, left, right] = tiles.map(|tile| {
            let (outcome, parts) = sharded.gradients(tile, &pooled).expect("a gradient");
            assert!(close(&flat(&outcome.total), &flat(&expected.total), 1e-12));
            assert!(close(
                &[outcome.reports[0].1],
                &[expected.reports[0].1],
                1e-12
            ));
            parts[0].1.clone()
        });
        let bottom = Tensor::cat(&[left, right], 3).expect("tiles");
        let all = Tensor::cat(&[top, bottom], 2).expect("tiles");
        assert!(
            close(&flat(&all), &flat(&gradients[0].1), 1e-11),
            "{}",
            backend.name()
        );
    }
}

/// Through Candle's autograd: tensors that shards have in common get their share from each.
#[test]
fn backward_passes_add_up() {
    let spec = "input pred: logits[N, C] over C\ninput target: labels[N] of C\ninput log_var: scalar\n\
        input scale: real[C]\n\
        minimize exp(-log_var)*ce() + log_var^2 + dice(over=[batch]) + mean(scale^2*mean[batch](pred))";
    let given = samples();
    let device = &Device::Cpu;
    for backend in Backend::ALL {
        let loss = Compiler::new()
            .backend(*backend)
            .compile(spec)
            .expect("a right spec");
        let log_var = Var::new(0.3f64, device).expect("a variable");
        let scale = Var::new(&[0.5f64, 1.0, -2.0], device).expect("a variable");
        let pred = Var::from_tensor(&given[0].1).expect("a variable");
        let shared = |inputs: Inputs| inputs.tensor("log_var", &log_var).tensor("scale", &scale);
        let batch = |from: usize, n: usize| {
            let pred = pred.narrow(0, from, n).expect("a view");
            let target = given[1].1.narrow(0, from, n).expect("a view");
            shared(Inputs::from([("pred", &pred), ("target", &target)]))
        };
        let whole = loss.run(batch(0, N)).expect("a value");
        let expected = whole.total.backward().expect("gradients");

        let sharding = Sharding::batch()
            .gradient("pred")
            .gradient("scale")
            .gradient("log_var");
        let sharded = loss.sharded(sharding).expect("sums");
        let shards = [batch(0, 30), batch(30, 70), batch(100, 28)];
        let pooled = sharded.pool(&shards).expect("pooled");
        let mut stores = Vec::new();
        for shard in shards {
            let outcome = sharded.finish(shard, &pooled).expect("a value");
            assert!(close(&flat(&outcome.total), &flat(&whole.total), 1e-12));
            // An upstream factor goes through.
            let half = (outcome.total * 0.5).expect("a scalar");
            stores.push(half.backward().expect("gradients"));
        }
        for var in [&pred, &log_var, &scale] {
            let parts = stores
                .iter()
                .map(|store| store.get(var).expect("a gradient"));
            let sum = parts.fold(var.zeros_like().expect("zeros"), |sum, part| {
                (sum + part).expect("one shape")
            });
            let wanted = flat(expected.get(var).expect("a gradient"));
            let wanted: Vec<f64> = wanted.iter().map(|x| 0.5 * x).collect();
            assert!(close(&flat(&sum), &wanted, 1e-11), "{}", backend.name());
        }
    }
}

/// What comes back from an all-reduce or from another process is as good as one's own.
#[test]
fn statistics_travel_as_numbers() {
    let given = samples();
    let loss = Loss::compile("dice(over=[batch, space]) + ce()").expect("a right spec");
    let sharded = loss
        .sharded(Sharding::batch().gradient("pred"))
        .expect("sums");
    let shards: Vec<Inputs> = shards(&given, 0, &[60, 68]).iter().map(inputs).collect();
    let begin = sharded.begin();
    let parts = shards
        .iter()
        .map(|shard| sharded.partial(shard.clone(), &begin));
    let parts: Vec<_> = parts.collect::<Result<_, _>>().expect("statistics");
    let mut gathered = sharded.begin();
    let received = [
        parts[0].with_values(parts[0].values().to_vec()),
        parts[0].with_values(parts[1].values().to_vec()),
    ];
    sharded.merge(&mut gathered, &received).expect("pooled");
    assert_eq!(gathered, sharded.pool(&shards).expect("pooled"));

    let merges = parts[0].merges();
    let pairs = parts[0].values().iter().zip(parts[1].values());
    let reduced = merges.iter().zip(pairs);
    let reduced: Vec<f64> = reduced
        .map(|(merge, (a, b))| merge.pool(&[*a, *b]).expect("the same spec"))
        .collect();
    let mut all = sharded.begin();
    sharded
        .merge(&mut all, &[parts[0].with_values(reduced)])
        .expect("pooled");
    assert_eq!(all, gathered);
    assert_eq!(all.shards(), 2);
}

/// In f32 the statistics are f64 all the same, and the value is as near as that of the batch.
#[test]
fn single_precision_pools_in_double() {
    let given: Given = samples()
        .into_iter()
        .map(|(name, x)| {
            let x = if x.dtype().is_float() {
                x.to_dtype(DType::F32).expect("f32")
            } else {
                x
            };
            (name, x)
        })
        .collect();
    let spec = "dice(over=[batch, space], weight=[1, 2, 3]) + ce() + std";
    let spec = spec.replace("std", "mean((pred - mean[batch](pred))^2)");
    for backend in [Backend::Fused, Backend::Candle] {
        let loss = Compiler::new()
            .backend(backend)
            .compile(&spec)
            .expect("a right spec");
        let sharded = loss
            .sharded(Sharding::batch().gradient("pred"))
            .expect("sums");
        let shards: Vec<Inputs> = shards(&given, 0, &[60, 68]).iter().map(inputs).collect();
        let pooled = sharded.pool(&shards).expect("pooled");
        let (whole, gradients) = loss.gradients(inputs(&given)).expect("a gradient");
        let mut parts = Vec::new();
        for shard in shards {
            let (outcome, part) = sharded.gradients(shard, &pooled).expect("a gradient");
            assert_eq!(outcome.total.dtype(), DType::F32);
            assert!(close(&flat(&outcome.total), &flat(&whole.total), 1e-6));
            parts.push(part[0].1.clone());
        }
        let parts = Tensor::cat(&parts, 0).expect("stretches");
        assert_eq!(parts.dtype(), DType::F32);
        assert!(close(&flat(&parts), &flat(&gradients[0].1), 1e-6));
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let given = samples();
    let whole = || inputs(&given);
    let compile = |spec: &str| Loss::compile(spec).expect("a right spec");
    let mut messages = String::new();
    let mut tell = |error: Error| messages += &format!("{error}\n\n");
    let sharded = |spec: &str, sharding: Sharding| compile(spec).sharded(sharding);

    let sorts = "task multiclass\nterm hard = lovasz_softmax()\nminimize hard + ce()\n\
        report rank = mean(sort[batch, space](pick(pred, target)))";
    tell(sharded(sorts, Sharding::batch()).expect_err("a sort"));
    let pairs = "input pred: real[N, D]\ninput target: real[N, D]\nminimize ntxent()";
    tell(sharded(pairs, Sharding::batch()).expect_err("pairs"));
    tell(sharded("ce()", Sharding::along("s")).expect_err("no axis"));
    tell(sharded("ce()", Sharding::batch().gradient("prd")).expect_err("no input"));
    let fixed = "axis N = 4\ninput pred: real[N, D]\nminimize mean(pred)";
    tell(sharded(fixed, Sharding::batch()).expect_err("a fixed size"));
    let no_batch = "input pred: real[D]\naxis D: space\nminimize mean(pred)";
    tell(sharded(no_batch, Sharding::batch()).expect_err("no batch"));

    let weighted = "param a: real = 0.5\nminimize a*dice() + ce()";
    let spec = compile(weighted);
    let sharded = spec.sharded(Sharding::batch()).expect("sums");
    let begin = sharded.begin();
    tell(
        sharded
            .finish(whole(), &begin)
            .expect_err("nothing is pooled"),
    );
    let mut pooled = sharded.begin();
    tell(sharded.merge(&mut pooled, &[]).expect_err("no shards"));
    let one = sharded.partial(whole(), &begin).expect("statistics");
    let other = sharded
        .partial(whole().scalar("a", 0.25), &begin)
        .expect("statistics");
    tell(
        sharded
            .merge(&mut pooled, &[one.clone(), other])
            .expect_err("params differ"),
    );
    let short = sharded.merge(&mut pooled, &[one.clone(), one.with_values(vec![1.0])]);
    tell(short.expect_err("too few numbers"));
    sharded
        .merge(&mut pooled, std::slice::from_ref(&one))
        .expect("one shard");
    tell(
        sharded
            .partial(whole(), &pooled)
            .expect_err("all is pooled"),
    );
    tell(
        sharded
            .merge(&mut pooled, &[one])
            .expect_err("all is pooled"),
    );
    tell(
        sharded
            .finish(whole().scalar("a", 0.25), &pooled)
            .expect_err("another param"),
    );
    let two = given[0].1.narrow(1, 0, 2).expect("a view");
    let labels = given[1].1.zeros_like().expect("zeros");
    let two = Inputs::from([("pred", &two), ("target", &labels)]);
    tell(sharded.finish(two, &pooled).expect_err("fewer classes"));
    let pred = Var::from_tensor(&given[0].1).expect("a variable");
    tell(
        sharded
            .finish(whole().tensor("pred", &pred), &pooled)
            .expect_err("tracked"),
    );
    insta::assert_snapshot!(messages);
}

/// A mean that is subtracted is pooled before the squares are.
#[test]
fn statistics_of_statistics_take_rounds() {
    let spec = "input pred: real[N, D]\nminimize mean((pred - mean[batch](pred))^2)";
    let loss = Loss::compile(spec).expect("a right spec");
    let rounds = lossc::shard::split(loss.value_graph(), lossc::ir::DimId(0), 1);
    let rounds = rounds.expect("sums");
    let graphs = rounds.rounds.iter().map(|round| &round.graph);
    let text: Vec<String> = graphs
        .chain([&rounds.value])
        .map(lossc::ir::print)
        .collect();
    for graph in &text {
        let read = lossc::ir::parse(graph).expect("the text form of a graph");
        assert_eq!(lossc::ir::print(&read), *graph);
    }
    insta::assert_snapshot!(text.join("\n"));
}
