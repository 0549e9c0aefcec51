//! Axes of a spec → dims of a graph: which of them the graph needs, and in which order.
//!
//! Dims come in the order in which inputs name their axes, so that the canonical order of the
//! graph is that of the main input's memory; a derived axis follows the one it derives from.

use crate::hir::{AxisDef, AxisId, ExprKind, Hir, InputAxis, InputSource, Kind};
use crate::ir::{Dim, DimId, DimSize, Dims};
use crate::signature::{DimFact, InputDim, Numbers, Signature, Slot, What};

/// Which dim each axis became.
pub(super) struct DimMap(Vec<Option<DimId>>);

impl DimMap {
    /// The dims that the expressions of a spec need, with their sizes.
    pub fn new(hir: &Hir) -> (DimMap, Vec<Dim>) {
        let count = hir.axes.iter().count();
        let mut needed = vec![false; count];
        let mut need = |axis: AxisId| needed[axis.index()] = true;
        for input in &hir.inputs {
            input.ty.axes.iter().copied().for_each(&mut need);
        }
        for expr in &hir.exprs {
            expr.ty.axes.iter().copied().for_each(&mut need);
            match &expr.kind {
                ExprKind::Index(axis) => need(*axis),
                ExprKind::Size(axes) => axes.iter().copied().for_each(&mut need),
                _ => {}
            }
        }
        // What an axis derives from is needed too, and comes before it.
        for i in (0..count).rev() {
            if let Some(of) = parent(hir, AxisId(i as u32))
                && needed[i]
            {
                needed[of.index()] = true;
            }
        }
        let mut order: Vec<AxisId> = Vec::new();
        for input in &hir.inputs {
            for &axis in &input.ty.axes {
                if !order.contains(&axis) {
                    order.push(axis);
                }
            }
        }
        let rest = (0..count as u32).map(AxisId);
        for axis in rest {
            if needed[axis.index()] && !order.contains(&axis) {
                let after = parent(hir, axis).and_then(|of| order.iter().position(|&a| a == of));
                match after {
                    Some(at) => order.insert(at + 1, axis),
                    None => order.push(axis),
                }
            }
        }
        let mut map = vec![None; count];
        for (i, axis) in order.iter().enumerate() {
            map[axis.index()] = Some(DimId(i as u32));
        }
        let map = DimMap(map);
        let mut dims: Vec<Dim> = Vec::new();
        for &axis in &order {
            let known = hir.axes.get(axis);
            let base = match known.def {
                AxisDef::Slice { of, .. } | AxisDef::Diff(of) | AxisDef::Blocks(of, _) => {
                    format!("{}'", dims[map.one(of).index()].name)
                }
                AxisDef::Declared | AxisDef::Renamed(_) => {
                    let name = known.name.trim_start_matches("...");
                    // An axis that the spec gives by its size alone.
                    let bare = name.starts_with(|c: char| c.is_ascii_digit());
                    if bare {
                        format!("D{name}")
                    } else {
                        name.to_string()
                    }
                }
            };
            let mut name = base.clone();
            let mut count = 1;
            while dims.iter().any(|d| d.name == name) {
                count += 1;
                name = format!("{base}_{count}");
            }
            let size = match known.def {
                AxisDef::Declared => match &known.size {
                    Some((size, ..)) => DimSize::Fixed(*size),
                    None => DimSize::Bound,
                },
                AxisDef::Slice { of, start, end } => DimSize::Slice {
                    of: map.one(of),
                    start,
                    end,
                },
                AxisDef::Diff(of) => DimSize::Slice {
                    of: map.one(of),
                    start: 1,
                    end: None,
                },
                AxisDef::Renamed(of) => DimSize::Same(map.one(of)),
                AxisDef::Blocks(of, size) => DimSize::Blocks {
                    of: map.one(of),
                    size,
                },
            };
            dims.push(Dim { name, size });
        }
        (map, dims)
    }

    /// The dim of an axis.
    pub fn one(&self, axis: AxisId) -> DimId {
        self.0[axis.index()].expect("every axis in use has a dim")
    }

    /// The dim of an axis, if anything uses it.
    pub fn find(&self, axis: AxisId) -> Option<DimId> {
        self.0[axis.index()]
    }

    /// The axis that became a dim.
    pub fn axis(&self, dim: DimId) -> AxisId {
        let at = self.0.iter().position(|&known| known == Some(dim));
        AxisId(at.expect("every dim comes from an axis") as u32)
    }

    /// The dims of some axes.
    pub fn set(&self, axes: &[AxisId]) -> Dims {
        axes.iter().map(|&axis| self.one(axis)).collect()
    }
}

fn parent(hir: &Hir, axis: AxisId) -> Option<AxisId> {
    match hir.axes.get(axis).def {
        AxisDef::Declared => None,
        AxisDef::Slice { of, .. }
        | AxisDef::Diff(of)
        | AxisDef::Renamed(of)
        | AxisDef::Blocks(of, _) => Some(of),
    }
}

/// What a spec takes: its inputs with their axes, and what is known of the dims.
pub fn signature(hir: &Hir) -> Signature {
    let (map, dims) = DimMap::new(hir);
    let axis_dim = |axis: &InputAxis| match axis {
        InputAxis::Axis(id) => InputDim::One(map.one(*id)),
        InputAxis::Pack {
            name,
            axes,
            flat: true,
        } => InputDim::Flat(name.clone(), map.one(axes[0])),
        InputAxis::Pack { name, axes, .. } => {
            InputDim::Pack(name.clone(), axes.iter().map(|&a| map.one(a)).collect())
        }
        InputAxis::One => InputDim::Dropped,
    };
    let slot = |input: &crate::hir::Input| Slot {
        name: input.name.clone(),
        span: input.span,
        ty: input.ty.show(&hir.axes),
        doc: input.doc.clone(),
        what: match &input.source {
            InputSource::Tensor(axes) => What::Tensor {
                axes: axes.iter().map(axis_dim).collect(),
                elem: super::elem(input.ty.kind),
                numbers: match input.ty.kind {
                    // A class axis that nothing computes with has no dim, and any label will do.
                    Kind::Labels(axis) => Numbers::Integers {
                        classes: map.find(axis),
                    },
                    Kind::Int => Numbers::Integers { classes: None },
                    Kind::Logits(_) | Kind::Probs(_) | Kind::LogProbs(_) => Numbers::Floats,
                    Kind::OneHot(_) | Kind::Mask(_) | Kind::Real | Kind::Bool => Numbers::Any,
                },
            },
            InputSource::Scalar => What::Scalar,
            InputSource::Param {
                default,
                range,
                integer,
            } => What::Param {
                default: *default,
                range: *range,
                integer: *integer,
            },
        },
    };
    let mut facts: Vec<DimFact> = dims
        .into_iter()
        .map(|dim| DimFact {
            name: dim.name,
            fixed: None,
            softmax: None,
            least: None,
        })
        .collect();
    for (axis, known) in hir.axes.iter() {
        if let Some(dim) = map.0[axis.index()] {
            let fact = &mut facts[dim.index()];
            fact.fixed = known.size.clone();
            fact.softmax = known.softmax;
            fact.least = known.least;
        }
    }
    Signature {
        slots: hir.inputs.iter().map(slot).collect(),
        dims: facts,
        unused: hir.unused.clone(),
    }
}
