//! Messages for definitions and their bodies.

use super::messages;

#[test]
fn definitions_have_parentheses() {
    insta::assert_snapshot!(messages("fn f = 3"), @r"
    error[E0101]: a `fn` has parentheses after its name
     --> spec.loss:1:4
      |
    1 | fn f = 3
      |    ^ even if there are no options
      |
    help: write them
      |
    1 | fn f() = 3
      |     ++
    ");
    insta::assert_snapshot!(messages("loss f() on (pred: probs) = 1"), @r"
    error[E0101]: the operands of a definition have no parentheses
     --> spec.loss:1:13
      |
    1 | loss f() on (pred: probs) = 1
      |             ^ not expected here
      |
      = help: write `on pred: probs, target: probs`
    ");
    insta::assert_snapshot!(messages("fn f(x: real) -> real = x"), @r"
    error[E0101]: the type of a result is not written
     --> spec.loss:1:15
      |
    1 | fn f(x: real) -> real = x
      |               ^^
      |
      = help: remove `->` and the type: the value of the body decides
    ");
    insta::assert_snapshot!(messages("fn f(x: real): x"), @r"
    error[E0101]: the body of a definition comes after `=`
     --> spec.loss:1:14
      |
    1 | fn f(x: real): x
      |              ^ not a `:`
      |
    help: write `=`
      |
    1 - fn f(x: real): x
    1 + fn f(x: real) = x
      |
    ");
}

#[test]
fn bodies() {
    insta::assert_snapshot!(messages("loss f() = {\n  let a = 1\n  a\n}"), @r"
    error[E0101]: a `let` in a body ends with `;`
     --> spec.loss:2:12
      |
    2 |   let a = 1
      |            ^ missing here
      |
    help: write it
      |
    2 |   let a = 1;
      |            +
    ");
    insta::assert_snapshot!(messages("loss f() = { let a = 1; a; }"), @r"
    error[E0101]: the last line of a body is its value
     --> spec.loss:1:26
      |
    1 | loss f() = { let a = 1; a; }
      |                          ^ no `;` after the value
      |
    help: remove it
      |
    1 - loss f() = { let a = 1; a; }
    1 + loss f() = { let a = 1; a }
      |
    ");
    insta::assert_snapshot!(messages("loss f() = { let a = 1; }"), @r"
    error[E0101]: the body has no value
     --> spec.loss:1:25
      |
    1 | loss f() = { let a = 1; }
      |                         ^ a value is missing before this
      |
      = help: the last line of a body is its value, without `let` and `;`
    ");
    insta::assert_snapshot!(messages("loss f() = { a = 1; a }"), @r"
    error[E0101]: `a = ...` is not part of a body
     --> spec.loss:1:14
      |
    1 | loss f() = { a = 1; a }
      |              ^ what is it?
      |
    help: a local value is a `let`
      |
    1 | loss f() = { let a = 1; a }
      |              +++
    ");
    insta::assert_snapshot!(messages("loss f() = { let a = 1 }"), @r"
    error[E0101]: the body has no value
     --> spec.loss:1:24
      |
    1 | loss f() = { let a = 1 }
      |                        ^ it ends with a `let`
      |
      = help: the last line of a body is its value, without `let`
    ");
    insta::assert_snapshot!(messages("fn f(x: real) = { return x }"), @r"
    error[E0101]: there is no `return`
     --> spec.loss:1:19
      |
    1 | fn f(x: real) = { return x }
      |                   ^^^^^^ not expected here
      |
      = help: the last line of a body is its value
    help: remove it
      |
    1 - fn f(x: real) = { return x }
    1 + fn f(x: real) = { x }
      |
    ");
    insta::assert_snapshot!(messages("fn f() = { 1; 2 }"), @r"
    error[E0101]: only the `let` lines of a body end with `;`
     --> spec.loss:1:13
      |
    1 | fn f() = { 1; 2 }
      |             ^ this ends the value of the body
      |
      = help: give the values on the way to the result names with `let`
    ");
}
