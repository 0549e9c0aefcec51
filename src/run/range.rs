//! Labels that are no class: one sweep over them, in their own element type.

use super::threads;
use candle_core::{CpuStorage, DType, Result, Storage, Tensor};
use std::sync::atomic::{AtomicBool, Ordering};

/// So many bytes of labels are worth a thread of their own: handing them over takes a microsecond, and looking at them
/// two or more.
const SHARE: usize = 128 * 1024;

/// The place, in row-major order, of the first label that is negative or not below `classes`, and is
/// not the one that is `spared`.
///
/// A batch is almost always right, so the sweep only finds out whether anything is wrong, without
/// branches; only then is the place looked for.
pub fn first_outside(
    labels: &Tensor,
    classes: usize,
    spared: Option<i64>,
) -> Result<Option<usize>> {
    let (storage, layout) = labels.storage_and_layout();
    let Some((start, end)) = layout.contiguous_offsets() else {
        let flat = labels.detach().flatten_all()?;
        return first_outside(&flat, classes, spared);
    };
    let Storage::Cpu(storage) = &*storage else {
        let here = labels.detach().flatten_all()?.to_dtype(DType::I64)?;
        return Ok(wide(&here.to_vec1()?, classes, spared));
    };
    Ok(match storage {
        CpuStorage::U8(x) => small(&x[start..end], classes, spared, u8::MAX),
        CpuStorage::U32(x) => small(&x[start..end], classes, spared, u32::MAX),
        CpuStorage::I16(x) => small(&x[start..end], classes, spared, i16::MAX),
        CpuStorage::I32(x) => small(&x[start..end], classes, spared, i32::MAX),
        CpuStorage::I64(x) => wide(&x[start..end], classes, spared),
        _ => candle_core::bail!("labels are integers, and these are {:?}", labels.dtype()),
    })
}

/// Labels of at most four bytes, the largest of whose type is `most`.
fn small<T>(labels: &[T], classes: usize, spared: Option<i64>, most: T) -> Option<usize>
where
    T: Copy + Ord + Default + Into<i64> + TryFrom<usize> + TryFrom<i64> + Sync,
{
    let Some(top) = classes.checked_sub(1) else {
        return first(labels, classes, spared);
    };
    let top = T::try_from(top).unwrap_or(most);
    // One that the type does not hold is none of the labels.
    let own = spared.and_then(|label| T::try_from(label).ok());
    let own = own.unwrap_or_default();
    let wrong = |labels: &[T]| {
        let (mut least, mut largest) = (T::default(), T::default());
        for &label in labels {
            let label = if label == own { T::default() } else { label };
            least = least.min(label);
            largest = largest.max(label);
        }
        least < T::default() || largest > top
    };
    any(labels, wrong)
        .then(|| first(labels, classes, spared))
        .flatten()
}

/// Labels of eight bytes, which not every machine can compare side by side: a label l is a class if
/// neither l nor top − l is negative, so the signs of both are gathered.
fn wide(labels: &[i64], classes: usize, spared: Option<i64>) -> Option<usize> {
    let Some(top) = i64::try_from(classes)
        .unwrap_or(i64::MAX)
        .checked_sub(1)
        .filter(|t| *t >= 0)
    else {
        return first(labels, classes, spared);
    };
    let own = spared.unwrap_or_default();
    let wrong = |labels: &[i64]| {
        let signs = labels.iter().fold(0, |signs, &label| {
            let label = if label == own { 0 } else { label };
            signs | label | top.wrapping_sub(label)
        });
        signs < 0
    };
    any(labels, wrong)
        .then(|| first(labels, classes, spared))
        .flatten()
}

/// Whether something is wrong with some of the labels, looked for by all threads.
fn any<T: Sync>(labels: &[T], wrong: impl Fn(&[T]) -> bool + Sync) -> bool {
    let threads = rayon::current_num_threads();
    let share = labels.len().div_ceil(threads).max(SHARE / size_of::<T>());
    let found = AtomicBool::new(false);
    threads::each(labels.chunks(share), |labels| {
        if wrong(labels) {
            found.store(true, Ordering::Relaxed);
        }
    });
    found.into_inner()
}

/// The place of the first that is no class.
fn first<T>(labels: &[T], classes: usize, spared: Option<i64>) -> Option<usize>
where
    T: Copy + Into<i64>,
{
    let outside = |label: i64| u64::try_from(label).map_or(true, |label| label >= classes as u64);
    let wrong = |label: i64| outside(label) && spared != Some(label);
    labels.iter().position(|&label| wrong(label.into()))
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
            let at = |classes| first_outside(&labels, classes, None).unwrap();
            assert_eq!(at(4), None, "{dtype:?}");
            assert_eq!(at(usize::MAX), None, "{dtype:?}");
            assert_eq!(at(3), Some(1), "{dtype:?}");
            assert_eq!(at(1), Some(1), "{dtype:?}");
            assert_eq!(at(0), Some(0), "{dtype:?}");
            // Positions are those of the tensor, however it lies in memory.
            let turned = labels.t().unwrap();
            assert_eq!(
                first_outside(&turned, 3, None).unwrap(),
                Some(2),
                "{dtype:?}"
            );
            let part = labels.narrow(1, 2, 1).unwrap();
            assert_eq!(first_outside(&part, 1, None).unwrap(), Some(0), "{dtype:?}");
        }
        let none = Tensor::zeros((0, 3), DType::I64, &Device::Cpu).unwrap();
        assert_eq!(first_outside(&none, 0, None).unwrap(), None);
    }

    #[test]
    fn finds_negative_and_extreme_ones() {
        for (bad, at) in [(-1i64, 37), (i64::MIN, 0), (i64::MAX, 99), (19, 64)] {
            let mut labels = vec![18i64; 100];
            labels[at] = bad;
            let wide = Tensor::new(labels.clone(), &Device::Cpu).unwrap();
            assert_eq!(first_outside(&wide, 19, None).unwrap(), Some(at));
            let narrow = wide.to_dtype(DType::I16).unwrap();
            let bad = i64::from(bad as i16);
            let expected = (!(0..19).contains(&bad)).then_some(at);
            assert_eq!(first_outside(&narrow, 19, None).unwrap(), expected);
        }
    }

    /// Labels for several threads, whichever of them has the one that is wrong.
    #[test]
    fn finds_it_among_many() {
        let count = 3 * super::SHARE + 6;
        for at in [0, super::SHARE - 1, super::SHARE, count - 1] {
            let mut labels = vec![2i64; count];
            labels[at] = 3;
            let labels = Tensor::new(labels, &Device::Cpu).unwrap();
            for dtype in [DType::I64, DType::U8] {
                let labels = labels.to_dtype(dtype).unwrap();
                assert_eq!(first_outside(&labels, 3, None).unwrap(), Some(at));
                assert_eq!(first_outside(&labels, 4, None).unwrap(), None);
                assert_eq!(first_outside(&labels, 3, Some(3)).unwrap(), None);
            }
        }
    }

    #[test]
    fn spares_one() {
        for spared in [-100i64, 255, 2, 70_000] {
            let labels = Tensor::new(&[0i64, spared, 1, 3, spared, 7], &Device::Cpu).unwrap();
            for dtype in [DType::U8, DType::U32, DType::I16, DType::I32, DType::I64] {
                let labels = labels.to_dtype(dtype).unwrap();
                let here = |at: usize| {
                    let label = labels.get(at).unwrap().to_dtype(DType::I64).unwrap();
                    label.to_scalar::<i64>().unwrap()
                };
                // Where the type does not hold it, something else stands there.
                let second = (!(0..8).contains(&here(1)) && here(1) != spared).then_some(1);
                let at = |classes| first_outside(&labels, classes, Some(spared)).unwrap();
                assert_eq!(at(8), second, "{dtype:?}, {spared}");
                assert_eq!(at(5), second.or(Some(5)), "{dtype:?}, {spared}");
            }
        }
        // With no classes every other label is wrong.
        let labels = Tensor::new(&[9i64, 9, 0], &Device::Cpu).unwrap();
        assert_eq!(first_outside(&labels, 0, Some(9)).unwrap(), Some(2));
    }
}
