//! `lossc explain`.

use super::{given, golden, lossc};
use lossc::diag::Code;

#[test]
fn losses() {
    golden("dice.explain", &lossc(&["explain", "dice"]).fine());
    golden("linear.explain", &lossc(&["explain", "linear"]).fine());
}

#[test]
fn other_names() {
    let text = lossc(&["explain", "l1"]).fine();
    assert!(
        text.starts_with("loss mae ") && text.contains("also called l1\n"),
        "{text}"
    );
}

#[test]
fn all_overloads() {
    let text = lossc(&["explain", "focal"]).fine();
    assert!(
        text.contains("loss focal, form 1 of 2    std/cross_entropy.loss:"),
        "{text}"
    );
    assert!(
        text.contains("loss focal, form 2 of 2    std/binary.loss:"),
        "{text}"
    );
    assert!(
        text.contains("logits per class") && text.contains("labels of class"),
        "{text}"
    );
}

#[test]
fn functions_of_the_language() {
    let text = lossc(&["explain", "logsumexp"]).fine();
    assert!(text.contains("logsumexp[axes](x, where=m)"), "{text}");
    assert!(
        lossc(&["explain", "clamp"])
            .fine()
            .contains("clamp(x, a, b)")
    );
    // Everything that is listed can be explained.
    for what in ["losses", "functions"] {
        for line in lossc(&["list", what]).fine().lines() {
            let name = line.split_whitespace().next().expect("a name");
            assert!(lossc(&["explain", name]).fine().contains(name), "{name}");
        }
    }
}

#[test]
fn codes() {
    for code in Code::ALL {
        let text = lossc(&["explain", code.as_str()]).fine();
        assert!(
            text.starts_with(&format!("{}: {}\n\n", code.as_str(), code.title())),
            "{text}"
        );
        assert!(text.contains(code.page().trim()), "{text}");
    }
    assert_eq!(
        lossc(&["explain", "e0204"]).fine(),
        lossc(&["explain", "E0204"]).fine()
    );
}

#[test]
fn specs() {
    golden(
        "retina.explain",
        &lossc(&["explain", "specs/examples/retina.loss"]).fine(),
    );
    golden(
        "composite.explain",
        &lossc(&["explain", "specs/examples/composite.loss"]).fine(),
    );
    golden(
        "own_loss.explain",
        &lossc(&["explain", "specs/examples/own_loss.loss"]).fine(),
    );
    let talk = given(&["explain", "-"], "dise()").failed(1);
    assert!(talk.contains("error[E0201]"), "{talk}");
}

#[test]
fn what_there_is_not() {
    for (what, near) in [
        ("dise", "dice"),
        ("logsumex", "logsumexp"),
        ("focall", "focal"),
    ] {
        let talk = lossc(&["explain", what]).failed(1);
        assert!(
            talk.contains(&format!("help: a similar name is `{near}`")),
            "{talk}"
        );
    }
    assert!(
        lossc(&["explain", "quux"])
            .failed(1)
            .contains("`lossc list losses`")
    );
    let talk = lossc(&["explain", "E0999"]).failed(1);
    assert!(talk.contains("there is no error code `E0999`"), "{talk}");
    let talk = lossc(&["explain", "none.loss"]).failed(2);
    assert!(talk.contains("there is no such file"), "{talk}");
}
