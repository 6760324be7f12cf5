//! Keys: the store first, then the table, then parts that sort as they read.

use std::fmt;

use crate::domain::{StoreId, Timestamp};

/// The kinds of records, each in a key range of its own. The numbers are on disk: never reuse one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Table {
    /// Host-wide settings and counters, under store 0.
    Meta = 1,
    /// Stores by number, under store 0.
    Store = 2,
    /// Installed plugin files by name, under store 0.
    Plugin = 3,
    /// What falls due when, for all stores, under store 0.
    Due = 4,
    /// Links that customers share, by name, under store 0: the address of one names no store.
    Link = 5,
    /// What was done with people's data, and with stores', by time, under store 0: it outlives the store.
    Audit = 6,
    /// Dedupe: event id to position.
    EventId = 10,
    /// Events by position, with their deliveries.
    Event = 11,
    /// Positions of the events that concern a customer.
    CustomerEvent = 12,
    /// Positions of the events that could not be read, or of which a delivery has failed.
    FailedEvent = 13,
    /// How far a store's products have been read.
    ProductsRead = 14,
    /// Checkouts of a customer or of a guest.
    CustomerCheckout = 15,
    /// How far a store's past has been read.
    History = 16,
    /// How many orders and customers the platform and this host have counted.
    Counts = 17,
    /// When each topic was last heard of, and from whom.
    Heard = 18,
    Customer = 20,
    /// Normalised e-mail address to customer.
    CustomerEmail = 21,
    Order = 22,
    /// Orders of a customer by time.
    CustomerOrder = 23,
    Refund = 24,
    Fulfillment = 25,
    Checkout = 26,
    /// Events that wait for an order which is not known yet.
    WaitingFor = 27,
    /// Steps of an order that plugins have been told of.
    Told = 28,
    /// How far a store has been reconciled with its platform.
    Reconciliation = 29,
    /// Plugins enabled in a store.
    Enabled = 30,
    /// Settings of a plugin by version.
    Settings = 31,
    /// Plugins that are paused in a store.
    Paused = 32,
    /// Deliveries that wait for a paused plugin, in order of arrival.
    Waiting = 33,
    /// Settings versions that a plugin has still to be told of.
    UnpublishedSettings = 34,
    Product = 35,
    /// Customers that were merged into another.
    Absorbed = 36,
    /// Customers who are forgotten in their orders as well.
    Redacted = 37,
    /// Orders that name a discount code and are not cancelled.
    OrderByCode = 38,
    /// Orders by their e-mail address and telephone number, and by time.
    OrderBySignal = 39,
    /// A plugin's own keys and values.
    State = 40,
    /// Bytes and keys that a plugin's state takes.
    StateUsage = 41,
    Timer = 42,
    /// Merges that a plugin with state has still to be told of.
    UntoldMerge = 43,
    /// The name of the link that a customer shares, by plugin.
    CustomerLink = 44,
    /// What a plugin asks the merchant to decide or to do.
    Task = 45,
    /// Bounds on what a plugin gives away.
    Budget = 46,
    /// What a plugin has given away within its bounds, by period.
    BudgetSpent = 47,
    /// The outbox.
    Effect = 50,
    /// Where the copy of a mail as sent stands in the archive.
    MailCopy = 51,
    /// Effects by stage and time, for listings.
    EffectListed = 52,
    /// Discount code to the effect that makes it.
    Code = 53,
    /// The effect that ends a code, by the one that makes it.
    CodeEnd = 54,
    /// Offers of a customer: the effects that make their codes.
    Offer = 55,
    /// Effects that could be taken back and are being tried.
    UnderWay = 56,
    /// What an effect counts for within its plugin's bounds.
    BudgetCounted = 57,
    /// The last change of a value that a plugin shows at the platform.
    LastChange = 58,
    /// Parts of values that are larger than one record may be.
    Chunk = 60,
    /// What was sent to an address, and what may be.
    Contact = 70,
    /// Addresses that are not written to, by time.
    Suppressed = 71,
    /// Pending marketing mails of a customer, in the order in which they go.
    WaitingMail = 72,
    /// What a merchant has put in place of a plugin's mail, by version.
    TemplateOverride = 73,
    /// What a store adds to its mails.
    Letterhead = 74,
    /// What plugins may see of a store's people, and what its platform last said that the app may do.
    StoreTerms = 75,
    /// How a store's Adobe services are known.
    AdobeServices = 80,
    /// Orders that a request to be forgotten has named.
    RedactedOrder = 81,
}

impl Table {
    pub const ALL: [Self; 61] = [
        Self::Meta,
        Self::Store,
        Self::Plugin,
        Self::Due,
        Self::Link,
        Self::Audit,
        Self::EventId,
        Self::Event,
        Self::CustomerEvent,
        Self::FailedEvent,
        Self::ProductsRead,
        Self::CustomerCheckout,
        Self::History,
        Self::Counts,
        Self::Heard,
        Self::Customer,
        Self::CustomerEmail,
        Self::Order,
        Self::CustomerOrder,
        Self::Refund,
        Self::Fulfillment,
        Self::Checkout,
        Self::WaitingFor,
        Self::Told,
        Self::Reconciliation,
        Self::Enabled,
        Self::Settings,
        Self::Paused,
        Self::Waiting,
        Self::UnpublishedSettings,
        Self::Product,
        Self::Absorbed,
        Self::Redacted,
        Self::OrderByCode,
        Self::OrderBySignal,
        Self::State,
        Self::StateUsage,
        Self::Timer,
        Self::UntoldMerge,
        Self::CustomerLink,
        Self::Task,
        Self::Budget,
        Self::BudgetSpent,
        Self::Effect,
        Self::MailCopy,
        Self::EffectListed,
        Self::Code,
        Self::CodeEnd,
        Self::Offer,
        Self::UnderWay,
        Self::BudgetCounted,
        Self::LastChange,
        Self::Chunk,
        Self::Contact,
        Self::Suppressed,
        Self::WaitingMail,
        Self::TemplateOverride,
        Self::Letterhead,
        Self::StoreTerms,
        Self::AdobeServices,
        Self::RedactedOrder,
    ];
}

/// A key: compares as its bytes do.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Vec<u8>);

impl Key {
    /// The beginning of all keys of `table` in `store`.
    pub fn of(store: StoreId, table: Table) -> KeyBuilder {
        let mut bytes = Vec::with_capacity(48);
        bytes.extend_from_slice(&store.0.to_be_bytes());
        bytes.push(table as u8);
        KeyBuilder(bytes)
    }

    /// The beginning of all keys of `table` that belong to no store.
    pub fn system(table: Table) -> KeyBuilder {
        Self::of(StoreId(0), table)
    }

    /// A key read back from an engine.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub fn store(&self) -> Option<StoreId> {
        Some(StoreId(u32::from_be_bytes(self.0.get(..4)?.try_into().ok()?)))
    }

    /// The key's parts after the table, to be taken off one by one.
    pub fn parts(&self) -> Parts<'_> {
        Parts(self.0.get(5..).unwrap_or_default())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.0.escape_ascii())
    }
}

/// Adds parts to a key.
#[derive(Clone, Debug)]
pub struct KeyBuilder(Vec<u8>);

impl KeyBuilder {
    /// A text followed by others: ends in a terminator, so that no text is another's beginning.
    pub fn text(mut self, text: &str) -> Self {
        for &byte in text.as_bytes() {
            self.0.push(byte);
            if byte == 0 {
                self.0.push(0xff);
            }
        }
        self.0.extend_from_slice(&[0, 0]);
        self
    }

    pub fn number(mut self, number: u64) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    pub fn small(mut self, number: u8) -> Self {
        self.0.push(number);
        self
    }

    pub fn time(self, instant: Timestamp) -> Self {
        self.number(instant.0)
    }

    pub fn store(mut self, store: StoreId) -> Self {
        self.0.extend_from_slice(&store.0.to_be_bytes());
        self
    }

    /// A hash, whose length is always the same.
    pub fn hash(mut self, hash: [u8; 16]) -> Self {
        self.0.extend_from_slice(&hash);
        self
    }

    /// Bytes up to the key's end, as they are: the last part, or the prefix of a last part.
    pub fn rest(mut self, bytes: &[u8]) -> Key {
        self.0.extend_from_slice(bytes);
        Key(self.0)
    }

    pub fn end(self) -> Key {
        Key(self.0)
    }
}

/// Takes a key's parts off its front. Every method answers `None` if the key holds no such part.
#[derive(Debug)]
pub struct Parts<'a>(&'a [u8]);

impl<'a> Parts<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(count)?;
        self.0 = tail;
        Some(head)
    }

    pub fn text(&mut self) -> Option<String> {
        let mut text = Vec::new();
        loop {
            match self.take(1)? {
                [0] => match self.take(1)? {
                    [0] => return String::from_utf8(text).ok(),
                    _ => text.push(0),
                },
                byte => text.extend_from_slice(byte),
            }
        }
    }

    pub fn number(&mut self) -> Option<u64> {
        Some(u64::from_be_bytes(self.take(8)?.try_into().ok()?))
    }

    pub fn small(&mut self) -> Option<u8> {
        self.take(1).map(|byte| byte[0])
    }

    pub fn time(&mut self) -> Option<Timestamp> {
        self.number().map(Timestamp)
    }

    pub fn store(&mut self) -> Option<StoreId> {
        Some(StoreId(u32::from_be_bytes(self.take(4)?.try_into().ok()?)))
    }

    pub fn hash(&mut self) -> Option<[u8; 16]> {
        self.take(16)?.try_into().ok()
    }

    pub fn rest(self) -> &'a [u8] {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parts_come_back_as_they_went_in(text in ".{0,40}", number: u64, rest: Vec<u8>) {
            let key = Key::of(StoreId(7), Table::State).text(&text).number(number).rest(&rest);
            prop_assert_eq!(key.store(), Some(StoreId(7)));
            let mut parts = key.parts();
            prop_assert_eq!(parts.text(), Some(text));
            prop_assert_eq!(parts.number(), Some(number));
            prop_assert_eq!(parts.rest(), &rest[..]);
        }

        #[test]
        fn keys_sort_as_their_texts_do(one in ".{0,12}", other in ".{0,12}") {
            let key = |text: &str| Key::of(StoreId(1), Table::Order).text(text).end();
            prop_assert_eq!(key(&one).cmp(&key(&other)), one.cmp(&other));
        }

        #[test]
        fn any_bytes_can_be_taken_apart_without_panic(bytes: Vec<u8>) {
            let key = Key::from_bytes(bytes);
            let _ = (key.store(), key.parts().text(), key.parts().number());
        }
    }

    #[test]
    fn every_table_is_listed_once() {
        let source = include_str!("key.rs").split_once("pub enum Table {").unwrap().1.split_once("\n}").unwrap().0;
        let named = source.lines().filter_map(|line| line.trim().split_once(" = ")).map(|(name, _)| name);
        assert_eq!(named.collect::<Vec<_>>(), Table::ALL.map(|table| format!("{table:?}")));
    }

    #[test]
    fn one_stores_keys_never_begin_with_anothers() {
        let mine = Key::of(StoreId(1), Table::State).text("points").rest(b"a");
        let theirs = Key::of(StoreId(257), Table::State).text("points").end();
        assert!(!mine.as_bytes().starts_with(theirs.as_bytes()));
        let longer_name = Key::of(StoreId(1), Table::State).text("points-2").end();
        assert!(!longer_name.as_bytes().starts_with(Key::of(StoreId(1), Table::State).text("points").end().as_bytes()));
    }
}
