//! `Graph` → Graphviz text: a box per operation, an edge per operand, outputs at the bottom.

use super::graph::Graph;
use super::op::Op;
use super::text;
use std::fmt::Write;

/// The graph as a Graphviz digraph. Leaves have rounded boxes, nodes of the gradient a grey fill.
pub fn dot(graph: &Graph) -> String {
    let mut out = String::from("digraph {\n  node [shape=box, fontname=monospace];\n");
    for id in graph.ids() {
        let node = graph.node(id);
        let label = format!(
            "{}\\n{}",
            text::print_op(graph, &node.op),
            text::print_ty(graph, &node.ty)
        );
        let mut styles = Vec::new();
        if matches!(node.op, Op::Input(_) | Op::Const(_) | Op::Table(_)) {
            styles.push("rounded");
        }
        if node.origin.adjoint {
            styles.push("filled");
        }
        let style = match styles.is_empty() {
            true => String::new(),
            false => format!(", style=\"{}\", fillcolor=gray92", styles.join(",")),
        };
        let _ = writeln!(out, "  n{} [label=\"{label}\"{style}];", id.0);
        for (place, arg) in node.args.iter().enumerate() {
            // Only where operands could be confused does the edge say which one it is.
            let place = match node.args.len() {
                0 | 1 => String::new(),
                _ => format!(" [label=\"{place}\"]"),
            };
            let _ = writeln!(out, "  n{} -> n{}{place};", arg.0, id.0);
        }
    }
    for (i, output) in graph.outputs.iter().enumerate() {
        let role = text::print_role(output.role);
        let _ = writeln!(out, "  o{i} [label=\"{role}\", shape=plaintext];");
        let _ = writeln!(out, "  n{} -> o{i};", output.node.0);
    }
    out.push_str("}\n");
    out
}
