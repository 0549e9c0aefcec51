//! What the user wrote: names are text, nothing has a type, every node has its place.

use crate::source::Span;

/// A name with its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ident {
    /// The name as written.
    pub text: String,
    /// Where it stands.
    pub span: Span,
}

/// One file.
#[derive(Clone, PartialEq, Debug)]
pub struct Ast {
    /// The items in the order of the text.
    pub items: Vec<Item>,
    /// The whole text.
    pub span: Span,
}

impl Ast {
    /// The expressions of all items, without those that are part of another.
    pub fn exprs(&self) -> Vec<&Expr> {
        fn of(item: &Item) -> Vec<&Expr> {
            match &item.kind {
                ItemKind::Language { .. }
                | ItemKind::Use(_)
                | ItemKind::Task(_)
                | ItemKind::Axis { .. }
                | ItemKind::Input { .. } => Vec::new(),
                ItemKind::Param { default, .. } => vec![default],
                ItemKind::Ignore { condition, .. } => vec![condition],
                ItemKind::Let(binding) | ItemKind::Term(binding) | ItemKind::Report(binding) => {
                    vec![&binding.value]
                }
                ItemKind::Minimize(value) => vec![value],
                ItemKind::Test(test) => {
                    let all = test.statements.iter();
                    all.flat_map(|statement| statement.kind.exprs()).collect()
                }
                ItemKind::Fn(definition) | ItemKind::Loss(definition) => {
                    let defaults = definition.options.iter().filter_map(|o| o.default.as_ref());
                    let body = &definition.body;
                    let lets = body.lets.iter().map(|binding| &binding.value);
                    defaults.chain(lets).chain([&body.value]).collect()
                }
            }
        }
        self.items.iter().flat_map(of).collect()
    }
}

/// A top-level declaration.
#[derive(Clone, PartialEq, Debug)]
pub struct Item {
    /// The `##` lines before it or behind it, without the marks, joined by line feeds.
    pub doc: Option<String>,
    /// What it declares.
    pub kind: ItemKind,
    /// All of it, without the doc comment.
    pub span: Span,
}

impl Item {
    /// What a `fn` or a `loss` defines.
    pub fn definition(&self) -> Option<&Definition> {
        match &self.kind {
            ItemKind::Fn(definition) | ItemKind::Loss(definition) => Some(definition),
            _ => None,
        }
    }
}

/// The kinds of items.
#[derive(Clone, PartialEq, Debug)]
pub enum ItemKind {
    /// `language 1`
    Language {
        /// The number.
        version: u32,
        /// Where the number stands.
        span: Span,
    },
    /// `use monai`, `use "common.loss" as c`
    Use(Use),
    /// `task multiclass`
    Task(Ident),
    /// `axis B: batch`, `axis K = 4`
    Axis {
        /// The axis.
        name: Ident,
        /// Its role.
        role: Option<Ident>,
        /// Its size, with the place of the number.
        size: Option<(usize, Span)>,
    },
    /// `input pred: logits[N, C, ...S] over C`
    Input {
        /// The name.
        name: Ident,
        /// Its type.
        ty: TypeExpr,
    },
    /// `param alpha: real in [0, 1] = 0.5`
    Param {
        /// The name.
        name: Ident,
        /// Its type and range.
        ty: TypeExpr,
        /// Its value when none is set.
        default: Expr,
    },
    /// `ignore target == 255`, `ignore mask == 0 strict`
    Ignore {
        /// Where nothing counts.
        condition: Expr,
        /// Whether NaN comes out where nothing is left, and not 0.
        strict: bool,
    },
    /// `let ramp = …`
    Let(Binding),
    /// `term region = …`
    Term(Binding),
    /// `report iou = …`
    Report(Binding),
    /// `minimize …`, or an expression alone.
    Minimize(Expr),
    /// `fn name(…) = …`
    Fn(Definition),
    /// `loss name(…) on … = …`
    Loss(Definition),
    /// `test "name" { … }`
    Test(Test),
}

/// A test: what is given, and what is expected of it.
#[derive(Clone, PartialEq, Debug)]
pub struct Test {
    /// Its name, without the quotes.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// What stands in the braces, in order.
    pub statements: Vec<Statement>,
}

/// A line of a test.
#[derive(Clone, PartialEq, Debug)]
pub struct Statement {
    /// What it says.
    pub kind: StatementKind,
    /// All of it.
    pub span: Span,
}

/// The forms of lines of a test.
#[derive(Clone, PartialEq, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a test has few lines, and they are made once"
)]
pub enum StatementKind {
    /// `task binary`: the inputs, where the file declares none.
    Task(Ident),
    /// `input pred: real[N, K=4]`
    Input {
        /// The name.
        name: Ident,
        /// Its type.
        ty: TypeExpr,
    },
    /// `pred = [[2, -1]]`: what is bound to an input or a param.
    Given(Binding),
    /// `minimize dice()`: in place of what the file minimizes.
    Minimize(Expr),
    /// `expect minimize ≈ 0.25 within 1e-6`
    Expect(Expectation),
    /// `expect error E0301`
    Fails(Ident),
}

impl StatementKind {
    /// The expressions that it is made of.
    pub fn exprs(&self) -> Vec<&Expr> {
        match self {
            StatementKind::Task(_) | StatementKind::Input { .. } | StatementKind::Fails(_) => {
                Vec::new()
            }
            StatementKind::Given(binding) => vec![&binding.value],
            StatementKind::Minimize(value) => vec![value],
            StatementKind::Expect(Expectation { of, about, within }) => {
                let of = match of {
                    Expected::Value(value) => Some(value),
                    Expected::Minimize | Expected::Report(_) => None,
                };
                of.into_iter().chain([about]).chain(within).collect()
            }
        }
    }
}

/// What a value is expected to be.
#[derive(Clone, PartialEq, Debug)]
pub struct Expectation {
    /// Which value.
    pub of: Expected,
    /// What it is about.
    pub about: Expr,
    /// How far off it may be.
    pub within: Option<Expr>,
}

/// The value that something is expected of.
#[derive(Clone, PartialEq, Debug)]
pub enum Expected {
    /// What is minimized.
    Minimize,
    /// The report of this name.
    Report(Ident),
    /// Any expression that the spec could minimize.
    Value(Expr),
}

/// A module that a file uses.
#[derive(Clone, PartialEq, Debug)]
pub struct Use {
    /// Which one.
    pub module: ModuleName,
    /// Where that stands.
    pub span: Span,
    /// What it is called in this file, where that is said.
    pub alias: Option<Ident>,
}

/// How a module is named where it is used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ModuleName {
    /// `monai`: one that comes with the compiler.
    Embedded(String),
    /// `"common.loss"`: a file, its path as written without the quotes.
    File(String),
}

/// A name and its value.
#[derive(Clone, PartialEq, Debug)]
pub struct Binding {
    /// The name.
    pub name: Ident,
    /// The value.
    pub value: Expr,
}

/// A `fn` or a `loss`.
#[derive(Clone, PartialEq, Debug)]
pub struct Definition {
    /// The name.
    pub name: Ident,
    /// Other names of the same thing: `loss mae, l1(…)`.
    pub aliases: Vec<Ident>,
    /// What stands in the parentheses.
    pub options: Vec<OptionDecl>,
    /// What stands after `on`; empty for a `fn`.
    pub operands: Vec<OperandDecl>,
    /// What it computes.
    pub body: Body,
    /// The head, from the name to the last operand.
    pub head: Span,
}

impl Definition {
    /// Whether this is its name, or another name of it.
    pub fn answers_to(&self, name: &str) -> bool {
        self.names().any(|known| known.text == name)
    }

    /// Its name, and the other names of it.
    pub fn names(&self) -> impl Iterator<Item = &Ident> {
        std::iter::once(&self.name).chain(&self.aliases)
    }
}

/// One option of a definition: `smooth: real >= 0 = 1e-5`.
#[derive(Clone, PartialEq, Debug)]
pub struct OptionDecl {
    /// The name.
    pub name: Ident,
    /// Its type.
    pub ty: TypeExpr,
    /// Its default, which may use the options before it.
    pub default: Option<Expr>,
    /// All of it.
    pub span: Span,
}

/// One operand of a loss: `pred: probs over class`.
#[derive(Clone, PartialEq, Debug)]
pub struct OperandDecl {
    /// The name.
    pub name: Ident,
    /// Its type.
    pub ty: TypeExpr,
    /// All of it.
    pub span: Span,
}

/// `= expr` or `= { let …; expr }`.
#[derive(Clone, PartialEq, Debug)]
pub struct Body {
    /// The local names, in order.
    pub lets: Vec<Binding>,
    /// The value.
    pub value: Expr,
}

/// A type as written.
#[derive(Clone, PartialEq, Debug)]
pub struct TypeExpr {
    /// Which type.
    pub kind: TypeKind,
    /// All of it.
    pub span: Span,
}

/// The forms of types.
#[derive(Clone, PartialEq, Debug)]
pub enum TypeKind {
    /// `logits[N, C, ...S] over C`, `real >= 0`, `axes`, `bool`, `scalar`
    Tensor {
        /// `logits`, `probs`, `real`, `axes`, …
        kind: Ident,
        /// What stands in the brackets, if there are any.
        axes: Option<Vec<AxisDecl>>,
        /// `over C`, `per C`, `of C`.
        class: Option<ClassClause>,
        /// `in [0, 1]`, `>= 0`.
        range: Option<Range>,
    },
    /// `one of a, b, c`
    OneOf(Vec<Ident>),
}

/// `over C`, `per C`, `of C`.
#[derive(Clone, PartialEq, Debug)]
pub struct ClassClause {
    /// Which of the three words.
    pub word: ClassWord,
    /// An axis, or the role `class`.
    pub axis: Ident,
    /// Both words.
    pub span: Span,
}

/// The word before a class axis.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClassWord {
    /// Mutually exclusive classes.
    Over,
    /// Independent yes/no questions.
    Per,
    /// Class numbers.
    Of,
}

/// One entry in the brackets of a type.
#[derive(Clone, PartialEq, Debug)]
pub enum AxisDecl {
    /// `N`, `K=4`, or a role such as `class` in the type of an option.
    Axis {
        /// The name.
        name: Ident,
        /// Its size, with the place of the number.
        size: Option<(usize, Span)>,
    },
    /// `...S`, or `...` alone.
    Pack {
        /// The name; `None` for `...` alone.
        name: Option<Ident>,
        /// All of it.
        span: Span,
    },
    /// `1`: an axis without a name.
    Size(usize, Span),
}

/// The range of a number; a missing bound is infinite.
#[derive(Clone, PartialEq, Debug)]
pub struct Range {
    /// Lower bound and whether it belongs to the range.
    pub low: Option<(f64, bool)>,
    /// Upper bound and whether it belongs to the range.
    pub high: Option<(f64, bool)>,
    /// All of it.
    pub span: Span,
}

/// An expression.
#[derive(Clone, PartialEq, Debug)]
pub struct Expr {
    /// Which form.
    pub kind: ExprKind,
    /// All of it, without parentheses around it.
    pub span: Span,
}

impl Expr {
    /// The expressions that it is made of, in the order of the text.
    pub fn parts(&self) -> Vec<&Expr> {
        match &self.kind {
            ExprKind::Number { .. } | ExprKind::Bool(_) | ExprKind::Name(_) | ExprKind::Axis(_) => {
                Vec::new()
            }
            ExprKind::List(items) => items.iter().collect(),
            ExprKind::Unary { operand, .. } => vec![operand],
            ExprKind::Binary { lhs, rhs, .. } => vec![lhs, rhs],
            ExprKind::If {
                cond,
                then,
                otherwise,
            } => vec![cond, then, otherwise],
            ExprKind::Call { args, on, .. } => {
                let args = args.iter().flatten().chain(on.iter().flatten());
                args.map(|arg| &arg.value).collect()
            }
            ExprKind::Select { base, selectors } => {
                let indices = selectors.iter().filter_map(|selector| match selector {
                    Selector::At { index, .. } => Some(index),
                    _ => None,
                });
                std::iter::once(&**base).chain(indices).collect()
            }
            ExprKind::As { base, .. } => vec![base],
            ExprKind::SumFor { body, .. } => vec![body],
        }
    }
}

/// The forms of expressions.
#[derive(Clone, PartialEq, Debug)]
pub enum ExprKind {
    /// `0.5`, `inf`
    Number {
        /// Its value.
        value: f64,
        /// Whether it was written without point, exponent or `inf`.
        integer: bool,
    },
    /// `true`, `false`
    Bool(bool),
    /// A lower-case name.
    Name(String),
    /// `N`, `...S` where axes are expected, as in `over=[batch, N]`.
    Axis(String),
    /// `[a, b, c]`
    List(Vec<Expr>),
    /// `-x`, `not x`
    Unary {
        /// The operator.
        op: UnaryOp,
        /// Its operand.
        operand: Box<Expr>,
    },
    /// `a + b`
    Binary {
        /// The operator.
        op: BinaryOp,
        /// Where the operator stands.
        op_span: Span,
        /// Left.
        lhs: Box<Expr>,
        /// Right.
        rhs: Box<Expr>,
    },
    /// `if c then a else b`
    If {
        /// The condition.
        cond: Box<Expr>,
        /// Where it holds.
        then: Box<Expr>,
        /// Elsewhere.
        otherwise: Box<Expr>,
    },
    /// `sum[space](p*t, where=m)`, `dice() on (aux, mask)`, `monai.dice()`, `index[N]`
    Call {
        /// The module whose definition is called: `monai` in `monai.dice_ce()`.
        module: Option<Ident>,
        /// What is called.
        callee: Ident,
        /// What stands in the brackets, if there are any.
        axes: Option<Vec<AxisRef>>,
        /// What stands in the parentheses; `None` for `index[N]`, and for `monai.dice` alone.
        args: Option<Vec<Arg>>,
        /// What stands after `on`.
        on: Option<Vec<Arg>>,
    },
    /// `x[C=1]`, `x[C=1..]`, `x[N as M]`, `x[0]`
    Select {
        /// What is selected from.
        base: Box<Expr>,
        /// What stands in the brackets.
        selectors: Vec<Selector>,
    },
    /// `x as probs over C`
    As {
        /// What is reinterpreted.
        base: Box<Expr>,
        /// Which kind it is.
        ty: TypeExpr,
    },
    /// `sum for A in space: mean(abs(diff[A](x)))`
    SumFor {
        /// The name that stands for each axis in turn.
        axis: Ident,
        /// The axes to go through.
        axes: Vec<AxisRef>,
        /// What is summed.
        body: Box<Expr>,
    },
}

/// An axis, a pack or a role where one is used: `N`, `...S`, `space`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AxisRef {
    /// The name without dots.
    pub name: Ident,
}

/// An argument: `x`, `smooth=1`.
#[derive(Clone, PartialEq, Debug)]
pub struct Arg {
    /// The keyword.
    pub name: Option<Ident>,
    /// The value.
    pub value: Expr,
}

/// One entry in the brackets behind an expression.
#[derive(Clone, PartialEq, Debug)]
pub enum Selector {
    /// `C=1`
    At {
        /// The axis.
        axis: AxisRef,
        /// The position, an expression known at check time.
        index: Expr,
    },
    /// `C=1..`, `C=..-1`, `C=1..3`
    Slice {
        /// The axis.
        axis: AxisRef,
        /// First position; negative counts from the end.
        start: Option<(i64, Span)>,
        /// One past the last position; negative counts from the end.
        end: Option<(i64, Span)>,
        /// All of it.
        span: Span,
    },
    /// `N as M`
    Rename {
        /// The axis.
        axis: AxisRef,
        /// Its new name.
        to: Ident,
    },
    /// `0`: an entry of a list.
    Entry(usize, Span),
}

/// Prefix operators.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum UnaryOp {
    /// `-`
    Neg,
    /// `not`
    Not,
}

/// Infix operators.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BinaryOp {
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `^`
    Pow,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `and`
    And,
    /// `or`
    Or,
}

impl BinaryOp {
    /// The operator as written.
    pub fn symbol(self) -> &'static str {
        match self {
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::Div => "/",
            BinaryOp::Pow => "^",
            BinaryOp::Eq => "==",
            BinaryOp::Ne => "!=",
            BinaryOp::Lt => "<",
            BinaryOp::Le => "<=",
            BinaryOp::Gt => ">",
            BinaryOp::Ge => ">=",
            BinaryOp::And => "and",
            BinaryOp::Or => "or",
        }
    }
}
