//! Messages for brackets, conditions, and what belongs to calls.

use super::messages;

#[test]
fn slices() {
    insta::assert_snapshot!(messages("minimize x[0:1]"), @r"
    error[E0101]: a slice names its axis and is written with `..`
     --> spec.loss:1:13
      |
    1 | minimize x[0:1]
      |             ^ not a `:`
      |
      = help: `x[C=0..2]` takes the first two, `x[C=1..]` all but the first
    ");
    insta::assert_snapshot!(messages("minimize x[:, 1]"), @r"
    error[E0101]: a slice names its axis and is written with `..`
     --> spec.loss:1:12
      |
    1 | minimize x[:, 1]
      |            ^ not a `:`
      |
      = help: `x[C=0..2]` takes the first two, `x[C=1..]` all but the first
    ");
    insta::assert_snapshot!(messages("minimize x[1..3]"), @r"
    error[E0101]: a slice names its axis
     --> spec.loss:1:13
      |
    1 | minimize x[1..3]
      |             ^^ of which axis?
      |
      = help: an entry is `x[C=1]`, a slice `x[C=1..]`, a new name for an axis `x[N as M]`, an entry of a list `x[0]`
    ");
    insta::assert_snapshot!(messages("minimize x[C=n..]"), @r"
    error[E0101]: the bounds of a slice are whole numbers
     --> spec.loss:1:14
      |
    1 | minimize x[C=n..]
      |              ^ not a whole number
      |
      = help: an entry is `x[C=1]`, a slice `x[C=1..]`, a new name for an axis `x[N as M]`, an entry of a list `x[0]`
    ");
    insta::assert_snapshot!(messages("minimize 1..3"), @r"
    error[E0101]: `..` goes only in a slice
     --> spec.loss:1:11
      |
    1 | minimize 1..3
      |           ^^ not expected here
      |
      = help: an entry is `x[C=1]`, a slice `x[C=1..]`, a new name for an axis `x[N as M]`, an entry of a list `x[0]`
    ");
}

#[test]
fn brackets_behind_values() {
    insta::assert_snapshot!(messages("minimize x[i + 1]"), @r"
    error[E0101]: this cannot go in brackets after a value
     --> spec.loss:1:14
      |
    1 | minimize x[i + 1]
      |              ^ not expected here
      |
      = help: an entry is `x[C=1]`, a slice `x[C=1..]`, a new name for an axis `x[N as M]`, an entry of a list `x[0]`
    ");
    insta::assert_snapshot!(messages("minimize x[-1]"), @r"
    error[E0101]: the entries of a list count from 0
     --> spec.loss:1:12
      |
    1 | minimize x[-1]
      |            ^
      |
      = help: an entry is `x[C=1]`, a slice `x[C=1..]`, a new name for an axis `x[N as M]`, an entry of a list `x[0]`
    ");
    insta::assert_snapshot!(messages("minimize x[]"), @r"
    error[E0101]: the brackets are empty
     --> spec.loss:1:12
      |
    1 | minimize x[]
      |            ^ an axis is missing
      |
      = help: without brackets a reduction goes over all axes
    ");
    insta::assert_snapshot!(messages("minimize x[N, C=1]"), @r"
    error[E0101]: the brackets mix axes with selectors
     --> spec.loss:1:12
      |
    1 | minimize x[N, C=1]
      |            ^  --- this selects from a value
      |            |
      |            an axis alone belongs to a call, as in `sum[N](x)`
      |
      = help: use one pair of brackets for each: `sum[N](x)[C=1]`
    ");
    insta::assert_snapshot!(messages("minimize (x)[N]"), @r"
    error[E0101]: axes go only after the name of a function
     --> spec.loss:1:13
      |
    1 | minimize (x)[N]
      |             ^^^ these are axes
      |
      = help: an entry is `x[C=1]`, a slice `x[C=1..]`, a new name for an axis `x[N as M]`
    ");
    insta::assert_snapshot!(messages("minimize N[C=1]"), @r"
    error[E0101]: `N` is the name of an axis, not of a value
     --> spec.loss:1:10
      |
    1 | minimize N[C=1]
      |          ^ names of values and functions start in lower case
      |
    help: write the name in lower case
      |
    1 - minimize N[C=1]
    1 + minimize n[C=1]
      |
    ");
    insta::assert_snapshot!(messages("minimize pred[..., 0]"), @r"
    error[E0101]: `...` needs a name here
     --> spec.loss:1:15
      |
    1 | minimize pred[..., 0]
      |               ^^^ which axes?
      |
      = help: name the axes where they are declared, `logits[N, C, ...S]`, and write `...S` here
    ");
}

#[test]
fn unbalanced_brackets() {
    insta::assert_snapshot!(messages("minimize (dice() + ce()\nlet b = 3"), @r"
    error[E0101]: `(` is never closed
     --> spec.loss:1:10
      |
    1 | minimize (dice() + ce()
      |          ^
    2 | let b = 3
      | --- the text goes on here
      |
    help: add the missing `)`, perhaps here
      |
    1 | minimize (dice() + ce())
      |                        +
    ");
    insta::assert_snapshot!(messages("minimize f(a]"), @r"
    error[E0101]: `(` is closed by `]`
     --> spec.loss:1:13
      |
    1 | minimize f(a]
      |           - ^ expected `)`
      |           |
      |           opened here
      |
    help: close it with its own kind
      |
    1 - minimize f(a]
    1 + minimize f(a)
      |
    ");
    insta::assert_snapshot!(messages("minimize f(a, b])"), @r"
    error[E0101]: `]` closes nothing
     --> spec.loss:1:16
      |
    1 | minimize f(a, b])
      |                ^ no such bracket is open here
      |
    help: remove it
      |
    1 - minimize f(a, b])
    1 + minimize f(a, b)
      |
    ");
    insta::assert_snapshot!(messages("minimize f(a))"), @r"
    error[E0101]: `)` closes nothing
     --> spec.loss:1:14
      |
    1 | minimize f(a))
      |              ^ no such bracket is open here
      |
    help: remove it
      |
    1 - minimize f(a))
    1 + minimize f(a)
      |
    ");
    insta::assert_snapshot!(messages("loss f() = {\n  let a = sum(b;\n  a\n}"), @r"
    error[E0101]: `(` is never closed
     --> spec.loss:2:14
      |
    2 |   let a = sum(b;
      |              ^ - the text goes on here
      |
    help: add the missing `)`, perhaps here
      |
    2 |   let a = sum(b);
      |                +
    ");
    insta::assert_snapshot!(messages("minimize f([1, 2"), @r"
    error[E0101]: `[` is never closed
     --> spec.loss:1:12
      |
    1 | minimize f([1, 2
      |           -^    - the text ends here
      |           |
      |           this one is not closed either
      |
    help: add the missing `])`, perhaps here
      |
    1 | minimize f([1, 2])
      |                 ++
    ");
    insta::assert_snapshot!(messages("loss f() = {\n  let a = 1;\n  a\nminimize f()"), @r"
    error[E0101]: `{` is never closed
     --> spec.loss:1:12
      |
    1 | loss f() = {
      |            ^
    ...
    4 | minimize f()
      | -------- the text goes on here
      |
    help: add the missing `}`, perhaps here
      |
    3 |   a}
      |    +
    ");
}

#[test]
fn conditions() {
    insta::assert_snapshot!(messages("minimize if a then b"), @r"
    error[E0101]: this `if` has no `else`
     --> spec.loss:1:10
      |
    1 | minimize if a then b
      |          ^^ what is the value where the condition does not hold?
      |
    help: write it, for example
      |
    1 | minimize if a then b else 0
      |                      ++++++
    ");
    insta::assert_snapshot!(messages("minimize if a b else c"), @r"
    error[E0101]: this `if` has no `then`
     --> spec.loss:1:10
      |
    1 | minimize if a b else c
      |          ^^   - `then` is expected before this
      |
      = help: write `if condition then a else b`
    ");
    insta::assert_snapshot!(messages("minimize if a: b else: c"), @r"
    error[E0101]: the condition of an `if` ends with `then`
     --> spec.loss:1:14
      |
    1 | minimize if a: b else: c
      |              ^ not a `:`
      |
    help: write `then`
      |
    1 - minimize if a: b else: c
    1 + minimize if a then b else: c
      |
    ");
    insta::assert_snapshot!(messages("minimize if a then b else: c"), @r"
    error[E0101]: `else` is followed by its value
     --> spec.loss:1:26
      |
    1 | minimize if a then b else: c
      |                          ^ no `:` here
      |
    help: remove it
      |
    1 - minimize if a then b else: c
    1 + minimize if a then b else c
      |
    ");
    insta::assert_snapshot!(messages("minimize if a { b } else { c }"), @r"
    error[E0101]: this `if` has no `then`
     --> spec.loss:1:10
      |
    1 | minimize if a { b } else { c }
      |          ^^   - `then` is expected before this
      |
      = help: write `if condition then a else b`
    ");
    insta::assert_snapshot!(messages("minimize a if c else b"), @r"
    error[E0101]: the condition comes first
     --> spec.loss:1:12
      |
    1 | minimize a if c else b
      |            ^^ not expected after a value
      |
      = help: write `if condition then a else b`
    ");
    insta::assert_snapshot!(messages("minimize if a then b elif c then d else e"), @r"
    error[E0101]: `elif` is two words
     --> spec.loss:1:22
      |
    1 | minimize if a then b elif c then d else e
      |                      ^^^^ not expected here
      |
    help: write `else if`
      |
    1 | minimize if a then b else if c then d else e
      |                        ++
    ");
    insta::assert_snapshot!(messages("minimize (if a then b) + 1"), @r"
    error[E0101]: this `if` has no `else`
     --> spec.loss:1:11
      |
    1 | minimize (if a then b) + 1
      |           ^^ what is the value where the condition does not hold?
      |
    help: write it, for example
      |
    1 | minimize (if a then b else 0) + 1
      |                       ++++++
    ");
    insta::assert_snapshot!(messages("minimize a then b else c"), @r"
    error[E0101]: this `then` belongs to no `if`
     --> spec.loss:1:12
      |
    1 | minimize a then b else c
      |            ^^^^ not expected here
      |
      = help: write `if condition then a else b`
    ");
    insta::assert_snapshot!(messages("minimize if then b else c"), @r"
    error[E0101]: a value is missing after `if`
     --> spec.loss:1:10
      |
    1 | minimize if then b else c
      |          ^^ nothing follows
    ");
}

#[test]
fn not_stands_in_parentheses() {
    insta::assert_snapshot!(messages("minimize a * not b"), @r"
    error[E0101]: `not` cannot follow `*`
     --> spec.loss:1:14
      |
    1 | minimize a * not b
      |            - ^^^ not expected here
      |            |
      |            this takes numbers
      |
      = help: put it in parentheses, `(not x)`
    ");
}

#[test]
fn operands_stand_in_parentheses() {
    insta::assert_snapshot!(messages("minimize dice() on aux"), @r"
    error[E0101]: the operands after `on` go in parentheses
     --> spec.loss:1:17
      |
    1 | minimize dice() on aux
      |                 ^^ `(` is expected after this
      |
    help: write them
      |
    1 - minimize dice() on aux
    1 + minimize dice() on (aux)
      |
    ");
    insta::assert_snapshot!(messages("minimize dice() on aux, mask"), @r"
    error[E0101]: the operands after `on` go in parentheses
     --> spec.loss:1:17
      |
    1 | minimize dice() on aux, mask
      |                 ^^ `(` is expected after this
      |
      = help: write `dice() on (a, b)`
    ");
    insta::assert_snapshot!(messages("minimize dice on (aux)"), @r"
    error[E0101]: `on` goes only after a call
     --> spec.loss:1:15
      |
    1 | minimize dice on (aux)
      |          ---- ^^^^^^^^ these are the operands
      |          |
      |          not a call yet
      |
    help: call `dice`
      |
    1 | minimize dice() on (aux)
      |              ++
    ");
    insta::assert_snapshot!(messages("minimize 3 on (aux)"), @r"
    error[E0101]: `on` goes only after a call
     --> spec.loss:1:12
      |
    1 | minimize 3 on (aux)
      |          - ^^^^^^^^ these are the operands
      |          |
      |          not a call
    ");
}

#[test]
fn sums_over_axes() {
    insta::assert_snapshot!(messages("minimize sum for A space: a"), @r"
    error[E0101]: `in` is missing after `A`
     --> spec.loss:1:20
      |
    1 | minimize sum for A space: a
      |                    ^^^^^ the axes to go through start here
      |
    help: write it
      |
    1 | minimize sum for A in space: a
      |                    ++
    ");
    insta::assert_snapshot!(messages("minimize sum for A in space a"), @r"
    error[E0101]: a `:` is missing after the axes of `sum for`
     --> spec.loss:1:28
      |
    1 | minimize sum for A in space a
      |                            ^ here
      |
    help: write it
      |
    1 | minimize sum for A in space: a
      |                            +
    ");
}
