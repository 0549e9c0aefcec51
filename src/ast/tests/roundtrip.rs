//! Random trees: parsing what is printed gives the same tree up to places.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::super::grammar::is_reserved;
use super::*;
use crate::source::{FileId, Span};

proptest! {
    #[test]
    fn printing_and_parsing_gives_the_same_tree(ast in ast()) {
        let text = print(&ast);
        let mut diags = Diagnostics::default();
        let Some(back) = parse(FileId(0), &text, &mut diags) else {
            return Err(TestCaseError::fail(format!("{text}\n{}", messages(&text))));
        };
        prop_assert_eq!(shape(&ast), shape(&back), "{}", text);
        prop_assert_eq!(print(&back), text);
    }

    #[test]
    fn any_text_gives_a_tree_or_a_message(text in any_text()) {
        messages(&text);
    }
}

/// Every form of expression in every place of every other one, three levels deep: random trees
/// meet few of the combinations that precedence is about.
#[test]
fn parentheses_stand_where_they_are_needed() {
    let leaf = || boxed(ExprKind::Name("a".to_owned()));
    let mut count = 0;
    for outer in 0..FORMS {
        for outer_slot in 0..3 {
            for middle in 0..FORMS {
                for middle_slot in 0..3 {
                    for inner in 0..FORMS {
                        let inner = form(inner, 0, leaf());
                        let middle = form(middle, middle_slot, inner);
                        let value = form(outer, outer_slot, middle);
                        let kind = ItemKind::Minimize(value);
                        let item = Item {
                            doc: None,
                            kind,
                            span: nowhere(),
                        };
                        let ast = Ast {
                            items: vec![item],
                            span: nowhere(),
                        };
                        let text = print(&ast);
                        let back = parse(FileId(0), &text, &mut Diagnostics::default());
                        let back = back.unwrap_or_else(|| panic!("{text}\n{}", messages(&text)));
                        assert_eq!(shape(&ast), shape(&back), "{text}");
                        count += 1;
                    }
                }
            }
        }
    }
    assert_eq!(count, FORMS * 3 * FORMS * 3 * FORMS);
}

const FORMS: usize = 19;

/// The form with this number around `part`, which takes the given slot if the form has so many.
fn form(number: usize, slot: usize, part: Expr) -> Expr {
    let name = |text: &str| Box::new(boxed(ExprKind::Name(text.to_owned())));
    let mut parts = [name("x"), name("y"), name("z")];
    let slots = match number {
        13..=17 => 1,
        18 => 3,
        _ => 2,
    };
    *parts[slot.min(slots - 1)] = part;
    let [first, second, third] = parts;
    let op = match number {
        0 => BinaryOp::Add,
        1 => BinaryOp::Sub,
        2 => BinaryOp::Mul,
        3 => BinaryOp::Div,
        4 => BinaryOp::Pow,
        5 => BinaryOp::Eq,
        6 => BinaryOp::Ne,
        7 => BinaryOp::Lt,
        8 => BinaryOp::Le,
        9 => BinaryOp::Gt,
        10 => BinaryOp::Ge,
        11 => BinaryOp::And,
        _ => BinaryOp::Or,
    };
    let axis = AxisRef { name: ident("N") };
    boxed(match number {
        13 => ExprKind::Unary {
            op: UnaryOp::Neg,
            operand: first,
        },
        14 => ExprKind::Unary {
            op: UnaryOp::Not,
            operand: first,
        },
        15 => ExprKind::SumFor {
            axis: ident("A"),
            axes: vec![axis],
            body: first,
        },
        16 => ExprKind::As {
            base: first,
            ty: TypeExpr {
                kind: TypeKind::Tensor {
                    kind: ident("real"),
                    axes: None,
                    class: None,
                    range: None,
                },
                span: nowhere(),
            },
        },
        17 => ExprKind::Select {
            base: first,
            selectors: vec![Selector::Entry(0, nowhere())],
        },
        18 => ExprKind::If {
            cond: first,
            then: second,
            otherwise: third,
        },
        _ => ExprKind::Binary {
            op,
            op_span: nowhere(),
            lhs: first,
            rhs: second,
        },
    })
}

/// The debug form of a tree without its places.
pub(super) fn shape(ast: &Ast) -> String {
    let text = format!("{:?}", ast.items);
    let mut out = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find(|c: char| c.is_ascii_digit()) {
        let length = span_length(&rest[at..]);
        match length {
            0 => {
                let digits = rest[at..].find(|c: char| !c.is_ascii_digit());
                let end = at + digits.unwrap_or(rest.len() - at);
                out.push_str(&rest[..end]);
                rest = &rest[end..];
            }
            length => {
                out.push_str(&rest[..at]);
                rest = &rest[at + length..];
            }
        }
    }
    out + rest
}

/// The length of `0:12..34` at the start of a text, or nothing.
fn span_length(text: &str) -> usize {
    let digits = |from: usize| {
        let rest = text.get(from..).unwrap_or("");
        from + rest.bytes().take_while(u8::is_ascii_digit).count()
    };
    let file = digits(0);
    let start = digits(file + 1);
    let end = digits(start + 2);
    let fits = text.get(file..file + 1) == Some(":")
        && text.get(start..start + 2) == Some("..")
        && start > file + 1
        && end > start + 2;
    if fits { end } else { 0 }
}

fn nowhere() -> Span {
    Span::new(FileId(0), 0, 0)
}

fn ident(text: impl Into<String>) -> Ident {
    Ident {
        text: text.into(),
        span: nowhere(),
    }
}

/// Names, among them words that have a meaning elsewhere.
fn name() -> impl Strategy<Value = String> {
    let word = "[a-z_][a-zA-Z0-9_]{0,6}".prop_filter("reserved", |w| !is_reserved(w));
    let known = prop::sample::select(vec![
        "one", "of", "over", "per", "sum", "for", "from", "e1", "infinity", "_", "class",
    ]);
    prop_oneof![3 => word, 1 => known.prop_map(str::to_owned)]
}

fn axis_name() -> impl Strategy<Value = String> {
    prop_oneof!["[A-Z]", "[A-Z][a-zA-Z0-9_]{0,4}"]
}

fn axis_ref() -> impl Strategy<Value = AxisRef> {
    prop_oneof![axis_name(), name()].prop_map(|text| AxisRef { name: ident(text) })
}

/// An axis where one is declared: upper case, or a role.
fn declared_axis() -> impl Strategy<Value = Ident> {
    let role = prop::sample::select(vec!["batch", "class", "space"]);
    prop_oneof![4 => axis_name(), 1 => role.prop_map(str::to_owned)].prop_map(ident)
}

fn number() -> impl Strategy<Value = ExprKind> {
    let number = |value, integer| ExprKind::Number { value, integer };
    let finite = any::<f64>().prop_filter("finite", |x| x.is_finite());
    prop_oneof![
        (0u64..100).prop_map(move |n| number(n as f64, true)),
        any::<u64>().prop_map(move |n| number(n as f64, true)),
        (0.0..10.0).prop_map(move |x| number(x, false)),
        finite.prop_map(move |x: f64| number(x.abs(), false)),
        Just(number(f64::INFINITY, false)),
    ]
}

fn size() -> impl Strategy<Value = (usize, Span)> {
    (0usize..1000).prop_map(|n| (n, nowhere()))
}

fn cast_type() -> impl Strategy<Value = TypeExpr> {
    let axis = prop_oneof![
        4 => (declared_axis(), option::weighted(0.2, size()))
            .prop_map(|(name, size)| AxisDecl::Axis { name, size }),
        1 => option::of(axis_name())
            .prop_map(|name| AxisDecl::Pack { name: name.map(ident), span: nowhere() }),
        1 => size().prop_map(|(size, span)| AxisDecl::Size(size, span)),
    ];
    let word = prop::sample::select(vec![ClassWord::Over, ClassWord::Per, ClassWord::Of]);
    let class = (word, declared_axis()).prop_map(|(word, axis)| ClassClause {
        word,
        axis,
        span: nowhere(),
    });
    let kind = prop_oneof![Just("real".to_owned()), Just("logits".to_owned()), name()];
    (kind, option::of(vec(axis, 0..4)), option::of(class))
        .prop_filter("`one of`", |(kind, axes, class)| {
            kind != "one" || axes.is_some() || class.is_none()
        })
        .prop_map(|(kind, axes, class)| TypeExpr {
            kind: TypeKind::Tensor {
                kind: ident(kind),
                axes,
                class,
                range: None,
            },
            span: nowhere(),
        })
}

fn type_expr() -> impl Strategy<Value = TypeExpr> {
    let number = prop_oneof![
        (-5i32..5).prop_map(f64::from),
        any::<f64>().prop_filter("a number", |x| !x.is_nan()),
    ];
    let bound = (number, any::<bool>());
    let range = (option::of(bound.clone()), option::of(bound))
        .prop_filter("a bound", |(low, high)| low.is_some() || high.is_some())
        .prop_map(|(low, high)| Range {
            low,
            high,
            span: nowhere(),
        });
    let tensor = (cast_type(), option::of(range)).prop_map(|(mut ty, bounds)| {
        if let TypeKind::Tensor { range, .. } = &mut ty.kind {
            *range = bounds;
        }
        ty
    });
    let one_of = vec(name(), 1..4).prop_map(|names| TypeExpr {
        kind: TypeKind::OneOf(names.into_iter().map(ident).collect()),
        span: nowhere(),
    });
    prop_oneof![4 => tensor, 1 => one_of]
}

fn boxed(kind: ExprKind) -> Expr {
    Expr {
        kind,
        span: nowhere(),
    }
}

fn expr() -> impl Strategy<Value = Expr> {
    let leaf = prop_oneof![
        number(),
        any::<bool>().prop_map(ExprKind::Bool),
        name().prop_map(ExprKind::Name),
        axis_name().prop_map(ExprKind::Axis),
        (name(), vec(axis_ref(), 1..3)).prop_map(|(callee, axes)| ExprKind::Call {
            module: None,
            callee: ident(callee),
            axes: Some(axes),
            args: None,
            on: None,
        }),
    ];
    leaf.prop_map(boxed).prop_recursive(5, 40, 4, |inner| {
        let sub = || inner.clone().prop_map(Box::new);
        let unary = prop::sample::select(vec![UnaryOp::Neg, UnaryOp::Not]);
        let binary = prop::sample::select(vec![
            BinaryOp::Add,
            BinaryOp::Sub,
            BinaryOp::Mul,
            BinaryOp::Div,
            BinaryOp::Pow,
            BinaryOp::Eq,
            BinaryOp::Ne,
            BinaryOp::Lt,
            BinaryOp::Le,
            BinaryOp::Gt,
            BinaryOp::Ge,
            BinaryOp::And,
            BinaryOp::Or,
        ]);
        // The name of an argument may be reserved.
        let keyword = prop_oneof![name(), Just("in".to_owned()), Just("loss".to_owned())];
        let arg = (option::of(keyword), inner.clone()).prop_map(|(name, value)| Arg {
            name: name.map(ident),
            value,
        });
        let args = vec(arg, 0..3);
        let call = (
            option::weighted(0.2, name()),
            name(),
            option::of(vec(axis_ref(), 1..3)),
            args.clone(),
            option::of(args),
        )
            .prop_map(|(module, callee, axes, args, on)| ExprKind::Call {
                module: module.map(ident),
                callee: ident(callee),
                axes,
                args: Some(args),
                on,
            });
        let bound = option::of(any::<i16>().prop_map(|n| (i64::from(n), nowhere())));
        let selector = prop_oneof![
            (axis_ref(), inner.clone()).prop_map(|(axis, index)| Selector::At { axis, index }),
            (axis_ref(), bound.clone(), bound).prop_map(|(axis, start, end)| Selector::Slice {
                axis,
                start,
                end,
                span: nowhere(),
            }),
            (axis_ref(), axis_name()).prop_map(|(axis, to)| Selector::Rename {
                axis,
                to: ident(to)
            }),
            size().prop_map(|(entry, span)| Selector::Entry(entry, span)),
        ];
        let value = inner
            .clone()
            .prop_filter("an axis", |e| !matches!(e.kind, ExprKind::Axis(_)));
        let kind = prop_oneof![
            2 => vec(inner.clone(), 0..4).prop_map(ExprKind::List),
            3 => (unary, sub()).prop_map(|(op, operand)| ExprKind::Unary { op, operand }),
            8 => (binary, sub(), sub()).prop_map(|(op, lhs, rhs)| ExprKind::Binary {
                op,
                op_span: nowhere(),
                lhs,
                rhs,
            }),
            3 => (sub(), sub(), sub()).prop_map(|(cond, then, otherwise)| ExprKind::If {
                cond,
                then,
                otherwise,
            }),
            4 => call,
            2 => (value, vec(selector, 1..3)).prop_map(|(base, selectors)| ExprKind::Select {
                base: Box::new(base),
                selectors,
            }),
            2 => (sub(), cast_type()).prop_map(|(base, ty)| ExprKind::As { base, ty }),
            2 => (axis_name(), vec(axis_ref(), 1..3), sub())
                .prop_map(|(axis, axes, body)| ExprKind::SumFor { axis: ident(axis), axes, body }),
        ];
        kind.prop_map(boxed)
    })
}

fn binding() -> impl Strategy<Value = Binding> {
    (name(), expr()).prop_map(|(name, value)| Binding {
        name: ident(name),
        value,
    })
}

fn definition(operands: bool) -> impl Strategy<Value = Definition> {
    let option_decl =
        (name(), type_expr(), option::of(expr())).prop_map(|(name, ty, default)| OptionDecl {
            name: ident(name),
            ty,
            default,
            span: nowhere(),
        });
    let operand_decl = (name(), type_expr()).prop_map(|(name, ty)| OperandDecl {
        name: ident(name),
        ty,
        span: nowhere(),
    });
    let body = (vec(binding(), 0..3), expr()).prop_map(|(lets, value)| Body { lets, value });
    let most = if operands { 3 } else { 1 };
    (
        name(),
        vec(name(), 0..3),
        vec(option_decl, 0..4),
        vec(operand_decl, 0..most),
        body,
    )
        .prop_map(|(name, aliases, options, operands, body)| Definition {
            name: ident(name),
            aliases: aliases.into_iter().map(ident).collect(),
            options,
            operands,
            body,
            head: nowhere(),
        })
}

fn used() -> impl Strategy<Value = Use> {
    let file = "[a-z./_-]{0,12}".prop_map(ModuleName::File);
    let module = prop_oneof![name().prop_map(ModuleName::Embedded), file];
    (module, option::of(name())).prop_map(|(module, alias)| Use {
        module,
        span: nowhere(),
        alias: alias.map(ident),
    })
}

fn test() -> impl Strategy<Value = Test> {
    let of = prop_oneof![
        Just(Expected::Minimize),
        name().prop_map(|name| Expected::Report(ident(name))),
        expr().prop_map(Expected::Value),
    ];
    let expectation = (of, expr(), option::of(expr()));
    let kind = prop_oneof![
        name().prop_map(|name| StatementKind::Task(ident(name))),
        (name(), type_expr()).prop_map(|(name, ty)| StatementKind::Input {
            name: ident(name),
            ty,
        }),
        binding().prop_map(StatementKind::Given),
        expr().prop_map(StatementKind::Minimize),
        expectation.prop_map(|(of, about, within)| {
            StatementKind::Expect(Expectation { of, about, within })
        }),
        "E[0-9]{4}".prop_map(|code| StatementKind::Fails(ident(code))),
    ];
    let statement = kind.prop_map(|kind| Statement {
        kind,
        span: nowhere(),
    });
    ("[ !#-~äΣ]{0,12}", vec(statement, 0..4)).prop_map(|(name, statements)| Test {
        name,
        span: nowhere(),
        statements,
    })
}

fn item() -> impl Strategy<Value = Item> {
    let kind = prop_oneof![
        any::<u32>().prop_map(|version| ItemKind::Language {
            version,
            span: nowhere(),
        }),
        name().prop_map(|name| ItemKind::Task(ident(name))),
        used().prop_map(ItemKind::Use),
        (axis_name(), option::of(name()), option::of(size())).prop_map(|(name, role, size)| {
            ItemKind::Axis {
                name: ident(name),
                role: role.map(ident),
                size,
            }
        }),
        (name(), type_expr()).prop_map(|(name, ty)| ItemKind::Input {
            name: ident(name),
            ty,
        }),
        (name(), type_expr(), expr()).prop_map(|(name, ty, default)| ItemKind::Param {
            name: ident(name),
            ty,
            default,
        }),
        (expr(), any::<bool>())
            .prop_map(|(condition, strict)| ItemKind::Ignore { condition, strict }),
        binding().prop_map(ItemKind::Let),
        binding().prop_map(ItemKind::Term),
        binding().prop_map(ItemKind::Report),
        expr().prop_map(ItemKind::Minimize),
        definition(false).prop_map(ItemKind::Fn),
        definition(true).prop_map(ItemKind::Loss),
        test().prop_map(ItemKind::Test),
    ];
    let line = "[ -~äΣ]{0,12}".prop_map(|line| line.trim_end().to_owned());
    let doc = vec(line, 1..4).prop_map(|lines| lines.join("\n"));
    (option::weighted(0.3, doc), kind).prop_map(|(doc, kind)| Item {
        doc,
        kind,
        span: nowhere(),
    })
}

pub(super) fn ast() -> impl Strategy<Value = Ast> {
    vec(item(), 1..5).prop_map(|items| Ast {
        items,
        span: nowhere(),
    })
}

/// Texts made of the tokens of the language and some others.
fn any_text() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "let ",
        "term ",
        "input ",
        "param ",
        "loss ",
        "fn ",
        "minimize ",
        "report ",
        "axis ",
        "language ",
        "task ",
        "use ",
        "if ",
        "then ",
        "else ",
        "and ",
        "or ",
        "not ",
        "on ",
        "as ",
        "in ",
        "sum for ",
        "one of ",
        "over ",
        "x",
        "f",
        "pred",
        "N",
        "C",
        "...S",
        "...",
        "..",
        "1",
        "0.5",
        "1e",
        ".5",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        ";",
        "=",
        "==",
        "<",
        "+",
        "-",
        "*",
        "**",
        "/",
        "//",
        "^",
        "!",
        "&&",
        "'",
        "\"",
        "−",
        "ä",
        ".",
        "\n",
        "\n",
        " ",
        " ",
        "# c",
        "## d",
        "inf",
        "true",
    ]);
    prop_oneof![
        4 => vec(token, 0..30).prop_map(|tokens| tokens.concat()),
        1 => any::<String>(),
    ]
}
