//! Orders as they are counted: each is kept with what it counts for, and brought in line with what is known of it. Who is
//! new here is taken in with what was ordered before.

use regulars_sdk::{Context, Order, Result, Timestamp, key};
use serde::{Deserialize, Serialize, de::IgnoredAny};

use crate::{
    calendar::Day,
    ladder::Ladder,
    member::{self, Member},
    settings::Settings,
    standing,
    sums::Total,
    worth::{self, Terms},
};

/// Orders from before that are taken into a customer's sums: one page.
const HISTORY: usize = 100;

/// Lines of theirs after which no more are: reading them is most of what a delivery costs.
const HISTORY_LINES: usize = 400;

/// `order/<order>`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    pub customer: String,
    pub day: Day,
    pub terms: Terms,
    pub counts: Total,
    /// It wears the tag of a tier.
    pub tagged: bool,
    /// It is to be sent by the time that goes with a tier.
    #[serde(default)]
    pub timed: bool,
}

/// `disputes/<order>`: each dispute, whether it was lost, and when that was said.
pub type Disputes = Vec<(String, bool, Timestamp)>;

pub fn order_key(order_id: &str) -> String {
    key(&["order", order_id])
}

pub fn disputes_key(order_id: &str) -> String {
    key(&["disputes", order_id])
}

/// Brings what an order counts for in line with what is known of it, and keeps the record of it.
pub fn count(
    cx: &mut Context,
    settings: &Settings,
    member: &mut Member,
    customer: &str,
    order: &Order,
) -> Result<Record> {
    let known: Option<Record> = cx.state().get(&order_key(&order.id))?;
    let mut record = known.unwrap_or_else(|| Record {
        customer: customer.into(),
        day: Day::at(cx, order.placed_at),
        terms: Terms::of(settings),
        counts: Total::default(),
        tagged: false,
        timed: false,
    });
    let disputes: Disputes = cx.state().get(&disputes_key(&order.id))?.unwrap_or_default();
    let counts = match disputes.iter().any(|it| it.1) {
        true => Total::default(),
        false => worth::of(order, &cx.refunds_of(&order.id), record.terms),
    };
    member.sums.add(record.day, counts.minus(record.counts));
    record.counts = counts;
    cx.state().set(&order_key(&order.id), &record)?;
    Ok(record)
}

/// Counts the orders that the host knows and this plugin was not told of, but for `except`. Returns how many were read.
pub fn take_in_history(
    cx: &mut Context,
    settings: &Settings,
    member: &mut Member,
    customer: &str,
    except: Option<&str>,
) -> Result<usize> {
    let history: Vec<Order> = cx.orders_of(customer).up_to(HISTORY, HISTORY_LINES).collect();
    let counted = |order: &&Order| !order.test && is_paid(order) && Some(order.id.as_str()) != except;
    for order in history.iter().filter(counted) {
        if cx.state().get::<Record>(&order_key(&order.id))?.is_none() {
            count(cx, settings, member, customer, order)?;
        }
    }
    Ok(history.len())
}

pub fn is_paid(order: &Order) -> bool {
    matches!(order.financial_status.as_deref(), Some("paid" | "partially_refunded" | "refunded"))
}

/// The state key that is there while settings are being taken over, customer by customer.
pub const TAKING_OVER: &str = "walk/apply";

/// Whether whoever comes into a tier is greeted, unless it is an order that has brought them there: while settings are taken
/// over, only if the merchant likes.
pub fn greets(cx: &mut Context, settings: &Settings) -> Result<bool> {
    Ok(settings.greet_raised || cx.state().get::<IgnoredAny>(TAKING_OVER)?.is_none())
}

/// A customer as known; one who is new here, with what was ordered before, but for the order `except`. A tier that comes of
/// orders from before the plugin was switched on is had already.
pub fn known(cx: &mut Context, settings: &Settings, customer: &str, except: Option<&str>) -> Result<Member> {
    if let Some(member) = member::get(cx, customer)? {
        return Ok(member);
    }
    let mut member = Member::default();
    take_in_history(cx, settings, &mut member, customer, except)?;
    if !greets(cx, settings)? && settings.barred(cx.customer_by_id(customer).as_ref()).is_none() {
        let ladder = Ladder::of(settings, cx.store().currency);
        member.standing = standing::evaluate(&ladder, &member.sums, None, Day::today(cx)).standing;
        member.tier = member.standing.as_ref().map(|it| it.tier.clone());
    }
    Ok(member)
}
