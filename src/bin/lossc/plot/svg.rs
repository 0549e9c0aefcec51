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
    // Marks of one style after each other are one element: most of a picture is its grid.
    for group in sheet.marks.chunk_by(|a, b| style(a) == style(b)) {
        let style = style(&group[0]);
        // Writing to a string cannot fail.
        let _ = match &group[0] {
            Mark::Line { .. } => {
                let lines: Vec<String> = group.iter().map(line).collect();
                writeln!(out, "<path d=\"{}\" {style}/>", lines.join(""))
            }
            Mark::Text { .. } => {
                let texts: Vec<String> = group.iter().map(text).collect();
                writeln!(out, "<g {style}>{}</g>", texts.join(""))
            }
        };
    }
    out.push_str("</svg>\n");
    out
}

/// What marks may have in common.
fn style(mark: &Mark) -> String {
    match mark {
        Mark::Line {
            colour,
            width,
            dashed,
            ..
        } => {
            let dashes = if *dashed {
                " stroke-dasharray=\"6\""
            } else {
                ""
            };
            format!(
                "fill=\"none\" stroke=\"#{colour:06x}\" stroke-width=\"{}\"{dashes}",
                short(*width)
            )
        }
        Mark::Text {
            size,
            anchor,
            colour,
            ..
        } => {
            let anchor = match anchor {
                Anchor::Start => "start",
                Anchor::Middle => "middle",
                Anchor::End => "end",
            };
            format!("font-size=\"{size}\" text-anchor=\"{anchor}\" fill=\"#{colour:06x}\"")
        }
    }
}

fn line(mark: &Mark) -> String {
    let Mark::Line { points, .. } = mark else {
        return String::new();
    };
    let points = points
        .iter()
        .map(|(x, y)| format!("{},{}", short(*x), short(*y)));
    format!("M{}", points.collect::<Vec<_>>().join(" "))
}

fn text(mark: &Mark) -> String {
    let Mark::Text { at, text, .. } = mark else {
        return String::new();
    };
    let (x, y) = (short(at.0), short(at.1));
    format!("<text x=\"{x}\" y=\"{y}\">{}</text>", escaped(text))
}

/// A length to a tenth of a unit.
fn short(x: f64) -> String {
    let text = format!("{x:.1}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.to_string()
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
