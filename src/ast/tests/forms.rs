//! Every form of the language, its place in the tree and its place in the text.

use super::roundtrip::shape;
use super::*;
use crate::source::{FileId, Span};

#[track_caller]
fn tree(text: &str) -> Ast {
    let mut diags = Diagnostics::default();
    parse(FileId(0), text, &mut diags).unwrap_or_else(|| panic!("{text}\n{}", messages(text)))
}

/// The expression of a spec that is nothing else.
#[track_caller]
fn expr(text: &str) -> Expr {
    let mut items = tree(text).items;
    assert_eq!(items.len(), 1, "{text}");
    match items.remove(0).kind {
        ItemKind::Minimize(value) => value,
        other => panic!("{text}: {other:?}"),
    }
}

/// An expression with parentheses around everything.
fn dump(expr: &Expr) -> String {
    let args = |args: &[Arg]| {
        let arg = |arg: &Arg| match &arg.name {
            Some(name) => format!("{}={}", name.text, dump(&arg.value)),
            None => dump(&arg.value),
        };
        args.iter().map(arg).collect::<Vec<_>>().join(" ")
    };
    let axes = |axes: &[AxisRef]| {
        let names: Vec<&str> = axes.iter().map(|a| a.name.text.as_str()).collect();
        names.join(" ")
    };
    match &expr.kind {
        ExprKind::Number {
            value,
            integer: true,
        } => format!("{value}"),
        ExprKind::Number {
            value,
            integer: false,
        } => format!("{value:?}"),
        ExprKind::Bool(value) => value.to_string(),
        ExprKind::Name(name) => name.clone(),
        ExprKind::Axis(name) => format!("<{name}>"),
        ExprKind::List(entries) => {
            let entries: Vec<String> = entries.iter().map(dump).collect();
            format!("[{}]", entries.join(" "))
        }
        ExprKind::Unary { op, operand } => format!("({op:?} {})", dump(operand)),
        ExprKind::Binary { op, lhs, rhs, .. } => {
            format!("({} {} {})", op.symbol(), dump(lhs), dump(rhs))
        }
        ExprKind::If {
            cond,
            then,
            otherwise,
        } => {
            format!("(if {} {} {})", dump(cond), dump(then), dump(otherwise))
        }
        ExprKind::Call {
            module,
            callee,
            axes: at,
            args: given,
            on,
        } => {
            let at = at
                .as_ref()
                .map_or(String::new(), |a| format!("[{}]", axes(a)));
            let given = given
                .as_ref()
                .map_or(String::new(), |a| format!("({})", args(a)));
            let on = on
                .as_ref()
                .map_or(String::new(), |a| format!(" on ({})", args(a)));
            let module = module.iter().map(|m| format!("{}.", m.text));
            let module: String = module.collect();
            format!("{module}{}{at}{given}{on}", callee.text)
        }
        ExprKind::Select { base, selectors } => {
            let selector = |selector: &Selector| match selector {
                Selector::At { axis, index } => format!("{}={}", axis.name.text, dump(index)),
                Selector::Slice {
                    axis, start, end, ..
                } => {
                    let bound =
                        |b: &Option<(i64, Span)>| b.map_or(String::new(), |b| b.0.to_string());
                    format!("{}={}..{}", axis.name.text, bound(start), bound(end))
                }
                Selector::Rename { axis, to } => format!("{}->{}", axis.name.text, to.text),
                Selector::Entry(entry, _) => entry.to_string(),
            };
            let selectors: Vec<String> = selectors.iter().map(selector).collect();
            format!("(at {} {})", dump(base), selectors.join(" "))
        }
        ExprKind::As { base, ty } => format!("(as {} {})", dump(base), shape_of(ty)),
        ExprKind::SumFor {
            axis,
            axes: set,
            body,
        } => {
            format!("(for {} in {}: {})", axis.text, axes(set), dump(body))
        }
    }
}

fn shape_of(ty: &TypeExpr) -> String {
    match &ty.kind {
        TypeKind::OneOf(names) => format!("{} names", names.len()),
        TypeKind::Tensor { kind, class, .. } => match class {
            Some(class) => format!("{} {:?} {}", kind.text, class.word, class.axis.text),
            None => kind.text.clone(),
        },
    }
}

#[track_caller]
fn reads(text: &str, expected: &str) {
    assert_eq!(dump(&expr(text)), expected, "{text}");
}

#[test]
fn operators_bind_as_usual() {
    reads("a + b*c - d/e", "(- (+ a (* b c)) (/ d e))");
    reads("a - b - c", "(- (- a b) c)");
    reads("a/b*c", "(* (/ a b) c)");
    reads("a^b^c", "(^ a (^ b c))");
    reads("-2^2", "(Neg (^ 2 2))");
    reads("2^-3", "(^ 2 (Neg 3))");
    reads("2^-3^2*4", "(* (^ 2 (Neg (^ 3 2))) 4)");
    reads("-a*b", "(* (Neg a) b)");
    reads("a*-b", "(* a (Neg b))");
    reads("a - -b", "(- a (Neg b))");
    reads("--a", "(Neg (Neg a))");
    reads("(a + b)*c", "(* (+ a b) c)");
    reads("not a == b", "(Not (== a b))");
    reads("not a and not b or c", "(or (and (Not a) (Not b)) c)");
    reads("a or b and c", "(or a (and b c))");
    reads("a + 1 < b and c >= d", "(and (< (+ a 1) b) (>= c d))");
    reads("a != b", "(!= a b)");
    reads("a <= b", "(<= a b)");
    reads("(a < b) == (c > d)", "(== (< a b) (> c d))");
}

#[test]
fn conditions_and_sums_reach_to_the_end() {
    reads("if a then b else c + 1", "(if a b (+ c 1))");
    reads("2*if a then b else c", "(* 2 (if a b c))");
    reads("(if a then b else c) + 1", "(+ (if a b c) 1)");
    reads("if a then b else if c then d else e", "(if a b (if c d e))");
    reads("if a then if b then c else d else e", "(if a (if b c d) e)");
    reads(
        "if a then b else 1 + if c then d else e",
        "(if a b (+ 1 (if c d e)))",
    );
    reads("if if a then b else c then d else e", "(if (if a b c) d e)");
    reads("sum for A in space: a + b", "(for A in space: (+ a b))");
    reads("1 + sum for A in [H, W]: a", "(+ 1 (for A in H W: a))");
    reads("sum for A in ...S: a", "(for A in S: a)");
    reads("f(sum for A in space: a, b)", "f((for A in space: a) b)");
    reads("not if a then b else c", "(Not (if a b c))");
}

#[test]
fn calls_and_their_brackets() {
    reads("f()", "f()");
    reads("f(a, b=1,)", "f(a b=1)");
    reads("f (a)", "f(a)");
    reads("sum[space](p*t, where=m)", "sum[space]((* p t) where=m)");
    reads("sum[N, ...S,](x)", "sum[N S](x)");
    reads("sum[batch, class](x)", "sum[batch class](x)");
    reads("index[N]", "index[N]");
    reads("size[N, C]", "size[N C]");
    reads("index[N] == index[M]", "(== index[N] index[M])");
    reads("dice() on (aux, mask)", "dice() on (aux mask)");
    reads(
        "dice(smooth=1)\n  on (pred=aux, target=mask)",
        "dice(smooth=1) on (pred=aux target=mask)",
    );
    reads("sum[over](p) on (q)", "sum[over](p) on (q)");
    reads(
        "linear(epoch, from=0, to=1, over=[0, 20])",
        "linear(epoch from=0 to=1 over=[0 20])",
    );
    reads(
        "f(in=1, loss=2, if=3, a == b)",
        "f(in=1 loss=2 if=3 (== a b))",
    );
    reads("dice(over=[batch, N, ...S])", "dice(over=[batch <N> <S>])");
    reads("f(\n  # a remark\n  a, # another\n)", "f(a)");
}

#[test]
fn selections_and_casts() {
    reads("x[C=1]", "(at x C=1)");
    reads("x[C=-1]", "(at x C=(Neg 1))");
    reads("x[C=k + 1]", "(at x C=(+ k 1))");
    reads("x[C=1..]", "(at x C=1..)");
    reads("x[C=..-1]", "(at x C=..-1)");
    reads("x[C = 1 .. 3]", "(at x C=1..3)");
    reads("x[C=..]", "(at x C=..)");
    reads("p[class=1..]", "(at p class=1..)");
    reads("x[N as M]", "(at x N->M)");
    reads("x[batch as M]", "(at x batch->M)");
    reads("x[0]", "(at x 0)");
    reads("x[C=1, N as M, H=..4,]", "(at x C=1 N->M H=..4)");
    reads("f(x)[C=1][0]", "(at (at f(x) C=1) 0)");
    reads("dice() on (a, b)[C=1]", "(at dice() on (a b) C=1)");
    reads("[a, b][0]", "(at [a b] 0)");
    reads("(a + b)[C=1]", "(at (+ a b) C=1)");
    reads("index[N][C=1]", "(at index[N] C=1)");
    reads("labels == labels[N as M]", "(== labels (at labels N->M))");
    reads("x as probs over C", "(as x probs Over C)");
    reads("x as probs per class*2", "(* (as x probs Per class) 2)");
    reads("-x as real", "(Neg (as x real))");
    reads("a^x as real", "(^ a (as x real))");
    reads("x as real >= 0", "(>= (as x real) 0)");
    reads(
        "x[C=1] as real as labels of C",
        "(as (as (at x C=1) real) labels Of C)",
    );
    reads("x as logits[N, C] over C", "(as x logits Over C)");
}

#[test]
fn words_and_numbers() {
    reads(
        "[1, 0.5, 1e-6, 1E5, 2.5e+3, inf]",
        "[1 0.5 1e-6 100000.0 2500.0 inf]",
    );
    reads("[true, false, truth]", "[true false truth]");
    reads(
        "[input_, inf0, iff, android, note, one, of, over, sum]",
        "[input_ inf0 iff android note one of over sum]",
    );
    reads("[]", "[]");
    reads("[[1, 2], [3, 4]]", "[[1 2] [3 4]]");
    assert!(matches!(
        expr("1").kind,
        ExprKind::Number { integer: true, .. }
    ));
    assert!(matches!(
        expr("1.0").kind,
        ExprKind::Number { integer: false, .. }
    ));
    assert!(matches!(
        expr("1e3").kind,
        ExprKind::Number { integer: false, .. }
    ));
}

#[test]
fn a_bracket_on_a_new_line_starts_a_new_item() {
    let ast = tree("let x = y\n(a + b)*2");
    assert_eq!(ast.items.len(), 2);
    let ast = tree("let x = y # why\n[a]");
    assert_eq!(ast.items.len(), 2);
    let ast = tree("let x = y\n  + z\n- w\nlet v = 1 let u = 2");
    assert_eq!(ast.items.len(), 3);
    let ast = tree("term a = dice() term b = ce() minimize a + b");
    assert_eq!(ast.items.len(), 3);
}

/// Blank space means nothing, but that a bracket belongs to a name on its own line only.
#[test]
fn lines_may_break_between_any_two_tokens() {
    let spec = "language 1 task multiclass axis K: space = 4 \
        input p: logits[N, K=4, ...S] over C input q: labels[N] of C input r: mask[N, C] per C \
        param a: real in [0, 1] = 0.5 param b: real >= 0 = 1 \
        let c = if a == 1 and not b < 2 then -p[C=1..] else if d then a^-b else inf \
        loss f(x: one of u, v, w = u, y: real[class] = 1,) on p: probs over class, q: onehot = { \
          let z = sum[N](p*q, where=x); z as probs over C } \
        report e = sum for A in [H, W]: abs(diff[A](p as real)) \
        minimize f(x=1, y=[1, 2]) on (p=a, q) + 2";
    let scan = scan::scan(FileId(0), spec).expect("scans");
    let tokens: Vec<&str> = scan.tokens.iter().map(|t| &spec[t.start..t.end]).collect();
    for separator in ["\n", "\r\n\t", " # remark\n", "\n\n## doc\n"] {
        let mut text = String::new();
        let mut words = tokens.iter().peekable();
        while let Some(token) = words.next() {
            text.push_str(token);
            text.push_str(match (*token, words.peek()) {
                (_, Some(&&"(" | &&"[")) if token.ends_with(char::is_alphanumeric) => "",
                ("...", _) | ("]", Some(&&"(")) => "",
                ("sum", Some(&&"for")) => " ",
                _ => separator,
            });
        }
        let mut ast = tree(&text);
        for item in &mut ast.items {
            item.doc = None;
        }
        assert_eq!(shape(&ast), shape(&tree(spec)), "{text}");
    }
}

/// The programs of the language's description print as they are, up to blank space.
#[test]
fn the_programs_of_the_description_parse() {
    let short = "0.5*dice(smooth=1e-6) + 0.5*wce([0.2, 0.8])";
    assert_eq!(print(&tree(short)), format!("minimize {short}\n"));

    let full = "## Composite loss for retinal lesions.
input pred:   logits[N, C, ...S] over C
input target: labels[N, ...S] of C

minimize 0.5*dice(smooth=1e-6) + 0.5*wce([0.2, 0.8])
";
    assert_eq!(print(&tree(full)), full);

    let large = "language 1

input pred:   logits[N, C, H, W] over C      # what the network puts out
input target: labels[N, H, W] of C           # class numbers, 0 .. C-1
input edge:   real[N, H, W]                  # weight map, larger near lesion borders
input epoch:  scalar

param alpha: real in [0, 1] = 0.5            ## share of the region term
let ramp = linear(epoch, from=0, to=1, over=[0, 20])

term region = dice(smooth=1e-6)
term pixel  = wce([0.2, 0.8])
term border = ce(pixel_weight=edge)

minimize alpha*region + (1 - alpha)*pixel + 0.1*ramp*border

report iou = mean_iou()
";
    insta::assert_snapshot!(print(&tree(large)), @r"
    language 1

    input pred:   logits[N, C, H, W] over C
    input target: labels[N, H, W] of C
    input edge:   real[N, H, W]
    input epoch:  scalar

    ## share of the region term
    param alpha: real in [0, 1] = 0.5
    let ramp = linear(epoch, from=0, to=1, over=[0, 20])

    term region = dice(smooth=1e-6)
    term pixel  = wce([0.2, 0.8])
    term border = ce(pixel_weight=edge)

    minimize alpha*region + (1 - alpha)*pixel + 0.1*ramp*border

    report iou = mean_iou()
    ");

    let own = "## Log-cosh of the Dice loss (Jadon 2020).
loss log_cosh_dice(smooth: real >= 0 = 1e-5) on pred: probs, target: probs =
  log_cosh(dice(smooth=smooth))

minimize log_cosh_dice()
";
    assert_eq!(print(&tree(own)), own);

    let dice = "## Soft Dice loss (Milletari et al. 2016): 1 − (2·Σpt + nr) / (Σp + Σt + dr).
loss dice(
  smooth: real >= 0 = 1e-5,
  smooth_nr: real >= 0 = smooth,
  smooth_dr: real >= 0 = smooth,
  squared: bool = false,
  over: axes = space,
  weight: real[class] = 1,
) on pred: probs, target: probs = {
  let overlap = sum[over](pred*target);
  let mass = if squared then sum[over](pred^2 + target^2) else sum[over](pred + target);
  weighted_mean(1 - (2*overlap + smooth_nr) / (mass + smooth_dr), weight)
}
";
    assert_eq!(print(&tree(dice)), dice);
}

#[test]
fn every_item_and_type_prints_as_it_is_written() {
    let spec = "language 1

task multiclass
axis B: batch
axis K = 4
axis L: space = 4

input a: logits[N, C, ...S] over C
input b: labels[N, 1, H, W] of C
input c: mask[N, K=4] per C
input d: real[N, ...]
input e: real[...R, K=4]
input f: scalar
input g: real[]

param h: real in [0, 1] = 0.5
param i: real in (0, 1] = 0.5
param j: real in [-1.5, inf) = 0
param k: real > 0 = 1
param l: real < 1 = 0
param m: real <= 1 = 0
param n: int >= 1 = 2
param o: bool = true

fn cube(x: real) = x^3

fn half() = 0.5

loss own(
  weight: real[class] = 1,
  pixel_weight: real[batch, space] = 1,
  reduce: one of mean, sum, none = mean,
  over: axes = space,
  last: one of a, b,
) on pred: probs over class, target: onehot per class = cube(pred)

loss bare() = dice()

minimize own()
";
    assert_eq!(print(&tree(spec)), spec);
    // Trailing commas and blocks without local names leave no trace.
    let text = "loss own(a: one of b, c, ) on p: probs, q: probs, = { p }";
    assert_eq!(
        print(&tree(text)),
        "loss own(a: one of b, c) on p: probs, q: probs = p\n"
    );
}

#[test]
fn long_sums_break_at_their_terms() {
    let term = "0.25*dice(smooth=1e-6, squared=true)";
    let text = format!("minimize {term} - {term} + {term}\n");
    let printed = print(&tree(&text));
    assert_eq!(
        printed,
        format!("minimize\n  {term}\n  - {term}\n  + {term}\n")
    );
    assert_eq!(shape(&tree(&printed)), shape(&tree(&text)));
}

#[test]
fn docs_belong_to_the_item_they_precede_or_stand_behind() {
    let docs = |text: &str| -> Vec<Option<String>> {
        tree(text).items.into_iter().map(|item| item.doc).collect()
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(docs("## one\n##two\n\nlet a = 1"), [some("one\ntwo")]);
    assert_eq!(docs("let a = 1 ## behind"), [some("behind")]);
    assert_eq!(
        docs("## before\nlet a = 1 ## behind"),
        [some("before\nbehind")]
    );
    assert_eq!(docs("let a = 1 ## a\nlet b = 2"), [some("a"), None]);
    assert_eq!(docs("let a = 1\n## b\nlet b = 2"), [None, some("b")]);
    assert_eq!(docs("let a = 1 let b = 2 ## b"), [None, some("b")]);
    assert_eq!(
        docs("let a =\n  f(1,  ## inside\n    2)  ## behind"),
        [some("behind")]
    );
    assert_eq!(docs("# remark\n### rule\nlet a = 1 # more"), [None]);
    assert_eq!(
        docs("## one\n# remark\n## two\nlet a = 1"),
        [some("one\ntwo")]
    );
    assert_eq!(
        docs("##\n##   indented\nlet a = 1\n## nobody's"),
        [some("\n  indented")]
    );
    assert_eq!(docs("## crlf\r\nlet a = 1 ## b\r\n"), [some("crlf\nb")]);
    assert_eq!(docs("## alone\n0.5*dice()"), [some("alone")]);
}

#[test]
fn places_are_exact() {
    let text = "## doc\nterm region = (a + b)*-c[C=1..] # end\n\
        loss own( x : real >= 0 = 1e-5 , ) on p : probs over C = if p then x else inf \n\
        input q: labels[N, K=4] of C   # last\n";
    let ast = tree(text);
    let under = |span: Span| text.get(span.range()).unwrap_or("?");
    assert_eq!(under(ast.span), text);

    assert_eq!(under(ast.items[0].span), "term region = (a + b)*-c[C=1..]");
    let ItemKind::Term(binding) = &ast.items[0].kind else {
        panic!("{:?}", ast.items[0]);
    };
    assert_eq!(under(binding.name.span), "region");
    assert_eq!(under(binding.value.span), "(a + b)*-c[C=1..]");
    let ExprKind::Binary {
        op_span, lhs, rhs, ..
    } = &binding.value.kind
    else {
        panic!("{:?}", binding.value);
    };
    assert_eq!(under(*op_span), "*");
    assert_eq!(under(lhs.span), "a + b");
    assert_eq!(under(rhs.span), "-c[C=1..]");

    let ItemKind::Loss(own) = &ast.items[1].kind else {
        panic!("{:?}", ast.items[1]);
    };
    assert_eq!(
        under(own.head),
        "own( x : real >= 0 = 1e-5 , ) on p : probs over C"
    );
    assert_eq!(under(own.options[0].span), "x : real >= 0 = 1e-5");
    assert_eq!(under(own.options[0].ty.span), "real >= 0");
    assert_eq!(under(own.operands[0].span), "p : probs over C");
    assert_eq!(under(own.body.value.span), "if p then x else inf");
    assert!(under(ast.items[1].span).ends_with("else inf"));

    let ItemKind::Input { ty, .. } = &ast.items[2].kind else {
        panic!("{:?}", ast.items[2]);
    };
    assert_eq!(under(ty.span), "labels[N, K=4] of C");
    assert_eq!(under(ast.items[2].span), "input q: labels[N, K=4] of C");
    let TypeKind::Tensor {
        axes: Some(axes),
        class: Some(class),
        ..
    } = &ty.kind
    else {
        panic!("{ty:?}");
    };
    assert_eq!(under(class.span), "of C");
    let AxisDecl::Axis {
        name,
        size: Some((4, size)),
    } = &axes[1]
    else {
        panic!("{axes:?}");
    };
    assert_eq!((under(name.span), under(*size)), ("K", "4"));
}

#[test]
fn places_inside_calls_are_exact() {
    let text = "f[N](a , b= 2 )  on ( x )[C = -1 .. 3 , 0] as probs per C + 1";
    let value = expr(text);
    let under = |span: Span| text.get(span.range()).unwrap_or("?");
    let ExprKind::Binary { lhs, .. } = &value.kind else {
        panic!("{value:?}");
    };
    assert_eq!(
        under(lhs.span),
        "f[N](a , b= 2 )  on ( x )[C = -1 .. 3 , 0] as probs per C"
    );
    let ExprKind::As { base, ty } = &lhs.kind else {
        panic!("{lhs:?}");
    };
    assert_eq!(under(ty.span), "probs per C");
    assert_eq!(
        under(base.span),
        "f[N](a , b= 2 )  on ( x )[C = -1 .. 3 , 0]"
    );
    let ExprKind::Select { base, selectors } = &base.kind else {
        panic!("{base:?}");
    };
    assert_eq!(under(base.span), "f[N](a , b= 2 )  on ( x )");
    let Selector::Slice {
        start: Some((-1, start)),
        end: Some((3, end)),
        span,
        ..
    } = &selectors[0]
    else {
        panic!("{selectors:?}");
    };
    assert_eq!(
        (under(*start), under(*end), under(*span)),
        ("-1", "3", "C = -1 .. 3")
    );
    let ExprKind::Call {
        callee,
        args: Some(args),
        ..
    } = &base.kind
    else {
        panic!("{base:?}");
    };
    assert_eq!(under(callee.span), "f");
    assert_eq!(under(args[1].value.span), "2");
}
