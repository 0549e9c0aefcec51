//! A sheet as PNG, twice as many pixels as it has units.

use super::figure::{Anchor, Mark, Sheet};
use super::font::Font;
use crate::answer::{Failure, Message};
use tiny_skia::{
    Color, FillRule, LineJoin, Paint, PathBuilder, Pixmap, Stroke, StrokeDash, Transform,
};

const SCALE: f64 = 2.0;

/// The bytes of the file.
pub fn write(sheet: &Sheet) -> Result<Vec<u8>, Failure> {
    let (width, height) = ((sheet.width * SCALE) as u32, (sheet.height * SCALE) as u32);
    let Some(mut pixels) = Pixmap::new(width, height) else {
        return Err(Failure::Broken(Message::new("the picture is too large")));
    };
    pixels.fill(Color::WHITE);
    let font = Font::new();
    let scale = Transform::from_scale(SCALE as f32, SCALE as f32);
    for mark in &sheet.marks {
        let mut path = PathBuilder::new();
        let mut paint = Paint {
            anti_alias: true,
            ..Paint::default()
        };
        match mark {
            Mark::Line {
                points,
                colour,
                width,
                dashed,
            } => {
                for (i, &(x, y)) in points.iter().enumerate() {
                    match i {
                        0 => path.move_to(x as f32, y as f32),
                        _ => path.line_to(x as f32, y as f32),
                    }
                }
                paint.set_color(color(*colour));
                let stroke = Stroke {
                    width: *width as f32,
                    line_join: LineJoin::Round,
                    dash: dashed
                        .then(|| StrokeDash::new(vec![6.0, 6.0], 0.0))
                        .flatten(),
                    ..Stroke::default()
                };
                if let Some(path) = path.finish() {
                    pixels.stroke_path(&path, &paint, &stroke, scale, None);
                }
            }
            Mark::Text {
                at,
                text,
                size,
                anchor,
                colour,
            } => {
                let width = font.width(text, *size);
                let x = match anchor {
                    Anchor::Start => at.0,
                    Anchor::Middle => at.0 - width / 2.0,
                    Anchor::End => at.0 - width,
                };
                font.outline(text, *size, (x, at.1), &mut path);
                paint.set_color(color(*colour));
                if let Some(path) = path.finish() {
                    pixels.fill_path(&path, &paint, FillRule::Winding, scale, None);
                }
            }
        }
    }
    encode(&pixels).map_err(|error| {
        Failure::Broken(Message::new(format!(
            "the picture cannot be encoded: {error}"
        )))
    })
}

fn color(rgb: u32) -> Color {
    let [_, red, green, blue] = rgb.to_be_bytes();
    Color::from_rgba8(red, green, blue, 255)
}

/// Everything is opaque, so the colours are not multiplied by anything.
fn encode(pixels: &Pixmap) -> Result<Vec<u8>, png::EncodingError> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, pixels.width(), pixels.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let rgb: Vec<u8> = pixels
        .data()
        .chunks_exact(4)
        .flat_map(|pixel| [pixel[0], pixel[1], pixel[2]])
        .collect();
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&rgb)?;
    writer.finish()?;
    Ok(bytes)
}
