//! Graph → [`Plan`]: few passes over memory instead of one per operation.
//!
//! A plan is made for sizes, element types and strides, so it knows every address but the first.
//!
//! 1. `expand` puts sizes in and spells composite operations out; `merge` joins dims.
//! 2. `space` chooses loop nests, `schedule` the passes: a reduction whose result is needed
//!    again at full size ends one, so their number is the depth of such reductions. `keep` says
//!    what they hand on.
//! 3. `tile` writes the program of each pass: instructions over a tile of some hundred
//!    positions that stays in the first cache; `slabs` says what its loops keep for later ones, by a
//!    minimal `cut`; `registers` gives them scratch memory.
//! 4. Everything between passes, and whatever fits no loop nest, is a whole-tensor operation on
//!    f64 buffers: for most losses that is scalar arithmetic on completed sums. Products of matrices
//!    read and write what passes do.
//!
//! **Invariants**: no instruction reads what it writes, but for accumulators; the partition into
//! tiles and tasks follows from sizes alone; nothing of the size of an input is stored but
//! gradients, what waits in their memory before, one number per position where that is cheaper than to compute
//! it again, and the operands of operations that need a whole tensor.
//!
//! Must not know: spec languages, threads, Candle.

mod cut;
mod dag;
mod emit;
mod expand;
mod keep;
mod layout;
mod merge;
mod pairs;
mod program;
mod registers;
mod schedule;
mod slabs;
mod space;
mod stores;
mod text;
mod tile;

pub use layout::{DType, InputLayout};
pub use program::{
    Across, Array, Base, Buffer, Instr, Lane, Loc, Matrix, Param, Pass, Place, Product, Segment,
    Step, TileOp, Walk, Whole, WholeOp,
};

use crate::ir::{DimSizes, Dims, Graph, Role};
use dag::{Id, Op};
use schedule::Where;

/// An output of a plan.
#[derive(Clone, Debug)]
pub struct PlanOutput {
    /// What it means.
    pub role: Role,
    /// Its shape; it lies without gaps.
    pub shape: Vec<usize>,
    /// The type of its elements: that of the input for a gradient, f64 for anything else.
    pub dtype: DType,
    /// How to copy it from a buffer when all is done, with the sizes of the loops; `None` if a
    /// pass writes it.
    pub from: Option<(Walk, Vec<usize>)>,
}

/// What to do, in what order, for inputs of one layout.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The type in which tiles compute.
    pub lane: Lane,
    /// Layouts and shapes of the inputs.
    pub inputs: Vec<(InputLayout, Vec<usize>)>,
    /// What to do.
    pub steps: Vec<Step>,
    /// Arrays of f64 between steps.
    pub buffers: Vec<Buffer>,
    /// Copies of buffers for passes.
    pub params: Vec<Param>,
    /// Lengths of arrays that passes and products hand on.
    pub kept: Vec<usize>,
    /// What it returns.
    pub outputs: Vec<PlanOutput>,
}

/// Plans a graph for these sizes and layouts.
///
/// # Panics
/// If there is not one layout per input, with one stride per dim.
pub fn plan(graph: &Graph, sizes: &DimSizes, layouts: &[InputLayout]) -> Plan {
    assert_eq!(graph.inputs.len(), layouts.len(), "one layout per input");
    for (input, layout) in graph.inputs.iter().zip(layouts) {
        assert_eq!(
            input.ty.dims.len(),
            layout.strides.len(),
            "one stride per dim of `{}`",
            input.name
        );
    }
    let (mut dag, mut nodes) = expand::expand(graph, sizes, layouts);
    let dtype = |role: Role| match role {
        Role::Grad(input) => layouts[input as usize].dtype,
        _ => DType::F64,
    };
    // What is a gradient and nothing else.
    let live = dag.live(nodes.iter().copied());
    let mut uses = vec![0; dag.nodes.len()];
    let users = dag.nodes.iter().zip(live).filter(|(_, live)| *live);
    let args = users.flat_map(|(node, _)| &node.args);
    args.chain(&nodes).for_each(|&id| uses[id] += 1);
    // A gradient is dense: where it is the same along a dim, it is repeated.
    for (output, node) in graph.outputs.iter().zip(&mut nodes) {
        let Role::Grad(input) = output.role else {
            continue;
        };
        let full: Dims = graph.inputs[input as usize]
            .ty
            .dims
            .iter()
            .filter(|&d| sizes.get(d) != 1)
            .collect();
        let written = match dag.node(*node).op {
            Op::Map(_) => true,
            Op::Dot(_) => uses[*node] == 1,
            _ => false,
        };
        let plain = written && *dag.dims(*node) == full;
        if !plain && !full.is_empty() {
            let elem = dag.node(*node).elem;
            *node = dag.add(Op::Spread, vec![*node], full, elem);
        }
    }
    let names: Vec<String> = graph.dims.iter().map(|d| d.name.clone()).collect();
    let names = merge::merge(&mut dag, &nodes, &names);
    let roots: Vec<(Id, bool)> = graph
        .outputs
        .iter()
        .zip(&nodes)
        .map(|(o, &id)| (id, matches!(o.role, Role::Grad(_))))
        .collect();
    let wide = |(input, layout): (&crate::ir::Input, &InputLayout)| {
        layout.dtype == DType::F64 && !input.ty.dims.is_empty() && !input.is_statistic()
    };
    let lane = if graph.inputs.iter().zip(layouts).any(wide) {
        Lane::F64
    } else {
        Lane::F32
    };
    let inputs = graph
        .inputs
        .iter()
        .zip(layouts)
        .map(|(i, l)| (i.name.clone(), l.dtype))
        .collect();
    let output_dtypes: Vec<DType> = graph.outputs.iter().map(|o| dtype(o.role)).collect();
    let lanes = |dtype: &DType| *dtype == lane.dtype();
    let spare: Vec<bool> = output_dtypes.iter().map(lanes).collect();
    let schedule = schedule::schedule(&dag, &roots, &spare);
    let mut stores = stores::Stores::new(dag, schedule, lane, inputs, output_dtypes.clone(), names);
    let mut steps = steps(&mut stores, &roots);
    let outputs = outputs(graph, sizes, &mut stores, &roots, &output_dtypes);
    if !stores.imports.is_empty() {
        steps.insert(0, Step::Whole(std::mem::take(&mut stores.imports)));
    }
    Plan {
        lane,
        inputs: graph
            .inputs
            .iter()
            .zip(layouts)
            .map(|(i, l)| (l.clone(), sizes.shape(&i.ty.dims)))
            .collect(),
        steps,
        buffers: stores.buffers,
        params: stores.params,
        kept: stores.kept,
        outputs,
    }
}

fn steps(stores: &mut stores::Stores, roots: &[(Id, bool)]) -> Vec<Step> {
    let trips = stores.schedule.trips.clone();
    let count = stores.schedule.place.len();
    let mut wholes: Vec<(usize, Id)> = (0..count)
        .filter(|&id| stores.schedule.live[id] && stores.schedule.place[id] == Where::Whole)
        .map(|id| (stores.schedule.stage[id], id))
        .collect();
    wholes.sort_unstable();
    let mut steps = Vec::new();
    let mut wholes = wholes.into_iter().peekable();
    let mut backwards = false;
    for trip in trips.iter().map(Some).chain([None]) {
        let until = trip.map_or(usize::MAX, |t| t.stage);
        let mut group = Vec::new();
        while let Some((_, id)) = wholes.next_if(|(stage, _)| *stage < until) {
            if matches!(stores.dag.node(id).op, Op::Dot(_)) {
                if !group.is_empty() {
                    steps.push(Step::Whole(std::mem::take(&mut group)));
                }
                let output = roots.iter().position(|&root| root == (id, true));
                steps.push(Step::Product(Box::new(stores.product(id, output))));
            } else {
                group.push(stores.whole(id));
            }
        }
        if !group.is_empty() {
            steps.push(Step::Whole(group));
        }
        if let Some(trip) = trip {
            let mut pass = tile::lower(stores, trip);
            pass.backwards = backwards;
            backwards = !backwards;
            steps.push(Step::Pass(Box::new(pass)));
        }
    }
    steps
}

fn outputs(
    graph: &Graph,
    sizes: &DimSizes,
    stores: &mut stores::Stores,
    roots: &[(Id, bool)],
    dtypes: &[DType],
) -> Vec<PlanOutput> {
    let mut outputs = Vec::new();
    for ((output, &(id, direct)), &dtype) in graph.outputs.iter().zip(roots).zip(dtypes) {
        let dims = match output.role {
            Role::Grad(input) => &graph.inputs[input as usize].ty.dims,
            _ => &graph.ty(output.node).dims,
        };
        let product = matches!(stores.dag.node(id).op, Op::Dot(_));
        let written = direct && (product || matches!(stores.schedule.place[id], Where::Tile(_)));
        // Merged dims have size 1, but for the one that stands for them.
        let loops: Vec<_> = dims.iter().collect();
        let from = (!written).then(|| (stores.walk(id, &loops), stores.dag.sizes.shape(dims)));
        outputs.push(PlanOutput {
            role: output.role,
            shape: sizes.shape(dims),
            dtype,
            from,
        });
    }
    outputs
}
