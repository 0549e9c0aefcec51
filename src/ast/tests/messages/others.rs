//! Messages for numbers, for what the language does not have, and for everything else.

use super::messages;

#[test]
fn functions_have_names() {
    insta::assert_snapshot!(messages("minimize f(lambda x: x + 1)"), @r"
    error[E0101]: there are no functions without a name
     --> spec.loss:1:12
      |
    1 | minimize f(lambda x: x + 1)
      |            ^^^^^^ not expected here
      |
      = help: define it as an item, `fn name(x: real) = ...`
    ");
    insta::assert_snapshot!(messages("lambda x: x"), @r"
    error[E0101]: `lambda` does not start an item
     --> spec.loss:1:1
      |
    1 | lambda x: x
      | ^^^^^^ no such item
      |
      = help: functions have names: `fn name(x: real) = ...`
    ");
}

#[test]
fn braces() {
    insta::assert_snapshot!(messages("minimize {a: 3}"), @r"
    error[E0101]: braces hold only the body of a `fn` or a `loss`
     --> spec.loss:1:10
      |
    1 | minimize {a: 3}
      |          ^ not expected here
      |
      = help: a list is `[a, b]`
    ");
}

#[test]
fn numbers() {
    insta::assert_snapshot!(messages("minimize 1.*dice()"), @r"
    error[E0101]: `1.` is not a number
     --> spec.loss:1:10
      |
    1 | minimize 1.*dice()
      |          ^^ a digit is missing after the point
      |
    help: write the zero
      |
    1 | minimize 1.0*dice()
      |            +
    ");
    insta::assert_snapshot!(messages("minimize .5*dice()"), @r"
    error[E0101]: `.5` is not a number
     --> spec.loss:1:10
      |
    1 | minimize .5*dice()
      |          ^^ a digit is missing before the point
      |
    help: write the zero
      |
    1 | minimize 0.5*dice()
      |          +
    ");
    insta::assert_snapshot!(messages("minimize 2x"), @r"
    error[E0101]: `2x` is neither a number nor a name
     --> spec.loss:1:10
      |
    1 | minimize 2x
      |          ^^
      |
    help: write the `*` of a product
      |
    1 | minimize 2*x
      |           +
    ");
    insta::assert_snapshot!(messages("minimize 1_000"), @r"
    error[E0101]: `1_000` is not a number
     --> spec.loss:1:10
      |
    1 | minimize 1_000
      |          ^^^^^ digits cannot be grouped
      |
    help: write the digits without `_`
      |
    1 - minimize 1_000
    1 + minimize 1000
      |
    ");
    insta::assert_snapshot!(messages("minimize 1e"), @r"
    error[E0101]: `1e` is not a number
     --> spec.loss:1:10
      |
    1 | minimize 1e
      |          ^^ the digits of the exponent are missing
      |
      = help: write it in full, `1e-6`
    ");
    insta::assert_snapshot!(messages("minimize 0xff"), @r"
    error[E0101]: `0xff` is not a number
     --> spec.loss:1:10
      |
    1 | minimize 0xff
      |          ^^^^ only decimal numbers are known
    ");
    insta::assert_snapshot!(messages("minimize 1f"), @r"
    error[E0101]: `1f` is not a number
     --> spec.loss:1:10
      |
    1 | minimize 1f
      |          ^^ numbers carry no type
      |
    help: write the number alone
      |
    1 - minimize 1f
    1 + minimize 1
      |
    ");
    insta::assert_snapshot!(messages("minimize 1.2.3"), @r"
    error[E0101]: `1.2.3` is not a number
     --> spec.loss:1:10
      |
    1 | minimize 1.2.3
      |          ^^^^^
    ");
    insta::assert_snapshot!(messages("minimize 1e999"), @r"
    error[E0101]: the number is too large
     --> spec.loss:1:10
      |
    1 | minimize 1e999
      |          ^^^^^ it cannot be represented
    ");
}

#[test]
fn several_mistakes_at_once() {
    insta::assert_snapshot!(messages("let a = (1 + 2\nlet b = a ** 2\nterm c 3\nminimize a + b"), @r"
    error[E0101]: `(` is never closed
     --> spec.loss:1:9
      |
    1 | let a = (1 + 2
      |         ^
    2 | let b = a ** 2
      | --- the text goes on here
      |
    help: add the missing `)`, perhaps here
      |
    1 | let a = (1 + 2)
      |               +

    error[E0101]: powers are written with `^`
     --> spec.loss:2:11
      |
    2 | let b = a ** 2
      |           ^^
      |
    help: write `^`
      |
    2 - let b = a ** 2
    2 + let b = a ^ 2
      |

    error[E0101]: a `=` is missing
     --> spec.loss:3:8
      |
    3 | term c 3
      |        ^ the value starts here
      |
    help: write it
      |
    3 | term c = 3
      |        +
    ");
}

#[test]
fn limits() {
    insta::assert_snapshot!(messages(&format!("minimize {}a{}", "(".repeat(65), ")".repeat(65))), @r"
    error[E0103]: brackets, `if` and `sum for` are nested more than 64 deep
     --> spec.loss:1:74
      |
    1 | minimize (((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((a))))))))))))))))))))))))))))))))))))))))))))))))))))))))))...
      |                                                                          ^ one too many
      |
      = help: split it with `let`
    ");
    insta::assert_snapshot!(messages(&format!("minimize a{}", " + a".repeat(200))), @r"
    error[E0103]: the expression is too deep or too long
     --> spec.loss:1:808
      |
    1 | ... a + a + a + a + a + a + a + a + a + a + a + a + a + a + a
      |                                                           ^ one level too many
      |
      = note: an operator adds a level to what stands on its left or right
      = help: split it with `let`
    ");
    insta::assert_snapshot!(messages(&format!("minimize {}a", "-".repeat(200))), @r"
    error[E0103]: the expression is too deep or too long
     --> spec.loss:1:209
      |
    1 | ...--------------------------------------------------------a
      |                                                           ^ one level too many
      |
      = note: an operator adds a level to what stands on its left or right
      = help: split it with `let`
    ");
    insta::assert_snapshot!(messages("minimize a\u{7}"), @r"
    error[E0104]: the file holds the control byte 0x07
     --> spec.loss:1:11
      |
    1 | minimize a␇
      |           ^ not text
      |
      = help: remove it; only tabs and line ends are allowed
    ");
    insta::assert_snapshot!(messages(""), @r"
    error[E0105]: the spec is empty
     --> spec.loss:1:1
      |
    1 |
      | ^
      |
      = help: write what to minimize, for example `minimize dice()`
    ");
    insta::assert_snapshot!(messages("# later"), @r"
    error[E0105]: the spec holds only comments
     --> spec.loss:1:1
      |
    1 | # later
      | ^
      |
      = help: write what to minimize, for example `minimize dice()`
    ");
}

#[test]
fn the_last_resort() {
    insta::assert_snapshot!(messages("minimize dice() else"), @r"
    error[E0101]: this `else` belongs to no `if`
     --> spec.loss:1:17
      |
    1 | minimize dice() else
      |                 ^^^^ not expected here
      |
      = help: write `if condition then a else b`
    ");
    insta::assert_snapshot!(messages("axis K = four"), @r"
    error[E0101]: expected a whole number, found `four`
     --> spec.loss:1:10
      |
    1 | axis K = four
      |          ^^^^ not expected here
    ");
    insta::assert_snapshot!(messages("task 3"), @r"
    error[E0101]: expected a name, found `3`
     --> spec.loss:1:6
      |
    1 | task 3
      |      ^ not expected here
    ");
    insta::assert_snapshot!(messages("minimize [a for b]"), @r"
    error[E0101]: there are no loops
     --> spec.loss:1:13
      |
    1 | minimize [a for b]
      |             ^^^ not expected here
      |
      = help: reductions such as `sum[N](x)` and `mean[space](x)` go through axes
    ");
}
