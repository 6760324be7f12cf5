//! How answers look: JSON as it came, or a table of some of its fields.

use serde_json::Value;

use super::Listing;

/// A column: its heading and the path of its field, such as `/figures/points`.
pub type Column = (&'static str, &'static str);

/// Prints a list.
pub fn list(listing: Listing, rows: &Value, columns: &[Column]) {
    if listing.json {
        return json(rows);
    }
    let rows = rows.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut table = vec![columns.iter().map(|(heading, _)| (*heading).to_owned()).collect::<Vec<_>>()];
    table.extend(rows.iter().map(|row| columns.iter().map(|(_, path)| cell(row, path)).collect()));
    let widths: Vec<_> = (0..columns.len())
        .map(|column| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    for row in &table {
        let cells: Vec<_> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        println!("{}", cells.join("  ").trim_end());
    }
    if rows.is_empty() {
        println!("(none)");
    }
}

/// Prints a document.
pub fn json(value: &Value) {
    println!("{value:#}");
}

fn cell(row: &Value, path: &str) -> String {
    match row.pointer(path) {
        None | Some(Value::Null) => "-".into(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) => items.iter().map(|item| cell(item, "")).collect::<Vec<_>>().join(","),
        Some(Value::Number(number)) if is_instant(path) => {
            number.as_u64().map_or_else(|| number.to_string(), |ms| crate::domain::Timestamp(ms).to_string())
        }
        Some(other) => other.to_string(),
    }
}

/// Fields of this name hold milliseconds.
fn is_instant(path: &str) -> bool {
    path.ends_with("_at") || path.ends_with("/due") || path.ends_with("/at")
}
