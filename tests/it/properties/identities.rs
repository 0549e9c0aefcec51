//! Losses that are others at some value of an option: the value and the gradient by the
//! prediction agree on every back end.

use super::{compile, flat};
use crate::catalogue::Random;
use candle_core::{Device, Tensor};
use lossc::{Backend, Inputs};

const MULTICLASS: (&str, &[(&str, &[usize])]) = (
    "input pred: logits[N, C, ...S] over C\ninput target: labels[N, ...S] of C\n",
    &[("pred", &[2, 3, 7, 5]), ("target", &[2, 7, 5])],
);
const BINARY: (&str, &[(&str, &[usize])]) = (
    "input pred: logits[N, ...S]\ninput target: mask[N, ...S]\n",
    &[("pred", &[3, 5, 4]), ("target", &[3, 5, 4])],
);
const REGRESSION: (&str, &[(&str, &[usize])]) = (
    "task regression\n",
    &[("pred", &[3, 5, 7]), ("target", &[3, 5, 7])],
);
const VECTORS: (&str, &[(&str, &[usize])]) = (
    "input pred: real[N, D]\ninput target: real[N, D]\n",
    &[("pred", &[5, 4]), ("target", &[5, 4])],
);

type Inputted = (&'static str, &'static [(&'static str, &'static [usize])]);

const IDENTITIES: &[(Inputted, &[(&str, &str)])] = &[
    (
        MULTICLASS,
        &[
            ("focal(gamma=0)", "ce()"),
            ("tversky(alpha=0.5, beta=0.5, smooth=1)", "dice(smooth=2)"),
            ("tversky(alpha=1, beta=1)", "jaccard()"),
            (
                "focal_tversky(alpha=0.3, beta=0.6, gamma=1)",
                "tversky(alpha=0.3, beta=0.6)",
            ),
            ("log_cosh_dice()", "log_cosh(dice())"),
            (
                "generalized_dice(weighting=uniform)",
                "dice(over=[class, space])",
            ),
            ("poly1(epsilon=0)", "ce()"),
            ("gce(q=1)", "mean(1 - pick(softmax[class](pred), target))"),
            ("symmetric_ce(alpha=1, beta=0)", "ce()"),
            ("logit_adjusted_ce([0.2, 0.3, 0.5], tau=0)", "ce()"),
            ("ldam([0, 0, 0], s=1)", "ce()"),
            ("topk_ce(fraction=1)", "ce()"),
            ("ohem_ce(threshold=1, min_kept=0)", "ce()"),
            ("ohem_ce(threshold=0, min_kept=1000)", "ce()"),
            ("nacl(lambda=0)", "ce()"),
            ("boundary_ce(weight=0)", "ce()"),
            ("boundary_ce(width=0)", "ce()"),
            ("unet_weighted_ce(w0=0)", "ce()"),
            ("wce([2, 2, 2])", "ce()"),
            ("ce() on (pred, onehot(target))", "ce()"),
            ("soft_ce() on (pred, onehot(target))", "ce()"),
            ("kl() on (pred, onehot(target))", "ce()"),
            ("nll() on (log_softmax[class](pred), target)", "ce()"),
            ("dice_ce(ce_weight=0)", "dice()"),
            (
                "dice_ce(weight=[1, 2, 3])",
                "dice(weight=[1, 2, 3]) + ce(weight=[1, 2, 3])",
            ),
            ("dice_focal(gamma=0)", "dice() + ce()"),
            ("unified_focal(lambda=1, delta=0.5, gamma=0)", "0.5*ce()"),
            ("deep(ce(), [pred])", "ce()"),
            (
                "deep(dice() + ce(), [pred, pred], weights=[3, 1])",
                "dice() + ce()",
            ),
        ],
    ),
    (
        BINARY,
        &[
            ("focal(gamma=0)", "bce()"),
            ("focal(alpha=0.5)", "0.5*focal()"),
            ("asl(gamma_pos=0, gamma_neg=0, clip=0)", "bce()"),
            ("varifocal(alpha=1, gamma=0)", "bce()"),
            ("dice_bce()", "dice() + bce()"),
            ("dice_focal(gamma=0)", "dice() + bce()"),
        ],
    ),
    (
        REGRESSION,
        &[
            ("1.5*smooth_l1(beta=1.5)", "huber(delta=1.5)"),
            ("huber(delta=1e6)", "0.5*mse()"),
            ("quantile(q=0.5)", "0.5*mae()"),
            ("rmse()^2", "mse()"),
            ("barron(alpha=2)", "0.5*mse()"),
            ("barron(alpha=1)", "charbonnier(eps=1) - 1"),
            ("barron(alpha=0, c=2)", "cauchy(c=2)"),
            ("barron(alpha=-2)", "geman_mcclure()"),
            (
                "ms_ssim(window=3, levels=1, weights=[1]) on (pred, pred + 0.1*target)",
                "ssim(window=3) on (pred, pred + 0.1*target)",
            ),
            ("mean(coarsen[space](pred, 1)^2)", "mean(pred^2)"),
            // What does not change with scale or origin.
            ("tv() on (pred + 5)", "tv()"),
            ("gradient_l1() on (pred + 5, target)", "gradient_l1()"),
            ("bending_energy() on (pred + 5)", "bending_energy()"),
            ("mape() on (3*pred, 3*target)", "mape()"),
            ("psnr(range=3) on (3*pred, 3*target)", "psnr()"),
            (
                "ssim(window=3, range=3) on (3*pred, 3*target)",
                "ssim(window=3)",
            ),
            (
                "lncc(window=3, eps=1e-30) on (3*pred, -2*target)",
                "lncc(window=3, eps=1e-30)",
            ),
            (
                "silog(lambda=1) on (3*exp(pred), exp(target))",
                "silog(lambda=1) on (exp(pred), exp(target))",
            ),
            (
                "mse() on (resize[space](pred, like=target), target)",
                "mse()",
            ),
        ],
    ),
    (
        VECTORS,
        &[
            (
                "info_nce(symmetric=true)",
                "0.5*info_nce() + 0.5*info_nce() on (target, pred)",
            ),
            ("cosine() on (3*pred, 0.5*target)", "cosine()"),
            ("info_nce() on (3*pred, 0.5*target)", "info_nce()"),
            ("ntxent() on (3*pred, 0.5*target)", "ntxent()"),
            (
                "barlow_twins(eps=0) on (3*pred + 1, target - 2)",
                "barlow_twins(eps=0)",
            ),
        ],
    ),
];

fn check(
    (items, shapes): Inputted,
    left: &str,
    right: &str,
    backend: Backend,
) -> Result<(), String> {
    let random = &mut Random(7);
    let mut inputs = Inputs::new();
    for (name, shape) in shapes {
        let count: usize = shape.iter().product();
        let labels = items.contains(&format!("{name}: labels"));
        let mask = items.contains(&format!("{name}: mask"));
        let data = (0..count).map(|_| match (labels, mask) {
            (true, _) => (3.0 * random.next()).floor(),
            (_, true) => f64::from(u8::from(random.next() < 0.4)),
            _ => random.between(-2.0, 2.0),
        });
        let data: Vec<f64> = data.collect();
        let data = match labels {
            true => {
                let data: Vec<i64> = data.iter().map(|&x| x as i64).collect();
                Tensor::from_vec(data, *shape, &Device::Cpu)
            }
            false => Tensor::from_vec(data, *shape, &Device::Cpu),
        };
        inputs = inputs.tensor(*name, &data.expect("a tensor"));
    }
    let run = |text: &str| {
        let loss = compile(&format!("{items}minimize {text}\n"), backend);
        let (outcome, gradients) = loss.gradients(inputs.clone()).expect("a value");
        let pred = gradients.iter().find(|(name, _)| name == "pred");
        (flat(&outcome.total), flat(&pred.expect("a gradient").1))
    };
    let ((value, gradient), (want, slope)) = (run(left), run(right));
    super::agree(&value, &want, 1e-10).map_err(|why| format!("values {why}"))?;
    super::agree(&gradient, &slope, 1e-9).map_err(|why| format!("gradients {why}"))
}

#[test]
fn losses_are_others_at_some_options() {
    let mut wrong = Vec::new();
    for (inputs, pairs) in IDENTITIES {
        for (left, right) in *pairs {
            for &backend in Backend::ALL {
                if let Err(why) = check(*inputs, left, right, backend) {
                    wrong.push(format!("{backend:?} {left} is not {right}: {why}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
