//! The conversions in a spec, each with what it serves.

use super::formula::{axis_names, formula};
use lossc::hir::{Conversion, ExprId, ExprKind, Hir, operands};

/// A conversion that changes numbers.
pub struct Row {
    /// What is converted.
    pub value: String,
    /// Its kind.
    pub from: &'static str,
    /// The kind that was needed.
    pub to: &'static str,
    /// By what.
    pub how: String,
    /// The terms, by number.
    pub terms: Vec<usize>,
    /// The reports, by number.
    pub reports: Vec<usize>,
    /// Whether the `ignore` rule uses it.
    pub ignore: bool,
}

/// The conversions in the order in which they are computed.
pub fn conversions(hir: &Hir) -> Vec<Row> {
    let terms = hir.terms.iter().map(|term| reached(hir, term.value));
    let terms: Vec<Vec<bool>> = terms.collect();
    let reports = hir.reports.iter().map(|report| reached(hir, report.value));
    let reports: Vec<Vec<bool>> = reports.collect();
    let rule = hir.ignore.as_ref();
    let rule = rule.map(|rule| reached(hir, rule.condition));
    let serves = |marks: &[Vec<bool>], i: usize| {
        let all = marks.iter().enumerate();
        all.filter(|(_, reached)| reached[i])
            .map(|(n, _)| n)
            .collect()
    };
    let mut rows = Vec::new();
    for (i, expr) in hir.exprs.iter().enumerate() {
        let ExprKind::Convert(conversion, x) = &expr.kind else {
            continue;
        };
        let how = match conversion {
            Conversion::Softmax(axis) => format!("softmax over {}", axis_names(hir, &[*axis])),
            Conversion::LogSoftmax(axis) => {
                format!("log_softmax over {}", axis_names(hir, &[*axis]))
            }
            Conversion::Sigmoid => "sigmoid".to_string(),
            Conversion::LogSigmoid => "log_sigmoid".to_string(),
            Conversion::OneHot(axis) => format!("onehot over {}", axis_names(hir, &[*axis])),
            Conversion::Log => "log".to_string(),
            Conversion::Exp => "exp".to_string(),
            // The same numbers under another name.
            Conversion::Float | Conversion::Same => continue,
        };
        rows.push(Row {
            value: formula(hir, *x),
            from: hir.expr(*x).ty.kind.word(),
            to: expr.ty.kind.word(),
            how,
            terms: serves(&terms, i),
            reports: serves(&reports, i),
            ignore: rule.as_ref().is_some_and(|reached| reached[i]),
        });
    }
    rows
}

/// Which expressions another is made of.
fn reached(hir: &Hir, root: ExprId) -> Vec<bool> {
    let mut reached = vec![false; hir.exprs.len()];
    reached[root.index()] = true;
    for i in (0..=root.index()).rev() {
        if reached[i] {
            for arg in operands(&hir.exprs[i].kind) {
                reached[arg.index()] = true;
            }
        }
    }
    reached
}
