//! Write retention plugins for Regulars in Rust.
//!
//! A plugin is one function from an [`Event`] to queued effects. It is a function of what it is given: the event, the
//! host's facts, the merchant's settings, its own state, a frozen clock and a seeded random source. The same code runs
//! in the sandbox, through [`export!`], and in an ordinary `#[test]`, through `test::Bench`.
//!
//! ```
//! use regulars_sdk::{Context, Event, Mail, Purpose, Result, key};
//!
//! regulars_sdk::export!(handle);
//!
//! /// Thanks every customer for the third paid order.
//! fn handle(event: &Event, cx: &mut Context) -> Result {
//!     if event.topic != "order.paid" {
//!         return Ok(());
//!     }
//!     let Some(customer) = cx.customer() else {
//!         cx.note("The order has no customer to thank", &[])?;
//!         return Ok(());
//!     };
//!     let key = key(&["orders", &customer.id]);
//!     let orders = cx.state().get::<u32>(&key)?.unwrap_or(0) + 1;
//!     cx.state().set(&key, &orders)?;
//!     if orders == 3 {
//!         cx.send_mail(Mail::new(customer.id, "thanks", Purpose::Loyalty))?;
//!     }
//!     cx.note("Order counted", &[("orders", &orders.to_string())])?;
//!     Ok(())
//! }
//!
//! # fn main() -> Result {
//! use regulars_sdk::test::{Bench, Incoming, order};
//!
//! let mut shop = Bench::new(handle);
//! for id in ["1", "2", "3"] {
//!     shop.deliver(Incoming::order_paid(order(id).customer("c1").line(1999, 1)))?;
//! }
//! assert_eq!(shop.calls().mails().count(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! # Layout
//!
//! - [`Context`]: everything a plugin can see and do. [`State`]: its own keys and values.
//! - [`Event`], [`Order`], [`Money`] and the other plain data that a plugin reads.
//! - [`Mail`], [`NewDiscount`], [`Task`] and the other plain data that it queues.
//! - [`panel`]: what shoppers see of it. [`language`]: dates, amounts and texts in their language.
//! - [`Failure`], [`Refusal`], [`StateError`]: the ways to fail.
//! - [`limits`]: the host's limits.
//! - `test` (not in the sandbox): a host in miniature for unit tests.

#![deny(missing_docs)]

#[cfg(all(target_arch = "wasm32", not(target_os = "unknown")))]
compile_error!("plugins import no WASI: build for wasm32-unknown-unknown");

mod context;
mod effects;
mod facts;
mod failure;
pub mod language;
pub mod limits;
#[cfg(all(target_arch = "wasm32", feature = "allocator"))]
mod memory;
mod money;
pub mod panel;
#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod sandbox;
mod state;
#[cfg(not(target_arch = "wasm32"))]
pub mod test;

// Both sides offer the same functions; which one there is, the target decides.
#[cfg(target_arch = "wasm32")]
use sandbox as sys;
#[cfg(not(target_arch = "wasm32"))]
use test::host as sys;

// Listed one by one: what authors see is chosen, and generated names stay inside.
pub use context::{Context, Orders};
pub use effects::{
    Benefit, CodeStanding, EffectId, EffectStanding, Guard, Issued, IssuedMany, Mail, MetafieldValue, NewDiscount,
    ParcelGift, Purpose, SharedLink, Task, TaskAnswer,
};
pub use facts::{
    Action, Birthday, Customer, Date, Dispute, EndedEffect, Event, Fulfillment, LineItem, Merge, Order, Product,
    Refund, RefundLine, Signal, Similarity, StoreInfo, Timer, Timestamp, Visit,
};
pub use failure::{Failure, Malformed, Refusal, StateError};
pub use money::{Currency, Money, MoneyError};
pub use state::{Keys, State, key};
/// The README's plugin compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// What `handle` returns: done, or a [`Failure`].
pub type Result<T = (), E = Failure> = core::result::Result<T, E>;

/// Makes a function of `(&Event, &mut Context) -> Result` the plugin's entry point; a second one, of
/// `(&View, &mut Context) -> Result<Vec<Block>>`, draws its [`panel`]. Once per plugin.
#[macro_export]
macro_rules! export {
    ($handle:path) => {
        const _: fn(&$crate::Event, &mut $crate::Context) -> $crate::Result = $handle;

        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Component;
            impl $crate::sandbox::Guest for Component {
                fn handle(envelope: $crate::sandbox::Envelope) -> ::core::result::Result<(), $crate::sandbox::Failure> {
                    $crate::sandbox::run(envelope, $handle)
                }
            }
    $crate::sandbox::export!(Component with_types_in $crate::sandbox);
        };
    };
    ($handle:path, panel = $render:path) => {
        $crate::export!($handle);

        const _: fn(
            &$crate::panel::View,
            &mut $crate::Context,
        ) -> $crate::Result<::std::vec::Vec<$crate::panel::Block>> = $render;

        #[cfg(target_arch = "wasm32")]
        const _: () = {
            struct Component;
            impl $crate::sandbox::shown::Guest for Component {
                fn render(
                    view: $crate::sandbox::shown::View,
                ) -> ::core::result::Result<::std::vec::Vec<$crate::sandbox::shown::Block>, ::std::string::String>
                {
                    $crate::sandbox::shown::run(view, $render)
                }
            }
    $crate::sandbox::shown::export!(Component with_types_in $crate::sandbox::shown);
        };
    };
}
