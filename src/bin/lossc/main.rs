//! `lossc`, the command line of the loss compiler.
//!
//! A command returns an [`Answer`] or a [`Failure`]; only this file writes to the terminal and
//! chooses the exit status. stdout is data and stderr is talk; a command that fails has written
//! nothing.

mod answer;
mod args;
mod arrays;
mod bench;
mod catalogue;
mod compile;
mod completions;
mod eval;
mod explain;
mod files;
mod fmt;
mod folder;
mod gradcheck;
mod list;
mod numbers;
mod plot;
mod reference;
mod summary;
mod synthetic;
mod table;
mod test;
mod validate;

use answer::{Answer, Failure, Message, Status, Talk};
use args::{Args, Command, When};
use clap::Parser;
use lossc::diag::Style;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::OnceLock;

/// Where a panic began, which its payload does not tell.
static PANICKED_AT: OnceLock<String> = OnceLock::new();

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    let style = if coloured(args.color) {
        Style::Colored
    } else {
        Style::Plain
    };
    let mut talk = Talk::new(style);
    // A panic is a mistake of ours: it is told as one, with the status of one.
    std::panic::set_hook(Box::new(|panic| {
        let _ = PANICKED_AT.set(panic.location().map_or(String::new(), ToString::to_string));
    }));
    let run = std::panic::AssertUnwindSafe(|| dispatch(args.command, &mut talk));
    let result = std::panic::catch_unwind(run).unwrap_or_else(|panic| Err(ours(&*panic)));
    let (out, status) = match result {
        Ok(Answer { out, status }) => (out, status),
        Err(failure) => (Vec::new(), talk.failure(&failure)),
    };
    // Nobody is left to be told where stderr is closed.
    let _ = io::stderr().lock().write_all(talk.text().as_bytes());
    match write_out(&out) {
        Ok(()) => status.into(),
        Err(error) => {
            let failure = Failure::Broken(Message::new(format!("cannot write: {error}")));
            let mut talk = Talk::new(style);
            let status = talk.failure(&failure);
            let _ = io::stderr().lock().write_all(talk.text().as_bytes());
            status.into()
        }
    }
}

fn dispatch(command: Command, talk: &mut Talk) -> Result<Answer, Failure> {
    match command {
        Command::Validate(args) => validate::run(&args, talk),
        Command::Compile(args) => compile::run(&args, talk),
        Command::Eval(args) => eval::run(&args, talk),
        Command::Bench(args) => bench::run(&args, talk),
        Command::Fmt(args) => fmt::run(&args, talk),
        Command::Test(args) => test::run(&args, talk),
        Command::Gradcheck(args) => gradcheck::run(&args, talk),
        Command::Explain(args) => explain::run(&args, talk),
        Command::List(args) => list::run(&args),
        Command::Plot(args) => plot::run(&args, talk),
        Command::Reference(args) => reference::run(&args),
        Command::Completions(args) => Ok(completions::run(&args)),
    }
}

/// Writes the data. A reader that has seen enough, as `head` has, is no error.
fn write_out(out: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(out).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Help and version, which go to stdout, and mistakes in the usage, which do not.
fn usage(error: &clap::Error) -> ExitCode {
    // The arguments did not parse, so `--color` is looked for by hand.
    let words: Vec<String> = std::env::args().skip(1).collect();
    let asked = |value: &str| {
        let flag = format!("--color={value}");
        words.contains(&flag) || words.windows(2).any(|w| w == ["--color", value])
    };
    let plain = asked("never") || std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
    let text = error.render();
    let written = if asked("always")
        || !plain && !error.use_stderr() && io::stdout().is_terminal()
        || !plain && error.use_stderr() && io::stderr().is_terminal()
    {
        text.ansi().to_string()
    } else {
        text.to_string()
    };
    let result = if error.use_stderr() {
        io::stderr().lock().write_all(written.as_bytes())
    } else {
        write_out(written.as_bytes())
    };
    match (result, error.use_stderr()) {
        (Ok(()), false) => Status::Fine.into(),
        _ => Status::Broken.into(),
    }
}

/// Whether messages are coloured. What is asked for on the command line counts before `NO_COLOR`.
fn coloured(when: When) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    match when {
        When::Always => true,
        When::Never => false,
        When::Auto => io::stderr().is_terminal() && !set("NO_COLOR") && !dumb,
    }
}

fn ours(panic: &(dyn std::any::Any + Send)) -> Failure {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    let place = PANICKED_AT.get().map_or("", String::as_str);
    Failure::Broken(
        Message::new(format!("a mistake in lossc itself: {text} ({place})"))
            .help("please report it with the spec and the command line that led to it"),
    )
}
