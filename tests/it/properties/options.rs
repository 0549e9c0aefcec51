//! Options that many losses share mean the same in each, and one that a loss does not have is refused.

use super::{agree, all_hold, bind, compile, run};
use crate::catalogue::{Random, calls};
use candle_core::DType;
use lossc::ast::ItemKind;
use lossc::diag::Code;
use lossc::{Backend, Compiler, Error};

/// The options that many losses share, each with a value.
const SHARED: &[(&str, &str)] = &[
    ("weight", "[1, 2, 3]"),
    ("pixel_weight", "2"),
    ("over", "space"),
    ("background", "false"),
    ("empty", "skip"),
    ("smoothing", "0.1"),
    ("smooth", "1"),
    ("reduce", "sum"),
    ("nonsense", "1"),
];

/// The options of a loss, in any of its forms.
fn options(name: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (_, _, ast) in lossc::library::modules() {
        for item in &ast.items {
            if let ItemKind::Loss(definition) = &item.kind
                && definition.name.text == name
            {
                let own = definition.options.iter();
                found.extend(own.map(|option| option.name.text.clone()));
            }
        }
    }
    found
}

#[test]
fn an_option_that_a_loss_does_not_have_is_refused() {
    let (calls, _) = calls();
    let mut refused = 0;
    let mut last = "";
    for call in &calls {
        // The first call of each form.
        if call.name == last {
            continue;
        }
        last = &call.name;
        let known = options(&call.name);
        for (option, value) in SHARED {
            if known.iter().any(|name| name == option) {
                continue;
            }
            let inside = call.text.strip_suffix(')').expect("a call");
            let comma = if inside.ends_with('(') { "" } else { ", " };
            let text = format!("{inside}{comma}{option}={value})");
            let spec = call.spec("").replace(&call.text, &text);
            match Compiler::new().compile(&spec) {
                Err(Error::Spec(report)) => {
                    let code = report.diagnostics[0].code;
                    assert_eq!(code, Code::UnknownOption, "{text}\n{report}");
                    refused += 1;
                }
                Err(other) => panic!("{text}: {other}"),
                Ok(_) => panic!("{text} is accepted"),
            }
        }
    }
    assert!(refused > 300, "only {refused}");
}

/// Weights are divided by their sum: the same everywhere, they change nothing.
#[test]
fn weights_that_are_equal_are_none() {
    let (calls, _) = calls();
    for (option, value) in [("weight", "0.3"), ("pixel_weight", "0.3")] {
        // A weight that is added to 1, and one that is added to two terms.
        let others = ["boundary_ce"];
        all_hold(&calls, 20, |call| {
            let known = options(&call.name);
            let plain = call.text.ends_with("()") && known.iter().any(|name| name == option);
            if !plain || others.contains(&call.name.as_str()) {
                return None;
            }
            let spec = call.spec("");
            let text = format!("{}({option}={value})", call.name);
            let weighted = Compiler::new().backend(Backend::Fused);
            // Another form of the loss may have the option.
            let weighted = weighted.compile(&spec.replace(&call.text, &text)).ok()?;
            let bound = bind(call, &mut Random(9));
            let (value, gradients) = run(&weighted, &bound, DType::F64);
            let (want, slopes) = run(&compile(&spec, Backend::Fused), &bound, DType::F64);
            let compare = || {
                agree(&[value], &[want], 1e-11).map_err(|why| format!("values {why}"))?;
                for ((_, g), (_, slope)) in gradients.iter().zip(&slopes) {
                    agree(g, slope, 1e-11).map_err(|why| format!("gradients {why}"))?;
                }
                Ok(())
            };
            Some(compare())
        });
    }
}
