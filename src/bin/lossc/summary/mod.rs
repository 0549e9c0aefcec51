//! What people want to know of a compiled spec: its inputs, params, axes, terms with what they are
//! divided by, the conversions that were inserted, and how much work it is.

mod averages;
mod conversions;
mod formula;
mod json;
mod text;

pub use text::{Written, terms_text, text};

pub use json::json;

use formula::{formula, known};
use lossc::Loss;
use lossc::hir::{AxisDef, ExprId, Hir, Role};
use lossc::ir::{Graph, Op};
use lossc::signature::{Bounds, Signature, What};
use lossc::source::Span;

/// A spec, summed up.
pub struct Summary {
    /// How messages call the file.
    pub file: String,
    /// The files that it uses.
    pub modules: Vec<String>,
    pub inputs: Vec<Input>,
    pub params: Vec<Param>,
    pub axes: Vec<Axis>,
    pub ignore: Option<Ignore>,
    /// Packs that are taken apart, with the number of their axes.
    pub packs: Vec<(String, usize)>,
    pub terms: Vec<Term>,
    pub reports: Vec<Scalar>,
    pub conversions: Vec<conversions::Row>,
    /// Inputs that are declared and not used.
    pub unused: Vec<String>,
    /// Operations of the value, and of value and gradient.
    pub operations: (usize, usize),
    /// What value and gradient move, where all sizes are known.
    pub memory: Option<Memory>,
}

/// Traffic of the fused back end.
pub struct Memory {
    /// Trips over memory.
    pub passes: usize,
    /// Bytes read.
    pub read: usize,
    /// Bytes written.
    pub written: usize,
    /// Bytes besides inputs and gradients.
    pub extra: usize,
}

/// A tensor or a scalar that is bound.
pub struct Input {
    pub name: String,
    pub ty: String,
    pub doc: String,
    /// Whether it is a tensor, and not a single number.
    pub tensor: bool,
}

/// A number with a default.
pub struct Param {
    pub name: String,
    pub default: f64,
    pub range: Option<Bounds>,
    pub integer: bool,
    pub doc: String,
}

/// An axis that an input names.
pub struct Axis {
    pub name: String,
    pub role: &'static str,
    /// Whether it stands for any number of axes.
    pub pack: bool,
    /// One size, or that of each axis of a pack.
    pub size: Option<Vec<usize>>,
    /// Why the spec fixes the size, and the line that does.
    pub fixed: Option<(String, usize)>,
}

/// The rule for positions that do not count.
pub struct Ignore {
    /// Its condition as a formula.
    pub condition: String,
    /// Whether NaN comes out where nothing is left.
    pub strict: bool,
    pub line: usize,
}

/// A number that is computed, and how it is averaged.
pub struct Scalar {
    pub name: String,
    pub averages: Vec<String>,
}

/// A term.
pub struct Term {
    pub scalar: Scalar,
    /// Where it stands.
    pub span: Span,
    /// Its text in the spec.
    pub source: String,
    pub line: usize,
    pub column: usize,
    /// Its factor as a formula; `None` where it enters otherwise than by a factor.
    pub weight: Option<String>,
    /// Its factor where that is known without inputs.
    pub factor: Option<f64>,
}

impl Summary {
    /// Sums up a spec; `sizes` has an entry for each dim of its signature, as far as they are known.
    pub fn new(file: &str, loss: &Loss, sizes: &[Option<Vec<usize>>]) -> Summary {
        let (hir, signature) = (loss.typed(), loss.signature());
        let (inputs, params) = bound(signature);
        let packs = hir.axes.packs().iter();
        let packs = packs.filter_map(|(name, rank)| Some((name.clone(), (*rank)?)));
        let scalar = |name: &str, value: ExprId| Scalar {
            name: name.to_string(),
            averages: averages::averages(hir, value),
        };
        let reports = hir.reports.iter();
        Summary {
            file: file.to_string(),
            modules: loss.modules().map(String::from).collect(),
            inputs,
            params,
            axes: axes(loss, sizes),
            ignore: hir.ignore.as_ref().map(|rule| Ignore {
                condition: formula(hir, rule.condition),
                strict: rule.strict,
                line: place(loss, rule.span).0,
            }),
            packs: packs.collect(),
            terms: hir
                .terms
                .iter()
                .map(|term| self::term(loss, term))
                .collect(),
            reports: reports.map(|r| scalar(&r.name, r.value)).collect(),
            conversions: conversions::conversions(hir),
            unused: hir.unused.clone(),
            operations: (
                operations(loss.value_graph()),
                operations(&loss.gradient_graph()),
            ),
            memory: loss.plan_at(sizes).map(|plan| Memory {
                passes: plan.passes(),
                read: plan.bytes_read(),
                written: plan.bytes_written(),
                extra: plan.extra_bytes(),
            }),
        }
    }
}

fn bound(signature: &Signature) -> (Vec<Input>, Vec<Param>) {
    let (mut inputs, mut params) = (Vec::new(), Vec::new());
    for slot in &signature.slots {
        let name = slot.name.clone();
        let doc = slot.doc.as_deref().unwrap_or("");
        let doc = doc.split_whitespace().collect::<Vec<_>>().join(" ");
        match slot.what {
            What::Tensor { .. } | What::Scalar => inputs.push(Input {
                name,
                ty: slot.ty.clone(),
                doc,
                tensor: matches!(slot.what, What::Tensor { .. }),
            }),
            What::Param {
                default,
                range,
                integer,
            } => params.push(Param {
                name,
                default,
                range,
                integer,
                doc,
            }),
        }
    }
    (inputs, params)
}

fn axes(loss: &Loss, sizes: &[Option<Vec<usize>>]) -> Vec<Axis> {
    let (hir, signature) = (loss.typed(), loss.signature());
    let mut rows = Vec::new();
    for (i, fact) in signature.dims.iter().enumerate() {
        // Slices and new names of axes are not what anybody binds.
        let declared = hir.axes.iter().map(|(_, axis)| axis).find(|axis| {
            axis.def == AxisDef::Declared && axis.name.trim_start_matches("...") == fact.name
        });
        let Some(axis) = declared else { continue };
        let fixed = fact.fixed.as_ref();
        rows.push(Axis {
            name: fact.name.clone(),
            role: match axis.role {
                Role::Batch => "batch",
                Role::Class => "class",
                Role::Space => "space",
                Role::Introduced => "",
            },
            pack: axis.name.starts_with("..."),
            size: match (sizes.get(i), fixed) {
                (Some(Some(size)), _) => Some(size.clone()),
                (_, Some((size, ..))) => Some(vec![*size]),
                _ => None,
            },
            fixed: fixed.map(|(_, span, why)| (why.clone(), place(loss, *span).0)),
        });
    }
    rows
}

fn term(loss: &Loss, term: &lossc::hir::Term) -> Term {
    let hir: &Hir = loss.typed();
    let (line, column) = place(loss, term.span);
    Term {
        scalar: Scalar {
            name: term.name.clone(),
            averages: averages::averages(hir, term.value),
        },
        span: term.span,
        source: loss.warnings().sources.text(term.span).to_string(),
        line,
        column,
        weight: term.weight.map(|weight| formula(hir, weight)),
        factor: term.weight.and_then(|weight| known(hir, weight)),
    }
}

fn place(loss: &Loss, span: Span) -> (usize, usize) {
    loss.warnings().sources.line_column(span.file, span.start)
}

/// Inputs and constants are there without being computed.
fn operations(graph: &Graph) -> usize {
    let leaf = |op: &Op| matches!(op, Op::Input(_) | Op::Const(_) | Op::Table(_));
    graph.nodes.iter().filter(|node| !leaf(&node.op)).count()
}
