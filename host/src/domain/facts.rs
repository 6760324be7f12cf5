//! Facts: what the host itself knows of customers, orders and shipments, projected from events.
//!
//! Amounts are in the shop's currency. Plugins read facts and never write them.

use std::fmt;

use data_encoding::{BASE32_NOPAD, HEXLOWER};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{
    CheckoutId, CustomerId, DisputeId, FulfillmentId, LineItemId, Money, OrderId, ProductId, RefundId, Timestamp,
};

/// A person or company that buys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    pub id: CustomerId,
    pub email: Option<String>,
    /// The platform has seen that whoever signs in as this customer reads the address's mail.
    pub email_verified: bool,
    pub phone: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    /// IETF language tag, where the platform tells it.
    pub locale: Option<String>,
    pub tags: Vec<String>,
    /// Whether marketing mail is allowed; `None` where no event has said.
    pub accepts_marketing: Option<bool>,
    /// When that was last said, or as of when it is told: an older word never overwrites a newer one.
    pub consent_at: Option<Timestamp>,
    /// When the customer last consented, of what is told with the time at which it was said. A customer who is saved anew has
    /// not consented anew.
    pub consented_at: Option<Timestamp>,
    pub birthday: Option<Birthday>,
    pub created_at: Option<Timestamp>,
    /// The platform's time of last change: an older fact never overwrites a newer one.
    pub updated_at: Timestamp,
    /// The customer that absorbed this one.
    pub merged_into: Option<CustomerId>,
    pub deleted: bool,
}

impl Customer {
    /// A customer of whom nothing but the id is known: whatever is told of it is newer.
    pub fn nobody(id: CustomerId) -> Self {
        Self {
            id,
            email: None,
            email_verified: false,
            phone: None,
            first_name: None,
            last_name: None,
            locale: None,
            tags: Vec::new(),
            accepts_marketing: None,
            consent_at: None,
            consented_at: None,
            birthday: None,
            created_at: None,
            updated_at: Timestamp(0),
            merged_into: None,
            deleted: false,
        }
    }

    /// Whether it stands for somebody who has bought without a customer record.
    pub fn is_guest(&self) -> bool {
        self.id.is_guest()
    }
}

/// An e-mail address as people are told apart by it: without blanks around it and without case.
pub fn normalised_email(address: &str) -> String {
    address.trim().to_lowercase()
}

/// A day of birth, or the day alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Birthday {
    /// None where the customer keeps it.
    pub year: Option<i16>,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

/// Something that two orders or customers may share, without what it is: a hash of its kind and of itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Signal {
    pub kind: SignalKind,
    key: [u8; 16],
}

/// What kind of thing a signal is. The numbers are on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SignalKind {
    /// An e-mail address, without dots, plus part and case before the @.
    Email,
    Phone,
    Name,
    /// A shipping address.
    Address,
    Ip,
    /// An IP address with the browser's own name.
    IpAgent,
    /// A shop's cookie.
    Device,
    /// The address's domain gives addresses to anybody for minutes; there is no key.
    DisposableEmail,
}

impl SignalKind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Name => "name",
            Self::Address => "address",
            Self::Ip => "ip",
            Self::IpAgent => "ip-agent",
            Self::Device => "device",
            Self::DisposableEmail => "disposable-email",
        }
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signal({} {})", self.kind.word(), HEXLOWER.encode(&self.key))
    }
}

impl Signal {
    /// The signal of a thing as it is compared: the caller has normalised it.
    pub fn of(kind: SignalKind, thing: &str) -> Self {
        let hash = Sha256::new().chain_update(kind.word()).chain_update([0]).chain_update(thing).finalize();
        Self { kind, key: std::array::from_fn(|index| hash[index]) }
    }

    /// The key as the host's own indexes hold it.
    pub fn key(&self) -> [u8; 16] {
        self.key
    }

    /// The key as one plugin of one store is shown it, so that what two of them are shown cannot be joined.
    pub fn shown_to(&self, store_domain: &str, plugin: &str) -> String {
        if self.kind == SignalKind::DisposableEmail {
            return String::new();
        }
        let mut hash = Sha256::new();
        for part in [store_domain.as_bytes(), plugin.as_bytes(), &self.key] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        BASE32_NOPAD.encode(&hash.finalize()[..16]).to_lowercase()
    }
}

/// An order as the platform last described it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub id: OrderId,
    /// The name shoppers see, such as `#1001`.
    pub name: String,
    pub customer: Option<CustomerId>,
    pub email: Option<String>,
    /// True for orders through a test gateway: nothing is earned on them.
    pub test: bool,
    /// Where it was placed: `web`, `pos`, or the platform's other word.
    pub source: Option<String>,
    pub tags: Vec<String>,
    /// The platform's payment status: `pending`, `paid`, `partially_refunded`, ...
    pub financial_status: Option<String>,
    /// `fulfilled`, `partial`, or none where nothing has been shipped.
    pub fulfillment_status: Option<String>,
    pub placed_at: Timestamp,
    pub cancelled_at: Option<Timestamp>,
    pub updated_at: Timestamp,
    pub taxes_included: bool,
    pub lines: Vec<LineItem>,
    /// Items after all discounts, before shipping and tips.
    pub subtotal: Money,
    pub shipping: Money,
    pub tax: Money,
    pub tip: Money,
    pub total: Money,
    /// Discount codes that the shopper used.
    pub discount_codes: Vec<String>,
    /// ISO 3166-1 code of the country it is shipped to.
    pub country: Option<String>,
    /// What the storefront noted on the cart.
    pub attributes: Vec<(String, String)>,
    /// What other orders and customers may share with it.
    pub signals: Vec<Signal>,
}

#[cfg(test)]
impl Order {
    /// An order of nothing for tests, placed and last changed at `at`.
    pub(crate) fn sample(id: &str, at: Timestamp) -> Self {
        let nothing = Money::zero("EUR".parse().expect("EUR is a currency"));
        Self {
            id: id.into(),
            name: format!("#{id}"),
            customer: None,
            email: None,
            test: false,
            source: None,
            tags: Vec::new(),
            financial_status: None,
            fulfillment_status: None,
            placed_at: at,
            cancelled_at: None,
            updated_at: at,
            taxes_included: true,
            lines: Vec::new(),
            subtotal: nothing,
            shipping: nothing,
            tax: nothing,
            tip: nothing,
            total: nothing,
            discount_codes: Vec::new(),
            country: None,
            attributes: Vec::new(),
            signals: Vec::new(),
        }
    }
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineItem {
    pub id: LineItemId,
    pub product: Option<ProductId>,
    pub variant: Option<String>,
    pub sku: Option<String>,
    pub title: String,
    /// Units ordered.
    pub quantity: u32,
    /// Units still in the order after edits and removals.
    pub current_quantity: u32,
    pub gift_card: bool,
    /// One unit before discounts.
    pub unit_price: Money,
    /// All discounts on all units of the line, order-wide ones allocated.
    pub discount: Money,
    /// All taxes on all units of the line.
    pub tax: Money,
}

/// Goods or money given back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    pub id: RefundId,
    pub order: OrderId,
    pub refunded_at: Timestamp,
    pub lines: Vec<RefundLine>,
    /// Shipping given back, tax excluded; zero or positive. `None` if no currency was stated.
    pub shipping: Option<Money>,
    /// Money given back beyond lines and shipping; zero or positive. `None` if no currency was stated.
    pub adjustment: Option<Money>,
}

/// One line's share of a refund.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundLine {
    pub line: LineItemId,
    pub quantity: u32,
    /// What is given back for the units, discounts taken off, tax as the line states it.
    pub subtotal: Money,
    pub tax: Money,
    pub gift_card: bool,
}

/// A committed edit of an order; the new state follows in an update.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderEdit {
    pub order: OrderId,
    pub committed_at: Timestamp,
    /// Units added, by line.
    pub added: Vec<(LineItemId, u32)>,
    /// Units removed, by line.
    pub removed: Vec<(LineItemId, u32)>,
}

/// Two customer records that became one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merge {
    pub kept: CustomerId,
    pub removed: CustomerId,
    /// False while the platform still works on it or has given up.
    pub completed: bool,
}

/// A change of consent to marketing mail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consent {
    pub customer: CustomerId,
    pub accepts_marketing: bool,
    pub changed_at: Option<Timestamp>,
}

/// A shipment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fulfillment {
    pub id: FulfillmentId,
    pub order: OrderId,
    /// The platform's word: `success`, `cancelled`, ...
    pub status: Option<String>,
    /// The carrier's word: `in_transit`, `delivered`, ...
    pub shipment_status: Option<String>,
    pub tracking_number: Option<String>,
    pub tracking_url: Option<String>,
    pub updated_at: Timestamp,
}

impl Fulfillment {
    /// The same without the way to it: a carrier's page may tell whom a parcel went to.
    pub fn without_way(self) -> Self {
        Self { tracking_number: None, tracking_url: None, ..self }
    }
}

/// A checkout that has been begun and perhaps left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkout {
    pub id: CheckoutId,
    pub customer: Option<CustomerId>,
    pub email: Option<String>,
    pub recovery_url: Option<String>,
    pub total: Option<Money>,
    pub completed_at: Option<Timestamp>,
    pub updated_at: Timestamp,
}

/// Something that is sold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    pub id: ProductId,
    pub title: String,
    /// The merchant's word for what kind of thing it is.
    pub kind: Option<String>,
    pub vendor: Option<String>,
    pub tags: Vec<String>,
    /// Ids of the collections that it is in, where they have been read.
    pub collections: Vec<String>,
    pub updated_at: Timestamp,
    pub deleted: bool,
}

impl Product {
    /// A product of which nothing but the id is known: whatever is told of it is newer.
    pub fn unknown(id: ProductId) -> Self {
        Self {
            id,
            title: String::new(),
            kind: None,
            vendor: None,
            tags: Vec::new(),
            collections: Vec::new(),
            updated_at: Timestamp(0),
            deleted: false,
        }
    }
}

/// A payment that the shopper's bank questions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dispute {
    pub id: DisputeId,
    pub order: OrderId,
    /// The platform's word: `needs_response`, `won`, `lost`, ...
    pub status: String,
    pub amount: Money,
}
