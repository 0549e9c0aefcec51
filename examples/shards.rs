//! Four shards give the loss and the gradient of one batch: what to pool, and where an all-reduce goes.
//!
//! ```sh
//! cargo run --example shards
//! ```

use candle_core::{Device, Tensor};
use lossc::shard::Merge;
use lossc::{Backend, Compiler, Error, Inputs, Sharding, Statistics};

/// The Dice of the batch is not the mean of the Dice of its parts, and neither is a weighted mean.
const SPEC: &str = "0.5*dice(over=[batch, space]) + 0.5*wce([0.2, 0.3, 0.5])";

const SAMPLES: usize = 128;
const RANKS: usize = 4;

/// What a collective library offers: every rank gives its numbers and gets those of all ranks. In one process
/// it has nothing to send.
fn all_gather(ranks: &[Statistics]) -> Vec<Vec<f64>> {
    ranks.iter().map(|rank| rank.values().to_vec()).collect()
}

/// The other way: the numbers of all ranks reduced to one list, each by the operation that it asks for.
fn all_reduce(ranks: &[Statistics]) -> Vec<f64> {
    let merges = ranks[0].merges();
    let reduce = |(i, merge): (usize, &Merge)| {
        let of_rank = |rank: &Statistics| rank.values()[i];
        match merge {
            Merge::Sum => ranks.iter().map(of_rank).sum(),
            Merge::Max => ranks.iter().map(of_rank).fold(f64::MIN, f64::max),
            Merge::Min => ranks.iter().map(of_rank).fold(f64::MAX, f64::min),
            Merge::Same => of_rank(&ranks[0]),
            // This loss has none of these.
            Merge::Product | Merge::LogSumExp => f64::NAN,
        }
    };
    merges.iter().enumerate().map(reduce).collect()
}

fn main() -> Result<(), Error> {
    let loss = Compiler::new().backend(Backend::Reference).compile(SPEC)?;

    // A batch of pixels with three classes, and the shard of each rank.
    let logits: Vec<f64> = (0..3 * SAMPLES).map(|i| (i as f64 * 0.7).sin()).collect();
    let labels: Vec<i64> = (0..SAMPLES as i64).map(|i| i * i % 7 % 3).collect();
    let logits = Tensor::from_vec(logits, (SAMPLES, 3), &Device::Cpu)?;
    let labels = Tensor::from_vec(labels, SAMPLES, &Device::Cpu)?;
    let size = SAMPLES / RANKS;
    let mut shards = Vec::new();
    for rank in 0..RANKS {
        let (pred, target) = (
            logits.narrow(0, rank * size, size)?,
            labels.narrow(0, rank * size, size)?,
        );
        shards.push(Inputs::from([("pred", &pred), ("target", &target)]));
    }

    // Every rank does this. Most losses take one round; what has a statistic of a statistic takes more.
    let sharded = loss.sharded(Sharding::batch().gradient("pred"))?;
    let mut pooled = sharded.begin();
    while !pooled.is_complete() {
        let ranks = shards
            .iter()
            .map(|shard| sharded.partial(shard.clone(), &pooled));
        let ranks: Vec<Statistics> = ranks.collect::<Result<_, Error>>()?;
        println!("a rank sends {} numbers", ranks[0].values().len());
        // Gathered and pooled in the order of ranks: the same bits on every rank.
        let gathered = all_gather(&ranks).into_iter();
        let gathered: Vec<Statistics> = gathered
            .map(|numbers| ranks[0].with_values(numbers))
            .collect();
        // Or reduced on the way.
        let reduced = ranks[0].with_values(all_reduce(&ranks));
        let mut other = pooled.clone();
        sharded.merge(&mut other, &[reduced])?;
        sharded.merge(&mut pooled, &gathered)?;
        assert_eq!(other.shards(), pooled.shards());
    }

    let (whole, gradients) = loss.gradients([("pred", &logits), ("target", &labels)])?;
    let of_batch = whole.total.to_scalar::<f64>()?;
    let (mut of_pooled, mut of_parts) = (f64::NAN, 0.0);
    let mut stretches = Vec::new();
    for shard in shards {
        let (outcome, part) = sharded.gradients(shard.clone(), &pooled)?;
        of_pooled = outcome.total.to_scalar::<f64>()?;
        assert_eq!(of_pooled, of_batch);
        stretches.push(part[0].1.clone());
        of_parts += loss.run(shard)?.total.to_scalar::<f64>()? / RANKS as f64;
    }
    let difference = (Tensor::cat(&stretches, 0)? - &gradients[0].1)?;
    let difference = difference.abs()?.max_all()?.to_scalar::<f64>()?;
    println!("loss of the batch        {of_batch}");
    println!("loss of the pooled parts {of_pooled}");
    println!("mean of the parts' loss  {of_parts}");
    println!("gradients differ by      {difference}");
    Ok(())
}
