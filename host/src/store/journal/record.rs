//! How an event is written into the journal: a version byte, a postcard header, the sender's bytes as they came.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::super::Error;
use crate::domain::{Event, EventId, Origin, StoreId, Timestamp};

const VERSION: u8 = 1;

#[derive(Deserialize)]
struct Header {
    id: EventId,
    store: StoreId,
    origin: Origin,
    occurred_at: Timestamp,
    received_at: Timestamp,
}

/// The same fields in the same order, borrowed.
#[derive(Serialize)]
struct HeaderRef<'a> {
    id: &'a EventId,
    store: StoreId,
    origin: &'a Origin,
    occurred_at: Timestamp,
    received_at: Timestamp,
}

/// Appends the event's record to `buffer`.
pub(super) fn encode_into(buffer: Vec<u8>, event: &Event) -> Vec<u8> {
    let mut buffer = buffer;
    buffer.push(VERSION);
    let header = HeaderRef {
        id: &event.id,
        store: event.store,
        origin: &event.origin,
        occurred_at: event.occurred_at,
        received_at: event.received_at,
    };
    let mut buffer = postcard::to_extend(&header, buffer).expect("a header holds only what postcard can write");
    buffer.extend_from_slice(&event.body);
    buffer
}

/// Reads a record; the body shares its bytes.
pub(super) fn decode(record: &Bytes) -> Result<Event, Error> {
    let damaged = |detail: String| Error::Damaged { what: "an event in the inbox".into(), detail };
    let header = match record.split_first() {
        Some((&VERSION, header)) => header,
        Some((&found, _)) if found > VERSION => {
            return Err(Error::TooNew { what: "an event in the inbox", found: found.into(), known: VERSION.into() });
        }
        _ => return Err(damaged("its record has no known version".into())),
    };
    let (header, body) = postcard::take_from_bytes::<Header>(header).map_err(|error| damaged(error.to_string()))?;
    Ok(Event {
        id: header.id,
        store: header.store,
        origin: header.origin,
        occurred_at: header.occurred_at,
        received_at: header.received_at,
        body: record.slice(record.len() - body.len()..),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Merge, Platform, PluginName};

    /// One event of each origin, with the bytes that version 1 wrote for it. The files are never rewritten.
    fn golden() -> [(Event, &'static [u8]); 13] {
        let event = |id: &str, origin, body: &'static [u8]| Event {
            id: id.into(),
            store: StoreId(7),
            origin,
            occurred_at: Timestamp(1_760_000_000_123),
            received_at: Timestamp(1_760_000_000_456),
            body: Bytes::from_static(body),
        };
        let webhook = Origin::Webhook {
            platform: Platform::Shopify,
            topic: "orders/create".into(),
            api_version: "2026-01".into(),
        };
        let read =
            Origin::Read { platform: Platform::Shopify, topic: "orders/paid".into(), api_version: "2026-10".into() };
        let plugin = PluginName::from("birthday-mail");
        let timer = Origin::Timer { plugin: plugin.clone(), key: "c-1".into(), due: Timestamp(1_760_000_000_000) };
        let told = Merge { kept: "gid-98".into(), removed: "gid-99".into(), completed: true };
        let merge = Origin::Merge { plugin: plugin.clone(), merge: told };
        let failed = Origin::EffectFailed { plugin: plugin.clone(), effect: "abcd".into(), customer: "gid-99".into() };
        let asked = Origin::Action { plugin: plugin.clone(), customer: "gid-99".into(), name: "redeem".into() };
        let customer = Some("gid-99".into());
        let decided =
            Origin::MerchantAction { plugin: plugin.clone(), customer: customer.clone(), name: "approve".into() };
        let claimed = Origin::VisitorAction { plugin: plugin.clone(), name: "claim".into() };
        let visited = Origin::Visit { plugin: plugin.clone(), customer: "gid-99".into(), link: "K3JQ7PZ2".into() };
        let published = Origin::SettingsPublished { plugin: plugin.clone(), version: 3 };
        let ended = Origin::EffectEnded { plugin, effect: "abcd".into(), customer, done: true };
        let forgotten = Origin::Redaction { customer: "gid-99".into() };
        let consent = Origin::Consent { customer: "gid-99".into(), accepts_marketing: true };
        [
            (
                event("b54557e4", webhook, b"{\"id\":820982911946154508}"),
                include_bytes!("../golden/event-webhook-v1.bin"),
            ),
            (event("timer:1", timer, b"\x00\xff"), include_bytes!("../golden/event-timer-v1.bin")),
            (event("action:1", asked, b""), include_bytes!("../golden/event-action-v1.bin")),
            (event("read:1", read, b"{\"id\":1}"), include_bytes!("../golden/event-read-v1.bin")),
            (event("merge:1", merge, b""), include_bytes!("../golden/event-merge-v1.bin")),
            (event("failed:1", failed, b"{}"), include_bytes!("../golden/event-effect-failed-v1.bin")),
            (event("merchant:1", decided, b"{}"), include_bytes!("../golden/event-merchant-action-v1.bin")),
            (event("visitor:1", claimed, b"{}"), include_bytes!("../golden/event-visitor-action-v1.bin")),
            (event("visit:1", visited, b"{}"), include_bytes!("../golden/event-visit-v1.bin")),
            (event("settings:1", published, b"{}"), include_bytes!("../golden/event-settings-v1.bin")),
            (event("ended:1", ended, b"{}"), include_bytes!("../golden/event-effect-ended-v1.bin")),
            (event("redaction:1", forgotten, b""), include_bytes!("../golden/event-redaction-v1.bin")),
            (event("consent:1", consent, b""), include_bytes!("../golden/event-consent-v1.bin")),
        ]
    }

    #[test]
    fn events_are_written_as_version_1_wrote_them() {
        for (event, bytes) in golden() {
            assert_eq!(encode_into(Vec::new(), &event), bytes, "{:?}", event.origin);
        }
    }

    #[test]
    fn events_of_version_1_are_read() {
        for (event, bytes) in golden() {
            assert_eq!(decode(&Bytes::from_static(bytes)).unwrap(), event);
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_the_reason() {
        assert!(matches!(decode(&Bytes::new()), Err(Error::Damaged { .. })));
        assert!(matches!(decode(&Bytes::from_static(&[VERSION, 200])), Err(Error::Damaged { .. })));
        assert!(matches!(decode(&Bytes::from_static(&[VERSION + 1])), Err(Error::TooNew { found: 2, known: 1, .. })));
    }
}
