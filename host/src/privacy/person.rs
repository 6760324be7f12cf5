//! Who a person is in a store: the records, and by which names rows are found to be theirs.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    catalog::{Installed, Registry, StoreEntry, manifest::Holder},
    domain::{
        Checkout, Contact, ContactId, Customer, CustomerId, Effect, EffectId, Order, OrderId, PluginName, Signal,
        StoreId,
    },
    store::{
        Error, Forgetting, Key, Record, Scan, SharedLink, Store, Table, TaskRecord, Transaction, all_records_of,
        checkouts::holders, decode, keys,
    },
};

/// Rows that are read at once.
pub(super) const PAGE: usize = 500;

/// Where a person is looked for.
#[derive(Clone)]
pub struct Place {
    pub store: Arc<dyn Store>,
    pub id: StoreId,
    /// The store's permanent domain.
    pub domain: String,
    /// All plugins that may keep something, with what they say of their keys.
    pub plugins: BTreeMap<PluginName, BTreeMap<String, Holder>>,
}

impl Place {
    pub fn of(store: Arc<dyn Store>, registry: &Registry, entry: &StoreEntry) -> Self {
        let keys =
            |installed: &Arc<Installed>| (installed.record.name.clone(), installed.package.manifest.keys.clone());
        let plugins = registry.installed().map(keys).collect();
        Self { store, id: entry.id(), domain: entry.record.domain.clone(), plugins }
    }

    /// Calls `row` with every row of a range. Others on the thread have their turn between two pages.
    pub(super) async fn in_pages(
        &self,
        prefix: &Key,
        mut row: impl FnMut(&Key, &[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut after = None;
        loop {
            let rows = self.store.scan(&Scan::of(prefix.clone(), PAGE).after(after))?;
            let Some((last, _)) = rows.last() else { return Ok(()) };
            after = Some(last.clone());
            for (key, value) in &rows {
                row(key, &value.bytes)?;
            }
            tokio::task::yield_now().await;
        }
    }
}

/// A record; none if it cannot be read. That is told, and holds up neither a file nor whoever is to be forgotten; a file says
/// how many rows it could not read.
pub(super) fn readable<T: Record>(key: &Key, bytes: &[u8]) -> Option<T> {
    decode(bytes).inspect_err(|error| tracing::error!(%error, "{key:?} is passed by: {error}")).ok()
}

/// A person of one store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// All records of the person, merged ones too.
    pub customers: BTreeSet<CustomerId>,
    /// The guests of the addresses that are known to be theirs: checkouts alone are found by them.
    pub guests: BTreeSet<CustomerId>,
    /// The person's orders, and those that a request named besides.
    pub orders: BTreeSet<OrderId>,
    /// Effects for the person or in one of the orders.
    pub effects: BTreeSet<EffectId>,
    /// Names of the links that the person shares.
    pub links: BTreeSet<String>,
    /// Names of the addresses that the person had mails at.
    pub contacts: BTreeSet<ContactId>,
    /// What the person may share with others, as each plugin is shown it.
    signals: BTreeMap<PluginName, BTreeSet<String>>,
    /// What plugins say of their keys.
    keys: BTreeMap<PluginName, BTreeMap<String, Holder>>,
}

impl Person {
    /// The person of one record, with all that it was merged with.
    pub async fn named(place: &Place, customer: &CustomerId, orders: BTreeSet<OrderId>) -> Result<Self, Error> {
        let mut transaction = Transaction::new(Arc::clone(&place.store));
        let customers = all_records_of(&mut transaction, place.id, customer)?;
        drop(transaction);
        Self::find(place, customers, orders, BTreeSet::new()).await
    }

    /// A person who is taken out of the facts already.
    pub async fn forgotten(place: &Place, forgetting: &Forgetting) -> Result<Self, Error> {
        let Forgetting { customers, orders, signals, .. } = forgetting.clone();
        let (customers, orders) = (customers.into_iter().collect(), orders.into_iter().collect());
        Self::find(place, customers, orders, signals.into_iter().collect()).await
    }

    /// Reads a store for everything by which rows are found to be the person's: all orders and effects too, as orders name
    /// their customers, and nothing lists effects by theirs.
    async fn find(
        place: &Place,
        customers: BTreeSet<CustomerId>,
        orders: BTreeSet<OrderId>,
        mut signals: BTreeSet<Signal>,
    ) -> Result<Self, Error> {
        let mut person = Self { customers, orders, keys: place.plugins.clone(), ..Self::default() };
        for id in &person.customers {
            if let Some(row) = place.store.get(&keys::customer(place.id, id))? {
                let customer: Customer = decode(&row.bytes)?;
                signals.extend(customer.signals());
                // An address that nobody has seen to be the customer's may be another's.
                let address = customer.email.as_deref().filter(|_| customer.email_verified);
                person.guests.extend(address.and_then(CustomerId::of_guest));
            }
        }
        let of = |table| keys::of_table(place.id, table);
        place
            .in_pages(&of(Table::Order), |key, bytes| {
                let Some(order) = readable::<Order>(key, bytes) else { return Ok(()) };
                if person.has_customer(order.customer.as_ref()) || person.orders.contains(&order.id) {
                    signals.extend(order.signals);
                    person.orders.insert(order.id);
                }
                Ok(())
            })
            .await?;
        place
            .in_pages(&of(Table::Effect), |key, bytes| {
                let Some(effect) = readable::<Effect>(key, bytes) else { return Ok(()) };
                if person.has_customer(effect.kind.customer()) || person.has_order(effect.kind.order()) {
                    person.effects.insert(effect.id);
                }
                Ok(())
            })
            .await?;
        place
            .in_pages(&of(Table::Contact), |key, bytes| {
                let Some(contact) = readable::<Contact>(key, bytes) else { return Ok(()) };
                let had_mails = contact.mails.iter().any(|mail| person.effects.contains(&mail.effect));
                if had_mails || person.has_customer(contact.customer.as_ref()) {
                    person.contacts.extend(keys::contact_of(key));
                }
                Ok(())
            })
            .await?;
        place
            .in_pages(&keys::all_links(), |key, bytes| {
                let Some(link) = readable::<SharedLink>(key, bytes) else { return Ok(()) };
                if link.store == place.id && person.customers.contains(&link.customer) {
                    person.links.extend(key.parts().text());
                }
                Ok(())
            })
            .await?;
        for plugin in place.plugins.keys() {
            let shown = signals.iter().map(|signal| signal.shown_to(&place.domain, plugin.as_str()));
            person.signals.insert(plugin.clone(), shown.filter(|shown| !shown.is_empty()).collect());
        }
        Ok(person)
    }

    pub fn has_customer(&self, customer: Option<&CustomerId>) -> bool {
        customer.is_some_and(|customer| self.customers.contains(customer))
    }

    /// Whether a checkout is theirs by its customer or by its address.
    pub fn has_begun(&self, checkout: &Checkout) -> bool {
        holders(checkout).any(|holder| self.customers.contains(&holder) || self.guests.contains(&holder))
    }

    pub fn has_order(&self, order: Option<&OrderId>) -> bool {
        order.is_some_and(|order| self.orders.contains(order))
    }

    /// Whether a plugin's key is the person's: a part of it, between slashes, is the id of a record, an order or an effect,
    /// a link's name, or what the plugin is shown of what the person may share with others. A plugin may say whether ids in
    /// its keys are customers' or orders'.
    pub fn has_key(&self, plugin: &PluginName, key: &str) -> bool {
        self.is_named(plugin, self.holder_of(plugin, key), key)
    }

    fn is_named(&self, plugin: &PluginName, holder: Option<Holder>, text: &str) -> bool {
        parts(text).any(|part| {
            let part = part.as_str();
            (holder != Some(Holder::Order) && self.customers.contains(&CustomerId::from(part)))
                || (holder != Some(Holder::Customer) && self.orders.contains(&OrderId::from(part)))
                || self.effects.contains(&EffectId::from(part))
                || self.links.contains(part)
                || self.signals.get(plugin).is_some_and(|shown| shown.contains(part))
        })
    }

    /// What the ids in a plugin's key are of, if it says so.
    fn holder_of(&self, plugin: &PluginName, key: &str) -> Option<Holder> {
        self.keys.get(plugin)?.get(&parts(key).next()?).copied()
    }

    /// Whether a plugin's key names another record of the person than the one that it is told of.
    pub(super) fn has_other(&self, plugin: &PluginName, key: &str, told_of: &CustomerId) -> bool {
        self.holder_of(plugin, key) != Some(Holder::Order)
            && parts(key).map(CustomerId::from).any(|id| id != *told_of && self.customers.contains(&id))
    }

    /// Whether a timer is the person's: by its key, or by what it brings along.
    pub fn has_timer(&self, plugin: &PluginName, key: &str, payload: &[u8]) -> bool {
        let holder = self.holder_of(plugin, key);
        self.has_key(plugin, key) || self.is_named(plugin, holder, &String::from_utf8_lossy(payload))
    }

    pub fn has_task(&self, plugin: &PluginName, key: &str, task: &TaskRecord) -> bool {
        self.has_customer(task.customer.as_ref()) || self.has_order(task.order.as_ref()) || self.has_key(plugin, key)
    }
}

/// The parts of a plugin's key, as the SDK joins them.
pub(super) fn parts(key: &str) -> impl Iterator<Item = String> {
    key.split('/').map(|part| part.replace("%2F", "/").replace("%25", "%"))
}
