//! Pairs of items and definitions.

use pest::Parser;
use pest::iterators::Pair;

use super::super::errors;
use super::super::grammar::{Grammar, Rule};
use super::super::tree::*;
use super::exprs::value;
use super::types::type_expr;
use super::{Cx, Parsed};
use crate::diag::Diagnostic;
use crate::source::Span;

pub(super) fn item(cx: &Cx, pair: Pair<Rule>) -> Parsed<Item> {
    let span = cx.trimmed(&pair);
    let kind = match pair.as_rule() {
        Rule::language_item => language(cx, pair)?,
        Rule::use_item => use_item(cx, pair)?,
        Rule::task_item => ItemKind::Task(cx.ident(&cx.parts(pair).one(cx)?)),
        Rule::axis_item => axis(cx, pair)?,
        Rule::input_item => input(cx, pair)?,
        Rule::param_item => param(cx, pair)?,
        Rule::ignore_item => ignore(cx, pair)?,
        Rule::let_item => ItemKind::Let(only_binding(cx, pair)?),
        Rule::term_item => ItemKind::Term(only_binding(cx, pair)?),
        Rule::report_item => ItemKind::Report(only_binding(cx, pair)?),
        Rule::minimize_item => ItemKind::Minimize(value(cx, cx.parts(pair).one(cx)?)?),
        Rule::fn_item => ItemKind::Fn(definition(cx, pair)?),
        Rule::loss_item => ItemKind::Loss(definition(cx, pair)?),
        Rule::test_item => test(cx, pair)?,
        Rule::bare_item => bare(cx, pair, span)?,
        _ => return Err(cx.disagreement(span)),
    };
    Ok(Item {
        doc: None,
        kind,
        span,
    })
}

fn language(cx: &Cx, pair: Pair<Rule>) -> Parsed<ItemKind> {
    let number = cx.parts(pair).one(cx)?;
    let span = cx.span(&number);
    let version = match number.as_str().parse() {
        Ok(version) => version,
        Err(_) => return Err(Box::new(errors::number_too_large(span))),
    };
    Ok(ItemKind::Language { version, span })
}

fn use_item(cx: &Cx, pair: Pair<Rule>) -> Parsed<ItemKind> {
    let mut parts = cx.parts(pair);
    let name = parts.one(cx)?;
    let module = match name.as_rule() {
        Rule::string => ModuleName::File(name.as_str().trim_matches('"').to_owned()),
        _ => ModuleName::Embedded(name.as_str().to_owned()),
    };
    Ok(ItemKind::Use(Use {
        module,
        span: cx.span(&name),
        alias: parts.next().map(|alias| cx.ident(&alias)),
    }))
}

fn axis(cx: &Cx, pair: Pair<Rule>) -> Parsed<ItemKind> {
    let mut parts = cx.parts(pair);
    let name = cx.ident(&parts.one(cx)?);
    let role = parts.one_if(Rule::ident).map(|role| cx.ident(&role));
    let size = match parts.one_if(Rule::integer) {
        Some(size) => Some(integer(cx, &size)?),
        None => None,
    };
    Ok(ItemKind::Axis { name, role, size })
}

fn input(cx: &Cx, pair: Pair<Rule>) -> Parsed<ItemKind> {
    let mut parts = cx.parts(pair);
    Ok(ItemKind::Input {
        name: cx.ident(&parts.one(cx)?),
        ty: type_expr(cx, parts.one(cx)?)?,
    })
}

fn param(cx: &Cx, pair: Pair<Rule>) -> Parsed<ItemKind> {
    let mut parts = cx.parts(pair);
    Ok(ItemKind::Param {
        name: cx.ident(&parts.one(cx)?),
        ty: type_expr(cx, parts.one(cx)?)?,
        default: value(cx, parts.one(cx)?)?,
    })
}

fn ignore(cx: &Cx, pair: Pair<Rule>) -> Parsed<ItemKind> {
    let mut parts = cx.parts(pair);
    Ok(ItemKind::Ignore {
        condition: value(cx, parts.one(cx)?)?,
        strict: parts.one_if(Rule::kw_strict).is_some(),
    })
}

fn only_binding(cx: &Cx, pair: Pair<Rule>) -> Parsed<Binding> {
    binding(cx, cx.parts(pair).one(cx)?)
}

fn binding(cx: &Cx, pair: Pair<Rule>) -> Parsed<Binding> {
    let mut parts = cx.parts(pair);
    Ok(Binding {
        name: cx.ident(&parts.one(cx)?),
        value: value(cx, parts.one(cx)?)?,
    })
}

/// An expression alone, which must start its line: behind another item it is that item's
/// expression with an operator missing.
fn bare(cx: &Cx, pair: Pair<Rule>, span: Span) -> Parsed<ItemKind> {
    let at = cx.tokens.partition_point(|t| t.start < span.start as usize);
    if at > 0 && cx.tokens.get(at).is_some_and(|t| !t.first) {
        if let Some(diagnostic) = broken_suffix(cx, span.start as usize) {
            return Err(Box::new(diagnostic));
        }
        let trouble = errors::Trouble::new(cx.file, cx.text, cx.tokens, at, &[]);
        return Err(Box::new(errors::two_operands(&trouble)));
    }
    Ok(ItemKind::Minimize(value(cx, cx.parts(pair).one(cx)?)?))
}

/// What is wrong with a bracket that belongs to the value before it and reads as a list or as
/// parentheses only because it is not well formed.
fn broken_suffix(cx: &Cx, start: usize) -> Option<Diagnostic> {
    let end = cx.tokens.last().map_or(start, |t| t.end);
    let rest = cx.text.get(start..end)?;
    let rule = match rest.as_bytes().first()? {
        b'(' => Rule::arguments,
        b'[' => Rule::bracket,
        _ => return None,
    };
    let error = Grammar::parse(rule, rest).err()?;
    Some(errors::syntax(cx.file, cx.text, cx.tokens, start, &error))
}

fn test(cx: &Cx, pair: Pair<Rule>) -> Parsed<ItemKind> {
    let mut parts = cx.parts(pair);
    let name = parts.one(cx)?;
    let mut test = Test {
        name: name.as_str().trim_matches('"').to_owned(),
        span: cx.span(&name),
        statements: Vec::new(),
    };
    for part in parts {
        let span = cx.trimmed(&part);
        let kind = match part.as_rule() {
            Rule::task_item => StatementKind::Task(cx.ident(&cx.parts(part).one(cx)?)),
            Rule::input_item => {
                let mut parts = cx.parts(part);
                let name = cx.ident(&parts.one(cx)?);
                let ty = type_expr(cx, parts.one(cx)?)?;
                StatementKind::Input { name, ty }
            }
            Rule::binding => StatementKind::Given(binding(cx, part)?),
            Rule::minimize_item => StatementKind::Minimize(value(cx, cx.parts(part).one(cx)?)?),
            Rule::expect_error => StatementKind::Fails(cx.ident(&cx.parts(part).one(cx)?)),
            Rule::expect_value => StatementKind::Expect(expectation(cx, part)?),
            _ => return Err(cx.disagreement(span)),
        };
        test.statements.push(Statement { kind, span });
    }
    Ok(ItemKind::Test(test))
}

fn expectation(cx: &Cx, pair: Pair<Rule>) -> Parsed<Expectation> {
    // The words say what is expected of, so they count here.
    let words = pair.clone().into_inner().map(|part| part.as_rule());
    let of = words.skip(1).find(|rule| *rule != Rule::kw_expect);
    let mut parts = cx.parts(pair);
    let of = match of {
        Some(Rule::kw_minimize) => Expected::Minimize,
        Some(Rule::kw_report) => Expected::Report(cx.ident(&parts.one(cx)?)),
        _ => Expected::Value(value(cx, parts.one(cx)?)?),
    };
    Ok(Expectation {
        of,
        about: value(cx, parts.one(cx)?)?,
        within: match parts.next() {
            Some(within) => Some(value(cx, within)?),
            None => None,
        },
    })
}

fn definition(cx: &Cx, pair: Pair<Rule>) -> Parsed<Definition> {
    let mut parts = cx.parts(pair);
    let name = cx.ident(&parts.one(cx)?);
    let mut aliases = Vec::new();
    while let Some(alias) = parts.one_if(Rule::ident) {
        aliases.push(cx.ident(&alias));
    }
    let options_pair = parts.one(cx)?;
    let mut head = name.span.to(cx.trimmed(&options_pair));
    let options = cx
        .parts(options_pair)
        .map(|option| option_decl(cx, option))
        .collect::<Parsed<Vec<_>>>()?;
    let operands = match parts.one_if(Rule::operands) {
        Some(operands) => cx
            .parts(operands)
            .map(|operand| operand_decl(cx, operand))
            .collect::<Parsed<Vec<_>>>()?,
        None => Vec::new(),
    };
    if let Some(last) = operands.last() {
        head = head.to(last.span);
    }
    Ok(Definition {
        name,
        aliases,
        options,
        operands,
        body: body(cx, parts.one(cx)?)?,
        head,
    })
}

fn option_decl(cx: &Cx, pair: Pair<Rule>) -> Parsed<OptionDecl> {
    let span = cx.trimmed(&pair);
    let mut parts = cx.parts(pair);
    Ok(OptionDecl {
        name: cx.ident(&parts.one(cx)?),
        ty: type_expr(cx, parts.one(cx)?)?,
        default: match parts.next() {
            Some(default) => Some(value(cx, default)?),
            None => None,
        },
        span,
    })
}

fn operand_decl(cx: &Cx, pair: Pair<Rule>) -> Parsed<OperandDecl> {
    let span = cx.trimmed(&pair);
    let mut parts = cx.parts(pair);
    Ok(OperandDecl {
        name: cx.ident(&parts.one(cx)?),
        ty: type_expr(cx, parts.one(cx)?)?,
        span,
    })
}

fn body(cx: &Cx, pair: Pair<Rule>) -> Parsed<Body> {
    let inner = cx.parts(pair).one(cx)?;
    if inner.as_rule() == Rule::expr {
        return Ok(Body {
            lets: Vec::new(),
            value: value(cx, inner)?,
        });
    }
    let mut lets = Vec::new();
    let mut parts = cx.parts(inner);
    while let Some(local) = parts.one_if(Rule::local) {
        lets.push(only_binding(cx, local)?);
    }
    Ok(Body {
        lets,
        value: value(cx, parts.one(cx)?)?,
    })
}

/// A whole number with its place.
pub(super) fn integer(cx: &Cx, pair: &Pair<Rule>) -> Parsed<(usize, Span)> {
    let span = cx.span(pair);
    match pair.as_str().parse() {
        Ok(number) => Ok((number, span)),
        Err(_) => Err(Box::new(errors::number_too_large(span))),
    }
}
