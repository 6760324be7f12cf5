//! `budget`: bounds that the merchant sets on what a plugin gives away, for what the plugin counts itself.

use super::super::{
    answer::{Answer, invalid, told},
    bindings::{budget, types::Refusal},
    delivery::Delivery,
    limits,
};

impl budget::Host for Delivery {
    fn spend(&mut self, kind: String, amount: u64) -> wasmtime::Result<Result<(), Refusal>> {
        let checked = check_kind(&kind).map_err(Into::into);
        told(checked.and_then(|()| self.spend_budget(&kind, amount)))
    }

    fn give_back(&mut self, kind: String, amount: u64) -> wasmtime::Result<()> {
        if check_kind(&kind).is_ok() {
            self.count_read(0)?;
            let budget = self.input.budget_of(&self.input.plugin.name);
            budget.give_back(&mut self.transaction, &kind, amount, self.input.now())?;
        }
        Ok(())
    }
}

impl Delivery {
    /// Counts what the plugin gives away, if that passes no bound.
    pub(super) fn spend_budget(&mut self, kind: &str, amount: u64) -> Answer<()> {
        self.count_read(0)?;
        let budget = self.input.budget_of(&self.input.plugin.name);
        let spent = budget.spend(&mut self.transaction, kind, amount, self.input.now())?;
        spent.map_err(|used_up| Refusal::Other(used_up.to_string()))?;
        Ok(())
    }
}

fn check_kind(kind: &str) -> Result<(), Refusal> {
    let most = limits::BUDGET_KIND_BYTES;
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    match (1..=most as usize).contains(&kind.len()) && kind.bytes().all(is_allowed) {
        true => Ok(()),
        false => Err(invalid(format!("kind: `{kind}` is not 1 to {most} of a-z, 0-9 and -"))),
    }
}
