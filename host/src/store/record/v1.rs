//! The first shapes of records that have grown since: read, never written.

use std::{collections::BTreeMap, time::Duration};

use serde::Deserialize;

use crate::{
    domain::{
        self, Benefit, Currency, CustomerId, EffectId, EffectStatus, EventId, LineItemId, Money, OrderId, Platform,
        PluginName, ProductId, Purpose, Signal, StoreId, TagChange, Timestamp,
    },
    store::{Access, Credentials, KeptCredentials},
};

/// How long a mail could be sent when none said.
const MAIL_VALID_FOR: Duration = Duration::from_secs(3 * 86_400);

/// A store whose credentials stood in it in clear.
#[derive(Deserialize)]
pub struct StoreRecord {
    id: StoreId,
    platform: Platform,
    domain: String,
    name: String,
    url: String,
    currency: Currency,
    time_zone: String,
    locale: String,
    secrets: Vec<String>,
    access_token: Option<String>,
    api_url: Option<String>,
    added_at: Timestamp,
    removed_at: Option<Timestamp>,
}

impl From<StoreRecord> for super::StoreRecord {
    fn from(old: StoreRecord) -> Self {
        let credentials = Credentials { secrets: old.secrets, access: old.access_token.map(Access::lasting) };
        Self {
            id: old.id,
            platform: old.platform,
            domain: old.domain,
            name: old.name,
            url: old.url,
            currency: old.currency,
            time_zone: old.time_zone,
            locale: old.locale,
            credentials: KeptCredentials::Clear(credentials),
            api_url: old.api_url,
            added_at: old.added_at,
            installed_at: old.added_at,
            removed_at: old.removed_at,
        }
    }
}

/// A person who is to be forgotten, told by an event that it does not name.
#[derive(Deserialize)]
pub struct Forgetting {
    told: CustomerId,
    customers: Vec<CustomerId>,
    orders: Vec<OrderId>,
}

impl From<Forgetting> for super::Forgetting {
    fn from(old: Forgetting) -> Self {
        let Forgetting { told, customers, orders } = old;
        Self { told, customers, orders, signals: Vec::new(), event: EventId::from(""), position: None }
    }
}

#[derive(Deserialize)]
pub struct Customer {
    id: CustomerId,
    email: Option<String>,
    phone: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    locale: Option<String>,
    tags: Vec<String>,
    accepts_marketing: Option<bool>,
    consent_at: Option<Timestamp>,
    created_at: Option<Timestamp>,
    updated_at: Timestamp,
    merged_into: Option<CustomerId>,
    deleted: bool,
}

impl From<Customer> for domain::Customer {
    fn from(old: Customer) -> Self {
        Self {
            id: old.id,
            email: old.email,
            email_verified: false,
            phone: old.phone,
            first_name: old.first_name,
            last_name: old.last_name,
            locale: old.locale,
            tags: old.tags,
            accepts_marketing: old.accepts_marketing,
            consent_at: old.consent_at,
            consented_at: None,
            birthday: None,
            created_at: old.created_at,
            updated_at: old.updated_at,
            merged_into: old.merged_into,
            deleted: old.deleted,
        }
    }
}

/// An order without a customer stays one until it is told again: whose guest it is was not asked.
#[derive(Deserialize)]
pub struct Order {
    id: OrderId,
    name: String,
    customer: Option<CustomerId>,
    email: Option<String>,
    test: bool,
    source: Option<String>,
    tags: Vec<String>,
    financial_status: Option<String>,
    placed_at: Timestamp,
    cancelled_at: Option<Timestamp>,
    updated_at: Timestamp,
    taxes_included: bool,
    lines: Vec<LineItem>,
    subtotal: Money,
    shipping: Money,
    tax: Money,
    tip: Money,
    total: Money,
    discount_codes: Vec<String>,
}

impl From<Order> for domain::Order {
    fn from(old: Order) -> Self {
        let email = old.email.as_deref();
        let signals = [email.and_then(Signal::email), email.and_then(Signal::disposable_email)];
        Self {
            id: old.id,
            name: old.name,
            customer: old.customer,
            signals: signals.into_iter().flatten().collect(),
            email: old.email,
            test: old.test,
            source: old.source,
            tags: old.tags,
            financial_status: old.financial_status,
            fulfillment_status: None,
            placed_at: old.placed_at,
            cancelled_at: old.cancelled_at,
            updated_at: old.updated_at,
            taxes_included: old.taxes_included,
            lines: old.lines.into_iter().map(Into::into).collect(),
            subtotal: old.subtotal,
            shipping: old.shipping,
            tax: old.tax,
            tip: old.tip,
            total: old.total,
            discount_codes: old.discount_codes,
            country: None,
            attributes: Vec::new(),
        }
    }
}

#[derive(Deserialize)]
struct LineItem {
    id: LineItemId,
    product: Option<ProductId>,
    sku: Option<String>,
    title: String,
    quantity: u32,
    current_quantity: u32,
    gift_card: bool,
    unit_price: Money,
    discount: Money,
    tax: Money,
}

impl From<LineItem> for domain::LineItem {
    fn from(old: LineItem) -> Self {
        Self {
            id: old.id,
            product: old.product,
            variant: None,
            sku: old.sku,
            title: old.title,
            quantity: old.quantity,
            current_quantity: old.current_quantity,
            gift_card: old.gift_card,
            unit_price: old.unit_price,
            discount: old.discount,
            tax: old.tax,
        }
    }
}

#[derive(Deserialize)]
pub struct Effect {
    id: EffectId,
    plugin: PluginName,
    event: EventId,
    kind: EffectKind,
    after: Option<EffectId>,
    status: EffectStatus,
    attempts: u32,
    queued_at: Timestamp,
    updated_at: Timestamp,
}

impl From<Effect> for domain::Effect {
    fn from(old: Effect) -> Self {
        Self {
            id: old.id,
            plugin: old.plugin,
            event: old.event,
            kind: old.kind.queued_at(old.queued_at),
            after: old.after,
            status: old.status,
            attempts: old.attempts,
            queued_at: old.queued_at,
            updated_at: old.updated_at,
        }
    }
}

#[derive(Deserialize)]
enum EffectKind {
    Mail(Mail),
    CreateDiscount(NewDiscount),
    ChangeTags(TagChange),
}

impl EffectKind {
    fn queued_at(self, queued_at: Timestamp) -> domain::EffectKind {
        match self {
            Self::Mail(old) => domain::EffectKind::Mail(domain::Mail {
                customer: old.customer,
                template: old.template,
                vars: old.vars,
                purpose: Purpose::Transactional,
                send_at: queued_at,
                valid_until: queued_at + MAIL_VALID_FOR,
                guards: Vec::new(),
            }),
            Self::CreateDiscount(old) => domain::EffectKind::CreateDiscount(old.into()),
            Self::ChangeTags(change) => domain::EffectKind::ChangeTags(change),
        }
    }
}

#[derive(Deserialize)]
struct Mail {
    customer: CustomerId,
    template: String,
    vars: BTreeMap<String, String>,
}

/// A code of an amount, for one customer and for once.
#[derive(Deserialize)]
struct NewDiscount {
    customer: CustomerId,
    code: String,
    value: Money,
    minimum_subtotal: Option<Money>,
    starts_at: Timestamp,
    ends_at: Option<Timestamp>,
}

impl From<NewDiscount> for domain::NewDiscount {
    fn from(old: NewDiscount) -> Self {
        Self {
            customer: Some(old.customer),
            code: old.code,
            benefit: Benefit::Amount(old.value),
            minimum_subtotal: old.minimum_subtotal,
            collections: Vec::new(),
            products: Vec::new(),
            starts_at: old.starts_at,
            ends_at: old.ends_at,
            uses: Some(1),
            once_per_customer: true,
            combines: false,
            offer: false,
        }
    }
}
