//! The words of the house: ids, money, events, facts, effects, decisions.
//!
//! What belongs here: plain data and the pure functions on it. No I/O, no clock, no randomness, and no
//! dependency on any other module of this crate.

mod capability;
mod decision;
mod effect;
mod event;
mod facts;
mod ids;
mod money;
mod timestamp;

pub use capability::{Capability, UnknownCapability};
pub use decision::{Attempt, Note, Outcome};
pub use effect::{Destination, Effect, EffectKind, EffectStage, EffectStatus, Mail, NewDiscount, TagChange};
pub use event::{Change, Event, Origin, ReadEvent, Step, Topic};
pub use facts::{Checkout, Consent, Customer, Fulfillment, LineItem, Merge, Order, OrderEdit, Refund, RefundLine};
pub use ids::{
    CheckoutId, ComponentHash, CustomerId, EffectId, EventId, FulfillmentId, LineItemId, OrderId, Platform, PluginName,
    ProductId, RefundId, StoreId,
};
pub use money::{Currency, Money, MoneyError};
pub use timestamp::Timestamp;
