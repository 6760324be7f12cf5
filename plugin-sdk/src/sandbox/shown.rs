//! The exported panel: the bindings of an interface that a plugin may do without.

wit_bindgen::generate!({
    path: "wit/v0",
    world: "shown",
    pub_export_macro: true,
});

pub use exports::regulars::plugin::panel::{Block, Guest, View};
use exports::regulars::plugin::panel::{Button, Field, Row};

use crate::{Context, panel};

/// Draws the panel.
pub fn run(
    view: View,
    render: fn(&panel::View, &mut Context) -> crate::Result<Vec<panel::Block>>,
) -> Result<Vec<Block>, String> {
    let view = panel::View { kind: view.kind, customer_id: view.customer_id, locale: view.locale, link: view.link };
    let blocks = render(&view, &mut Context::new()).map_err(|failure| failure.to_string())?;
    Ok(blocks.into_iter().map(block_out).collect())
}

fn block_out(it: panel::Block) -> Block {
    Block {
        kind: it.kind,
        title: it.title,
        text: it.text,
        value: it.value,
        done: it.done,
        of: it.of,
        rows: it.rows.into_iter().map(row_out).collect(),
        fields: it.fields.into_iter().map(field_out).collect(),
        button: it.button.map(button_out),
    }
}

fn row_out(it: panel::Row) -> Row {
    Row { title: it.title, value: it.value, detail: it.detail, button: it.button.map(button_out) }
}

fn field_out(it: panel::Field) -> Field {
    Field { name: it.name, label: it.label, kind: it.kind, value: it.value, choices: it.choices, required: it.required }
}

fn button_out(it: panel::Button) -> Button {
    Button { action: it.action, label: it.label, input: it.input }
}
