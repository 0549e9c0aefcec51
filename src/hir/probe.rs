//! Definitions that nothing calls are checked too, on operands made for the purpose, so that a mistake
//! in them does not wait for the first call.
//!
//! What a call would give is guessed. A mistake is told only if no guess does without it, and what
//! depends on how the operands lie beside tensors of the file is not told at all: only the call can say.

use super::axes::{AxisId, Role};
use super::call::{CallSite, Fit};
use super::cx::Cx;
use super::tree::{ExprId, ExprKind, Input, InputSource};
use super::ty::{Classes, Kind, Ty};
use crate::ast;
use crate::diag::Code;
use crate::source::Span;

/// What operands are taken to be of which the definition says only the kind.
#[derive(Clone, Copy)]
struct Guess {
    /// Whether classes exclude each other; `None` for a single yes/no question.
    word: Option<ast::ClassWord>,
    /// Whether plain numbers have an axis of classes.
    real_per_class: bool,
}

/// The commonest first: its mistakes are the ones that are told.
const GUESSES: [Guess; 4] = [
    Guess {
        word: Some(ast::ClassWord::Over),
        real_per_class: false,
    },
    Guess {
        word: Some(ast::ClassWord::Over),
        real_per_class: true,
    },
    Guess {
        word: Some(ast::ClassWord::Per),
        real_per_class: true,
    },
    Guess {
        word: None,
        real_per_class: false,
    },
];

impl<'a> Cx<'a> {
    /// Checks the definitions that nothing has called. Whatever else is known of the spec stays as it is.
    pub(super) fn probe_uncalled(&mut self) {
        let uncalled: Vec<&'a ast::Definition> = self
            .definitions
            .iter()
            .copied()
            .filter(|d| !self.called.contains(&(*d as *const _)))
            .filter(|d| {
                !self
                    .misdeclared
                    .iter()
                    .any(|wrong| std::ptr::eq(*wrong, *d))
            })
            .collect();
        for definition in uncalled {
            if definition.options.iter().any(|o| o.default.is_none()) {
                // What is required of a call cannot be guessed.
                continue;
            }
            let told = std::mem::take(self.diags);
            let mut mistakes = None;
            for guess in GUESSES {
                let right = self.probe(definition, guess);
                let found = std::mem::take(self.diags);
                if right {
                    mistakes = None;
                    break;
                }
                mistakes.get_or_insert(found);
            }
            *self.diags = told;
            self.diags.append(mistakes.unwrap_or_default());
        }
    }

    /// Whether a definition is right for such operands; if not, what is wrong has been reported.
    fn probe(&mut self, definition: &'a ast::Definition, guess: Guess) -> bool {
        let memo = std::mem::take(&mut self.memo);
        let (axes, ranks_matter) = (self.axes.clone(), self.ranks_matter);
        let (checks, told_apart) = (self.checks.len(), self.told_apart.len());
        self.reads_file = false;

        let roles = [("N", Role::Batch), ("C", Role::Class), ("S", Role::Space)];
        let made = roles.map(|(name, role)| self.axes.probe(name, role, definition.head));
        let operands = definition.operands.iter();
        let fits: Option<Vec<Fit>> = operands
            .map(|operand| self.probe_operand(operand, guess, made))
            .collect();
        let right = match fits {
            None => true,
            Some(fits) => {
                let site = CallSite {
                    callee: &definition.name,
                    args: &[],
                    on: None,
                    span: definition.name.span,
                };
                self.expand(definition, site, fits).is_ok()
            }
        };

        if self.reads_file && !definition.operands.is_empty() {
            self.diags.retain(|diagnostic| !is_of_axes(diagnostic.code));
        }
        self.checks.truncate(checks);
        self.told_apart.truncate(told_apart);
        (self.axes, self.ranks_matter) = (axes, ranks_matter);
        self.memo = memo;
        right
    }

    /// An operand of a declared type over axes of a batch, of classes and of space; `None` if it asks
    /// for more than can be guessed.
    fn probe_operand(
        &mut self,
        operand: &ast::OperandDecl,
        guess: Guess,
        [n, c, s]: [AxisId; 3],
    ) -> Option<Fit> {
        let ast::TypeKind::Tensor {
            kind, axes, class, ..
        } = &operand.ty.kind
        else {
            return None;
        };
        if axes.is_some() {
            // Axes of certain names and sizes.
            return None;
        }
        let word = class.as_ref().map(|c| c.word).or(guess.word);
        let classes = match word {
            Some(ast::ClassWord::Per) => Classes::Per(c),
            Some(ast::ClassWord::Over | ast::ClassWord::Of) => Classes::Over(c),
            None => Classes::None,
        };
        let (with_classes, without) = (vec![n, c, s], vec![n, s]);
        let lie = match classes {
            Classes::None => without.clone(),
            Classes::Over(_) | Classes::Per(_) => with_classes.clone(),
        };
        let (kind, axes) = match (kind.text.as_str(), classes) {
            ("logits", _) => (Kind::Logits(classes), lie),
            ("probs", _) => (Kind::Probs(classes), lie),
            ("log_probs", _) => (Kind::LogProbs(classes), lie),
            ("onehot", _) => (Kind::OneHot(c), with_classes),
            ("labels", _) => (Kind::Labels(c), without),
            ("mask", Classes::Per(_)) => (Kind::Mask(Some(c)), with_classes),
            ("mask", _) => (Kind::Mask(None), without),
            ("real", _) if guess.real_per_class => (Kind::Real, with_classes),
            ("real", _) => (Kind::Real, without),
            // Other types have been refused where the definition was declared.
            _ => return None,
        };
        let span = operand.span;
        Some(Fit {
            id: self.made_operand(Ty::new(kind, axes), span),
            steps: Vec::new(),
            span,
            cost: 0,
        })
    }

    /// An input without a name, which no tensor is ever bound to.
    fn made_operand(&mut self, ty: Ty, span: Span) -> ExprId {
        let input = self.inputs.len() as u32;
        self.inputs.push(Input {
            name: String::new(),
            span,
            doc: None,
            ty: ty.clone(),
            source: InputSource::Tensor(Vec::new()),
        });
        self.intern(ExprKind::Input(input), ty, span)
    }
}

/// Whether a mistake may come of how operands lie, or of which kind they are, and so of the guess.
fn is_of_axes(code: Code) -> bool {
    matches!(
        code,
        Code::KindMismatch
            | Code::AxisMismatch
            | Code::UnknownAxis
            | Code::SizeMismatch
            | Code::OneClass
            | Code::NotScalar
            | Code::BadIndex
            | Code::Ambiguous
    )
}
