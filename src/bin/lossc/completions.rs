//! `lossc completions`: a script for a shell, from the definition of the arguments.

use crate::answer::Answer;
use crate::args::{Args, Completions};
use clap::CommandFactory;

pub fn run(args: &Completions) -> Answer {
    let mut out = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "lossc", &mut out);
    Answer::fine(out)
}
