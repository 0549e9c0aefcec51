//! Messages for operators, quotes and characters of other languages.

use super::messages;

#[test]
fn powers() {
    insta::assert_snapshot!(messages("minimize pred**2"), @r"
    error[E0101]: powers are written with `^`
     --> spec.loss:1:14
      |
    1 | minimize pred**2
      |              ^^
      |
    help: write `^`
      |
    1 - minimize pred**2
    1 + minimize pred^2
      |
    ");
    insta::assert_snapshot!(messages("minimize x²"), @r"
    error[E0101]: powers are written with `^`
     --> spec.loss:1:11
      |
    1 | minimize x²
      |           ^
      |
    help: write `^2`
      |
    1 - minimize x²
    1 + minimize x^2
      |
    ");
}

#[test]
fn logic() {
    insta::assert_snapshot!(messages("minimize if a && b || !c then 1 else 2"), @r"
    error[E0101]: `&&` is not an operator
     --> spec.loss:1:15
      |
    1 | minimize if a && b || !c then 1 else 2
      |               ^^
      |
    help: write `and`
      |
    1 - minimize if a && b || !c then 1 else 2
    1 + minimize if a and b || !c then 1 else 2
      |
    ");
    insta::assert_snapshot!(messages("minimize if a || b then 1 else 2"), @r"
    error[E0101]: `||` is not an operator
     --> spec.loss:1:15
      |
    1 | minimize if a || b then 1 else 2
      |               ^^
      |
    help: write `or`
      |
    1 - minimize if a || b then 1 else 2
    1 + minimize if a or b then 1 else 2
      |
    ");
    insta::assert_snapshot!(messages("minimize if !a then 1 else 2"), @r"
    error[E0101]: `!` is not an operator
     --> spec.loss:1:13
      |
    1 | minimize if !a then 1 else 2
      |             ^
      |
    help: write `not`
      |
    1 - minimize if !a then 1 else 2
    1 + minimize if not a then 1 else 2
      |
    ");
}

#[test]
fn comparisons() {
    insta::assert_snapshot!(messages("minimize a <> b"), @r"
    error[E0101]: `<>` is not an operator
     --> spec.loss:1:12
      |
    1 | minimize a <> b
      |            ^^
      |
    help: write `!=`
      |
    1 - minimize a <> b
    1 + minimize a != b
      |
    ");
    insta::assert_snapshot!(messages("minimize a === b"), @r"
    error[E0101]: `===` is not an operator
     --> spec.loss:1:12
      |
    1 | minimize a === b
      |            ^^^
      |
    help: write `==`
      |
    1 - minimize a === b
    1 + minimize a == b
      |
    ");
    insta::assert_snapshot!(messages("minimize a => b"), @r"
    error[E0101]: `=>` is not an operator
     --> spec.loss:1:12
      |
    1 | minimize a => b
      |            ^^
      |
    help: write `>=` to compare
      |
    1 - minimize a => b
    1 + minimize a >= b
      |
    ");
    insta::assert_snapshot!(messages("minimize a ≤ b"), @r"
    error[E0101]: `≤` is not an operator
     --> spec.loss:1:12
      |
    1 | minimize a ≤ b
      |            ^
      |
    help: write `<=`
      |
    1 - minimize a ≤ b
    1 + minimize a <= b
      |
    ");
}

#[test]
fn comments() {
    insta::assert_snapshot!(messages("// a remark\nminimize dice()"), @r"
    error[E0101]: `//` does not start a comment
     --> spec.loss:1:1
      |
    1 | // a remark
      | ^^
      |
    help: comments start with `#`; a division is `/`
      |
    1 - // a remark
    1 + # a remark
      |
    ");
    insta::assert_snapshot!(messages("minimize dice() // a remark"), @r"
    error[E0101]: `//` does not start a comment
     --> spec.loss:1:17
      |
    1 | minimize dice() // a remark
      |                 ^^
      |
    help: comments start with `#`; a division is `/`
      |
    1 - minimize dice() // a remark
    1 + minimize dice() # a remark
      |
    ");
    insta::assert_snapshot!(messages("/* a\n remark */ minimize dice()"), @r"
    error[E0101]: `/*` does not start a comment
     --> spec.loss:1:1
      |
    1 | /* a
      | ^^
      |
      = help: comments start with `#` and end with the line
    ");
    insta::assert_snapshot!(messages("\"\"\"A remark.\"\"\"\nminimize dice()"), @r#"
    error[E0101]: there are no strings
     --> spec.loss:1:1
      |
    1 | """A remark."""
      | ^^^^^^^^^^^^^^^
      |
      = help: a remark starts with `#`, a doc comment with `##`
    "#);
}

#[test]
fn strings() {
    insta::assert_snapshot!(messages("minimize ce(reduce=\"mean\")"), @r#"
    error[E0101]: there are no strings
     --> spec.loss:1:20
      |
    1 | minimize ce(reduce="mean")
      |                    ^^^^^^
      |
    help: words of an option are written without quotes
      |
    1 - minimize ce(reduce="mean")
    1 + minimize ce(reduce=mean)
      |
    "#);
    insta::assert_snapshot!(messages("minimize ce(reduce='mean')"), @r"
    error[E0101]: there are no strings
     --> spec.loss:1:20
      |
    1 | minimize ce(reduce='mean')
      |                    ^^^^^^
      |
    help: words of an option are written without quotes
      |
    1 - minimize ce(reduce='mean')
    1 + minimize ce(reduce=mean)
      |
    ");
    insta::assert_snapshot!(messages("minimize ce(reduce=“mean”)"), @r"
    error[E0101]: there are no strings
     --> spec.loss:1:20
      |
    1 | minimize ce(reduce=“mean”)
      |                    ^
      |
      = help: names are written without quotes, as in `reduce=mean`
    ");
    insta::assert_snapshot!(messages("minimize ce(reduce='mean"), @r"
    error[E0101]: there are no strings
     --> spec.loss:1:20
      |
    1 | minimize ce(reduce='mean
      |                    ^^^^^
      |
    help: words of an option are written without quotes
      |
    1 - minimize ce(reduce='mean
    1 + minimize ce(reduce=mean
      |
    ");
}

#[test]
fn minus_and_times() {
    insta::assert_snapshot!(messages("minimize a − b"), @r"
    error[E0101]: this is not the minus sign of a keyboard
     --> spec.loss:1:12
      |
    1 | minimize a − b
      |            ^
      |
    help: write `-`
      |
    1 - minimize a − b
    1 + minimize a - b
      |
    ");
    insta::assert_snapshot!(messages("minimize a × b"), @r"
    error[E0101]: `×` is not an operator
     --> spec.loss:1:12
      |
    1 | minimize a × b
      |            ^
      |
    help: write `*`
      |
    1 - minimize a × b
    1 + minimize a * b
      |
    ");
    insta::assert_snapshot!(messages("minimize a·b"), @r"
    error[E0101]: `·` is not an operator
     --> spec.loss:1:11
      |
    1 | minimize a·b
      |           ^
      |
    help: write `*`
      |
    1 - minimize a·b
    1 + minimize a*b
      |
    ");
    insta::assert_snapshot!(messages("minimize a – b"), @r"
    error[E0101]: this is a dash, not a minus sign
     --> spec.loss:1:12
      |
    1 | minimize a – b
      |            ^
      |
    help: write `-`
      |
    1 - minimize a – b
    1 + minimize a - b
      |
    ");
}

#[test]
fn assignments() {
    insta::assert_snapshot!(messages("x += 1"), @r"
    error[E0101]: nothing changes its value
     --> spec.loss:1:3
      |
    1 | x += 1
      |   ^^
      |
      = help: give the new value a name of its own with `let`
    ");
}

#[test]
fn methods_and_modules() {
    insta::assert_snapshot!(messages("minimize sum(x).exp()"), @r"
    error[E0101]: a point stands only between a module and a name of it
     --> spec.loss:1:16
      |
    1 | minimize sum(x).exp()
      |                ^ not expected here
      |
      = help: there are no methods: write `exp(...)`
    ");
    insta::assert_snapshot!(messages("minimize torch.nn.mean(x)"), @r"
    error[E0101]: a point stands only between a module and a name of it
     --> spec.loss:1:15
      |
    1 | minimize torch.nn.mean(x)
      |               ^ not expected here
      |
      = help: functions are written without a module: `mean(...)`
    ");
    insta::assert_snapshot!(messages("minimize x.[0]"), @r"
    error[E0101]: a point stands only between a module and a name of it
     --> spec.loss:1:11
      |
    1 | minimize x.[0]
      |           ^ not expected here
      |
      = help: there are no methods, only functions: `sum(x)`
    ");
}

#[test]
fn other_operators() {
    insta::assert_snapshot!(messages("minimize a % 2"), @r"
    error[E0101]: there is no remainder operator
     --> spec.loss:1:12
      |
    1 | minimize a % 2
      |            ^
      |
      = help: `x - n*floor(x/n)` is the remainder of `x` by `n`
    ");
    insta::assert_snapshot!(messages("minimize a @ b"), @r"
    error[E0101]: there is no matrix product
     --> spec.loss:1:12
      |
    1 | minimize a @ b
      |            ^
      |
      = help: `dot[D](a, b)` sums a product along the axis `D`
    ");
    insta::assert_snapshot!(messages("minimize a ? b : c"), @r"
    error[E0101]: `?` is not an operator
     --> spec.loss:1:12
      |
    1 | minimize a ? b : c
      |            ^
      |
      = help: a choice is `if condition then a else b`
    ");
    insta::assert_snapshot!(messages("minimize a + \\\n  b"), @r"
    error[E0101]: a line needs no mark to go on
     --> spec.loss:1:14
      |
    1 | minimize a + \
      |              ^
      |
      = help: remove it: an expression goes on while it is not complete
    ");
}

#[test]
fn letters() {
    insta::assert_snapshot!(messages("let α = 0.5"), @r"
    error[E0101]: names are made of ASCII letters
     --> spec.loss:1:5
      |
    1 | let α = 0.5
      |     ^
      |
    help: spell it out
      |
    1 - let α = 0.5
    1 + let alpha = 0.5
      |
    ");
    insta::assert_snapshot!(messages("let naïve = 1"), @r"
    error[E0101]: `ï` does not belong to the language
     --> spec.loss:1:7
      |
    1 | let naïve = 1
      |       ^
      |
      = help: names are made of ASCII letters, digits and `_`
    ");
    insta::assert_snapshot!(messages("minimize a\u{a0}+ b"), @r"
    error[E0101]: this space is a special one
     --> spec.loss:1:11
      |
    1 | minimize a + b
      |           ^
      |
    help: write an ordinary space
      |
    1 | minimize a + b
      |           +
    ");
    insta::assert_snapshot!(messages("minimize a¹"), @r"
    error[E0101]: `¹` does not belong to the language
     --> spec.loss:1:11
      |
    1 | minimize a¹
      |           ^ unknown character
    ");
    insta::assert_snapshot!(messages("minimize $a"), @r"
    error[E0101]: names have no mark
     --> spec.loss:1:10
      |
    1 | minimize $a
      |          ^
      |
      = help: remove it
    ");
}
