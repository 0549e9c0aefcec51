//! A sheet as SVG.

use super::figure::{Anchor, Mark, Sheet};
use std::fmt::Write;

/// The text of the file.
pub fn write(sheet: &Sheet) -> String {
    let (width, height) = (sheet.width, sheet.height);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" font-family=\"DejaVu Sans, Verdana, sans-serif\">\n<title>{}</title>\n<rect width=\"100%\" height=\"100%\" \
         fill=\"#fff\"/>\n",
        escaped(&sheet.title)
    );
    for mark in &sheet.marks {
        // Writing to a string cannot fail.
        let _ = match mark {
            Mark::Line {
                points,
                colour,
                width,
            } => {
                let points: Vec<String> = points
                    .iter()
                    .map(|(x, y)| format!("{},{}", short(*x), short(*y)))
                    .collect();
                writeln!(
                    out,
                    "<polyline points=\"{}\" fill=\"none\" stroke=\"#{colour:06x}\" stroke-width=\"{width}\" stroke-linejoin=\"round\"/>",
                    points.join(" ")
                )
            }
            Mark::Text {
                at,
                text,
                size,
                anchor,
                colour,
            } => {
                let anchor = match anchor {
                    Anchor::Start => "",
                    Anchor::Middle => " text-anchor=\"middle\"",
                    Anchor::End => " text-anchor=\"end\"",
                };
                writeln!(
                    out,
                    "<text x=\"{}\" y=\"{}\" font-size=\"{size}\"{anchor} fill=\"#{colour:06x}\">{}</text>",
                    short(at.0),
                    short(at.1),
                    escaped(text)
                )
            }
        };
    }
    out.push_str("</svg>\n");
    out
}

/// A length to a tenth of a unit.
fn short(x: f64) -> String {
    let text = format!("{x:.1}");
    text.strip_suffix(".0").unwrap_or(&text).to_string()
}

/// Text as XML takes it; characters that XML does not have are left out.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() => out.push(' '),
            '\u{fffe}' | '\u{ffff}' => {}
            c => out.push(c),
        }
    }
    out
}
