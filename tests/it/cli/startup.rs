//! Start-up: a spec that calls every loss of the standard library, so that every file of it is read, and how long
//! `lossc validate` takes for it (docs/performance.md has the number of a release build).

use super::{golden, lossc};
use crate::catalogue::{Operand, calls};

const EVERYTHING: &str = "tests/cli/everything.loss";

/// Every definition called once, over inputs that all of them share.
fn everything() -> String {
    let (calls, missed) = calls();
    assert!(missed.is_empty(), "not called: {missed:?}");
    let mut inputs: Vec<(String, Operand)> = Vec::new();
    let mut known: Vec<(&str, &[Operand])> = Vec::new();
    let mut reports = String::new();
    for call in &calls {
        // Weights are inputs that no operand takes.
        let weighted = |operand: &Operand| call.text.contains(&format!("={}", operand.name));
        if call.inputs.iter().any(weighted) {
            continue;
        }
        if known.iter().any(|&one| one == (&*call.name, &*call.inputs)) {
            continue;
        }
        known.push((&call.name, &call.inputs));
        let mut given = Vec::new();
        for operand in &call.inputs {
            let same = inputs
                .iter()
                .filter(|(_, known)| known.name == operand.name);
            let name = match same.clone().find(|(_, known)| known == operand) {
                Some((name, _)) => name.clone(),
                None => {
                    let name = format!("{}_{}", operand.name, same.count() + 1);
                    inputs.push((name.clone(), operand.clone()));
                    name
                }
            };
            given.push(format!("{}={name}", operand.name));
        }
        let (number, text, given) = (known.len(), &call.text, given.join(", "));
        reports += &format!("report r{number} = {text} on ({given})\n");
    }
    let declared = inputs.into_iter().map(|(name, operand)| {
        let operand = Operand { name, ..operand };
        operand.declared()
    });
    let declared: String = declared.collect();
    let all = "# Written by `BLESS=1 cargo test startup`: every loss of the standard library.\n";
    format!("{all}{declared}minimize mean(pred_1)\n{reports}")
}

#[test]
fn every_loss_is_called() {
    golden("everything.loss", &everything());
    let ran = lossc(&["validate", EVERYTHING]);
    assert_eq!((ran.status, &*ran.out, &*ran.err), (0, "", ""));
}
