//! Modules in memory: names, scopes, files that are read once, limits.

use candle_core::{Device, Tensor};
use lossc::diag::Code;
use lossc::{Compiler, Error, Inputs, LoadError, Loader, Loss};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const REAL: &str = "input pred: real[N]\ninput target: real[N]\n";

fn compile(files: &[(&'static str, &'static str)], spec: &str) -> Result<Loss, Error> {
    let files: HashMap<&'static str, &'static str> = files.iter().copied().collect();
    Compiler::new()
        .name("main.loss")
        .loader(files)
        .compile(spec)
}

fn codes(files: &[(&'static str, &'static str)], spec: &str) -> Vec<Code> {
    match compile(files, spec) {
        Ok(loss) => loss.warnings().codes(),
        Err(Error::Spec(report)) => report.codes(),
        Err(other) => panic!("{other}"),
    }
}

/// The total for pred = 1, 2, 3 and target = 0, and the names of the terms.
fn run(files: &[(&'static str, &'static str)], spec: &str) -> (f64, Vec<String>) {
    let loss = compile(files, &format!("{REAL}{spec}")).expect("a right spec");
    let pred = Tensor::new(&[1f64, 2.0, 3.0], &Device::Cpu).expect("a tensor");
    let target = pred.zeros_like().expect("a tensor");
    let inputs = Inputs::from([("pred", &pred), ("target", &target)]);
    let outcome = loss.run(inputs).expect("runs");
    let total = outcome.total.to_scalar::<f64>().expect("a scalar");
    (total, outcome.terms.into_iter().map(|t| t.name).collect())
}

/// A lint is silenced where it would be told: in the body of a definition, and in the file that holds it.
#[test]
fn allow_stands_in_the_file_of_the_lint() {
    let log = "loss log_of() on pred: probs = -mean(log(pred))\n";
    let body = "loss log_of() on pred: probs = {\n  # allow(may_be_zero)\n  let p = log(pred);\n  -mean(p)\n}\n";
    let item = format!("# allow(may_be_zero)\n{log}");
    let spec = "use \"own.loss\"\ninput pred: probs[N]\nminimize own.log_of()";
    let warned = |file: String| {
        let file: &'static str = file.leak();
        let loss = compile(&[("own.loss", file)], spec).expect("a right spec");
        let codes = loss.warnings().codes();
        codes.iter().map(|code| code.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(warned(log.to_string()).len(), 1);
    assert!(warned(body.to_string()).is_empty());
    assert!(warned(item).is_empty());
    // A comment in another file silences nothing, and is told of.
    let here = format!("# allow(may_be_zero)\n{spec}");
    let loss = compile(&[("own.loss", log)], &here).expect("a right spec");
    assert_eq!(loss.warnings().codes().len(), 2);
}

#[test]
fn names_are_called_through_their_module() {
    let files = [(
        "lib/common.loss",
        "loss twice(by: real = 2) on pred: real, target: real = by*mae()",
    )];
    let terms = |names: &[&str]| names.iter().map(|n| n.to_string()).collect::<Vec<_>>();
    assert_eq!(
        run(
            &files,
            "use \"lib/common.loss\"\nminimize common.twice() + mae()"
        ),
        (6.0, terms(&["common.twice", "mae"]))
    );
    assert_eq!(
        run(
            &files,
            "use \"./lib/common.loss\" as c\nminimize c.twice(3) on (target, pred)"
        ),
        (6.0, terms(&["c.twice"]))
    );
    assert_eq!(run(&[], "use torch\nminimize torch.mse()").0, 14.0 / 3.0);
    assert_eq!(
        run(&[], "use torch as t\nminimize t.mse(reduction=sum)").0,
        14.0
    );
}

#[test]
fn a_module_means_the_same_wherever_it_is_used() {
    let files = [
        (
            "a.loss",
            "fn half(x: real) = x/2\nloss mae() on pred: real, target: real = 10",
        ),
        (
            "b.loss",
            "use \"a.loss\" as other\n\
             loss mixed() on pred: real, target: real = other.half(mae()) + half(1)\n\
             fn half(x: real) = 100*x",
        ),
    ];
    // In b, `mae` is the library's, `half` its own, and that of a is called through its name there.
    let spec = "use \"b.loss\"\nfn half(x: real) = 0*x\n\
                loss mae() on pred: real, target: real = half(7)\nminimize b.mixed() + mae()";
    assert_eq!(run(&files, spec).0, 101.0);
    // The names that a file uses are its own.
    let spec = "use \"b.loss\"\nminimize dice() + other.half(1)";
    assert_eq!(codes(&files, spec), [Code::Unused, Code::UnknownModule]);
    // Neither the spec's values nor its axes are in sight of a module.
    for text in [
        "fn f(x: real = 1) = x*factor",
        "fn f(x: real = 1) = sum[N](x)",
    ] {
        let spec = "use \"c.loss\"\nlet factor = 2\nminimize factor*dice() + c.f()";
        let found = codes(&[("c.loss", text)], spec);
        assert!(
            matches!(found[..], [Code::UnknownName | Code::UnknownAxis]),
            "{found:?}"
        );
    }
}

/// Counts how often each file is asked for.
struct Counting(BTreeMap<&'static str, &'static str>, Arc<AtomicUsize>);

impl Loader for Counting {
    fn load(&self, path: &str) -> Result<Vec<u8>, LoadError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.load(path)
    }

    fn main(&self) -> &str {
        "specs/main.loss"
    }

    fn shown(&self, path: &str) -> String {
        format!("disk/{path}")
    }
}

#[test]
fn a_file_is_read_once() {
    let files = BTreeMap::from([
        (
            "specs/left.loss",
            "use \"../lib/shared.loss\"\nfn f(x: real) = shared.g(x)",
        ),
        (
            "specs/right.loss",
            "use \"../lib/../lib/shared.loss\" as s\nfn f(x: real) = s.g(x)",
        ),
        ("lib/shared.loss", "fn g(x: real) = 2*x"),
        ("specs/unused.loss", "fn g(x: real) = 2*x"),
    ]);
    let count = Arc::new(AtomicUsize::new(0));
    let compiler = Compiler::new().loader(Counting(files, count.clone()));
    let loss = compiler
        .compile("use \"left.loss\"\nuse \"right.loss\"\nminimize left.f(dice()) + right.f(ce())")
        .expect("a right spec");
    assert_eq!(count.load(Ordering::Relaxed), 3);
    let names: Vec<&str> = loss.modules().collect();
    let expected = [
        "disk/lib/shared.loss",
        "disk/specs/left.loss",
        "disk/specs/right.loss",
    ];
    assert_eq!(names, expected);
    // Above the root, and the spec itself.
    for path in ["../../x.loss", "main.loss"] {
        let report = compiler.compile(&format!("use \"{path}\" as m\nminimize m.f(dice())"));
        let codes = report.expect_err("wrong").report().map(|r| r.codes());
        let expected = if path == "main.loss" {
            Code::ModuleCycle
        } else {
            Code::BadPath
        };
        assert_eq!(codes, Some(vec![expected]));
    }
}

#[test]
fn modules_that_come_with_the_compiler_load_when_they_are_used() {
    let none = Loss::compile("dice() + ce()").expect("a right spec");
    assert_eq!(none.modules().count(), 0);
    let one = Loss::compile("use torch\ninput a: real[N]\nminimize torch.mse() on (a, a)");
    let one = one.expect("a right spec");
    assert_eq!(one.modules().collect::<Vec<_>>(), ["compat/torch.loss"]);
}

#[test]
fn a_spec_with_modules_is_lowered_for_every_rank() {
    let files = [(
        "fields.loss",
        "loss rough() on pred: real = sum for A in space: mean(abs(diff[A](pred)))",
    )];
    let spec = "input pred: real[N, ...S]\nuse \"fields.loss\"\nminimize fields.rough()";
    let loss = compile(&files, spec).expect("a right spec");
    for shape in [vec![2, 3], vec![2, 3, 4], vec![2, 3, 4, 5]] {
        let pred = Tensor::ones(shape, candle_core::DType::F64, &Device::Cpu).expect("a tensor");
        let outcome = loss.run([("pred", &pred)]).expect("runs");
        assert_eq!(outcome.total.to_scalar::<f64>().expect("a scalar"), 0.0);
    }
}

/// A folder without end: every file uses the next two.
struct Endless;

impl Loader for Endless {
    fn load(&self, path: &str) -> Result<Vec<u8>, LoadError> {
        let n: u64 = path
            .trim_matches(|c: char| !c.is_ascii_digit())
            .parse()
            .unwrap_or(0);
        let (a, b) = (2 * n + 1, 2 * n + 2);
        let text =
            format!("use \"m{a}.loss\"\nuse \"m{b}.loss\"\nfn f(x: real) = m{a}.f(m{b}.f(x))");
        Ok(text.into_bytes())
    }
}

/// Files of half a megabyte, each of which uses the next.
struct Large;

impl Loader for Large {
    fn load(&self, path: &str) -> Result<Vec<u8>, LoadError> {
        let n: u64 = path
            .trim_matches(|c: char| !c.is_ascii_digit())
            .parse()
            .unwrap_or(0)
            + 1;
        let remark = "#".repeat(1 << 19);
        Ok(format!("use \"m{n}.loss\"\nfn f(x: real) = m{n}.f(x)\n{remark}").into_bytes())
    }
}

#[test]
fn what_never_ends_is_refused() {
    let spec = "use \"m0.loss\"\nminimize m0.f(dice())";
    for compiler in [
        Compiler::new().loader(Endless),
        Compiler::new().loader(Large),
    ] {
        let error = compiler.compile(spec).expect_err("too many files");
        let codes = error.report().expect("diagnostics").codes();
        assert!(codes.contains(&Code::TooManyModules), "{codes:?}");
    }
}

#[test]
fn what_stands_below_a_use_is_not_part_of_it() {
    for spec in [
        "use monai\nmonai.dice()",
        "use monai\n(0.5*monai.dice() + monai.focal())",
        "use monai\n  as m\nm.dice()",
        "use monai as m\n\n2*m.dice()",
    ] {
        assert_eq!(codes(&[], spec), [], "{spec}");
    }
}

#[test]
fn definitions_of_a_module_are_checked_before_they_are_called() {
    let files = [(
        "c.loss",
        "loss f() on pred: probs, target: probs = dise()\nfn g(x: real) = x",
    )];
    let found = codes(&files, "use \"c.loss\"\nminimize c.g(dice())");
    assert_eq!(found, [Code::UnknownName]);
    // And what is right is not wrong because nothing calls it.
    let files = [(
        "c.loss",
        "loss f() on pred: probs, target: probs = dice() + jaccard()\nfn g(x: real) = x",
    )];
    assert_eq!(codes(&files, "use \"c.loss\"\nminimize c.g(dice())"), []);
    assert_eq!(
        codes(
            &[],
            "loss f() on pred: probs, target: probs = dice()\nminimize ce()"
        ),
        []
    );
}

#[test]
fn what_nothing_calls_changes_nothing() {
    // Nobody has said that there are two classes, or that a param is where `dice` wants it.
    let spec = "param a: real = -1\n\
                loss two() on pred: probs, target: probs = mean([1, 2] as real[C])\n\
                loss checked() on pred: probs, target: probs = dice(smooth=a)\n\
                minimize wce([1, 2, 3])";
    let loss = Compiler::new().compile(spec).expect("a right spec");
    assert!(loss.typed().checks.is_empty());
    let called = spec.replace("wce([1, 2, 3])", "two() + checked()");
    assert_eq!(codes(&[], &called), []);
    assert_eq!(
        codes(&[], &format!("{called} + wce([1, 2, 3])")),
        [Code::SizeMismatch]
    );
}
