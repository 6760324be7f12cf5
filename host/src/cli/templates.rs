//! `plugin template`: a plugin's mails in a store, and what the merchant puts in their place.

use std::{io::Write as _, path::PathBuf};

use axum::http::Method;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::{
    Listing, Result,
    client::{Client, segment},
    print,
    stores::path,
};

#[derive(Subcommand)]
pub enum Command {
    /// Lists a plugin's mails, their languages, and what is changed of them.
    List {
        /// The store's permanent domain.
        store: String,
        plugin: String,
        #[command(flatten)]
        listing: Listing,
    },
    /// Shows a mail in one language: the plugin's own, and what is changed of it.
    Show(Mail),
    /// Puts your words in place of the plugin's: a JSON object with `texts` by name, `mjml` or `text`. They outlast
    /// upgrades of the plugin, and give way to its own only where they do not fit it any more.
    #[command(after_help = "Example, with {\"texts\": {\"subject\": \"Tea time\"}} in tea.json:

  regulars plugin template set fern.myshopify.com loyalty-points earned en --from tea.json")]
    Set {
        #[command(flatten)]
        mail: Mail,
        /// The file with the change.
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
    },
    /// Brings back the plugin's own.
    Reset(Mail),
    /// Writes a mail as customers get it, with sample values, as HTML.
    Preview {
        #[command(flatten)]
        mail: Mail,
        /// As marketing, with the ways out of it.
        #[arg(long)]
        marketing: bool,
        /// The plain-text twin instead.
        #[arg(long)]
        text: bool,
    },
}

/// Names one mail in one language.
#[derive(Args)]
pub struct Mail {
    /// The store's permanent domain.
    store: String,
    plugin: String,
    /// The mail's name in the plugin's manifest.
    template: String,
    /// The language, such as `de`.
    locale: String,
}

impl Mail {
    fn path(&self) -> String {
        let Self { store, plugin, template, locale } = self;
        format!("{}/{}/{}", list_path(store, plugin), segment(template), segment(locale))
    }
}

fn list_path(store: &str, plugin: &str) -> String {
    format!("{}/plugins/{}/templates", path(store), segment(plugin))
}

pub async fn run(client: &Client, command: Command) -> Result {
    match command {
        Command::List { store, plugin, listing } => {
            let columns = [
                ("TEMPLATE", "/template"),
                ("LANGUAGES", "/locales"),
                ("CHANGED IN", "/changes/0/locale"),
                ("BECAUSE", "/changes/0/warning"),
            ];
            print::list(listing, &client.get(&list_path(&store, &plugin)).await?, &columns);
        }
        Command::Show(mail) => print::json(&client.get(&mail.path()).await?),
        Command::Set { mail, from } => {
            let text = std::fs::read_to_string(&from).map_err(|error| format!("{}: {error}", from.display()))?;
            let change: Value =
                serde_json::from_str(&text).map_err(|error| format!("{} is not JSON: {error}", from.display()))?;
            let saved = client.send(Method::PUT, &mail.path(), &change).await?;
            println!("saved as version {}", saved["version"]);
        }
        Command::Reset(mail) => {
            client.send(Method::DELETE, &mail.path(), &Value::Null).await?;
            println!("the plugin's own `{}` is sent in `{}` again", mail.template, mail.locale);
        }
        Command::Preview { mail, marketing, text } => {
            let query = format!("{}/preview?marketing={marketing}&text={text}", mail.path());
            client.stream(&query, |chunk| std::io::stdout().write_all(chunk)).await?;
        }
    }
    Ok(())
}
