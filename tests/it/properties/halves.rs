//! Inputs of 16 bits: the value and the gradient are those of the same numbers in 32 bits, whatever the
//! size, since sums are kept in more.

use super::{agree, all_hold, bind, compile, flat, run};
use crate::catalogue::{Random, calls};
use candle_core::{DType, Device, Tensor};
use lossc::{Backend, Inputs};

/// The number that remains of one in 16 bits.
fn rounded(x: f64, dtype: DType) -> f64 {
    match dtype {
        DType::F16 => half::f16::from_f64(x).to_f64(),
        _ => half::bf16::from_f64(x).to_f64(),
    }
}

fn every_loss(dtype: DType, digit: f64) {
    let (calls, _) = calls();
    all_hold(&calls, 150, |call| {
        let mut bound = bind(call, &mut Random(6));
        for (_, data) in &mut bound {
            data.iter_mut().for_each(|x| *x = rounded(*x, dtype));
        }
        let loss = compile(&call.spec(""), Backend::Fused);
        let (value, gradients) = run(&loss, &bound, dtype);
        let (want, slopes) = run(&loss, &bound, DType::F32);
        let compare = || {
            // The results are rounded to 16 bits too.
            agree(&[value], &[want], digit).map_err(|why| format!("values {why}"))?;
            for ((name, g), (_, slope)) in gradients.iter().zip(&slopes) {
                // What is too large for 16 bits is infinite there.
                let bounded = |x: &[f64]| -> Vec<f64> {
                    x.iter().map(|x| x.clamp(-65504.0, 65504.0)).collect()
                };
                agree(&bounded(g), &bounded(slope), digit)
                    .map_err(|why| format!("gradients by {name} {why}"))?;
            }
            Ok(())
        };
        Some(compare())
    });
}

#[test]
fn every_loss_of_f16_is_that_of_f32() {
    every_loss(DType::F16, 1e-3);
}

#[test]
fn every_loss_of_bf16_is_that_of_f32() {
    every_loss(DType::BF16, 8e-3);
}

#[test]
fn large_images_lose_nothing_to_16_bits() {
    large(&[2, 3, 512, 512]);
}

#[test]
fn large_volumes_lose_nothing_to_16_bits() {
    large(&[1, 2, 160, 160, 160]);
}

/// Logits of this shape. The total is scaled up, as one does in training, since the slope of a single
/// pixel is too small for f16 otherwise.
fn large(shape: &[usize]) {
    let random = &mut Random(8);
    let count = shape.iter().product();
    let pred: Vec<f32> = (0..count)
        .map(|_| random.between(-3.0, 3.0) as f32)
        .collect();
    let classes = shape[1] as f64;
    let labels = (0..count / shape[1]).map(|_| (classes * random.next()) as u8);
    let mut places = shape.to_vec();
    places.remove(1);
    let target = Tensor::from_vec(labels.collect::<Vec<u8>>(), places, &Device::Cpu);
    let pred = Tensor::from_vec(pred, shape, &Device::Cpu).expect("a tensor");
    let target = target.expect("a tensor");
    let text = "minimize 64*(dice() + 2*ce() + focal() + tversky(alpha=0.3, beta=0.7) + mean(softmax[class](pred)^2))\n";
    let loss = compile(text, Backend::Fused);
    for (dtype, digit) in [(DType::F16, 1e-3), (DType::BF16, 8e-3)] {
        let narrow = pred.to_dtype(dtype).expect("a cast");
        let wide = narrow.to_dtype(DType::F32).expect("a cast");
        let value = |pred: &Tensor| {
            let given = Inputs::new().tensor("pred", pred).tensor("target", &target);
            let (outcome, gradients) = loss.gradients(given).expect("a value");
            (flat(&outcome.total), flat(&gradients[0].1))
        };
        let ((value, slopes), (want, wanted)) = (value(&narrow), value(&wide));
        agree(&value, &want, digit).expect("values");
        // Slopes of single pixels are far below 1e-3; in f16 they are subnormal.
        let scale = super::largest(&wanted);
        let far = slopes
            .iter()
            .zip(&wanted)
            .map(|(a, b)| (a - b).abs() / scale);
        let far = far.fold(0.0, f64::max);
        assert!(
            far < 20.0 * digit,
            "{dtype:?}: gradients differ by {far} of the largest"
        );
    }
}
