//! A summary for programs; `docs/json.md` describes it.

use super::{Scalar, Summary};
use crate::numbers::to_json;
use lossc::signature::Bounds;
use serde_json::{Value, json};

/// All of it, with the text of the graph.
pub fn json(summary: &Summary, ir: &str) -> Value {
    let inputs = summary.inputs.iter().map(|input| {
        json!({
            "name": input.name,
            "kind": if input.tensor { "tensor" } else { "scalar" },
            "type": input.ty,
            "doc": input.doc,
        })
    });
    let params = summary.params.iter().map(|param| {
        json!({
            "name": param.name,
            "default": to_json(param.default),
            "range": param.range.map(range),
            "integer": param.integer,
            "doc": param.doc,
        })
    });
    let dims = summary.axes.iter().map(|axis| {
        json!({
            "name": axis.name,
            "role": axis.role,
            "pack": axis.pack,
            "size": axis.size,
            "fixed": axis.fixed.as_ref().map(|(why, line)| json!({ "why": why, "line": line })),
        })
    });
    let terms = summary.terms.iter().map(|term| {
        json!({
            "name": term.scalar.name,
            "source": term.source,
            "line": term.line,
            "column": term.column,
            "weight": term.factor.map(to_json),
            "weight_formula": term.weight,
            "averages": term.scalar.averages,
        })
    });
    let report = |report: &Scalar| json!({ "name": report.name, "averages": report.averages });
    let conversions = summary.conversions.iter().map(|row| {
        let terms = row.terms.iter().map(|&i| &summary.terms[i].scalar.name);
        let reports = row.reports.iter().map(|&i| &summary.reports[i].name);
        json!({
            "value": row.value,
            "from": row.from,
            "to": row.to,
            "how": row.how,
            "terms": terms.collect::<Vec<_>>(),
            "reports": reports.collect::<Vec<_>>(),
            "ignore": row.ignore,
        })
    });
    json!({
        "version": 1,
        "file": summary.file,
        "modules": summary.modules,
        "inputs": inputs.collect::<Vec<_>>(),
        "params": params.collect::<Vec<_>>(),
        "dims": dims.collect::<Vec<_>>(),
        "ignore": summary.ignore.as_ref().map(|rule| json!({
            "condition": rule.condition,
            "strict": rule.strict,
            "line": rule.line,
        })),
        "terms": terms.collect::<Vec<_>>(),
        "reports": summary.reports.iter().map(report).collect::<Vec<_>>(),
        "conversions": conversions.collect::<Vec<_>>(),
        "unused": summary.unused,
        "operations": { "value": summary.operations.0, "value_and_gradient": summary.operations.1 },
        "memory": summary.memory.as_ref().map(|memory| json!({
            "passes": memory.passes,
            "bytes_read": memory.read,
            "bytes_written": memory.written,
            "extra_bytes": memory.extra,
        })),
        "ir": ir,
    })
}

fn range(range: Bounds) -> Value {
    let bound = |bound: Option<(f64, bool)>| {
        bound.map(|(value, closed)| json!({ "value": to_json(value), "closed": closed }))
    };
    json!({ "low": bound(range.low), "high": bound(range.high) })
}
