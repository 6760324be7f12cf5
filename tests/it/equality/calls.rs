//! What a plugin did in the bench, in the host's words.

use regulars::domain::{
    self, BirthdayChange, CustomerId, DiscountBatch, DiscountEnd, EffectId, EffectKind, Metafield, NewGiftCard,
    OrderNote, OrderTagChange, ParcelGift, PluginName, Purpose, ShipBy, StoreCredit, TagChange, Timestamp,
};
use regulars_sdk::{
    Benefit, Guard, Mail, MetafieldValue, Money, NewDiscount,
    test::{Bench, Call},
};

/// How long after its time a mail goes out that states no end.
const MAIL_VALID: std::time::Duration = std::time::Duration::from_secs(3 * 86_400);

/// An effect as it was queued: its id, what it does, and what it waits for.
pub type Queued = (EffectId, EffectKind, Option<EffectId>);

fn money(money: Money) -> domain::Money {
    domain::Money::new(money.minor, money.currency.code().parse().expect("both know the currency"))
}

fn at(instant: regulars_sdk::Timestamp) -> Timestamp {
    Timestamp(instant.0)
}

fn id(effect: &regulars_sdk::EffectId) -> EffectId {
    EffectId::from(effect.as_str())
}

fn customer(id: &str) -> CustomerId {
    CustomerId::from(id)
}

/// The effect that a call queues, if it queues one.
pub fn effect(bench: &Bench, plugin: &PluginName, now: Timestamp, call: &Call) -> Option<Queued> {
    let kind = match call {
        Call::Mail { mail, .. } => EffectKind::Mail(letter(mail, now)),
        Call::Discount { code, discount, .. } => EffectKind::CreateDiscount(terms(code, discount, now)),
        Call::Discounts { codes, discount, .. } => {
            let (first, others) = codes.split_first().expect("there is one at least");
            EffectKind::CreateDiscounts(DiscountBatch { first: terms(first, discount, now), others: others.to_vec() })
        }
        Call::DisableDiscount { made_by, .. } => {
            let code = bench.codes().find(|(_, effect)| *effect == made_by).expect("an earlier call made the code").0;
            EffectKind::DisableDiscount(DiscountEnd { made_by: id(made_by), code: code.into() })
        }
        Call::StoreCredit { customer_id, amount, expires_at, .. } => EffectKind::StoreCredit(StoreCredit {
            customer: customer(customer_id),
            amount: money(*amount),
            expires_at: expires_at.map(at),
        }),
        Call::GiftCard { code, customer_id, amount, ends_at, .. } => EffectKind::CreateGiftCard(NewGiftCard {
            customer: customer(customer_id),
            code: code.clone(),
            amount: money(*amount),
            ends_at: ends_at.map(at),
        }),
        Call::Tags { customer_id, add, remove, .. } => EffectKind::ChangeTags(TagChange {
            customer: customer(customer_id),
            add: add.clone(),
            remove: remove.clone(),
        }),
        Call::OrderNote { order_id, text, .. } => {
            EffectKind::AddOrderNote(OrderNote { order: order_id.as_str().into(), text: text.clone() })
        }
        Call::OrderTags { order_id, add, remove, .. } => EffectKind::ChangeOrderTags(OrderTagChange {
            order: order_id.as_str().into(),
            add: add.clone(),
            remove: remove.clone(),
        }),
        Call::Gift { gift, .. } => EffectKind::AddParcelGift(ParcelGift {
            order: gift.order_id.as_str().into(),
            variant: gift.variant_id.clone(),
            title: gift.title.clone(),
        }),
        Call::ShipBy { order_id, at: by, .. } => {
            EffectKind::SetShipBy(ShipBy { order: order_id.as_str().into(), at: at(*by) })
        }
        Call::Metafield { customer_id, key, value, .. } => {
            let (kind, value) = match value {
                MetafieldValue::Integer(number) => ("integer", number.to_string()),
                MetafieldValue::Text(text) => ("text", text.clone()),
                MetafieldValue::Json(json) => ("json", json.clone()),
                other => panic!("{other:?} is new here"),
            };
            let (customer, plugin, key) = (customer(customer_id), plugin.clone(), key.clone());
            EffectKind::SetMetafield(Metafield { customer, plugin, key, kind: kind.into(), value })
        }
        Call::Birthday { customer_id, birthday, .. } => {
            let regulars_sdk::Birthday { year, month, day } = *birthday;
            let birthday = domain::Birthday { year, month, day };
            EffectKind::SetBirthday(BirthdayChange { customer: customer(customer_id), birthday })
        }
        Call::Withdraw { .. }
        | Call::OpenTask(_)
        | Call::CloseTask { .. }
        | Call::Note(_)
        | Call::Schedule { .. }
        | Call::Cancel { .. } => return None,
    };
    let after = if let Call::Mail { mail, .. } = call { mail.after.as_ref().map(id) } else { None };
    Some((id(call.effect()?), kind, after))
}

fn letter(mail: &Mail, now: Timestamp) -> domain::Mail {
    let send_at = mail.send_at.map_or(now, |instant| at(instant).max(now));
    let guard = |guard: &Guard| match guard {
        Guard::NoOrderSince(instant) => domain::Guard::NoOrderSince(at(*instant)),
        Guard::OrderNotCancelled(order) => domain::Guard::OrderNotCancelled(order.as_str().into()),
        Guard::CodeLive(effect) => domain::Guard::CodeLive(id(effect)),
        Guard::State(key) => domain::Guard::State(key.clone()),
        other => panic!("{other:?} is new here"),
    };
    domain::Mail {
        customer: customer(&mail.customer_id),
        template: mail.template.clone(),
        vars: mail.vars.iter().cloned().collect(),
        purpose: Purpose::of_word(mail.purpose.word()),
        send_at,
        valid_until: mail.valid_until.map_or(send_at + MAIL_VALID, at),
        guards: mail.guards.iter().map(guard).collect(),
    }
}

fn terms(code: &str, discount: &NewDiscount, now: Timestamp) -> domain::NewDiscount {
    let benefit = match discount.benefit {
        Benefit::Amount(value) => domain::Benefit::Amount(money(value)),
        Benefit::BasisPoints(share) => domain::Benefit::BasisPoints(share),
        Benefit::FreeShipping => domain::Benefit::FreeShipping,
        Benefit::FreeProduct => domain::Benefit::FreeProduct,
        other => panic!("{other:?} is new here"),
    };
    domain::NewDiscount {
        customer: discount.customer_id.as_deref().map(customer),
        code: code.into(),
        benefit,
        minimum_subtotal: discount.minimum_subtotal.filter(|least| least.minor > 0).map(money),
        collections: discount.collections.clone(),
        products: discount.products.iter().map(|product| product.as_str().into()).collect(),
        starts_at: discount.starts_at.map_or(now, at),
        ends_at: discount.ends_at.map(at),
        uses: discount.uses,
        once_per_customer: discount.once_per_customer,
        combines: discount.combines,
        offer: discount.offer,
    }
}
