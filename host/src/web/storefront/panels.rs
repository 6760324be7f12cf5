//! The panels of a store's plugins, drawn for somebody who looks.

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;

use super::visitor::is_tag;
use crate::{
    catalog::{Enabled, StoreEntry},
    domain::{Customer, CustomerId, PluginName},
    engine::panel::{Block, PanelError, View, ViewKind},
    host::Host,
    ingest::Accepted,
    store::{Error, Position, keys, survivor},
};

/// Panels that are drawn at once, of all stores: the sandbox's places are for deliveries first.
static PLACES: Semaphore = Semaphore::const_new(8);

/// How long a page waits for what was asked on it to be decided. Most is within milliseconds.
const DECIDED_WITHIN: Duration = Duration::from_secs(2);

/// A customer of a store who looks, as somebody has shown who may.
#[derive(Debug)]
pub struct Viewer<'a> {
    pub entry: &'a StoreEntry,
    pub customer: CustomerId,
    /// IETF language tag that was asked for; else the customer's, else the store's.
    pub locale: Option<String>,
}

impl Viewer<'_> {
    /// What is looked at; none where the host does not know the customer, or no longer.
    pub fn view(self, host: &Host) -> Result<Option<View>, Error> {
        let mut transaction = host.pipeline.transaction();
        let store = self.entry.id();
        let known = transaction.get::<Customer>(&keys::customer(store, &self.customer))?;
        let Some(known) = known.filter(|known| !known.deleted || known.merged_into.is_some()) else { return Ok(None) };
        let id = survivor(&mut transaction, store, known.id)?;
        let asked = self.locale.or(known.locale).filter(|tag| is_tag(tag));
        let locale = asked.unwrap_or_else(|| self.entry.record.locale.clone());
        Ok(Some(View { kind: ViewKind::Panel, customer: Some(id), locale }))
    }
}

/// One plugin's part.
#[derive(Debug)]
pub struct Drawn {
    pub plugin: PluginName,
    /// As merchants know the plugin.
    pub title: String,
    pub blocks: Result<Vec<Block>, PanelError>,
}

/// Draws every plugin of a store that shows something, in order of their names.
pub async fn draw_all(host: &Arc<Host>, entry: &Arc<StoreEntry>, view: View) -> Vec<Drawn> {
    draw(host, entry, view, |_| true).await
}

/// Draws one plugin; none if it shows nothing or is not switched on.
pub async fn draw_one(host: &Arc<Host>, entry: &Arc<StoreEntry>, view: View, plugin: PluginName) -> Option<Drawn> {
    draw(host, entry, view, move |enabled| *enabled.name() == plugin).await.pop()
}

async fn draw(
    host: &Arc<Host>,
    entry: &Arc<StoreEntry>,
    view: View,
    wanted: impl Fn(&Enabled) -> bool + Send + 'static,
) -> Vec<Drawn> {
    let _place = PLACES.acquire().await.expect("nobody closes it");
    let (host, entry) = (Arc::clone(host), Arc::clone(entry));
    // Plugins compute: a thread that answers requests has no time for that.
    let drawing = tokio::task::spawn_blocking(move || {
        let shown = entry.enabled.iter().filter(|enabled| enabled.installed.plugin.has_panel() && wanted(enabled));
        shown.map(|enabled| draw_plugin(&host, &entry, enabled, &view)).collect()
    });
    drawing.await.unwrap_or_else(|panicked| std::panic::resume_unwind(panicked.into_panic()))
}

fn draw_plugin(host: &Host, entry: &StoreEntry, enabled: &Enabled, view: &View) -> Drawn {
    let contexts = (Arc::clone(&entry.context), Arc::clone(&enabled.context));
    let (engine, transaction) = (&host.pipeline.engine, host.pipeline.transaction());
    let blocks = engine.render(&enabled.installed.plugin, contexts, view, host.clock.now(), transaction);
    if let Err(error) = &blocks {
        let (store, plugin) = (entry.id(), enabled.name());
        tracing::warn!(%store, %plugin, "the panel of {plugin} cannot be shown");
        tracing::debug!(%store, %plugin, %error, "the panel of {plugin} cannot be shown: {error}");
    }
    Drawn { plugin: enabled.name().clone(), title: enabled.installed.package.manifest.title.clone(), blocks }
}

/// Waits until what was asked is decided, but not for long: the page that is shown then should know.
pub async fn decided(host: &Host, accepted: Accepted) {
    if let Accepted::Kept(position) = accepted
        && let Some(reached) = host.reached.get()
    {
        let mut reached = reached.clone();
        let applied = reached.wait_for(|next: &Position| *next > position);
        let _ = tokio::time::timeout(DECIDED_WITHIN, applied).await;
    }
}
