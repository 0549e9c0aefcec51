//! [`Ast`] → canonical text.
//!
//! Parentheses stand only where the tree needs them, so what is printed never nests deeper than
//! what was read. Comments are not in the tree; doc comments are.

use super::tree::*;

/// Lines are broken where they can be if they would be longer than this.
const WIDTH: usize = 100;

/// The tree as text; parsing it gives the same tree up to places.
pub fn print(ast: &Ast) -> String {
    let mut out = String::new();
    let mut last: Option<&Item> = None;
    for item in &ast.items {
        if last.is_some_and(|last| apart(last, item)) {
            out.push('\n');
        }
        for line in item.doc.iter().flat_map(|doc| doc.split('\n')) {
            let line = format!("## {line}");
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out.push_str(&print_item(&item.kind));
        out.push('\n');
        last = Some(item);
    }
    out
}

/// Whether an empty line stands between two items.
fn apart(last: &Item, item: &Item) -> bool {
    let defines = |item: &Item| matches!(item.kind, ItemKind::Fn(_) | ItemKind::Loss(_));
    item.doc.is_some() || defines(last) || defines(item) || section(last) != section(item)
}

/// Items of one section stand together.
fn section(item: &Item) -> u8 {
    match item.kind {
        ItemKind::Language { .. } => 0,
        ItemKind::Task(_) | ItemKind::Axis { .. } => 1,
        ItemKind::Input { .. } => 2,
        ItemKind::Param { .. } | ItemKind::Ignore { .. } | ItemKind::Let(_) => 3,
        ItemKind::Term(_) => 4,
        ItemKind::Minimize(_) => 5,
        ItemKind::Report(_) => 6,
        ItemKind::Fn(_) | ItemKind::Loss(_) => 7,
    }
}

fn print_item(kind: &ItemKind) -> String {
    match kind {
        ItemKind::Language { version, .. } => format!("language {version}"),
        ItemKind::Task(name) => format!("task {}", name.text),
        ItemKind::Axis { name, role, size } => {
            let role = role.iter().map(|r| format!(": {}", r.text));
            let size = size.iter().map(|(size, _)| format!(" = {size}"));
            let rest: String = role.chain(size).collect();
            format!("axis {}{rest}", name.text)
        }
        ItemKind::Input { name, ty } => format!("input {}: {}", name.text, print_type(ty)),
        ItemKind::Param { name, ty, default } => {
            let head = format!("param {}: {} =", name.text, print_type(ty));
            line(&head, default, "")
        }
        ItemKind::Ignore { condition, strict } => {
            let rule = line("ignore", condition, "");
            format!("{rule}{}", if *strict { " strict" } else { "" })
        }
        ItemKind::Let(binding) => print_binding("let", binding, ""),
        ItemKind::Term(binding) => print_binding("term", binding, ""),
        ItemKind::Report(binding) => print_binding("report", binding, ""),
        ItemKind::Minimize(value) => line("minimize", value, ""),
        ItemKind::Fn(definition) => print_definition("fn", definition),
        ItemKind::Loss(definition) => print_definition("loss", definition),
    }
}

fn print_binding(word: &str, binding: &Binding, indent: &str) -> String {
    line(
        &format!("{indent}{word} {} =", binding.name.text),
        &binding.value,
        indent,
    )
}

/// `head value`, or the terms of a long sum on lines of their own below the head.
fn line(head: &str, value: &Expr, indent: &str) -> String {
    let short = format!("{head} {}", print_expr(value));
    match terms(value) {
        Some(terms) if short.len() > WIDTH => {
            let lines = terms.iter().map(|term| format!("\n{indent}  {term}"));
            format!("{head}{}", lines.collect::<String>())
        }
        _ => short,
    }
}

/// A value on lines of its own.
fn block(value: &Expr, indent: &str) -> String {
    let short = format!("{indent}{}", print_expr(value));
    match terms(value) {
        Some(terms) if short.len() > WIDTH => {
            let lines: Vec<String> = terms.iter().map(|term| format!("{indent}{term}")).collect();
            lines.join("\n")
        }
        _ => short,
    }
}

/// The terms of a sum, each but the first with its sign.
fn terms(value: &Expr) -> Option<Vec<String>> {
    let mut terms = Vec::new();
    let mut rest = value;
    while let ExprKind::Binary {
        op: op @ (BinaryOp::Add | BinaryOp::Sub),
        lhs,
        rhs,
        ..
    } = &rest.kind
    {
        let mut term = format!("{} ", op.symbol());
        // What stands last may extend to the end; what stands before may not.
        write_expr(&mut term, rhs, MUL, terms.is_empty());
        terms.push(term);
        rest = lhs;
    }
    if terms.is_empty() {
        return None;
    }
    let mut first = String::new();
    write_expr(&mut first, rest, ADD, false);
    terms.push(first);
    terms.reverse();
    Some(terms)
}

fn print_definition(word: &str, definition: &Definition) -> String {
    let names: Vec<&str> = definition.names().map(|name| name.text.as_str()).collect();
    let name = names.join(", ");
    let options: Vec<String> = definition.options.iter().map(print_option).collect();
    let operands: Vec<String> = definition.operands.iter().map(print_operand).collect();
    let on = match operands.is_empty() {
        true => String::new(),
        false => format!(" on {}", operands.join(", ")),
    };
    let mut head = format!("{word} {name}({}){on} =", options.join(", "));
    if head.len() > WIDTH {
        let lines: Vec<String> = options.iter().map(|o| format!("  {o},\n")).collect();
        head = format!("{word} {name}(\n{}){on} =", lines.concat());
    }
    let Body { lets, value } = &definition.body;
    if lets.is_empty() {
        let short = print_expr(value);
        let last = head.lines().last().map_or(0, str::len);
        return match last + 1 + short.len() <= WIDTH {
            true => format!("{head} {short}"),
            false => format!("{head}\n{}", block(value, "  ")),
        };
    }
    let mut text = format!("{head} {{\n");
    for binding in lets {
        text.push_str(&print_binding("let", binding, "  "));
        text.push_str(";\n");
    }
    text.push_str(&block(value, "  "));
    text.push_str("\n}");
    text
}

fn print_option(option: &OptionDecl) -> String {
    let default = option
        .default
        .iter()
        .map(|d| format!(" = {}", print_expr(d)));
    let default: String = default.collect();
    format!("{}: {}{default}", option.name.text, print_type(&option.ty))
}

fn print_operand(operand: &OperandDecl) -> String {
    format!("{}: {}", operand.name.text, print_type(&operand.ty))
}

fn print_type(ty: &TypeExpr) -> String {
    match &ty.kind {
        TypeKind::OneOf(names) => format!("one of {}", joined(names, |n| n.text.clone())),
        TypeKind::Tensor {
            kind,
            axes,
            class,
            range,
        } => {
            let mut text = kind.text.clone();
            if let Some(axes) = axes {
                text.push_str(&format!("[{}]", joined(axes, print_axis_decl)));
            }
            if let Some(class) = class {
                let word = match class.word {
                    ClassWord::Over => "over",
                    ClassWord::Per => "per",
                    ClassWord::Of => "of",
                };
                text.push_str(&format!(" {word} {}", class.axis.text));
            }
            if let Some(range) = range {
                text.push_str(&print_range(range));
            }
            text
        }
    }
}

fn print_axis_decl(axis: &AxisDecl) -> String {
    match axis {
        AxisDecl::Axis { name, size: None } => name.text.clone(),
        AxisDecl::Axis {
            name,
            size: Some((size, _)),
        } => format!("{}={size}", name.text),
        AxisDecl::Pack { name: None, .. } => "...".to_owned(),
        AxisDecl::Pack {
            name: Some(name), ..
        } => format!("...{}", name.text),
        AxisDecl::Size(size, _) => size.to_string(),
    }
}

fn print_range(range: &Range) -> String {
    match (range.low, range.high) {
        (None, None) => String::new(),
        (Some((low, true)), None) => format!(" >= {}", print_bound(low)),
        (Some((low, false)), None) => format!(" > {}", print_bound(low)),
        (None, Some((high, true))) => format!(" <= {}", print_bound(high)),
        (None, Some((high, false))) => format!(" < {}", print_bound(high)),
        (Some((low, closed_low)), Some((high, closed_high))) => {
            let open = if closed_low { "[" } else { "(" };
            let close = if closed_high { "]" } else { ")" };
            format!(
                " in {open}{}, {}{close}",
                print_bound(low),
                print_bound(high)
            )
        }
    }
}

fn print_bound(bound: f64) -> String {
    let text = format!("{bound:?}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

fn joined<T>(items: &[T], print: impl Fn(&T) -> String) -> String {
    items.iter().map(print).collect::<Vec<_>>().join(", ")
}

/// The least level of what may stand in a place without parentheses.
type Level = u8;

const ANY: Level = 0;
const OR: Level = 1;
const AND: Level = 2;
const NOT: Level = 3;
const COMPARE: Level = 4;
const ADD: Level = 5;
const MUL: Level = 6;
const NEG: Level = 7;
const POW: Level = 8;
const CAST: Level = 9;
const ATOM: Level = 10;

fn level(kind: &ExprKind) -> Level {
    match kind {
        ExprKind::If { .. } | ExprKind::SumFor { .. } => ANY,
        ExprKind::Unary { op, .. } => match op {
            UnaryOp::Not => NOT,
            UnaryOp::Neg => NEG,
        },
        ExprKind::Binary { op, .. } => binary_level(*op),
        ExprKind::As { .. } => CAST,
        ExprKind::Number { .. }
        | ExprKind::Bool(_)
        | ExprKind::Name(_)
        | ExprKind::Axis(_)
        | ExprKind::List(_)
        | ExprKind::Call { .. }
        | ExprKind::Select { .. } => ATOM,
    }
}

fn binary_level(op: BinaryOp) -> Level {
    match op {
        BinaryOp::Or => OR,
        BinaryOp::And => AND,
        BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Le | BinaryOp::Gt | BinaryOp::Ge => {
            COMPARE
        }
        BinaryOp::Add | BinaryOp::Sub => ADD,
        BinaryOp::Mul | BinaryOp::Div => MUL,
        BinaryOp::Pow => POW,
    }
}

fn print_expr(expr: &Expr) -> String {
    let mut out = String::new();
    write_expr(&mut out, expr, ANY, true);
    out
}

/// Whether an expression needs parentheses where only `least` may stand; `tail` says whether
/// nothing follows it that an `if` or a `sum for` would swallow.
fn needs_parentheses(expr: &Expr, least: Level, tail: bool) -> bool {
    match level(&expr.kind) {
        ANY => !tail || least > POW,
        level => level < least,
    }
}

fn write_expr(out: &mut String, expr: &Expr, least: Level, tail: bool) {
    if needs_parentheses(expr, least, tail) {
        out.push('(');
        write_kind(out, &expr.kind, true);
        out.push(')');
    } else {
        write_kind(out, &expr.kind, tail);
    }
}

fn write_kind(out: &mut String, kind: &ExprKind, tail: bool) {
    match kind {
        ExprKind::Number { value, integer } => out.push_str(&match integer {
            true => format!("{value}"),
            // The debug form always has a point or an exponent, and reads back exactly.
            false => format!("{value:?}"),
        }),
        ExprKind::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        ExprKind::Name(name) | ExprKind::Axis(name) => out.push_str(name),
        ExprKind::List(entries) => {
            out.push_str(&format!("[{}]", joined(entries, print_expr)));
        }
        ExprKind::Unary { op, operand } => {
            let (sign, least) = match op {
                UnaryOp::Neg => ("-", NEG),
                UnaryOp::Not => ("not ", NOT),
            };
            out.push_str(sign);
            write_expr(out, operand, least, tail);
        }
        ExprKind::Binary { op, lhs, rhs, .. } => write_binary(out, *op, lhs, rhs, tail),
        ExprKind::If {
            cond,
            then,
            otherwise,
        } => {
            out.push_str("if ");
            write_expr(out, cond, ANY, true);
            out.push_str(" then ");
            write_expr(out, then, ANY, true);
            out.push_str(" else ");
            write_expr(out, otherwise, ANY, true);
        }
        ExprKind::Call {
            callee,
            axes,
            args,
            on,
        } => {
            out.push_str(&callee.text);
            if let Some(axes) = axes {
                out.push_str(&format!("[{}]", joined(axes, print_axis_ref)));
            }
            if let Some(args) = args {
                out.push_str(&format!("({})", joined(args, print_arg)));
            }
            if let Some(on) = on {
                out.push_str(&format!(" on ({})", joined(on, print_arg)));
            }
        }
        ExprKind::Select { base, selectors } => {
            write_expr(out, base, ATOM, false);
            out.push_str(&format!("[{}]", joined(selectors, print_selector)));
        }
        ExprKind::As { base, ty } => {
            write_expr(out, base, CAST, false);
            out.push_str(" as ");
            out.push_str(&print_type(ty));
        }
        ExprKind::SumFor { axis, axes, body } => {
            let set = match axes.as_slice() {
                [one] => print_axis_ref(one),
                many => format!("[{}]", joined(many, print_axis_ref)),
            };
            out.push_str(&format!("sum for {} in {set}: ", axis.text));
            write_expr(out, body, ANY, true);
        }
    }
}

fn write_binary(out: &mut String, op: BinaryOp, lhs: &Expr, rhs: &Expr, tail: bool) {
    let own = binary_level(op);
    let (left, right) = match op {
        // Comparisons do not chain.
        _ if own == COMPARE => (ADD, ADD),
        // To the right of `^` a sign needs no parentheses.
        BinaryOp::Pow => (CAST, NEG),
        _ => (own, own + 1),
    };
    let parenthesised = needs_parentheses(lhs, left, false) || needs_parentheses(rhs, right, tail);
    let casts = level(&lhs.kind) == CAST || level(&rhs.kind) == CAST;
    let spaced = match op {
        _ if casts => true,
        BinaryOp::Mul | BinaryOp::Pow => false,
        BinaryOp::Div => parenthesised,
        _ => true,
    };
    // A word goes with spaces: `2 * if …`.
    let word_follows = level(&rhs.kind) == ANY && !needs_parentheses(rhs, right, tail);
    let space = if spaced || word_follows { " " } else { "" };
    write_expr(out, lhs, left, false);
    out.push_str(&format!("{space}{}{space}", op.symbol()));
    write_expr(out, rhs, right, tail);
}

fn print_axis_ref(axis: &AxisRef) -> String {
    axis.name.text.clone()
}

fn print_arg(arg: &Arg) -> String {
    let value = print_expr(&arg.value);
    match &arg.name {
        Some(name) => format!("{}={value}", name.text),
        None => value,
    }
}

fn print_selector(selector: &Selector) -> String {
    match selector {
        Selector::At { axis, index } => format!("{}={}", print_axis_ref(axis), print_expr(index)),
        Selector::Slice {
            axis, start, end, ..
        } => {
            let bound = |bound: &Option<(i64, _)>| match bound {
                Some((bound, _)) => bound.to_string(),
                None => String::new(),
            };
            format!("{}={}..{}", print_axis_ref(axis), bound(start), bound(end))
        }
        Selector::Rename { axis, to } => format!("{} as {}", print_axis_ref(axis), to.text),
        Selector::Entry(entry, _) => entry.to_string(),
    }
}
