//! What whoever runs a shop is told of its history: what is missing, and what helps.

use super::State;
use crate::domain::Platform;

/// Something to know, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Note {
    pub what: String,
    pub remedy: String,
}

fn note(what: impl Into<String>, remedy: impl Into<String>) -> Note {
    Note { what: what.into(), remedy: remedy.into() }
}

/// What there is to know of a store's history; nothing where all is well.
pub fn notes(state: &State, platform: Platform, domain: &str) -> Vec<Note> {
    let again = format!("`regulars store history {domain} --again`");
    let mut notes = Vec::new();
    if let Some(history) = &state.history {
        if let Some(error) = &history.error {
            let remedy = format!("It is tried again within the hour, and at once by {again}.");
            notes.push(note(format!("The history could not be read to its end: {error}."), remedy));
        }
        if history.stopped {
            let remedy = format!("What was read stays. {again} reads it from its beginning.");
            notes.push(note("The reading of the history was stopped.", remedy));
        }
        if history.is_cut {
            notes.push(note(
                "The history ends 60 days back: Shopify shows an app no older orders without `read_all_orders`.",
                format!(
                    "Ask Shopify for `read_all_orders` (Dev Dashboard, API access requests), release the app with it, and open \
                     the app in the shop to agree. It is then read by itself in the next night, and at once by {again}."
                ),
            ));
        }
        if let Some(first) = &history.unreadable_first {
            let what =
                format!("{} things could not be read and were left out. The first: {first}.", history.unreadable);
            notes.push(note(what, format!("If they matter, report it with that text. {again} tries them once more.")));
        }
    }
    if let Some(counts) = &state.counts {
        let (orders, customers) = counts.missing();
        let missing = format!("{orders} orders and {customers} customers of the shop are not known here");
        match &counts.error {
            Some(error) => notes.push(note(
                format!("The shop could not be counted: {error}."),
                format!(
                    "It is counted again in the next night, and at once by `regulars store history {domain} --count`."
                ),
            )),
            None if (orders, customers) == (0, 0) => {}
            None if counts.is_repairing => {
                notes
                    .push(note(format!("{missing}."), "They are being read again; the next count tells what is left."));
            }
            None => {
                notes.push(note(format!("{missing}, and reading again has not found them."), stays(platform, &again)))
            }
        }
    }
    notes
}

fn stays(platform: Platform, again: &str) -> String {
    let may = match platform {
        Platform::Shopify => "See that the app still has `read_orders` and `read_customers`, and that webhooks arrive",
        Platform::Magento => "See that the integration may read sales and customers of all of the shop's websites",
    };
    format!("{may}; then {again}.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Counts, History};

    fn told(history: History, counts: Option<Counts>) -> Vec<Note> {
        let state = State { history: Some(history), counts, ..State::default() };
        notes(&state, Platform::Shopify, "fern.myshopify.com")
    }

    #[test]
    fn where_all_is_well_nothing_is_told() {
        let same = Counts { orders: (7, 7), customers: (3, 3), ..Counts::default() };
        // Orders that were deleted in the shop stay known.
        let deleted = Counts { orders: (7, 9), ..same.clone() };
        for counts in [None, Some(same), Some(deleted)] {
            assert_eq!(told(History::default(), counts), []);
        }
    }

    #[test]
    fn whatever_is_missing_is_told_with_what_helps() {
        let missing = Counts { orders: (7, 5), customers: (3, 3), is_repairing: true, ..Counts::default() };
        let cases = [
            (History { error: Some("no answer".into()), ..History::default() }, None, "no answer", "--again"),
            (History { stopped: true, ..History::default() }, None, "stopped", "--again"),
            (History { is_cut: true, ..History::default() }, None, "60 days", "read_all_orders"),
            (
                History { unreadable: 2, unreadable_first: Some("a line".into()), ..History::default() },
                None,
                "2 things",
                "--again",
            ),
            (History::default(), Some(missing.clone()), "2 orders and 0 customers", "being read again"),
            (History::default(), Some(Counts { is_repairing: false, ..missing.clone() }), "has not found", "webhooks"),
            (History::default(), Some(Counts { error: Some("no".into()), ..missing }), "not be counted: no", "--count"),
        ];
        for (history, counts, what, remedy) in cases {
            let [note] = &told(history, counts)[..] else { panic!("one note of {what}") };
            assert!(note.what.contains(what) && note.remedy.contains(remedy), "{note:?}");
        }
    }
}
