//! Parts of a statistic → the statistic of all.

use crate::ir::{MapOp, pairwise_sum};

/// How the numbers of shards become one number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Merge {
    /// Σ.
    Sum,
    /// Π.
    Product,
    /// The largest; NaN if one is.
    Max,
    /// The smallest; NaN if one is.
    Min,
    /// log Σ exp, without overflow.
    LogSumExp,
    /// The same in every shard, such as the size of another axis.
    Same,
}

impl Merge {
    /// The parts of all shards, in their order, as one; `None` if they should be the same and are not.
    ///
    /// Parts are taken together by halves, as the reference back end takes together the halves of what it sums.
    /// So the same parts in the same order give the same bits whoever pools them, and four equal
    /// shards give those of the batch where its own sum has the same halves.
    pub fn pool(self, parts: &[f64]) -> Option<f64> {
        let of_two = |op: MapOp| halves(parts, &|a, b| op.eval(a, b, 0.0));
        Some(match self {
            Merge::Sum => of_two(MapOp::Add).unwrap_or(0.0),
            Merge::Product => of_two(MapOp::Mul).unwrap_or(1.0),
            Merge::Max => of_two(MapOp::Max).unwrap_or(f64::NEG_INFINITY),
            Merge::Min => of_two(MapOp::Min).unwrap_or(f64::INFINITY),
            Merge::LogSumExp => log_sum_exp(parts),
            Merge::Same => {
                let first = *parts.first()?;
                let same = |x: &f64| x.to_bits() == first.to_bits();
                return parts.iter().all(same).then_some(first);
            }
        })
    }
}

fn halves(parts: &[f64], of_two: &impl Fn(f64, f64) -> f64) -> Option<f64> {
    match parts {
        [] => None,
        [one] => Some(*one),
        _ => {
            let (a, b) = parts.split_at(parts.len() / 2);
            Some(of_two(halves(a, of_two)?, halves(b, of_two)?))
        }
    }
}

/// −∞ of nothing and of nothing but −∞.
fn log_sum_exp(parts: &[f64]) -> f64 {
    let largest = halves(parts, &|a, b| MapOp::Max.eval(a, b, 0.0)).unwrap_or(f64::NEG_INFINITY);
    if !largest.is_finite() {
        return largest;
    }
    let terms: Vec<f64> = parts
        .iter()
        .map(|x| MapOp::Exp.eval(x - largest, 0.0, 0.0))
        .collect();
    largest + MapOp::Log.eval(pairwise_sum(&terms), 0.0, 0.0)
}

#[cfg(test)]
mod tests {
    use super::Merge;

    #[test]
    fn parts_become_one() {
        let parts = [3.0, -1.0, 0.5];
        assert_eq!(Merge::Sum.pool(&parts), Some(2.5));
        assert_eq!(Merge::Product.pool(&parts), Some(-1.5));
        assert_eq!(Merge::Max.pool(&parts), Some(3.0));
        assert_eq!(Merge::Min.pool(&parts), Some(-1.0));
        let all = Merge::LogSumExp.pool(&[1000.0, 1000.0]).expect("a number");
        assert!((all - (1000.0 + 2f64.ln())).abs() < 1e-12);
        let nothing = [f64::NEG_INFINITY; 2];
        assert_eq!(Merge::LogSumExp.pool(&nothing), Some(f64::NEG_INFINITY));
        assert!(
            Merge::Max
                .pool(&[1.0, f64::NAN])
                .expect("a number")
                .is_nan()
        );
    }

    #[test]
    fn what_should_be_the_same_is_held_to_that() {
        assert_eq!(Merge::Same.pool(&[2.0, 2.0]), Some(2.0));
        assert_eq!(Merge::Same.pool(&[2.0, 3.0]), None);
        assert!(Merge::Same.pool(&[f64::NAN; 2]).is_some_and(f64::is_nan));
    }

    #[test]
    fn sums_go_by_halves() {
        let parts = [1e16, 1.0, 1.0, 1.0];
        assert_eq!(Merge::Sum.pool(&parts), Some((1e16 + 1.0) + (1.0 + 1.0)));
    }
}
