//! What is kept of a customer: `member/<customer>`, and the one timer for what comes next.

use regulars_sdk::{Context, EffectId, Result, Timestamp, key};
use serde::{Deserialize, Serialize};

use crate::{calendar::Day, standing::Standing, sums::Sums};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub sums: Sums,
    /// The tier by the sums. A lock stands before it, and does not change it.
    pub standing: Option<Standing>,
    pub lock: Option<Lock>,
    /// The tier that the customer has, as was last seen to.
    pub tier: Option<String>,
    /// The tags that this plugin has put on.
    pub tags: Vec<String>,
    /// The metafield as it was last set.
    pub shown: Option<String>,
    /// Entry rewards that were given, and the first day on which there may be another for the tier; none for never.
    pub rewarded: Vec<(String, Option<Day>)>,
    pub shipping: Option<Shipping>,
    pub gifts: Vec<Gift>,
    /// The mail about the tier, while it may wait for a code that cannot be made.
    pub letter: Option<Letter>,
    /// The tier of whose nearness the customer has been told in this term.
    pub near: Option<String>,
    /// The end of the term about which the customer has been warned.
    pub warned: Option<Day>,
    pub timer: Option<Timestamp>,
}

/// A tier by the merchant's hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    pub tier: String,
    /// The first day without it.
    pub until: Option<Day>,
    pub reason: String,
}

/// The code for free shipping of one term.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shipping {
    pub effect: EffectId,
    pub code: String,
    /// The first day on which it is not good any more.
    pub until: Day,
}

/// The code of an entry reward.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gift {
    pub effect: EffectId,
    pub code: String,
    pub tier: String,
    pub ends_at: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    pub mail: EffectId,
    pub waits_for: EffectId,
    /// Its variables.
    pub vars: Vec<(String, String)>,
}

pub fn member_key(customer: &str) -> String {
    key(&["member", customer])
}

pub fn get(cx: &mut Context, customer: &str) -> Result<Option<Member>> {
    Ok(cx.state().get(&member_key(customer))?)
}

/// Who is left of a customer after merges.
pub fn survivor(cx: &Context, customer: &str) -> String {
    cx.customer_by_id(customer).map_or_else(|| customer.to_owned(), |it| it.id)
}

/// Of two who became one: all that both have spent and had, and the better tier.
pub fn join(kept: Member, absorbed: Member) -> Member {
    let union = |mut all: Vec<String>, more: Vec<String>| {
        more.into_iter().for_each(|it| {
            if !all.contains(&it) {
                all.push(it);
            }
        });
        all
    };
    let mut rewarded = kept.rewarded;
    for (tier, until) in absorbed.rewarded {
        match rewarded.iter_mut().find(|it| it.0 == tier) {
            Some(known) => known.1 = known.1.zip(until).map(|(one, other)| one.max(other)),
            None => rewarded.push((tier, until)),
        }
    }
    let mut gifts = kept.gifts;
    gifts.extend(absorbed.gifts);
    let absorbed_is_better = match (&kept.standing, &absorbed.standing) {
        (Some(one), Some(other)) => (other.need, other.until) > (one.need, one.until),
        (None, other) => other.is_some(),
        (Some(_), None) => false,
    };
    Member {
        sums: kept.sums.join(absorbed.sums),
        standing: if absorbed_is_better { absorbed.standing } else { kept.standing },
        lock: kept.lock.or(absorbed.lock),
        tier: if absorbed_is_better { absorbed.tier } else { kept.tier },
        tags: union(kept.tags, absorbed.tags),
        // What the platform shows of the one that is left.
        shown: kept.shown,
        rewarded,
        // A code is good for one customer's record alone, and the absorbed one is no more.
        shipping: kept.shipping,
        gifts,
        letter: kept.letter,
        near: kept.near.or(absorbed.near),
        warned: kept.warned.max(absorbed.warned),
        timer: kept.timer,
    }
}
