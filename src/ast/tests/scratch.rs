use super::*;

#[test]
fn generate() {
    let text = std::fs::read_to_string("/tmp/gen/in.json").unwrap();
    let cases: Vec<String> = serde_json::from_str::<serde_json::Value>(&text)
        .unwrap()
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_str().unwrap().to_owned())
        .collect();
    let out: Vec<String> = cases.iter().map(|c| messages(c)).collect();
    std::fs::write(
        "/tmp/gen/out.json",
        serde_json::Value::from(out).to_string(),
    )
    .unwrap();
}
