//! What a plugin shows to shoppers: the optional export `panel`, called as a delivery is, on a transaction that is thrown
//! away.
//!
//! A rendering is no event. What a plugin could read of one is empty, and random numbers are the same at every rendering.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use wasmtime::component::{Component, InstancePre};

#[cfg(test)]
mod tests;

use self::bindings::exports::regulars::plugin::panel as wit;
use super::{Engine, Error, Failure, Input, Plugin, PluginContext, StoreContext, delivery::Delivery, limits, shorten};
use crate::{
    domain::{Change, CustomerId, Event, EventId, Origin, ReadEvent, Timestamp, Topic},
    store::{StateUsage, Transaction},
};

/// What `wasmtime` generates from the world that has nothing but the panel.
mod bindings {
    wasmtime::component::bindgen!({
        path: "../plugin-sdk/wit/v0",
        world: "shown",
    });
}

/// The export's name.
const INTERFACE: &str = "regulars:plugin/panel@0.1.0";

/// Names a rendering where an event has its id.
const RENDERING: &str = "panel";

/// A component's panel, its imports resolved.
pub(super) type Shown = bindings::ShownPre<Delivery>;

/// Who looks, and at what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    pub kind: ViewKind,
    /// Who is signed in.
    pub customer: Option<CustomerId>,
    /// IETF language tag of whoever looks.
    pub locale: String,
}

/// Where a panel is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ViewKind {
    /// On a signed-in customer's own page.
    Panel,
    /// On the page of the link of this name, for whoever follows it.
    Link(String),
}

/// One piece of a panel. Which of the parts count, its kind decides; the others are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Block {
    /// `heading`, `text`, `figure`, `progress`, `list`, `code`, `link` or `form`: an open set.
    pub kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub title: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Progress>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<Row>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub button: Option<Button>,
}

/// How far something has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Progress {
    pub done: u64,
    pub of: u64,
}

/// One line of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Row {
    pub title: String,
    /// What stands beside it.
    pub value: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub detail: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub button: Option<Button>,
}

/// Asks for an action of the plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Button {
    pub action: String,
    pub label: String,
    /// Goes with the action, as do the fields of the block.
    pub input: Vec<(String, String)>,
}

/// A field of a form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Field {
    pub name: String,
    pub label: String,
    /// `text`, `number`, `date`, `day-month`, `email` or `choice`: an open set.
    pub kind: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value: String,
    /// Values and labels of a choice.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<(String, String)>,
    pub required: bool,
}

/// Why a plugin's panel cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum PanelError {
    #[error("the plugin shows nothing to shoppers")]
    None,
    /// The plugin's own reason.
    #[error("the plugin cannot draw its panel: {0}")]
    Refused(String),
    #[error("the plugin's panel has more than {} bytes of text", limits::PANEL_BYTES)]
    TooLarge,
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// The panel of a component that exports one.
pub(super) fn of(component: &Component, pre: &InstancePre<Delivery>) -> Result<Option<Shown>, Error> {
    if component.get_export_index(None, INTERFACE).is_none() {
        return Ok(None);
    }
    let shown = bindings::ShownPre::new(pre.clone());
    shown.map(Some).map_err(|error| Error::Link(format!("{error:#}")))
}

impl Plugin {
    /// Whether it shows anything to shoppers.
    pub fn has_panel(&self) -> bool {
        self.shown.is_some()
    }
}

impl Engine {
    /// Draws a plugin's panel from what `transaction` reads, within the limits of a delivery. Nothing that the plugin
    /// writes or queues meanwhile is kept.
    pub fn render(
        &self,
        plugin: &Plugin,
        (store, context): (Arc<StoreContext>, Arc<PluginContext>),
        view: &View,
        now: Timestamp,
        transaction: Transaction,
    ) -> Result<Vec<Block>, PanelError> {
        let shown = plugin.shown.as_ref().ok_or(PanelError::None)?;
        let input = input(store, context, view, now);
        let mut store = self.store_for(Delivery::new(input, transaction));
        let called = shown
            .instantiate(&mut store)
            .and_then(|instance| instance.regulars_plugin_panel().call_render(&mut store, &view.into()));
        match called {
            Ok(Ok(blocks)) if bytes_of(&blocks) > limits::PANEL_BYTES => Err(PanelError::TooLarge),
            Ok(Ok(blocks)) => Ok(blocks.into_iter().map(Into::into).collect()),
            Ok(Err(reason)) => Err(PanelError::Refused(shorten(reason))),
            Err(error) => Err(store.into_data().failure_of(&error, self.fuel).into()),
        }
    }
}

/// A rendering where a delivery has its event.
fn input(store: Arc<StoreContext>, plugin: Arc<PluginContext>, view: &View, now: Timestamp) -> Input {
    let event = Event {
        id: EventId::from(RENDERING),
        store: store.id,
        // Of all origins the one that no accessor tells anything of.
        origin: Origin::SettingsPublished { plugin: plugin.name.clone(), version: plugin.settings_version },
        occurred_at: now,
        received_at: now,
        body: Bytes::from_static(b"null"),
    };
    Input {
        store,
        plugin,
        event: Arc::new(event),
        read: Arc::new(ReadEvent { topic: Topic::from("panel.rendered".to_owned()), change: Change::None }),
        customer: view.customer.clone(),
        order: None,
        attempt: 1,
        // What is written is thrown away, so that its size does not matter.
        usage: StateUsage::default(),
    }
}

/// Bytes of all texts of a panel.
fn bytes_of(blocks: &[wit::Block]) -> usize {
    let button = |button: &wit::Button| {
        let input: usize = button.input.iter().map(|(name, value)| name.len() + value.len()).sum();
        button.action.len() + button.label.len() + input
    };
    let row =
        |row: &wit::Row| row.title.len() + row.value.len() + row.detail.len() + row.button.as_ref().map_or(0, button);
    let field = |field: &wit::Field| {
        let choices: usize = field.choices.iter().map(|(value, label)| value.len() + label.len()).sum();
        field.name.len() + field.label.len() + field.kind.len() + field.value.len() + choices
    };
    let block = |block: &wit::Block| {
        let own = block.kind.len() + block.title.len() + block.text.len() + block.value.len();
        let rows: usize = block.rows.iter().map(row).sum();
        let fields: usize = block.fields.iter().map(field).sum();
        own + rows + fields + block.button.as_ref().map_or(0, button)
    };
    // A block, row or field without texts takes room as well.
    let pieces = |block: &wit::Block| 1 + block.rows.len() + block.fields.len();
    blocks.iter().map(|it| block(it) + PIECE_BYTES * pieces(it)).sum()
}

/// What a block, a row or a field counts for besides its texts.
const PIECE_BYTES: usize = 64;

impl From<&View> for wit::View {
    fn from(view: &View) -> Self {
        let (kind, link) = match &view.kind {
            ViewKind::Panel => ("panel", None),
            ViewKind::Link(name) => ("link", Some(name.clone())),
        };
        let customer_id = view.customer.as_ref().map(ToString::to_string);
        Self { kind: kind.into(), customer_id, locale: view.locale.clone(), link }
    }
}

impl From<wit::Block> for Block {
    fn from(block: wit::Block) -> Self {
        let progress = (block.kind == "progress").then_some(Progress { done: block.done, of: block.of });
        Self {
            kind: block.kind,
            title: block.title,
            text: block.text,
            value: block.value,
            progress,
            rows: block.rows.into_iter().map(Into::into).collect(),
            fields: block.fields.into_iter().map(Into::into).collect(),
            button: block.button.map(Into::into),
        }
    }
}

impl From<wit::Row> for Row {
    fn from(row: wit::Row) -> Self {
        Self { title: row.title, value: row.value, detail: row.detail, button: row.button.map(Into::into) }
    }
}

impl From<wit::Button> for Button {
    fn from(button: wit::Button) -> Self {
        Self { action: button.action, label: button.label, input: button.input }
    }
}

impl From<wit::Field> for Field {
    fn from(field: wit::Field) -> Self {
        Self {
            name: field.name,
            label: field.label,
            kind: field.kind,
            value: field.value,
            choices: field.choices,
            required: field.required,
        }
    }
}
