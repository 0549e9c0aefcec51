//! Messages for names, reserved words, types and ranges.

use super::messages;

#[test]
fn axes_start_in_upper_case() {
    insta::assert_snapshot!(messages("input x: logits[n, c] over C"), @r"
    error[E0101]: `n` is not the name of an axis
     --> spec.loss:1:17
      |
    1 | input x: logits[n, c] over C
      |                 ^ axes start in upper case
      |
      = note: in lower case only the roles `batch`, `class` and `space` fit here
    help: write the axis in upper case
      |
    1 - input x: logits[n, c] over C
    1 + input x: logits[N, c] over C
      |
    ");
    insta::assert_snapshot!(messages("input x: logits[N, C] over c"), @r"
    error[E0101]: `c` is not the name of an axis
     --> spec.loss:1:28
      |
    1 | input x: logits[N, C] over c
      |                            ^ axes start in upper case
      |
      = note: in lower case only the roles `batch`, `class` and `space` fit here
    help: write the axis in upper case
      |
    1 - input x: logits[N, C] over c
    1 + input x: logits[N, C] over C
      |
    ");
    insta::assert_snapshot!(messages("axis b: batch"), @r"
    error[E0101]: `b` is not the name of an axis
     --> spec.loss:1:6
      |
    1 | axis b: batch
      |      ^ axes start in upper case
      |
    help: write the axis in upper case
      |
    1 - axis b: batch
    1 + axis B: batch
      |
    ");
    insta::assert_snapshot!(messages("input x: real[N, ...s]"), @r"
    error[E0101]: `s` is not the name of an axis
     --> spec.loss:1:21
      |
    1 | input x: real[N, ...s]
      |                     ^ axes start in upper case
      |
    help: write the axis in upper case
      |
    1 - input x: real[N, ...s]
    1 + input x: real[N, ...S]
      |
    ");
    insta::assert_snapshot!(messages("minimize x[N as m]"), @r"
    error[E0101]: `m` is not the name of an axis
     --> spec.loss:1:17
      |
    1 | minimize x[N as m]
      |                 ^ axes start in upper case
      |
    help: write the axis in upper case
      |
    1 - minimize x[N as m]
    1 + minimize x[N as M]
      |
    ");
    insta::assert_snapshot!(messages("minimize sum for a in space: a"), @r"
    error[E0101]: `sum for` goes through axes
     --> spec.loss:1:18
      |
    1 | minimize sum for a in space: a
      |                  ^ axes start in upper case
      |
    help: write the axis in upper case
      |
    1 - minimize sum for a in space: a
    1 + minimize sum for A in space: a
      |
    ");
}

#[test]
fn values_start_in_lower_case() {
    insta::assert_snapshot!(messages("let Alpha = 3"), @r"
    error[E0101]: `Alpha` cannot be the name of a value
     --> spec.loss:1:5
      |
    1 | let Alpha = 3
      |     ^^^^^ only axes start in upper case
      |
    help: write the name in lower case
      |
    1 - let Alpha = 3
    1 + let alpha = 3
      |
    ");
    insta::assert_snapshot!(messages("input x: Logits[N]"), @r"
    error[E0101]: `Logits` is not a kind
     --> spec.loss:1:10
      |
    1 | input x: Logits[N]
      |          ^^^^^^ kinds are written in lower case
      |
    help: write it in lower case
      |
    1 - input x: Logits[N]
    1 + input x: logits[N]
      |
    ");
    insta::assert_snapshot!(messages("minimize Dice(smooth=1)"), @r"
    error[E0101]: `Dice` is not the name of a function
     --> spec.loss:1:10
      |
    1 | minimize Dice(smooth=1)
      |          ^^^^ functions start in lower case
      |
    help: write the function in lower case
      |
    1 - minimize Dice(smooth=1)
    1 + minimize dice(smooth=1)
      |
    ");
    insta::assert_snapshot!(messages("minimize Sum[space](x)"), @r"
    error[E0101]: `Sum` is the name of an axis, not of a value
     --> spec.loss:1:10
      |
    1 | minimize Sum[space](x)
      |          ^^^ names of values and functions start in lower case
      |
    help: write the name in lower case
      |
    1 - minimize Sum[space](x)
    1 + minimize sum[space](x)
      |
    ");
    insta::assert_snapshot!(messages("minimize dice(Smooth=1)"), @r"
    error[E0101]: the names of options are written in lower case
     --> spec.loss:1:15
      |
    1 | minimize dice(Smooth=1)
      |               ^^^^^^ an axis is no option
      |
    help: write it in lower case
      |
    1 - minimize dice(Smooth=1)
    1 + minimize dice(smooth=1)
      |
    ");
}

#[test]
fn reserved_words() {
    insta::assert_snapshot!(messages("let in = 3"), @r"
    error[E0101]: `in` is a reserved word and cannot be a name
     --> spec.loss:1:5
      |
    1 | let in = 3
      |     ^^ reserved
      |
      = help: choose another name, for example `in_`
    ");
    insta::assert_snapshot!(messages("term = 3"), @r"
    error[E0101]: `term` is a reserved word and cannot be a name
     --> spec.loss:1:1
      |
    1 | term = 3
      | ^^^^ reserved
      |
      = help: choose another name, for example `term_`
    ");
    insta::assert_snapshot!(messages("let a = term + 1"), @r"
    error[E0101]: `term` is a reserved word and cannot be a name
     --> spec.loss:1:9
      |
    1 | let a = term + 1
      |         ^^^^ reserved
      |
      = help: choose another name, for example `term_`
    ");
    insta::assert_snapshot!(messages("minimize f(input, 3)"), @r"
    error[E0101]: `input` is a reserved word and cannot be a name
     --> spec.loss:1:12
      |
    1 | minimize f(input, 3)
      |            ^^^^^ reserved
      |
      = help: choose another name, for example `input_`
    ");
}

#[test]
fn types() {
    insta::assert_snapshot!(messages("input a: real(N, C)"), @r"
    error[E0101]: the axes of a type go in square brackets
     --> spec.loss:1:14
      |
    1 | input a: real(N, C)
      |              ^ not in parentheses
      |
      = help: write `real[N, C]`
    ");
    insta::assert_snapshot!(messages("input a: real[N C]"), @r"
    error[E0101]: a comma is missing before `C`
     --> spec.loss:1:17
      |
    1 | input a: real[N C]
      |                 ^ a new entry, or the rest of the one before?
      |
      = note: entries are separated by `,` up to the `]`
    help: write the comma
      |
    1 | input a: real[N, C]
      |                +
    ");
    insta::assert_snapshot!(messages("input a: logits[N, C] over"), @r"
    error[E0101]: an axis is missing after `over`
     --> spec.loss:1:23
      |
    1 | input a: logits[N, C] over
      |                       ^^^^ of which axis are the classes?
      |
      = help: for example `over C`
    ");
    insta::assert_snapshot!(messages("let a = x as"), @r"
    error[E0101]: a type is missing after `as`
     --> spec.loss:1:11
      |
    1 | let a = x as
      |           ^^ nothing follows
      |
      = help: for example `logits[N, C, ...S] over C`, `labels[N, ...S] of C`, `real`
    ");
    insta::assert_snapshot!(messages("language one"), @r"
    error[E0101]: `language` is followed by a number
     --> spec.loss:1:1
      |
    1 | language one
      | ^^^^^^^^ which version?
      |
    help: this is version 1
      |
    1 - language one
    1 + language 1
      |
    ");
    insta::assert_snapshot!(messages("language"), @r"
    error[E0101]: `language` is followed by a number
     --> spec.loss:1:1
      |
    1 | language
      | ^^^^^^^^ which version?
      |
    help: this is version 1
      |
    1 | language 1
      |          +
    ");
}

#[test]
fn ranges() {
    insta::assert_snapshot!(messages("param a: real in 0..1 = 1"), @r"
    error[E0101]: a range goes in brackets
     --> spec.loss:1:18
      |
    1 | param a: real in 0..1 = 1
      |                  ^ a bracket is expected before this
      |
      = help: `in [0, 1]` holds both ends, `in (0, 1)` neither
    ");
    insta::assert_snapshot!(messages("param a: real in [0..1] = 1"), @r"
    error[E0101]: the ends of a range are separated by a comma
     --> spec.loss:1:20
      |
    1 | param a: real in [0..1] = 1
      |                    ^^ not by `..`
      |
    help: write `,`
      |
    1 - param a: real in [0..1] = 1
    1 + param a: real in [0,1] = 1
      |
    ");
    insta::assert_snapshot!(messages("param a: real in [0, b] = 1"), @r"
    error[E0101]: the bounds of a range are numbers
     --> spec.loss:1:22
      |
    1 | param a: real in [0, b] = 1
      |                      ^ not a number
      |
      = help: for no bound write `inf` or leave the range open, `>= 0`
    ");
    insta::assert_snapshot!(messages("param a: real >= b = 1"), @r"
    error[E0101]: the bounds of a range are numbers
     --> spec.loss:1:18
      |
    1 | param a: real >= b = 1
      |                  ^ not a number
      |
      = help: for no bound write `inf` or leave the range open, `>= 0`
    ");
    insta::assert_snapshot!(messages("param a: real in [0 1] = 1"), @r"
    error[E0101]: a comma is missing before `1`
     --> spec.loss:1:21
      |
    1 | param a: real in [0 1] = 1
      |                     ^ a new entry, or the rest of the one before?
      |
      = note: entries are separated by `,` up to the `]`
    help: write the comma
      |
    1 | param a: real in [0, 1] = 1
      |                    +
    ");
}
