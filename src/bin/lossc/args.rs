//! What can be typed: clap types and help texts, no behaviour.

use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand, ValueEnum};
use lossc::Backend;
use std::path::PathBuf;

/// Compile loss functions written as text, and run them.
#[derive(Parser, Debug)]
#[command(
    name = "lossc",
    version,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_long_help = "\
Examples:
  lossc validate losses/*.loss
  lossc eval -e '0.5*dice(smooth=1e-6) + 0.5*wce([0.2, 0.8])' --inputs batch.npz
  lossc compile lesion.loss
  lossc explain dice

Data goes to stdout, everything else to stderr. `-` in place of a file is stdin.
Exit status: 0 fine; 1 the spec, or what was given to it, is wrong; 2 usage, files, anything else.
`NO_COLOR` and `--color` are obeyed, and nothing depends on colour."
)]
pub struct Args {
    /// Colours in messages
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        value_enum,
        default_value_t = When::Auto,
        display_order = 900
    )]
    pub color: When,
    #[command(subcommand)]
    pub command: Command,
}

/// When messages are coloured.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum When {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// How an answer is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Format {
    /// For people
    Human,
    /// For programs; docs/json.md says what it holds
    Json,
}

#[derive(Subcommand, Debug)]
pub enum Command {
    /// Check specs; silent when all is well
    Validate(Validate),
    /// Compile a spec: a summary, or the result of a stage
    Compile(Compile),
    /// Run a spec on arrays: value, terms, reports, gradients
    Eval(Eval),
    /// Measure a spec on every back end, against a plain copy of the same bytes
    Bench(Bench),
    /// Set specs in canonical style
    Fmt(Fmt),
    /// Run the tests that stand in specs
    Test(Test),
    /// Hold gradients to finite differences
    Gradcheck(Gradcheck),
    /// Explain a loss, a function, an error code or a spec
    Explain(Explain),
    /// List losses, functions, operations, passes or error codes
    List(List),
    /// Draw a loss and its gradient over one number, or the weights of terms over a schedule
    Plot(Plot),
    /// Write the reference of the library: a page for each family of losses
    Reference(Reference),
    /// Print a completion script for a shell
    Completions(Completions),
}

/// Where the files lie that specs use.
#[derive(clap::Args, Debug)]
pub struct Root {
    /// Files named with `use` lie below this folder; without it below that of the spec
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
}

/// A spec in a file, or typed.
#[derive(clap::Args, Debug)]
pub struct Source {
    /// The spec; `-` is stdin
    #[arg(
        value_name = "FILE",
        required_unless_present = "expression",
        conflicts_with = "expression"
    )]
    pub file: Option<PathBuf>,
    /// The spec as text, in place of a file
    #[arg(
        short = 'e',
        long = "expression",
        value_name = "EXPR",
        allow_hyphen_values = true
    )]
    pub expression: Option<String>,
    #[command(flatten)]
    pub root: Root,
}

/// Check specs; silent when all is well
///
/// Every file is read and checked, and all errors of all files are shown with code, place, reason
/// and a way out.
#[derive(clap::Args, Debug)]
#[command(
    visible_alias = "check",
    after_long_help = "\
Examples:
  lossc validate lesion.loss
  lossc validate losses/*.loss --format json
  echo 'dice() + ce()' | lossc validate -

Exit status: 0 all are fine, with or without warnings; 1 one has errors; 2 one cannot be read."
)]
pub struct Validate {
    /// Specs; `-` is stdin
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub root: Root,
    /// Make errors of the warnings of a lint, or of all of them: `--deny warnings`
    #[arg(long, value_name = "LINT|warnings")]
    pub deny: Vec<String>,
    /// How diagnostics are written: to stderr for people, to stdout for programs
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// Compile a spec: a summary, or the result of a stage
///
/// Without `--emit`: its inputs with axes and kinds, its params with ranges, its terms with weights
/// and denominators, the conversions that were inserted, and how many operations it takes.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "\
Examples:
  lossc compile lesion.loss
  lossc compile lesion.loss --shape pred=5,2,64,64 --shape target=5,64,64
  lossc compile lesion.loss --emit dot | dot -Tsvg > lesion.svg
  lossc compile lesion.loss --emit json -o lesion.json")]
pub struct Compile {
    /// The spec; `-` is stdin
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub root: Root,
    /// Which stage to print
    #[arg(long, value_enum, value_name = "KIND")]
    pub emit: Option<Emit>,
    /// Write to a file in place of stdout
    #[arg(short, long, value_name = "OUT")]
    pub output: Option<PathBuf>,
    /// The shape of an input, `pred=5,2,64,64`; held against the spec
    #[arg(long = "shape", value_name = "NAME=SIZES", value_parser = shape)]
    pub shapes: Vec<(String, Vec<usize>)>,
}

/// What `compile` can print.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Emit {
    /// The syntax tree, as canonical text
    Ast,
    /// The checked spec, with types and inserted conversions
    Typed,
    /// The graph of value and gradient, after all passes
    Ir,
    /// The passes over memory of the fused back end, for the sizes that `--shape` gives
    Plan,
    /// The graph for Graphviz
    Dot,
    /// All of the summary, and the graph, as JSON
    Json,
}

/// Run a spec on arrays: value, terms, reports, gradients
///
/// Arrays come from a batch file, single files, or both; numbers from `--set`. Arrays of a batch
/// file that the spec does not use are passed over.
#[derive(clap::Args, Debug)]
#[command(override_usage = "lossc eval [OPTIONS] <FILE>\n       lossc eval [OPTIONS] -e <EXPR>")]
#[command(after_long_help = "\
Examples:
  lossc eval lesion.loss --inputs batch.npz
  lossc eval -e 'dice() + ce()' --inputs batch.safetensors --format json
  lossc eval lesion.loss --input pred=p.npy --input target=t.npy --set alpha=0.3
  lossc eval lesion.loss --inputs batch.npz --grads grads.npz --backend reference")]
pub struct Eval {
    #[command(flatten)]
    pub source: Source,
    /// A batch of named arrays, .npz or .safetensors
    #[arg(long, value_name = "FILE")]
    pub inputs: Option<PathBuf>,
    /// One array, `pred=p.npy`; counts before the batch file
    #[arg(long = "input", value_name = "NAME=FILE", value_parser = named_path)]
    pub arrays: Vec<(String, PathBuf)>,
    /// A param or a scalar input, `alpha=0.3`
    #[arg(long = "set", value_name = "NAME=NUMBER", value_parser = named_number, allow_hyphen_values = true)]
    pub numbers: Vec<(String, f64)>,
    /// Write the gradients of the total to this .npz, in f32, named as the inputs
    #[arg(long, value_name = "OUT")]
    pub grads: Option<PathBuf>,
    /// What computes; without it the library chooses, fused for these arrays
    #[arg(long, value_name = "NAME", value_parser = backends())]
    pub backend: Option<String>,
    /// Convert floating inputs to this type first
    #[arg(long, value_name = "TYPE", value_enum)]
    pub dtype: Option<Float>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// The types to which floating inputs can be converted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Float {
    /// 32 bits
    F32,
    /// 16 bits, 8 of them exponent
    Bf16,
    /// 16 bits, 5 of them exponent
    F16,
    /// 64 bits
    F64,
}

/// Set specs in canonical style
///
/// Comments stay where they are, and so do empty lines, one at a time. Without a flag the result goes to
/// stdout. It is read again before it goes anywhere: it means the same and has the same comments.
/// docs/language.md describes the style.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "\
Examples:
  lossc fmt lesion.loss
  lossc fmt -w losses/*.loss
  lossc fmt --check losses/*.loss
  echo 'dice( )+ce()' | lossc fmt

Exit status: 0 fine; 1 a spec is wrong, or with `--check` not in style; 2 one cannot be read.
With `-w`, no file is written if one of them is wrong.")]
pub struct Fmt {
    /// Specs; none or `-` is stdin
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Print the names of the files that are not in style, and exit with 1 if there are any
    #[arg(long)]
    pub check: bool,
    /// Print what would change
    #[arg(long)]
    pub diff: bool,
    /// Write the result to the files
    #[arg(short, long, conflicts_with_all = ["check", "diff"])]
    pub write: bool,
}

/// Run the tests that stand in specs
///
/// A test is an item `test "name" { pred = [[2, -1]] target = [0] expect minimize ≈ 0.0486 within 1e-4 }`.
/// Every test runs on every back end, in f64. A line for each test goes to stdout, what is wrong to stderr.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "\
Examples:
  lossc test lesion.loss
  lossc test losses/*.loss --backend reference
  lossc test losses/*.loss --format json

Exit status: 0 all hold; 1 one does not, or a spec is wrong; 2 one cannot be read.")]
pub struct Test {
    /// Specs; `-` is stdin
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    #[command(flatten)]
    pub root: Root,
    /// Run on this back end alone
    #[arg(long, value_name = "NAME", value_parser = backends())]
    pub backend: Option<String>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// Hold gradients to finite differences
///
/// The total and each term are differentiated by each input, in f64 on the reference back end: at ordinary
/// scores, at ±1e4, at 0, at ties, with one class, with nothing in the masks and with all ignored; or at the arrays that are
/// given. A kink, where the two sides have slopes of their own, is counted and is no failure.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "\
Examples:
  lossc gradcheck lesion.loss
  lossc gradcheck lesion.loss --shape pred=1,2,7,5
  lossc gradcheck lesion.loss --inputs batch.npz --format json

Exit status: 0 they agree; 1 they do not, or the spec is wrong; 2 usage, files, anything else.")]
pub struct Gradcheck {
    /// The spec; `-` is stdin
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The shape of an input that is made up, `pred=1,2,7,5`
    #[arg(long = "shape", value_name = "NAME=SIZES", value_parser = shape,
          conflicts_with_all = ["inputs", "arrays"])]
    pub shapes: Vec<(String, Vec<usize>)>,
    #[command(flatten)]
    pub root: Root,
    /// A batch of named arrays, .npz or .safetensors, in place of made-up ones
    #[arg(long, value_name = "FILE")]
    pub inputs: Option<PathBuf>,
    /// One array, `pred=p.npy`; counts before the batch file
    #[arg(long = "input", value_name = "NAME=FILE", value_parser = named_path)]
    pub arrays: Vec<(String, PathBuf)>,
    /// A param or a scalar input, `alpha=0.3`
    #[arg(long = "set", value_name = "NAME=NUMBER", value_parser = named_number, allow_hyphen_values = true)]
    pub numbers: Vec<(String, f64)>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// Explain a loss, a function, an error code or a spec
///
/// A loss of the library: its formula, options, operands and definition. An error code: its page.
/// A spec: what each term is, what it is divided by, and which conversions serve it.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "\
Examples:
  lossc explain dice
  lossc explain monai.dice_ce
  lossc explain logsumexp
  lossc explain E0204
  lossc explain lesion.loss")]
pub struct Explain {
    /// A loss, a function, an error code, a module, or a spec
    #[arg(value_name = "WHAT")]
    pub what: String,
    #[command(flatten)]
    pub root: Root,
}

/// List losses, functions, operations, passes or error codes
#[derive(clap::Args, Debug)]
#[command(after_long_help = "\
Examples:
  lossc list losses
  lossc list losses --family overlap
  lossc list losses --family segmentation
  lossc list errors --format json")]
pub struct List {
    /// What to list
    #[arg(value_enum, value_name = "WHAT")]
    pub what: Catalogue,
    /// Only a family, which is a file of the library, or a field such as `segmentation`
    #[arg(long, value_name = "NAME")]
    pub family: Option<String>,
    /// How the list is written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// Draw a loss and its gradient over one number, or the weights of terms over a schedule
///
/// The loss is computed at a single position, one number of which moves: the logit or the probability of class 1,
/// a real number, a scalar, a param. Targets are of class 1, 1 or 0 (real numbers) unless `--set` says. Over a scalar that the weights of
/// terms depend on, the weights are drawn.
#[derive(clap::Args, Debug)]
#[command(override_usage = "lossc plot [OPTIONS] <FILE>\n       lossc plot [OPTIONS] -e <EXPR>")]
#[command(after_long_help = "\
Examples:
  lossc plot -e 'focal(gamma=2)' -o focal.svg
  lossc plot lesion.loss --set target=0 -o lesion.png
  lossc plot lesion.loss --over epoch --from 0 --to 50 -o schedule.svg")]
pub struct Plot {
    #[command(flatten)]
    pub source: Source,
    /// What moves: an input or a param; without it the prediction
    #[arg(long, value_name = "NAME")]
    pub over: Option<String>,
    /// Where it begins
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    pub from: Option<f64>,
    /// Where it ends
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    pub to: Option<f64>,
    /// The value of another input or param, or its class, `target=0`
    #[arg(long = "set", value_name = "NAME=NUMBER", value_parser = named_number, allow_hyphen_values = true)]
    pub numbers: Vec<(String, f64)>,
    /// Write to this .svg or .png; without it SVG goes to stdout
    #[arg(short, long, value_name = "OUT")]
    pub output: Option<PathBuf>,
}

/// Write the reference of the library: a page for each family of losses
///
/// Markdown, made of the doc comments and heads of the files of the library: formula, source, options with ranges
/// and defaults, operands, and what other libraries do differently. Other files in the folder stay.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "\
Examples:
  lossc reference docs/reference")]
pub struct Reference {
    /// The folder to write to; it is made if it does not exist
    #[arg(value_name = "DIR")]
    pub folder: PathBuf,
}

/// Measure a spec on every back end, against a plain copy of the same bytes
///
/// Inputs are made for the purpose, in f32 with i64 labels. Each time is that of a whole call, binding
/// included; compiling is measured apart. Bytes, passes and extra memory are those of value and gradient:
/// of the plan for `fused`, of one operation after another for the others.
#[derive(clap::Args, Debug)]
#[command(after_long_help = "\
Examples:
  lossc bench lesion.loss --shape pred=8,4,256,256 --shape target=8,256,256
  lossc bench lesion.loss --shape pred=8,4,256,256 --backend fused --format json")]
pub struct Bench {
    /// The spec; `-` is stdin
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The shape of an input, `pred=5,2,64,64`
    #[arg(long = "shape", value_name = "NAME=SIZES", value_parser = shape)]
    pub shapes: Vec<(String, Vec<usize>)>,
    #[command(flatten)]
    pub root: Root,
    /// Measure this back end alone
    #[arg(long, value_name = "NAME", value_parser = backends())]
    pub backend: Option<String>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub format: Format,
}

/// What can be listed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Catalogue {
    /// Losses and reports of the library
    Losses,
    /// Functions of the language and of the library
    Functions,
    /// Operations of the graphs that specs compile to
    Ops,
    /// Passes over those graphs
    Passes,
    /// Error codes and warnings
    Errors,
    /// Lints: the warnings that `# allow(name)` silences
    Lints,
}

/// Print a completion script for a shell
#[derive(clap::Args, Debug)]
#[command(after_long_help = "\
Examples:
  lossc completions bash > /etc/bash_completion.d/lossc
  lossc completions zsh > \"${fpath[1]}/_lossc\"
  lossc completions fish > ~/.config/fish/completions/lossc.fish")]
pub struct Completions {
    /// Which shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

fn backends() -> PossibleValuesParser {
    PossibleValuesParser::new(Backend::ALL.iter().map(|backend| backend.name()))
}

/// `name=value` with a name in front.
fn named<'a>(text: &'a str, example: &str) -> Result<(&'a str, &'a str), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim(), value.trim())),
        _ => Err(format!("a name, `=` and a value are needed: `{example}`")),
    }
}

fn shape(text: &str) -> Result<(String, Vec<usize>), String> {
    let (name, sizes) = named(text, "pred=5,2,64,64")?;
    let size = |text: &str| {
        let size = text.trim().parse();
        size.map_err(|_| format!("`{}` is not a size: `pred=5,2,64,64`", text.trim()))
    };
    let sizes = match sizes {
        // A single number has no axes.
        "" => Vec::new(),
        sizes => sizes.split(',').map(size).collect::<Result<_, _>>()?,
    };
    Ok((name.to_string(), sizes))
}

fn named_path(text: &str) -> Result<(String, PathBuf), String> {
    let (name, path) = named(text, "pred=p.npy")?;
    Ok((name.to_string(), PathBuf::from(path)))
}

fn named_number(text: &str) -> Result<(String, f64), String> {
    let (name, number) = named(text, "alpha=0.3")?;
    let value = number.parse();
    let value = value.map_err(|_| format!("`{number}` is not a number"))?;
    Ok((name.to_string(), value))
}
