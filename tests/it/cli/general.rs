//! What all commands share: help, exit status, streams, colours.

use super::{finish, given, lossc, program};
use std::io::Write;
use std::process::Stdio;

#[test]
fn short_help_fits_a_screen_and_long_help_has_examples() {
    let top = lossc(&["-h"]).fine();
    let (_, list) = top.split_once("Commands:\n").expect("a list");
    let commands = list.lines().take_while(|line| !line.is_empty());
    let commands: Vec<&str> = commands
        .filter_map(|l| l.split_whitespace().next())
        .collect();
    for command in [
        "validate",
        "compile",
        "eval",
        "explain",
        "list",
        "plot",
        "reference",
        "completions",
    ] {
        assert!(commands.contains(&command), "{top}");
    }
    for command in commands {
        let short = lossc(&[command, "-h"]).fine();
        assert!(short.lines().count() <= 30, "{command}:\n{short}");
        assert!(short.lines().all(|line| line.chars().count() <= 100));
        let long = lossc(&[command, "--help"]).fine();
        assert!(
            long.contains(&format!("Examples:\n  lossc {command}")),
            "{long}"
        );
    }
    assert!(lossc(&["--help"]).fine().contains("Exit status"));
}

#[test]
fn usage_mistakes_are_status_2_on_stderr() {
    for args in [
        &[][..],
        &["bogus"],
        &["validate"],
        &["compile"],
        &["eval"],
        &["explain"],
        &["list", "everything"],
        &["validate", "--format", "xml", "x.loss"],
        &["compile", "x.loss", "--emit", "assembly"],
        &["compile", "x.loss", "--shape", "pred"],
        &["compile", "x.loss", "--shape", "pred=2,x"],
        &["compile", "x.loss", "--shape", "=2"],
        &["eval", "x.loss", "-e", "dice()"],
        &["eval", "x.loss", "--set", "alpha"],
        &["eval", "x.loss", "--set", "alpha=much"],
        &["eval", "x.loss", "--backend", "abacus"],
        &["eval", "x.loss", "--dtype", "f8"],
        &["eval", "x.loss", "--input", "p.npy"],
        &["completions", "dos"],
        &["plot"],
        &["plot", "-e", "ce()", "--from", "low"],
        &["reference"],
        &["list", "losses", "--color", "sometimes"],
    ] {
        let talk = lossc(args).failed(2);
        assert!(talk.contains("Usage") || talk.contains("--help"), "{talk}");
    }
}

#[test]
fn version() {
    let version = lossc(&["--version"]).fine();
    assert_eq!(version, format!("lossc {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_closed_pipe_is_no_failure() {
    let mut child = program()
        .args(["compile", "-", "--emit", "ir"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // The reader is gone before there is anything to read.
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(b"dice() + ce()").expect("it is read");
    drop(stdin);
    let output = child.wait_with_output().expect("the program ends");
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stderr, b"");
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_a_failure() {
    let mut command = program();
    let full = std::fs::File::options().write(true).open("/dev/full");
    command
        .args(["list", "ops"])
        .stdout(full.expect("a device"));
    let output = command.output().expect("the program ends");
    assert_eq!(output.status.code(), Some(2));
    let talk = String::from_utf8(output.stderr).expect("UTF-8");
    assert!(talk.starts_with("error: cannot write: "), "{talk}");
}

#[test]
fn colours_are_asked_for() {
    let wrong = |args: &[&str], no_color: bool| {
        let mut command = program();
        command.args(["validate", "-"]).args(args);
        if no_color {
            command.env("NO_COLOR", "1");
        }
        finish(command, b"dise()").failed(1)
    };
    let plain = wrong(&[], false);
    assert!(!plain.contains('\x1b'), "nobody is at a pipe's end");
    assert_eq!(plain, wrong(&["--color", "never"], false));
    assert_eq!(plain, wrong(&["--color", "auto"], true));
    let colored = wrong(&["--color", "always"], true);
    assert!(colored.contains('\x1b'), "what is asked for counts first");
    let mut bare = String::new();
    let mut rest = colored.as_str();
    while let Some((before, after)) = rest.split_once('\x1b') {
        bare.push_str(before);
        rest = after.split_once('m').map_or("", |(_, rest)| rest);
    }
    bare.push_str(rest);
    assert_eq!(plain, bare, "nothing is said by colour alone");
    let unreadable = lossc(&["--color", "always", "validate", "none.loss"]).failed(2);
    assert!(unreadable.contains("\x1b[1m\x1b[91merror\x1b[0m: cannot read"));
    assert!(
        lossc(&["--color=always", "bogus"])
            .failed(2)
            .contains('\x1b')
    );
    assert!(
        !lossc(&["--color=never", "bogus"])
            .failed(2)
            .contains('\x1b')
    );
}

#[test]
fn completions_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = lossc(&["completions", shell]).fine();
        for word in ["lossc", "validate", "inputs", "grads"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn stdin_is_a_spec_everywhere() {
    let spec = "dice() + ce()";
    assert_eq!(given(&["validate", "-"], spec).fine(), "");
    assert!(
        given(&["compile", "-"], spec)
            .fine()
            .starts_with("<stdin>\n")
    );
    assert!(
        given(&["explain", "-"], spec)
            .fine()
            .contains("mean over N, C")
    );
    let talk = given(&["eval", "-"], "dise()").failed(1);
    assert!(talk.contains("--> <stdin>:1:1"), "{talk}");
}
