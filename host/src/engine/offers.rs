//! The offer arbiter: of gifts of the shop's, a person has one live at a time, whichever plugins give them.
//!
//! A code is an offer where its plugin says so; what was earned or bought is none, and neither is a code for whoever has it.
//! An offer is live from its queueing until it has ended, was disabled, could not be made, or is used up. While one is live,
//! a better one takes its place: it is issued, and the live one disabled. One that is not better is refused. Two that can
//! both be combined with other discounts may live side by side.
//!
//! Which of two is better:
//! 1. A free product is better than money off, and money off than free shipping.
//! 2. Of two amounts the larger one is better, and of two shares likewise.
//! 3. An amount and a share are compared by what each takes off one order: the person's latest one, but at least the larger
//!    of the two smallest orders on which they may be used. Without any of these the share is better, as it grows with the
//!    order.
//! 4. Of two that are equal the live one stays.

use std::cmp::Ordering;

use super::{answer::Answer, bindings::types::Refusal, delivery::Delivery, limits};
use crate::{
    domain::{Benefit, CustomerId, DiscountEnd, Effect, EffectId, EffectKind, EventId, NewDiscount, Order, OrderId},
    store::{
        Key, Scan,
        codes::{self, CodeStatus},
        keys,
    },
};

/// Offers of one customer that are looked at. Those whose time is over are forgotten at the next look.
const LOOKED_AT: usize = 100;

/// A share's whole, in hundredths of a percent.
const WHOLE: i128 = 10_000;

impl Delivery {
    /// The live offers that make way for a new one. Refused while one is live that does not.
    pub(super) fn weaker_offers(&mut self, new: &NewDiscount) -> Answer<Vec<Effect>> {
        let mut weaker = Vec::new();
        let Some(customer) = new.customer.clone().filter(|_| new.offer) else { return Ok(weaker) };
        let (store, now) = (self.store_id(), self.input.now());
        let holder = self.left_of(customer)?;
        let rows = self.offers_of(holder.clone())?;
        // An earlier run of the same delivery may have issued this one.
        let own = self.next_effect_id();
        for row in rows {
            let Some(id) = keys::offer_of(&row).filter(|id| *id != own) else { continue };
            let Some(making) = self.get::<Effect>(&keys::effect(store, &id))? else { continue };
            let EffectKind::CreateDiscount(live) = &making.kind else { continue };
            let Some(standing) = codes::standing(&mut self.transaction, store, &making, now)? else { continue };
            if standing.status == CodeStatus::Ended {
                self.transaction.delete(row);
            }
            if !standing.is_open() || live.combines && new.combines {
                continue;
            }
            let order = match (live.benefit, new.benefit) {
                (Benefit::Amount(_), Benefit::BasisPoints(_)) | (Benefit::BasisPoints(_), Benefit::Amount(_)) => {
                    self.latest_subtotal(&holder)?
                }
                _ => None,
            };
            if compare(live, new, order) != Ordering::Less {
                return Err(self.stays(&making, live).into());
            }
            weaker.push(making);
        }
        Ok(weaker)
    }

    /// The rows of a customer's offers, and of those who were merged into that customer.
    fn offers_of(&mut self, holder: CustomerId) -> Answer<Vec<Key>> {
        let store = self.store_id();
        let (mut found, mut open) = (Vec::new(), vec![holder]);
        while let Some(customer) = open.pop() {
            let offers = self.transaction.scan(&Scan::of(keys::offers(store, &customer), LOOKED_AT))?;
            let absorbed = self.transaction.scan(&Scan::of(keys::all_absorbed(store, &customer), LOOKED_AT))?;
            self.count_read(0)?;
            found.extend(offers.into_iter().map(|(row, _)| row));
            open.extend(absorbed.iter().filter_map(|(row, _)| keys::absorbed_of(row)));
        }
        Ok(found)
    }

    /// Why an offer is refused.
    fn stays(&self, making: &Effect, live: &NewDiscount) -> Refusal {
        let worth = match live.benefit {
            Benefit::Amount(value) => format!("{value} off"),
            Benefit::BasisPoints(share) => format!("{}.{:02} % off", share / 100, share % 100),
            Benefit::FreeShipping => "free shipping".into(),
            Benefit::FreeProduct => "a free product".into(),
        };
        let until = match live.ends_at {
            Some(end) => format!("until {end}"),
            None => "without end".into(),
        };
        Refusal::Other(format!(
            "the customer has an offer that is as good or better: {worth} from `{}`, {until}",
            making.plugin
        ))
    }

    /// What the items of a customer's latest order cost, of the first hundred; `None` if there is no order.
    fn latest_subtotal(&mut self, customer: &CustomerId) -> Answer<Option<i64>> {
        let scan = Scan::of(keys::customer_orders(self.store_id(), customer), limits::LIST_ORDERS as usize);
        let rows = self.transaction.scan(&scan)?;
        self.count_read(0)?;
        let Some((_, id)) = rows.last() else { return Ok(None) };
        let id = OrderId::from(String::from_utf8_lossy(id).into_owned());
        Ok(self.get::<Order>(&keys::order(self.store_id(), &id))?.map(|order| order.subtotal.minor))
    }

    /// Ends a code that a better one takes the place of, in the name of the plugin that made it, which is told.
    pub(super) fn end_offer(&mut self, making: &Effect) -> Answer<()> {
        let EffectKind::CreateDiscount(discount) = &making.kind else { return Ok(()) };
        // What the host queues of its own accord takes none of the plugin's ordinals.
        let cause = EventId::from(format!("{}/ends/{}", self.input.event.id, making.id));
        let id = EffectId::derive(&self.input.store.domain, &cause, &making.plugin, 0);
        let end = DiscountEnd { made_by: making.id.clone(), code: discount.code.clone() };
        let effect = self.new_effect(id.clone(), making.plugin.clone(), EffectKind::DisableDiscount(end));
        self.enqueue(effect)?;
        self.ends(making, &id)
    }
}

/// How much better one discount is than another; `order` is what the person's latest order came to.
fn compare(one: &NewDiscount, other: &NewDiscount, order: Option<i64>) -> Ordering {
    let rank = |benefit| match benefit {
        Benefit::FreeShipping => 0,
        Benefit::Amount(_) | Benefit::BasisPoints(_) => 1,
        Benefit::FreeProduct => 2,
    };
    let smallest = [one, other].into_iter().filter_map(|discount| discount.minimum_subtotal.map(|money| money.minor));
    let order = order.into_iter().chain(smallest).max();
    let against_share = |amount: i64, share: u32| match order {
        Some(order) => {
            let (amount, order) = (i128::from(amount.min(order)), i128::from(order));
            (amount * WHOLE).cmp(&(order * i128::from(share)))
        }
        None => Ordering::Less,
    };
    match (one.benefit, other.benefit) {
        (Benefit::Amount(one), Benefit::Amount(other)) => one.minor.cmp(&other.minor),
        (Benefit::BasisPoints(one), Benefit::BasisPoints(other)) => one.cmp(&other),
        (Benefit::Amount(amount), Benefit::BasisPoints(share)) => against_share(amount.minor, share),
        (Benefit::BasisPoints(share), Benefit::Amount(amount)) => against_share(amount.minor, share).reverse(),
        (one, other) => rank(one).cmp(&rank(other)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::{Money, Timestamp};

    fn money(minor: i64) -> Money {
        Money::new(minor, "EUR".parse().unwrap())
    }

    fn discount(benefit: Benefit) -> NewDiscount {
        NewDiscount {
            customer: Some("7".into()),
            code: "FERN-A".into(),
            benefit,
            minimum_subtotal: None,
            collections: Vec::new(),
            products: Vec::new(),
            starts_at: Timestamp(0),
            ends_at: None,
            uses: Some(1),
            once_per_customer: true,
            combines: false,
            offer: true,
        }
    }

    fn amount(minor: i64) -> NewDiscount {
        discount(Benefit::Amount(money(minor)))
    }

    fn share(basis_points: u32) -> NewDiscount {
        discount(Benefit::BasisPoints(basis_points))
    }

    #[test]
    fn a_free_product_is_better_than_money_off_and_that_than_free_shipping() {
        let [product, shipping] = [Benefit::FreeProduct, Benefit::FreeShipping].map(discount);
        for money_off in [amount(1), amount(1_000_000), share(1), share(10_000)] {
            assert_eq!(compare(&product, &money_off, Some(5_000)), Ordering::Greater);
            assert_eq!(compare(&money_off, &shipping, Some(5_000)), Ordering::Greater);
        }
        assert_eq!(compare(&product, &shipping, None), Ordering::Greater);
        assert_eq!(compare(&product, &product, None), Ordering::Equal);
    }

    #[test]
    fn an_amount_and_a_share_are_compared_on_the_persons_latest_order() {
        assert_eq!(compare(&amount(500), &share(1_000), Some(4_999)), Ordering::Greater);
        assert_eq!(compare(&amount(500), &share(1_000), Some(5_000)), Ordering::Equal);
        assert_eq!(compare(&amount(500), &share(1_000), Some(5_001)), Ordering::Less);
        assert_eq!(compare(&amount(9_000), &share(10_000), Some(5_000)), Ordering::Equal, "no more than the order");
    }

    #[test]
    fn an_order_counts_as_large_as_both_may_be_used_on() {
        let least = NewDiscount { minimum_subtotal: Some(money(6_000)), ..amount(500) };
        assert_eq!(compare(&least, &share(1_000), None), Ordering::Less);
        assert_eq!(compare(&least, &share(1_000), Some(4_000)), Ordering::Less);
        assert_eq!(compare(&least, &share(800), None), Ordering::Greater);
        assert_eq!(compare(&amount(500), &share(1), None), Ordering::Less, "nothing is known: the share grows");
    }

    fn any_discount() -> impl Strategy<Value = NewDiscount> {
        let benefit = prop_oneof![
            (1_i64..20_000).prop_map(|minor| Benefit::Amount(money(minor))),
            (1_u32..=10_000).prop_map(Benefit::BasisPoints),
            Just(Benefit::FreeShipping),
            Just(Benefit::FreeProduct),
        ];
        let least = proptest::option::of((1_i64..20_000).prop_map(money));
        (benefit, least).prop_map(|(benefit, least)| NewDiscount { minimum_subtotal: least, ..discount(benefit) })
    }

    proptest! {
        #[test]
        fn of_two_offers_at_most_one_is_better(one in any_discount(), other in any_discount(), order in proptest::option::of(0_i64..50_000)) {
            prop_assert_eq!(compare(&one, &other, order), compare(&other, &one, order).reverse());
            prop_assert_eq!(compare(&one, &one, order), Ordering::Equal);
        }
    }
}
