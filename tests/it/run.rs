//! Compiled losses through the library: the sample, binding and its messages, params, extremes.

use candle_core::{DType, Device, Tensor, Var};
use lossc::{Backend, Compiler, Error, Inputs, Loss, Stage};

const MISSION: &str = "0.5*dice(smooth=1e-6) + 0.5*wce([0.2, 0.8])";

fn sample() -> (Tensor, Tensor) {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/specs/examples/retina.safetensors"
    );
    let arrays =
        candle_core::safetensors::load(path, &Device::Cpu).expect("the sample is committed");
    (arrays["pred"].clone(), arrays["target"].clone())
}

fn number(tensor: &Tensor) -> f64 {
    tensor
        .to_dtype(DType::F64)
        .and_then(|t| t.to_scalar())
        .expect("a scalar")
}

fn flat(tensor: &Tensor) -> Vec<f64> {
    tensor
        .to_dtype(DType::F64)
        .and_then(|t| t.flatten_all()?.to_vec1())
        .expect("numbers")
}

fn norm(tensor: &Tensor) -> f64 {
    flat(tensor).iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn close(got: f64, want: f64, relative: f64) {
    assert!(
        (got - want).abs() <= relative * want.abs(),
        "{got} is not {want}"
    );
}

fn refused(spec: &str, inputs: Inputs) -> String {
    let loss = Loss::compile(spec).expect("a right spec");
    match loss.run(inputs) {
        Err(error @ Error::Inputs(_)) => format!("{error}\n"),
        Err(other) => panic!("another error: {other}"),
        Ok(outcome) => panic!("accepted: {outcome:?}"),
    }
}

/// What float64 PyTorch gives on the sample (`specs/examples`), and how close each back end is.
#[test]
fn the_sample() {
    let (pred, target) = sample();
    for (backend, limit) in [(Backend::Reference, 1e-12), (Backend::Candle, 1e-6)] {
        let loss = Compiler::new()
            .backend(backend)
            .compile(MISSION)
            .expect("a right spec");
        let (outcome, gradients) = loss
            .gradients([("pred", &pred), ("target", &target)])
            .expect("a run");
        close(number(&outcome.total), 0.04738439964156656, limit);
        close(outcome.terms[0].raw, 0.07576902484431303, limit);
        close(outcome.terms[1].raw, 0.018999774438820092, limit);
        let gradient = &gradients[0].1;
        assert_eq!(gradient.dims(), pred.dims());
        // The gradient has the type of the tensor, f32 here.
        close(norm(gradient), 0.0011668423067912762, 1e-6);
        let largest = flat(gradient)
            .into_iter()
            .fold(0.0f64, |m, x| m.max(x.abs()));
        close(largest, 9.762607578530378e-05, 1e-6);
        let names: Vec<&str> = outcome.terms.iter().map(|t| t.name.as_str()).collect();
        assert_eq!(names, ["dice", "wce"]);
        assert_eq!(outcome.terms[0].weight, Some(0.5));
    }
}

#[test]
fn backward_and_value_and_grad_agree() {
    let (pred, target) = sample();
    let pred = Var::from_tensor(&pred).expect("a variable");
    let loss = Loss::compile(MISSION).expect("a right spec");
    let outcome = loss
        .run([("pred", pred.as_tensor()), ("target", &target)])
        .expect("a run");
    let scaled = (&outcome.total * 3.0).expect("a tensor");
    let store = scaled.backward().expect("gradients");
    close(
        norm(store.get(&pred).expect("an entry")),
        3.0 * 0.0011668423067912762,
        1e-5,
    );
    let (direct, store) = loss
        .value_and_grad([("pred", pred.as_tensor()), ("target", &target)])
        .expect("a run");
    close(number(&direct.total), number(&outcome.total), 1e-7);
    close(
        norm(store.get(&pred).expect("an entry")),
        0.0011668423067912762,
        1e-6,
    );
}

#[test]
fn a_compiled_loss_is_shared_between_threads() {
    fn shared<T: Send + Sync + Clone + 'static>(_: &T) {}
    let loss = Loss::compile(MISSION).expect("a right spec");
    shared(&loss);
    let (pred, target) = sample();
    let one = number(
        &loss
            .run([("pred", &pred), ("target", &target)])
            .expect("a run")
            .total,
    );
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (loss, pred, target) = (loss.clone(), pred.clone(), target.clone());
            std::thread::spawn(move || {
                number(
                    &loss
                        .run([("pred", &pred), ("target", &target)])
                        .expect("a run")
                        .total,
                )
            })
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().expect("no panic"), one);
    }
}

#[test]
fn params_and_scalars_change_without_compiling() {
    let spec = "
        input pred: logits[N, C, ...S] over C
        input target: labels[N, ...S] of C
        input epoch: scalar
        param alpha: real in [0, 1] = 0.5
        let ramp = linear(epoch, from=0, to=1, over=[0, 20])
        term region = dice(smooth=1e-6)
        term pixel = wce([0.2, 0.8])
        minimize alpha*region + (1 - alpha)*ramp*pixel
        report iou = mean_iou()
    ";
    let loss = Loss::compile(spec).expect("a right spec");
    let (pred, target) = sample();
    let given = Inputs::from([("pred", &pred), ("target", &target)]).scalar("epoch", 10.0);
    let half = loss.run(given.clone()).expect("a run");
    close(
        number(&half.total),
        0.5 * 0.07576902484431303 + 0.25 * 0.018999774438820092,
        1e-6,
    );
    assert_eq!(half.terms[1].weight, Some(0.25));
    let other = loss
        .run(given.clone().scalar("alpha", 1.0).scalar("epoch", 20.0))
        .expect("a run");
    close(number(&other.total), 0.07576902484431303, 1e-6);
    assert_eq!(other.terms[1].weighted(), Some(0.0));
    assert!(half.reports[0].1 > 0.5 && half.reports[0].1 < 1.0);
    // A weight of 0 gives a zero gradient, not a missing one.
    let var = Var::from_tensor(&pred).expect("a variable");
    let none = Compiler::new()
        .compile("param w: real = 0\nminimize w*ce()")
        .expect("a right spec");
    let outcome = none
        .run([("pred", var.as_tensor()), ("target", &target)])
        .expect("a run");
    let store = outcome.total.backward().expect("gradients");
    assert_eq!(norm(store.get(&var).expect("an entry")), 0.0);
}

#[test]
fn a_learned_scalar_gets_its_gradient() {
    let spec = "
        input pred: logits[N, C, ...S] over C
        input target: labels[N, ...S] of C
        input s: scalar
        minimize uncertainty(ce(), s)
    ";
    let loss = Loss::compile(spec).expect("a right spec");
    let (pred, target) = sample();
    let s = Var::new(0.3f32, &Device::Cpu).expect("a variable");
    let given = Inputs::from([("pred", &pred), ("target", &target)]).tensor("s", s.as_tensor());
    let outcome = loss.run(given).expect("a run");
    let store = outcome.total.backward().expect("gradients");
    let ce = Loss::compile("ce()").expect("a right spec");
    let ce = number(
        &ce.run([("pred", &pred), ("target", &target)])
            .expect("a run")
            .total,
    );
    let slope = number(store.get(&s).expect("an entry"));
    close(slope, 1.0 - (-0.3f64).exp() * ce, 1e-6);
}

#[test]
fn a_formula_from_primitives_is_stable() {
    let typed = "mean(-pick(log(softmax[C](pred)), target))";
    let loss = Loss::compile(&format!("minimize {typed}")).expect("a right spec");
    let ir = loss.emit(Stage::Ir);
    assert!(ir.contains("log_softmax[C]"), "{ir}");
    assert!(!ir.contains(" = log "), "{ir}");
    let pred =
        Tensor::new(&[[[1e4f32, -1e4], [-1e4, 1e4], [0., 1e4]]], &Device::Cpu).expect("a tensor");
    let target = Tensor::new(&[[1i64, 2]], &Device::Cpu).expect("a tensor");
    let ce = Loss::compile("ce()").expect("a right spec");
    let given = || Inputs::from([("pred", &pred), ("target", &target)]);
    let (a, ga) = loss.gradients(given()).expect("a run");
    let (b, gb) = ce.gradients(given()).expect("a run");
    assert_eq!(number(&a.total), number(&b.total));
    assert!(number(&a.total).is_finite());
    assert_eq!(flat(&ga[0].1), flat(&gb[0].1));
    assert!(flat(&ga[0].1).iter().all(|g| g.is_finite()));
}

/// The program of the language's own description. `log_cosh` of a value is the function, and not
/// the regression loss of that name with a weight.
#[test]
fn the_users_own_loss() {
    let spec = "
        ## Log-cosh of the Dice loss (Jadon 2020).
        loss log_cosh_dice(smooth: real >= 0 = 1e-5) on pred: probs, target: probs =
          log_cosh(dice(smooth=smooth))

        minimize log_cosh_dice(smooth=1e-6)
    ";
    let (pred, target) = sample();
    let want = 0.07576902484431303f64.cosh().ln();
    for (backend, limit) in [
        (Backend::Reference, 1e-12),
        (Backend::Fused, 1e-6),
        (Backend::Candle, 1e-6),
    ] {
        for text in [
            spec,
            "log_cosh(dice(smooth=1e-6))",
            "log_cosh_dice(smooth=1e-6)",
        ] {
            let loss = Compiler::new()
                .backend(backend)
                .compile(text)
                .expect("a right spec");
            let outcome = loss
                .run([("pred", &pred), ("target", &target)])
                .expect("a run");
            close(number(&outcome.total), want, limit);
        }
    }
}

#[test]
fn empty_and_single_tensors() {
    for (n, c, s) in [(0, 3, 4), (2, 3, 0), (1, 2, 1), (1, 3, 5)] {
        let pred = Tensor::zeros((n, c, s), DType::F32, &Device::Cpu).expect("a tensor");
        let target = Tensor::zeros((n, s), DType::I64, &Device::Cpu).expect("a tensor");
        for backend in Backend::ALL {
            let loss = Compiler::new()
                .backend(*backend)
                .compile("dice() + ce() + focal()")
                .expect("a right spec");
            let (outcome, gradients) = loss
                .gradients([("pred", &pred), ("target", &target)])
                .expect("a run");
            let total = number(&outcome.total);
            assert!(total.is_finite(), "{n}×{c}×{s}: {total}");
            assert_eq!(gradients[0].1.dims(), pred.dims());
            if n * s == 0 {
                assert_eq!(outcome.terms[1].raw, 0.0, "a mean of nothing is 0");
            }
        }
    }
}

#[test]
fn packs_hold_any_number_of_axes() {
    let loss = Loss::compile("input pred: real[N, ...S]\nminimize tv()").expect("a right spec");
    let run = |shape: &[usize]| {
        let count = shape.iter().product::<usize>();
        let data: Vec<f32> = (0..count).map(|i| (i * i % 7) as f32).collect();
        let pred = Tensor::from_vec(data, shape, &Device::Cpu).expect("a tensor");
        number(&loss.run([("pred", &pred)]).expect("a run").total)
    };
    assert_eq!(run(&[3]), 0.0, "no space axis, no variation");
    assert!(run(&[2, 5]) > 0.0 && run(&[2, 5, 3]) > 0.0 && run(&[2, 3, 4, 5]) > 0.0);
}

#[test]
fn f64_inputs_are_computed_in_f64_and_halves_in_f32() {
    let (pred, target) = sample();
    let loss = Loss::compile(MISSION).expect("a right spec");
    let wide = pred.to_dtype(DType::F64).expect("a cast");
    let outcome = loss
        .run([("pred", &wide), ("target", &target)])
        .expect("a run");
    assert_eq!(outcome.total.dtype(), DType::F64);
    close(number(&outcome.total), 0.04738439964156656, 1e-12);
    for dtype in [DType::F16, DType::BF16] {
        let half = pred.to_dtype(dtype).expect("a cast");
        let (outcome, gradients) = loss
            .gradients([("pred", &half), ("target", &target)])
            .expect("a run");
        assert_eq!(outcome.total.dtype(), DType::F32);
        assert_eq!(gradients[0].1.dtype(), dtype);
        close(number(&outcome.total), 0.04738439964156656, 2e-2);
    }
}

#[test]
fn layouts_do_not_matter() {
    let (pred, target) = sample();
    let loss = Loss::compile(
        "input pred: logits[N, H, W, C] over C\ninput target: labels[N, H, W] of C\nminimize ce() + dice(smooth=1e-6)",
    )
    .expect("a right spec");
    let last = pred.permute((0, 2, 3, 1)).expect("a view");
    let a = loss
        .gradients([("pred", &last), ("target", &target)])
        .expect("a run");
    let b = loss
        .gradients([
            ("pred", &last.contiguous().expect("a copy")),
            ("target", &target),
        ])
        .expect("a run");
    close(number(&a.0.total), number(&b.0.total), 1e-6);
    assert_eq!(a.1[0].1.dims(), last.dims());
    let first = Loss::compile("ce() + dice(smooth=1e-6)").expect("a right spec");
    let c = first
        .gradients([("pred", &pred), ("target", &target)])
        .expect("a run");
    close(number(&a.0.total), number(&c.0.total), 1e-6);
    close(norm(&a.1[0].1), norm(&c.1[0].1), 1e-6);
}

#[test]
fn wrong_bindings_get_their_messages() {
    let (pred, target) = sample();
    let given = || Inputs::from([("pred", &pred), ("target", &target)]);
    let short = target.narrow(0, 0, 3).expect("a view");
    let floats = target.to_dtype(DType::F32).expect("a cast");
    let flat = pred.flatten_all().expect("a view");
    let one = pred.narrow(1, 0, 1).expect("a view");
    let shape = |dims: &[usize]| Tensor::zeros(dims, DType::F32, &Device::Cpu).expect("a tensor");
    let large = (&target + 254.0).expect("a tensor");
    let messages = [
        refused(MISSION, Inputs::from([("pred", &pred)])),
        refused(MISSION, given().tensor("prd", &pred)),
        refused(MISSION, Inputs::from([("pred", &pred), ("target", &short)])),
        refused(
            MISSION,
            Inputs::from([("pred", &pred), ("target", &floats)]),
        ),
        refused(
            MISSION,
            Inputs::from([("pred", &flat), ("target", &target)]),
        ),
        refused("ce()", Inputs::from([("pred", &one), ("target", &target)])),
        refused(
            MISSION,
            Inputs::from([("pred", &shape(&[4, 3, 128, 128])), ("target", &target)]),
        ),
        refused(
            "ce()",
            Inputs::from([("pred", &shape(&[4, 3, 64, 256])), ("target", &target)]),
        ),
        refused("ce()", Inputs::from([("pred", &pred), ("target", &large)])),
        refused(
            "param a: real in [0, 1] = 0.5\nminimize a*ce()",
            given().scalar("a", 2.0),
        ),
        refused(
            "param s: real = 1\nminimize dice(smooth=s - 1)",
            given().scalar("s", 0.5),
        ),
        refused(
            "input k: scalar\ninput pred: logits[N, C, ...S] over C\ninput target: labels[N, ...S] of C\nminimize k*ce()",
            given(),
        ),
        refused("minimize ce() + mean(pred[C=2])", given()),
        refused(
            "input pred: logits[N, 1, H, W]\ninput target: mask[N, H, W]\nminimize bce()",
            given(),
        ),
    ];
    insta::assert_snapshot!(messages.join("----\n"));
}
