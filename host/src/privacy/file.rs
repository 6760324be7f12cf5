//! The file of one person: everything that is kept of them in a store, as one JSON document.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{Person, Place, tables};
use crate::{
    domain::{
        AuditEntry, AuditKey, Checkout, Contact, Customer, CustomerId, Effect, Fulfillment, Merge, Order, OrderId,
        Refund, Timestamp,
    },
    store::{
        Archive, Error, EventRecord, Inbox, Key, LastChange, Position, Record, SharedLink, Table, TaskRecord,
        TimerRecord, Told, budget::Counted, decode, keys,
    },
};

/// How the document is built up; another number means another shape.
const FORMAT: &str = "regulars.customer-data/1";

/// What a file is made from besides the store.
pub struct Sources {
    pub place: Place,
    pub inbox: Arc<dyn Inbox>,
    pub archive: Arc<dyn Archive>,
    pub audit: AuditKey,
}

/// Everything that is kept of a person. Reads all of the store.
pub async fn of(sources: &Sources, person: &Person, now: Timestamp) -> Result<Value, Error> {
    let mut sections: Map<String, Value> = Map::new();
    let mut unreadable = 0;
    for table in Table::ALL {
        let Some(section) = tables::of(table).section else { continue };
        let rows = match table {
            Table::Link => keys::all_links(),
            Table::Audit => keys::audit_trail(),
            table => keys::of_table(sources.place.id, table),
        };
        let mut found = Vec::new();
        sources
            .place
            .in_pages(&rows, |key, bytes| {
                match row(sources, person, table, key, bytes) {
                    Ok(row) => found.extend(row),
                    // Whose it is cannot be read either.
                    Err(error @ (Error::Damaged { .. } | Error::TooNew { .. })) => {
                        tracing::error!(%error, "a file of somebody's data lacks {key:?}: {error}");
                        unreadable += 1;
                    }
                    Err(error) => return Err(error),
                }
                Ok(())
            })
            .await?;
        sections.insert(section.into(), Value::Array(found));
    }
    Ok(json!({
        "format": FORMAT,
        "store": sources.place.domain,
        "customers": person.customers,
        "made_at": now,
        // Rows of the store that may be the person's or not; the host's log names them.
        "unreadable_rows": unreadable,
        "data": sections,
    }))
}

/// A row as it stands in the file, if it is the person's.
fn row(sources: &Sources, person: &Person, table: Table, key: &Key, bytes: &[u8]) -> Result<Option<Value>, Error> {
    let mut parts = key.parts();
    let mut text = || parts.text().unwrap_or_default();
    Ok(match table {
        Table::Customer => whole::<Customer>(bytes, |it| person.customers.contains(&it.id))?,
        Table::CustomerEmail => {
            let (address, customer) = (text(), text());
            person
                .customers
                .contains(&CustomerId::from(customer.as_str()))
                .then(|| json!({ "address": address, "customer": customer }))
        }
        Table::Absorbed => {
            let (kept, removed) = (CustomerId::from(text()), CustomerId::from(text()));
            person.customers.contains(&removed).then(|| json!({ "kept": kept, "removed": removed }))
        }
        Table::UntoldMerge => whole::<Merge>(bytes, |it| person.customers.contains(&it.removed))?,
        Table::Redacted => {
            let customer = CustomerId::from(text());
            person.customers.contains(&customer).then(|| json!({ "customer": customer }))
        }
        Table::RedactedOrder => {
            let order = OrderId::from(text());
            person.orders.contains(&order).then(|| json!({ "order": order }))
        }
        Table::Order => whole::<Order>(bytes, |it| person.orders.contains(&it.id))?,
        Table::Refund => whole::<Refund>(bytes, |it| person.orders.contains(&it.order))?,
        Table::Fulfillment => whole::<Fulfillment>(bytes, |it| person.orders.contains(&it.order))?,
        Table::Checkout => whole::<Checkout>(bytes, |it| person.has_begun(it))?,
        Table::Told => {
            let order = OrderId::from(text());
            with(whole::<Told>(bytes, |_| person.orders.contains(&order))?, "order", &order)
        }
        Table::Event => {
            let is_theirs =
                |it: &EventRecord| person.has_customer(it.customer.as_ref()) || person.has_order(it.order.as_ref());
            match whole::<EventRecord>(bytes, is_theirs)? {
                Some(event) => Some(with_notice(sources, event, bytes)?),
                None => None,
            }
        }
        Table::State => {
            let plugin = text().into();
            let key = String::from_utf8_lossy(parts.rest()).into_owned();
            person.has_key(&plugin, &key).then(|| json!({ "plugin": plugin, "key": key, "value": readable(bytes) }))
        }
        Table::Timer => {
            let (plugin, key) = (text().into(), text());
            let timer: TimerRecord = decode(bytes)?;
            let shown = json!({ "plugin": plugin, "key": key, "due": timer.due, "payload": readable(&timer.payload) });
            person.has_timer(&plugin, &key, &timer.payload).then_some(shown)
        }
        Table::Task => {
            let (plugin, name) = (text().into(), text());
            let is_theirs = |it: &TaskRecord| person.has_task(&plugin, &name, it);
            with(with(whole::<TaskRecord>(bytes, is_theirs)?, "plugin", &plugin), "key", &name)
        }
        Table::Link => {
            let name = text();
            let shared: Option<Value> = whole::<SharedLink>(bytes, |_| person.links.contains(&name))?;
            with(shared, "name", &name)
        }
        Table::Effect => whole::<Effect>(bytes, |it| person.effects.contains(&it.id))?,
        Table::MailCopy => {
            let effect = text();
            match person.effects.contains(&effect.as_str().into()) {
                true => mail(sources, &effect, bytes)?,
                false => None,
            }
        }
        Table::BudgetCounted => {
            let effect = text();
            with(whole::<Counted>(bytes, |_| person.effects.contains(&effect.as_str().into()))?, "effect", &effect)
        }
        Table::LastChange => {
            let (plugin, customer, field) = (text(), CustomerId::from(text()), text());
            let shown = whole::<LastChange>(bytes, |_| person.customers.contains(&customer))?;
            with(with(shown, "plugin", &plugin), "field", &field)
        }
        Table::Contact => {
            let contact = keys::contact_of(key);
            let shown = whole::<Contact>(bytes, |_| contact.is_some_and(|id| person.contacts.contains(&id)))?;
            with(shown, "contact", contact.map(|id| id.to_string()))
        }
        Table::Audit => whole::<AuditEntry>(bytes, |it| {
            let hashes = person.customers.iter().map(|id| sources.audit.customer(sources.place.id, id));
            it.store == sources.place.id && hashes.map(Some).any(|hash| hash == it.customer)
        })?,
        // Those without a section.
        _ => None,
    })
}

/// A record that is the person's.
fn whole<T: Record>(bytes: &[u8], is_theirs: impl FnOnce(&T) -> bool) -> Result<Option<Value>, Error> {
    let record: T = decode(bytes)?;
    let damaged = |error: serde_json::Error| Error::Damaged { what: T::NAME.into(), detail: error.to_string() };
    is_theirs(&record).then(|| serde_json::to_value(record).map_err(damaged)).transpose()
}

/// The same with what the row's key tells.
fn with(mut row: Option<Value>, name: &str, value: impl Serialize) -> Option<Value> {
    if let Some(row) = &mut row {
        row[name] = json!(value);
    }
    row
}

/// An event with its notice as it came, while that is kept.
fn with_notice(sources: &Sources, mut event: Value, bytes: &[u8]) -> Result<Value, Error> {
    let record: EventRecord = decode(bytes)?;
    if let Some(came) = sources.inbox.get(record.position)? {
        event["notice"] = readable(&came.body);
    }
    Ok(event)
}

/// A mail as it was sent, while its copy is kept.
fn mail(sources: &Sources, effect: &str, bytes: &[u8]) -> Result<Option<Value>, Error> {
    let copy = sources.archive.get(decode::<Position>(bytes)?)?;
    Ok(with(copy.map(|copy| readable(&copy)), "effect", effect))
}

/// Bytes as JSON where they are, as text where they are that, else in base64.
fn readable(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| match str::from_utf8(bytes) {
        Ok(text) => Value::from(text),
        Err(_) => json!({ "base64": data_encoding::BASE64.encode(bytes) }),
    })
}
