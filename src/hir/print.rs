//! [`Hir`] → text: one expression a line, with its type; conversions that were inserted say so.

use super::axes::AxisId;
use super::tree::{Conversion, ExprId, ExprKind, Hir, InputSource};
use super::ty::show_axes;
use std::fmt::Write;

/// The text form of a checked spec.
pub fn print(hir: &Hir) -> String {
    let mut out = String::new();
    for input in &hir.inputs {
        let ty = input.ty.show(&hir.axes);
        // Writing to a string cannot fail.
        let _ = match &input.source {
            InputSource::Tensor(_) => writeln!(out, "input {}: {ty}", input.name),
            InputSource::Scalar => writeln!(out, "input {}: scalar", input.name),
            InputSource::Param { default, range, .. } => {
                let range = range.map_or(String::new(), |r| format!(" {r}"));
                writeln!(out, "param {}: real{range} = {default}", input.name)
            }
        };
    }
    for (i, expr) in hir.exprs.iter().enumerate() {
        let _ = writeln!(
            out,
            "{}: {} = {}",
            ExprId(i as u32),
            expr.ty.show(&hir.axes),
            show(hir, ExprId(i as u32))
        );
    }
    if let Some(rule) = &hir.ignore {
        let strict = if rule.strict { " strict" } else { "" };
        let _ = writeln!(out, "ignore {}{strict}", rule.condition);
    }
    for term in &hir.terms {
        let weight = term
            .weight
            .map_or("(not a factor)".to_string(), |w| w.to_string());
        let _ = writeln!(out, "term {} = {}, weight {weight}", term.name, term.value);
    }
    for report in &hir.reports {
        let _ = writeln!(out, "report {} = {}", report.name, report.value);
    }
    for check in &hir.checks {
        let _ = writeln!(
            out,
            "check {} {} for {}",
            check.value, check.range, check.what
        );
    }
    let _ = writeln!(out, "minimize {}", hir.total);
    out
}

fn show(hir: &Hir, id: ExprId) -> String {
    let expr = hir.expr(id);
    let axes = |list: &[AxisId]| show_axes(list, &hir.axes);
    let name = |axis: &AxisId| hir.axes.get(*axis).name.clone();
    match &expr.kind {
        ExprKind::Const(bits) => format!("{}", f64::from_bits(*bits)),
        ExprKind::Table(bits) => {
            let numbers: Vec<String> = bits
                .iter()
                .map(|b| f64::from_bits(*b).to_string())
                .collect();
            format!("[{}]", numbers.join(", "))
        }
        ExprKind::Input(i) => format!("input {}", hir.inputs[*i as usize].name),
        ExprKind::Map(op, args) => {
            let args: Vec<String> = args.iter().map(ToString::to_string).collect();
            format!("{} {}", op.name(), args.join(" "))
        }
        ExprKind::Reduce(op, list, x) => format!("{}{} {x}", op.name(), axes(list)),
        ExprKind::Mean(list, x) => format!("mean{} {x}", axes(list)),
        ExprKind::WeightedMean(list, x, w) => format!("weighted_mean{} {x} {w}", axes(list)),
        ExprKind::Softmax(axis, x) => format!("softmax[{}] {x}", name(axis)),
        ExprKind::LogSoftmax(axis, x) => format!("log_softmax[{}] {x}", name(axis)),
        ExprKind::ArgMax(axis, x) => format!("argmax[{}] {x}", name(axis)),
        ExprKind::Pick(axis, x, l) => format!("pick[{}] {x} {l}", name(axis)),
        ExprKind::OneHot(axis, x) => format!("onehot[{}] {x}", name(axis)),
        ExprKind::Index(axis) => format!("index[{}]", name(axis)),
        ExprKind::Size(list) => format!("size{}", axes(list)),
        ExprKind::At(axis, i, x) => format!("at[{}={i}] {x}", name(axis)),
        ExprKind::Slice {
            from,
            to,
            start,
            arg,
        } => {
            format!("slice[{} -> {} from {start}] {arg}", name(from), name(to))
        }
        ExprKind::Rename { from, to, arg } => {
            format!("rename[{} -> {}] {arg}", name(from), name(to))
        }
        ExprKind::Resize {
            from,
            to,
            grid,
            arg,
        } => format!(
            "resize[{} -> {}, {}] {arg}",
            name(from),
            name(to),
            grid.name()
        ),
        ExprKind::Coarsen(along, size, x) => {
            let list: Vec<AxisId> = along.iter().map(|(from, _)| *from).collect();
            format!("coarsen{} {x}, {size}", axes(&list))
        }
        ExprKind::Shift(axis, by, edge, x) => {
            format!("shift[{} by {by}, {}] {x}", name(axis), edge.name())
        }
        ExprKind::Window(window, list, x) => {
            let (of, list) = (window.of.name(), axes(list));
            let (shape, edge) = (window.shape.name(), window.edge.name());
            format!("{of}{list} {x}, {}, {shape}, {edge}", window.size)
        }
        ExprKind::Dot(list, a, b) => format!("dot{} {a} {b}", axes(list)),
        ExprKind::Order(op, list, args) => {
            let args: Vec<String> = args.iter().map(ToString::to_string).collect();
            format!("{}{} {}", op.name(), axes(list), args.join(" "))
        }
        ExprKind::Distance(along, x) => {
            let along = along
                .iter()
                .map(|(axis, bits)| format!("{} by {}", name(axis), f64::from_bits(*bits)));
            format!("distance[{}] {x}", along.collect::<Vec<_>>().join(", "))
        }
        ExprKind::Expand(x) => format!("expand {x}"),
        ExprKind::StopGrad(x) => format!("stop_grad {x}"),
        ExprKind::Convert(conversion, x) => {
            let how = match conversion {
                Conversion::Softmax(axis) => format!("softmax over {}", name(axis)),
                Conversion::LogSoftmax(axis) => format!("log_softmax over {}", name(axis)),
                Conversion::Sigmoid => "sigmoid".into(),
                Conversion::LogSigmoid => "log_sigmoid".into(),
                Conversion::OneHot(axis) => format!("onehot over {}", name(axis)),
                Conversion::Log => "log".into(),
                Conversion::Exp => "exp".into(),
                Conversion::Float => "as numbers".into(),
                Conversion::Same => "seen as another kind".into(),
            };
            format!("convert {x}    # {how}")
        }
    }
}
