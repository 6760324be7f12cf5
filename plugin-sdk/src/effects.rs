//! What plugins queue: plain data, built up by methods. Amounts are in the shop's currency.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Money, Timestamp};

/// Names one queued effect. The same event yields the same ids however often it is handled.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EffectId(pub(crate) String);

impl EffectId {
    /// The id's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EffectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a mail is for, in order of priority. All but the first two are marketing: they need the customer's consent, and
/// give way to caps and the night.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// What the customer has just set off, such as a code that points were paid for.
    Transactional,
    /// What the customer has to know, such as points about to expire.
    Service,
    /// A basket left behind.
    Cart,
    /// Something that runs out.
    Replenishment,
    /// What the customer thinks of something.
    Review,
    /// A customer who has not been back.
    WinBack,
    /// The programme: birthdays, gifts, friends.
    Loyalty,
    /// News.
    Digest,
}

impl Purpose {
    /// The contract's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Transactional => "transactional",
            Self::Service => "service",
            Self::Cart => "cart",
            Self::Replenishment => "replenishment",
            Self::Review => "review",
            Self::WinBack => "win-back",
            Self::Loyalty => "loyalty",
            Self::Digest => "digest",
        }
    }
}

/// What has to hold when a mail goes out. The host looks in the same step, and drops the mail where it does not.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Guard {
    /// The customer has placed no order since.
    NoOrderSince(Timestamp),
    /// The order is not cancelled.
    OrderNotCancelled(String),
    /// The code that the effect makes can be used.
    CodeLive(EffectId),
    /// The plugin's state has this key.
    State(String),
}

/// A mail to a customer, from one of the plugin's templates. Needs the capability `mail`.
///
/// ```
/// # use regulars_sdk::{Mail, Purpose};
/// let mail = Mail::new("207119551", "earned", Purpose::Service).var("points", "12").var("balance", "62");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// Whom the host writes to.
    pub customer_id: String,
    /// A template of the plugin's own file.
    pub template: String,
    /// The template's variables; the host adds `customer.first_name`, `shop.name` and `shop.url`.
    pub vars: Vec<(String, String)>,
    /// What it is for.
    pub purpose: Purpose,
    /// Not before.
    pub send_at: Option<Timestamp>,
    /// A mail that could not go out until then, for caps or the night, is dropped; `None` is three days after `send_at`.
    pub valid_until: Option<Timestamp>,
    /// What has to hold when it goes out.
    pub guards: Vec<Guard>,
    /// An effect that has to be done first; should it fail, the mail is not sent.
    pub after: Option<EffectId>,
}

impl Mail {
    /// A mail without variables, to go out at once.
    pub fn new(customer_id: impl Into<String>, template: impl Into<String>, purpose: Purpose) -> Self {
        Self {
            customer_id: customer_id.into(),
            template: template.into(),
            vars: Vec::new(),
            purpose,
            send_at: None,
            valid_until: None,
            guards: Vec::new(),
            after: None,
        }
    }

    /// Gives the template a variable.
    pub fn var(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.vars.push((name.into(), value.into()));
        self
    }

    /// Holds the mail back until `effect` is done.
    pub fn after(mut self, effect: &EffectId) -> Self {
        self.after = Some(effect.clone());
        self
    }

    /// Holds the mail back until `instant`.
    pub fn send_at(mut self, instant: Timestamp) -> Self {
        self.send_at = Some(instant);
        self
    }

    /// Drops the mail if it could not go out until `instant`.
    pub fn valid_until(mut self, instant: Timestamp) -> Self {
        self.valid_until = Some(instant);
        self
    }

    /// Drops the mail unless `guard` holds when it is to go out.
    pub fn guard(mut self, guard: Guard) -> Self {
        self.guards.push(guard);
        self
    }
}

/// What a discount code is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Benefit {
    /// Off the order.
    Amount(Money),
    /// Off the order, in hundredths of a percent: 1000 is 10 %.
    BasisPoints(u32),
    /// Shipping for nothing.
    FreeShipping,
    /// One unit of one of the discount's products for nothing.
    FreeProduct,
}

/// A discount code. Needs the capability `discounts`.
///
/// As made by [`NewDiscount::new`], one customer can use it once, alone, on any order, without end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDiscount {
    /// Who can use it; `None` for whoever has it.
    pub customer_id: Option<String>,
    /// The readable beginning of the code: 1 to 12 of A-Z and 0-9.
    pub prefix: String,
    /// What it is worth.
    pub benefit: Benefit,
    /// The smallest order it may be used on.
    pub minimum_subtotal: Option<Money>,
    /// Collections that it is good for, by id; empty for all.
    pub collections: Vec<String>,
    /// Products that it is good for, by id; empty for all.
    pub products: Vec<String>,
    /// When it begins; `None` for now.
    pub starts_at: Option<Timestamp>,
    /// When it ends; `None` for never.
    pub ends_at: Option<Timestamp>,
    /// How often it can be used in all; `None` for any number.
    pub uses: Option<u32>,
    /// Each customer can use it once.
    pub once_per_customer: bool,
    /// It can be used together with other discounts.
    pub combines: bool,
    /// A gift of the shop's, of which a person has one at a time: see [`NewDiscount::offer`].
    pub offer: bool,
}

impl NewDiscount {
    /// A code that only this customer can use, once.
    pub fn new(customer_id: impl Into<String>, prefix: impl Into<String>, benefit: Benefit) -> Self {
        Self { customer_id: Some(customer_id.into()), uses: Some(1), ..Self::open(prefix, benefit) }
    }

    /// A code for whoever has it: each customer can use it once.
    pub fn open(prefix: impl Into<String>, benefit: Benefit) -> Self {
        Self {
            customer_id: None,
            prefix: prefix.into(),
            benefit,
            minimum_subtotal: None,
            collections: Vec::new(),
            products: Vec::new(),
            starts_at: None,
            ends_at: None,
            uses: None,
            once_per_customer: true,
            combines: false,
            offer: false,
        }
    }

    /// Only for orders of at least `amount`.
    pub fn minimum_subtotal(self, amount: Money) -> Self {
        Self { minimum_subtotal: Some(amount), ..self }
    }

    /// Only for products of these collections.
    pub fn collections(self, ids: Vec<String>) -> Self {
        Self { collections: ids, ..self }
    }

    /// Only for these products.
    pub fn products(self, ids: Vec<String>) -> Self {
        Self { products: ids, ..self }
    }

    /// Only from `instant` on.
    pub fn starts_at(self, instant: Timestamp) -> Self {
        Self { starts_at: Some(instant), ..self }
    }

    /// Only until `instant`.
    pub fn ends_at(self, instant: Timestamp) -> Self {
        Self { ends_at: Some(instant), ..self }
    }

    /// Can be used `count` times in all.
    pub fn uses(self, count: u32) -> Self {
        Self { uses: Some(count), ..self }
    }

    /// Can be used together with other discounts.
    pub fn combines(self) -> Self {
        Self { combines: true, ..self }
    }

    /// A gift of the shop's rather than something earned or bought. A person has one at a time: while a better one is
    /// live this one is refused, and a weaker one that is live is disabled.
    pub fn offer(self) -> Self {
        Self { offer: true, ..self }
    }
}

/// A code that has been queued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// What a mail with the code should wait for.
    pub effect: EffectId,
    /// The code; it follows from the effect's id, so that a repeat finds the code already made.
    pub code: String,
}

/// Many codes that have been queued together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedMany {
    /// What is done when all of them are there.
    pub effect: EffectId,
    /// As many as were asked for; they follow from the effect's id.
    pub codes: Vec<String>,
}

/// What the host knows of a code, or of all that one effect makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeStanding {
    /// The code; the first of several.
    pub code: String,
    /// `pending`, `live`, `ended`, `disabled` or `failed`.
    pub status: String,
    /// Orders that name the code, or one of several, and are not cancelled.
    pub used: u32,
}

impl CodeStanding {
    /// Whether it can still be used, or will be able to be.
    pub fn is_open(&self) -> bool {
        matches!(self.status.as_str(), "pending" | "live")
    }
}

/// How far an effect has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EffectStanding {
    /// `pending`, `done`, `dead` (given up) or `dropped` (rightly not done).
    pub status: String,
    /// Why it is not done, for people.
    pub reason: Option<String>,
}

/// Something that goes into a parcel for nothing. Needs the capability `orders`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParcelGift {
    /// The order whose parcel it goes into.
    pub order_id: String,
    /// The variant to add as a line that costs nothing; `None` leaves it to the packer.
    pub variant_id: Option<String>,
    /// As the packer reads it.
    pub title: String,
}

/// A value that the plugin shows on a customer at the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetafieldValue {
    /// A whole number.
    Integer(i64),
    /// One line of text.
    Text(String),
    /// A JSON document.
    Json(String),
}

/// A link that a customer shares. Needs the capability `links`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedLink {
    /// The link's name: what an order's attribute `regulars_link` names.
    pub name: String,
    /// Where it leads.
    pub url: String,
}

/// What the merchant is asked to decide or to do. Needs the capability `tasks`.
///
/// ```
/// # use regulars_sdk::Task;
/// let task = Task::new("review/1001", "Is this referral real?")
///     .detail("Order", "#1001")
///     .choice("approve", "Pay both rewards")
///     .choice("reject", "Pay nothing");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// The plugin's own name for it. One that is open is replaced.
    pub key: String,
    /// What it is.
    pub title: String,
    /// What to know, as name and value.
    pub details: Vec<(String, String)>,
    /// Whom it is about.
    pub customer_id: Option<String>,
    /// What order it is about.
    pub order_id: Option<String>,
    /// Answers to choose from, as the action's name and its label. The answer arrives as `merchant.action` of that name
    /// with the input `{"task": key, "reason": ...}`.
    pub choices: Vec<(String, String)>,
    /// Until when.
    pub due: Option<Timestamp>,
}

impl Task {
    /// A task without particulars.
    pub fn new(key: impl Into<String>, title: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            title: title.into(),
            details: Vec::new(),
            customer_id: None,
            order_id: None,
            choices: Vec::new(),
            due: None,
        }
    }

    /// Something to know.
    pub fn detail(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.details.push((name.into(), value.into()));
        self
    }

    /// An answer to choose.
    pub fn choice(mut self, action: impl Into<String>, label: impl Into<String>) -> Self {
        self.choices.push((action.into(), label.into()));
        self
    }

    /// Whom it is about.
    pub fn customer(self, id: impl Into<String>) -> Self {
        Self { customer_id: Some(id.into()), ..self }
    }

    /// What order it is about.
    pub fn order(self, id: impl Into<String>) -> Self {
        Self { order_id: Some(id.into()), ..self }
    }

    /// Until when.
    pub fn due(self, instant: Timestamp) -> Self {
        Self { due: Some(instant), ..self }
    }
}

/// The answer to a [`Task`]: the input of its `merchant.action`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskAnswer {
    /// The task's key.
    pub task: String,
    /// What the merchant adds.
    #[serde(default)]
    pub reason: String,
}
