//! The catalogue: the losses that are promised, under every name, with the options that are promised.

use super::{Call, compile};
use crate::catalogue::calls;
use lossc::Backend;

const OVERLAP: &str = "smooth=1e-5, smooth_nr=1e-5, smooth_dr=1e-5, over=[batch, space], weight=1, background=false, empty=skip";
const ENDING: &str = "pixel_weight=1, reduce=sum";

/// A loss, other names of it, and options; `…` stands for those of overlap losses, `·` for those of elementwise ones.
const PROMISED: &[(&str, &[&str], &str)] = &[
    ("dice", &["soft_dice"], "…, squared=true"),
    ("jaccard", &["iou"], "…"),
    ("tversky", &[], "…, alpha=0.5, beta=0.5"),
    ("focal_tversky", &[], "…, alpha=0.7, beta=0.3, gamma=0.75"),
    ("log_dice", &[], "…"),
    ("log_cosh_dice", &[], "…"),
    (
        "generalized_dice",
        &["gdl"],
        "weighting=simple, background=false, over=[batch, space]",
    ),
    (
        "dice_ce",
        &[],
        "smooth=1, weight=1, background=false, empty=skip, smoothing=0.1",
    ),
    (
        "dice_bce",
        &[],
        "smooth=1, weight=1, background=false, empty=skip, smoothing=0.1",
    ),
    (
        "dice_focal",
        &[],
        "smooth=1, weight=1, background=false, empty=skip, gamma=1",
    ),
    (
        "wasserstein_dice",
        &[],
        "distance=[[0, 1, 1], [1, 0, 1], [1, 1, 0]], weighting=simple",
    ),
    ("lovasz_softmax", &["lovasz"], "classes=all, per_image=true"),
    ("lovasz_hinge", &[], "per_image=true"),
    ("cldice", &[], "iterations=3, smooth=1"),
    ("boundary", &["surface"], ""),
    ("boundary_ce", &[], "width=3, weight=5"),
    ("unet_weighted_ce", &[], "w0=10, sigma=5"),
    ("hausdorff_dt", &[], "alpha=2"),
    (
        "unified_focal",
        &[],
        "lambda=0.5, delta=0.6, gamma=0.5, asymmetric=false",
    ),
    (
        "mcc",
        &[],
        "smooth=1e-5, over=[batch, space], weight=1, background=false, empty=skip",
    ),
    ("topk_ce", &[], "fraction=0.1"),
    ("ohem_ce", &[], "threshold=0.7, min_kept=3"),
    (
        "sensitivity_specificity",
        &[],
        "r=0.05, over=[batch, space], weight=1, background=false, empty=skip",
    ),
    ("nacl", &[], "lambda=0.1, window=3, power=2"),
    ("ce", &[], "·, weight=1, smoothing=0"),
    ("wce", &[], "·, weight=1, smoothing=0"),
    ("bce", &[], "·, pos_weight=1, weight=1, smoothing=0"),
    ("nll", &[], "·, weight=1, smoothing=0"),
    ("soft_ce", &[], "·, weight=1, smoothing=0"),
    ("focal", &[], "·, weight=1, gamma=2, alpha=0.5"),
    ("poly1", &[], "·, weight=1, epsilon=1"),
    (
        "asl",
        &[],
        "·, weight=1, gamma_pos=0, gamma_neg=4, clip=0.05",
    ),
    ("gce", &[], "·, weight=1, q=0.7"),
    ("symmetric_ce", &[], "·, weight=1, alpha=0.1, beta=1"),
    (
        "logit_adjusted_ce",
        &[],
        "·, weight=1, prior=[0.2, 0.3, 0.5], tau=1",
    ),
    ("ldam", &[], "·, weight=1, margins=[0.2, 0.3, 0.5], s=30"),
    ("hinge", &[], "·, weight=1"),
    ("squared_hinge", &[], "·, weight=1"),
    ("multi_margin", &[], "·, weight=1, p=1, margin=1"),
    ("arc_margin", &[], "·, weight=1, margin=0.5, s=64"),
    ("zlpr", &[], "·"),
    ("quality_focal", &[], "·, weight=1, beta=2"),
    ("varifocal", &[], "·, weight=1, alpha=0.75, gamma=2"),
    ("entropy", &[], "·"),
    ("mse", &["l2"], "·"),
    ("mae", &["l1"], "·"),
    ("rmse", &[], "pixel_weight=1"),
    ("huber", &[], "·, delta=1"),
    ("smooth_l1", &[], "·, beta=1"),
    ("log_cosh", &[], "·"),
    ("charbonnier", &[], "·, eps=1e-3"),
    ("cauchy", &[], "·, c=1"),
    ("geman_mcclure", &[], "·, c=1"),
    ("welsch", &[], "·, c=1"),
    ("barron", &[], "·, alpha=0, c=1"),
    ("quantile", &["pinball"], "·, q=0.5"),
    ("mape", &[], "·"),
    ("msle", &[], "·"),
    ("poisson_nll", &[], "·, log_input=true, full=false"),
    ("gaussian_nll", &[], "·, full=false, eps=1e-6"),
    ("laplace_nll", &[], "·"),
    ("silog", &[], "lambda=0.5"),
    ("wing", &[], "·, width=10, curvature=2"),
    ("tweedie", &[], "·, p=1.5"),
    ("giou", &[], "reduce=sum"),
    ("diou", &[], "reduce=sum"),
    ("ciou", &[], "reduce=sum"),
    ("iou_box", &[], "reduce=sum"),
    ("dfl", &[], "reduce=sum"),
    ("triplet", &[], "margin=1, reduce=sum"),
    ("contrastive", &[], "margin=1, reduce=sum"),
    ("cosine", &[], "reduce=sum"),
    ("cosine_embedding", &[], "margin=0, reduce=sum"),
    ("margin_ranking", &[], "margin=0, reduce=sum"),
    ("info_nce", &[], "temperature=0.07, symmetric=true"),
    ("ntxent", &[], "temperature=0.5"),
    ("supcon", &[], "temperature=0.1"),
    ("circle", &[], "margin=0.25, gamma=256"),
    ("multi_similarity", &[], "alpha=2, beta=50, base=0.5"),
    ("barlow_twins", &[], "lambda=5e-3"),
    ("vicreg", &[], "sim=25, var=25, cov=1"),
    ("kl", &[], "·"),
    ("js", &[], "·"),
    ("kd", &[], "·, temperature=4"),
    ("dkd", &[], "·, alpha=1, beta=8, temperature=4"),
    ("wasserstein_1d", &["emd"], "·, squared=true"),
    ("vae_kl", &[], "reduce=sum"),
    ("ssim", &[], "window=11, sigma=1.5, range=1"),
    (
        "ms_ssim",
        &[],
        "window=3, sigma=1.5, range=1, levels=2, weights=[0.5, 0.5]",
    ),
    ("psnr", &[], "range=1"),
    ("lncc", &[], "window=9"),
    ("tv", &[], ""),
    ("gradient_l1", &[], ""),
    ("bending_energy", &[], ""),
    ("diffusion", &[], ""),
    ("gan_bce", &[], ""),
    ("lsgan", &[], ""),
    ("hinge_gan", &[], ""),
    ("wgan", &[], ""),
    ("accuracy", &[], ""),
    ("mean_iou", &[], ""),
    ("dice_score", &["f1"], ""),
    ("precision", &[], ""),
    ("recall", &[], ""),
    ("specificity", &[], ""),
    ("top_k_accuracy", &[], "k=2"),
    ("mae_score", &[], ""),
    ("calibration_error", &[], "bins=15"),
];

#[test]
fn what_is_promised_is_there() {
    let (calls, _) = calls();
    for (name, others, options) in PROMISED {
        let of_it = calls.iter().filter(|call| call.name == *name);
        let of_it: Vec<&Call> = of_it.collect();
        assert!(!of_it.is_empty(), "there is no {name}");
        let options = options.replace('…', OVERLAP).replace('·', ENDING);
        let names = [*name].into_iter().chain(others.iter().copied());
        for name in names {
            let text = format!("{name}({options})");
            // Some form of it takes them.
            let taken = of_it.iter().any(|call| {
                let spec = call.spec("").replace(&call.text, &text);
                lossc::Compiler::new().compile(&spec).is_ok()
            });
            if !taken {
                let spec = of_it[0].spec("").replace(&of_it[0].text, &text);
                compile(&spec, Backend::Fused);
                panic!("{text}");
            }
        }
    }
    // And everything that is there is promised.
    for call in &calls {
        let known = PROMISED.iter().any(|(name, ..)| *name == call.name);
        assert!(
            known,
            "`{}` is in the library and not in this list",
            call.name
        );
    }
}
