//! Labels that are no class: one sweep over them, in their own element type.

use candle_core::{CpuStorage, DType, Result, Storage, Tensor};

/// The place, in row-major order, of the first label that is negative or not below `classes`.
///
/// A batch is almost always right, so the sweep only finds out whether anything is wrong, without
/// branches; only then is the place looked for.
pub fn first_outside(labels: &Tensor, classes: usize) -> Result<Option<usize>> {
    let (storage, layout) = labels.storage_and_layout();
    let Some((start, end)) = layout.contiguous_offsets() else {
        let flat = labels.detach().flatten_all()?;
        return first_outside(&flat, classes);
    };
    let Storage::Cpu(storage) = &*storage else {
        let here = labels.detach().flatten_all()?.to_dtype(DType::I64)?;
        return Ok(wide(&here.to_vec1()?, classes));
    };
    Ok(match storage {
        CpuStorage::U8(x) => small(&x[start..end], classes, u8::MAX),
        CpuStorage::U32(x) => small(&x[start..end], classes, u32::MAX),
        CpuStorage::I16(x) => small(&x[start..end], classes, i16::MAX),
        CpuStorage::I32(x) => small(&x[start..end], classes, i32::MAX),
        CpuStorage::I64(x) => wide(&x[start..end], classes),
        _ => candle_core::bail!("labels are integers, and these are {:?}", labels.dtype()),
    })
}

/// Labels of at most four bytes, the largest of whose type is `most`.
fn small<T>(labels: &[T], classes: usize, most: T) -> Option<usize>
where
    T: Copy + Ord + Default + Into<i64> + TryFrom<usize>,
{
    let Some(top) = classes.checked_sub(1) else {
        return first(labels, classes);
    };
    let top = T::try_from(top).unwrap_or(most);
    let (mut least, mut largest) = (T::default(), T::default());
    for &label in labels {
        least = least.min(label);
        largest = largest.max(label);
    }
    (least < T::default() || largest > top)
        .then(|| first(labels, classes))
        .flatten()
}

/// Labels of eight bytes, which not every machine can compare side by side: a label l is a class if
/// neither l nor top − l is negative, so the signs of both are gathered.
fn wide(labels: &[i64], classes: usize) -> Option<usize> {
    let Some(top) = i64::try_from(classes)
        .unwrap_or(i64::MAX)
        .checked_sub(1)
        .filter(|t| *t >= 0)
    else {
        return first(labels, classes);
    };
    let signs = labels
        .iter()
        .fold(0, |signs, &label| signs | label | top.wrapping_sub(label));
    (signs < 0).then(|| first(labels, classes)).flatten()
}

/// The place of the first that is no class.
fn first<T: Copy + Into<i64>>(labels: &[T], classes: usize) -> Option<usize> {
    let outside = |label: i64| u64::try_from(label).map_or(true, |label| label >= classes as u64);
    labels.iter().position(|&label| outside(label.into()))
}

#[cfg(test)]
mod tests {
    use super::first_outside;
    use candle_core::{DType, Device, Tensor};

    #[test]
    fn finds_the_first_in_every_type() {
        let labels = Tensor::new(&[[0i64, 3, 1], [2, 3, 0]], &Device::Cpu).unwrap();
        for dtype in [DType::U8, DType::U32, DType::I16, DType::I32, DType::I64] {
            let labels = labels.to_dtype(dtype).unwrap();
            let at = |classes| first_outside(&labels, classes).unwrap();
            assert_eq!(at(4), None, "{dtype:?}");
            assert_eq!(at(usize::MAX), None, "{dtype:?}");
            assert_eq!(at(3), Some(1), "{dtype:?}");
            assert_eq!(at(1), Some(1), "{dtype:?}");
            assert_eq!(at(0), Some(0), "{dtype:?}");
            // Positions are those of the tensor, however it lies in memory.
            let turned = labels.t().unwrap();
            assert_eq!(first_outside(&turned, 3).unwrap(), Some(2), "{dtype:?}");
            let part = labels.narrow(1, 2, 1).unwrap();
            assert_eq!(first_outside(&part, 1).unwrap(), Some(0), "{dtype:?}");
        }
        let none = Tensor::zeros((0, 3), DType::I64, &Device::Cpu).unwrap();
        assert_eq!(first_outside(&none, 0).unwrap(), None);
    }

    #[test]
    fn finds_negative_and_extreme_ones() {
        for (bad, at) in [(-1i64, 37), (i64::MIN, 0), (i64::MAX, 99), (19, 64)] {
            let mut labels = vec![18i64; 100];
            labels[at] = bad;
            let wide = Tensor::new(labels.clone(), &Device::Cpu).unwrap();
            assert_eq!(first_outside(&wide, 19).unwrap(), Some(at));
            let narrow = wide.to_dtype(DType::I16).unwrap();
            let bad = i64::from(bad as i16);
            let expected = (!(0..19).contains(&bad)).then_some(at);
            assert_eq!(first_outside(&narrow, 19).unwrap(), expected);
        }
    }
}
