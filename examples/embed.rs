//! The shortest way in: a loss as text, two tensors, one backward pass.
//!
//! ```sh
//! cargo run --example embed
//! ```

use candle_core::{DType, Device, Tensor, Var};
use lossc::{Error, Inputs, Loss};

const SPEC: &str = "
    param alpha: real in [0, 1] = 0.5    ## share of the region term

    term region = dice(smooth=1e-6)
    term pixel  = wce([0.2, 0.8])
    minimize alpha*region + (1 - alpha)*pixel
";

fn main() -> Result<(), Error> {
    let loss = Loss::compile(SPEC)?;

    // Two images of 8×8 pixels with two classes. A real program has its model here.
    let labels: Vec<u32> = (0..128).map(|i| u32::from(i % 17 == 0)).collect();
    let labels = Tensor::from_vec(labels, (2, 8, 8), &Device::Cpu)?;
    let logits = Var::zeros((2, 2, 8, 8), DType::F32, &Device::Cpu)?;
    let inputs = Inputs::from([("pred", logits.as_tensor()), ("target", &labels)]);

    let outcome = loss.run(inputs.clone())?;
    println!("total {}", outcome.total.to_scalar::<f32>()?);
    for term in &outcome.terms {
        // A term that enters the total otherwise than by a factor has no weighted value.
        let weighted = term.weighted().unwrap_or(f64::NAN);
        println!("  {}: {:.4}, weighted {weighted:.4}", term.name, term.raw);
    }

    // The total is a Candle tensor like any other.
    let grads = outcome.total.backward()?;
    if let Some(grad) = grads.get(&logits) {
        let norm = grad.sqr()?.sum_all()?.sqrt()?.to_scalar::<f32>()?;
        println!("gradient of shape {:?}, norm {norm:.5}", grad.dims());
    }

    // Params are inputs with a default: nothing is compiled again.
    for alpha in [0.0, 0.25, 1.0] {
        let outcome = loss.run(inputs.clone().scalar("alpha", alpha))?;
        println!(
            "alpha {alpha}: total {:.4}",
            outcome.total.to_scalar::<f32>()?
        );
    }
    Ok(())
}
