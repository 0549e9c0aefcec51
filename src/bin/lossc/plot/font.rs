//! The font of plots, which comes with the program: a machine without fonts draws the same pictures.

use ttf_parser::{Face, OutlineBuilder};

const FILE: &[u8] = include_bytes!("../../../../assets/DejaVuSans.ttf");

/// DejaVu Sans with the characters that plots need.
pub struct Font(Face<'static>);

impl Font {
    pub fn new() -> Font {
        Font(Face::parse(FILE, 0).expect("the font that comes with the program"))
    }

    fn scale(&self, size: f64) -> f64 {
        size / f64::from(self.0.units_per_em())
    }

    /// How wide a line of text is.
    pub fn width(&self, text: &str, size: f64) -> f64 {
        let advance = |c: char| {
            let glyph = self.0.glyph_index(c).unwrap_or_default();
            f64::from(self.0.glyph_hor_advance(glyph).unwrap_or(0))
        };
        text.chars().map(advance).sum::<f64>() * self.scale(size)
    }

    /// A text cut to a width, with an ellipsis where something is missing.
    pub fn fitted(&self, text: &str, size: f64, width: f64) -> String {
        if self.width(text, size) <= width {
            return text.to_string();
        }
        let mut kept = text.to_string();
        while kept.pop().is_some() {
            let cut = format!("{}…", kept.trim_end());
            if self.width(&cut, size) <= width {
                return cut;
            }
        }
        String::new()
    }

    /// Draws the outlines of a line of text that begins at (x, y) on its base line; y grows downwards.
    pub fn outline(
        &self,
        text: &str,
        size: f64,
        at: (f64, f64),
        path: &mut tiny_skia::PathBuilder,
    ) {
        let scale = self.scale(size);
        let mut x = at.0;
        for c in text.chars() {
            let glyph = self.0.glyph_index(c).unwrap_or_default();
            let mut pen = Pen {
                path,
                x,
                y: at.1,
                scale,
            };
            self.0.outline_glyph(glyph, &mut pen);
            x += f64::from(self.0.glyph_hor_advance(glyph).unwrap_or(0)) * scale;
        }
    }
}

/// Puts the outlines of a glyph, in units of the font with y upwards, into a path.
struct Pen<'p> {
    path: &'p mut tiny_skia::PathBuilder,
    x: f64,
    y: f64,
    scale: f64,
}

impl Pen<'_> {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        let x = self.x + f64::from(x) * self.scale;
        let y = self.y - f64::from(y) * self.scale;
        (x as f32, y as f32)
    }
}

impl OutlineBuilder for Pen<'_> {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, a: f32, b: f32, x: f32, y: f32) {
        let ((a, b), (x, y)) = (self.at(a, b), self.at(x, y));
        self.path.quad_to(a, b, x, y);
    }

    fn curve_to(&mut self, a: f32, b: f32, c: f32, d: f32, x: f32, y: f32) {
        let ((a, b), (c, d), (x, y)) = (self.at(a, b), self.at(c, d), self.at(x, y));
        self.path.cubic_to(a, b, c, d, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

#[cfg(test)]
mod tests {
    use super::Font;

    #[test]
    fn the_font_has_what_plots_write() {
        let font = Font::new();
        let spec = "0.5*dice(smooth=1e-6) + ce([0.2, 0.8])^2 - {x | <y> & 'z'} _ # \"ok\" − … αβγδεσλ ≤ ≥ ∞ Σ";
        for c in spec.chars() {
            assert!(font.0.glyph_index(c).is_some(), "{c}");
        }
        assert!(font.width("WW", 10.0) > font.width("ii", 10.0));
        let cut = font.fitted("a rather long title", 10.0, 50.0);
        assert!(
            cut.ends_with('…') && font.width(&cut, 10.0) <= 50.0,
            "{cut}"
        );
        assert_eq!(font.fitted("short", 10.0, 500.0), "short");
    }
}
