//! What tensors may be bound, what comes out, and what is refused.

use super::{Case, array};
use candle_core::{DType, Device, Result, Tensor, Var};
use half::{bf16, f16};
use lossc::ir::{DimId, DimSizes, Dims, Elem, MapOp, Op};
use lossc::run::candle;

fn pass_through(elem: Elem) -> Case {
    let mut case = Case::new(&[3]);
    let x = case.input(elem, Dims::one(DimId(0)), || 0.0);
    case.output(x);
    case
}

#[test]
fn dtypes() -> Result<()> {
    let numbers = [0.0f64, 1.0, 2.0];
    let dense = Tensor::from_slice(&numbers, 3, &Device::Cpu)?;
    let floats = [DType::F16, DType::BF16, DType::F32, DType::F64];
    let integers = [DType::U8, DType::U32, DType::I16, DType::I32, DType::I64];
    for dtype in floats.into_iter().chain(integers) {
        let x = [dense.to_dtype(dtype)?];
        assert_eq!(
            pass_through(Elem::Float).candle(&x, DType::F32)[0].data,
            numbers
        );
        assert_eq!(
            pass_through(Elem::Bool).candle(&x, DType::F64)[0].data,
            [0.0, 1.0, 1.0]
        );
        if integers.contains(&dtype) {
            assert_eq!(
                pass_through(Elem::Int).candle(&x, DType::F64)[0].data,
                numbers
            );
        }
    }
    Ok(())
}

#[test]
fn half_precision_is_computed_in_f32() -> Result<()> {
    let mut case = Case::new(&[3]);
    let dims = Dims::one(DimId(0));
    let x = case.input(Elem::Float, dims, || 0.0);
    let y = case.push(Op::Map(MapOp::Exp), &[x]);
    case.output(y);
    for value in [f16::from_f64(1.5).to_f64(), bf16::from_f64(1.1).to_f64()] {
        let x = Tensor::full(value, 3, &Device::Cpu)?;
        for dtype in [DType::F16, DType::BF16] {
            let narrow = x.to_dtype(dtype)?;
            let value = array(&narrow).data[0];
            let y = case.candle(&[narrow], DType::F32);
            assert!((y[0].data[0] - value.exp()).abs() < 1e-6 * value.exp());
        }
    }
    Ok(())
}

#[test]
fn refusals() -> Result<()> {
    let sizes = DimSizes(vec![3]);
    let run = |elem, tensors: &[Tensor], dtype| {
        let case = pass_through(elem);
        match candle::run(&case.graph, &sizes, tensors, dtype, &Device::Cpu) {
            Ok(_) => panic!("accepted"),
            Err(why) => why.to_string(),
        }
    };
    let x = Tensor::zeros(3, DType::F32, &Device::Cpu)?;
    let y = Tensor::zeros(4, DType::F32, &Device::Cpu)?;
    let why = run(Elem::Float, &[y], DType::F32);
    assert!(why.contains("`x0` has shape [4], not [3]"), "{why}");
    let why = run(Elem::Int, std::slice::from_ref(&x), DType::F32);
    assert!(why.contains("`x0` is F32, not integer"), "{why}");
    let why = run(Elem::Float, std::slice::from_ref(&x), DType::F16);
    assert!(why.contains("f32 or f64"), "{why}");
    let why = run(Elem::Float, &[], DType::F32);
    assert!(why.contains("0 tensors for 1 inputs"), "{why}");
    Ok(())
}

/// A variable that changes in place does not change what was computed from it.
#[test]
fn outputs_have_memory_of_their_own() -> Result<()> {
    let mut case = Case::new(&[3]);
    let dims = Dims::one(DimId(0));
    let x = case.input(Elem::Float, dims.clone(), || 0.0);
    let same = case.push(Op::StopGrad, &[x]);
    let entry = case.push(
        Op::At {
            dim: DimId(0),
            index: 1,
        },
        &[x],
    );
    case.output(x);
    case.output(same);
    case.output(entry);
    let var = Var::from_tensor(&Tensor::new(&[1f32, 2.0, 3.0], &Device::Cpu)?)?;
    let inputs = [var.as_tensor().clone()];
    let sizes = DimSizes(vec![3]);
    let outputs = candle::run(&case.graph, &sizes, &inputs, DType::F32, &Device::Cpu)?;
    var.set(&Tensor::zeros(3, DType::F32, &Device::Cpu)?)?;
    assert_eq!(array(&outputs[0]).data, [1.0, 2.0, 3.0]);
    assert_eq!(array(&outputs[1]).data, [1.0, 2.0, 3.0]);
    assert_eq!(array(&outputs[2]).data, [2.0]);
    Ok(())
}

#[test]
fn failures_name_the_node() -> Result<()> {
    // Sizes that contradict the graph: a bug of the compiler, reported and not a panic.
    let mut case = Case::new(&[3, 5]);
    let x = case.input(Elem::Float, Dims::one(DimId(0)), || 0.0);
    let (from, to, start) = (DimId(0), DimId(1), 0);
    let y = case.push(Op::Slice { from, to, start }, &[x]);
    case.output(y);
    let inputs = [Tensor::zeros(3, DType::F32, &Device::Cpu)?];
    let sizes = DimSizes(case.sizes.clone());
    let result = candle::run(&case.graph, &sizes, &inputs, DType::F32, &Device::Cpu);
    let why = result
        .map(|_| ())
        .expect_err("the slice does not fit")
        .to_string();
    assert!(why.contains("in `slice` (%1)"), "{why}");
    Ok(())
}
