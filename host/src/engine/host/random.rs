//! `random`: numbers seeded by the event.

use super::super::{bindings::random, delivery::Delivery};

impl random::Host for Delivery {
    fn next_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.random())
    }
}
