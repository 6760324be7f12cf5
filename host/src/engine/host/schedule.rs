//! `schedule`: timers.

use super::super::{
    bindings::{schedule, types::Refusal},
    checks::{can_be_id, check_id},
    delivery::Delivery,
    limits,
};
use crate::{
    domain::{Origin, Timestamp},
    store::{TimerRecord, keys, keys::Due},
};

impl Delivery {
    fn due_timer(&self, key: &str) -> Due {
        Due::Timer { store: self.store_id(), plugin: self.input.plugin.name.clone(), key: key.into() }
    }

    /// Takes a pending timer away; false if there is none.
    fn remove_timer(&mut self, key: &str) -> wasmtime::Result<bool> {
        let stored = keys::timer(self.store_id(), &self.input.plugin.name, key);
        let Some(timer) = self.get::<TimerRecord>(&stored)? else { return Ok(false) };
        self.transaction.delete(self.due_timer(key).key(timer.due));
        self.transaction.delete(stored);
        Ok(true)
    }
}

impl schedule::Host for Delivery {
    fn at(&mut self, key: String, when: u64, payload: Vec<u8>) -> wasmtime::Result<Result<(), Refusal>> {
        if let Err(refusal) = check_id("key", &key) {
            return Ok(Err(refusal));
        }
        if self.timer_calls >= limits::TIMERS {
            return Ok(Err(Refusal::OverLimit(limits::TIMERS)));
        }
        if payload.len() > limits::STATE_VALUE_BYTES as usize {
            return Ok(Err(Refusal::OverLimit(limits::STATE_VALUE_BYTES)));
        }
        // A timer that sets a timer for the past would otherwise keep the host busy for ever.
        let due = match self.input.event.origin {
            Origin::Timer { .. } => Timestamp(when).max(self.input.now() + limits::TIMER_AGAIN),
            _ => Timestamp(when),
        };
        if due > self.input.now() + limits::TIMER_AHEAD {
            let days = limits::TIMER_AHEAD.as_secs() / 86_400;
            return Ok(Err(Refusal::Invalid(format!("when is more than {days} days ahead"))));
        }
        if let Err(refusal) = self.count_written(2 * key.len() + payload.len()) {
            return Ok(Err(refusal));
        }
        self.timer_calls += 1;
        self.remove_timer(&key)?;
        let stored = keys::timer(self.store_id(), &self.input.plugin.name, &key);
        self.transaction.put(stored, &TimerRecord { due, payload });
        self.transaction.put_bytes(self.due_timer(&key).key(due), Vec::new());
        Ok(Ok(()))
    }

    fn cancel(&mut self, key: String) -> wasmtime::Result<bool> {
        Ok(can_be_id(&key) && self.remove_timer(&key)?)
    }
}
