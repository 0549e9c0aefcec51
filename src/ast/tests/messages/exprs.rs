//! Messages for operators and commas.

use super::messages;

#[test]
fn missing_commas() {
    insta::assert_snapshot!(messages("minimize dice(smooth=1 squared=true)"), @r"
    error[E0101]: a comma is missing before `squared`
     --> spec.loss:1:24
      |
    1 | minimize dice(smooth=1 squared=true)
      |                        ^^^^^^^ a new entry, or the rest of the one before?
      |
      = note: entries are separated by `,` up to the `)`
    help: write the comma
      |
    1 | minimize dice(smooth=1, squared=true)
      |                       +
    ");
    insta::assert_snapshot!(messages("minimize wce([0.2 0.8])"), @r"
    error[E0101]: a comma is missing before `0.8`
     --> spec.loss:1:19
      |
    1 | minimize wce([0.2 0.8])
      |                   ^^^ a new entry, or the rest of the one before?
      |
      = note: entries are separated by `,` up to the `]`
    help: write the comma
      |
    1 | minimize wce([0.2, 0.8])
      |                  +
    ");
    insta::assert_snapshot!(messages("minimize dice(\n  smooth=1\n  over=batch\n)"), @r"
    error[E0101]: a comma is missing before `over`
     --> spec.loss:3:3
      |
    3 |   over=batch
      |   ^^^^ a new entry, or the rest of the one before?
      |
      = note: entries are separated by `,` up to the `)`
    help: write the comma
      |
    2 |   smooth=1,
      |           +
    ");
}

#[test]
fn superfluous_commas() {
    insta::assert_snapshot!(messages("minimize f(a,,b)"), @r"
    error[E0101]: there is nothing between two commas
     --> spec.loss:1:14
      |
    1 | minimize f(a,,b)
      |              ^ the second comma
      |
    help: remove it
      |
    1 - minimize f(a,,b)
    1 + minimize f(a,b)
      |
    ");
    insta::assert_snapshot!(messages("minimize f(,a)"), @r"
    error[E0101]: there is nothing between `(` and the comma
     --> spec.loss:1:12
      |
    1 | minimize f(,a)
      |            ^ a value is missing before it
    ");
    insta::assert_snapshot!(messages("minimize (a, b)"), @r"
    error[E0101]: parentheses hold one value
     --> spec.loss:1:12
      |
    1 | minimize (a, b)
      |            ^ a second one follows
      |
      = help: a list is `[a, b]`
    ");
    insta::assert_snapshot!(messages("minimize a, b"), @r"
    error[E0101]: one value is expected
     --> spec.loss:1:11
      |
    1 | minimize a, b
      |           ^ a second one follows
      |
      = help: a list is `[a, b]`
    ");
    insta::assert_snapshot!(messages("minimize f(a; b)"), @r"
    error[E0101]: entries are separated by `,`
     --> spec.loss:1:13
      |
    1 | minimize f(a; b)
      |             ^ not by `;`
      |
    help: write a comma
      |
    1 - minimize f(a; b)
    1 + minimize f(a, b)
      |
    ");
}

#[test]
fn missing_operators() {
    insta::assert_snapshot!(messages("minimize 2 dice()"), @r"
    error[E0101]: an operator is missing before `dice`
     --> spec.loss:1:12
      |
    1 | minimize 2 dice()
      |          - ^^^^ not expected here
      |          |
      |          the value ends here
      |
    help: write the `*` of a product
      |
    1 | minimize 2*dice()
      |           +
    ");
    insta::assert_snapshot!(messages("minimize 2(a + b)"), @r"
    error[E0101]: a value cannot be called
     --> spec.loss:1:10
      |
    1 | minimize 2(a + b)
      |          ^ this is not the name of a function
      |
    help: write the `*` of a product
      |
    1 | minimize 2*(a + b)
      |           +
    ");
    insta::assert_snapshot!(messages("minimize (a + b)(c)"), @r"
    error[E0101]: a value cannot be called
     --> spec.loss:1:10
      |
    1 | minimize (a + b)(c)
      |          ^^^^^^^ this is not the name of a function
      |
    help: write the `*` of a product
      |
    1 | minimize (a + b)*(c)
      |                 +
    ");
    insta::assert_snapshot!(messages("minimize f(x)(y)"), @r"
    error[E0101]: the result of a call cannot be called
     --> spec.loss:1:14
      |
    1 | minimize f(x)(y)
      |          ----^^^ second arguments
      |          |
      |          this is a value already
      |
      = help: all arguments stand in one pair of parentheses
    ");
    insta::assert_snapshot!(messages("let a = dice() 0.5"), @r"
    error[E0101]: an operator is missing before `0.5`
     --> spec.loss:1:16
      |
    1 | let a = dice() 0.5
      |              - ^^^ not expected here
      |              |
      |              the value ends here
      |
      = help: a new expression starts on a new line
    ");
    insta::assert_snapshot!(messages("minimize dice()\n  + 0.5 ce()"), @r"
    error[E0101]: an operator is missing before `ce`
     --> spec.loss:2:9
      |
    2 |   + 0.5 ce()
      |     --- ^^ not expected here
      |     |
      |     the value ends here
      |
    help: write the `*` of a product
      |
    2 |   + 0.5*ce()
      |        +
    ");
}

#[test]
fn missing_operands() {
    insta::assert_snapshot!(messages("minimize a +"), @r"
    error[E0101]: `+` has nothing on its right
     --> spec.loss:1:12
      |
    1 | minimize a +
      |            ^ a value is missing after it
    ");
    insta::assert_snapshot!(messages("minimize a + * b"), @r"
    error[E0101]: `+` and `*` are next to each other
     --> spec.loss:1:14
      |
    1 | minimize a + * b
      |            - ^ a value is missing before this
      |            |
      |            and after this one
    ");
    insta::assert_snapshot!(messages("minimize * a"), @r"
    error[E0101]: `*` has nothing on its left
     --> spec.loss:1:10
      |
    1 | minimize * a
      |          ^ a value is missing before it
    ");
    insta::assert_snapshot!(messages("minimize + a"), @r"
    error[E0101]: `+` has nothing on its left
     --> spec.loss:1:10
      |
    1 | minimize + a
      |          ^ a value is missing before it
      |
    help: a number carries no `+`
      |
    1 - minimize + a
    1 + minimize a
      |
    ");
    insta::assert_snapshot!(messages("minimize f(a, (b - ))"), @r"
    error[E0101]: `-` has nothing on its right
     --> spec.loss:1:18
      |
    1 | minimize f(a, (b - ))
      |                  ^ a value is missing after it
    ");
    insta::assert_snapshot!(messages("minimize a and"), @r"
    error[E0101]: `and` has nothing on its right
     --> spec.loss:1:12
      |
    1 | minimize a and
      |            ^^^ a value is missing after it
    ");
    insta::assert_snapshot!(messages("minimize f(a=)"), @r"
    error[E0101]: a value is missing after `=`
     --> spec.loss:1:13
      |
    1 | minimize f(a=)
      |             ^ nothing follows
    ");
    insta::assert_snapshot!(messages("minimize ()"), @r"
    error[E0101]: the parentheses are empty
     --> spec.loss:1:11
      |
    1 | minimize ()
      |           ^ a value is missing before this
    ");
}

#[test]
fn equality() {
    insta::assert_snapshot!(messages("minimize if a = 1 then 2 else 3"), @r"
    error[E0101]: `=` names a value and does not compare
     --> spec.loss:1:15
      |
    1 | minimize if a = 1 then 2 else 3
      |               ^ not expected here
      |
    help: write `==` to compare
      |
    1 | minimize if a == 1 then 2 else 3
      |                +
    ");
    insta::assert_snapshot!(messages("minimize mean(x, where=target=1)"), @r"
    error[E0101]: `=` names a value and does not compare
     --> spec.loss:1:30
      |
    1 | minimize mean(x, where=target=1)
      |                              ^ not expected here
      |
    help: write `==` to compare
      |
    1 | minimize mean(x, where=target==1)
      |                               +
    ");
    insta::assert_snapshot!(messages("minimize a = b"), @r"
    error[E0101]: `=` names a value and does not compare
     --> spec.loss:1:12
      |
    1 | minimize a = b
      |            ^ not expected here
      |
    help: write `==` to compare
      |
    1 | minimize a == b
      |             +
    ");
}

#[test]
fn chained_comparisons() {
    insta::assert_snapshot!(messages("minimize a < b < c"), @r"
    error[E0101]: comparisons cannot be chained
     --> spec.loss:1:16
      |
    1 | minimize a < b < c
      |            -   ^ a second comparison
      |            |
      |            the first one
      |
    help: join two comparisons with `and`
      |
    1 | minimize a < b and b < c
      |                +++++
    ");
    insta::assert_snapshot!(messages("minimize a == b and c <= d <= e"), @r"
    error[E0101]: comparisons cannot be chained
     --> spec.loss:1:28
      |
    1 | minimize a == b and c <= d <= e
      |                       --   ^^ a second comparison
      |                       |
      |                       the first one
      |
    help: join two comparisons with `and`
      |
    1 | minimize a == b and c <= d and d <= e
      |                            +++++
    ");
}

#[test]
fn options_are_given_with_equals() {
    insta::assert_snapshot!(messages("minimize dice(smooth: 1)"), @r"
    error[E0101]: options are given with `=`
     --> spec.loss:1:21
      |
    1 | minimize dice(smooth: 1)
      |                     ^ not a `:`
      |
    help: write `smooth=`
      |
    1 - minimize dice(smooth: 1)
    1 + minimize dice(smooth=1)
      |
    ");
}
