//! `tests/ir/PASS/*.ir`: a graph, and what the pass makes of it.
//!
//! The folder is a pass, or `value` or `gradient`, which are pipelines. A file holds a graph and then
//! - after a line `====`, the graph that comes out; `BLESS=1 cargo test` rewrites it; or
//! - before it, a line `# structure: log_softmax 1, exp 0`, the number of some operations that come out.
//!
//! `differentiate` and `gradient` want the gradient of every input of floats.

use lossc::ir::{self, Elem, Graph};
use lossc::passes::{self, Config, Pass};
use std::fs;
use std::path::{Path, PathBuf};

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<PathBuf> = entries.map(|e| e.unwrap().path()).collect();
    paths.sort();
    paths
}

fn passes_of(folder: &str) -> Vec<&'static Pass> {
    match folder {
        "value" => passes::VALUE.to_vec(),
        "gradient" => passes::GRADIENT.to_vec(),
        name => {
            let pass = passes::ALL.iter().find(|p| p.name == name);
            vec![pass.unwrap_or_else(|| panic!("there is no pass `{name}`"))]
        }
    }
}

fn apply(folder: &str, graph: Graph) -> Graph {
    let floats = graph.inputs.iter().enumerate();
    let floats = floats.filter(|(_, input)| input.ty.elem == Elem::Float);
    let wanted = floats.map(|(i, _)| i as u32).collect();
    passes::apply(graph, &passes_of(folder), &Config { wanted })
}

fn check_structure(path: &Path, line: &str, graph: &Graph) {
    for item in line.split(',') {
        let (op, count) = item
            .trim()
            .split_once(' ')
            .expect("an operation and a number");
        let found = graph.nodes.iter().filter(|n| n.op.name() == op).count();
        let text = ir::print(graph);
        assert_eq!(
            found.to_string(),
            count,
            "`{op}` in {}\n{text}",
            path.display()
        );
    }
}

#[test]
fn golden() {
    let bless = std::env::var_os("BLESS").is_some();
    for folder in entries(Path::new("tests/ir")) {
        let name = folder.file_name().unwrap().to_str().unwrap();
        for path in entries(&folder) {
            let text = fs::read_to_string(&path).unwrap();
            let (input, expected) = match text.split_once("====\n") {
                Some((input, expected)) => (input, Some(expected)),
                None => (text.as_str(), None),
            };
            let graph = ir::parse(input).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            let result = apply(name, graph);
            let structure = input.lines().filter_map(|l| l.strip_prefix("# structure:"));
            for line in structure.clone() {
                check_structure(&path, line, &result);
            }
            let result = ir::print(&result);
            match expected {
                Some(expected) if expected != result && !bless => {
                    panic!("{}\nexpected\n{expected}\nfound\n{result}", path.display())
                }
                Some(_) if bless => fs::write(&path, format!("{input}====\n{result}")).unwrap(),
                Some(_) => {}
                None => assert!(structure.count() > 0, "{} expects nothing", path.display()),
            }
        }
    }
}
