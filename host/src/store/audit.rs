//! The audit trail: what was done with people's data and with stores', by whom and when. It is only ever appended to, and
//! let go after its time.

use super::{Error, Key, Scan, Store, Transaction, decode, keys};
use crate::domain::{AuditEntry, Timestamp};

/// Entries of one instant at most.
const AT_ONCE: usize = 10_000;

impl Transaction {
    /// Writes down what the rest of the transaction does.
    pub fn append_audit(&mut self, entry: &AuditEntry) -> Result<(), Error> {
        let number = self.scan(&Scan::of(keys::audit_at(entry.at), AT_ONCE))?.len() as u64;
        self.put(keys::audit(entry.at, number), entry);
        Ok(())
    }
}

/// The latest entries, newest first, at most `limit`; of one store, if a domain is given.
pub fn latest(store: &dyn Store, domain: Option<&str>, limit: usize) -> Result<Vec<AuditEntry>, Error> {
    let (mut found, mut after) = (Vec::new(), None);
    while found.len() < limit {
        let rows = store.scan(&Scan::of(keys::audit_trail(), limit).after(after).newest_first())?;
        let Some((last, _)) = rows.last() else { break };
        after = Some(last.clone());
        for (_, value) in &rows {
            let entry: AuditEntry = decode(&value.bytes)?;
            if domain.is_none_or(|domain| entry.domain == domain) {
                found.push(entry);
            }
        }
    }
    found.truncate(limit);
    Ok(found)
}

/// Entries from before `end`, oldest first, at most `limit`.
pub fn before(store: &dyn Store, end: Timestamp, limit: usize) -> Result<Vec<Key>, Error> {
    let rows = store.scan(&Scan::of(keys::audit_trail(), limit))?;
    let is_before = |key: &Key| keys::audited_at(key).is_some_and(|at| at < end);
    Ok(rows.into_iter().map(|(key, _)| key).take_while(is_before).collect())
}
