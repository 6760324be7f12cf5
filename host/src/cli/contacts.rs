//! `mail`: addresses that are not written to, reports on mails that came back, and what stands in every mail.

use axum::http::Method;
use clap::Subcommand;
use serde_json::{Value, json};

use super::{
    Listing, Result,
    client::{Client, segment},
    print,
    stores::path,
};

#[derive(Subcommand)]
pub enum Command {
    /// Takes a report in: a mail that came back (RFC 3464), or a complaint (RFC 5965).
    #[command(after_help = "Reads the report from standard input, as a mail server hands it to a program:

  regulars mail report < message.eml")]
    Report,
    /// Lists addresses that are not written to, the latest first.
    Suppressions {
        /// The store's permanent domain.
        store: String,
        /// How many at most (1 to 1,000).
        #[arg(long, default_value_t = 50)]
        limit: usize,
        #[command(flatten)]
        listing: Listing,
    },
    /// Writes to a suppressed address again. Who has unsubscribed stays so.
    Lift {
        /// The store's permanent domain.
        store: String,
        /// The e-mail address, or its name in `mail suppressions`.
        contact: String,
    },
    /// Shows what was sent to an address, and what its reader wants.
    Contact {
        /// The store's permanent domain.
        store: String,
        /// The e-mail address, or its name in `mail suppressions`.
        contact: String,
    },
    /// Shows what stands in each of a store's mails, or sets it.
    Letterhead {
        /// The store's permanent domain.
        store: String,
        /// The shop's postal address; empty for none.
        #[arg(long)]
        postal_address: Option<String>,
    },
}

pub async fn run(client: &Client, command: Command) -> Result {
    match command {
        Command::Report => {
            let mut mail = Vec::new();
            std::io::Read::read_to_end(&mut std::io::stdin(), &mut mail)?;
            let taken = client.upload("/mail/reports", mail).await?;
            println!("{}: {}", text(&taken["status"]), text(&taken["detail"]));
        }
        Command::Suppressions { store, limit, listing } => {
            let columns = [
                ("CONTACT", "/contact"),
                ("CUSTOMER", "/customer"),
                ("CAUSE", "/cause"),
                ("SINCE", "/since_at"),
                ("TOLD", "/detail"),
            ];
            let listed = client.get(&format!("{}/suppressions?limit={limit}", path(&store))).await?;
            print::list(listing, &listed, &columns);
        }
        Command::Lift { store, contact } => {
            let address = format!("{}/suppressions/{}", path(&store), segment(&contact));
            client.send(Method::DELETE, &address, &Value::Null).await?;
            println!("{contact} is written to again");
        }
        Command::Contact { store, contact } => {
            print::json(&client.get(&format!("{}/contacts/{}", path(&store), segment(&contact))).await?);
        }
        Command::Letterhead { store, postal_address } => {
            let address = format!("{}/letterhead", path(&store));
            let letterhead = match postal_address {
                None => client.get(&address).await?,
                Some(postal) => client.send(Method::PUT, &address, &json!({ "postal_address": postal })).await?,
            };
            print::json(&letterhead);
        }
    }
    Ok(())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
