//! What a plugin sets off in a bench: timers, notes, effects.

use std::time::Duration;

use super::{
    super::{Call, Capability, Note, incoming::Change},
    Answer, CODE_LETTERS, Run, civil, days_since_1970, mix, owned, queued, standing_of, state_key, valid, with, within,
};
use crate::{
    Benefit, Birthday, Date, EffectId, Issued, Mail, MetafieldValue, Money, NewDiscount, ParcelGift, Refusal,
    SharedLink, Task, Timestamp, limits,
};

pub(crate) fn schedule(key: &str, when: Timestamp, payload: &[u8]) -> Answer {
    state_key(key)?;
    within(payload.len(), limits::TIMER_PAYLOAD_BYTES)?;
    with(|run| {
        valid(when <= run.now.plus_days(limits::TIMER_DAYS_AHEAD), "the timer is too far ahead")?;
        within(run.count(|call| matches!(call, Call::Schedule { .. })) + 1, limits::TIMERS_PER_DELIVERY)?;
        let due = match &run.incoming.change {
            Change::Timer(_) => when.max(run.now + Duration::from_secs(limits::TIMER_AGAIN_SECONDS)),
            _ => when,
        };
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
        let pending = queued(run, effect, |_| Some(())).is_some() && standing_of(run, effect).status == "pending";
        if pending {
            run.written.calls.push(Call::Withdraw { effect: effect.clone() });
        }
        pending
    })
}

pub(crate) fn spend(kind: &str, amount: u64) -> Answer {
    with(|run| run.spend(kind, i128::from(amount)))
}

pub(crate) fn give_back(kind: &str, amount: u64) {
    with(|run| *run.written.spent.entry(kind.into()).or_default() -= i128::from(amount));
}

impl Run {
    fn spend(&mut self, kind: &str, amount: i128) -> Answer {
        let spent = self.shop.spent.get(kind).copied().unwrap_or_default()
            + self.written.spent.get(kind).copied().unwrap_or_default()
            + amount;
        if self.shop.budgets.get(kind).is_some_and(|budget| spent > i128::from(*budget)) {
            return Err(Refusal::Other(format!("the budget for {kind} is used up")));
        }
        *self.written.spent.entry(kind.into()).or_default() += amount;
        Ok(())
    }

    fn check_customer(&self, customer_id: &str) -> Answer {
        valid(!customer_id.is_empty(), "the customer's id is empty")
    }

    fn check_order(&self, order_id: &str) -> Answer {
        valid(!order_id.is_empty(), "the order's id is empty")
    }

    fn check_amount(&self, amount: Money) -> Answer {
        valid(amount.minor > 0, "the amount is not above zero")?;
        valid(amount.currency == self.shop.store.currency, "the amount is not in the shop's currency")
    }
}

pub(crate) fn send_mail(mail: Mail) -> Answer<EffectId> {
    with(|run| {
        let id = run.next_effect(Capability::Mail)?;
        valid(!mail.customer_id.is_empty(), "the customer's id is empty")?;
        let known = run.shop.templates.as_ref().is_none_or(|known| known.contains(&mail.template));
        valid(known, &format!("the plugin has no template `{}`", mail.template))?;
        within(mail.vars.len(), limits::MAIL_VARS)?;
        mail.vars.iter().try_for_each(|(name, value)| within(name.len() + value.len(), limits::MAIL_VAR_BYTES))?;
        if let Some(after) = &mail.after {
            let queued =
                run.written.calls.iter().any(|call| call.effect() == Some(after)) || run.shop.effects.contains(after);
            valid(queued, "`after` is no effect of this store")?;
        }
        run.spend("mails", 1)?;
        run.written.calls.push(Call::Mail { id: id.clone(), mail });
        Ok(id)
    })
}

pub(crate) fn create_discount(discount: NewDiscount) -> Answer<Issued> {
    with(|run| {
        let effect = run.next_effect(Capability::Discounts)?;
        check_discount(run, &discount)?;
        if let (true, Some(better)) = (discount.offer, better_offer(run, &discount)) {
            return Err(Refusal::Other(format!("a better offer is live: {better}")));
        }
        if let Benefit::Amount(value) = discount.benefit {
            run.spend("money", i128::from(value.minor))?;
        }
        let code = code_of(&discount.prefix, &effect);
        run.written.calls.push(Call::Discount { id: effect.clone(), code: code.clone(), discount });
        Ok(Issued { effect, code })
    })
}

fn code_of(prefix: &str, effect: &EffectId) -> String {
    let unique = mix(0, &effect.0);
    let code: String = (0..10).map(|n| char::from(CODE_LETTERS[(unique >> (5 * n) & 31) as usize])).collect();
    format!("{prefix}-{code}")
}

fn check_discount(run: &Run, discount: &NewDiscount) -> Answer {
    let currency = run.shop.store.currency;
    let prefix = discount.prefix.as_bytes();
    valid(discount.customer_id.as_deref() != Some(""), "the customer's id is empty")?;
    valid(
        (1..=limits::CODE_PREFIX_CHARS).contains(&prefix.len())
            && prefix.iter().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit()),
        "the prefix is not 1 to 12 of A-Z and 0-9",
    )?;
    match discount.benefit {
        Benefit::Amount(value) => run.check_amount(value)?,
        Benefit::BasisPoints(share) => valid((1..=10_000).contains(&share), "the share is not 1 to 10000")?,
        Benefit::FreeShipping => {}
        Benefit::FreeProduct => valid(!discount.products.is_empty(), "there is no product to be free")?,
    }
    let minimum = discount.minimum_subtotal;
    valid(minimum.is_none_or(|it| it.minor >= 0 && it.currency == currency), "the minimum subtotal is not usable")?;
    valid(discount.ends_at.is_none_or(|end| end > run.now), "the end is not in the future")?;
    valid(discount.uses != Some(0), "a code of no use")
}

/// The code of a live offer of the same person's that this one is not better than. Amounts are compared with amounts and
/// shares with shares; of two kinds, the one that is there is taken for the better.
fn better_offer(run: &Run, new: &NewDiscount) -> Option<String> {
    let customer = new.customer_id.as_deref()?;
    let beats = |old: &NewDiscount| match (old.benefit, new.benefit) {
        (Benefit::Amount(old), Benefit::Amount(new)) => old.minor >= new.minor,
        (Benefit::BasisPoints(old), Benefit::BasisPoints(new)) => old >= new,
        _ => true,
    };
    run.written.calls.iter().chain(&*run.shop.calls).find_map(|call| match call {
        Call::Discount { id, code, discount }
            if discount.offer
                && discount.customer_id.as_deref() == Some(customer)
                && discount.ends_at.is_none_or(|end| end > run.now)
                && !(discount.combines && new.combines)
                && matches!(standing_of(run, id).status.as_str(), "pending" | "done")
                && beats(discount) =>
        {
            Some(code.clone())
        }
        _ => None,
    })
}

pub(crate) fn disable_discount(code_effect: &EffectId) -> Answer<EffectId> {
    with(|run| {
        let id = run.next_effect(Capability::Discounts)?;
        let makes_a_code = queued(run, code_effect, |call| matches!(call, Call::Discount { .. }).then_some(()));
        valid(makes_a_code.is_some(), "the effect made no code")?;
        run.written.calls.push(Call::DisableDiscount { id: id.clone(), made_by: code_effect.clone() });
        Ok(id)
    })
}

pub(crate) fn credit(customer_id: &str, amount: Money, expires_at: Option<Timestamp>) -> Answer<EffectId> {
    with(|run| {
        let id = run.next_effect(Capability::StoreCredit)?;
        run.check_customer(customer_id)?;
        run.check_amount(amount)?;
        run.spend("money", i128::from(amount.minor))?;
        let call = Call::StoreCredit { id: id.clone(), customer_id: customer_id.into(), amount, expires_at };
        run.written.calls.push(call);
        Ok(id)
    })
}

pub(crate) fn debit(customer_id: &str, amount: Money) -> Answer<EffectId> {
    with(|run| {
        let id = run.next_effect(Capability::StoreCredit)?;
        run.check_customer(customer_id)?;
        run.check_amount(amount)?;
        let taken = Money::new(-amount.minor, amount.currency);
        let (customer_id, expires_at) = (customer_id.into(), None);
        run.written.calls.push(Call::StoreCredit { id: id.clone(), customer_id, amount: taken, expires_at });
        Ok(id)
    })
}

pub(crate) fn create_gift_card(customer_id: &str, amount: Money, ends_at: Option<Timestamp>) -> Answer<Issued> {
    with(|run| {
        let effect = run.next_effect(Capability::GiftCards)?;
        run.check_customer(customer_id)?;
        run.check_amount(amount)?;
        valid(ends_at.is_none_or(|end| end > run.now), "the end is not in the future")?;
        run.spend("money", i128::from(amount.minor))?;
        let code = code_of("GIFT", &effect);
        let (id, customer_id) = (effect.clone(), customer_id.into());
        run.written.calls.push(Call::GiftCard { id, code: code.clone(), customer_id, amount });
        Ok(Issued { effect, code })
    })
}

fn check_tags(add: &[&str], remove: &[&str]) -> Answer {
    let tags = || add.iter().chain(remove);
    valid(tags().next().is_some(), "there are no tags")?;
    within(tags().count(), limits::TAGS)?;
    let usable = |tag: &&&str| !tag.is_empty() && tag.len() <= limits::TAG_BYTES && !tag.contains(',');
    match tags().find(|tag| !usable(tag)) {
        Some(tag) => Err(Refusal::Invalid(format!("`{tag}` is empty, has a comma, or has more than 40 bytes"))),
        None => Ok(()),
    }
}

fn change_tags(customer_id: &str, add: &[&str], remove: &[&str]) -> Answer<EffectId> {
    with(|run| {
        let id = run.next_effect(Capability::Tags)?;
        run.check_customer(customer_id)?;
        check_tags(add, remove)?;
        run.written.calls.push(Call::Tags {
            id: id.clone(),
            customer_id: customer_id.into(),
            add: owned(add),
            remove: owned(remove),
        });
        Ok(id)
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
        let id = run.next_effect(Capability::Orders)?;
        run.check_order(order_id)?;
        valid(!text.trim().is_empty() && !text.contains(['\n', '\r']), "the text is empty or has several lines")?;
        run.written.calls.push(Call::OrderNote { id: id.clone(), order_id: order_id.into(), text: text.into() });
        Ok(id)
    })
}

fn change_order_tags(order_id: &str, add: &[&str], remove: &[&str]) -> Answer<EffectId> {
    with(|run| {
        let id = run.next_effect(Capability::Orders)?;
        run.check_order(order_id)?;
        check_tags(add, remove)?;
        run.written.calls.push(Call::OrderTags {
            id: id.clone(),
            order_id: order_id.into(),
            add: owned(add),
            remove: owned(remove),
        });
        Ok(id)
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
        let id = run.next_effect(Capability::Orders)?;
        run.check_order(&gift.order_id)?;
        valid(!gift.title.trim().is_empty(), "the gift has no title")?;
        run.spend("gifts", 1)?;
        run.written.calls.push(Call::Gift { id: id.clone(), gift });
        Ok(id)
    })
}

pub(crate) fn set_metafield(customer_id: &str, key: &str, value: &MetafieldValue) -> Answer<EffectId> {
    with(|run| {
        let id = run.next_effect(Capability::Metafields)?;
        run.check_customer(customer_id)?;
        let usable = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        valid((3..=64).contains(&key.len()) && key.bytes().all(usable), "the key is not 3 to 64 of a-z, 0-9 and _")?;
        let call =
            Call::Metafield { id: id.clone(), customer_id: customer_id.into(), key: key.into(), value: value.clone() };
        run.written.calls.push(call);
        Ok(id)
    })
}

pub(crate) fn set_birthday(customer_id: &str, birthday: Birthday) -> Answer<EffectId> {
    with(|run| {
        let id = run.next_effect(Capability::Birthdays)?;
        run.check_customer(customer_id)?;
        // A leap year has every day that any year has.
        let year = birthday.year.unwrap_or(2000);
        let date = Date { year, month: birthday.month, day: birthday.day };
        valid(civil(days_since_1970(date)) == date, "no year has that day")?;
        run.written.calls.push(Call::Birthday { id: id.clone(), customer_id: customer_id.into(), birthday });
        Ok(id)
    })
}

pub(crate) fn share_link(customer_id: &str) -> Answer<SharedLink> {
    with(|run| {
        valid(run.shop.granted.contains(&Capability::Links), "").map_err(|_| Refusal::NotGranted)?;
        run.check_customer(customer_id)?;
        let customer = run.shop.survivor(customer_id).to_owned();
        let unique = mix(1, &customer);
        let name: String = (0..8).map(|n| char::from(CODE_LETTERS[(unique >> (5 * n) & 31) as usize])).collect();
        let url = format!("https://regulars.example/l/{name}");
        run.written.links.insert(name.clone(), customer);
        Ok(SharedLink { name, url })
    })
}

pub(crate) fn open_task(task: Task) -> Answer {
    with(|run| {
        valid(run.shop.granted.contains(&Capability::Tasks), "").map_err(|_| Refusal::NotGranted)?;
        state_key(&task.key)?;
        run.spend("tasks", 1)?;
        run.written.calls.push(Call::OpenTask(task));
        Ok(())
    })
}

pub(crate) fn close_task(key: &str) -> bool {
    with(|run| {
        let latest = run.written.calls.iter().rev().find_map(|call| match call {
            Call::OpenTask(task) if task.key == key => Some(true),
            Call::CloseTask { key: closed } if closed == key => Some(false),
            _ => None,
        });
        let open = latest.unwrap_or_else(|| run.shop.tasks.contains_key(key));
        if open {
            run.written.calls.push(Call::CloseTask { key: key.into() });
        }
        open
    })
}
