//! The inbox as it lies on the disk once the host has stopped: its positions have no gap, and each position that was
//! named to a sender holds the sender's event.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use regulars::{
    clock,
    store::{DataDir, Error, Inbox, Journal, Position, journal},
};
use regulars_tests::storm::Record;

/// Events read at once.
const PAGE: usize = 1000;

/// What is wrong with the inbox; empty if nothing is.
pub fn differences(data: &Path, record: &Record) -> Result<Vec<String>, Error> {
    let data_dir = DataDir::open(data)?;
    let inbox = Journal::open(&data_dir.inbox(), Arc::new(clock::System), journal::Options::inbox())?;
    let named = record.acknowledged.iter().flat_map(|(id, positions)| positions.iter().map(move |at| (*at, id)));
    let mut named: BTreeMap<u64, &String> = named.collect();
    let mut differences = Vec::new();
    let mut next = Position(1);
    loop {
        let events = inbox.read(next, PAGE, usize::MAX)?;
        if events.is_empty() {
            break;
        }
        for (position, event) in events {
            if position != next {
                differences.push(format!("the inbox goes from position {next} to {position}"));
            }
            next = position.next();
            if let Some(id) = named.remove(&position.0).filter(|id| *id != event.id.as_str()) {
                differences.push(format!("position {position} was named to {id} and holds {}", event.id));
            }
        }
    }
    differences.extend(named.iter().map(|(position, id)| format!("position {position}, named to {id}, holds nothing")));
    Ok(differences)
}
