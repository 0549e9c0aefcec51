//! [`Loss`]: a compiled spec. The only file that knows every stage.
//!
//! Compiled once, run often: checking and lowering happen in [`Compiler::compile`], the gradient
//! graph is derived when it is first asked for, and nothing is compiled again when sizes, params
//! or scalars change. A spec that looks at the axes of a pack one by one is lowered once for each
//! number of axes that it meets.

mod sharded;
mod statistics;

pub use sharded::{Sharded, Sharding};
pub use statistics::{Pooled, Statistics};

use crate::ast::{self, Ast};
use crate::diag::{Code, Diagnostic, Diagnostics};
use crate::error::{Error, Report};
use crate::hir::{self, Hir};
use crate::ir::{Graph, Role};
use crate::library::{self, Draft, USER};
use crate::lint;
use crate::lower;
use crate::module::{self, Loader, Unit};
use crate::passes;
use crate::run::{self, Array, Backend, BoundInputs, Inputs, LabelRule, Prepared, autograd};
use crate::signature::{Check, Signature, What};
use crate::source::SourceMap;
use candle_core::Tensor;
use candle_core::backprop::GradStore;
use std::sync::{Arc, Mutex, PoisonError};

/// How a spec is compiled.
#[derive(Clone)]
pub struct Compiler {
    name: String,
    backend: Option<Backend>,
    loader: Option<Arc<dyn Loader>>,
    draft: Option<Arc<Draft>>,
}

impl std::fmt::Debug for Compiler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Compiler")
            .field("name", &self.name)
            .field("backend", &self.backend)
            .field("loader", &self.loader.is_some())
            .field("draft", &self.draft.is_some())
            .finish()
    }
}

impl Default for Compiler {
    fn default() -> Compiler {
        Compiler::new()
    }
}

impl Compiler {
    /// The usual settings.
    pub fn new() -> Compiler {
        Compiler {
            name: "<spec>".to_string(),
            backend: None,
            loader: None,
            draft: None,
        }
    }

    /// How messages call the file.
    pub fn name(mut self, name: impl Into<String>) -> Compiler {
        self.name = name.into();
        self
    }

    /// What runs the spec.
    pub fn backend(mut self, backend: Backend) -> Compiler {
        self.backend = Some(backend);
        self
    }

    /// What reads the files that the spec names with `use`; without it a spec that names one is wrong.
    pub fn loader(mut self, loader: impl Loader + 'static) -> Compiler {
        self.loader = Some(Arc::new(loader));
        self
    }

    /// The compiler for which a text stands for the file of the standard library that its name is the path
    /// of; `None` if it is not.
    pub(crate) fn drafting(&self, text: &str) -> Option<Compiler> {
        let draft = Some(Arc::new(Draft::of(&self.name, text)?));
        Some(Compiler {
            draft,
            ..self.clone()
        })
    }

    /// Parses and checks a spec, and returns it with its modules.
    ///
    /// # Errors
    /// [`Error::Spec`] with every mistake that was found, in the spec and in what it uses.
    pub fn check(&self, text: &str) -> Result<(Unit, Report), Error> {
        let (unit, _, warnings) = self.front(text)?;
        Ok((unit, warnings))
    }

    /// The text of a spec in canonical style, with all of its comments. It need only parse.
    ///
    /// # Errors
    /// [`Error::Spec`] with every mistake of syntax.
    pub fn format(&self, text: &str) -> Result<String, Error> {
        let mut diags = Diagnostics::default();
        let formatted = ast::format(USER, text, &mut diags);
        formatted.ok_or_else(|| Error::Spec(self.report(text, diags)))
    }

    /// The syntax tree of a spec that need not make sense, and the texts that its places are in.
    pub(crate) fn parse(&self, text: &str) -> Result<(Ast, Arc<SourceMap>), Error> {
        let mut diags = Diagnostics::default();
        let ast = ast::parse(USER, text, &mut diags);
        let report = self.report(text, diags);
        match ast {
            Some(ast) => Ok((ast, report.sources)),
            None => Err(Error::Spec(report)),
        }
    }

    fn report(&self, text: &str, diags: Diagnostics) -> Report {
        Report {
            diagnostics: diags.into_sorted(),
            sources: Arc::new(library::sources(&self.name, text, self.draft.as_deref())),
        }
    }

    /// Compiles a spec.
    pub fn compile(&self, text: &str) -> Result<Loss, Error> {
        let (unit, hir, warnings) = self.front(text)?;
        let sources = warnings.sources.clone();
        let ranks = hir.axes.packs().to_vec();
        let first = Arc::new(Variant::new(hir, &ranks));
        Ok(Loss(Arc::new(Inner {
            unit: Arc::new(unit),
            sources,
            warnings,
            backend: self.backend,
            variants: Mutex::new(vec![first.clone()]),
            first,
        })))
    }

    fn front(&self, text: &str) -> Result<(Unit, Hir, Report), Error> {
        let mut diags = Diagnostics::default();
        let (unit, sources) = library::read_ahead(text, || {
            let (loader, draft) = (self.loader.as_deref(), self.draft.clone());
            module::load(&self.name, text, loader, draft, &mut diags)
        });
        let hir = unit
            .as_ref()
            .and_then(|unit| hir::check(&unit.main, unit, &|_| None, &mut diags));
        if let Some(unit) = &unit {
            if let Some(hir) = &hir {
                lint::lint(&unit.main, hir, &mut diags);
            }
            for ast in unit.own() {
                let text = &sources.file(ast.span.file).text;
                lint::apply(ast, text, hir.is_some(), &mut diags);
            }
        }
        let report = Report {
            diagnostics: diags.into_sorted(),
            sources: Arc::new(sources),
        };
        match (unit, hir) {
            (Some(unit), Some(hir)) => Ok((unit, hir, report)),
            _ => Err(Error::Spec(report)),
        }
    }
}

/// A spec lowered for certain numbers of axes in its packs.
struct Variant {
    ranks: Vec<(String, Option<usize>)>,
    hir: Hir,
    signature: Signature,
    lowered: Graph,
    value: Prepared,
    checks: Vec<Check>,
    check_graph: Graph,
    /// Which labels need not be class numbers.
    labels: Option<LabelRule>,
    /// Gradient graphs by the inputs whose gradients they give.
    gradients: Mutex<Vec<(Vec<u32>, Arc<Prepared>)>>,
}

impl Variant {
    fn new(hir: Hir, ranks: &[(String, Option<usize>)]) -> Variant {
        let lowered = lower::lower(&hir);
        let value = passes::apply(lowered.clone(), passes::VALUE, &passes::Config::default());
        let checks = hir.checks.iter().map(|check| Check {
            range: check.range,
            what: check.what.clone(),
            span: check.span,
        });
        Variant {
            ranks: ranks.to_vec(),
            signature: lower::signature(&hir),
            checks: checks.collect(),
            check_graph: lower::lower_checks(&hir),
            labels: lower::lower_labels(&hir).map(|graphs| {
                let value = |graph| {
                    let config = passes::Config::default();
                    Prepared::new(passes::apply(graph, passes::VALUE, &config))
                };
                let places = graphs.places.into_iter();
                LabelRule {
                    counts: value(graphs.counts),
                    spared: graphs.spared,
                    places: places.map(|(i, graph)| (i, value(graph))).collect(),
                }
            }),
            gradients: Mutex::new(Vec::new()),
            lowered,
            value: Prepared::new(value),
            hir,
        }
    }

    fn gradient(&self, wanted: &[u32]) -> Arc<Prepared> {
        let mut known = self
            .gradients
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some((_, graph)) = known.iter().find(|(w, _)| w == wanted) {
            return graph.clone();
        }
        let config = passes::Config {
            wanted: wanted.to_vec(),
        };
        let graph = passes::apply(self.lowered.clone(), passes::GRADIENT, &config);
        let graph = Arc::new(Prepared::new(graph));
        known.push((wanted.to_vec(), graph.clone()));
        graph
    }
}

struct Inner {
    unit: Arc<Unit>,
    sources: Arc<SourceMap>,
    warnings: Report,
    backend: Option<Backend>,
    first: Arc<Variant>,
    variants: Mutex<Vec<Arc<Variant>>>,
}

/// A compiled spec. Cheap to clone, and shared between threads as it is.
#[derive(Clone)]
pub struct Loss(Arc<Inner>);

/// A term of a loss after a run.
#[derive(Clone, PartialEq, Debug)]
pub struct TermValue {
    /// Its name.
    pub name: String,
    /// Its value before weighting.
    pub raw: f64,
    /// Its factor in the total; `None` where it enters otherwise than by a factor.
    pub weight: Option<f64>,
}

impl TermValue {
    /// What it contributes to the total.
    pub fn weighted(&self) -> Option<f64> {
        self.weight.map(|weight| weight * self.raw)
    }
}

/// What a run returns.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The value that is minimized: a scalar tensor in f32, or f64 where an input is f64, on the
    /// device of the inputs. It takes part in `backward()` unless it comes from
    /// [`Loss::value_and_grad`] or [`Loss::gradients`].
    pub total: Tensor,
    /// The terms, in the order of the spec.
    pub terms: Vec<TermValue>,
    /// The reports, in the order of the spec.
    pub reports: Vec<(String, f64)>,
}

/// The stages whose results can be shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// The syntax tree, as canonical text.
    Ast,
    /// The checked spec, with types and inserted conversions.
    Typed,
    /// The tensor graph of value and gradient, after all passes.
    Ir,
    /// The tensor graph as Graphviz.
    Dot,
}

impl Loss {
    /// Compiles a spec with the usual settings.
    ///
    /// # Errors
    /// [`Error::Spec`] with every mistake that was found.
    pub fn compile(text: &str) -> Result<Loss, Error> {
        Compiler::new().compile(text)
    }

    /// What is suspicious about the spec.
    pub fn warnings(&self) -> &Report {
        &self.0.warnings
    }

    /// How messages call the files that the spec uses, those that come with the compiler included;
    /// each after those that it uses itself.
    pub fn modules(&self) -> impl Iterator<Item = &str> {
        let files = self.0.unit.modules();
        files.map(|file| &*self.0.sources.file(file).name)
    }

    /// What the spec takes.
    pub fn signature(&self) -> &Signature {
        &self.0.first.signature
    }

    /// Inputs of labels, by number, with a label whose positions are all ignored.
    pub(crate) fn spared(&self) -> &[(u32, i64)] {
        let rule = self.0.first.labels.as_ref();
        rule.map_or(&[], |rule| &rule.spared)
    }

    /// The names of the terms, in the order of the spec.
    pub fn term_names(&self) -> impl Iterator<Item = &str> {
        self.0.first.hir.terms.iter().map(|term| term.name.as_str())
    }

    /// The names of the reports, in the order of the spec.
    pub fn report_names(&self) -> impl Iterator<Item = &str> {
        self.0.first.hir.reports.iter().map(|r| r.name.as_str())
    }

    /// The checked spec.
    pub fn typed(&self) -> &Hir {
        &self.0.first.hir
    }

    /// The text of a stage; axes of packs are two where their number matters.
    pub fn emit(&self, stage: Stage) -> String {
        let variant = &self.0.first;
        match stage {
            Stage::Ast => ast::print(&self.0.unit.main),
            Stage::Typed => hir::print(&variant.hir),
            Stage::Ir => crate::ir::print(self.prepared_gradient().graph()),
            Stage::Dot => crate::ir::dot(self.prepared_gradient().graph()),
        }
    }

    /// The graph of the value alone, after all passes.
    pub fn value_graph(&self) -> &Graph {
        self.0.first.value.graph()
    }

    /// The graph of the value and of the gradient by every floating tensor input, after all passes.
    pub fn gradient_graph(&self) -> Graph {
        self.prepared_gradient().graph().clone()
    }

    fn prepared_gradient(&self) -> Arc<Prepared> {
        let variant = &self.0.first;
        variant.gradient(&differentiable(&variant.signature))
    }

    /// The value, the terms and the reports. The total takes part in `backward()` for every given
    /// tensor that is tracked by Candle.
    ///
    /// # Errors
    /// [`Error::Inputs`] if what is given does not fit the spec, [`Error::Candle`] if Candle fails.
    pub fn run(&self, inputs: impl Into<Inputs>) -> Result<Outcome, Error> {
        let (variant, bound) = self.bind(&inputs.into())?;
        let backend = run::backend_for(self.0.backend, &bound);
        let outputs = run::execute(backend, &variant.value, &bound, &[])?;
        let mut outcome = outcome(&variant, variant.value.graph(), &outputs)?;
        let tracked: Vec<u32> = tracked(&variant.signature, &bound);
        if !tracked.is_empty() {
            let given = |input: &u32| bound.inputs[*input as usize].given.clone();
            let tensors: Vec<Tensor> = tracked.iter().filter_map(given).collect();
            let gradients: autograd::Gradients = Arc::new(move |upstream, which| {
                let wanted: Vec<u32> = which.iter().map(|&i| tracked[i]).collect();
                let (_, gradients) = gradient(
                    &variant,
                    Some(backend),
                    &bound,
                    &wanted,
                    Some(upstream),
                    &[],
                )?;
                Ok(gradients)
            });
            outcome.total = autograd::attach(&outcome.total, &tensors, gradients)?;
        }
        Ok(outcome)
    }

    /// The value and the gradients in one run, without a detour through `backward()`: a store for
    /// an optimizer, with the gradients of every variable on which a given tensor depends.
    ///
    /// A gradient of 4 MB or more may begin a few elements behind the start of its storage, as a view does.
    ///
    /// # Errors
    /// As [`Loss::run`].
    pub fn value_and_grad(&self, inputs: impl Into<Inputs>) -> Result<(Outcome, GradStore), Error> {
        let mut store = GradStore::default();
        let outcome = self.value_and_grad_into(inputs, &mut store)?;
        Ok((outcome, store))
    }

    /// The same, where the gradients of variables take the memory of those that the store has from
    /// an earlier call. New memory can take longer than the loss, as the system clears it.
    ///
    /// The store then has what [`Loss::value_and_grad`] returns, and nothing else. Clones of the tensors that it had
    /// show the new gradients, and nobody may read them meanwhile. The fused back end alone reuses memory, of tensors
    /// that are dense, have their memory for themselves and are of the size and element type of their variable; large ones
    /// as lossc made them.
    ///
    /// # Errors
    /// As [`Loss::run`]. The store is then as it was, unless it is the backward pass of a model behind the inputs that
    /// fails: by then its gradients have been overwritten.
    pub fn value_and_grad_into(
        &self,
        inputs: impl Into<Inputs>,
        store: &mut GradStore,
    ) -> Result<Outcome, Error> {
        let (variant, bound) = self.bind(&inputs.into())?;
        let wanted = tracked(&variant.signature, &bound);
        let given = |input: &u32| bound.inputs[*input as usize].given.clone();
        let room: Vec<(u32, Tensor)> = wanted
            .iter()
            .filter_map(|input| {
                let own = given(input).filter(Tensor::is_variable)?;
                Some((*input, store.get(&own)?.clone()))
            })
            .collect();
        let (outcome, gradients) =
            gradient(&variant, self.0.backend, &bound, &wanted, None, &room)?;
        let tensors = wanted.iter().filter_map(given);
        let pairs: Vec<(Tensor, Tensor)> = tensors.zip(gradients).collect();
        *store = autograd::grad_store(&pairs)?;
        Ok(outcome)
    }

    /// The value, and the gradient of the total by every floating tensor that is given, by name;
    /// each has the shape and the element type of its tensor.
    ///
    /// # Errors
    /// As [`Loss::run`].
    pub fn gradients(
        &self,
        inputs: impl Into<Inputs>,
    ) -> Result<(Outcome, Vec<(String, Tensor)>), Error> {
        let (variant, bound) = self.bind(&inputs.into())?;
        let wanted = floating(&variant.signature, &bound);
        let (outcome, gradients) = gradient(&variant, self.0.backend, &bound, &wanted, None, &[])?;
        let names = wanted
            .iter()
            .map(|&input| variant.signature.slots[input as usize].name.clone());
        Ok((outcome, names.zip(gradients).collect()))
    }

    /// The fused program that runs for these inputs: of the value alone, or of the value and the
    /// gradients by the floating tensors that are given, as [`Loss::gradients`] returns them.
    ///
    /// # Errors
    /// As [`Loss::run`].
    pub fn program(
        &self,
        inputs: impl Into<Inputs>,
        gradients: bool,
    ) -> Result<Arc<run::fused::Program>, Error> {
        let (variant, bound) = self.bind(&inputs.into())?;
        if !gradients {
            return Ok(run::program(&variant.value, &bound)?);
        }
        let wanted = floating(&variant.signature, &bound);
        Ok(run::program(&variant.gradient(&wanted), &bound)?)
    }

    /// The fused plan of value and gradients for dense tensors of these sizes, floats in f32 and labels
    /// in i64; `None` unless the sizes, as [`Loss::at_shapes`] found them, are all known and sane.
    pub fn plan_at(&self, sizes: &[Option<Vec<usize>>]) -> Option<crate::plan::Plan> {
        let variant = &self.0.first;
        run::plan_at(self.prepared_gradient().graph(), &variant.signature, sizes)
    }

    /// The graph of [`Loss::gradients`] for these inputs, with the size of every dim.
    ///
    /// # Errors
    /// As [`Loss::run`].
    pub fn sized_gradient_graph(
        &self,
        inputs: impl Into<Inputs>,
    ) -> Result<(Graph, crate::ir::DimSizes), Error> {
        let (variant, bound) = self.bind(&inputs.into())?;
        let wanted = floating(&variant.signature, &bound);
        Ok((variant.gradient(&wanted).graph().clone(), bound.sizes))
    }

    /// The spec as it is for tensors of these shapes, and the sizes of the dims of its signature as
    /// far as the shapes tell. Not every input needs a shape.
    ///
    /// # Errors
    /// [`Error::Inputs`] if a shape does not fit the spec, as when a tensor of it is bound.
    pub fn at_shapes(&self, shapes: &[(&str, &[usize])]) -> Result<(Loss, run::Sizes), Error> {
        let variant = self.variant(&|name| {
            let given = shapes.iter().find(|(n, _)| *n == name);
            given.map(|(_, shape)| *shape)
        })?;
        let sizes = run::sizes(&variant.signature, variant.value.graph(), shapes);
        let sizes = sizes.map_err(|diagnostics| self.misfit(diagnostics))?;
        let known = self
            .0
            .variants
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let inner = Inner {
            unit: self.0.unit.clone(),
            sources: self.0.sources.clone(),
            warnings: self.0.warnings.clone(),
            backend: self.0.backend,
            first: variant,
            variants: Mutex::new(known.clone()),
        };
        Ok((Loss(Arc::new(inner)), sizes))
    }

    fn bind(&self, inputs: &Inputs) -> Result<(Arc<Variant>, BoundInputs), Error> {
        let variant = self.variant(&|name| inputs.shape(name))?;
        let bound = self.bind_to(&variant, &variant.signature, inputs)?;
        Ok((variant, bound))
    }

    /// Binds the inputs of a variant; the signature is its own or one that asks for less.
    fn bind_to(
        &self,
        variant: &Variant,
        signature: &Signature,
        inputs: &Inputs,
    ) -> Result<BoundInputs, Error> {
        let graph = variant.value.graph();
        let bound = run::bind(signature, graph, inputs, variant.labels.as_ref())
            .map_err(|diagnostics| self.misfit(diagnostics))?;
        let wrong = ranges(variant, &bound)?;
        if wrong.is_empty() {
            Ok(bound)
        } else {
            Err(self.misfit(wrong))
        }
    }

    fn misfit(&self, diagnostics: Vec<Diagnostic>) -> Error {
        Error::Inputs(Report {
            diagnostics,
            sources: self.0.sources.clone(),
        })
    }

    /// The variant for the numbers of axes that the given shapes have.
    fn variant(&self, shapes: &run::Shapes) -> Result<Arc<Variant>, Error> {
        let first = &self.0.first;
        if !first.hir.ranks_matter {
            return Ok(first.clone());
        }
        let given = run::ranks(&first.signature, shapes);
        let rank = |name: &str| given.iter().find(|(n, _)| n == name).map(|(_, rank)| *rank);
        let fits = |variant: &Variant| {
            let same = |(name, known): &(String, Option<usize>)| {
                rank(name).is_none_or(|r| Some(r) == *known)
            };
            variant.ranks.iter().all(same)
        };
        let mut variants = self
            .0
            .variants
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(variant) = variants.iter().find(|v| fits(v)) {
            return Ok(variant.clone());
        }
        let mut diags = Diagnostics::default();
        let unit = &*self.0.unit;
        let Some(hir) = hir::check(&unit.main, unit, &rank, &mut diags) else {
            return Err(self.misfit(diags.into_sorted()));
        };
        let ranks = hir.axes.packs().to_vec();
        let variant = Arc::new(Variant::new(hir, &ranks));
        variants.push(variant.clone());
        Ok(variant)
    }
}

impl std::fmt::Debug for Loss {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Loss({})", ast::print(&self.0.unit.main).trim())
    }
}

/// The inputs that have gradients: floating tensors and scalars.
fn differentiable(signature: &Signature) -> Vec<u32> {
    let slots = signature.slots.iter().enumerate();
    slots
        .filter(|(_, slot)| {
            matches!(
                slot.what,
                What::Tensor {
                    elem: crate::ir::Elem::Float,
                    ..
                }
            )
        })
        .map(|(i, _)| i as u32)
        .collect()
}

/// Those of them for which a floating tensor is given.
fn floating(signature: &Signature, bound: &BoundInputs) -> Vec<u32> {
    let mut wanted = differentiable(signature);
    wanted.retain(|&input| {
        let given = &bound.inputs[input as usize].given;
        given.as_ref().is_some_and(|given| given.dtype().is_float())
    });
    wanted
}

/// The inputs whose tensors Candle tracks.
fn tracked(signature: &Signature, bound: &BoundInputs) -> Vec<u32> {
    let inputs = bound.inputs.iter().zip(&signature.slots).enumerate();
    inputs
        .filter(|(_, (one, slot))| {
            let float = !matches!(
                slot.what,
                What::Tensor {
                    elem: crate::ir::Elem::Int | crate::ir::Elem::Bool,
                    ..
                }
            );
            let tracked = |t: &Tensor| t.dtype().is_float() && t.track_op();
            float && one.given.as_ref().is_some_and(tracked)
        })
        .map(|(i, _)| i as u32)
        .collect()
}

/// Value and gradients in one run; the gradients have the shape and type of the given tensors.
fn gradient(
    variant: &Variant,
    backend: Option<Backend>,
    bound: &BoundInputs,
    wanted: &[u32],
    upstream: Option<&Tensor>,
    room: &[(u32, Tensor)],
) -> candle_core::Result<(Outcome, Vec<Tensor>)> {
    let prepared = variant.gradient(wanted);
    let backend = run::backend_for(backend, bound);
    let further = upstream.map(|upstream| upstream.reshape(()));
    let further: Vec<Tensor> = further.into_iter().collect::<candle_core::Result<_>>()?;
    let outputs = run::execute_into(backend, &prepared, bound, &further, room)?;
    let graph = prepared.graph();
    let mut gradients = Vec::with_capacity(wanted.len());
    for &input in wanted {
        let at = graph
            .outputs
            .iter()
            .position(|o| o.role == Role::Grad(input));
        let (Some(at), Some(given)) = (at, &bound.inputs[input as usize].given) else {
            candle_core::bail!("input {input} has no gradient")
        };
        let what = &variant.signature.slots[input as usize].what;
        gradients.push(run::from_canonical(what, &outputs[at], given)?);
    }
    Ok((outcome(variant, graph, &outputs)?, gradients))
}

fn outcome(variant: &Variant, graph: &Graph, outputs: &[Tensor]) -> candle_core::Result<Outcome> {
    let find = |role: Role| {
        let at = graph.outputs.iter().position(|o| o.role == role);
        at.map(|at| &outputs[at])
    };
    let number = |role: Role| find(role).map(run::scalar_value).transpose();
    let Some(total) = find(Role::Total) else {
        candle_core::bail!("the graph has no total")
    };
    let mut terms = Vec::new();
    for (i, term) in variant.hir.terms.iter().enumerate() {
        terms.push(TermValue {
            name: term.name.clone(),
            raw: number(Role::Term(i as u32))?.unwrap_or(f64::NAN),
            weight: number(Role::Weight(i as u32))?,
        });
    }
    let mut reports = Vec::new();
    for (i, report) in variant.hir.reports.iter().enumerate() {
        let value = number(Role::Report(i as u32))?.unwrap_or(f64::NAN);
        reports.push((report.name.clone(), value));
    }
    Ok(Outcome {
        total: total.clone(),
        terms,
        reports,
    })
}

/// The scalars whose range depends on what is bound.
fn ranges(variant: &Variant, bound: &BoundInputs) -> candle_core::Result<Vec<Diagnostic>> {
    if variant.checks.is_empty() {
        return Ok(Vec::new());
    }
    let mut arrays = Vec::new();
    for (one, slot) in bound.inputs.iter().zip(&variant.signature.slots) {
        arrays.push(match slot.what {
            // The checked scalars do not depend on tensors.
            What::Tensor { .. } => Array::scalar(0.0),
            What::Scalar | What::Param { .. } => Array::scalar(run::scalar_value(&one.canonical)?),
        });
    }
    let values = run::reference::run(&variant.check_graph, &bound.sizes, &arrays);
    let wrong = variant
        .checks
        .iter()
        .zip(values)
        .filter_map(|(check, value)| {
            let value = value.data.first().copied().unwrap_or(f64::NAN);
            (!check.range.contains(value)).then(|| {
                Diagnostic::error(
                    Code::BadScalar,
                    format!("{} is {}, and this is {value}", check.what, check.range),
                )
                .at(check.span, "with the values that are bound")
            })
        });
    Ok(wrong.collect())
}
