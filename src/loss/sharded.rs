//! [`Sharded`]: a compiled spec for a batch that is seen in shards.

use super::statistics::{Part, Pooled, Statistics};
use super::{Loss, Outcome, Variant, differentiable, outcome, tracked};
use crate::diag::{Code, Diagnostic, and_list, nearest, or_list};
use crate::error::Error;
use crate::hir::{InputAxis, InputSource};
use crate::ir::{DimId, DimSize, Dims, Role};
use crate::run::{self, BoundInputs, Inputs, Prepared, autograd};
use crate::shard::{self, LooksAt, Merge, Obstacle, Rounds, Statistic};
use crate::signature::{Signature, What};
use candle_core::{DType, Device, Tensor};
use std::sync::{Arc, Mutex, PoisonError};

/// How a batch is split into shards, and whose gradients are wanted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sharding {
    /// The axis; `None` is the batch axis, whatever it is called.
    axis: Option<String>,
    wanted: Vec<String>,
}

impl Sharding {
    /// Along the batch axis: micro-batches, ranks of a data-parallel run.
    pub fn batch() -> Sharding {
        Sharding {
            axis: None,
            wanted: Vec::new(),
        }
    }

    /// Along an axis by its name in the spec, or along a pack: tiles of a volume. The order of
    /// entries in a pack does not matter, so tiles may be cut along several of its axes at once.
    pub fn along(axis: impl Into<String>) -> Sharding {
        Sharding {
            axis: Some(axis.into()),
            wanted: Vec::new(),
        }
    }

    /// Asks for the gradient by an input. What is not asked for needs no statistics.
    pub fn gradient(mut self, input: impl Into<String>) -> Sharding {
        let input = input.into();
        if !self.wanted.contains(&input) {
            self.wanted.push(input);
        }
        self
    }
}

/// A loss of a batch that is seen in shards: the loss of the whole batch, and its gradient, from tensors
/// of one shard at a time and a few pooled numbers.
///
/// Every shard computes statistics ([`Sharded::partial`]), all of them are pooled
/// ([`Sharded::merge`]), and from what is pooled any shard has the loss ([`Sharded::finish`]) and its own
/// part of the gradient ([`Sharded::gradients`]). Most losses need one round of this; one whose
/// statistics depend on others, such as a variance, needs more.
///
/// The parts of the gradient **add up**: along the sharded axis each is a stretch of the
/// gradient of the batch, and of an input that all shards have in common each gives its share, so that the sum over
/// shards is the gradient of the batch. (A mean of the gradients of ranks must be multiplied
/// by their number.)
///
/// ```
/// use lossc::candle_core::{Device, Tensor};
/// use lossc::{Inputs, Loss, Sharding};
///
/// # fn main() -> Result<(), lossc::Error> {
/// let loss = Loss::compile("wce([0.2, 0.8])")?;
/// let pred = Tensor::new(&[[2f64, 0.], [0., 3.], [1., 1.]], &Device::Cpu)?;
/// let target = Tensor::new(&[0i64, 1, 1], &Device::Cpu)?;
/// let shard = |from: usize, n: usize| -> Result<Inputs, lossc::Error> {
///     let (pred, target) = (pred.narrow(0, from, n)?, target.narrow(0, from, n)?);
///     Ok(Inputs::from([("pred", &pred), ("target", &target)]))
/// };
/// let shards = [shard(0, 1)?, shard(1, 2)?];
///
/// let sharded = loss.sharded(Sharding::batch().gradient("pred"))?;
/// let pooled = sharded.pool(&shards)?;
/// let (outcome, gradients) = sharded.gradients(shards[0].clone(), &pooled)?;
///
/// let whole = loss.run([("pred", &pred), ("target", &target)])?;
/// let (a, b) = (outcome.total.to_scalar::<f64>()?, whole.total.to_scalar::<f64>()?);
/// assert!((a - b).abs() < 1e-12);
/// assert_eq!(gradients[0].1.dims(), [1, 2]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Sharded {
    loss: Loss,
    sharding: Sharding,
    cuts: Arc<Mutex<Vec<Arc<Cut>>>>,
}

/// A variant of the loss, cut into rounds.
struct Cut {
    variant: Arc<Variant>,
    /// That of the variant, except that a shard may have a single entry where a softmax runs over the batch.
    signature: Signature,
    /// The inputs whose gradients are wanted.
    wanted: Vec<u32>,
    /// The dims that are not the same in every shard.
    varying: Vec<bool>,
    rounds: Vec<(Prepared, Vec<Statistic>)>,
    value: Prepared,
    gradient: Prepared,
    /// The inputs whose gradient is that of the batch in every shard.
    whole: Vec<u32>,
    /// Of the spec and of how it is cut.
    fingerprint: f64,
}

impl std::fmt::Debug for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cut")
            .field("rounds", &self.rounds.len())
            .finish_non_exhaustive()
    }
}

impl Loss {
    /// The loss for a batch that is seen in shards.
    ///
    /// # Errors
    /// [`Error::Spec`] if a part of the loss looks along the sharded axis otherwise than by sums and other
    /// reductions, with its place (a sort, a comparison of all pairs); [`Error::Inputs`] if the axis or an input
    /// whose gradient is asked for does not exist. A spec that looks at the axes of a pack one
    /// by one is asked again for each number of axes.
    pub fn sharded(&self, sharding: Sharding) -> Result<Sharded, Error> {
        let sharded = Sharded {
            loss: self.clone(),
            sharding,
            cuts: Arc::default(),
        };
        sharded.cut(&self.0.first)?;
        Ok(sharded)
    }
}

impl Sharded {
    /// What is known before any shard is seen: nothing.
    pub fn begin(&self) -> Pooled {
        let cuts = self.cuts.lock().unwrap_or_else(PoisonError::into_inner);
        Pooled {
            rounds: cuts.first().map_or(1, |cut| cut.rounds.len()),
            known: Vec::new(),
        }
    }

    /// What a shard adds to the round that follows on `pooled`.
    ///
    /// # Errors
    /// As [`Loss::run`], and [`Error::Inputs`] if the shard does not fit what is pooled.
    pub fn partial(&self, inputs: impl Into<Inputs>, pooled: &Pooled) -> Result<Statistics, Error> {
        let (cut, bound) = self.bind(&inputs.into(), pooled)?;
        let round = pooled.known.len();
        let Some((prepared, statistics)) = cut.rounds.get(round) else {
            return Err(self.wrong("everything is pooled already"));
        };
        let (mut layout, mut values) = cut.common(&bound)?;
        if !statistics.is_empty() {
            let further = cut.further(&bound, pooled)?;
            let backend = run::backend_for(self.loss.0.backend, &bound);
            let outputs = run::execute(backend, prepared, &bound, &further)?;
            for (i, (statistic, output)) in statistics.iter().zip(&outputs).enumerate() {
                let numbers = output.to_dtype(DType::F64)?.flatten_all()?;
                layout.push(Part {
                    what: format!("statistic {i}"),
                    merge: statistic.merge,
                    len: numbers.elem_count(),
                });
                values.extend(numbers.to_vec1::<f64>()?);
            }
        }
        Ok(Statistics {
            round,
            rounds: cut.rounds.len(),
            layout: Arc::new(layout),
            values,
        })
    }

    /// Pools the statistics of all shards of the batch, in the order of the shards: the same
    /// statistics in the same order give the same bits.
    ///
    /// # Errors
    /// [`Error::Inputs`] if the statistics are of different rounds or specs, or if scalars or
    /// the sizes of other axes differ from shard to shard.
    pub fn merge(&self, pooled: &mut Pooled, parts: &[Statistics]) -> Result<(), Error> {
        let pool = pooled.pool(parts);
        pool.map_err(|diagnostic| self.loss.misfit(vec![*diagnostic]))
    }

    /// All rounds, where one process holds all shards.
    ///
    /// # Errors
    /// As [`Sharded::partial`] and [`Sharded::merge`].
    pub fn pool(&self, shards: &[Inputs]) -> Result<Pooled, Error> {
        let mut pooled = self.begin();
        while !pooled.is_complete() {
            let parts = shards
                .iter()
                .map(|shard| self.partial(shard.clone(), &pooled));
            let parts: Vec<Statistics> = parts.collect::<Result<_, Error>>()?;
            self.merge(&mut pooled, &parts)?;
        }
        Ok(pooled)
    }

    /// The value of the loss of the whole batch, its terms and reports. The inputs are those of any shard.
    ///
    /// The total takes part in `backward()` for those tensors whose gradients were asked for and which
    /// Candle tracks; they get this shard's part of the gradient.
    ///
    /// # Errors
    /// As [`Loss::run`]; [`Error::Inputs`] if rounds are missing, if the shard does not fit what is
    /// pooled, or if Candle tracks a tensor whose gradient was not asked for.
    pub fn finish(&self, inputs: impl Into<Inputs>, pooled: &Pooled) -> Result<Outcome, Error> {
        let (cut, bound) = self.complete(&inputs.into(), pooled)?;
        let tracked = tracked(&cut.variant.signature, &bound);
        if let Some(&input) = tracked.iter().find(|input| !cut.wanted.contains(input)) {
            let name = &cut.variant.signature.slots[input as usize].name;
            let message = format!("Candle tracks `{name}`, and its gradient was not asked for");
            let help =
                format!("ask for it with `Sharding::gradient(\"{name}\")`, or detach the tensor");
            let diagnostic = Diagnostic::error(Code::BadShard, message).help(help);
            return Err(self.loss.misfit(vec![diagnostic]));
        }
        let further = cut.further(&bound, pooled)?;
        let backend = run::backend_for(self.loss.0.backend, &bound);
        let outputs = run::execute(backend, &cut.value, &bound, &further)?;
        let mut outcome = outcome(&cut.variant, cut.value.graph(), &outputs)?;
        if !tracked.is_empty() {
            let given = |input: &u32| bound.inputs[*input as usize].given.clone();
            let tensors: Vec<Tensor> = tracked.iter().filter_map(given).collect();
            let (sharded, pooled) = (self.clone(), pooled.clone());
            let gradients: autograd::Gradients = Arc::new(move |upstream, which| {
                let wanted: Vec<u32> = which.iter().map(|&i| tracked[i]).collect();
                let (_, parts) = sharded.run_gradient(&cut, &bound, &pooled, &wanted)?;
                let scaled = parts.iter().map(|part| {
                    let factor = upstream.reshape(())?.to_dtype(part.dtype())?;
                    part.broadcast_mul(&factor)
                });
                scaled.collect()
            });
            outcome.total = autograd::attach(&outcome.total, &tensors, gradients)?;
        }
        Ok(outcome)
    }

    /// The value of the loss of the whole batch, and the part of its gradient that this shard has, by those
    /// inputs for which it was asked and a floating tensor is given; each has the shape and the element type of
    /// its tensor.
    ///
    /// # Errors
    /// As [`Loss::run`]; [`Error::Inputs`] if rounds are missing, or if the shard does not fit
    /// what is pooled.
    pub fn gradients(
        &self,
        inputs: impl Into<Inputs>,
        pooled: &Pooled,
    ) -> Result<(Outcome, Vec<(String, Tensor)>), Error> {
        let (cut, bound) = self.complete(&inputs.into(), pooled)?;
        let mut wanted = cut.wanted.clone();
        wanted.retain(|&input| {
            let given = &bound.inputs[input as usize].given;
            given.as_ref().is_some_and(|given| given.dtype().is_float())
        });
        let (outcome, parts) = self.run_gradient(&cut, &bound, pooled, &wanted)?;
        let slots = &cut.variant.signature.slots;
        let names = wanted.iter().map(|&i| slots[i as usize].name.clone());
        Ok((outcome, names.zip(parts).collect()))
    }

    fn run_gradient(
        &self,
        cut: &Cut,
        bound: &BoundInputs,
        pooled: &Pooled,
        wanted: &[u32],
    ) -> candle_core::Result<(Outcome, Vec<Tensor>)> {
        let backend = run::backend_for(self.loss.0.backend, bound);
        let further = cut.further(bound, pooled)?;
        let outputs = run::execute(backend, &cut.gradient, bound, &further)?;
        let graph = cut.gradient.graph();
        let mut parts = Vec::with_capacity(wanted.len());
        for &input in wanted {
            let is_it = |o: &crate::ir::Output| o.role == Role::Grad(input);
            let at = graph.outputs.iter().position(is_it);
            let (Some(at), Some(given)) = (at, &bound.inputs[input as usize].given) else {
                candle_core::bail!("input {input} has no gradient")
            };
            let what = &cut.variant.signature.slots[input as usize].what;
            let gradient = run::from_canonical(what, &outputs[at], given)?;
            parts.push(match cut.whole.contains(&input) {
                true => (gradient / pooled.shards().max(1) as f64)?,
                false => gradient,
            });
        }
        Ok((outcome(&cut.variant, graph, &outputs)?, parts))
    }

    /// Binds a shard for what comes after the last round.
    fn complete(&self, inputs: &Inputs, pooled: &Pooled) -> Result<(Arc<Cut>, BoundInputs), Error> {
        let bound = self.bind(inputs, pooled)?;
        if pooled.is_complete() {
            Ok(bound)
        } else {
            let (done, all) = (pooled.known.len(), pooled.rounds);
            Err(self.wrong(&format!("{done} of {all} rounds are pooled")))
        }
    }

    /// Binds a shard, and holds it to what is pooled.
    fn bind(&self, inputs: &Inputs, pooled: &Pooled) -> Result<(Arc<Cut>, BoundInputs), Error> {
        let variant = self.loss.variant(&|name| inputs.shape(name))?;
        let cut = self.cut(&variant)?;
        let bound = self.loss.bind_to(&variant, &cut.signature, inputs)?;
        if let Some(known) = pooled.known.first() {
            let (layout, values) = cut.common(&bound)?;
            let pairs = layout.iter().zip(values).zip(&known.values);
            for ((part, here), &there) in pairs {
                if part.merge == Merge::Same && here.to_bits() != there.to_bits() {
                    return Err(self.wrong(&format!(
                        "{} is {here} in this shard and {there} in those that are pooled",
                        part.what
                    )));
                }
            }
        }
        Ok((cut, bound))
    }

    fn wrong(&self, message: &str) -> Error {
        let diagnostic = Diagnostic::error(Code::BadShard, message);
        self.loss.misfit(vec![diagnostic])
    }

    /// The cut of a variant.
    fn cut(&self, variant: &Arc<Variant>) -> Result<Arc<Cut>, Error> {
        let mut cuts = self.cuts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cut) = cuts.iter().find(|cut| Arc::ptr_eq(&cut.variant, variant)) {
            return Ok(cut.clone());
        }
        let (axis, dim) = self.axis(variant)?;
        let wanted = self.wanted(variant)?;
        let prepared = (!wanted.is_empty()).then(|| variant.gradient(&wanted));
        let graph = prepared.as_ref().map_or(&variant.value, |p| &**p).graph();
        if let DimSize::Fixed(size) = graph.dims[dim.index()].size {
            return Err(self.wrong(&format!(
                "the spec fixes the size of `{axis}` to {size}, so no shard of it fits"
            )));
        }
        let slots = variant.signature.slots.len();
        let rounds = shard::split(graph, dim, slots)
            .map_err(|obstacles| self.refused(variant, &axis, &obstacles))?;
        let cut = Arc::new(Cut::new(variant.clone(), wanted, dim, rounds));
        cuts.push(cut.clone());
        Ok(cut)
    }

    /// The axis of the shards: its name, and its dim.
    fn axis(&self, variant: &Variant) -> Result<(String, DimId), Error> {
        let axes = axes(variant);
        let fits = |known: &&Axis| match &self.sharding.axis {
            Some(name) => known.name == name.trim_start_matches("..."),
            None => known.batch,
        };
        let found: Vec<&Axis> = axes.iter().filter(fits).collect();
        if let [one] = found[..] {
            return Ok((one.name.clone(), one.dim));
        }
        let quoted = |list: &[&Axis]| -> Vec<String> {
            list.iter().map(|axis| format!("`{}`", axis.name)).collect()
        };
        let all: Vec<&Axis> = axes.iter().collect();
        let (message, help) = match &self.sharding.axis {
            Some(name) => (
                format!("no input has an axis `{name}` that the loss depends on"),
                match nearest(name, axes.iter().map(|axis| &*axis.name)) {
                    Some(near) => format!("a similar name is `{near}`"),
                    None => format!("there are {}", and_list(&quoted(&all))),
                },
            ),
            None if found.is_empty() => (
                "no input has a batch axis that the loss depends on".to_string(),
                format!("shard along {}", or_list(&quoted(&all))),
            ),
            None => (
                format!("{} are batch axes", and_list(&quoted(&found))),
                "say which with `Sharding::along`".to_string(),
            ),
        };
        let diagnostic = Diagnostic::error(Code::BadShard, message).help(help);
        Err(self.loss.misfit(vec![diagnostic]))
    }

    /// The inputs whose gradients are asked for.
    fn wanted(&self, variant: &Variant) -> Result<Vec<u32>, Error> {
        let slots = &variant.signature.slots;
        let mut can = differentiable(&variant.signature);
        let scalars = slots.iter().enumerate();
        can.extend(
            scalars
                .filter(|(_, slot)| !matches!(slot.what, What::Tensor { .. }))
                .map(|(i, _)| i as u32),
        );
        let mut wanted = Vec::new();
        for name in &self.sharding.wanted {
            match can.iter().find(|&&i| slots[i as usize].name == *name) {
                Some(&input) => wanted.push(input),
                None => {
                    let names = can.iter().map(|&i| format!("`{}`", slots[i as usize].name));
                    let names: Vec<String> = names.collect();
                    let message = format!("there is no gradient by `{name}`");
                    let help = format!("there is one by {}", and_list(&names));
                    let diagnostic = Diagnostic::error(Code::UnknownInput, message).help(help);
                    return Err(self.loss.misfit(vec![diagnostic]));
                }
            }
        }
        wanted.sort_unstable();
        Ok(wanted)
    }

    /// The message for what shards cannot compute: one for each term or report.
    fn refused(&self, variant: &Variant, axis: &str, obstacles: &[Obstacle]) -> Error {
        let mut told: Vec<Vec<String>> = Vec::new();
        let mut diagnostics = Vec::new();
        let mut obstacles: Vec<&Obstacle> = obstacles.iter().collect();
        obstacles.sort_by_key(|obstacle| obstacle.looks_at);
        for obstacle in obstacles {
            let hir = &variant.hir;
            let mut names = Vec::new();
            let mut term = None;
            for role in &obstacle.outputs {
                match role {
                    Role::Term(i) => {
                        let found = &hir.terms[*i as usize];
                        term = term.or(Some(found.span));
                        names.push(format!("`{}`", found.name));
                    }
                    Role::Report(i) => {
                        names.push(format!("the report `{}`", hir.reports[*i as usize].name));
                    }
                    Role::Total | Role::Weight(_) | Role::Grad(_) | Role::Statistic(_) => {}
                }
            }
            if names.is_empty() {
                names.push("the total".into());
            }
            if told.contains(&names) {
                continue;
            }
            let why = match obstacle.looks_at {
                LooksAt::Pairs => format!("this compares the entries along `{axis}` in pairs"),
                LooksAt::Order => format!("this looks at the order of the entries along `{axis}`"),
                LooksAt::Places => format!("this looks at places or neighbours along `{axis}`"),
            };
            let message = format!(
                "{} cannot be pooled over shards of `{axis}`",
                and_list(&names)
            );
            let mut diagnostic =
                Diagnostic::error(Code::CannotPool, message).at(obstacle.span, why);
            if let Some(span) = term.filter(|span| *span != obstacle.span) {
                diagnostic = diagnostic.also(span, "in this term");
            }
            diagnostics.push(
                diagnostic
                    .note("a shard knows its own entries and, of the others, sums and extrema")
                    .help("run it on the whole batch, or shard along another axis"),
            );
            told.push(names);
        }
        Error::Spec(crate::error::Report {
            diagnostics,
            sources: self.loss.0.sources.clone(),
        })
    }
}

impl Cut {
    fn new(variant: Arc<Variant>, wanted: Vec<u32>, dim: DimId, rounds: Rounds) -> Cut {
        let mut varying: Vec<bool> = Vec::new();
        for (i, known) in rounds.value.dims.iter().enumerate() {
            varying.push(match known.size {
                DimSize::Slice { of, .. } | DimSize::Same(of) | DimSize::Blocks { of, .. } => {
                    varying[of.index()]
                }
                DimSize::Bound | DimSize::Fixed(_) => i == dim.index(),
            });
        }
        let fingerprint = fingerprint(&rounds);
        let round = |round: shard::Round| (Prepared::new(round.graph), round.statistics);
        let mut list: Vec<(Prepared, Vec<Statistic>)> =
            rounds.rounds.into_iter().map(round).collect();
        if list.is_empty() {
            // What all shards have in common is compared, whatever else there is to pool.
            list.push((Prepared::new(rounds.value.empty_like()), Vec::new()));
        }
        let mut signature = variant.signature.clone();
        signature.dims[dim.index()].softmax = None;
        Cut {
            variant,
            signature,
            wanted,
            varying,
            rounds: list,
            value: Prepared::new(rounds.value),
            gradient: Prepared::new(rounds.gradient),
            whole: rounds.whole,
            fingerprint,
        }
    }

    /// What every shard tells, whatever the loss: that it is one, and what must be the same in all.
    fn common(&self, bound: &BoundInputs) -> candle_core::Result<(Vec<Part>, Vec<f64>)> {
        let mut layout = Vec::new();
        let mut values = Vec::new();
        let mut tell = |what: String, merge: Merge, value: f64| {
            layout.push(Part {
                what,
                merge,
                len: 1,
            });
            values.push(value);
        };
        tell("the number of shards".into(), Merge::Sum, 1.0);
        tell("the spec".into(), Merge::Same, self.fingerprint);
        let signature = &self.variant.signature;
        for (i, fact) in signature.dims.iter().enumerate() {
            if !self.varying[i] {
                let what = format!("the size of `{}`", fact.name);
                tell(what, Merge::Same, bound.sizes.0[i] as f64);
            }
        }
        for (slot, one) in signature.slots.iter().zip(&bound.inputs) {
            if !matches!(slot.what, What::Tensor { .. }) {
                let value = run::scalar_value(&one.canonical)?;
                tell(format!("`{}`", slot.name), Merge::Same, value);
            }
        }
        Ok((layout, values))
    }

    /// The pooled statistics, as the graphs of later rounds take them.
    fn further(&self, bound: &BoundInputs, pooled: &Pooled) -> candle_core::Result<Vec<Tensor>> {
        let mut tensors = Vec::new();
        for ((_, statistics), known) in self.rounds.iter().zip(&pooled.known) {
            let shape = |dims: &Dims| bound.sizes.shape(dims);
            let count: usize = statistics
                .iter()
                .map(|s| shape(&s.dims).iter().product::<usize>())
                .sum();
            let Some(first) = known.values.len().checked_sub(count) else {
                candle_core::bail!("{count} statistics were expected")
            };
            let mut rest = &known.values[first..];
            for statistic in statistics {
                let shape = shape(&statistic.dims);
                let (own, others) = rest.split_at(shape.iter().product());
                tensors.push(Tensor::from_slice(own, shape, &Device::Cpu)?);
                rest = others;
            }
        }
        Ok(tensors)
    }
}

/// An axis of the tensors that are bound.
struct Axis {
    name: String,
    batch: bool,
    dim: DimId,
}

/// The axes that the loss depends on, in the order of the inputs.
fn axes(variant: &Variant) -> Vec<Axis> {
    let mut list: Vec<Axis> = Vec::new();
    for (input, slot) in variant.hir.inputs.iter().zip(&variant.signature.slots) {
        let (InputSource::Tensor(axes), What::Tensor { axes: dims, .. }) =
            (&input.source, &slot.what)
        else {
            continue;
        };
        let ids = axes.iter().flat_map(|axis| match axis {
            InputAxis::Axis(id) => vec![*id],
            InputAxis::Pack { axes, .. } => axes.clone(),
            InputAxis::One => Vec::new(),
        });
        for (id, dim) in ids.zip(run::merged_dims(dims)) {
            let known = variant.hir.axes.get(id);
            if list.iter().all(|axis| axis.dim != dim) {
                list.push(Axis {
                    name: known.name.trim_start_matches("...").to_string(),
                    batch: known.role == crate::hir::Role::Batch,
                    dim,
                });
            }
        }
    }
    list
}

/// A number that differs between specs, and between ways to cut them: FNV-1a of their graphs, as many bits as an
/// f64 holds.
fn fingerprint(rounds: &Rounds) -> f64 {
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    let graphs = rounds.rounds.iter().map(|round| &round.graph);
    for graph in graphs.chain([&rounds.value, &rounds.gradient]) {
        for byte in crate::ir::print(graph).bytes() {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    (hash >> 12) as f64
}
