//! `plugin import`: a file of rows, each a merchant's action.
//!
//! A row's key follows from what is asked, the file's bytes and its place in it, so that a file which is imported again,
//! whole or after something was mended in the shop, counts each row once.

use std::path::{Path, PathBuf};

use axum::http::Method;
use clap::Args;
use data_encoding::HEXLOWER;
use futures_util::{StreamExt as _, stream};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    Result,
    client::{Client, segment},
    decided,
    stores::path,
};

/// Rows that are on their way at once: enough that one write to the disk takes many.
const AT_ONCE: usize = 64;

/// Rows after which it is said how far it is.
const PROGRESS: usize = 1_000;

#[derive(Args)]
#[command(after_help = "A file `points.csv` with a first line of names, and what it does:

  email,points
  ada@example.com,250

  regulars plugin import fern.myshopify.com loyalty-points adjust points.csv

Every other column is a field of the action's input, as text. Rows that were refused are listed, and sent again by
importing the same file again; the others count once.")]
pub struct Import {
    /// The store's permanent domain.
    store: String,
    plugin: String,
    /// What is asked of the plugin for each row.
    action: String,
    /// A CSV file with a first line of names. The column `customer`, an id, or `email` names the customer.
    file: PathBuf,
    /// What stands between columns.
    #[arg(long, default_value = ",")]
    delimiter: char,
}

/// A row of the file by its line, or why it is none.
#[derive(Debug, PartialEq)]
struct Row {
    line: u64,
    read: Result<Asked, String>,
}

/// What a row asks for.
#[derive(Debug, PartialEq)]
struct Asked {
    customer: Option<String>,
    input: Map<String, Value>,
}

pub async fn run(client: &Client, import: Import) -> Result {
    let bytes = std::fs::read(&import.file).map_err(|error| format!("{}: {error}", import.file.display()))?;
    let rows = rows(&import.file, &bytes, import.delimiter)?;
    let (count, file) = (rows.len(), HEXLOWER.encode(&Sha256::digest(&bytes)[..16]));
    let mut refused = Vec::new();
    let mut done = stream::iter(rows).map(|row| post(client, &import, &file, row)).buffered(AT_ONCE).enumerate();
    let (mut accepted, mut known) = (0, 0);
    while let Some((index, (line, ended))) = done.next().await {
        match ended {
            Ok(Ended::Accepted) => accepted += 1,
            Ok(Ended::Known) => known += 1,
            Err(reason) => refused.push((line, reason)),
        }
        if (index + 1) % PROGRESS == 0 {
            eprintln!("{} of {count} rows", index + 1);
        }
    }
    println!("{accepted} rows taken in, {known} were known, {} refused", refused.len());
    for (line, reason) in &refused {
        println!("line {line}: {reason}");
    }
    if !client.is_running() {
        println!("they are decided once the host runs");
    }
    match refused.len() {
        0 => Ok(()),
        refused => {
            Err(format!("{refused} of {count} rows were refused; mend what is wrong and import the file again").into())
        }
    }
}

/// What became of a row.
enum Ended {
    Accepted,
    /// The same row had been sent before.
    Known,
}

async fn post(client: &Client, import: &Import, file: &str, row: Row) -> (u64, Result<Ended, String>) {
    let line = row.line;
    (line, send(client, import, file, row).await)
}

async fn send(client: &Client, import: &Import, file: &str, row: Row) -> Result<Ended, String> {
    let Asked { customer, input } = row.read?;
    let body = json!({
        "name": import.action,
        "customer": customer,
        "input": input,
        "idempotency_key": format!("import/{}/{file}/{}", import.action, row.line),
    });
    let address = format!("{}/plugins/{}/actions", path(&import.store), segment(&import.plugin));
    let answer = client.send(Method::POST, &address, &body).await.map_err(|error| error.to_string())?;
    if let Some(event) = decided::wait(client, &import.store, answer["event"].as_str().unwrap_or_default()).await
        && let Some(reason) = decided::refusal(&event)
    {
        return Err(reason);
    }
    Ok(if answer["status"] == "duplicate" { Ended::Known } else { Ended::Accepted })
}

/// The rows of a file. Only a first line that cannot be read makes the whole file unreadable.
fn rows(file: &Path, bytes: &[u8], delimiter: char) -> Result<Vec<Row>> {
    let delimiter = u8::try_from(delimiter).map_err(|_| "`--delimiter` has to be one byte, such as `;`")?;
    // Spreadsheets put a mark before the first name.
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).from_reader(text);
    let unreadable =
        |error: &dyn std::fmt::Display| format!("{}: the first line cannot be read: {error}", file.display());
    let names = reader.headers().map_err(|error| unreadable(&error))?.clone();
    if names.iter().any(str::is_empty) {
        return Err(unreadable(&"a column has no name").into());
    }
    if names.len() < 2 {
        let found = names.iter().collect::<String>();
        return Err(unreadable(&format!("it has one column, `{found}`; see `--delimiter`")).into());
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        rows.push(match record {
            Ok(record) => {
                Row { line: record.position().map_or(0, csv::Position::line), read: Ok(asked(&names, &record)) }
            }
            Err(error) => {
                let line = error.position().map_or(0, csv::Position::line);
                Row { line, read: Err(what_is_wrong(&error)) }
            }
        });
    }
    Ok(rows)
}

/// Without the place, which stands before it.
fn what_is_wrong(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("it has {len} columns, and the first line has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "it is not UTF-8".into(),
        _ => error.to_string(),
    }
}

/// What a row asks for: empty cells are left out.
fn asked(names: &csv::StringRecord, record: &csv::StringRecord) -> Asked {
    let (mut id, mut email, mut input) = (None, None, Map::new());
    for (name, value) in names.iter().zip(record).filter(|(_, value)| !value.is_empty()) {
        match name.to_ascii_lowercase().as_str() {
            "customer" => id = Some(value.to_owned()),
            "email" => email = Some(value.to_owned()),
            _ => _ = input.insert(name.to_owned(), value.into()),
        }
    }
    Asked { customer: id.or(email), input }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, delimiter: char) -> Vec<Row> {
        rows(Path::new("points.csv"), text.as_bytes(), delimiter).unwrap()
    }

    fn row(line: u64, customer: Option<&str>, input: Value) -> Row {
        let input = input.as_object().unwrap().clone();
        Row { line, read: Ok(Asked { customer: customer.map(Into::into), input }) }
    }

    #[test]
    fn a_row_names_a_customer_and_the_rest_is_its_input() {
        let text =
            "\u{feff}Email, points,reason\nada@example.com,250,\"moved, with thanks\"\n bob@example.com ,0,\n,5,x\n";
        assert_eq!(
            read(text, ','),
            [
                row(2, Some("ada@example.com"), json!({ "points": "250", "reason": "moved, with thanks" })),
                row(3, Some("bob@example.com"), json!({ "points": "0" })),
                row(4, None, json!({ "points": "5", "reason": "x" })),
            ]
        );
        assert_eq!(
            read("customer;email;points\n7;ada@example.com;1", ';'),
            [row(2, Some("7"), json!({ "points": "1" }))]
        );
    }

    #[test]
    fn a_row_that_is_wrong_is_told_by_its_line_and_the_others_are_read() {
        let rows = read("email,points\nada@example.com\nbob@example.com,2\n", ',');
        assert_eq!(rows[0].line, 2);
        assert_eq!(rows[0].read, Err("it has 1 columns, and the first line has 2".into()));
        assert_eq!(rows[1], row(3, Some("bob@example.com"), json!({ "points": "2" })));
    }

    #[test]
    fn a_first_line_that_names_nothing_is_refused() {
        let refused = |text: &str| rows(Path::new("points.csv"), text.as_bytes(), ',').unwrap_err().to_string();
        assert!(refused("email;points\nada@example.com;1").contains("--delimiter"));
        assert!(refused("email,,points\n").contains("no name"));
        assert!(refused("").contains("points.csv"));
    }
}
