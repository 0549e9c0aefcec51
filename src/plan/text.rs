//! A plan as text: what each pass reads, writes, accumulates, keeps.

use super::program::{
    Array, Base, Instr, Loc, Matrix, Pass, Place, Product, Step, TileOp, Whole, WholeOp,
};
use super::{DType, Plan};
use std::fmt::Write;

impl Plan {
    /// The number of trips over memory.
    pub fn passes(&self) -> usize {
        self.steps
            .iter()
            .filter(|s| matches!(s, Step::Pass(_)))
            .count()
    }

    fn trips(&self) -> impl Iterator<Item = &Pass> {
        self.steps.iter().filter_map(|s| match s {
            Step::Pass(pass) => Some(&**pass),
            Step::Whole(_) | Step::Product(_) => None,
        })
    }

    fn products(&self) -> impl Iterator<Item = &Product> {
        self.steps.iter().filter_map(|s| match s {
            Step::Product(product) => Some(&**product),
            Step::Whole(_) | Step::Pass(_) => None,
        })
    }

    fn bytes(&self, written: bool) -> usize {
        let arrays = self.trips().flat_map(|p| &p.arrays);
        let moved = arrays.filter(|a| a.written == written && !matches!(a.place, Place::Param(_)));
        moved.map(|a| a.count * a.dtype.size()).sum()
    }

    /// Bytes that passes and products read from memory, each array once.
    pub fn bytes_read(&self) -> usize {
        let factors = self.products().flat_map(|p| &p.args);
        self.bytes(false) + factors.map(Matrix::bytes).sum::<usize>()
    }

    /// Bytes that passes and products write.
    pub fn bytes_written(&self) -> usize {
        self.bytes(true) + self.products().map(|p| p.into.bytes()).sum::<usize>()
    }

    /// Bytes of memory besides inputs, outputs and scratch memory.
    pub fn extra_bytes(&self) -> usize {
        let buffers: usize = self.buffers.iter().map(|b| b.len * 8).sum();
        let kept: usize = self.kept.iter().sum();
        let params: usize = self.params.iter().map(|p| self.buffers[p.buffer].len).sum();
        buffers + (kept + params) * self.lane.size()
    }

    /// The plan as text.
    pub fn text(&self) -> String {
        let mut out = String::new();
        let lane = self.lane.name();
        let passes = self.passes();
        let _ = writeln!(
            out,
            "plan: {passes} pass{} in {lane}, reads {} B, writes {} B, {} B besides",
            if passes == 1 { "" } else { "es" },
            self.bytes_read(),
            self.bytes_written(),
            self.extra_bytes()
        );
        for step in &self.steps {
            match step {
                Step::Whole(wholes) => {
                    out.push_str("\nbetween passes\n");
                    for whole in wholes {
                        let _ = writeln!(out, "  {}", self.whole(whole));
                    }
                }
                Step::Product(product) => {
                    let (lane, [a, b]) = (product.lane.name(), &product.args);
                    let over = &product.shape[product.kept..];
                    let kept = &product.shape[..product.kept];
                    let _ = writeln!(
                        out,
                        "\nproduct in {lane}\n  {} = {} · {} {kept:?} over {over:?}",
                        product.into.text(),
                        a.text(),
                        b.text()
                    );
                }
                Step::Pass(pass) => self.pass(pass, &mut out),
            }
        }
        out.push('\n');
        for (i, output) in self.outputs.iter().enumerate() {
            let from = match &output.from {
                Some((walk, _)) => self.buffers[walk.of].name.clone(),
                None => format!("out{i}"),
            };
            let _ = writeln!(
                out,
                "{:?} = {from} {:?} {}",
                output.role,
                output.shape,
                output.dtype.name()
            );
        }
        out
    }

    fn whole(&self, whole: &Whole) -> String {
        let args: Vec<String> = whole
            .args
            .iter()
            .map(|walk| match whole.op {
                WholeOp::Import => format!("input {}", walk.of),
                _ => self.buffers[walk.of].name.clone(),
            })
            .collect();
        let name = match &whole.op {
            WholeOp::Map(op) => op.name().to_string(),
            WholeOp::Reduce(op) => op.name().to_string(),
            WholeOp::Order(op, _) => op.name().to_string(),
            op => format!("{op:?}")
                .split([' ', '{', '('])
                .next()
                .unwrap_or_default()
                .to_lowercase(),
        };
        let shape = match &whole.op {
            WholeOp::Order(..) | WholeOp::Distance { .. } => &whole.shape[..],
            _ => &whole.shape[..whole.kept],
        };
        format!(
            "{} = {name} {} {shape:?}",
            self.buffers[whole.into].name,
            args.join(", ")
        )
    }

    fn pass(&self, pass: &Pass, out: &mut String) {
        let _ = writeln!(
            out,
            "\npass over {}; tiles of {}, {} per task{}, {} B of registers",
            pass.title,
            pass.width,
            pass.block,
            if pass.backwards {
                ", the last one first"
            } else {
                ""
            },
            pass.scratch * self.lane.size()
        );
        let list = |written: bool| -> Vec<String> {
            let of = |a: &&Array| a.written == written && !matches!(a.place, Place::Param(_));
            let name = |a: &Array| stored(a.place, &a.name, a.dtype);
            pass.arrays.iter().filter(of).map(name).collect()
        };
        for (verb, arrays) in [("reads", list(false)), ("writes", list(true))] {
            if !arrays.is_empty() {
                let _ = writeln!(out, "  {verb} {}", arrays.join(", "));
            }
        }
        for sum in &pass.sums {
            let _ = writeln!(
                out,
                "  accumulates {} = {}{}",
                self.buffers[sum.into].name,
                sum.op.name(),
                if sum.width > 1 { " per class" } else { "" }
            );
        }
        for segment in &pass.segments {
            let head = match (segment.looped, pass.rows) {
                (true, true) => "each tile of the row",
                (true, false) => "each class",
                (false, true) => "each row",
                (false, false) => "each tile",
            };
            let _ = writeln!(out, "  {head}");
            for instr in &segment.code {
                let _ = writeln!(out, "    {}", line(pass, instr));
            }
        }
    }
}

impl Matrix {
    fn bytes(&self) -> usize {
        self.count * self.dtype.size()
    }

    fn text(&self) -> String {
        stored(self.place, &self.name, self.dtype)
    }
}

/// What is read or written, with its type.
fn stored(place: Place, name: &str, dtype: DType) -> String {
    let kept = if matches!(place, Place::Kept(_)) {
        "kept "
    } else {
        ""
    };
    format!("{kept}{name} {}", dtype.name())
}

fn line(pass: &Pass, instr: &Instr) -> String {
    let name = match instr.op {
        TileOp::Map(op) => op.name().to_string(),
        TileOp::Compare(op) => format!("int_{}", op.name()),
        TileOp::Acc(op) => format!("acc_{}", op.name()),
        TileOp::Across(op) => format!("across_{}", op.name()),
        TileOp::Total(_) => "total".to_string(),
        op => format!("{op:?}").to_lowercase(),
    };
    let args: Vec<String> = instr
        .args
        .iter()
        .filter(|a| a.base != Base::None)
        .map(|a| operand(pass, a))
        .collect();
    let guard = if instr.guard == 0 { "" } else { "  (once)" };
    format!(
        "{} = {name} {}{guard}",
        operand(pass, &instr.dst),
        args.join(", ")
    )
}

fn operand(pass: &Pass, loc: &Loc) -> String {
    let turn = if loc.step > 0 { "[i]" } else { "" };
    match loc.base {
        Base::None => String::new(),
        Base::Reg => format!("r{}{turn}", loc.offset),
        Base::Const => pass.consts[loc.offset].0.to_string(),
        Base::Array(array) => format!("{}{turn}", pass.arrays[array as usize].name),
        Base::Slot => format!("acc{}{turn}", loc.offset),
    }
}
