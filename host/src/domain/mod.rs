//! The words of the house: ids, money, events, facts, effects, decisions.
//!
//! What belongs here: plain data and the pure functions on it. No I/O, no clock, no randomness, and no
//! dependency on any other module of this crate.

mod capability;
mod code_key;
mod contact;
mod decision;
mod effect;
mod event;
mod facts;
mod ids;
mod mac;
mod money;
mod privacy;
mod secret;
mod signals;
mod timestamp;

pub use capability::{Capability, UnknownCapability};
pub use code_key::CodeKey;
pub use contact::{Contact, ContactId, MAILS_REMEMBERED, SOFT_BOUNCES_BORNE, SentMail, Suppression, SuppressionCause};
pub use decision::{Attempt, Note, Outcome};
pub use effect::{
    Benefit, BirthdayChange, ConsentChange, Destination, DiscountBatch, DiscountEnd, Effect, EffectKind, EffectStage,
    EffectStatus, Guard, Mail, Metafield, NewDiscount, NewGiftCard, OrderNote, OrderTagChange, ParcelGift, Purpose,
    ShipBy, StoreCredit, TagChange,
};
pub use event::{Change, Event, Origin, ReadEvent, Step, Topic};
pub use facts::{
    Birthday, Checkout, Consent, Customer, Dispute, Fulfillment, LineItem, Merge, Order, OrderEdit, Product, Refund,
    RefundLine, Signal, SignalKind, normalised_email,
};
pub use ids::{
    CheckoutId, ComponentHash, CustomerId, DisputeId, EffectId, EventId, FulfillmentId, LineItemId, OrderId, Platform,
    PluginName, ProductId, RefundId, StoreId, UnknownPlatform,
};
pub use mac::Mac;
pub use money::{Currency, Money, MoneyError};
pub use privacy::{Act, Actor, AuditEntry, AuditKey, CustomerHash, ProtectedData};
pub use secret::Secret;
pub use timestamp::Timestamp;
