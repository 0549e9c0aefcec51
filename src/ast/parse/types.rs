//! Pairs of types.

use pest::iterators::Pair;

use super::super::errors;
use super::super::grammar::Rule;
use super::super::tree::*;
use super::items::integer;
use super::{Cx, Parsed, is_bracket};
use crate::source::Span;

/// The roles that may stand where an axis is declared.
const ROLES: &[&str] = &["batch", "class", "space"];

pub(super) fn type_expr(cx: &Cx, pair: Pair<Rule>) -> Parsed<TypeExpr> {
    let inner = cx.parts(pair).one(cx)?;
    if inner.as_rule() == Rule::tensor {
        return tensor(cx, inner);
    }
    let span = cx.trimmed(&inner);
    let names = cx.parts(inner).map(|name| cx.ident(&name)).collect();
    Ok(TypeExpr {
        kind: TypeKind::OneOf(names),
        span,
    })
}

/// A `tensor` or a `cast_type`.
pub(super) fn tensor(cx: &Cx, pair: Pair<Rule>) -> Parsed<TypeExpr> {
    let span = cx.trimmed(&pair);
    let mut parts = cx.parts(pair);
    let kind = cx.ident(&parts.one(cx)?);
    let axes = match parts.one_if(Rule::type_axes) {
        Some(axes) => {
            let axes = cx.parts(axes).map(|axis| type_axis(cx, axis));
            Some(axes.collect::<Parsed<Vec<_>>>()?)
        }
        None => None,
    };
    let class = match parts.one_if(Rule::class_clause) {
        Some(clause) => Some(class_clause(cx, clause)?),
        None => None,
    };
    let range = match parts.one_if(Rule::range) {
        Some(range) => Some(self::range(cx, range)?),
        None => None,
    };
    Ok(TypeExpr {
        kind: TypeKind::Tensor {
            kind,
            axes,
            class,
            range,
        },
        span,
    })
}

fn type_axis(cx: &Cx, pair: Pair<Rule>) -> Parsed<AxisDecl> {
    let inner = cx.parts(pair).one(cx)?;
    match inner.as_rule() {
        Rule::pack => {
            let span = cx.span(&inner);
            let name = inner.into_inner().find(|p| p.as_rule() == Rule::axis_name);
            Ok(AxisDecl::Pack {
                name: name.map(|name| cx.ident(&name)),
                span,
            })
        }
        Rule::integer => {
            let (size, span) = integer(cx, &inner)?;
            Ok(AxisDecl::Size(size, span))
        }
        _ => {
            let mut parts = cx.parts(inner);
            let name = declared_axis(cx, parts.one(cx)?)?;
            let size = match parts.one_if(Rule::integer) {
                Some(size) => Some(integer(cx, &size)?),
                None => None,
            };
            Ok(AxisDecl::Axis { name, size })
        }
    }
}

fn class_clause(cx: &Cx, pair: Pair<Rule>) -> Parsed<ClassClause> {
    let span = cx.trimmed(&pair);
    let mut parts = cx.parts(pair);
    let word = match parts.one(cx)?.as_str() {
        "over" => ClassWord::Over,
        "per" => ClassWord::Per,
        _ => ClassWord::Of,
    };
    let axis = declared_axis(cx, parts.one(cx)?)?;
    Ok(ClassClause { word, axis, span })
}

/// An `axis_or_role` where an axis is declared: a lower-case name that is no role is a slip.
fn declared_axis(cx: &Cx, pair: Pair<Rule>) -> Parsed<Ident> {
    let name = cx.ident(&pair);
    let lower = name.text.starts_with(|c: char| !c.is_ascii_uppercase());
    if lower && !ROLES.contains(&name.text.as_str()) {
        return Err(Box::new(errors::lower_case_axis(&name)));
    }
    Ok(name)
}

fn range(cx: &Cx, pair: Pair<Rule>) -> Parsed<Range> {
    let span = cx.trimmed(&pair);
    let pairs: Vec<Pair<Rule>> = pair.into_inner().collect();
    let first = pairs.first().map(Pair::as_rule);
    let mut bounds = Vec::new();
    for bound in pairs.iter().filter(|p| p.as_rule() == Rule::bound) {
        bounds.push(self::bound(cx, bound)?);
    }
    let (low, high) = match (first, bounds.as_slice()) {
        (Some(Rule::ge), [bound]) => (Some((*bound, true)), None),
        (Some(Rule::gt), [bound]) => (Some((*bound, false)), None),
        (Some(Rule::le), [bound]) => (None, Some((*bound, true))),
        (Some(Rule::lt), [bound]) => (None, Some((*bound, false))),
        (Some(Rule::kw_in), [low, high]) => {
            let mut brackets = pairs.iter().map(Pair::as_rule).filter(|r| is_bracket(*r));
            let closed_low = brackets.next() == Some(Rule::open_bracket);
            let closed_high = brackets.next() == Some(Rule::close_bracket);
            (Some((*low, closed_low)), Some((*high, closed_high)))
        }
        _ => return Err(cx.disagreement(span)),
    };
    Ok(Range { low, high, span })
}

fn bound(cx: &Cx, pair: &Pair<Rule>) -> Parsed<f64> {
    let mut value = 0.0;
    let mut negative = false;
    for part in pair.clone().into_inner() {
        match part.as_rule() {
            Rule::minus => negative = true,
            _ => value = number(part.as_str(), cx.span(&part))?,
        }
    }
    Ok(if negative { -value } else { value })
}

/// The value of a number token or `inf`.
pub(super) fn number(text: &str, span: Span) -> Parsed<f64> {
    match text.parse() {
        Ok(value) if text == "inf" || f64::is_finite(value) => Ok(value),
        _ => Err(Box::new(errors::number_too_large(span))),
    }
}
