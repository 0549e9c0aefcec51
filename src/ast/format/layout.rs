//! Pairs of the grammar → a document.
//!
//! Most rules need nothing of their own: [`Layout::row`] sets the parts of a pair in a row, and
//! [`space`] says where blanks stand. What has breaks has a function here: brackets, chains of
//! operators, `if`, definitions, and values behind an `=`.

use pest::iterators::Pair;

use super::doc::{Column, Doc};
use super::remarks::Remarks;
use crate::ast::grammar::Rule;

type Part<'i> = Pair<'i, Rule>;

/// Which empty lines are kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kept {
    /// None: the middle of a line.
    None,
    /// Those behind the first remark: the first line in a bracket.
    Inner,
    /// All.
    All,
}

/// What the conversion of a text needs to know.
pub(super) struct Layout<'t> {
    remarks: Remarks<'t>,
    /// Where the piece starts in the text.
    base: usize,
    /// What becomes of empty lines before the next token.
    kept: Kept,
}

impl<'t> Layout<'t> {
    pub fn new(remarks: Remarks<'t>) -> Layout<'t> {
        Layout {
            remarks,
            base: 0,
            kept: Kept::All,
        }
    }

    pub fn remarks(&self) -> &Remarks<'t> {
        &self.remarks
    }

    /// An item on lines of its own.
    pub fn item(&mut self, base: usize, item: Part) -> Doc {
        self.base = base;
        self.kept = Kept::All;
        let doc = self.doc(item);
        Doc::all([doc, Doc::hard()])
    }

    /// The remarks behind the last item.
    pub fn end(&mut self) -> Doc {
        self.kept = Kept::All;
        self.lead(self.remarks.count())
    }

    fn doc(&mut self, part: Part) -> Doc {
        match part.as_rule() {
            Rule::expr => self.chain(part),
            Rule::if_expr => self.if_expr(part),
            Rule::sum_for => self.sum_for(part),
            Rule::bare_item => self.bare(part),
            Rule::paren
            | Rule::list
            | Rule::arguments
            | Rule::bracket
            | Rule::type_axes
            | Rule::options => self.bracket(part),
            // One axis needs no brackets.
            Rule::axis_set if part.as_str().starts_with('[') => self.bracket(part),
            Rule::block | Rule::test_item => self.block(part),
            Rule::fn_item | Rule::loss_item => self.definition(part),
            Rule::term_item => self.term(part),
            _ => self.row(part),
        }
    }

    // --------------------------------------------------------------------------------------------
    // Tokens
    // --------------------------------------------------------------------------------------------

    fn first_token(&self, part: &Part) -> usize {
        self.remarks.at(self.base + part.as_span().start())
    }

    fn last_token(&self, part: &Part) -> usize {
        let end = self.base + part.as_span().end();
        self.remarks.at(end).saturating_sub(1)
    }

    fn lead(&mut self, at: usize) -> Doc {
        let kept = std::mem::replace(&mut self.kept, Kept::None);
        let mut remarks = self.remarks.take_lead(at);
        for (i, remark) in remarks.iter_mut().enumerate() {
            remark.blank &= kept == Kept::All || (kept == Kept::Inner && i > 0);
        }
        let inner = kept == Kept::Inner && !remarks.is_empty();
        if remarks.is_empty() && kept == Kept::None {
            return Doc::nothing();
        }
        let blank = self.remarks.has_blank(at) && (inner || kept == Kept::All);
        let blank = if blank { Doc::blank() } else { Doc::nothing() };
        match remarks.is_empty() {
            true => blank,
            false => Doc::all([Doc::lead(remarks), blank]),
        }
    }

    fn trail(&mut self, at: usize) -> Doc {
        let remark = self.remarks.take_trail(at);
        remark.map_or(Doc::nothing(), Doc::trail)
    }

    /// A token with the remarks before it and behind it.
    fn token(&mut self, at: usize) -> Doc {
        let lead = self.lead(at);
        let text = Doc::text(self.remarks.token(at));
        Doc::all([lead, text, self.trail(at)])
    }

    /// The tokens of a pair without parts; `one of` is two.
    fn leaf(&mut self, part: &Part) -> Doc {
        let (first, last) = (self.first_token(part), self.last_token(part));
        let mut docs = vec![self.token(first)];
        for at in first + 1..=last {
            docs.push(Doc::text(" "));
            docs.push(self.token(at));
        }
        Doc::all(docs)
    }

    // --------------------------------------------------------------------------------------------
    // Rows
    // --------------------------------------------------------------------------------------------

    /// The parts of a pair in a row.
    fn row(&mut self, part: Part) -> Doc {
        let within = part.as_rule();
        let parts: Vec<Part> = part.clone().into_inner().collect();
        match parts.is_empty() {
            true => self.leaf(&part),
            false => self.row_of(within, parts),
        }
    }

    fn row_of(&mut self, within: Rule, parts: Vec<Part>) -> Doc {
        let mut docs = Vec::new();
        let mut left: Option<Rule> = None;
        for part in parts {
            let right = part.as_rule();
            let spaced = left.is_some_and(|left| space(within, left, right));
            docs.push(match (within, left, right) {
                (
                    _,
                    Some(Rule::assign | Rule::about | Rule::kw_ignore | Rule::kw_minimize),
                    Rule::expr,
                ) if spaced => self.value(part),
                (_, Some(Rule::assign), Rule::expr) => self.hanging(part),
                (Rule::input_item, Some(Rule::colon), _) => {
                    Doc::all([Doc::column(Column::Inputs), self.doc(part)])
                }
                (Rule::term_item, _, Rule::assign) => {
                    Doc::all([Doc::column(Column::Terms), self.doc(part)])
                }
                _ if spaced => Doc::all([Doc::text(" "), self.doc(part)]),
                _ => self.doc(part),
            });
            left = Some(right);
        }
        Doc::all(docs)
    }

    /// What stands behind an `=` or a word: on the same line, or below it if it is long.
    fn value(&mut self, part: Part) -> Doc {
        let hugs = hugs(&part);
        let doc = self.doc(part);
        match hugs {
            true => doc.hug(),
            false => Doc::all([Doc::line(), doc]).indent().group(),
        }
    }

    /// An expression whose later lines stand deeper than its first.
    fn hanging(&mut self, part: Part) -> Doc {
        match hugs(&part) {
            true => self.doc(part),
            false => self.doc(part).indent(),
        }
    }

    /// An expression alone.
    fn bare(&mut self, part: Part) -> Doc {
        let parts: Vec<Part> = part.into_inner().collect();
        Doc::all(parts.into_iter().map(|part| self.hanging(part)))
    }

    /// `term name = value`, which is a binding behind a word.
    fn term(&mut self, part: Part) -> Doc {
        let mut parts = Vec::new();
        for part in part.into_inner() {
            match part.as_rule() {
                Rule::binding => parts.extend(part.into_inner()),
                _ => parts.push(part),
            }
        }
        self.row_of(Rule::term_item, parts)
    }

    // --------------------------------------------------------------------------------------------
    // Brackets
    // --------------------------------------------------------------------------------------------

    fn bracket(&mut self, part: Part) -> Doc {
        let rule = part.as_rule();
        let (first, last) = (self.first_token(&part), self.last_token(&part));
        let (mut entries, mut commas) = (Vec::new(), Vec::new());
        for part in part.into_inner() {
            match part.as_rule() {
                Rule::open | Rule::open_bracket | Rule::close | Rule::close_bracket => {}
                Rule::comma => commas.push(self.first_token(&part)),
                _ => entries.push(part),
            }
        }
        for comma in &commas {
            self.remarks.move_trail(comma.saturating_sub(1), *comma);
        }
        let remarks = self.remarks.any_between(first, last);
        if entries.is_empty() {
            let open = self.token(first);
            return Doc::all([open, self.token(last)]);
        }
        // A list that ends with a comma is meant to stand on several lines.
        let breakable = matches!(
            rule,
            Rule::paren | Rule::list | Rule::arguments | Rule::options
        );
        let closed = commas.len() == entries.len();
        let broken = remarks || (closed && breakable);
        let soft = || match breakable || remarks {
            true => Doc::soft(),
            false => Doc::nothing(),
        };

        let open = self.token(first);
        let rows = self.rows(rule, entries, &commas, broken, breakable || remarks);
        let inside = Doc::all([soft(), rows, self.before_close(last)]).indent();
        let close = self.token(last);
        let doc = Doc::all([open, inside, soft(), close]);
        if broken {
            doc.broken().group()
        } else {
            doc.group()
        }
    }

    /// The remarks before a closing bracket, which belong to the inside.
    fn before_close(&mut self, close: usize) -> Doc {
        if !self.remarks.has_lead(close) {
            return Doc::nothing();
        }
        self.kept = Kept::All;
        let remarks = self.lead(close);
        Doc::all([Doc::hard(), remarks])
    }

    /// The entries of a list. Those that stand on one line of the source do so here too, if the
    /// list stands on several.
    fn rows(
        &mut self,
        rule: Rule,
        entries: Vec<Part>,
        commas: &[usize],
        broken: bool,
        breakable: bool,
    ) -> Doc {
        let count = entries.len();
        let starts: Vec<bool> = entries
            .iter()
            .map(|entry| self.remarks.is_first(self.first_token(entry)))
            .collect();
        let in_rows = starts[1..].contains(&true) || (broken && starts[0]);
        let mut rows: Vec<Doc> = Vec::new();
        let mut row: Vec<Doc> = Vec::new();
        for (i, entry) in entries.into_iter().enumerate() {
            if i > 0 {
                if breakable && in_rows && starts[i] {
                    rows.push(Doc::all(row.drain(..)).group());
                    self.kept = Kept::All;
                } else if breakable {
                    row.push(Doc::line());
                } else {
                    row.push(Doc::text(" "));
                }
            } else {
                self.kept = Kept::Inner;
            }
            let last = self.last_token(&entry);
            let comma = commas.get(i).copied();
            // The comma that is put behind the last entry stands before its remark.
            let remark = match comma {
                None if rule != Rule::paren => self.trail(last),
                _ => Doc::nothing(),
            };
            row.push(self.doc(entry));
            row.push(match comma {
                Some(comma) if i + 1 < count => self.token(comma),
                Some(comma) if broken => self.token(comma),
                None if rule == Rule::paren => Doc::nothing(),
                _ if breakable => Doc::if_broken(","),
                _ => Doc::nothing(),
            });
            row.push(remark);
        }
        if !in_rows {
            return Doc::all(row);
        }
        rows.push(Doc::all(row).group());
        let mut docs = Vec::new();
        for (i, row) in rows.into_iter().enumerate() {
            if i > 0 {
                docs.push(Doc::line());
            }
            docs.push(row);
        }
        Doc::all(docs)
    }

    /// `{ let …; value }` or `test "name" { … }`, each line of it on a line of its own.
    fn block(&mut self, part: Part) -> Doc {
        let last = self.last_token(&part);
        let (mut head, mut lines) = (Vec::new(), Vec::new());
        let mut inside = false;
        for part in part.into_inner() {
            if !inside {
                inside = part.as_rule() == Rule::open_brace;
                head.push(match head.is_empty() {
                    true => Doc::nothing(),
                    false => Doc::text(" "),
                });
                head.push(self.doc(part));
                continue;
            }
            if part.as_rule() == Rule::close_brace {
                continue;
            }
            self.kept = if lines.is_empty() {
                Kept::Inner
            } else {
                Kept::All
            };
            lines.push(Doc::hard());
            lines.push(self.doc(part));
        }
        lines.push(self.before_close(last));
        let close = self.token(last);
        Doc::all([Doc::all(head), Doc::all(lines).indent(), Doc::hard(), close])
    }

    // --------------------------------------------------------------------------------------------
    // Expressions
    // --------------------------------------------------------------------------------------------

    fn chain(&mut self, part: Part) -> Doc {
        let parts: Vec<Part> = part.into_inner().collect();
        self.level(&parts)
    }

    /// Operands and operators, broken at the operators that bind least.
    fn level(&mut self, parts: &[Part]) -> Doc {
        let Some(lowest) = parts.iter().filter_map(|p| binding(p.as_rule())).min() else {
            return self.operand(parts);
        };
        let is_op = |part: &Part| binding(part.as_rule()) == Some(lowest);
        let operands: Vec<&[Part]> = parts.split(is_op).collect();
        let operators: Vec<&Part> = parts.iter().filter(|part| is_op(part)).collect();
        // Behind a blank all operators have blanks, so that `a / (b) * c` does not look like
        // `a / ((b)*c)`.
        let spaced =
            |(i, operator): (usize, &&Part)| is_spaced(operator.as_rule(), &operands[..i + 2]);
        let first_spaced = operators.iter().enumerate().position(spaced);
        let mut docs = Vec::new();
        for (i, operand) in operands.iter().enumerate() {
            if let Some(next) = operators.get(i) {
                // A remark behind an operator stands behind the operand before it.
                let at = self.first_token(next);
                self.remarks.move_trail(at, at.saturating_sub(1));
            }
            if let Some(before) = i.checked_sub(1) {
                let spaced = first_spaced.is_some_and(|first| before >= first);
                let operator = operators[before];
                let (left, right) = match operator.as_rule() {
                    _ if spaced => (Doc::line(), Doc::text(" ")),
                    // A row that has blanks is broken at those.
                    Rule::pow_op => (Doc::nothing(), Doc::nothing()),
                    _ if first_spaced.is_some() => (Doc::nothing(), Doc::nothing()),
                    _ => (Doc::soft(), Doc::if_broken(" ")),
                };
                docs.extend([left, self.leaf(operator), right]);
            }
            docs.push(self.level(operand));
        }
        Doc::all(docs).group()
    }

    /// An operand with the signs before it.
    fn operand(&mut self, parts: &[Part]) -> Doc {
        let mut docs = Vec::new();
        for part in parts {
            docs.push(self.doc(part.clone()));
            if part.as_rule() == Rule::not_op {
                docs.push(Doc::text(" "));
            }
        }
        Doc::all(docs)
    }

    /// `if` on one line, or a line for each branch.
    fn if_expr(&mut self, part: Part) -> Doc {
        let mut docs = Vec::new();
        let mut left = None;
        for part in part.into_inner() {
            let rule = part.as_rule();
            docs.push(match (left, rule) {
                (None, _) => Doc::nothing(),
                (_, Rule::kw_else) => Doc::line(),
                // What follows brings its own.
                (Some(Rule::kw_then | Rule::kw_else), Rule::expr) => Doc::nothing(),
                _ => Doc::text(" "),
            });
            docs.push(match (left, rule) {
                (Some(Rule::kw_then | Rule::kw_else), Rule::expr) => self.value(part),
                (_, Rule::expr) => self.doc(part).indent(),
                _ => self.doc(part),
            });
            left = Some(rule);
        }
        Doc::all(docs).group()
    }

    /// `sum for A in space: body`.
    fn sum_for(&mut self, part: Part) -> Doc {
        let mut parts: Vec<Part> = part.into_inner().collect();
        let Some(body) = parts.pop() else {
            return Doc::nothing();
        };
        let head = self.row_of(Rule::sum_for, parts);
        Doc::all([head, self.value(body)])
    }

    // --------------------------------------------------------------------------------------------
    // Definitions
    // --------------------------------------------------------------------------------------------

    /// `loss name(options) on operands = body`; a body that does not fit behind its head stands
    /// below it.
    fn definition(&mut self, part: Part) -> Doc {
        let rule = part.as_rule();
        let mut parts: Vec<Part> = part.into_inner().collect();
        let Some(body) = parts.pop() else {
            return Doc::nothing();
        };
        let head = self.row_of(rule, parts);
        let block = body
            .clone()
            .into_inner()
            .any(|p| p.as_rule() == Rule::block);
        let body = self.row(body);
        if block && !body.has_lead() && !head.has_trail() {
            return Doc::all([head, Doc::text(" "), body]);
        }
        let below = Doc::all([Doc::line(), body]).indent();
        Doc::all([head, below.group()])
    }
}

/// Whether a blank stands between two parts of a pair.
fn space(within: Rule, left: Rule, right: Rule) -> bool {
    use Rule::*;
    match (left, right) {
        (_, comma | colon | semicolon | close | close_bracket) => false,
        (open | open_bracket | point, _) | (_, member) => false,
        // A bracket belongs to the name before it, but not to a word.
        (kw_on, arguments) => true,
        (_, arguments | bracket | options | type_axes) => false,
        (assign, _) | (_, assign) => !matches!(within, argument | entry | sized_axis),
        _ => !matches!(within, pack | bound | signed | slice),
    }
}

/// How tightly an operator binds, from the loosest.
fn binding(rule: Rule) -> Option<u8> {
    Some(match rule {
        Rule::or_op => 0,
        Rule::and_op => 1,
        Rule::eq | Rule::ne | Rule::lt | Rule::le | Rule::gt | Rule::ge => 2,
        Rule::add_op | Rule::sub_op => 3,
        Rule::mul_op | Rule::div_op => 4,
        Rule::pow_op => 5,
        _ => return None,
    })
}

/// Whether blanks stand around an operator between the last of these operands and those before.
fn is_spaced(operator: Rule, operands: &[&[Part]]) -> bool {
    let tight = matches!(operator, Rule::mul_op | Rule::div_op | Rule::pow_op);
    let (Some((right, before)), true) = (operands.split_last(), tight) else {
        return true;
    };
    let is_paren = |parts: &[Part]| match parts {
        [only] => only.as_rule() == Rule::postfix && is_alone(only, Rule::paren),
        _ => false,
    };
    // Of a longer row the left side is a product, which has no parentheses.
    let left_paren = matches!(before, [only] if is_paren(only));
    let has_cast = |parts: &[Part]| {
        let casts = |part: &Part| {
            let mut parts = part.clone().into_inner();
            part.as_rule() == Rule::postfix && parts.any(|p| p.as_rule() == Rule::cast)
        };
        parts.iter().any(casts)
    };
    let word = matches!(right.first(), Some(part) if is_form(part.as_rule()));
    let left_cast = before.last().is_some_and(|left| has_cast(left));
    let paren = operator == Rule::div_op && (left_paren || is_paren(right));
    word || left_cast || has_cast(right) || paren
}

fn is_alone(part: &Part, rule: Rule) -> bool {
    let mut parts = part.clone().into_inner();
    parts.next().is_some_and(|p| p.as_rule() == rule) && parts.next().is_none()
}

fn is_form(rule: Rule) -> bool {
    matches!(rule, Rule::if_expr | Rule::sum_for)
}

/// Whether an expression is one operand, with or without signs, that has its own breaks or none.
fn hugs(part: &Part) -> bool {
    let mut parts = part.clone().into_inner();
    parts.all(|p| binding(p.as_rule()).is_none() && !is_form(p.as_rule()))
}
