//! Curves → marks on a sheet: panels, ticks, a legend. Nothing here knows a file format.

use super::font::Font;

/// A curve over the common x axis; where y is not finite it has a gap.
pub struct Curve {
    pub name: String,
    pub points: Vec<(f64, f64)>,
}

/// Curves with an axis of their own.
pub struct Panel {
    pub title: String,
    /// The first is drawn widest, below the others.
    pub curves: Vec<Curve>,
}

/// What a plot shows.
pub struct Figure {
    pub title: String,
    /// What is held fixed.
    pub caption: String,
    /// The name of the x axis.
    pub x: String,
    pub panels: Vec<Panel>,
}

/// How a text stands at its place.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// Something to draw; colours are 0xRRGGBB.
pub enum Mark {
    Line {
        points: Vec<(f64, f64)>,
        colour: u32,
        width: f64,
        dashed: bool,
    },
    Text {
        at: (f64, f64),
        text: String,
        size: f64,
        anchor: Anchor,
        colour: u32,
    },
}

/// Marks on a white sheet, y downwards.
pub struct Sheet {
    pub width: f64,
    pub height: f64,
    pub title: String,
    pub marks: Vec<Mark>,
}

/// The colours of curves, told apart by readers who see colours otherwise (Okabe and Ito 2008).
const COLOURS: [u32; 7] = [
    0x0072b2, 0xd55e00, 0x009e73, 0xcc79a7, 0xe69f00, 0x56b4e9, 0x999999,
];
const INK: u32 = 0x222222;
const FAINT: u32 = 0x666666;
const GRID: u32 = 0xe4e4e4;
const ZERO: u32 = 0xaaaaaa;

const PANEL: (f64, f64) = (300.0, 190.0);
const LEFT: f64 = 52.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 46.0;
const BOTTOM: f64 = 40.0;
const TITLE: f64 = 13.0;
const TEXT: f64 = 10.0;
const LEGEND: f64 = 16.0;

/// Lays a figure out.
pub fn lay_out(figure: &Figure) -> Sheet {
    let font = Font::new();
    let count = figure.panels.len().max(1) as f64;
    let width = count * (LEFT + PANEL.0 + RIGHT);
    let names = legend(figure);
    let rows = rows(&font, &names, width - LEFT - RIGHT);
    let legend_height = if names.len() > 1 {
        rows.len() as f64 * LEGEND + 4.0
    } else {
        0.0
    };
    let mut sheet = Sheet {
        width,
        height: TOP + legend_height + 18.0 + PANEL.1 + BOTTOM,
        title: figure.title.clone(),
        marks: Vec::new(),
    };
    let room = width - LEFT - RIGHT;
    sheet.text(
        (LEFT, 20.0),
        font.fitted(&figure.title, TITLE, room),
        TITLE,
        Anchor::Start,
        INK,
    );
    sheet.text(
        (LEFT, 36.0),
        font.fitted(&figure.caption, TEXT, room),
        TEXT,
        Anchor::Start,
        FAINT,
    );
    if names.len() > 1 {
        for (row, entries) in rows.iter().enumerate() {
            let y = TOP + LEGEND * row as f64 + 8.0;
            let mut x = LEFT;
            for &i in entries {
                let (colour, stroke) = stroke(i);
                sheet.line(vec![(x, y - 3.5), (x + 16.0, y - 3.5)], colour, stroke);
                sheet.text((x + 21.0, y), names[i].clone(), TEXT, Anchor::Start, INK);
                x += 21.0 + font.width(&names[i], TEXT) + 16.0;
            }
        }
    }
    let top = TOP + legend_height + 18.0;
    for (i, panel) in figure.panels.iter().enumerate() {
        let left = i as f64 * (LEFT + PANEL.0 + RIGHT) + LEFT;
        sheet.panel(panel, &names, (left, top));
        let x = font.fitted(&figure.x, TEXT, PANEL.0);
        sheet.text(
            (left + PANEL.0 / 2.0, top + PANEL.1 + 32.0),
            x,
            TEXT,
            Anchor::Middle,
            FAINT,
        );
    }
    sheet
}

/// The names of all curves, each once.
fn legend(figure: &Figure) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for curve in figure.panels.iter().flat_map(|panel| &panel.curves) {
        if !names.contains(&curve.name) {
            names.push(curve.name.clone());
        }
    }
    names
}

/// The entries of a legend in rows that fit.
fn rows(font: &Font, names: &[String], room: f64) -> Vec<Vec<usize>> {
    let mut rows: Vec<Vec<usize>> = vec![Vec::new()];
    let mut used = 0.0;
    for (i, name) in names.iter().enumerate() {
        let width = 37.0 + font.width(name, TEXT);
        if used > 0.0 && used + width > room {
            rows.push(Vec::new());
            used = 0.0;
        }
        used += width;
        rows.last_mut().expect("a row").push(i);
    }
    rows
}

/// The colour and width of curve `i`.
fn stroke(i: usize) -> (u32, f64) {
    match i {
        0 => (INK, 2.0),
        _ => (COLOURS[(i - 1) % COLOURS.len()], 1.5),
    }
}

impl Sheet {
    fn text(&mut self, at: (f64, f64), text: String, size: f64, anchor: Anchor, colour: u32) {
        self.marks.push(Mark::Text {
            at,
            text,
            size,
            anchor,
            colour,
        });
    }

    fn line(&mut self, points: Vec<(f64, f64)>, colour: u32, width: f64) {
        self.marks.push(Mark::Line {
            points,
            colour,
            width,
            dashed: false,
        });
    }

    fn panel(&mut self, panel: &Panel, names: &[String], (left, top): (f64, f64)) {
        let all = || panel.curves.iter().flat_map(|curve| &curve.points);
        let xs = bounds(all().map(|p| p.0));
        let ys = bounds(all().map(|p| p.1));
        let x_ticks = Ticks::new(xs, 7.0);
        let y_ticks = Ticks::new(ys, 5.0);
        // The x axis is as long as the curves, the y axis ends at ticks.
        let ys = y_ticks.around(ys);
        let place = |(x, y): (f64, f64)| {
            let part = |v: f64, (low, high): (f64, f64)| (v - low) / (high - low);
            (
                left + PANEL.0 * part(x, xs),
                top + PANEL.1 * (1.0 - part(y, ys)),
            )
        };
        self.text(
            (left, top - 7.0),
            panel.title.clone(),
            11.0,
            Anchor::Start,
            INK,
        );
        let bottom = top + PANEL.1;
        let across: Vec<(f64, f64)> = x_ticks
            .within(xs)
            .into_iter()
            .map(|tick| (tick, place((tick, ys.0)).0))
            .collect();
        let up: Vec<(f64, f64)> = y_ticks
            .within(ys)
            .into_iter()
            .map(|tick| (tick, place((xs.0, tick)).1))
            .collect();
        for (colour, zero) in [(GRID, false), (ZERO, true)] {
            for &(_, x) in across.iter().filter(|(tick, _)| (*tick == 0.0) == zero) {
                self.line(vec![(x, top), (x, bottom)], colour, 1.0);
            }
            for &(_, y) in up.iter().filter(|(tick, _)| (*tick == 0.0) == zero) {
                self.line(vec![(left, y), (left + PANEL.0, y)], colour, 1.0);
            }
        }
        for (tick, x) in across {
            let at = (x, bottom + 15.0);
            self.text(at, x_ticks.show(tick), TEXT, Anchor::Middle, FAINT);
        }
        for (tick, y) in up {
            let at = (left - 6.0, y + 3.5);
            self.text(at, y_ticks.show(tick), TEXT, Anchor::End, FAINT);
        }
        let mut drawn: Vec<Vec<(f64, f64)>> = Vec::new();
        for curve in &panel.curves {
            let i = names
                .iter()
                .position(|name| *name == curve.name)
                .unwrap_or(0);
            let (colour, width) = stroke(i);
            let points: Vec<(f64, f64)> = curve.points.iter().map(|&p| place(p)).collect();
            // What lies on another curve is dashed, so that both are seen.
            let dashed = drawn.iter().any(|other| coincide(other, &points));
            for part in points
                .split(|p| !p.1.is_finite())
                .filter(|part| part.len() > 1)
            {
                self.marks.push(Mark::Line {
                    points: simplified(part),
                    colour,
                    width,
                    dashed,
                });
            }
            drawn.push(points);
        }
    }
}

/// Whether two curves over the same x are nowhere apart by more than a unit.
fn coincide(a: &[(f64, f64)], b: &[(f64, f64)]) -> bool {
    let near = |(a, b): (&(f64, f64), &(f64, f64))| (a.1 - b.1).abs() < 1.0;
    a.iter().zip(b).all(near)
}

/// The smallest and largest finite number, apart from each other.
fn bounds(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let finite = values.filter(|v| v.is_finite());
    let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
        (low.min(v), high.max(v))
    });
    if low > high {
        return (0.0, 1.0);
    }
    // A curve that is constant but for rounding is drawn as that.
    if high - low <= 1e-9 * high.abs().max(low.abs()).max(1e-3) {
        let pad = if low == 0.0 { 1.0 } else { low.abs() / 2.0 };
        return (low - pad, high + pad);
    }
    (low, high)
}

/// Round numbers along an axis: 1, 2 or 5 times a power of ten apart.
struct Ticks {
    step: f64,
    decimals: usize,
}

impl Ticks {
    fn new((low, high): (f64, f64), count: f64) -> Ticks {
        let raw = (high - low) / count;
        let power = raw.log10().floor();
        let base = 10f64.powf(power);
        let factor = [1.0, 2.0, 5.0, 10.0]
            .into_iter()
            .find(|factor| factor * base >= raw * 0.999)
            .unwrap_or(10.0);
        let step = factor * base;
        let decimals = (-(step.log10() + 1e-9).floor()).max(0.0) as usize;
        Ticks { step, decimals }
    }

    fn around(&self, (low, high): (f64, f64)) -> (f64, f64) {
        let down = (low / self.step + 1e-6).floor() * self.step;
        let up = (high / self.step - 1e-6).ceil() * self.step;
        (down, up)
    }

    fn within(&self, (low, high): (f64, f64)) -> Vec<f64> {
        let first = (low / self.step - 1e-6).ceil() as i64;
        let last = (high / self.step + 1e-6).floor() as i64;
        (first..=last).map(|i| i as f64 * self.step).collect()
    }

    fn show(&self, tick: f64) -> String {
        let text = match tick == 0.0 || (1e-4..1e6).contains(&self.step) {
            true => format!("{tick:.*}", self.decimals.min(6)),
            false => format!("{tick:.1e}"),
        };
        text.replace('-', "−")
    }
}

/// The points without those that lie within a sixteenth of a unit of the line between others (Douglas and Peucker 1973).
fn simplified(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut kept = vec![points[0]];
    let mut open = vec![(0, points.len() - 1)];
    while let Some((from, to)) = open.pop() {
        let (a, b) = (points[from], points[to]);
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let length = dx.hypot(dy).max(1e-12);
        let away = |p: (f64, f64)| ((p.0 - a.0) * dy - (p.1 - a.1) * dx).abs() / length;
        let furthest = (from + 1..to).max_by(|&i, &j| away(points[i]).total_cmp(&away(points[j])));
        match furthest {
            Some(i) if away(points[i]) > 0.06 => open.extend([(i, to), (from, i)]),
            _ => kept.push(b),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers() {
        let shown = |low: f64, high: f64| {
            let ticks = Ticks::new((low, high), 5.0);
            let list = ticks.within(ticks.around((low, high)));
            list.into_iter().map(|t| ticks.show(t)).collect::<Vec<_>>()
        };
        assert_eq!(shown(0.0, 1.0), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(
            shown(-0.9, 0.05),
            ["−1.0", "−0.8", "−0.6", "−0.4", "−0.2", "0.0", "0.2"]
        );
        assert_eq!(shown(0.0, 37.0), ["0", "10", "20", "30", "40"]);
    }

    #[test]
    fn straight_lines_are_two_points() {
        let line: Vec<(f64, f64)> = (0..50)
            .map(|i| (f64::from(i), 2.0 * f64::from(i)))
            .collect();
        assert_eq!(simplified(&line), [line[0], line[49]]);
        let corner = [(0.0, 0.0), (1.0, 0.0), (2.0, 0.0), (2.0, 5.0)];
        assert_eq!(simplified(&corner), [corner[0], corner[2], corner[3]]);
    }

    #[test]
    fn what_is_constant_has_room_around_it() {
        assert_eq!(bounds([2.0, 2.0].into_iter()), (1.0, 3.0));
        assert_eq!(bounds([f64::NAN].into_iter()), (0.0, 1.0));
        assert_eq!(bounds([f64::INFINITY, 1.0, 3.0].into_iter()), (1.0, 3.0));
    }
}
