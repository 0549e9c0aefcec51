use super::*;

#[test]
fn scratch() {
    let text = std::fs::read_to_string("/tmp/scratch.txt").unwrap();
    for case in text.split("\n---\n") {
        println!("=== {case}\n");
        let m = messages(case);
        if m.is_empty() {
            let mut diags = Diagnostics::default();
            let ast = parse(crate::source::FileId(0), case, &mut diags).unwrap();
            println!("OK:\n{}", print(&ast));
        } else {
            println!("{m}");
        }
    }
}
