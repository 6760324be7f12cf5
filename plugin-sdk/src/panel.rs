//! What shoppers see of a plugin: blocks that the host draws, as JSON and as HTML.
//!
//! ```
//! use regulars_sdk::{Context, Failure, panel::{Block, View}};
//!
//! fn render(view: &View, cx: &mut Context) -> Result<Vec<Block>, Failure> {
//!     let Some(customer) = &view.customer_id else { return Ok(Vec::new()) };
//!     let visits: u32 = cx.state().get(customer)?.unwrap_or(0);
//!     Ok(vec![Block::figure("Visits", visits.to_string())])
//! }
//! # let _ = render;
//! ```

/// Who looks, and at what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// `panel` for a signed-in customer's own page, `link` for the page of a link that a customer has shared.
    pub kind: String,
    /// The customer who looks; none in the page of a link, whose visitor is not known.
    pub customer_id: Option<String>,
    /// IETF language tag of whoever looks.
    pub locale: String,
    /// The link's name, in its page.
    pub link: Option<String>,
}

/// Asks for an action of the plugin: it arrives as `shopper.action`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    /// The action's name.
    pub action: String,
    /// What stands on it.
    pub label: String,
    /// Goes with the action, as do the fields of the block.
    pub input: Vec<(String, String)>,
}

impl Button {
    /// A button that sends nothing but its action.
    pub fn new(action: impl Into<String>, label: impl Into<String>) -> Self {
        Self { action: action.into(), label: label.into(), input: Vec::new() }
    }

    /// Sends this with the action.
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.input.push((name.into(), value.into()));
        self
    }
}

/// One line of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What it is.
    pub title: String,
    /// What stands beside it, such as an amount or a date.
    pub value: String,
    /// A second line.
    pub detail: String,
    /// What can be done with it.
    pub button: Option<Button>,
}

impl Row {
    /// A line of a title and what stands beside it.
    pub fn new(title: impl Into<String>, value: impl Into<String>) -> Self {
        Self { title: title.into(), value: value.into(), detail: String::new(), button: None }
    }

    /// With a second line.
    pub fn detail(self, text: impl Into<String>) -> Self {
        Self { detail: text.into(), ..self }
    }

    /// With a button.
    pub fn button(self, button: Button) -> Self {
        Self { button: Some(button), ..self }
    }
}

/// A field of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The input's name.
    pub name: String,
    /// What stands beside it.
    pub label: String,
    /// `text`, `number`, `date`, `day-month`, `email` or `choice`.
    pub kind: String,
    /// What it holds at first.
    pub value: String,
    /// Values and labels of a choice.
    pub choices: Vec<(String, String)>,
    /// It has to be filled in.
    pub required: bool,
}

impl Field {
    /// An empty field that has to be filled in.
    pub fn new(name: impl Into<String>, label: impl Into<String>, kind: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            label: label.into(),
            kind: kind.into(),
            value: String::new(),
            choices: Vec::new(),
            required: true,
        }
    }

    /// What it holds at first.
    pub fn value(self, value: impl Into<String>) -> Self {
        Self { value: value.into(), ..self }
    }

    /// Something to choose.
    pub fn choice(mut self, value: impl Into<String>, label: impl Into<String>) -> Self {
        self.choices.push((value.into(), label.into()));
        self
    }

    /// It may stay empty.
    pub fn optional(self) -> Self {
        Self { required: false, ..self }
    }
}

/// One piece of a panel. Which parts count, its kind decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    /// `heading`, `text`, `figure`, `progress`, `list`, `code`, `link` or `form`.
    pub kind: String,
    /// A heading's text, a figure's name, a list's or form's title.
    pub title: String,
    /// A text, or what explains the rest.
    pub text: String,
    /// A figure's value, the code, the link's address.
    pub value: String,
    /// How much of `of` is done.
    pub done: u64,
    /// What there is to do.
    pub of: u64,
    /// A list's lines.
    pub rows: Vec<Row>,
    /// A form's fields.
    pub fields: Vec<Field>,
    /// A form's button.
    pub button: Option<Button>,
}

impl Block {
    fn of_kind(kind: &str, title: impl Into<String>) -> Self {
        Self { kind: kind.into(), title: title.into(), ..Self::default() }
    }

    /// A heading.
    pub fn heading(title: impl Into<String>) -> Self {
        Self::of_kind("heading", title)
    }

    /// A paragraph.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::of_kind("text", "") }
    }

    /// A value that matters, and what it is.
    pub fn figure(title: impl Into<String>, value: impl Into<String>) -> Self {
        Self { value: value.into(), ..Self::of_kind("figure", title) }
    }

    /// How far something has come.
    pub fn progress(title: impl Into<String>, done: u64, of: u64) -> Self {
        Self { done, of, ..Self::of_kind("progress", title) }
    }

    /// Lines of one kind.
    pub fn list(title: impl Into<String>, rows: Vec<Row>) -> Self {
        Self { rows, ..Self::of_kind("list", title) }
    }

    /// A code to be copied.
    pub fn code(title: impl Into<String>, code: impl Into<String>) -> Self {
        Self { value: code.into(), ..Self::of_kind("code", title) }
    }

    /// A link to be shared.
    pub fn link(title: impl Into<String>, url: impl Into<String>) -> Self {
        Self { value: url.into(), ..Self::of_kind("link", title) }
    }

    /// Fields with a button.
    pub fn form(title: impl Into<String>, fields: Vec<Field>, button: Button) -> Self {
        Self { fields, button: Some(button), ..Self::of_kind("form", title) }
    }

    /// With a text that explains it.
    pub fn explained(self, text: impl Into<String>) -> Self {
        Self { text: text.into(), ..self }
    }
}
