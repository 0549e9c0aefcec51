//! Labels that are no class are errors where they are valid, with value and position.

use super::{compile, run};
use candle_core::{DType, Device, Tensor};
use lossc::{Backend, Error, Inputs};

/// What a spec says to labels that are no class.
fn refused(spec: &str, backend: Backend, inputs: Inputs) -> Option<String> {
    match run(&compile(spec, backend), inputs) {
        Ok((value, _)) => {
            assert!(value.is_finite(), "{spec}: {value}");
            None
        }
        Err(Error::Inputs(report)) => Some(report.diagnostics[0].message.clone()),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn labels_are_checked_where_they_are_valid() {
    const RULE: &str = "ignore target == 255\nminimize ce() + dice()\n";
    const MOVED: &str =
        "input pred: logits[N, C, H, W] over C\ninput target: labels[W, N, H] of C\n";
    const MASKED: &str = "input pred: logits[N, C, H, W] over C\ninput target: labels[N, H, W] of C\n\
        input seen: mask[H, W]\nignore seen == 0\nminimize ce()\n";
    let (n, c, h, w) = (2, 3, 5, 7);
    let pred = Tensor::arange(0f32, (n * c * h * w) as f32, &Device::Cpu);
    let pred = pred
        .and_then(|x| x.sin()?.reshape((n, c, h, w)))
        .expect("a tensor");
    let labels = |wrong: &[(usize, i64)]| {
        let mut labels: Vec<i64> = (0..n * h * w).map(|i| (i * i % c) as i64).collect();
        wrong.iter().for_each(|&(at, label)| labels[at] = label);
        Tensor::from_vec(labels, (n, h, w), &Device::Cpu).expect("a tensor")
    };
    let at = |n: usize, y: usize, x: usize| (n * h + y) * w + x;
    let seen: Vec<u8> = (0..h * w).map(|i| u8::from(i % 3 != 0)).collect();
    let seen = Tensor::from_vec(seen, (h, w), &Device::Cpu).expect("a tensor");
    for backend in Backend::ALL.iter().copied() {
        let given = |target: &Tensor| Inputs::from([("pred", &pred), ("target", target)]);
        let told = |spec: &str, inputs: Inputs| refused(spec, backend, inputs);
        let fine = labels(&[(0, 255), (at(1, 2, 3), 255), (at(1, 4, 6), 255)]);
        let small = fine.to_dtype(DType::U8).expect("a cast");
        assert_eq!(told(RULE, given(&fine)), None);
        assert_eq!(told(RULE, given(&small)), None);
        for wrong in [7, 3, -1, 256, i64::MIN, i64::MAX, 1 << 32, (1 << 32) + 255] {
            let target = labels(&[(0, 255), (at(1, 2, 3), wrong), (at(1, 4, 6), wrong)]);
            let message =
                format!("`target` has the label {wrong} at N=1, S=[2, 3], and there are 3 classes");
            assert_eq!(told(RULE, given(&target)).as_deref(), Some(&message[..]));
            let turned = target
                .permute((2, 0, 1))
                .and_then(|t| t.contiguous())
                .expect("a view");
            let message = told(&format!("{MOVED}{RULE}"), given(&turned)).expect("a message");
            let place = format!("the label {wrong} at W=3, N=1, H=2,");
            assert!(message.contains(&place), "{message}");
        }
        let without = told("minimize ce()", given(&fine)).expect("a message");
        assert!(
            without.contains("the label 255 at N=0, S=[0, 0],"),
            "{without}"
        );
        // Row 2, column 1 is the entry 15 of the mask, which is 0; column 2 is seen.
        for wrong in [255, -100, i64::MIN] {
            let target = labels(&[(at(0, 2, 1), wrong), (at(1, 2, 1), wrong)]);
            assert_eq!(told(MASKED, given(&target).tensor("seen", &seen)), None);
            let target = labels(&[(at(0, 2, 1), wrong), (at(1, 2, 2), wrong)]);
            let message = told(MASKED, given(&target).tensor("seen", &seen)).expect("a message");
            let place = format!("the label {wrong} at N=1, H=2, W=2,");
            assert!(message.contains(&place), "{message}");
        }
    }
}
