//! `/v1/stores/{store}/export`: everything of a store, one JSON document a line.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Path, State},
    http::header,
    response::{IntoResponse, Response},
};
use futures_util::stream;
use serde_json::{Value, json};

use super::{super::problem::Result, effects, privacy};
use crate::{
    domain::{Act, Checkout, Customer, Effect, Fulfillment, Order, Refund, StoreId},
    host::Host,
    store::{EnabledRecord, Error, EventRecord, Key, Record, Scan, SettingsRecord, Store, Table, TimerRecord, decode},
};

/// Rows that are read and sent at once.
const PAGE: usize = 500;

/// What is exported: a table and the name of its lines.
const TABLES: [(Table, &str); 11] = [
    (Table::Customer, "customer"),
    (Table::Order, "order"),
    (Table::Refund, "refund"),
    (Table::Fulfillment, "fulfillment"),
    (Table::Checkout, "checkout"),
    (Table::Event, "event"),
    (Table::Effect, "effect"),
    (Table::Enabled, "enabled"),
    (Table::Settings, "settings"),
    (Table::State, "state"),
    (Table::Timer, "timer"),
];

/// Where the export stands: the table, and the last key sent of it.
struct Place {
    host: Arc<Host>,
    store: StoreId,
    table: usize,
    after: Option<Key>,
}

pub async fn export(State(host): State<Arc<Host>>, Path(store): Path<String>) -> Result<Response> {
    let entry = host.catalog.store_named(&store)?;
    privacy::append(&host, &entry, Act::StoreExported, None).await?;
    let store = entry.id();
    let begin = Place { host, store, table: 0, after: None };
    let pages = stream::unfold(Some(begin), async |place| match next_page(place?) {
        Ok(None) => None,
        Ok(Some((lines, place))) => Some((Ok(lines), Some(place))),
        // The stream breaks off, so that a client does not take half an export for a whole.
        Err(error) => Some((Err(error), None)),
    });
    let headers = [(header::CONTENT_TYPE, "application/x-ndjson")];
    Ok((headers, Body::from_stream(Box::pin(pages))).into_response())
}

fn next_page(mut place: Place) -> Result<Option<(String, Place)>, Error> {
    while let Some(&(table, name)) = TABLES.get(place.table) {
        let scan = Scan::of(Key::of(place.store, table).end(), PAGE).after(place.after.take());
        let rows = place.host.sled.scan(&scan)?;
        let Some((last, _)) = rows.last() else {
            place.table += 1;
            continue;
        };
        place.after = Some(last.clone());
        let mut lines = String::new();
        for (key, value) in &rows {
            let mut line = line_of(table, key, &value.bytes)?;
            line["kind"] = json!(name);
            lines.push_str(&line.to_string());
            lines.push('\n');
        }
        return Ok(Some((lines, place)));
    }
    Ok(None)
}

fn line_of(table: Table, key: &Key, bytes: &[u8]) -> Result<Value, Error> {
    fn value<T: Record>(bytes: &[u8]) -> Result<Value, Error> {
        let record: T = decode(bytes)?;
        serde_json::to_value(record).map_err(|error| Error::Damaged { what: T::NAME.into(), detail: error.to_string() })
    }
    let mut parts = key.parts();
    Ok(match table {
        Table::Customer => json!({ "value": value::<Customer>(bytes)? }),
        Table::Order => json!({ "value": value::<Order>(bytes)? }),
        Table::Refund => json!({ "value": value::<Refund>(bytes)? }),
        Table::Fulfillment => json!({ "value": value::<Fulfillment>(bytes)? }),
        Table::Checkout => json!({ "value": value::<Checkout>(bytes)? }),
        Table::Event => json!({ "value": value::<EventRecord>(bytes)? }),
        Table::Effect => json!({ "value": effects::view(&decode::<Effect>(bytes)?) }),
        Table::Enabled => json!({ "plugin": parts.text(), "value": value::<EnabledRecord>(bytes)? }),
        Table::Settings => {
            json!({ "plugin": parts.text(), "version": parts.number(), "value": value::<SettingsRecord>(bytes)? })
        }
        Table::Timer => {
            json!({ "plugin": parts.text(), "key": parts.text(), "value": value::<TimerRecord>(bytes)? })
        }
        _ => {
            let plugin = parts.text();
            let key = String::from_utf8_lossy(parts.rest()).into_owned();
            // A plugin's bytes are its own affair; most are JSON, and then they read as such.
            let value = serde_json::from_slice(bytes)
                .unwrap_or_else(|_| json!({ "base64": data_encoding::BASE64.encode(bytes) }));
            json!({ "plugin": plugin, "key": key, "value": value })
        }
    })
}
