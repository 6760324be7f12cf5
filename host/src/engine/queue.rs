//! What a delivery queues: effects with their ids, counted within the merchant's bounds, and taken back while that is
//! possible.

use super::{
    answer::{Answer, invalid},
    bindings::types::Refusal,
    checks::{can_be_id, check_id},
    delivery::{Delivery, Input},
    limits,
};
use crate::{
    domain::{Effect, EffectId, EffectKind, PluginName},
    store::{
        LastChange,
        budget::{Budget, give_back_effect},
        encode, keys,
    },
};

impl Input {
    /// The bounds on what a plugin gives away in the store.
    pub(super) fn budget_of<'a>(&'a self, plugin: &'a PluginName) -> Budget<'a> {
        Budget { store: self.store.id, plugin, zone: &self.store.time_zone }
    }
}

impl Delivery {
    /// The id that the plugin's next effect will have.
    pub(super) fn next_effect_id(&self) -> EffectId {
        EffectId::derive(&self.input.store.domain, &self.input.event.id, &self.input.plugin.name, self.queued)
    }

    /// What nobody can guess of the code that the plugin's next effect will make.
    pub(super) fn next_code(&self, chars: usize) -> String {
        self.input.store.code_key.code(&self.next_effect_id(), chars)
    }

    /// The same of the one with that number out of many.
    pub(super) fn next_numbered_code(&self, number: u32, chars: usize) -> String {
        self.input.store.code_key.numbered_code(&self.next_effect_id(), number, chars)
    }

    /// Queues an effect: a row of the outbox and one of what is due, kept with the delivery's commit.
    pub(super) fn queue(&mut self, kind: EffectKind, after: Option<EffectId>) -> Answer<EffectId> {
        if self.queued >= limits::EFFECTS {
            return Err(Refusal::OverLimit(limits::EFFECTS).into());
        }
        if let Some(customer) = kind.customer() {
            check_id("customer-id", customer.as_str())?;
        }
        if let Some(order) = kind.order() {
            check_id("order-id", order.as_str())?;
        }
        if let Some(earlier) = &after {
            check_id("after", earlier.as_str())?;
            self.count_read(0)?;
            if !self.transaction.contains(&keys::effect(self.store_id(), earlier))? {
                return Err(invalid(format!("after: there is no effect `{earlier}`")).into());
            }
        }
        let plugin = self.input.plugin.name.clone();
        let effect = Effect { after, ..self.new_effect(self.next_effect_id(), plugin, kind) };
        self.count_written(encode(&effect).len())?;
        let id = effect.id.clone();
        self.enqueue(effect)?;
        self.queued += 1;
        Ok(id)
    }

    /// Queues a change of a value at the platform. Of several changes of one value the last one stays: which that is stands
    /// in a row that is looked at when one is performed; an earlier change that nobody can have begun is taken back.
    pub(super) fn queue_change_of_value(&mut self, change: EffectKind) -> Answer<EffectId> {
        let field = change
            .value_changed()
            .map(|(customer, field)| keys::last_change(self.store_id(), &self.input.plugin.name, customer, field));
        let effect = self.queue(change, None)?;
        let Some(field) = field else { return Ok(effect) };
        if let Some(last) = self.get::<LastChange>(&field)?.filter(|last| last.effect != effect)
            && let Some(earlier) = self.get::<Effect>(&keys::effect(self.store_id(), &last.effect))?
        {
            self.take_back(&earlier, "a later value has been set")?;
        }
        self.transaction.put(field, &LastChange { effect: effect.clone() });
        Ok(effect)
    }

    /// An effect of this delivery's, not queued yet.
    pub(super) fn new_effect(&self, id: EffectId, plugin: PluginName, kind: EffectKind) -> Effect {
        Effect::queued(id, plugin, self.input.event.id.clone(), kind, self.input.now())
    }

    /// Puts an effect into the outbox, if it does not pass a bound.
    ///
    /// One of this id that is there already stays as it is: it was queued by an earlier run of the same delivery.
    pub(super) fn enqueue(&mut self, effect: Effect) -> Answer<()> {
        let store = self.store_id();
        if !self.transaction.contains(&keys::effect(store, &effect.id))? {
            let budget = self.input.budget_of(&effect.plugin);
            budget
                .count_effect(&mut self.transaction, &effect)?
                .map_err(|used_up| Refusal::Other(used_up.to_string()))?;
            self.transaction.queue_effect(store, &effect);
        }
        self.effects.push(effect);
        Ok(())
    }

    /// An effect of this plugin's; `None` if there is none of that id.
    pub(super) fn own_effect(&mut self, id: &str) -> wasmtime::Result<Option<Effect>> {
        if !can_be_id(id) {
            return Ok(None);
        }
        let effect = self.get::<Effect>(&keys::effect(self.store_id(), &EffectId::from(id)))?;
        Ok(effect.filter(|effect| effect.plugin == self.input.plugin.name))
    }

    /// Takes an effect back, and gives back what it was counted for; false if it is too late, or may be.
    pub(super) fn take_back(&mut self, effect: &Effect, reason: &str) -> wasmtime::Result<bool> {
        let (store, now) = (self.store_id(), self.input.now());
        let is_taken_back = self.transaction.take_back_effect(store, effect, reason, now)?;
        if is_taken_back {
            give_back_effect(&mut self.transaction, store, &effect.plugin, &effect.id)?;
        }
        Ok(is_taken_back)
    }
}
