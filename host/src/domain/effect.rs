//! Effects: what is to be done outside, queued in the outbox, performed at least once, made to count once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Birthday, CustomerId, EffectId, EventId, Money, OrderId, PluginName, ProductId, Timestamp};

/// One queued effect and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    pub id: EffectId,
    pub plugin: PluginName,
    /// The event whose delivery queued it.
    pub event: EventId,
    pub kind: EffectKind,
    /// An effect that must be done before this one starts; this one fails if that one does.
    pub after: Option<EffectId>,
    pub status: EffectStatus,
    /// Tries made so far.
    pub attempts: u32,
    pub queued_at: Timestamp,
    /// When it was last tried, or reached its final status.
    pub updated_at: Timestamp,
}

impl Effect {
    /// One that is queued now, and due at once or when its mail is to go.
    pub fn queued(id: EffectId, plugin: PluginName, event: EventId, kind: EffectKind, now: Timestamp) -> Self {
        let due = match &kind {
            EffectKind::Mail(mail) => mail.send_at.max(now),
            _ => now,
        };
        Self {
            id,
            plugin,
            event,
            kind,
            after: None,
            status: EffectStatus::Pending { due, last_error: None },
            attempts: 0,
            queued_at: now,
            updated_at: now,
        }
    }

    /// The id of the event that tells the effect's plugin of its present failure: one failure is told once, and another
    /// after a retry by hand once more.
    pub fn failure_id(&self) -> EventId {
        EventId::from(format!("effect/{}/failed/{}", self.id, self.updated_at.0))
    }

    /// The id of the event that tells the effect's plugin that it is done.
    pub fn done_id(&self) -> EventId {
        EventId::from(format!("effect/{}/done", self.id))
    }

    pub fn has_failed(&self) -> bool {
        matches!(self.status, EffectStatus::Dead { .. } | EffectStatus::Dropped { .. })
    }
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EffectKind {
    Mail(Mail),
    CreateDiscount(NewDiscount),
    ChangeTags(TagChange),
    DisableDiscount(DiscountEnd),
    StoreCredit(StoreCredit),
    CreateGiftCard(NewGiftCard),
    AddOrderNote(OrderNote),
    ChangeOrderTags(OrderTagChange),
    AddParcelGift(ParcelGift),
    SetMetafield(Metafield),
    SetBirthday(BirthdayChange),
    SetShipBy(ShipBy),
    CreateDiscounts(DiscountBatch),
    SetConsent(ConsentChange),
}

impl EffectKind {
    /// The kind's name, as listings and metrics show it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Mail(_) => "mail",
            Self::CreateDiscount(_) => "discount.create",
            Self::ChangeTags(_) => "tags.change",
            Self::DisableDiscount(_) => "discount.disable",
            Self::StoreCredit(_) => "store-credit.change",
            Self::CreateGiftCard(_) => "gift-card.create",
            Self::AddOrderNote(_) => "order.note",
            Self::ChangeOrderTags(_) => "order.tags",
            Self::AddParcelGift(_) => "order.gift",
            Self::SetMetafield(_) => "metafield.set",
            Self::SetBirthday(_) => "birthday.set",
            Self::SetShipBy(_) => "order.ship-by",
            Self::CreateDiscounts(_) => "discount.create-many",
            Self::SetConsent(_) => "consent.set",
        }
    }

    /// Where the effect goes.
    pub fn destination(&self) -> Destination {
        match self {
            Self::Mail(_) => Destination::MailServer,
            _ => Destination::Storefront,
        }
    }

    /// The same effect for another customer.
    pub fn with_customer(mut self, customer: CustomerId) -> Self {
        match &mut self {
            Self::Mail(it) => it.customer = customer,
            Self::CreateDiscount(it) => it.customer = Some(customer),
            Self::ChangeTags(it) => it.customer = customer,
            Self::StoreCredit(it) => it.customer = customer,
            Self::CreateGiftCard(it) => it.customer = customer,
            Self::SetMetafield(it) => it.customer = customer,
            Self::SetBirthday(it) => it.customer = customer,
            Self::SetConsent(it) => it.customer = customer,
            Self::DisableDiscount(_)
            | Self::AddOrderNote(_)
            | Self::ChangeOrderTags(_)
            | Self::AddParcelGift(_)
            | Self::SetShipBy(_)
            | Self::CreateDiscounts(_) => {}
        }
        self
    }

    /// Whom it is for; none for what is about an order or for whoever has a code.
    pub fn customer(&self) -> Option<&CustomerId> {
        match self {
            Self::Mail(it) => Some(&it.customer),
            Self::CreateDiscount(it) => it.customer.as_ref(),
            Self::ChangeTags(it) => Some(&it.customer),
            Self::StoreCredit(it) => Some(&it.customer),
            Self::CreateGiftCard(it) => Some(&it.customer),
            Self::SetMetafield(it) => Some(&it.customer),
            Self::SetBirthday(it) => Some(&it.customer),
            Self::SetConsent(it) => Some(&it.customer),
            Self::DisableDiscount(_)
            | Self::AddOrderNote(_)
            | Self::ChangeOrderTags(_)
            | Self::AddParcelGift(_)
            | Self::SetShipBy(_)
            | Self::CreateDiscounts(_) => None,
        }
    }

    /// The terms of the code that it makes, or of each of them.
    pub fn terms(&self) -> Option<&NewDiscount> {
        match self {
            Self::CreateDiscount(discount) => Some(discount),
            Self::CreateDiscounts(batch) => Some(&batch.first),
            _ => None,
        }
    }

    /// Every code that it makes.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        let others = if let Self::CreateDiscounts(batch) = self { batch.others.as_slice() } else { &[] };
        self.terms().map(|first| first.code.as_str()).into_iter().chain(others.iter().map(String::as_str))
    }

    /// Of which customer it sets which value, where of several changes the last one stays.
    pub fn value_changed(&self) -> Option<(&CustomerId, &str)> {
        match self {
            Self::SetMetafield(it) => Some((&it.customer, &it.key)),
            // No plugin's own key has a dot, and the host has no other value.
            Self::SetBirthday(it) => Some((&it.customer, "facts.birth_date")),
            Self::SetConsent(it) => Some((&it.customer, "consent")),
            _ => None,
        }
    }

    /// The order that it changes.
    pub fn order(&self) -> Option<&OrderId> {
        match self {
            Self::AddOrderNote(it) => Some(&it.order),
            Self::ChangeOrderTags(it) => Some(&it.order),
            Self::AddParcelGift(it) => Some(&it.order),
            Self::SetShipBy(it) => Some(&it.order),
            _ => None,
        }
    }
}

/// The other side of an effect: what is down or busy for one effect is so for all that go there. The numbers are on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Destination {
    /// One for all stores.
    MailServer = 1,
    /// Each store's own.
    Storefront = 2,
}

/// A mail to a customer, from one of the plugin's templates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    pub customer: CustomerId,
    pub template: String,
    pub vars: BTreeMap<String, String>,
    pub purpose: Purpose,
    /// Not before.
    pub send_at: Timestamp,
    /// Dropped where caps or the night have kept it back until then.
    pub valid_until: Timestamp,
    pub guards: Vec<Guard>,
}

/// What a mail is for, in order of priority. The numbers are on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Purpose {
    /// What the customer has just set off, such as a code that points were paid for.
    Transactional,
    /// What the customer has to know, such as points about to expire.
    Service,
    Cart,
    Replenishment,
    Review,
    WinBack,
    Loyalty,
    Digest,
}

impl Purpose {
    pub const ALL: [Self; 8] = [
        Self::Transactional,
        Self::Service,
        Self::Cart,
        Self::Replenishment,
        Self::Review,
        Self::WinBack,
        Self::Loyalty,
        Self::Digest,
    ];

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

    /// What a plugin's word means: an unknown one is marketing of the last rank.
    pub fn of_word(word: &str) -> Self {
        Self::ALL.into_iter().find(|purpose| purpose.word() == word).unwrap_or(Self::Digest)
    }

    /// Whether it needs consent and gives way to caps and the night.
    pub fn is_marketing(self) -> bool {
        self > Self::Service
    }
}

/// What has to hold when a mail goes out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Guard {
    NoOrderSince(Timestamp),
    OrderNotCancelled(OrderId),
    /// The code of this effect can be used.
    CodeLive(EffectId),
    /// The plugin's state has this key.
    State(String),
}

/// A discount code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewDiscount {
    /// Who can use it; none for whoever has it.
    pub customer: Option<CustomerId>,
    pub code: String,
    pub benefit: Benefit,
    /// The smallest order it may be used on.
    pub minimum_subtotal: Option<Money>,
    /// The collections it is good for, by id; none for all.
    pub collections: Vec<String>,
    /// The products it is good for; none for all.
    pub products: Vec<ProductId>,
    pub starts_at: Timestamp,
    pub ends_at: Option<Timestamp>,
    /// How often it can be used in all; none for any number.
    pub uses: Option<u32>,
    pub once_per_customer: bool,
    /// It can be used together with other discounts.
    pub combines: bool,
    /// A gift of the shop's, of which a person has one at a time.
    pub offer: bool,
}

impl NewDiscount {
    /// Whether one use leaves nothing of it.
    pub fn is_for_one_use(&self) -> bool {
        self.uses == Some(1) || (self.customer.is_some() && self.once_per_customer)
    }
}

/// Codes of the same terms, for whoever has one of them, each for one use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiscountBatch {
    pub first: NewDiscount,
    /// The codes besides the first.
    pub others: Vec<String>,
}

impl DiscountBatch {
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.first.code.as_str()).chain(self.others.iter().map(String::as_str))
    }
}

/// What a code is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Benefit {
    /// Off the order.
    Amount(Money),
    /// Off the order, in hundredths of a percent.
    BasisPoints(u32),
    FreeShipping,
    /// One unit of one of the discount's products.
    FreeProduct,
}

/// The end of a code that another effect has made, or of all that it has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiscountEnd {
    pub made_by: EffectId,
    /// The first of several.
    pub code: String,
}

/// A change of a customer's store credit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreCredit {
    pub customer: CustomerId,
    /// Negative where it is taken.
    pub amount: Money,
    pub expires_at: Option<Timestamp>,
}

/// A gift card for a customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewGiftCard {
    pub customer: CustomerId,
    pub code: String,
    pub amount: Money,
    pub ends_at: Option<Timestamp>,
}

/// A line of text in an order's note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderNote {
    pub order: OrderId,
    pub text: String,
}

/// Tags to put on an order and to take off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderTagChange {
    pub order: OrderId,
    pub add: Vec<String>,
    pub remove: Vec<String>,
}

/// Something that goes into an order's parcel for nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParcelGift {
    pub order: OrderId,
    /// The variant to add as a free line; none leaves it to the packer.
    pub variant: Option<String>,
    /// As the packer reads it.
    pub title: String,
}

/// The time by which an order is to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShipBy {
    pub order: OrderId,
    pub at: Timestamp,
}

/// A value that a plugin shows on a customer at the platform.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metafield {
    pub customer: CustomerId,
    pub plugin: PluginName,
    pub key: String,
    /// `integer`, `text`, `date` or `json`.
    pub kind: String,
    pub value: String,
}

/// A birthday for the platform's own field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BirthdayChange {
    pub customer: CustomerId,
    pub birthday: Birthday,
}

/// A customer's word on marketing mail, for the shop's own newsletter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsentChange {
    pub customer: CustomerId,
    pub accepts_marketing: bool,
    pub said_at: Timestamp,
}

/// Tags to put on a customer and to take off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagChange {
    pub customer: CustomerId,
    pub add: Vec<String>,
    pub remove: Vec<String>,
}

/// How far an effect has come, without what is told about it. The numbers are on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum EffectStage {
    Pending = 1,
    Done = 2,
    Dead = 3,
    Dropped = 4,
}

impl EffectStage {
    pub const ALL: [Self; 4] = [Self::Pending, Self::Done, Self::Dead, Self::Dropped];

    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Done => "done",
            Self::Dead => "dead",
            Self::Dropped => "dropped",
        }
    }

    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.word() == word)
    }
}

impl EffectStatus {
    pub fn stage(&self) -> EffectStage {
        match self {
            Self::Pending { .. } => EffectStage::Pending,
            Self::Done { .. } => EffectStage::Done,
            Self::Dead { .. } => EffectStage::Dead,
            Self::Dropped { .. } => EffectStage::Dropped,
        }
    }
}

/// How far an effect has come.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EffectStatus {
    /// Waits for its first or next try, not before `due`.
    Pending { due: Timestamp, last_error: Option<String> },
    /// Done; `receipt` is what the other side called it.
    Done { receipt: String },
    /// Given up: a dead letter until someone retries it.
    Dead { reason: String },
    /// Rightly not done, for example no address to write to.
    Dropped { reason: String },
}
