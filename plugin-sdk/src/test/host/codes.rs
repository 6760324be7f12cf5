//! Discount codes in a bench: made, looked up, ended; and the offers among them, of which a person has one at a time.

use std::cmp::Ordering;

use super::{
    super::{Call, Capability},
    Answer, Run,
    checks::{can_be_id, check_id, valid, within},
    civil,
    derive::{code_of, numbered_code_of},
    queued, standing_of, with,
};
use crate::{Benefit, CodeStanding, EffectId, Issued, IssuedMany, NewDiscount, Refusal, Timestamp, limits};

/// A share's whole, in hundredths of a percent.
const WHOLE: u32 = 10_000;

/// A queued code, or several of the same terms.
struct Made {
    effect: EffectId,
    codes: Vec<String>,
    discount: NewDiscount,
}

impl Made {
    fn by(call: &Call) -> Option<Self> {
        let (effect, codes, discount) = match call {
            Call::Discount { id, code, discount } => (id, vec![code.clone()], discount),
            Call::Discounts { id, codes, discount } => (id, codes.clone(), discount),
            _ => return None,
        };
        Some(Self { effect: effect.clone(), codes, discount: discount.clone() })
    }
}

/// How a code stands, with what plugins are not told.
struct Standing {
    told: CodeStanding,
    /// It can be used, or will be once it is made.
    is_open: bool,
}

/// A code as it is looked up: however a shopper types it, case and blanks do not matter.
fn lookup(typed: &str) -> String {
    typed.chars().filter(|letter| !letter.is_whitespace()).flat_map(char::to_uppercase).collect()
}

pub(crate) fn create_discount(discount: NewDiscount) -> Answer<Issued> {
    with(|run| {
        check_benefit(run, &discount)?;
        run.granted(Capability::Discounts)?;
        check_terms(run, &discount)?;
        let weaker = run.weaker_offers(&discount)?;
        let code = code_of(&discount.prefix, &run.next_effect());
        let told = code.clone();
        let effect = run.queue(|id| Call::Discount { id, code, discount })?;
        for making in weaker {
            run.end_offer(&making);
        }
        Ok(Issued { effect, code: told })
    })
}

pub(crate) fn create_discounts(discount: NewDiscount, count: u32) -> Answer<IssuedMany> {
    with(|run| {
        check_benefit(run, &discount)?;
        run.granted(Capability::Discounts)?;
        check_many(&discount, count)?;
        check_terms(run, &discount)?;
        let effect = run.next_effect();
        let codes: Vec<_> = (0..count).map(|number| numbered_code_of(&discount.prefix, &effect, number)).collect();
        let told = codes.clone();
        let effect = run.queue(|id| Call::Discounts { id, codes, discount })?;
        Ok(IssuedMany { effect, codes: told })
    })
}

/// Refuses what many codes at once cannot be.
fn check_many(discount: &NewDiscount, count: u32) -> Answer {
    valid(count > 0, || "count: there are none".into())?;
    within(count as usize, limits::CODES_AT_ONCE as usize)?;
    let is_open = discount.customer_id.is_none();
    valid(is_open, || "customer-id: many codes are for whoever has one of them".into())?;
    valid(discount.uses == Some(1), || "uses: each of many codes is for one use".into())?;
    valid(!discount.offer, || "offer: many codes are nobody's, and nobody's offer".into())
}

fn check_benefit(run: &Run, discount: &NewDiscount) -> Answer {
    match discount.benefit {
        Benefit::Amount(value) => run.check_positive("value", value),
        Benefit::BasisPoints(share) => {
            valid((1..=WHOLE).contains(&share), || format!("basis-points: {share} is not 1 to {WHOLE}"))
        }
        Benefit::FreeShipping => Ok(()),
        Benefit::FreeProduct => valid(!discount.products.is_empty(), || "products: there is none to be free".into()),
    }
}

fn check_terms(run: &Run, discount: &NewDiscount) -> Answer {
    let (prefix, most) = (&discount.prefix, limits::CODE_PREFIX_CHARS);
    let is_allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    let is_prefix = (1..=most).contains(&prefix.len()) && prefix.bytes().all(is_allowed);
    valid(is_prefix, || format!("prefix: `{prefix}` is not 1 to {most} of A-Z and 0-9"))?;
    discount.customer_id.as_deref().map_or(Ok(()), |id| check_id("customer-id", id))?;
    for (argument, ids) in [("collections", &discount.collections), ("products", &discount.products)] {
        within(ids.len(), limits::DISCOUNT_IDS)?;
        ids.iter().try_for_each(|id| check_id(argument, id))?;
    }
    let (in_collections, of_products) = (!discount.collections.is_empty(), !discount.products.is_empty());
    let is_one = !(in_collections && of_products);
    valid(is_one, || "collections: a code is for collections or for products, not for both".into())?;
    let is_whole = !(in_collections || of_products) || discount.benefit != Benefit::FreeShipping;
    valid(is_whole, || "collections, products: free shipping is for whole orders".into())?;
    valid(discount.uses != Some(0), || "uses: a code that nobody can use".into())?;
    if let Some(minimum) = discount.minimum_subtotal {
        run.check_currency("minimum-subtotal", minimum)?;
        valid(minimum.minor >= 0, || "minimum-subtotal: is less than nothing".into())?;
    }
    let starts_at = discount.starts_at.unwrap_or(run.now);
    run.check_to_come("ends-at", discount.ends_at)?;
    valid(discount.ends_at.is_none_or(|end| end > starts_at), || "ends-at: is not after the beginning".into())
}

impl Run {
    fn made(&self) -> impl Iterator<Item = Made> {
        // A repeat of an event queues again what is there already.
        let new = self.written.calls.iter().filter(|call| call.effect().is_some_and(|id| !self.is_kept(id)));
        self.shop.calls.iter().chain(new).filter_map(Made::by)
    }

    /// The live offers that make way for a new one. Refused while one is live that does not.
    fn weaker_offers(&self, new: &NewDiscount) -> Answer<Vec<Made>> {
        let Some(holder) = new.customer_id.as_deref().filter(|_| new.offer) else { return Ok(Vec::new()) };
        let (holder, own) = (self.shop.survivor(holder), self.next_effect());
        let is_theirs = |customer: &Option<String>| {
            customer.as_deref().is_some_and(|customer| self.shop.survivor(customer) == holder)
        };
        let mut offers: Vec<_> = self
            .made()
            .filter(|it| it.discount.offer && it.effect != own && is_theirs(&it.discount.customer_id))
            .collect();
        offers.sort_by(|one, other| one.effect.cmp(&other.effect));
        let mut weaker = Vec::new();
        for making in offers {
            let live = &making.discount;
            if !self.standing_of_code(&making).is_open || live.combines && new.combines {
                continue;
            }
            if compare(live, new, self.latest_subtotal(holder)) != Ordering::Less {
                return Err(self.stays(live));
            }
            weaker.push(making);
        }
        Ok(weaker)
    }

    fn latest_subtotal(&self, holder: &str) -> Option<i64> {
        let orders = self.orders_of(holder);
        orders.iter().take(limits::ORDERS_PER_PAGE as usize).next_back().map(|order| order.subtotal.minor)
    }

    /// Why an offer is refused.
    fn stays(&self, live: &NewDiscount) -> Refusal {
        let worth = match live.benefit {
            Benefit::Amount(value) => format!("{value} off"),
            Benefit::BasisPoints(share) => format!("{}.{:02} % off", share / 100, share % 100),
            Benefit::FreeShipping => "free shipping".into(),
            Benefit::FreeProduct => "a free product".into(),
        };
        let until = live.ends_at.map_or("without end".into(), |end| format!("until {}", utc(end)));
        let plugin = &self.shop.plugin;
        Refusal::Other(format!("the customer has an offer that is as good or better: {worth} from `{plugin}`, {until}"))
    }

    /// Ends a code that a better one takes the place of. It takes none of the event's own ordinals.
    fn end_offer(&mut self, making: &Made) {
        let id = self.effect_id(&format!("{}/ends/{}", self.event_id, making.effect), 0);
        self.written.calls.push(Call::DisableDiscount { id, made_by: making.effect.clone() });
        self.take_back(&making.effect, "its code was disabled before it was made");
    }

    /// The queued end of a code, unless it has failed.
    fn end_of(&self, made_by: &EffectId) -> Option<EffectId> {
        let calls = self.shop.calls.iter().chain(&self.written.calls).rev();
        let mut ends = calls.filter_map(|call| match call {
            Call::DisableDiscount { id, made_by: it } if it == made_by => Some(id.clone()),
            _ => None,
        });
        let end = ends.next()?;
        (!matches!(standing_of(self, &end).status.as_str(), "dead" | "dropped")).then_some(end)
    }

    fn standing_of_code(&self, making: &Made) -> Standing {
        let Made { effect, codes, discount } = making;
        let end = self.end_of(effect).map(|end| standing_of(self, &end).status);
        let status = match (standing_of(self, effect).status.as_str(), end.as_deref()) {
            ("dead" | "dropped", _) => "failed",
            (_, Some("done")) => "disabled",
            _ if discount.ends_at.is_some_and(|end| end <= self.now) => "ended",
            ("done", _) => "live",
            _ => "pending",
        };
        let typed: Vec<_> = codes.iter().map(|code| lookup(code)).collect();
        let orders = self.shop.orders.values().map(|it| &it.fact).filter(|order| order.cancelled_at.is_none());
        let uses = orders.map(|order| {
            let named: Vec<_> = order.discount_codes.iter().map(|it| lookup(it)).collect();
            typed.iter().filter(|code| named.contains(code)).count()
        });
        let used = u32::try_from(uses.sum::<usize>()).unwrap_or(u32::MAX);
        let by_its_one_customer = discount.customer_id.is_some() && discount.once_per_customer && used > 0;
        let most = discount.uses.map(|uses| uses as usize * codes.len());
        let is_used_up = by_its_one_customer || most.is_some_and(|most| used as usize >= most);
        let is_ending = end.as_deref() == Some("pending");
        let is_open = matches!(status, "pending" | "live") && !is_ending && !is_used_up;
        let code = codes.first().cloned().unwrap_or_default();
        Standing { told: CodeStanding { code, status: status.into(), used }, is_open }
    }

    fn making(&self, code_effect: &EffectId) -> Option<Made> {
        queued(self, code_effect, Made::by)
    }
}

/// How much better one discount is than another; `order` is what the person's latest order came to.
fn compare(one: &NewDiscount, other: &NewDiscount, order: Option<i64>) -> Ordering {
    let rank = |benefit| match benefit {
        Benefit::FreeShipping => 0,
        Benefit::Amount(_) | Benefit::BasisPoints(_) => 1,
        Benefit::FreeProduct => 2,
    };
    let smallest = [one, other].into_iter().filter_map(|it| it.minimum_subtotal.map(|money| money.minor));
    let order = order.into_iter().chain(smallest.filter(|minor| *minor > 0)).max();
    let against_share = |amount: i64, share: u32| match order {
        Some(order) => {
            let (amount, order) = (i128::from(amount.min(order)), i128::from(order));
            (amount * i128::from(WHOLE)).cmp(&(order * i128::from(share)))
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

/// An instant as the host writes it: ISO 8601 in UTC, with milliseconds.
fn utc(instant: Timestamp) -> String {
    const DAY: u64 = 86_400_000;
    let (days, ms) = (instant.0 / DAY, instant.0 % DAY);
    let date = civil(i64::try_from(days).unwrap_or(i64::MAX));
    let (seconds, ms) = (ms / 1_000, ms % 1_000);
    format!("{date}T{:02}:{:02}:{:02}.{ms:03}Z", seconds / 3_600, seconds / 60 % 60, seconds % 60)
}

pub(crate) fn disable_discount(code_effect: &EffectId) -> Answer<EffectId> {
    with(|run| {
        run.granted(Capability::Discounts)?;
        let making = run.making(code_effect);
        let no_code = || format!("code-effect: `{code_effect}` has made no code of this plugin's");
        valid(making.is_some(), no_code)?;
        if let Some(end) = run.end_of(code_effect) {
            run.queued += 1;
            return Ok(end);
        }
        let id = run.queue(|id| Call::DisableDiscount { id, made_by: code_effect.clone() })?;
        run.take_back(code_effect, "its code was disabled before it was made");
        Ok(id)
    })
}

pub(crate) fn code_standing(code_effect: &EffectId) -> Option<CodeStanding> {
    with(|run| {
        run.granted(Capability::Discounts).ok()?;
        Some(run.standing_of_code(&run.making(code_effect)?).told)
    })
}

pub(crate) fn effect_of_code(typed: &str) -> Option<EffectId> {
    with(|run| {
        run.granted(Capability::Discounts).ok()?;
        let typed = lookup(typed);
        run.made().find(|it| can_be_id(&typed) && it.codes.contains(&typed)).map(|it| it.effect)
    })
}
