//! Totals as nodes of Candle's autograd: what `backward` delivers, and ready stores.

use super::{Case, array};
use candle_core::{DType, Device, Error, Result, Tensor, Var, bail};
use candle_nn::{Linear, Module, Optimizer, SGD};
use lossc::ir::{DimSizes, Elem, MapOp, Op, ReduceOp};
use lossc::run::autograd::{Gradients, attach, grad_store};
use lossc::run::candle;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

const CPU: &Device = &Device::Cpu;

fn var(values: &[f64], dtype: DType) -> Result<Var> {
    let tensor = Tensor::from_slice(values, values.len(), CPU)?;
    Var::from_tensor(&tensor.to_dtype(dtype)?)
}

fn numbers(tensor: Option<&Tensor>) -> Vec<f64> {
    array(tensor.expect("there is a gradient")).data
}

/// Σᵢ (i + 1)·Σ xᵢ², with its gradients: a stand-in for a compiled loss.
fn weighted_squares(tensors: &[Tensor], dtype: DType) -> Result<(Tensor, Gradients)> {
    let plain: Vec<Tensor> = tensors
        .iter()
        .map(|x| x.detach().to_dtype(dtype))
        .collect::<Result<_>>()?;
    let mut total = Tensor::zeros((), dtype, CPU)?;
    for (i, x) in plain.iter().enumerate() {
        total = (total + (x.sqr()?.sum_all()? * (i + 1) as f64)?)?;
    }
    let gradients: Gradients = Arc::new(move |upstream: &Tensor, wanted: &[usize]| {
        assert!(!upstream.track_op());
        assert_eq!((upstream.rank(), upstream.dtype()), (0, dtype));
        let gradient = |&i: &usize| (&plain[i] * (2 * (i + 1)) as f64)?.broadcast_mul(upstream);
        wanted.iter().map(gradient).collect()
    });
    Ok((total, gradients))
}

/// A linear model and the mean of squared errors, compared with the closed form and with Candle.
#[test]
fn gradient_of_a_linear_model() -> Result<()> {
    let x = Tensor::new(&[[1f32, 2.0, -1.0], [0.5, -3.0, 2.0]], CPU)?;
    let target = Tensor::new(&[[1f32, 0.0], [-1.0, 2.0]], CPU)?;
    let weight = Var::new(&[[0.1f32, -0.2, 0.3], [0.4, 0.5, -0.6]], CPU)?;
    let bias = Var::new(&[0.05f32, -0.05], CPU)?;
    let model = Linear::new(weight.as_tensor().clone(), Some(bias.as_tensor().clone()));
    let pred = model.forward(&x)?;

    // mean (pred − target)² and its derivative 2·(pred − target) / 4, as graphs.
    let mut case = Case::new(&[2, 2]);
    let all = case.all();
    let a = case.input(Elem::Float, all.clone(), || 0.0);
    let b = case.input(Elem::Float, all.clone(), || 0.0);
    let difference = case.push(Op::Map(MapOp::Sub), &[a, b]);
    let square = case.push(Op::Map(MapOp::Mul), &[difference, difference]);
    let sum = case.push(Op::Reduce(ReduceOp::Sum, all.clone()), &[square]);
    let size = case.push(Op::Size(all.clone()), &[]);
    let mean = case.push(Op::Map(MapOp::Div), &[sum, size]);
    let upstream = case.input(Elem::Float, Default::default(), || 0.0);
    let each = case.push(Op::Map(MapOp::Div), &[upstream, size]);
    let each = case.push(Op::Broadcast(all), &[each]);
    let twice = case.push(Op::Map(MapOp::Add), &[difference, difference]);
    let gradient = case.push(Op::Map(MapOp::Mul), &[twice, each]);
    let mut value_only = case.graph.clone();
    let output = |node| lossc::ir::Output {
        role: lossc::ir::Role::Total,
        node,
    };
    value_only.outputs = vec![output(mean)];
    let mut gradient_only = case.graph.clone();
    gradient_only.outputs = vec![output(gradient)];

    let sizes = DimSizes(vec![2, 2]);
    let one = Tensor::ones((), DType::F32, CPU)?;
    let inputs = [pred.clone(), target.clone(), one];
    let total = candle::run(&value_only, &sizes, &inputs, DType::F32, CPU)?.remove(0);
    assert!(!total.track_op());
    let gradients: Gradients = Arc::new(move |upstream: &Tensor, wanted: &[usize]| {
        assert_eq!(wanted, [0]);
        let inputs = [inputs[0].clone(), inputs[1].clone(), upstream.clone()];
        candle::run(&gradient_only, &sizes, &inputs, DType::F32, CPU)
    });
    let loss = attach(&total, std::slice::from_ref(&pred), gradients)?;
    assert_eq!(loss.dims(), &[0usize; 0]);
    assert_eq!(loss.to_scalar::<f32>()?, total.to_scalar::<f32>()?);

    let store = loss.backward()?;
    // dL/dW = (pred − target)ᵀ·x / 2, dL/db = Σ (pred − target) / 2.
    let error = (pred.detach() - &target)?;
    let closed = (error.t()?.matmul(&x)? / 2.0)?;
    let close = |a: Option<&Tensor>, b: &Tensor| {
        let pairs = numbers(a).into_iter().zip(array(b).data);
        pairs.for_each(|(a, b)| assert!((a - b).abs() < 1e-6, "{a} {b}"));
    };
    close(store.get(&weight), &closed);
    close(store.get(&bias), &(error.sum(0)? / 2.0)?);
    let own = (&pred - &target)?.sqr()?.mean_all()?.backward()?;
    close(store.get(&weight), own.get(&weight).expect("Candle has it"));
    close(store.get(&bias), own.get(&bias).expect("Candle has it"));
    Ok(())
}

#[test]
fn any_number_of_tensors() -> Result<()> {
    for count in 1..=8 {
        let vars: Vec<Var> = (0..count)
            .map(|i| var(&[1.0 + i as f64, -2.0], DType::F32))
            .collect::<Result<_>>()?;
        let tensors: Vec<Tensor> = vars.iter().map(|v| v.as_tensor().clone()).collect();
        let (total, gradients) = weighted_squares(&tensors, DType::F32)?;
        let calls = Arc::new(AtomicUsize::new(0));
        let counted: Gradients = {
            let calls = calls.clone();
            Arc::new(move |upstream: &Tensor, wanted: &[usize]| {
                calls.fetch_add(1, Ordering::SeqCst);
                gradients(upstream, wanted)
            })
        };
        let loss = attach(&total, &tensors, counted)?;
        assert_eq!(loss.to_scalar::<f32>()?, total.to_scalar::<f32>()?);
        for pass in 1..=2 {
            let store = loss.backward()?;
            assert_eq!(calls.load(Ordering::SeqCst), pass);
            for (i, var) in vars.iter().enumerate() {
                let twice = 2.0 * (i as f64 + 1.0);
                let expected = [twice * (1.0 + i as f64), -2.0 * twice];
                assert_eq!(numbers(store.get(var)), expected, "{i} of {count}");
            }
        }
    }
    Ok(())
}

#[test]
fn inside_a_larger_expression() -> Result<()> {
    for count in [1, 2, 3, 5] {
        let vars: Vec<Var> = (0..count)
            .map(|_| var(&[1.0, 2.0], DType::F64))
            .collect::<Result<_>>()?;
        let tensors: Vec<Tensor> = vars.iter().map(|v| v.as_tensor().clone()).collect();
        let (total, gradients) = weighted_squares(&tensors, DType::F64)?;
        let loss = attach(&total, &tensors, gradients)?;
        assert_eq!(loss.dtype(), DType::F64);
        let other = tensors[0].sum_all()?;
        // d/dx (3·loss·other + other) with loss = Σᵢ 5·(i + 1) and other = 3.
        let loss_value = 5.0 * (1..=count).sum::<usize>() as f64;
        let expression = (((&loss * 3.0)? * &other)? + &other)?;
        let store = expression.backward()?;
        for (i, var) in vars.iter().enumerate() {
            let expected = [1.0, 2.0].map(|x| {
                let direct = if i == 0 { 3.0 * loss_value + 1.0 } else { 0.0 };
                9.0 * 2.0 * (i as f64 + 1.0) * x + direct
            });
            assert_eq!(numbers(store.get(var)), expected, "{i} of {count}");
        }
    }
    Ok(())
}

#[test]
fn gradients_have_the_dtype_of_their_tensor() -> Result<()> {
    let dtypes = [DType::F16, DType::BF16, DType::F32, DType::F64];
    let vars: Vec<Var> = dtypes
        .iter()
        .map(|&dtype| var(&[0.5, -2.0], dtype))
        .collect::<Result<_>>()?;
    let tensors: Vec<Tensor> = vars.iter().map(|v| v.as_tensor().clone()).collect();
    for dtype in [DType::F32, DType::F64] {
        let (total, gradients) = weighted_squares(&tensors, dtype)?;
        let loss = attach(&total, &tensors, gradients)?;
        assert_eq!(loss.dtype(), dtype);
        let store = (loss * 0.5)?.backward()?;
        for (i, var) in vars.iter().enumerate() {
            let gradient = store.get(var).expect("there is a gradient");
            assert_eq!(gradient.dtype(), dtypes[i]);
            let factor = i as f64 + 1.0;
            assert_eq!(numbers(Some(gradient)), [0.5 * factor, -2.0 * factor]);
        }
    }
    Ok(())
}

/// Strided views, a tensor that occurs twice, tensors outside autograd.
#[test]
fn tensors_of_all_sorts() -> Result<()> {
    let x = Var::new(&[[1f32, 2.0, 3.0], [4.0, 5.0, 6.0]], CPU)?;
    let view = x.t()?.narrow(0, 1, 2)?;
    let target = Tensor::new(&[7f32], CPU)?;
    let y = var(&[2.0], DType::F32)?;
    let y = y.as_tensor();
    let tensors = [target.clone(), view, y.clone(), target, y.clone()];
    let (total, gradients) = weighted_squares(&tensors, DType::F32)?;
    let gradients: Gradients = Arc::new(move |upstream: &Tensor, wanted: &[usize]| {
        assert_eq!(wanted, [1, 2, 4]);
        gradients(upstream, wanted)
    });
    let store = attach(&total, &tensors, gradients)?.backward()?;
    assert_eq!(numbers(store.get(&x)), [0.0, 8.0, 12.0, 0.0, 20.0, 24.0]);
    assert_eq!(numbers(store.get(y)), [2.0 * 2.0 * 3.0 + 2.0 * 2.0 * 5.0]);
    Ok(())
}

#[test]
fn nothing_tracked() -> Result<()> {
    let total = Tensor::new(3f32, CPU)?;
    let x = Tensor::new(&[1f32], CPU)?;
    let gradients: Gradients = Arc::new(|_, _| bail!("nobody asks"));
    for tensors in [&[][..], &[x]] {
        let loss = attach(&total, tensors, gradients.clone())?;
        assert_eq!(loss.id(), total.id());
        assert!(!loss.track_op());
    }
    Ok(())
}

#[test]
fn many_threads() -> Result<()> {
    let vars: Vec<Var> = (0..6)
        .map(|i| var(&[i as f64], DType::F64))
        .collect::<Result<_>>()?;
    let tensors: Vec<Tensor> = vars.iter().map(|v| v.as_tensor().clone()).collect();
    let (total, gradients) = weighted_squares(&tensors, DType::F64)?;
    let loss = attach(&total, &tensors, gradients)?;
    thread::scope(|scope| {
        let runs: Vec<_> = (1..=8)
            .map(|factor| {
                let (loss, vars) = (&loss, &vars);
                scope.spawn(move || -> Result<()> {
                    for _ in 0..50 {
                        let store = (loss * f64::from(factor))?.backward()?;
                        for (i, var) in vars.iter().enumerate() {
                            let expected = f64::from(factor) * 2.0 * (i as f64 + 1.0) * i as f64;
                            assert_eq!(numbers(store.get(var)), [expected]);
                        }
                    }
                    Ok(())
                })
            })
            .collect();
        runs.into_iter()
            .try_for_each(|run| run.join().expect("no panic"))
    })
}

#[test]
fn failures_leave_nothing_behind() -> Result<()> {
    let vars: Vec<Var> = (0..5)
        .map(|i| var(&[i as f64], DType::F32))
        .collect::<Result<_>>()?;
    let tensors: Vec<Tensor> = vars.iter().map(|v| v.as_tensor().clone()).collect();
    let (total, right) = weighted_squares(&tensors, DType::F32)?;
    let calls = AtomicUsize::new(0);
    let fragile: Gradients = Arc::new(move |upstream: &Tensor, wanted: &[usize]| {
        let mut gradients = right(upstream, wanted)?;
        match calls.fetch_add(1, Ordering::SeqCst) {
            0 => return Err(Error::msg("out of order")),
            1 => drop(gradients.pop()),
            // The shape of the first is only looked at when the last links are done.
            2 => gradients[0] = Tensor::zeros((1, 1), DType::F32, CPU)?,
            _ => {}
        }
        Ok(gradients)
    });
    let loss = attach(&total, &tensors, fragile)?;
    let expected = [
        "out of order",
        "4 gradients for 5 tensors",
        "of shape [1, 1] for",
    ];
    for expected in expected {
        let why = loss.backward().expect_err("it fails").to_string();
        assert!(why.contains(expected), "{why}");
    }
    let store = loss.backward()?;
    for (i, var) in vars.iter().enumerate() {
        assert_eq!(numbers(store.get(var)), [2.0 * (i as f64 + 1.0) * i as f64]);
    }
    let both = Tensor::zeros(2, DType::F32, CPU)?;
    let nobody: Gradients = Arc::new(|_, _| bail!("nobody asks"));
    assert!(attach(&both, &tensors, nobody).is_err());
    Ok(())
}

/// A model with two heads, one of them used twice, and a variable that is an input itself.
#[test]
fn ready_store_equals_backward() -> Result<()> {
    let w = Var::new(&[[0.5f32, -1.0], [2.0, 0.25]], CPU)?;
    let b = Var::new(&[0.1f32, 0.2], CPU)?;
    let unused = Var::new(&[1f32], CPU)?;
    let x = Tensor::new(&[[1f32, 2.0]], CPU)?;
    let hidden = x.matmul(&w)?.tanh()?;
    let head = hidden.broadcast_add(&b)?;
    let half = head.to_dtype(DType::F16)?;
    let tensors = [
        head,
        w.as_tensor().clone(),
        hidden,
        half,
        x,
        w.as_tensor().clone(),
    ];
    let (total, gradients) = weighted_squares(&tensors, DType::F32)?;
    let by_backward = attach(&total, &tensors, gradients.clone())?.backward()?;
    let one = Tensor::ones((), DType::F32, CPU)?;
    let ready = gradients(&one, &[0, 1, 2, 3, 4, 5])?;
    let pairs: Vec<(Tensor, Tensor)> = tensors.into_iter().zip(ready).collect();
    let store = grad_store(&pairs)?;
    for var in [&w, &b] {
        let (a, b) = (numbers(store.get(var)), numbers(by_backward.get(var)));
        let pairs = a.iter().zip(&b);
        pairs.for_each(|(a, b)| assert!((a - b).abs() < 1e-6, "{a} {b}"));
    }
    assert!(store.get(&unused).is_none());
    for (tensor, _) in &pairs {
        // Candle keeps entries of constants too, the input of the model here.
        let there = by_backward.get(tensor).is_some();
        assert_eq!(store.get(tensor).is_some(), there);
    }
    Ok(())
}

#[test]
fn an_optimizer_steps_on_a_ready_store() -> Result<()> {
    let x = var(&[1.0, -2.0], DType::F32)?;
    let gradient = Tensor::new(&[0.5f32, 4.0], CPU)?;
    let store = grad_store(&[(x.as_tensor().clone(), gradient.clone())])?;
    assert_eq!(store.get(&x).map(Tensor::id), Some(gradient.id()));
    let mut optimizer = SGD::new(vec![x.clone()], 0.5)?;
    optimizer.step(&store)?;
    assert_eq!(array(&x).data, [0.75, -4.0]);
    assert!(grad_store(&[(x.as_tensor().clone(), Tensor::zeros(3, DType::F32, CPU)?)]).is_err());
    assert_eq!(grad_store(&[])?.get_ids().count(), 0);
    Ok(())
}
