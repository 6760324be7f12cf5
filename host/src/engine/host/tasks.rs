//! `tasks`: what the merchant is asked to decide or to do.

use super::super::{
    answer::{Answer, invalid, told},
    bindings::{tasks, types::Refusal},
    checks::{can_be_id, check_id, check_line},
    delivery::Delivery,
    limits,
};
use crate::{
    domain::Timestamp,
    store::{TaskRecord, budget, encode, keys},
};

impl tasks::Host for Delivery {
    fn open(&mut self, task: tasks::Task) -> wasmtime::Result<Result<(), Refusal>> {
        told(self.open_task(task))
    }

    fn close(&mut self, key: String) -> wasmtime::Result<bool> {
        if self.granted("tasks").is_err() || !can_be_id(&key) {
            return Ok(false);
        }
        let stored = keys::task(self.store_id(), &self.input.plugin.name, &key);
        let is_open = self.get::<TaskRecord>(&stored)?.is_some();
        if is_open {
            self.transaction.delete(stored);
        }
        Ok(is_open)
    }
}

impl Delivery {
    fn open_task(&mut self, task: tasks::Task) -> Answer<()> {
        self.granted("tasks")?;
        check(&task)?;
        let stored = keys::task(self.store_id(), &self.input.plugin.name, &task.key);
        let (open, now) = (self.get::<TaskRecord>(&stored)?, self.input.now());
        let record = TaskRecord {
            title: task.title,
            details: task.details,
            customer: task.customer_id.map(Into::into),
            order: task.order_id.map(Into::into),
            choices: task.choices,
            due: task.due.map(Timestamp),
            opened_at: open.as_ref().map_or(now, |open| open.opened_at),
        };
        let bytes = encode(&record).len();
        if bytes > limits::TASK_BYTES as usize {
            return Err(Refusal::OverLimit(limits::TASK_BYTES).into());
        }
        self.count_written(task.key.len() + bytes)?;
        // One that is open has been counted.
        if open.is_none() {
            self.spend_budget(budget::TASKS, 1)?;
        }
        self.transaction.put(stored, &record);
        Ok(())
    }
}

fn check(task: &tasks::Task) -> Result<(), Refusal> {
    check_id("key", &task.key)?;
    check_line("title", &task.title, limits::TASK_TITLE_BYTES)?;
    if task.details.len() > limits::TASK_DETAILS as usize {
        return Err(Refusal::OverLimit(limits::TASK_DETAILS));
    }
    if task.choices.len() > limits::TASK_CHOICES as usize {
        return Err(Refusal::OverLimit(limits::TASK_CHOICES));
    }
    if task.choices.iter().any(|(action, label)| !can_be_id(action) || label.trim().is_empty()) {
        return Err(invalid("choices: one has no action or no label"));
    }
    let ids = [("customer-id", &task.customer_id), ("order-id", &task.order_id)];
    ids.into_iter().filter_map(|(name, id)| Some((name, id.as_deref()?))).try_for_each(|(name, id)| check_id(name, id))
}
