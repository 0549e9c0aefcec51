//! [`Ast`] → canonical text.
//!
//! A tree is written as plain text, which [`super::format`] sets in lines. Parentheses stand only
//! where the tree needs them, so what is printed never nests deeper than what was read. Comments
//! are not in the tree; doc comments are.

use super::format::layout;
use super::tree::*;

/// The tree as text; parsing it gives the same tree up to places.
pub fn print(ast: &Ast) -> String {
    let text = plain(ast);
    layout(&text).unwrap_or(text)
}

/// The tree as text with every item on one line. Trees that differ differ in it.
pub(super) fn plain(ast: &Ast) -> String {
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
    let defines = |item: &Item| {
        let kind = &item.kind;
        matches!(
            kind,
            ItemKind::Fn(_) | ItemKind::Loss(_) | ItemKind::Test(_)
        )
    };
    item.doc.is_some() || defines(last) || defines(item) || section(last) != section(item)
}

/// Items of one section stand together.
fn section(item: &Item) -> u8 {
    match item.kind {
        ItemKind::Language { .. } => 0,
        ItemKind::Use(_) => 8,
        ItemKind::Task(_) | ItemKind::Axis { .. } => 1,
        ItemKind::Input { .. } => 2,
        ItemKind::Param { .. } | ItemKind::Ignore { .. } | ItemKind::Let(_) => 3,
        ItemKind::Term(_) => 4,
        ItemKind::Minimize(_) => 5,
        ItemKind::Report(_) => 6,
        ItemKind::Fn(_) | ItemKind::Loss(_) => 7,
        ItemKind::Test(_) => 8,
    }
}

fn print_item(kind: &ItemKind) -> String {
    match kind {
        ItemKind::Language { version, .. } => format!("language {version}"),
        ItemKind::Use(used) => print_use(used),
        ItemKind::Task(name) => format!("task {}", name.text),
        ItemKind::Axis { name, role, size } => {
            let role = role.iter().map(|r| format!(": {}", r.text));
            let size = size.iter().map(|(size, _)| format!(" = {size}"));
            let rest: String = role.chain(size).collect();
            format!("axis {}{rest}", name.text)
        }
        ItemKind::Input { name, ty } => format!("input {}: {}", name.text, print_type(ty)),
        ItemKind::Param { name, ty, default } => {
            let default = print_expr(default);
            format!("param {}: {} = {default}", name.text, print_type(ty))
        }
        ItemKind::Ignore { condition, strict } => {
            let strict = if *strict { " strict" } else { "" };
            format!("ignore {}{strict}", print_expr(condition))
        }
        ItemKind::Let(binding) => print_binding("let", binding),
        ItemKind::Term(binding) => print_binding("term", binding),
        ItemKind::Report(binding) => print_binding("report", binding),
        ItemKind::Minimize(value) => format!("minimize {}", print_expr(value)),
        ItemKind::Fn(definition) => print_definition("fn", definition),
        ItemKind::Loss(definition) => print_definition("loss", definition),
        ItemKind::Test(test) => print_test(test),
    }
}

fn print_use(used: &Use) -> String {
    let module = match &used.module {
        ModuleName::Embedded(name) => name.clone(),
        ModuleName::File(path) => format!("\"{path}\""),
    };
    let alias = used.alias.iter().map(|alias| format!(" as {}", alias.text));
    format!("use {module}{}", alias.collect::<String>())
}

fn print_test(test: &Test) -> String {
    let mut text = format!("test \"{}\" {{", test.name);
    for statement in &test.statements {
        let line = match &statement.kind {
            StatementKind::Task(name) => format!("task {}", name.text),
            StatementKind::Input { name, ty } => {
                format!("input {}: {}", name.text, print_type(ty))
            }
            StatementKind::Given(given) => {
                format!("{} = {}", given.name.text, print_expr(&given.value))
            }
            StatementKind::Minimize(value) => format!("minimize {}", print_expr(value)),
            StatementKind::Fails(code) => format!("expect error {}", code.text),
            StatementKind::Expect(Expectation { of, about, within }) => {
                let of = match of {
                    Expected::Minimize => "minimize".to_owned(),
                    Expected::Report(name) => format!("report {}", name.text),
                    Expected::Value(value) => print_expr(value),
                };
                let within = within.iter().map(|x| format!(" within {}", print_expr(x)));
                let within: String = within.collect();
                format!("expect {of} ≈ {}{within}", print_expr(about))
            }
        };
        text.push_str(&format!("\n{line}"));
    }
    text + "\n}"
}

fn print_binding(word: &str, binding: &Binding) -> String {
    let value = print_expr(&binding.value);
    format!("{word} {} = {value}", binding.name.text)
}

fn print_definition(word: &str, definition: &Definition) -> String {
    let names = definition.names().map(|name| name.text.as_str());
    let name = names.collect::<Vec<_>>().join(", ");
    let options = joined(&definition.options, print_option);
    let operands = match definition.operands.is_empty() {
        true => String::new(),
        false => format!(" on {}", joined(&definition.operands, print_operand)),
    };
    let Body { lets, value } = &definition.body;
    let mut body = print_expr(value);
    if !lets.is_empty() {
        let lets = lets.iter().map(|local| print_binding("let", local) + "; ");
        body = format!("{{ {}{body} }}", lets.collect::<String>());
    }
    format!("{word} {name}({options}){operands} = {body}")
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
            module,
            callee,
            axes,
            args,
            on,
        } => {
            if let Some(module) = module {
                out.push_str(&format!("{}.", module.text));
            }
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
    write_expr(out, lhs, left, false);
    out.push_str(&format!(" {} ", op.symbol()));
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
