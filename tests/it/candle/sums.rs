//! Sums that f32 can hold do not stop growing, whatever the axes and the length.

use super::{Case, Rng};
use candle_core::{DType, Device, Result, Tensor};
use lossc::ir::{DimId, DimSizes, Dims, Elem, Op, ReduceOp};
use lossc::run::candle;

/// Σ of `x` over `over`, computed in f32.
fn sum(x: &Tensor, over: &[u32]) -> Result<Vec<f32>> {
    let mut case = Case::new(&[]);
    for &size in x.dims() {
        case.dim(size, lossc::ir::DimSize::Bound);
    }
    let ty = lossc::ir::Ty::new(Elem::Float, case.all());
    case.graph
        .inputs
        .push(lossc::ir::Input::new("x", ty.clone()));
    let node = case.graph.leaf(Op::Input(0), ty, super::ORIGIN);
    let over: Dims = over.iter().map(|&i| DimId(i)).collect();
    let y = case.push(Op::Reduce(ReduceOp::Sum, over), &[node]);
    case.output(y);
    let sizes = DimSizes(case.sizes.clone());
    let inputs = std::slice::from_ref(x);
    let y = candle::run(&case.graph, &sizes, inputs, DType::F32, &Device::Cpu)?;
    y[0].flatten_all()?.to_vec1()
}

fn ones(shape: &[usize]) -> Result<Tensor> {
    Tensor::ones(shape, DType::F32, &Device::Cpu)
}

const MANY: f32 = 67_108_864.0;

#[test]
fn many_ones() -> Result<()> {
    assert_eq!(sum(&ones(&[1 << 26])?, &[0])?, [MANY]);
    Ok(())
}

#[test]
fn many_ones_along_a_leading_axis() -> Result<()> {
    assert_eq!(sum(&ones(&[1 << 25, 2])?, &[0])?, [MANY / 2.0; 2]);
    Ok(())
}

#[test]
fn many_ones_around_a_kept_axis() -> Result<()> {
    assert_eq!(
        sum(&ones(&[1 << 10, 2, 1 << 15])?, &[0, 2])?,
        [MANY / 2.0; 2]
    );
    Ok(())
}

#[test]
fn many_ones_with_axes_in_another_order() -> Result<()> {
    let x = ones(&[1 << 15, 1 << 10, 2])?.permute((2, 1, 0))?;
    assert_eq!(sum(&x, &[1, 2])?, [MANY / 2.0; 2]);
    Ok(())
}

/// Lengths that no chunk divides, and a repeated axis that is never stored.
#[test]
fn many_ones_of_odd_lengths() -> Result<()> {
    // A prime above 2^24, and one odd number more than f32 has between.
    let prime = 16_777_259;
    let exact = Tensor::ones((1, prime), DType::F32, &Device::Cpu)?;
    assert_eq!(sum(&exact, &[1])?, [prime as f32]);
    let x = ones(&[3, 16_411, 7])?;
    assert_eq!(sum(&x, &[1])?, [16_411.0; 21]);
    assert_eq!(sum(&x, &[0, 1, 2])?, [344_631.0]);
    let repeated = ones(&[1, 5])?.broadcast_as((1 << 24, 5))?;
    assert_eq!(sum(&repeated, &[0, 1])?, [83_886_080.0]);
    Ok(())
}

#[test]
fn means_are_accurate() -> Result<()> {
    let mut rng = Rng::new(1);
    let numbers: Vec<f32> = (0..3 * 65_536).map(|_| rng.real() as f32 + 1.1).collect();
    let x = Tensor::from_slice(&numbers, (3, 65_536), &Device::Cpu)?;
    for x in [&x, &x.t()?.contiguous()?.t()?] {
        for (i, sum) in sum(x, &[1])?.into_iter().enumerate() {
            let row = &numbers[i * 65_536..(i + 1) * 65_536];
            let exact: f64 = row.iter().map(|&x| f64::from(x)).sum();
            assert!((f64::from(sum) / exact - 1.0).abs() < 1e-7, "{sum} {exact}");
        }
    }
    Ok(())
}

#[test]
fn short_sums_are_accurate() -> Result<()> {
    let mut rng = Rng::new(1);
    for length in 1..600 {
        let numbers: Vec<f32> = (0..4 * length).map(|_| rng.real() as f32 + 1.0).collect();
        let x = Tensor::from_slice(&numbers, (length, 4), &Device::Cpu)?;
        for (i, sum) in sum(&x, &[0])?.into_iter().enumerate() {
            let column = numbers.iter().skip(i).step_by(4);
            let exact: f64 = column.map(|&x| f64::from(x)).sum();
            assert!(
                (f64::from(sum) / exact - 1.0).abs() < 1e-6,
                "{length}: {sum} {exact}"
            );
        }
    }
    Ok(())
}

/// Rows of matrices that are longer than f32 adds accurately one after the other.
#[test]
fn long_contractions_are_accurate() {
    let (rows, columns, length) = (3, 2, 300_007);
    let mut rng = Rng::new(1);
    let mut case = Case::new(&[rows, length, columns]);
    let dims = |a, b| [DimId(a), DimId(b)].into_iter().collect();
    let a = case.input(Elem::Float, dims(0, 1), || rng.real() + 1.0);
    let b = case.input(Elem::Float, dims(1, 2), || rng.real() + 1.0);
    let y = case.push(Op::Dot(Dims::one(DimId(1))), &[a, b]);
    case.output(y);
    case.agree(&mut rng, 0.0);
}
