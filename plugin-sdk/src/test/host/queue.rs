//! What a plugin sets off in a bench: timers, notes, budgets, effects, tasks. Codes are in `codes`.

use std::time::Duration;

use super::{
    super::{Call, Capability, Note, incoming::Change},
    Answer, Run,
    checks::{can_be_id, check_id, check_kind, check_line, check_tags, valid, within},
    civil, days_since_1970,
    derive::gift_card_code,
    owned, queued, standing_of, with,
};
use crate::{
    Birthday, Date, EffectId, EffectStanding, Guard, Issued, Mail, MetafieldValue, Money, ParcelGift, Refusal,
    SharedLink, Task, Timestamp, limits,
};

/// How long after its time a mail may still go out that states no end.
const MAIL_VALID_DAYS: u64 = 3;

/// Why an earlier change of a value is taken back.
const LATER_VALUE: &str = "a later value has been set";

pub(crate) fn schedule(key: &str, when: Timestamp, payload: &[u8]) -> Answer {
    check_id("key", key)?;
    with(|run| {
        within(run.count(|call| matches!(call, Call::Schedule { .. })) + 1, limits::TIMERS_PER_DELIVERY)?;
        within(payload.len(), limits::TIMER_PAYLOAD_BYTES)?;
        let due = match &run.incoming.change {
            Change::Timer(_) => when.max(run.now + Duration::from_secs(limits::TIMER_AGAIN_SECONDS)),
            _ => when,
        };
        let days = limits::TIMER_DAYS_AHEAD;
        valid(due <= run.now.plus_days(days), || format!("when is more than {days} days ahead"))?;
        run.count_written(2 * key.len() + payload.len())?;
        run.written.timers.insert(key.into(), Some((due, payload.into())));
        run.written.calls.push(Call::Schedule { key: key.into(), when, payload: payload.into() });
        Ok(())
    })
}

pub(crate) fn cancel(key: &str) -> bool {
    with(|run| {
        let pending = run.written.timers.get(key).map_or_else(|| run.shop.timers.contains_key(key), Option::is_some);
        if pending {
            run.written.timers.insert(key.into(), None);
            run.written.calls.push(Call::Cancel { key: key.into() });
        }
        pending
    })
}

pub(crate) fn note(reason: &str, fields: &[(&str, &str)]) -> Answer {
    with(|run| {
        within(run.count(|call| matches!(call, Call::Note(_))) + 1, limits::NOTES_PER_DELIVERY)?;
        within(
            reason.len() + fields.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>(),
            limits::NOTE_BYTES,
        )?;
        let fields = fields.iter().map(|&(name, value)| (name.into(), value.into())).collect();
        run.written.calls.push(Call::Note(Note { reason: reason.into(), fields }));
        Ok(())
    })
}

pub(crate) fn withdraw(effect: &EffectId) -> bool {
    with(|run| {
        let is_taken_back = run.take_back(effect, "withdrawn by the plugin");
        if is_taken_back {
            run.written.calls.push(Call::Withdraw { effect: effect.clone() });
        }
        is_taken_back
    })
}

pub(crate) fn spend(kind: &str, amount: u64) -> Answer {
    check_kind(kind)?;
    with(|run| run.spend(kind, i128::from(amount)))
}

pub(crate) fn give_back(kind: &str, amount: u64) {
    if check_kind(kind).is_ok() {
        with(|run| run.give_back(kind, i128::from(amount)));
    }
}

impl Run {
    fn spent(&self, kind: &str) -> i128 {
        let [earlier, now] = [&self.shop.spent, &self.written.spent].map(|it| it.get(kind).copied().unwrap_or(0));
        earlier + now
    }

    fn spend(&mut self, kind: &str, amount: i128) -> Answer {
        let used = self.spent(kind);
        if let Some(limit) = self.shop.budgets.get(kind).filter(|_| amount > 0)
            && used + amount > i128::from(*limit)
        {
            return Err(Refusal::Other(format!(
                "the budget for {kind} is used up: {used} of {limit} in all are spent, and {amount} more were asked for"
            )));
        }
        *self.written.spent.entry(kind.into()).or_default() += amount;
        Ok(())
    }

    /// Gives back as much as was counted and no more.
    fn give_back(&mut self, kind: &str, amount: i128) {
        let amount = amount.min(self.spent(kind));
        *self.written.spent.entry(kind.into()).or_default() -= amount;
    }

    /// Queues an effect that may be queued: what it is for has been checked. One that an earlier run of the same event
    /// has queued is counted against no budget again.
    pub(super) fn queue(&mut self, call: impl FnOnce(EffectId) -> Call) -> Answer<EffectId> {
        within(self.queued as usize + 1, limits::EFFECTS_PER_DELIVERY)?;
        let id = self.next_effect();
        let call = call(id.clone());
        call.customer().map_or(Ok(()), |customer| check_id("customer-id", customer))?;
        call.order().map_or(Ok(()), |order| check_id("order-id", order))?;
        if let Call::Mail { mail: Mail { after: Some(after), .. }, .. } = &call {
            check_id("after", after.as_str())?;
            valid(queued(self, after, |_| Some(())).is_some(), || format!("after: there is no effect `{after}`"))?;
        }
        if let Some((kind, amount)) = call.cost().filter(|_| !self.shop.effects.contains_key(&id)) {
            self.spend(kind, i128::from(amount))?;
        }
        self.queued += 1;
        self.written.calls.push(call);
        Ok(id)
    }

    /// Takes an effect back, and gives back what it was counted for; false if it is too late, or may be. What is due at
    /// once may be under way as soon as its delivery is kept.
    /// The last effect of this delivery's that is such a call.
    fn last_queued(&self, is_such: impl Fn(&Call) -> bool) -> Option<EffectId> {
        self.written.calls.iter().rev().find(|call| is_such(call)).and_then(|call| call.effect().cloned())
    }

    pub(super) fn take_back(&mut self, effect: &EffectId, reason: &str) -> bool {
        let Some(call) = queued(self, effect, |call| Some(call.clone())) else { return false };
        let earlier = self.shop.effects.get(effect);
        let is_to_wait = |call: &Call| match call {
            Call::Mail { mail, .. } => earlier.is_some_and(|it| mail.send_at.is_some_and(|at| at > it.at)),
            _ => false,
        };
        let is_pending = standing_of(self, effect).status == "pending";
        if !is_pending || earlier.is_some() && !is_to_wait(&call) {
            return false;
        }
        if let Some((kind, amount)) = call.cost() {
            self.give_back(kind, i128::from(amount));
        }
        let dropped = EffectStanding { status: "dropped".into(), reason: Some(reason.into()) };
        self.written.ended.insert(effect.clone(), dropped);
        true
    }

    fn check_guard(&self, guard: &Guard) -> Answer {
        match guard {
            Guard::NoOrderSince(_) => Ok(()),
            Guard::OrderNotCancelled(order) => check_id("guards: subject", order),
            Guard::State(key) => check_id("guards: subject", key),
            Guard::CodeLive(effect) => {
                check_id("guards: subject", effect.as_str())?;
                let makes_a_code = queued(self, effect, |call| matches!(call, Call::Discount { .. }).then_some(()));
                valid(makes_a_code.is_some(), || format!("guards: no effect `{effect}` makes a code"))
            }
        }
    }

    fn check_span(&self, mail: &Mail) -> Answer {
        let send_at = mail.send_at.map_or(self.now, |at| at.max(self.now));
        let days = limits::MAIL_DAYS_AHEAD;
        valid(send_at <= self.now.plus_days(days), || format!("send-at: is more than {days} days ahead"))?;
        let valid_until = mail.valid_until.unwrap_or(send_at.plus_days(MAIL_VALID_DAYS));
        valid(valid_until > send_at, || "valid-until: is not after the time to send it at".into())
    }
}

pub(crate) fn send_mail(mail: Mail) -> Answer<EffectId> {
    with(|run| {
        run.granted(Capability::Mail)?;
        let known = run.shop.templates.as_ref().is_none_or(|known| known.contains(&mail.template));
        valid(known, || format!("template: the plugin's file has none named `{}`", mail.template))?;
        within(mail.vars.len(), limits::MAIL_VARS)?;
        mail.vars.iter().try_for_each(|(name, value)| within(name.len() + value.len(), limits::MAIL_VAR_BYTES))?;
        within(mail.guards.len(), limits::MAIL_GUARDS)?;
        run.check_span(&mail)?;
        mail.guards.iter().try_for_each(|guard| run.check_guard(guard))?;
        run.queue(|id| Call::Mail { id, mail })
    })
}

pub(crate) fn credit(customer_id: &str, amount: Money, expires_at: Option<Timestamp>) -> Answer<EffectId> {
    with(|run| {
        run.granted(Capability::StoreCredit)?;
        run.check_positive("amount", amount)?;
        run.check_to_come("expires-at", expires_at)?;
        run.queue(|id| Call::StoreCredit { id, customer_id: customer_id.into(), amount, expires_at })
    })
}

pub(crate) fn debit(customer_id: &str, amount: Money) -> Answer<EffectId> {
    with(|run| {
        run.granted(Capability::StoreCredit)?;
        run.check_positive("amount", amount)?;
        let amount = Money::new(-amount.minor, amount.currency);
        run.queue(|id| Call::StoreCredit { id, customer_id: customer_id.into(), amount, expires_at: None })
    })
}

pub(crate) fn create_gift_card(customer_id: &str, amount: Money, ends_at: Option<Timestamp>) -> Answer<Issued> {
    with(|run| {
        run.granted(Capability::GiftCards)?;
        run.check_positive("amount", amount)?;
        run.check_to_come("ends-at", ends_at)?;
        let code = gift_card_code(&run.next_effect());
        let (told, customer_id) = (code.clone(), customer_id.into());
        let effect = run.queue(|id| Call::GiftCard { id, code, customer_id, amount, ends_at })?;
        Ok(Issued { effect, code: told })
    })
}

fn change_tags(customer_id: &str, add: &[&str], remove: &[&str]) -> Answer<EffectId> {
    with(|run| {
        run.granted(Capability::Tags)?;
        check_tags(add, remove)?;
        let (add, remove) = (owned(add), owned(remove));
        run.queue(|id| Call::Tags { id, customer_id: customer_id.into(), add, remove })
    })
}

pub(crate) fn add_tags(customer_id: &str, tags: &[&str]) -> Answer<EffectId> {
    change_tags(customer_id, tags, &[])
}

pub(crate) fn remove_tags(customer_id: &str, tags: &[&str]) -> Answer<EffectId> {
    change_tags(customer_id, &[], tags)
}

pub(crate) fn add_order_note(order_id: &str, text: &str) -> Answer<EffectId> {
    with(|run| {
        run.granted(Capability::Orders)?;
        check_line("text", text, limits::ORDER_NOTE_BYTES)?;
        run.queue(|id| Call::OrderNote { id, order_id: order_id.into(), text: text.into() })
    })
}

fn change_order_tags(order_id: &str, add: &[&str], remove: &[&str]) -> Answer<EffectId> {
    with(|run| {
        run.granted(Capability::Orders)?;
        check_tags(add, remove)?;
        let (add, remove) = (owned(add), owned(remove));
        run.queue(|id| Call::OrderTags { id, order_id: order_id.into(), add, remove })
    })
}

pub(crate) fn add_order_tags(order_id: &str, tags: &[&str]) -> Answer<EffectId> {
    change_order_tags(order_id, tags, &[])
}

pub(crate) fn remove_order_tags(order_id: &str, tags: &[&str]) -> Answer<EffectId> {
    change_order_tags(order_id, &[], tags)
}

pub(crate) fn add_gift(gift: ParcelGift) -> Answer<EffectId> {
    with(|run| {
        run.granted(Capability::Orders)?;
        check_line("title", &gift.title, limits::GIFT_TITLE_BYTES)?;
        gift.variant_id.as_deref().map_or(Ok(()), |variant| check_id("variant-id", variant))?;
        run.queue(|id| Call::Gift { id, gift })
    })
}

pub(crate) fn ship_by(order_id: &str, at: Timestamp) -> Answer<EffectId> {
    with(|run| {
        run.granted(Capability::Orders)?;
        run.check_to_come("at", Some(at))?;
        let days = limits::SHIP_BY_DAYS_AHEAD;
        valid(at <= run.now.plus_days(days), || format!("at: is more than {days} days ahead"))?;
        run.queue(|id| Call::ShipBy { id, order_id: order_id.into(), at })
    })
}

pub(crate) fn set_metafield(customer_id: &str, key: &str, value: &MetafieldValue) -> Answer<EffectId> {
    with(|run| {
        run.granted(Capability::Metafields)?;
        check_id("customer-id", customer_id)?;
        let (least, most) = limits::METAFIELD_KEY_CHARS;
        let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        let is_key = (least..=most).contains(&key.len()) && key.bytes().all(is_allowed);
        valid(is_key, || format!("key: `{key}` is not {least} to {most} of a-z, 0-9 and _"))?;
        check_metafield_value(value)?;
        let customer = run.shop.survivor(customer_id).to_owned();
        let earlier = run.last_queued(|call| match call {
            Call::Metafield { customer_id, key: set, .. } => *customer_id == customer && set == key,
            _ => false,
        });
        let (key, value) = (key.into(), value.clone());
        let id = run.queue(|id| Call::Metafield { id, customer_id: customer, key, value })?;
        earlier.map(|earlier| run.take_back(&earlier, LATER_VALUE));
        Ok(id)
    })
}

fn check_metafield_value(value: &MetafieldValue) -> Answer {
    match value {
        MetafieldValue::Integer(_) => Ok(()),
        MetafieldValue::Text(text) => {
            within(text.len(), limits::METAFIELD_VALUE_BYTES)?;
            valid(!text.is_empty() && !text.contains(char::is_control), || "value: is no text".into())
        }
        MetafieldValue::Json(json) => {
            within(json.len(), limits::METAFIELD_VALUE_BYTES)?;
            let reads = serde_json::from_str::<serde::de::IgnoredAny>(json).is_ok();
            valid(reads, || "value: is no json".into())
        }
    }
}

pub(crate) fn set_birthday(customer_id: &str, birthday: Birthday) -> Answer<EffectId> {
    with(|run| {
        run.granted(Capability::Birthdays)?;
        // A leap year has every day that any year has.
        let date = Date { year: birthday.year.unwrap_or(2000), month: birthday.month, day: birthday.day };
        valid(civil(days_since_1970(date)) == date, || "birthday: there is no such day".into())?;
        let (earliest, today) = (limits::EARLIEST_BIRTH_YEAR, run.date_of(run.now));
        let is_alive = birthday.year.is_none() || date.year >= earliest && date <= today;
        valid(is_alive, || format!("birthday: is not between {earliest} and today"))?;
        check_id("customer-id", customer_id)?;
        let customer = run.shop.survivor(customer_id).to_owned();
        let earlier =
            run.last_queued(|call| matches!(call, Call::Birthday { customer_id, .. } if *customer_id == customer));
        let id = run.queue(|id| Call::Birthday { id, customer_id: customer, birthday })?;
        earlier.map(|earlier| run.take_back(&earlier, LATER_VALUE));
        Ok(id)
    })
}

pub(crate) fn share_link(customer_id: &str) -> Answer<SharedLink> {
    with(|run| {
        run.granted(Capability::Links)?;
        check_id("customer-id", customer_id)?;
        let customer = run.shop.survivor(customer_id).to_owned();
        let name = run.link_name(&customer);
        let url = format!("https://regulars.example/l/{name}");
        run.written.links.insert(name.clone(), customer);
        Ok(SharedLink { name, url })
    })
}

pub(crate) fn open_task(task: Task) -> Answer {
    with(|run| {
        run.granted(Capability::Tasks)?;
        check_task(&task)?;
        // One that is open has been counted.
        if !run.is_open(&task.key) {
            run.spend("tasks", 1)?;
        }
        run.written.calls.push(Call::OpenTask(task));
        Ok(())
    })
}

fn check_task(task: &Task) -> Answer {
    check_id("key", &task.key)?;
    check_line("title", &task.title, limits::TASK_TITLE_BYTES)?;
    within(task.details.len(), limits::TASK_DETAILS)?;
    within(task.choices.len(), limits::TASK_CHOICES)?;
    let unusable = |(action, label): &(String, String)| !can_be_id(action) || label.trim().is_empty();
    valid(!task.choices.iter().any(unusable), || "choices: one has no action or no label".into())?;
    task.customer_id.as_deref().map_or(Ok(()), |id| check_id("customer-id", id))?;
    task.order_id.as_deref().map_or(Ok(()), |id| check_id("order-id", id))?;
    let pairs = task.details.iter().chain(&task.choices).map(|(one, other)| one.len() + other.len());
    within(task.title.len() + pairs.sum::<usize>(), limits::TASK_BYTES)
}

impl Run {
    fn is_open(&self, task: &str) -> bool {
        let latest = self.written.calls.iter().rev().find_map(|call| match call {
            Call::OpenTask(opened) if opened.key == task => Some(true),
            Call::CloseTask { key } if key == task => Some(false),
            _ => None,
        });
        latest.unwrap_or_else(|| self.shop.tasks.contains_key(task))
    }
}

pub(crate) fn close_task(key: &str) -> bool {
    with(|run| {
        let is_open = run.granted(Capability::Tasks).is_ok() && run.is_open(key);
        if is_open {
            run.written.calls.push(Call::CloseTask { key: key.into() });
        }
        is_open
    })
}
