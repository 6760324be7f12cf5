//! `plugin import`: a file of rows, each a merchant's action.
//!
//! A row's key follows from what is asked, the file's bytes and its place in it, so that a file which is imported again,
//! whole or after something was mended in the shop, counts each row once.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

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

/// Lines that are told of one decision.
const LINES: usize = 20;

/// Rows after which it is said how far it is.
const PROGRESS: usize = 1_000;

#[derive(Args)]
#[command(after_help = "A file `points.csv` with a first line of names, and what it does:

  email,points
  ada@example.com,250

  regulars plugin import fern.myshopify.com loyalty-points import points.csv --with mode=add

Every other column is a field of the action's input, as text. What was decided is listed, with the lines. Rows that were
refused are sent again by importing the same file again; the others count once.")]
pub struct Import {
    /// The store's permanent domain.
    store: String,
    plugin: String,
    /// What is asked of the plugin for each row.
    action: String,
    /// A CSV file with a first line of names. The column `customer`, an id, or `email` names the customer.
    file: PathBuf,
    /// A field that every row has besides.
    #[arg(long, value_name = "NAME=VALUE", value_parser = constant)]
    with: Vec<(String, String)>,
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

fn constant(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write a name and a value, such as `mode=add`")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub async fn run(client: &Client, import: Import) -> Result {
    let bytes = std::fs::read(&import.file).map_err(|error| format!("{}: {error}", import.file.display()))?;
    let rows = rows(&import.file, &bytes, import.delimiter)?;
    let (count, file) = (rows.len(), name_of(&bytes, &import.with));
    let (mut refused, mut decided) = (Vec::new(), BTreeMap::<_, Vec<u64>>::new());
    let mut done = stream::iter(rows).map(|row| send(client, &import, &file, row)).buffered(AT_ONCE).enumerate();
    let (mut accepted, mut known) = (0, 0);
    while let Some((index, (line, ended))) = done.next().await {
        match ended {
            Ok(Ended { is_known, decision }) => {
                *(if is_known { &mut known } else { &mut accepted }) += 1;
                decided.entry(decision).or_default().push(line);
            }
            Err(reason) => refused.push((line, reason)),
        }
        if (index + 1) % PROGRESS == 0 {
            eprintln!("{} of {count} rows", index + 1);
        }
    }
    println!("{accepted} rows taken in, {known} were known, {} refused", refused.len());
    for (decision, lines) in &decided {
        println!("{}: {decision} ({})", lines.len(), told(lines));
    }
    for (line, reason) in &refused {
        println!("line {line}: {reason}");
    }
    match refused.len() {
        0 => Ok(()),
        refused => {
            Err(format!("{refused} of {count} rows were refused; mend what is wrong and import the file again").into())
        }
    }
}

/// Names what is imported: the file and what every row has besides.
fn name_of(file: &[u8], with: &[(String, String)]) -> String {
    let mut hash = Sha256::new();
    for part in with.iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]).chain([file]) {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    HEXLOWER.encode(&hash.finalize()[..16])
}

/// Lines in a few words.
fn told(lines: &[u64]) -> String {
    let first = lines.iter().take(LINES).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let more = if lines.len() > LINES { ", ..." } else { "" };
    format!("lines {first}{more}")
}

/// What became of a row.
struct Ended {
    /// The same row had been sent before.
    is_known: bool,
    /// What the plugin made of it, in its words.
    decision: String,
}

async fn send(client: &Client, import: &Import, file: &str, row: Row) -> (u64, Result<Ended, String>) {
    let line = row.line;
    let asked = async {
        let Asked { customer, mut input } = row.read?;
        input.extend(import.with.iter().map(|(name, value)| (name.clone(), value.as_str().into())));
        let body = json!({
            "name": import.action,
            "customer": customer,
            "input": input,
            "idempotency_key": format!("import/{}/{file}/{line}", import.action),
        });
        let address = format!("{}/plugins/{}/actions", path(&import.store), segment(&import.plugin));
        let answer = client.send(Method::POST, &address, &body).await.map_err(|error| error.to_string())?;
        let is_known = answer["status"] == "duplicate";
        let event = decided::wait(client, &import.store, answer["event"].as_str().unwrap_or_default()).await;
        let decision = match event {
            Some(event) => match decided::refusal(&event) {
                Some(reason) => return Err(reason),
                None => decided::decision(&event),
            },
            None => "not decided yet".into(),
        };
        Ok(Ended { is_known, decision })
    };
    (line, asked.await)
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
    fn the_same_file_with_something_else_besides_is_another_import() {
        let with = |pairs: &[(&str, &str)]| -> Vec<_> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let name = name_of(b"a", &with(&[("mode", "add")]));
        assert_eq!(name, name_of(b"a", &with(&[("mode", "add")])));
        for other in [with(&[]), with(&[("mode", "reset")]), with(&[("modea", "dd")])] {
            assert_ne!(name, name_of(b"a", &other));
        }
        assert_ne!(name, name_of(b"b", &with(&[("mode", "add")])));
        assert_eq!(constant("mode=a=b").unwrap(), ("mode".into(), "a=b".into()));
        assert!(constant("mode").is_err());
    }

    #[test]
    fn a_first_line_that_names_nothing_is_refused() {
        let refused = |text: &str| rows(Path::new("points.csv"), text.as_bytes(), ',').unwrap_err().to_string();
        assert!(refused("email;points\nada@example.com;1").contains("--delimiter"));
        assert!(refused("email,,points\n").contains("no name"));
        assert!(refused("").contains("points.csv"));
    }
}
