//! `lossc compile`: a summary of a spec, or the result of a stage.

use crate::answer::{Answer, Failure, Message, Talk};
use crate::args::{Compile, Emit};
use crate::files;
use crate::folder;
use crate::summary::{self, Summary};
use crate::synthetic;
use lossc::Stage;

pub fn run(args: &Compile, talk: &mut Talk) -> Result<Answer, Failure> {
    let spec = files::read_spec(&args.file)?;
    let compiler = folder::compiler(&spec, args.root.root.as_deref())?;
    let loss = compiler.compile(&spec.text)?;
    talk.report(loss.warnings());
    for (i, (name, _)) in args.shapes.iter().enumerate() {
        if args.shapes[..i].iter().any(|(known, _)| known == name) {
            let text = format!("the shape of `{name}` is given twice");
            return Err(Failure::Broken(Message::new(text)));
        }
    }
    let shapes = args.shapes.iter();
    let shapes: Vec<(&str, &[usize])> = shapes.map(|(n, s)| (n.as_str(), &s[..])).collect();
    let (loss, sizes) = loss.at_shapes(&shapes)?;
    let summary = || Summary::new(&spec.name, &loss, &sizes);
    let out = match args.emit {
        None => summary::text(&summary()),
        Some(Emit::Ast) => loss.emit(Stage::Ast),
        Some(Emit::Typed) => loss.emit(Stage::Typed),
        Some(Emit::Ir) => loss.emit(Stage::Ir),
        Some(Emit::Plan) => match loss.plan_at(&sizes) {
            Some(plan) => plan.text(),
            None => return Err(Failure::Broken(synthetic::unknown_size(&loss, &sizes))),
        },
        Some(Emit::Dot) => loss.emit(Stage::Dot),
        Some(Emit::Json) => {
            let value = summary::json(&summary(), &loss.emit(Stage::Ir));
            format!("{value:#}\n")
        }
    };
    match &args.output {
        Some(path) if path.as_os_str() != "-" => {
            use std::io::Write;
            files::write_whole(path, |file| file.write_all(out.as_bytes()))?;
            Ok(Answer::fine(Vec::new()))
        }
        _ => Ok(Answer::fine(out)),
    }
}
