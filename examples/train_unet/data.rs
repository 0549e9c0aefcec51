//! Retinal images that are drawn instead of loaded: the same seed gives the same images.

use std::f32::consts::{PI, TAU};

/// SplitMix64: small, and good enough to draw with.
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Rng {
        Rng(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in [0, 1).
    fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1u64 << 24) as f32
    }

    fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// Standard normal, by Box and Muller.
    pub fn normal(&mut self) -> f32 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (TAU * self.unit()).cos()
    }
}

type Colour = [f32; 3];

const FUNDUS: Colour = [0.56, 0.21, 0.10];
const VESSEL: Colour = [0.27, 0.05, 0.05];
const DISC: Colour = [0.97, 0.78, 0.48];
const EXUDATE: Colour = [0.88, 0.72, 0.30];
const BLEEDING: Colour = [0.24, 0.03, 0.03];

/// An image and the truth about it.
pub struct Sample {
    /// Red, green and blue planes, about 0 … 1.
    pub image: Vec<f32>,
    /// 1 where a lesion is, else 0.
    pub labels: Vec<u32>,
}

/// Draws one eye of `size`×`size` pixels, with a few small lesions.
pub fn draw(rng: &mut Rng, size: usize) -> Sample {
    let pixels = vec![[0.0; 3]; size * size];
    let mut canvas = Canvas { size, pixels };
    // Lengths are given for 96 pixels and grow with the image.
    let scale = size as f32 / 96.0;
    let middle = [0, 1].map(|_| size as f32 / 2.0 + rng.between(-1.5, 1.5) * scale);
    let radius = rng.between(43.0, 46.0) * scale;
    let side = if rng.chance(0.5) { 1.0 } else { -1.0 };
    let nerve = [
        middle[0] + side * rng.between(0.48, 0.6) * radius,
        middle[1] + rng.between(-0.12, 0.12) * radius,
    ];
    let nerve_radius = rng.between(6.0, 7.5) * scale;

    background(&mut canvas, rng, middle, radius);
    let macula = [middle[0] - side * 0.25 * radius, middle[1]];
    canvas.blob(macula, 18.0 * scale, VESSEL, |way| {
        0.35 * bell(way.length() / (7.0 * scale))
    });
    canvas.blob(nerve, 2.0 * nerve_radius, DISC, |way| {
        0.9 * edge(nerve_radius - way.length(), 1.5 * scale)
    });
    vessels(&mut canvas, rng, nerve, radius, scale);

    // Harmless patches, broad and faint, so that colour alone does not tell a lesion.
    for _ in 0..4 {
        let at = inside(rng, middle, 0.85 * radius);
        let (width, depth) = (rng.between(2.0, 4.0) * scale, rng.between(0.1, 0.3));
        let colour = if rng.chance(0.5) { EXUDATE } else { BLEEDING };
        canvas.blob(at, 2.5 * width, colour, |way| {
            depth * bell(way.length() / width)
        });
    }
    let mut labels = vec![0; size * size];
    for _ in 0..3 + (rng.next() % 5) as usize {
        let at = loop {
            let at = inside(rng, middle, 0.88 * radius);
            if distance(at, nerve) > nerve_radius + 4.0 * scale {
                break at;
            }
        };
        lesion(&mut canvas, rng, at, scale, &mut labels);
    }
    canvas.finish(rng, middle, radius, labels)
}

/// A disc that is darker towards its rim, with a few slow waves.
fn background(canvas: &mut Canvas, rng: &mut Rng, middle: [f32; 2], radius: f32) {
    let light = rng.between(0.8, 1.15);
    let waves = [(); 4].map(|()| {
        let (angle, phase) = (rng.between(0.0, TAU), rng.between(0.0, TAU));
        let pace = rng.between(2.0, 7.0) / radius;
        (pace * angle.cos(), pace * angle.sin(), phase)
    });
    canvas.each(|x, y, colour| {
        let waves: f32 = waves
            .iter()
            .map(|(a, b, c)| (a * x + b * y + c).sin())
            .sum();
        let rim = 1.0 - 0.38 * (distance([x, y], middle) / radius).powi(2);
        *colour = FUNDUS.map(|c| c * light * rim * (1.0 + 0.05 * waves));
    });
}

/// Trunks leave the optic nerve and split on their way.
fn vessels(canvas: &mut Canvas, rng: &mut Rng, nerve: [f32; 2], radius: f32, scale: f32) {
    struct Tip {
        at: [f32; 2],
        angle: f32,
        bend: f32,
        width: f32,
    }
    let mut coverage = vec![0f32; canvas.size * canvas.size];
    let trunks = 7;
    let first = rng.between(0.0, TAU);
    let mut tips: Vec<Tip> = (0..trunks)
        .map(|i| Tip {
            at: nerve,
            angle: first + TAU * i as f32 / trunks as f32 + rng.between(-0.3, 0.3),
            bend: rng.between(-0.02, 0.02) / scale,
            width: rng.between(0.9, 1.5) * scale,
        })
        .collect();
    while let Some(mut tip) = tips.pop() {
        let mut left = rng.between(0.9, 1.7) * radius;
        while left > 0.0 && tip.width > 0.35 * scale {
            canvas.around(tip.at, tip.width + 1.0, |pixel, way| {
                // The nerve shines through, or the trunks would hide it.
                let near = 0.5 * bell(distance(tip.at, nerve) / (6.0 * scale));
                let depth = (0.35 + 0.4 * tip.width / scale).min(0.85) - near;
                coverage[pixel] = coverage[pixel].max(depth * edge(tip.width - way.length(), 1.0));
            });
            tip.bend = 0.97 * tip.bend + 0.012 * rng.normal() / scale;
            tip.angle += 0.7 * tip.bend;
            tip.at[0] += 0.7 * tip.angle.cos();
            tip.at[1] += 0.7 * tip.angle.sin();
            tip.width *= 1.0 - 0.006 / scale;
            left -= 0.7;
            if rng.chance(0.02 / scale) {
                let turn = if rng.chance(0.5) { 0.6 } else { -0.6 };
                tips.push(Tip {
                    at: tip.at,
                    angle: tip.angle + turn,
                    bend: -0.02 * turn / scale,
                    width: 0.75 * tip.width,
                });
                tip.angle -= 0.3 * turn;
            }
        }
    }
    for (colour, depth) in canvas.pixels.iter_mut().zip(coverage) {
        mix(colour, VESSEL, depth);
    }
}

/// A bright exudate or a dark bleeding: small, of irregular outline, and often faint.
fn lesion(canvas: &mut Canvas, rng: &mut Rng, at: [f32; 2], scale: f32, labels: &mut [u32]) {
    let radius = rng.between(1.3, 3.0) * scale;
    let colour = if rng.chance(0.6) { EXUDATE } else { BLEEDING };
    let depth = rng.between(0.3, 0.85);
    let (lobes, phase) = (2.0 + (rng.next() % 3) as f32, rng.between(0.0, TAU));
    let outline = |angle: f32| radius * (1.0 + 0.22 * (lobes * angle + phase).sin());
    let inner = |way: Way| outline(way.angle()) - way.length();
    canvas.blob(at, 2.0 * radius, colour, |way| {
        depth * edge(inner(way), 0.9 * scale)
    });
    canvas.around(at, 2.0 * radius, |pixel, way| {
        if inner(way) >= 0.0 {
            labels[pixel] = 1;
        }
    });
}

/// 0 outside, 1 inside, with a soft edge of the given width.
fn edge(depth: f32, width: f32) -> f32 {
    let t = (depth / width + 0.5).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// 1 at 0, and next to nothing from 2.5 on.
fn bell(x: f32) -> f32 {
    (-x * x).exp()
}

fn distance(a: [f32; 2], b: [f32; 2]) -> f32 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// A point of a disc, all equally likely.
fn inside(rng: &mut Rng, middle: [f32; 2], radius: f32) -> [f32; 2] {
    let (distance, angle) = (radius * rng.unit().sqrt(), rng.between(-PI, PI));
    [
        middle[0] + distance * angle.cos(),
        middle[1] + distance * angle.sin(),
    ]
}

/// From one point to another.
#[derive(Clone, Copy)]
struct Way(f32, f32);

impl Way {
    fn length(self) -> f32 {
        self.0.hypot(self.1)
    }

    fn angle(self) -> f32 {
        self.1.atan2(self.0)
    }
}

fn mix(colour: &mut Colour, other: Colour, share: f32) {
    for (c, o) in colour.iter_mut().zip(other) {
        *c += share * (o - *c);
    }
}

struct Canvas {
    size: usize,
    pixels: Vec<Colour>,
}

impl Canvas {
    fn each(&mut self, mut paint: impl FnMut(f32, f32, &mut Colour)) {
        for (i, colour) in self.pixels.iter_mut().enumerate() {
            paint((i % self.size) as f32, (i / self.size) as f32, colour);
        }
    }

    /// Mixes a colour in up to some distance from a point; its share depends on where a pixel lies
    /// from there.
    fn blob(&mut self, at: [f32; 2], reach: f32, colour: Colour, share: impl Fn(Way) -> f32) {
        let mut shares = Vec::new();
        self.around(at, reach, |pixel, way| shares.push((pixel, share(way))));
        for (pixel, share) in shares {
            mix(&mut self.pixels[pixel], colour, share);
        }
    }

    /// The pixels near a point, with the way from there.
    fn around(&self, at: [f32; 2], reach: f32, mut visit: impl FnMut(usize, Way)) {
        let range = |c: f32| {
            let low = (c - reach).floor().max(0.0) as usize;
            low..((c + reach).ceil().max(-1.0) + 1.0).min(self.size as f32) as usize
        };
        for y in range(at[1]) {
            for x in range(at[0]) {
                visit(y * self.size + x, Way(x as f32 - at[0], y as f32 - at[1]));
            }
        }
    }

    /// Blackens what the camera does not see, adds the noise of the sensor, and splits the colours.
    fn finish(mut self, rng: &mut Rng, middle: [f32; 2], radius: f32, labels: Vec<u32>) -> Sample {
        self.each(|x, y, colour| {
            let seen = edge(radius - distance([x, y], middle), 1.5);
            *colour = colour.map(|c| c * seen + (0.01 + 0.03 * seen) * rng.normal());
        });
        let plane = |c: usize| self.pixels.iter().map(move |colour| colour[c]);
        Sample {
            image: (0..3).flat_map(plane).collect(),
            labels,
        }
    }
}
