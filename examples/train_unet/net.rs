//! A U-Net of three levels, small enough to train on a laptop.

use crate::data::Rng;
use candle_core::{Device, Result, Tensor, Var};
use candle_nn::ops::{pixel_shuffle, pixel_unshuffle};
use candle_nn::{Conv2d, Conv2dConfig, Module};

/// Of the finest level; each coarser one has twice as many.
const CHANNELS: usize = 16;

pub struct UNet {
    enter: Conv2d,
    fine: Conv2d,
    to_middle: Conv2d,
    middle: Conv2d,
    to_coarse: Conv2d,
    coarse: Conv2d,
    up_middle: Conv2d,
    join_middle: Conv2d,
    up_fine: Conv2d,
    join_fine: Conv2d,
    head: Conv2d,
}

impl UNet {
    /// Weights come from the seed (Candle's own generator cannot be seeded on the CPU), so that two
    /// losses can be compared from the same start. Returns the variables for the optimizer.
    pub fn new(seed: u64) -> Result<(UNet, Vec<Var>)> {
        let (c, mut rng, mut vars) = (CHANNELS, Rng::new(seed), Vec::new());
        let mut conv = |from: usize, to: usize, kernel: usize, stride: usize| {
            let inputs = from * kernel * kernel;
            let spread = (2.0 / inputs as f32).sqrt();
            let weight: Vec<f32> = (0..to * inputs).map(|_| spread * rng.normal()).collect();
            let weight = Tensor::from_vec(weight, (to, from, kernel, kernel), &Device::Cpu)?;
            let weight = Var::from_tensor(&weight)?;
            let bias = Var::zeros(to, candle_core::DType::F32, &Device::Cpu)?;
            let config = Conv2dConfig {
                padding: kernel / 2,
                stride,
                ..Conv2dConfig::default()
            };
            let (w, b) = (weight.as_tensor().clone(), bias.as_tensor().clone());
            vars.extend([weight, bias]);
            Ok::<Conv2d, candle_core::Error>(Conv2d::new(w, Some(b), config))
        };
        let net = UNet {
            enter: conv(12, c, 3, 1)?,
            fine: conv(c, c, 3, 1)?,
            // Strides instead of max pooling, whose gradient in Candle is too small.
            to_middle: conv(c, 2 * c, 3, 2)?,
            middle: conv(2 * c, 2 * c, 3, 1)?,
            to_coarse: conv(2 * c, 4 * c, 3, 2)?,
            coarse: conv(4 * c, 4 * c, 3, 1)?,
            up_middle: conv(4 * c, 2 * c, 1, 1)?,
            join_middle: conv(2 * c, 2 * c, 3, 1)?,
            up_fine: conv(2 * c, c, 1, 1)?,
            join_fine: conv(c, c, 3, 1)?,
            head: conv(c, 8, 1, 1)?,
        };
        Ok((net, vars))
    }
}

impl Module for UNet {
    /// `[N, 3, H, W]` → logits `[N, 2, H, W]`; `H` and `W` are multiples of 8.
    fn forward(&self, image: &Tensor) -> Result<Tensor> {
        // Four neighbours become channels of one position, and logits come out the same way back: a
        // quarter of the convolving, and still every pixel has logits of its own.
        let image = pixel_unshuffle(&image.affine(3.0, -0.9)?, 2)?;
        let fine = self
            .fine
            .forward(&self.enter.forward(&image)?.relu()?)?
            .relu()?;
        let middle = self.to_middle.forward(&fine)?.relu()?;
        let middle = self.middle.forward(&middle)?.relu()?;
        let coarse = self.to_coarse.forward(&middle)?.relu()?;
        let coarse = self.coarse.forward(&coarse)?.relu()?;
        // The way up adds to the way down, which is cheaper than a concatenation.
        let middle = (twice(&self.up_middle.forward(&coarse)?)? + middle)?;
        let middle = self.join_middle.forward(&middle)?.relu()?;
        let fine = (twice(&self.up_fine.forward(&middle)?)? + fine)?;
        let fine = self.join_fine.forward(&fine)?.relu()?;
        pixel_shuffle(&self.head.forward(&fine)?, 2)
    }
}

fn twice(x: &Tensor) -> Result<Tensor> {
    let (_, _, height, width) = x.dims4()?;
    x.upsample_nearest2d(2 * height, 2 * width)
}
