//! What the power-cut writer writes, so that the test knows what it must find.

use bytes::Bytes;
use regulars::{
    domain::{Event, Origin, Platform, StoreId, Timestamp},
    store::{Key, Table},
};

/// Each thread deletes the value of the commit that lies so many back.
pub const KEPT: u64 = 40;

/// The `number`-th event of a thread.
pub fn event(thread: u64, number: u64) -> Event {
    Event {
        id: format!("{thread}-{number}").into(),
        store: StoreId(1),
        origin: Origin::Webhook {
            platform: Platform::Shopify,
            topic: "orders/create".into(),
            api_version: "2026-01".into(),
        },
        occurred_at: Timestamp(number),
        received_at: Timestamp(number + 1),
        body: Bytes::from(bytes(thread, number, 200 + usize::try_from(number * 811 % 9_000).unwrap_or_default())),
    }
}

/// What the `number`-th commit of a thread puts under [`key`]: now and then a value that lies in chunks, seldom one of
/// many.
pub fn value(thread: u64, number: u64) -> Vec<u8> {
    let length = match number % 100 {
        55 => 3_000_000,
        last if last % 16 == 0 => 150_000,
        _ => 50 + number * 37 % 2_000,
    };
    bytes(thread, number, usize::try_from(length).unwrap_or_default())
}

pub fn key(thread: u64, number: u64) -> Key {
    Key::of(StoreId(1), Table::State).number(thread).number(number).end()
}

/// Holds the number of the thread's newest commit.
pub fn newest_key(thread: u64) -> Key {
    Key::of(StoreId(1), Table::Meta).number(thread).end()
}

fn bytes(thread: u64, number: u64, length: usize) -> Vec<u8> {
    let mut state = thread << 32 | number;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    })
    .take(length)
    .collect()
}
