//! Pairs of expressions.
//!
//! No expression is deeper than [`MAX_DEPTH`], however it is written: what recursion would
//! follow is measured before it does, and every node that is built counts its height.

use pest::iterators::Pair;

use super::super::errors;
use super::super::grammar::{PRECEDENCE, Rule};
use super::super::tree::*;
use super::items::integer;
use super::types::{number, tensor};
use super::{Cx, Parsed};
use crate::source::Span;

/// How many levels the tree of an expression may have.
pub(super) const MAX_DEPTH: usize = 200;

/// An expression while it is built.
struct Built {
    expr: Expr,
    /// Its place with the parentheses around it.
    outer: Span,
    /// The levels of its tree.
    height: usize,
}

impl Built {
    fn new(kind: ExprKind, span: Span, height: usize) -> Built {
        Built {
            expr: Expr { kind, span },
            outer: span,
            height,
        }
    }

    fn in_parentheses(&self) -> bool {
        self.outer != self.expr.span
    }
}

/// An expression that stands by itself.
pub(super) fn value(cx: &Cx, pair: Pair<Rule>) -> Parsed<Expr> {
    Ok(expr(cx, pair, 0)?.expr)
}

/// The levels of a node above `parts`; `at` is what to blame if that is too many.
fn above(parts: &[usize], at: Span) -> Parsed<usize> {
    level(parts.iter().copied().max().unwrap_or(0) + 1, at)
}

/// The bracket or the letter with which something starts.
fn first_byte(span: Span) -> Span {
    Span {
        end: span.start + 1,
        ..span
    }
}

fn level(level: usize, at: Span) -> Parsed<usize> {
    if level > MAX_DEPTH {
        return Err(Box::new(errors::too_deep(at)));
    }
    Ok(level)
}

/// An expression; `depth` bounds the levels above it.
fn expr(cx: &Cx, pair: Pair<Rule>, depth: usize) -> Parsed<Built> {
    refuse_chained_comparisons(cx, &pair)?;
    let (pending, at) = longest_pending(cx, &pair);
    let depth = level(depth + pending + 1, at)?;
    PRECEDENCE
        .map_primary(|primary| self::primary(cx, primary, depth))
        .map_prefix(|op, operand| prefix(cx, &op, operand?))
        .map_infix(|lhs, op, rhs| infix(cx, lhs?, &op, rhs?))
        .parse(pair.into_inner())
}

/// How many operators in a row wait for the operand on their right, and where the last of them
/// stands: the precedence table recurses for each of them, while chains of `+` are a loop.
fn longest_pending(cx: &Cx, pair: &Pair<Rule>) -> (usize, Span) {
    let (mut longest, mut at) = (0, first_byte(cx.span(pair)));
    let (mut nots, mut tight) = (0, 0);
    for part in pair.clone().into_inner() {
        match part.as_rule() {
            Rule::not_op => nots += 1,
            Rule::neg_op | Rule::pow_op => tight += 1,
            Rule::and_op | Rule::or_op => (nots, tight) = (0, 0),
            rule if binary_op(rule).is_some() => tight = 0,
            _ => continue,
        }
        if nots + tight > longest {
            longest = nots + tight;
            at = cx.span(&part);
        }
    }
    (longest, at)
}

/// `a < b < c` compares a truth value with a number, which nobody means.
fn refuse_chained_comparisons(cx: &Cx, pair: &Pair<Rule>) -> Parsed<()> {
    let mut last: Option<Pair<Rule>> = None;
    for part in pair.clone().into_inner() {
        match part.as_rule() {
            Rule::and_op | Rule::or_op => last = None,
            Rule::eq | Rule::ne | Rule::lt | Rule::le | Rule::gt | Rule::ge => {
                if let Some(before) = last {
                    let diagnostic =
                        errors::chained_comparison(cx.text, cx.span(&before), cx.span(&part));
                    return Err(Box::new(diagnostic));
                }
                last = Some(part);
            }
            _ => {}
        }
    }
    Ok(())
}

fn prefix(cx: &Cx, op: &Pair<Rule>, operand: Built) -> Parsed<Built> {
    let span = cx.span(op);
    let height = above(&[operand.height], span)?;
    let op = match op.as_rule() {
        Rule::not_op => UnaryOp::Not,
        _ => UnaryOp::Neg,
    };
    let kind = ExprKind::Unary {
        op,
        operand: Box::new(operand.expr),
    };
    Ok(Built::new(kind, span.to(operand.outer), height))
}

fn infix(cx: &Cx, lhs: Built, op: &Pair<Rule>, rhs: Built) -> Parsed<Built> {
    let op_span = cx.span(op);
    let height = above(&[lhs.height, rhs.height], op_span)?;
    let Some(op) = binary_op(op.as_rule()) else {
        return Err(cx.disagreement(op_span));
    };
    let kind = ExprKind::Binary {
        op,
        op_span,
        lhs: Box::new(lhs.expr),
        rhs: Box::new(rhs.expr),
    };
    Ok(Built::new(kind, lhs.outer.to(rhs.outer), height))
}

fn binary_op(rule: Rule) -> Option<BinaryOp> {
    Some(match rule {
        Rule::add_op => BinaryOp::Add,
        Rule::sub_op => BinaryOp::Sub,
        Rule::mul_op => BinaryOp::Mul,
        Rule::div_op => BinaryOp::Div,
        Rule::pow_op => BinaryOp::Pow,
        Rule::eq => BinaryOp::Eq,
        Rule::ne => BinaryOp::Ne,
        Rule::lt => BinaryOp::Lt,
        Rule::le => BinaryOp::Le,
        Rule::gt => BinaryOp::Gt,
        Rule::ge => BinaryOp::Ge,
        Rule::and_op => BinaryOp::And,
        Rule::or_op => BinaryOp::Or,
        _ => return None,
    })
}

fn primary(cx: &Cx, pair: Pair<Rule>, depth: usize) -> Parsed<Built> {
    match pair.as_rule() {
        Rule::if_expr => if_expr(cx, pair, depth),
        Rule::sum_for => sum_for(cx, pair, depth),
        Rule::postfix => postfix(cx, pair, depth),
        _ => Err(cx.disagreement(cx.span(&pair))),
    }
}

fn if_expr(cx: &Cx, pair: Pair<Rule>, depth: usize) -> Parsed<Built> {
    // A chain of `else if` is flat here and becomes one level for each `if`.
    let start = cx.span(&pair);
    let (mut ifs, mut exprs) = (Vec::new(), Vec::new());
    for part in cx.parts(pair) {
        match part.as_rule() {
            Rule::kw_if => ifs.push(cx.span(&part)),
            _ => exprs.push(part),
        }
    }
    level(ifs.len(), first_byte(start))?;
    let Some(last) = exprs.pop() else {
        return Err(cx.disagreement(start));
    };
    let mut otherwise = expr(cx, last, depth)?;
    for span in ifs.into_iter().rev() {
        let (Some(then), Some(cond)) = (exprs.pop(), exprs.pop()) else {
            return Err(cx.disagreement(span));
        };
        let (cond, then) = (expr(cx, cond, depth)?, expr(cx, then, depth)?);
        let height = above(&[cond.height, then.height, otherwise.height], span)?;
        let kind = ExprKind::If {
            cond: Box::new(cond.expr),
            then: Box::new(then.expr),
            otherwise: Box::new(otherwise.expr),
        };
        otherwise = Built::new(kind, span.to(otherwise.outer), height);
    }
    Ok(otherwise)
}

fn sum_for(cx: &Cx, pair: Pair<Rule>, depth: usize) -> Parsed<Built> {
    let start = cx.span(&pair);
    let mut parts = cx.parts(pair);
    let axis = cx.ident(&parts.one(cx)?);
    let axes = cx
        .parts(parts.one(cx)?)
        .map(|axis| axis_ref(cx, cx.parts(axis).one(cx)?))
        .collect::<Parsed<Vec<_>>>()?;
    let body = expr(cx, parts.one(cx)?, depth)?;
    let span = Span {
        end: body.outer.end,
        ..start
    };
    let height = above(&[body.height], axis.span)?;
    let kind = ExprKind::SumFor {
        axis,
        axes,
        body: Box::new(body.expr),
    };
    Ok(Built::new(kind, span, height))
}

/// A `pack` or an `axis_or_role`; of a pack only the name counts.
fn axis_ref(cx: &Cx, pair: Pair<Rule>) -> Parsed<AxisRef> {
    let name = match pair.as_rule() {
        Rule::pack => cx.ident(&pack_name(cx, pair)?),
        _ => cx.ident(&pair),
    };
    Ok(AxisRef { name })
}

fn pack_name<'i>(cx: &Cx, pair: Pair<'i, Rule>) -> Parsed<Pair<'i, Rule>> {
    let span = cx.span(&pair);
    let name = pair.into_inner().find(|p| p.as_rule() == Rule::axis_name);
    name.ok_or_else(|| Box::new(errors::pack_without_name(span)))
}

fn postfix(cx: &Cx, pair: Pair<Rule>, depth: usize) -> Parsed<Built> {
    let mut parts = cx.parts(pair);
    let mut built = atom(cx, parts.one(cx)?, depth)?;
    for part in parts {
        built = match part.as_rule() {
            Rule::member => member(cx, built, part)?,
            Rule::bracket => bracket(cx, built, part, depth)?,
            Rule::arguments => call(cx, built, part, depth)?,
            Rule::on_clause => on_clause(cx, built, part, depth)?,
            Rule::cast => cast(cx, built, part)?,
            _ => return Err(cx.disagreement(cx.span(&part))),
        };
    }
    Ok(built)
}

fn atom(cx: &Cx, pair: Pair<Rule>, depth: usize) -> Parsed<Built> {
    let span = cx.span(&pair);
    let text = pair.as_str();
    let kind = match pair.as_rule() {
        Rule::number => ExprKind::Number {
            value: number(text, span)?,
            integer: text.bytes().all(|b| b.is_ascii_digit()),
        },
        Rule::kw_inf => ExprKind::Number {
            value: f64::INFINITY,
            integer: false,
        },
        Rule::boolean => ExprKind::Bool(text == "true"),
        Rule::ident => ExprKind::Name(text.to_owned()),
        Rule::axis_name => ExprKind::Axis(text.to_owned()),
        Rule::pack => ExprKind::Axis(pack_name(cx, pair)?.as_str().to_owned()),
        Rule::paren => {
            let inner = expr(cx, cx.parts(pair).one(cx)?, depth)?;
            return Ok(Built {
                outer: span,
                ..inner
            });
        }
        Rule::list => {
            let mut heights = Vec::new();
            let mut entries = Vec::new();
            for entry in cx.parts(pair) {
                let entry = expr(cx, entry, depth)?;
                heights.push(entry.height);
                entries.push(entry.expr);
            }
            let height = above(&heights, first_byte(span))?;
            return Ok(Built::new(ExprKind::List(entries), span, height));
        }
        _ => return Err(cx.disagreement(span)),
    };
    Ok(Built::new(kind, span, 1))
}

/// `monai.dice`, of which only the call makes sense: the module and the name, until arguments follow.
fn member(cx: &Cx, base: Built, pair: Pair<Rule>) -> Parsed<Built> {
    let span = cx.span(&pair);
    let name = cx.ident(&cx.parts(pair).one(cx)?);
    match base.expr.kind {
        ExprKind::Name(text) if !base.in_parentheses() => {
            let module = Ident {
                text,
                span: base.expr.span,
            };
            let kind = ExprKind::Call {
                module: Some(module),
                callee: name,
                axes: None,
                args: None,
                on: None,
            };
            Ok(Built::new(kind, base.outer.to(span), 1))
        }
        // Points behind anything else have been refused before.
        _ => Err(cx.disagreement(span)),
    }
}

/// Arguments behind something: a call, if that is a name.
fn call(cx: &Cx, base: Built, pair: Pair<Rule>, depth: usize) -> Parsed<Built> {
    let span = cx.span(&pair);
    let parenthesised = base.in_parentheses();
    let (module, callee, axes) = match base.expr.kind {
        ExprKind::Name(text) if !parenthesised => {
            let callee = Ident {
                text,
                span: base.expr.span,
            };
            (None, callee, None)
        }
        ExprKind::Call {
            module,
            callee,
            axes,
            args: None,
            on: None,
        } if !parenthesised => (module, callee, axes),
        kind => {
            let whole = base.outer;
            return Err(Box::new(errors::not_a_function(&kind, whole, span)));
        }
    };
    let (args, height) = arguments(cx, pair, depth)?;
    let kind = ExprKind::Call {
        module,
        callee,
        axes,
        args: Some(args),
        on: None,
    };
    Ok(Built::new(kind, base.outer.to(span), height))
}

fn arguments(cx: &Cx, pair: Pair<Rule>, depth: usize) -> Parsed<(Vec<Arg>, usize)> {
    let span = cx.span(&pair);
    let mut heights = Vec::new();
    let mut args = Vec::new();
    for argument in cx.parts(pair) {
        let mut parts = cx.parts(argument);
        let name = parts.one_if(Rule::keyword).map(|name| cx.ident(&name));
        let value = expr(cx, parts.one(cx)?, depth)?;
        heights.push(value.height);
        args.push(Arg {
            name,
            value: value.expr,
        });
    }
    Ok((args, above(&heights, first_byte(span))?))
}

fn on_clause(cx: &Cx, base: Built, pair: Pair<Rule>, depth: usize) -> Parsed<Built> {
    let span = cx.trimmed(&pair);
    let parenthesised = base.in_parentheses();
    let (module, callee, axes, args) = match base.expr.kind {
        ExprKind::Call {
            module,
            callee,
            axes,
            args: Some(args),
            on: None,
        } if !parenthesised => (module, callee, axes, args),
        kind => {
            let whole = base.outer;
            return Err(Box::new(errors::on_without_call(&kind, whole, span)));
        }
    };
    let (operands, height) = arguments(cx, cx.parts(pair).one(cx)?, depth)?;
    let height = above(&[height - 1, base.height - 1], span)?;
    let kind = ExprKind::Call {
        module,
        callee,
        axes,
        args: Some(args),
        on: Some(operands),
    };
    Ok(Built::new(kind, base.outer.to(span), height))
}

fn cast(cx: &Cx, base: Built, pair: Pair<Rule>) -> Parsed<Built> {
    let ty = tensor(cx, cx.parts(pair).one(cx)?)?;
    let height = above(&[base.height], ty.span)?;
    let span = base.outer.to(ty.span);
    let kind = ExprKind::As {
        base: Box::new(base.expr),
        ty,
    };
    Ok(Built::new(kind, span, height))
}

/// A bracket behind something: the axes of a call, or selectors.
fn bracket(cx: &Cx, base: Built, pair: Pair<Rule>, depth: usize) -> Parsed<Built> {
    let span = cx.span(&pair);
    let mut heights = vec![base.height];
    let (mut axes, mut selectors) = (Vec::new(), Vec::new());
    for entry in cx.parts(pair) {
        let place = cx.trimmed(&entry);
        let mut parts = cx.parts(entry);
        let first = parts.one(cx)?;
        match parts.next() {
            None if first.as_rule() != Rule::integer => axes.push((axis_ref(cx, first)?, place)),
            rest => {
                let selector = selector(cx, first, rest, depth, &mut heights)?;
                selectors.push((selector, place));
            }
        }
    }
    if let (Some((_, axis)), Some((_, selector))) = (axes.first(), selectors.first()) {
        return Err(Box::new(errors::mixed_bracket(*axis, *selector)));
    }
    if let ExprKind::Axis(name) = &base.expr.kind {
        return Err(Box::new(errors::bracket_on_axis(name, base.outer)));
    }
    if axes.is_empty() {
        let height = above(&heights, first_byte(span))?;
        let whole = base.outer.to(span);
        let kind = ExprKind::Select {
            base: Box::new(base.expr),
            selectors: selectors.into_iter().map(|s| s.0).collect(),
        };
        return Ok(Built::new(kind, whole, height));
    }
    let parenthesised = base.in_parentheses();
    let (module, callee) = match base.expr.kind {
        ExprKind::Name(text) if !parenthesised => {
            let callee = Ident {
                text,
                span: base.expr.span,
            };
            (None, callee)
        }
        ExprKind::Call {
            module: Some(module),
            callee,
            axes: None,
            args: None,
            on: None,
        } if !parenthesised => (Some(module), callee),
        _ => return Err(Box::new(errors::axes_without_function(span))),
    };
    let kind = ExprKind::Call {
        module,
        callee,
        axes: Some(axes.into_iter().map(|a| a.0).collect()),
        args: None,
        on: None,
    };
    Ok(Built::new(kind, base.outer.to(span), 1))
}

/// An entry that is more than a name.
fn selector(
    cx: &Cx,
    first: Pair<Rule>,
    rest: Option<Pair<Rule>>,
    depth: usize,
    heights: &mut Vec<usize>,
) -> Parsed<Selector> {
    let Some(rest) = rest else {
        let (entry, span) = integer(cx, &first)?;
        return Ok(Selector::Entry(entry, span));
    };
    let axis = axis_ref(cx, first)?;
    Ok(match rest.as_rule() {
        Rule::rename => Selector::Rename {
            axis,
            to: cx.ident(&cx.parts(rest).one(cx)?),
        },
        Rule::slice => slice(cx, axis, rest)?,
        _ => {
            let index = expr(cx, rest, depth)?;
            heights.push(index.height);
            Selector::At {
                axis,
                index: index.expr,
            }
        }
    })
}

fn slice(cx: &Cx, axis: AxisRef, pair: Pair<Rule>) -> Parsed<Selector> {
    let span = axis.name.span.to(cx.trimmed(&pair));
    let (mut start, mut end) = (None, None);
    let mut seen_dots = false;
    for part in pair.into_inner() {
        if part.as_rule() == Rule::dots {
            seen_dots = true;
            continue;
        }
        let bound = Some(signed(cx, &part)?);
        if seen_dots {
            end = bound;
        } else {
            start = bound;
        }
    }
    Ok(Selector::Slice {
        axis,
        start,
        end,
        span,
    })
}

fn signed(cx: &Cx, pair: &Pair<Rule>) -> Parsed<(i64, Span)> {
    let span = cx.span(pair);
    let digits: String = pair.as_str().split([' ', '\t']).collect();
    match digits.parse() {
        Ok(number) => Ok((number, span)),
        Err(_) => Err(Box::new(errors::number_too_large(span))),
    }
}
