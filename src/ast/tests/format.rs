//! The formatter: what it keeps, how it sets lines, and that it changes nothing else.

use proptest::collection::vec;
use proptest::prelude::*;

use super::roundtrip::ast;
use super::*;
use crate::ast::print::plain;
use crate::ast::scan::scan;

/// The formatted text; it is the same after a second time.
#[track_caller]
fn formatted(text: &str) -> String {
    let mut diags = Diagnostics::default();
    let Some(out) = format(FileId(0), text, &mut diags) else {
        panic!("{text}\n{}", messages(text));
    };
    let again = format(FileId(0), &out, &mut diags);
    assert_eq!(
        again.as_ref(),
        Some(&out),
        "not the same after a second time"
    );
    out
}

/// What can stand between two tokens.
const BETWEEN: &[&str] = &[
    " # behind\n",
    "\n# alone\n",
    "\n\n# apart\n\n",
    "\n# one\n\n# two\n",
    " ## doc behind\n",
    "\n## doc alone\n",
    "\n",
    "\n\n\n",
    "\r\n\t",
    "  ",
];

/// A random program with comments and blanks wherever the grammar takes them.
fn program() -> impl Strategy<Value = String> {
    let places = vec((any::<prop::sample::Index>(), 0..BETWEEN.len()), 0..12);
    (ast(), places).prop_map(|(ast, places)| {
        let mut text = plain(&ast);
        for (place, what) in places {
            let tokens = scan(FileId(0), &text).expect("it scans").tokens;
            // Behind the last token, too.
            let place = place.index(tokens.len() + 1);
            let at = tokens.get(place).map_or(text.len(), |token| token.start);
            let mut tried = text.clone();
            tried.insert_str(at, BETWEEN[what]);
            if parse(FileId(0), &tried, &mut Diagnostics::default()).is_some() {
                text = tried;
            }
        }
        text
    })
}

proptest! {
    #[test]
    fn formatting_keeps_tree_and_comments_and_is_done_at_once(text in program()) {
        let mut diags = Diagnostics::default();
        // That tree and comments are the same is part of the function: without it there is no text.
        let Some(out) = format(FileId(0), &text, &mut diags) else {
            let why = diags.into_sorted();
            return Err(TestCaseError::fail(format!("{text}\n{why:?}\n{:?}", crate::ast::format::layout(&text))));
        };
        let again = format(FileId(0), &out, &mut diags);
        prop_assert_eq!(again.as_ref(), Some(&out), "of {}", text);
        prop_assert!(!out.lines().any(|line| line.ends_with([' ', '\t'])), "{}", out);
        prop_assert!(!out.contains("\n\n\n"), "{}", out);
    }
}

#[track_caller]
fn stays(text: &str) {
    assert_eq!(formatted(text), text);
}

#[test]
fn every_position_of_a_comment() {
    insta::assert_snapshot!(formatted(
        "\
#!first

# second
## doc
loss # a
  own # b
  ( # c
  # d
  x # e
  : # f
  real # g
  >= # h
  0 # i
  = # j
  1 # k
  , # l
  # m

  # n
  ) # o
  on # p
  pred # q
  : # r
  probs # s
  , t : one # u
  # v
  of a, # w
  b = # x
  { # y

  # z
  let q = # A
  1 # B
  ; # C
  # D
  q # E
  + # F
  # G
  -  # H
  q # I
  # J
  } # K
minimize own( # L
) on # M
(pred, # N
x # O
= 1 # P
)[ # Q
C = # R
1 # S
.. # T
] # U
as # V
real [ # W
N # X
] # Y
over # Z
C
# last

# very last
"), @r"
    #!first

    # second
    ## doc
    loss     # a
      own    # b
      (      # c
      # d
      x         # e
        :       # f
        real    # g
        >=      # h
        0       # i
        =       # j
        1       # k
        ,       # l
      # m

      # n
    )             # o
      on          # p
      pred        # q
      :           # r
      probs       # s
      , t: one    # u
      # v
      of a,    # w
      b =      # x
      {        # y
        # z
        let q =    # A
          1        # B
          ;        # C
        # D
        q    # E
        +    # F
          # G
          -    # H
          q    # I
        # J
      }              # K
    minimize own(    # L
      ) on           # M
      (
      pred,    # N
      x        # O
        =1,    # P
    )[         # Q
      C=       # R
        1      # S
        ..,    # T
    ]          # U
      as       # V
      real[    # W
      N        # X
    ]          # Y
      over     # Z
      C
    # last

    # very last
    ");
}

#[test]
fn long_lines_break_at_the_outermost_place() {
    insta::assert_snapshot!(formatted("\
param alpha: real in [0, 1] = if first_condition_that_is_long then second_value_that_is_long else third_value_that_is_long
let ramp = linear(first_argument_that_is_long, from=second_argument_that_is_long, to=third_argument_that_is_long)
let sum = first_operand_that_is_long*second_operand_that_is_long + third_operand_that_is_long/(fourth_operand - fifth)
term both = (first_operand_that_is_long + second_operand_that_is_long)*(third_operand_that_is_long - fourth_operand)
report any = first_operand_that_is_long > second_operand_that_is_long and third_operand_that_is_long or not fourth_operand
let nested = f(first_operand_that_is_long + g(second_operand_that_is_long, third_operand_that_is_long, fourth_operand), 1)
let total = sum for A in [first_axis_that_is_long, second_axis_that_is_long]: mean(abs(diff[A](some_operand_that_is_long)))
loss own(smooth: real >= 0 = 1e-5, weight: real[class] = 1) on pred: probs over class, target: probs over class = f(pred)
fn f(x: real) = first_operand_that_is_long*x + second_operand_that_is_long*x^2 + third_operand_that_is_long*x^3 + 1
first_operand_that_is_long(a=1) + second_operand_that_is_long(b=second) + third_operand_that_is_long(c=1)/fourth_operand
"), @r"
    param alpha: real in [0, 1] =
      if first_condition_that_is_long then second_value_that_is_long else third_value_that_is_long
    let ramp = linear(
      first_argument_that_is_long,
      from=second_argument_that_is_long,
      to=third_argument_that_is_long,
    )
    let sum =
      first_operand_that_is_long*second_operand_that_is_long
      + third_operand_that_is_long / (fourth_operand - fifth)
    term both =
      (first_operand_that_is_long + second_operand_that_is_long)
      * (third_operand_that_is_long - fourth_operand)
    report any =
      first_operand_that_is_long > second_operand_that_is_long and third_operand_that_is_long
      or not fourth_operand
    let nested = f(
      first_operand_that_is_long
      + g(second_operand_that_is_long, third_operand_that_is_long, fourth_operand),
      1,
    )
    let total =
      sum for A in [first_axis_that_is_long, second_axis_that_is_long]:
        mean(abs(diff[A](some_operand_that_is_long)))
    loss own(
      smooth: real >= 0 = 1e-5,
      weight: real[class] = 1,
    ) on pred: probs over class, target: probs over class = f(pred)
    fn f(x: real) =
      first_operand_that_is_long*x
      + second_operand_that_is_long*x^2
      + third_operand_that_is_long*x^3
      + 1
    first_operand_that_is_long(a=1)
      + second_operand_that_is_long(b=second)
      + third_operand_that_is_long(c=1)/fourth_operand
    ");
}

#[test]
fn what_fits_is_joined_and_what_ends_with_a_comma_is_not() {
    assert_eq!(
        formatted("minimize\n  dice()\n  +\n  ce()"),
        "minimize dice() + ce()\n"
    );
    assert_eq!(formatted("let x = [\n1, 2,\n3]"), "let x = [1, 2, 3]\n");
    assert_eq!(
        formatted("let x = [1, 2, 3,]"),
        "let x = [\n  1,\n  2,\n  3,\n]\n"
    );
    // Rows are kept.
    stays("let x = [\n  1, 2,\n  3, 4,\n]\n");
    stays("let x = f(\n  [1, 2], [3, 4],\n\n  # more\n  [5, 6],\n)\n");
    // Axes stand on one line.
    assert_eq!(formatted("let x = y[\nC=1..,\n]"), "let x = y[C=1..]\n");
}

#[test]
fn columns_and_comments_of_neighbouring_lines_stand_below_each_other() {
    assert_eq!(
        formatted(
            "input pred: real[N] # p\ninput target: real[N, M] # t\n\ninput w: real[N] # w\nterm a=1\nterm bcd=2"
        ),
        "input pred:   real[N]       # p\ninput target: real[N, M]    # t\n\ninput w: real[N]    # w\nterm a   = 1\n\
         term bcd = 2\n"
    );
}

#[test]
fn spelling_of_numbers_and_spare_parentheses_are_kept() {
    stays("let x = 1e6 + 0.50 + 1E-3 + (a*b)*c + 007\n");
}

#[test]
fn products_are_tight() {
    for (text, set) in [
        ("a * b ^ c / d", "a*b^c/d"),
        ("a - - b", "a - -b"),
        ("2 ^ - x", "2^-x"),
        ("( a + b ) / ( c + d )*e", "(a + b) / (c + d) * e"),
        ("a*b / (c)", "a*b / (c)"),
        ("2*if a then b else c", "2 * if a then b else c"),
        ("a as real*b as real", "a as real * b as real"),
        ("not  a==b and-c<d", "not a == b and -c < d"),
        ("x [ C = - 1 .. , N as M ]", "x[C=-1.., N as M]"),
        ("sum [ ...S ,H]( x ,where = m )", "sum[...S, H](x, where=m)"),
    ] {
        assert_eq!(
            formatted(&format!("minimize {text}")),
            format!("minimize {set}\n")
        );
    }
}
