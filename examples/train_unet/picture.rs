//! Images, truth and predictions side by side, as a PNG file.

use crate::data::Sample;
use std::io;
use std::path::Path;

type Rgb = [u8; 3];

const PAPER: Rgb = [246, 244, 240];
const TRUTH: Rgb = [255, 255, 255];
const HIT: Rgb = [64, 214, 140];
const FALSE_ALARM: Rgb = [255, 176, 32];
const MISS: Rgb = [224, 64, 224];

/// What the colours of the predictions mean.
pub const LEGEND: &str = "green: lesion found, amber: false alarm, magenta: lesion missed";

/// One row for each sample: the image, the truth, and one panel for each of its predictions.
pub fn save(path: &Path, size: usize, rows: &[(Sample, Vec<Vec<u32>>)]) -> io::Result<()> {
    let zoom = (288 / size).max(1);
    let (panel, gap) = (zoom * size, 6);
    let columns = 2 + rows.first().map_or(0, |(_, predictions)| predictions.len());
    let width = columns * panel + (columns + 1) * gap;
    let height = rows.len() * panel + (rows.len() + 1) * gap;
    let mut pixels: Vec<Rgb> = vec![PAPER; width * height];
    for (row, (sample, predictions)) in rows.iter().enumerate() {
        // Grey and dim, so that the colours of the classes stand out and the place stays clear.
        let dim = |x: f32, y: f32| {
            let [r, g, b] = smooth(sample, size, x, y);
            [byte(0.7 * (0.45 * r + 0.45 * g + 0.1 * b) + 0.03); 3]
        };
        let mut put = |column: usize, colour: &dyn Fn(f32, f32, usize) -> Rgb| {
            let (left, top) = (gap + column * (panel + gap), gap + row * (panel + gap));
            for y in 0..panel {
                for x in 0..panel {
                    let at = |i: usize| (i as f32 + 0.5) / zoom as f32 - 0.5;
                    let pixel = y / zoom * size + x / zoom;
                    pixels[(top + y) * width + left + x] = colour(at(x), at(y), pixel);
                }
            }
        };
        put(0, &|x, y, _| smooth(sample, size, x, y).map(byte));
        put(1, &|x, y, i| {
            if sample.labels[i] == 1 {
                TRUTH
            } else {
                dim(x, y)
            }
        });
        for (column, prediction) in predictions.iter().enumerate() {
            put(
                2 + column,
                &|x, y, i| match (sample.labels[i], prediction[i]) {
                    (1, 1) => HIT,
                    (1, _) => MISS,
                    (_, 1) => FALSE_ALARM,
                    _ => dim(x, y),
                },
            );
        }
    }
    let file = io::BufWriter::new(std::fs::File::create(path)?);
    let mut encoder = png::Encoder::new(file, width as u32, height as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels.as_flattened())?;
    Ok(writer.finish()?)
}

/// The colour between pixels: what is enlarged looks like a photograph, not like a mosaic.
fn smooth(sample: &Sample, size: usize, x: f32, y: f32) -> [f32; 3] {
    let split = |v: f32| {
        let v = v.clamp(0.0, size as f32 - 1.001);
        (v as usize, v.fract())
    };
    let ((x, right), (y, below)) = (split(x), split(y));
    [0, 1, 2].map(|c| {
        let at = |x: usize, y: usize| sample.image[(c * size + y) * size + x];
        let row = |y: usize| (1.0 - right) * at(x, y) + right * at(x + 1, y);
        (1.0 - below) * row(y) + below * row(y + 1)
    })
}

fn byte(value: f32) -> u8 {
    (255.0 * value.clamp(0.0, 1.0)) as u8
}
