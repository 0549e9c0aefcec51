//! Named axes: what they are, the roles they play, the sizes they have, and who said so.

use crate::arena::id;
use crate::diag::{Code, Diagnostic};
use crate::ir::Grid;
use crate::source::Span;

id! {
    /// An axis of a spec.
    AxisId, "a"
}

/// What an axis is for; library code speaks of axes in these words.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// Samples.
    Batch,
    /// Classes.
    Class,
    /// Everything else that an input has.
    Space,
    /// An axis that the spec made by renaming or with `index[B=15]`; it goes by its name only.
    Introduced,
}

impl Role {
    /// The role with this name in the language.
    pub fn from_name(name: &str) -> Option<Role> {
        match name {
            "batch" => Some(Role::Batch),
            "class" => Some(Role::Class),
            "space" => Some(Role::Space),
            _ => None,
        }
    }
}

/// How an axis came to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum AxisDef {
    /// Named in an input or an `axis` item; a member of a pack too.
    Declared,
    /// A stretch of another axis.
    Slice {
        /// The whole axis.
        of: AxisId,
        /// First position; negative counts from the end.
        start: i64,
        /// One past the last; `None` is the end.
        end: Option<i64>,
    },
    /// Where `diff` ends up: one shorter than the whole axis.
    Diff(AxisId),
    /// Another name for an axis.
    Renamed(AxisId),
    /// The whole blocks of so many entries of another axis.
    Blocks(AxisId, usize),
}

/// How an entry of an axis comes from another axis.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// It is the entry at the same position.
    Rename,
    /// It is the entry so much further on; negative counts from the end.
    Slice(i64),
    /// It is made of two neighbours.
    Diff,
    /// It is made of the block of entries that it stands for.
    Blocks(Grid),
    /// It is the entry that it stands for.
    Resize(Grid),
}

/// A way in which an axis comes from another: steps, each from one axis to the next.
pub type Way = Vec<(AxisId, AxisId, Step)>;

/// An axis.
#[derive(Clone, Debug)]
pub struct Axis {
    /// Its name, with `...` before that of a whole pack.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// How it came to be.
    pub def: AxisDef,
    /// Its size where the spec fixes it, and the place that does, with the reason.
    pub size: Option<(usize, Span, String)>,
    /// Where it was first named.
    pub span: Span,
    /// Where a softmax runs along it.
    pub softmax: Option<Span>,
    /// The smallest size with which every fixed position exists, and where that is written.
    pub least: Option<(usize, Span)>,
}

/// All axes of a spec.
#[derive(Clone, Debug, Default)]
pub struct Axes {
    list: Vec<Axis>,
    /// Which axes a name in the spec stands for: one, or the members of a pack.
    names: Vec<(String, Vec<AxisId>)>,
    /// The packs, and how many axes each holds where that matters.
    packs: Vec<(String, Option<usize>)>,
    /// Axes whose role the first input that names them decides.
    open: Vec<AxisId>,
    /// Along which axes tensors are resized: to the first, from the second.
    resized: Vec<(AxisId, AxisId, Grid)>,
}

impl Axes {
    /// The axis with this id.
    pub fn get(&self, id: AxisId) -> &Axis {
        &self.list[id.index()]
    }

    /// All axes.
    pub fn iter(&self) -> impl Iterator<Item = (AxisId, &Axis)> {
        self.list
            .iter()
            .enumerate()
            .map(|(i, axis)| (AxisId(i as u32), axis))
    }

    /// What a name stands for.
    pub fn lookup(&self, name: &str) -> Option<&[AxisId]> {
        self.names
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, ids)| &ids[..])
    }

    /// Every name.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|(name, _)| name.as_str())
    }

    /// The packs with the number of their axes, `None` where they are seen as one.
    pub fn packs(&self) -> &[(String, Option<usize>)] {
        &self.packs
    }

    /// Adds an axis under its own name.
    pub fn declare(&mut self, name: &str, role: Role, span: Span) -> AxisId {
        let id = self.add(name.to_string(), role, AxisDef::Declared, span);
        self.names.push((name.to_string(), vec![id]));
        id
    }

    /// Adds a pack: one flat axis, or `rank` axes where the number matters.
    pub fn declare_pack(
        &mut self,
        name: &str,
        rank: Option<usize>,
        role: Role,
        span: Span,
    ) -> Vec<AxisId> {
        let ids: Vec<AxisId> = match rank {
            None => vec![self.add(format!("...{name}"), role, AxisDef::Declared, span)],
            Some(rank) => (1..=rank)
                .map(|i| self.add(format!("{name}{i}"), role, AxisDef::Declared, span))
                .collect(),
        };
        self.names.push((name.to_string(), ids.clone()));
        self.packs.push((name.to_string(), rank));
        ids
    }

    /// Adds an axis that no name in the spec finds.
    pub fn probe(&mut self, name: &str, role: Role, span: Span) -> AxisId {
        self.add(name.to_string(), role, AxisDef::Declared, span)
    }

    /// Adds an axis that comes from no input; a name of the spec finds it if that is `visible`.
    pub fn introduce(&mut self, name: &str, visible: bool, span: Span) -> AxisId {
        let id = self.add(name.to_string(), Role::Introduced, AxisDef::Declared, span);
        if visible {
            self.names.push((name.to_string(), vec![id]));
        }
        id
    }

    /// Another name for an axis that is there already; used for what a rename introduces.
    pub fn rename(&mut self, of: AxisId, to: &str, span: Span) -> AxisId {
        let size = self.get(of).size.clone();
        let known = self
            .list
            .iter()
            .position(|axis| axis.def == AxisDef::Renamed(of) && axis.name == to);
        if let Some(i) = known {
            return AxisId(i as u32);
        }
        let id = self.add(to.to_string(), Role::Introduced, AxisDef::Renamed(of), span);
        self.list[id.index()].size = size;
        match self.names.iter_mut().find(|(n, _)| n == to) {
            Some((_, ids)) => ids.push(id),
            None => self.names.push((to.to_string(), vec![id])),
        }
        id
    }

    /// The axis that `start..end` of another is; equal stretches are one axis.
    pub fn slice(&mut self, of: AxisId, start: i64, end: Option<i64>, span: Span) -> AxisId {
        let end_text = end.map_or(String::new(), |e| e.to_string());
        let start_text = if start == 0 {
            String::new()
        } else {
            start.to_string()
        };
        let name = format!("{}[{start_text}..{end_text}]", self.get(of).name);
        self.derived(of, AxisDef::Slice { of, start, end }, name, span)
    }

    /// The axis along which `diff` of another lies.
    pub fn diff(&mut self, of: AxisId, span: Span) -> AxisId {
        let name = format!("{}'", self.get(of).name);
        self.derived(of, AxisDef::Diff(of), name, span)
    }

    /// The axis of the whole blocks of another.
    pub fn blocks(&mut self, of: AxisId, size: usize, span: Span) -> AxisId {
        let name = format!("{}/{size}", self.get(of).name);
        self.derived(of, AxisDef::Blocks(of, size), name, span)
    }

    /// Notes that tensors along `from` are resized to lie along `to`.
    pub fn set_resized(&mut self, to: AxisId, from: AxisId, grid: Grid) {
        if !self.resized.contains(&(to, from, grid)) {
            self.resized.push((to, from, grid));
        }
    }

    /// The ways in which the entries of an axis come from those of one of `bases`, itself included.
    pub fn ways(&self, id: AxisId, bases: &[AxisId]) -> Vec<Way> {
        let mut found = Vec::new();
        self.trace(id, bases, &mut Vec::new(), &mut found);
        found
    }

    fn trace(&self, id: AxisId, bases: &[AxisId], path: &mut Way, found: &mut Vec<Way>) {
        if bases.contains(&id) {
            found.push(path.iter().rev().copied().collect());
            return;
        }
        // Up and down again leads nowhere.
        if path.iter().any(|&(_, to, _)| to == id) {
            return;
        }
        let from: Vec<(AxisId, Step)> = match self.get(id).def {
            AxisDef::Slice { of, start, .. } => vec![(of, Step::Slice(start))],
            AxisDef::Diff(of) => vec![(of, Step::Diff)],
            AxisDef::Renamed(of) => vec![(of, Step::Rename)],
            AxisDef::Blocks(of, size) => vec![(of, Step::Blocks(Grid::Blocks(size)))],
            AxisDef::Declared => {
                let own = self.resized.iter().filter(|(to, ..)| *to == id);
                own.map(|&(_, from, grid)| (from, Step::Resize(grid)))
                    .collect()
            }
        };
        for (of, step) in from {
            path.push((of, id, step));
            self.trace(of, bases, path, found);
            path.pop();
        }
    }

    fn derived(&mut self, of: AxisId, def: AxisDef, name: String, span: Span) -> AxisId {
        if let Some(i) = self.list.iter().position(|axis| axis.def == def) {
            return AxisId(i as u32);
        }
        let role = self.get(of).role;
        let size = self
            .get(of)
            .size
            .clone()
            .map(|(n, at, why)| (self.derived_len(&def, n), at, why));
        let id = self.add(name, role, def, span);
        self.list[id.index()].size = size;
        id
    }

    fn derived_len(&self, def: &AxisDef, n: usize) -> usize {
        let clip = |i: i64| if i < 0 { n as i64 + i } else { i }.clamp(0, n as i64) as usize;
        match *def {
            AxisDef::Slice { start, end, .. } => end.map_or(n, clip).saturating_sub(clip(start)),
            AxisDef::Diff(_) => n.saturating_sub(1),
            AxisDef::Blocks(_, size) => n / size,
            AxisDef::Declared | AxisDef::Renamed(_) => n,
        }
    }

    fn add(&mut self, name: String, role: Role, def: AxisDef, span: Span) -> AxisId {
        self.list.push(Axis {
            name,
            role,
            def,
            size: None,
            span,
            softmax: None,
            least: None,
        });
        AxisId(self.list.len() as u32 - 1)
    }

    /// The axis that this one derives from, itself if it was declared.
    pub fn base(&self, id: AxisId) -> AxisId {
        match self.get(id).def {
            AxisDef::Declared => id,
            AxisDef::Slice { of, .. }
            | AxisDef::Diff(of)
            | AxisDef::Renamed(of)
            | AxisDef::Blocks(of, _) => self.base(of),
        }
    }

    /// Whether `id` is `of` or a stretch of it, so that a name for `of` finds it.
    pub fn is_part_of(&self, id: AxisId, of: AxisId) -> bool {
        id == of
            || match self.get(id).def {
                AxisDef::Slice { of: whole, .. }
                | AxisDef::Diff(whole)
                | AxisDef::Blocks(whole, _) => self.is_part_of(whole, of),
                AxisDef::Declared | AxisDef::Renamed(_) => false,
            }
    }

    /// Gives an axis a role.
    pub fn set_role(&mut self, id: AxisId, role: Role) {
        self.list[id.index()].role = role;
    }

    /// Says that the size of an axis is declared before any input names it, so that its role is
    /// still open.
    pub fn set_open(&mut self, id: AxisId) {
        self.open.push(id);
    }

    /// Whether the role of an axis is still open; it is not afterwards.
    pub fn take_open(&mut self, id: AxisId) -> bool {
        let open = self.open.contains(&id);
        self.open.retain(|&a| a != id);
        open
    }

    /// Notes that a softmax runs along an axis, which must not have size 1.
    pub fn set_softmax(&mut self, id: AxisId, span: Span) {
        self.list[id.index()].softmax.get_or_insert(span);
    }

    /// Notes that an axis must have at least `size` entries.
    pub fn set_least(&mut self, id: AxisId, size: usize, span: Span) {
        let least = &mut self.list[id.index()].least;
        if least.is_none_or(|(known, _)| known < size) {
            *least = Some((size, span));
        }
    }

    /// Fixes the size of an axis, or says who fixed it differently.
    pub fn set_size(
        &mut self,
        id: AxisId,
        size: usize,
        span: Span,
        why: &str,
    ) -> Result<(), Box<Diagnostic>> {
        let name = self.get(id).name.clone();
        // A new name has the size of the axis, whoever of the two is told first.
        if let (AxisDef::Renamed(of), None) = (&self.get(id).def, &self.get(id).size) {
            return self.set_size(*of, size, span, why);
        }
        match self.get(id).size.clone() {
            Some((known, at, reason)) if known != size => Err(Box::new(
                Diagnostic::error(
                    Code::SizeMismatch,
                    format!("`{name}` is {known} and {size} at once"),
                )
                .at(span, format!("`{name}` is {size} {why}"))
                .also(at, format!("but {known} {reason}")),
            )),
            Some(_) => Ok(()),
            None => {
                self.give_size(id, (size, span, why.to_string()));
                Ok(())
            }
        }
    }

    /// The size of an axis and of every new name of it.
    fn give_size(&mut self, id: AxisId, size: (usize, Span, String)) {
        self.list[id.index()].size = Some(size.clone());
        let copies = (0..self.list.len()).filter(|&i| self.list[i].def == AxisDef::Renamed(id));
        for copy in copies.collect::<Vec<usize>>() {
            self.give_size(AxisId(copy as u32), size.clone());
        }
    }
}
