//! How numbers are written.
//!
//! In JSON every number is the shortest decimal that reads back as the same f64, so that a result
//! computed in f32 reads back exactly in either precision. For people it is the shortest that
//! reads back in the precision of the run.

use serde_json::{Value, json};

/// A number in JSON, which has no word for what is not finite.
pub fn to_json(x: f64) -> Value {
    match x {
        x if x.is_finite() => json!(x),
        // Without the sign that some machines give it.
        x if x.is_nan() => json!("NaN"),
        x => json!(x.to_string()),
    }
}

/// A number for people; `single` if it was computed in f32.
pub fn show(x: f64, single: bool) -> String {
    let text = match single {
        // The conversion is exact for what was computed in f32.
        true => format!("{:?}", x as f32),
        false => format!("{x:?}"),
    };
    match text.strip_suffix(".0") {
        Some(whole) => whole.to_string(),
        None => text,
    }
}
