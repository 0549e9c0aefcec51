//! Messages for items.

use super::messages;

#[test]
fn misspelt_items() {
    insta::assert_snapshot!(messages("trem region = dice()"), @r"
    error[E0101]: `trem` does not start an item
     --> spec.loss:1:1
      |
    1 | trem region = dice()
      | ^^^^ no such item
      |
      = note: an item starts with `language`, `use`, `task`, `axis`, `input`, `param`, `ignore`, `let`, `term`, `report`, `minimize`, `fn`, `loss` or `test`
    help: did you mean `term`?
      |
    1 - trem region = dice()
    1 + term region = dice()
      |
    ");
    insta::assert_snapshot!(messages("minimise 0.5*dice()"), @r"
    error[E0101]: `minimise` does not start an item
     --> spec.loss:1:1
      |
    1 | minimise 0.5*dice()
      | ^^^^^^^^ no such item
      |
      = note: an item starts with `language`, `use`, `task`, `axis`, `input`, `param`, `ignore`, `let`, `term`, `report`, `minimize`, `fn`, `loss` or `test`
    help: did you mean `minimize`?
      |
    1 - minimise 0.5*dice()
    1 + minimize 0.5*dice()
      |
    ");
    insta::assert_snapshot!(messages("minimise(dice())"), @r"
    error[E0101]: `minimise` does not start an item
     --> spec.loss:1:1
      |
    1 | minimise(dice())
      | ^^^^^^^^ no such item
      |
      = note: an item starts with `language`, `use`, `task`, `axis`, `input`, `param`, `ignore`, `let`, `term`, `report`, `minimize`, `fn`, `loss` or `test`
    help: did you mean `minimize`?
      |
    1 - minimise(dice())
    1 + minimize(dice())
      |
    ");
    insta::assert_snapshot!(messages("Loss f() = 3"), @r"
    error[E0101]: the words of the language are written in lower case
     --> spec.loss:1:1
      |
    1 | Loss f() = 3
      | ^^^^
      |
    help: write it in lower case
      |
    1 - Loss f() = 3
    1 + loss f() = 3
      |
    ");
    insta::assert_snapshot!(messages("output x = 3"), @r"
    error[E0101]: `output` does not start an item
     --> spec.loss:1:1
      |
    1 | output x = 3
      | ^^^^^^ no such item
      |
      = help: a value to watch is `report name = ...`
    ");
}

#[test]
fn items_of_other_languages() {
    insta::assert_snapshot!(messages("def f(x):\n    return x\nminimize f(1)"), @r"
    error[E0101]: `def` does not start an item
     --> spec.loss:1:1
      |
    1 | def f(x):
      | ^^^ no such item
      |
      = help: a function is `fn name(x: real) = ...`, a loss `loss name(...) on pred: probs, target: probs = ...`
    ");
    insta::assert_snapshot!(messages("import torch"), @r#"
    error[E0101]: `import` does not start an item
     --> spec.loss:1:1
      |
    1 | import torch
      | ^^^^^^ no such item
      |
      = help: the standard library is there already; a module is named with `use monai` or `use "common.loss"`
    "#);
    insta::assert_snapshot!(messages("from torch import nn"), @r#"
    error[E0101]: `from` does not start an item
     --> spec.loss:1:1
      |
    1 | from torch import nn
      | ^^^^ no such item
      |
      = help: the standard library is there already; a module is named with `use monai` or `use "common.loss"`
    "#);
    insta::assert_snapshot!(messages("for i in range(3): x"), @r"
    error[E0101]: `for` does not start an item
     --> spec.loss:1:1
      |
    1 | for i in range(3): x
      | ^^^ no such item
      |
      = help: there are no loops: reductions such as `sum[N](x)` go through axes, and `sum for A in space: ...` through the axes themselves
    ");
    insta::assert_snapshot!(messages("maximize mean_iou()"), @r"
    error[E0101]: `maximize` does not start an item
     --> spec.loss:1:1
      |
    1 | maximize mean_iou()
      | ^^^^^^^^ no such item
      |
      = help: there is only `minimize`: minimize the negative, `minimize -x`
    ");
    insta::assert_snapshot!(messages("return x"), @r"
    error[E0101]: `return` does not start an item
     --> spec.loss:1:1
      |
    1 | return x
      | ^^^^^^ no such item
      |
      = help: the value of a body is its last line, without a word before it
    ");
}

#[test]
fn minimize_takes_no_sign() {
    insta::assert_snapshot!(messages("minimize = dice()"), @r"
    error[E0101]: `minimize` takes its expression without `=`
     --> spec.loss:1:10
      |
    1 | minimize = dice()
      |          ^ not expected here
      |
    help: remove it
      |
    1 - minimize = dice()
    1 + minimize dice()
      |
    ");
    insta::assert_snapshot!(messages("minimize: dice()"), @r"
    error[E0101]: `minimize` takes its expression without `:`
     --> spec.loss:1:9
      |
    1 | minimize: dice()
      |         ^ not expected here
      |
    help: remove it
      |
    1 - minimize: dice()
    1 + minimize dice()
      |
    ");
    insta::assert_snapshot!(messages("minimize:dice()"), @r"
    error[E0101]: `minimize` takes its expression without `:`
     --> spec.loss:1:9
      |
    1 | minimize:dice()
      |         ^ not expected here
      |
    help: remove it
      |
    1 - minimize:dice()
    1 + minimize dice()
      |
    ");
}

#[test]
fn loss_is_a_definition() {
    insta::assert_snapshot!(messages("loss = dice()"), @r"
    error[E0101]: `loss` starts the definition of a loss
     --> spec.loss:1:1
      |
    1 | loss = dice()
      | ^^^^ no definition follows
      |
      = help: a definition is `loss name(...) on pred: probs, target: probs = ...`
    help: what to train on is `minimize`
      |
    1 - loss = dice()
    1 + minimize dice()
      |
    ");
}

#[test]
fn a_value_needs_let() {
    insta::assert_snapshot!(messages("alpha = 0.5\nminimize alpha*dice()"), @r"
    error[E0101]: `alpha = ...` is not an item
     --> spec.loss:1:1
      |
    1 | alpha = 0.5
      | ^^^^^ what is it?
      |
      = help: a number that can be set is `param alpha: real = ...`
    help: a value is a `let`
      |
    1 | let alpha = 0.5
      | +++
    ");
    insta::assert_snapshot!(messages("alpha: real = 0.5"), @r"
    error[E0101]: a declaration starts with a word
     --> spec.loss:1:1
      |
    1 | alpha: real = 0.5
      | ^^^^^ of which sort?
      |
      = help: a tensor is `input alpha: ...`
      = help: a number that can be set is `param alpha: ... = ...`
    ");
    insta::assert_snapshot!(messages("alpha := 0.5"), @r"
    error[E0101]: `:=` is not an operator
     --> spec.loss:1:7
      |
    1 | alpha := 0.5
      |       ^^
      |
      = help: a value is `let name = ...`
    ");
}

#[test]
fn let_has_no_type_and_no_arguments() {
    insta::assert_snapshot!(messages("let a: real = 0.5"), @r"
    error[E0101]: a `let` has no type
     --> spec.loss:1:6
      |
    1 | let a: real = 0.5
      |      ^ a type starts here
      |
    help: remove it: the type is that of the value
      |
    1 - let a: real = 0.5
    1 + let a = 0.5
      |
    ");
    insta::assert_snapshot!(messages("let f(x) = x"), @r"
    error[E0101]: a `let` has no arguments
     --> spec.loss:1:6
      |
    1 | let f(x) = x
      |      ^ not expected here
      |
      = help: a function is `fn f(x: real) = ...`
    ");
    insta::assert_snapshot!(messages("let a, b = 1"), @r"
    error[E0101]: a `let` gives one name to one value
     --> spec.loss:1:6
      |
    1 | let a, b = 1
      |      ^ a second name follows
      |
      = help: write an item for each name
    ");
}

#[test]
fn missing_equals_sign() {
    insta::assert_snapshot!(messages("let a 3"), @r"
    error[E0101]: a `=` is missing
     --> spec.loss:1:7
      |
    1 | let a 3
      |       ^ the value starts here
      |
    help: write it
      |
    1 | let a = 3
      |       +
    ");
    insta::assert_snapshot!(messages("term region dice()"), @r"
    error[E0101]: a `=` is missing
     --> spec.loss:1:13
      |
    1 | term region dice()
      |             ^^^^ the value starts here
      |
    help: write it
      |
    1 | term region = dice()
      |             +
    ");
    insta::assert_snapshot!(messages("fn f(x: real) x"), @r"
    error[E0101]: a `=` is missing
     --> spec.loss:1:15
      |
    1 | fn f(x: real) x
      |               ^ the value starts here
      |
    help: write it
      |
    1 | fn f(x: real) = x
      |               +
    ");
    insta::assert_snapshot!(messages("loss f() on p: probs { p }"), @r"
    error[E0101]: a `=` is missing
     --> spec.loss:1:22
      |
    1 | loss f() on p: probs { p }
      |                      ^ the value starts here
      |
    help: write it
      |
    1 | loss f() on p: probs = { p }
      |                      +
    ");
}

#[test]
fn missing_values() {
    insta::assert_snapshot!(messages("let a =\nlet b = 2"), @r"
    error[E0101]: a value is missing after `=`
     --> spec.loss:1:7
      |
    1 | let a =
      |       ^ nothing follows
    ");
    insta::assert_snapshot!(messages("let a"), @r"
    error[E0101]: `a` has no value
     --> spec.loss:1:5
      |
    1 | let a
      |     ^ `=` is missing after this
    ");
    insta::assert_snapshot!(messages("minimize"), @r"
    error[E0101]: a value is missing after `minimize`
     --> spec.loss:1:1
      |
    1 | minimize
      | ^^^^^^^^ nothing follows
    ");
    insta::assert_snapshot!(messages("let"), @r"
    error[E0101]: a name is missing after `let`
     --> spec.loss:1:1
      |
    1 | let
      | ^^^ nothing follows
    ");
    insta::assert_snapshot!(messages("loss f() ="), @r"
    error[E0101]: the body is missing after `=`
     --> spec.loss:1:10
      |
    1 | loss f() =
      |          ^ nothing follows
    ");
    insta::assert_snapshot!(messages("loss f() on p: probs"), @r"
    error[E0101]: this `loss` has no body
     --> spec.loss:1:16
      |
    1 | loss f() on p: probs
      |                ^^^^^ `=` is missing after this
    ");
    insta::assert_snapshot!(messages("param a: real ="), @r"
    error[E0101]: a value is missing after `=`
     --> spec.loss:1:15
      |
    1 | param a: real =
      |               ^ nothing follows
    ");
}

#[test]
fn missing_colon() {
    insta::assert_snapshot!(messages("input pred logits[N, C]"), @r"
    error[E0101]: a `:` is missing after `pred`
     --> spec.loss:1:12
      |
    1 | input pred logits[N, C]
      |            ^^^^^^ its type starts here
      |
    help: write the `:`
      |
    1 | input pred: logits[N, C]
      |           +
    ");
    insta::assert_snapshot!(messages("fn f(x real) = x"), @r"
    error[E0101]: a `:` is missing after `x`
     --> spec.loss:1:8
      |
    1 | fn f(x real) = x
      |        ^^^^ its type starts here
      |
    help: write the `:`
      |
    1 | fn f(x: real) = x
      |       +
    ");
    insta::assert_snapshot!(messages("loss f() on pred probs = 1"), @r"
    error[E0101]: a `:` is missing after `pred`
     --> spec.loss:1:18
      |
    1 | loss f() on pred probs = 1
      |                  ^^^^^ its type starts here
      |
    help: write the `:`
      |
    1 | loss f() on pred: probs = 1
      |                 +
    ");
}

#[test]
fn missing_types() {
    insta::assert_snapshot!(messages("input pred"), @r"
    error[E0101]: `pred` has no type
     --> spec.loss:1:7
      |
    1 | input pred
      |       ^^^^ a type is missing after it
      |
    help: write its type, for example
      |
    1 | input pred: real
      |           ++++++
    ");
    insta::assert_snapshot!(messages("input pred:"), @r"
    error[E0101]: a type is missing after `:`
     --> spec.loss:1:11
      |
    1 | input pred:
      |           ^ nothing follows
      |
      = help: for example `logits[N, C, ...S] over C`, `labels[N, ...S] of C`, `real`
    ");
    insta::assert_snapshot!(messages("param a = 0.5"), @r"
    error[E0101]: `a` has no type
     --> spec.loss:1:7
      |
    1 | param a = 0.5
      |       ^ a type is missing after it
      |
    help: write its type, for example
      |
    1 | param a: real = 0.5
      |        ++++++
    ");
    insta::assert_snapshot!(messages("fn f(x) = x"), @r"
    error[E0101]: `x` has no type
     --> spec.loss:1:6
      |
    1 | fn f(x) = x
      |      ^ a type is missing after it
      |
    help: write its type, for example
      |
    1 | fn f(x: real) = x
      |       ++++++
    ");
    insta::assert_snapshot!(messages("fn f(x = 3) = x"), @r"
    error[E0101]: `x` has no type
     --> spec.loss:1:6
      |
    1 | fn f(x = 3) = x
      |      ^ a type is missing after it
      |
    help: write its type, for example
      |
    1 | fn f(x: real = 3) = x
      |       ++++++
    ");
    insta::assert_snapshot!(messages("loss f() on pred, target = 1"), @r"
    error[E0101]: `pred` has no type
     --> spec.loss:1:13
      |
    1 | loss f() on pred, target = 1
      |             ^^^^ a type is missing after it
      |
    help: write its type, for example
      |
    1 | loss f() on pred: probs, target = 1
      |                 +++++++
    ");
    insta::assert_snapshot!(messages("input pred[N, C]"), @r"
    error[E0101]: `pred` has no type
     --> spec.loss:1:7
      |
    1 | input pred[N, C]
      |       ^^^^ a type is missing after it
      |
    help: write its type, for example
      |
    1 | input pred: real[N, C]
      |           ++++++
    ");
}

#[test]
fn missing_names() {
    insta::assert_snapshot!(messages("input logits[N, C] over C"), @r"
    error[E0101]: the input has no name
     --> spec.loss:1:7
      |
    1 | input logits[N, C] over C
      |       ^^^^^^ this is its kind
      |
    help: name it
      |
    1 | input name: logits[N, C] over C
      |       +++++
    ");
}

#[test]
fn inputs_have_no_values() {
    insta::assert_snapshot!(messages("input a = 3"), @r"
    error[E0101]: an input has a type, not a value
     --> spec.loss:1:9
      |
    1 | input a = 3
      |         ^ a type is expected
      |
      = help: a tensor is `input a: logits[N, C, ...S] over C`, for example
      = help: a number that can be set is `param a: real = ...`
    ");
    insta::assert_snapshot!(messages("input a: real = 3"), @r"
    error[E0101]: an input has no default
     --> spec.loss:1:15
      |
    1 | input a: real = 3
      |               ^ not expected here
      |
      = help: a number with a default is a `param`
    ");
    insta::assert_snapshot!(messages("param a: real"), @r"
    error[E0101]: a `param` has a default
     --> spec.loss:1:10
      |
    1 | param a: real
      |          ^^^^ `=` is missing after this
      |
      = help: what must be given anew for each run is an `input`
    help: write it, for example
      |
    1 | param a: real = 1
      |               +++
    ");
}

#[test]
fn items_have_no_terminator() {
    insta::assert_snapshot!(messages("let a = 1;\nminimize a"), @r"
    error[E0101]: items do not end with `;`
     --> spec.loss:1:10
      |
    1 | let a = 1;
      |          ^ an item ends where the next one starts
      |
    help: remove it
      |
    1 - let a = 1;
    1 + let a = 1
      |
    ");
    insta::assert_snapshot!(messages("input a: real[N, C],\nminimize a"), @r"
    error[E0101]: items do not end with `,`
     --> spec.loss:1:20
      |
    1 | input a: real[N, C],
      |                    ^ an item ends where the next one starts
      |
    help: remove it
      |
    1 - input a: real[N, C],
    1 + input a: real[N, C]
      |
    ");
}
