//! `store`: the shops that are served.

use std::path::PathBuf;

use axum::http::Method;
use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::{
    Listing, Result,
    client::{Client, segment},
    history, print,
    privacy::{self, Erase},
    read_secret,
};
use crate::domain::Platform;

#[derive(Subcommand)]
pub enum Command {
    /// Adds a store. Secrets come from files or the environment, so that no history keeps them.
    #[command(after_help = "Example:

  regulars store add fern.myshopify.com --currency EUR --time-zone Europe/Berlin \\
      --secret-file app-secret.txt --token-file admin-token.txt
  regulars store add shop.example.com --platform magento --currency EUR --secret-file module-secret.txt")]
    Add(Add),
    /// Lists the stores.
    List(Listing),
    /// Changes a store: its name, its secrets during a rotation, its access token.
    #[command(after_help = "A rotation of the webhook secret:

  regulars store update fern.myshopify.com --secret-file new.txt                      # both are accepted
  regulars store update fern.myshopify.com --secret-file new.txt --drop-old-secrets   # only the new one is")]
    Update(Update),
    /// Reads what has changed in a store and makes up for webhooks that never came; waits until it is done.
    #[command(after_help = "Runs by itself every quarter of an hour where the store has an access token. Example:

  regulars store reconcile fern.myshopify.com --since 2026-11-01T00:00:00Z")]
    Reconcile {
        /// The store's permanent domain.
        store: String,
        /// Changes since this moment, RFC 3339; since the last run if it is left out.
        #[arg(long, value_name = "TIME")]
        since: Option<jiff::Timestamp>,
        /// Shows the last run instead of beginning one.
        #[arg(long, conflicts_with = "since")]
        last: bool,
        /// Prints JSON.
        #[arg(long)]
        json: bool,
    },
    /// Shows what is known of a store from before it was added, and what is missing; reads or counts it anew.
    #[command(after_help = "Read by itself once a store has been added, and counted every night. Example:

  regulars store history fern.myshopify.com
  regulars store history fern.myshopify.com --again")]
    History(history::Ask),
    /// Deletes a store with all that is kept of it, for good.
    #[command(after_help = "Example:

  regulars store erase fern.myshopify.com --dry-run
  regulars store erase fern.myshopify.com --confirm fern.myshopify.com")]
    Erase(Erase),
    /// Says by what Adobe's services are believed that tell of a Magento store.
    #[command(after_help = "Example:

  regulars store adobe shop.example.com --client-id 0a1b2c3d --webhook-key-file webhooks.pem")]
    Adobe {
        /// The store's host name.
        store: String,
        /// The client id of the store's project in Adobe's Developer Console, which its I/O events name.
        #[arg(long, value_name = "ID")]
        client_id: Option<String>,
        /// A file with the public key of its Commerce webhooks, in PEM (`-`: standard input).
        #[arg(long, value_name = "FILE")]
        webhook_key_file: Option<PathBuf>,
    },
    /// Connects a shop that its merchant has to agree to: prints what to enter in the shop's admin.
    #[command(after_help = "Example:

  regulars store connect magento https://shop.example.com

A Magento shop takes Regulars as an integration, which its merchant activates within an hour. A store that is not there yet is
added then, with the currency, the time zone and the language that the shop says it has.")]
    Connect {
        /// What the shop runs on: `magento`; Shopify's shops install the app by themselves.
        platform: Platform,
        /// The shop's address, as its base URL says it.
        url: String,
        /// A file with the secret that the shop's module signs with (`-`: standard input); else one is made up for a new store.
        #[arg(long, value_name = "FILE")]
        secret_file: Option<PathBuf>,
        /// Base URL of the shop's API, where it is not the shop's own.
        #[arg(long, value_name = "URL")]
        api_url: Option<String>,
    },
    /// Takes no more events of a store. Its data stays, and comes back if it is added again.
    Remove {
        /// The store's permanent domain.
        store: String,
    },
}

#[derive(Args)]
pub struct Add {
    /// The store's permanent domain, such as `fern.myshopify.com`; a Magento store's host name.
    store: String,
    /// What the shop runs on: `shopify` or `magento`.
    #[arg(long, default_value = "shopify")]
    platform: Platform,
    /// The shop's currency, an ISO 4217 code.
    #[arg(long)]
    currency: String,
    #[command(flatten)]
    more: More,
}

#[derive(Args)]
pub struct Update {
    /// The store's permanent domain.
    store: String,
    /// Accepts only the secrets that this call adds.
    #[arg(long)]
    drop_old_secrets: bool,
    /// What plugins see of people, by Shopify's levels of protected customer data: 1 is no name, address, telephone number
    /// or e-mail address; 2 is what platforms send.
    #[arg(long, value_name = "LEVEL", value_parser = clap::value_parser!(u8).range(1..=2))]
    protected_data: Option<u8>,
    #[command(flatten)]
    more: More,
}

#[derive(Args)]
struct More {
    /// The shop's name as shoppers read it.
    #[arg(long)]
    name: Option<String>,
    /// Where shoppers find it.
    #[arg(long)]
    url: Option<String>,
    /// IANA time zone name, such as `Europe/Berlin`.
    #[arg(long)]
    time_zone: Option<String>,
    /// Language of the shop, such as `en`.
    #[arg(long)]
    locale: Option<String>,
    /// A file with a webhook secret (`-`: standard input); several during a rotation.
    #[arg(long, value_name = "FILE")]
    secret_file: Vec<PathBuf>,
    /// A webhook secret, best given by the environment.
    #[arg(long, env = "REGULARS_STORE_SECRET", hide_env_values = true)]
    secret: Option<String>,
    /// A file with the Admin API's access token (`-`: standard input).
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// The Admin API's access token, best given by the environment.
    #[arg(long, env = "REGULARS_STORE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Base URL of the platform's API, where it is not the domain's own.
    #[arg(long, value_name = "URL")]
    api_url: Option<String>,
}

impl More {
    fn body(self) -> Result<Map<String, Value>> {
        let mut secrets = self.secret_file.iter().map(|file| read_secret(file)).collect::<Result<Vec<_>>>()?;
        secrets.extend(self.secret);
        let token = match self.token_file {
            Some(file) => Some(read_secret(&file)?),
            None => self.token,
        };
        let fields = [
            ("name", self.name),
            ("url", self.url),
            ("time_zone", self.time_zone),
            ("locale", self.locale),
            ("access_token", token),
            ("api_url", self.api_url),
        ];
        let mut body: Map<_, _> =
            fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?)))).collect();
        body.insert("secrets".into(), json!(secrets));
        Ok(body)
    }
}

pub async fn run(client: &Client, command: Command) -> Result {
    match command {
        Command::Add(add) => {
            let mut body = add.more.body()?;
            body.insert("platform".into(), json!(add.platform));
            body.insert("domain".into(), json!(add.store));
            body.insert("currency".into(), json!(add.currency));
            client.send(Method::POST, "/stores", &Value::Object(body)).await?;
            println!("added {}", add.store);
        }
        Command::Update(update) => {
            let mut body = update.more.body()?;
            body.insert("drop_old_secrets".into(), json!(update.drop_old_secrets));
            if let Some(level) = update.protected_data {
                body.insert("protected_data".into(), json!(level));
            }
            client.send(Method::PATCH, &path(&update.store), &Value::Object(body)).await?;
            println!("updated {}", update.store);
        }
        Command::History(ask) => history::run(client, ask).await?,
        Command::Erase(erase) => privacy::erase(client, erase).await?,
        Command::Adobe { store, client_id, webhook_key_file } => {
            let webhook_key = webhook_key_file.map(|file| read_secret(&file)).transpose()?;
            let body = json!({ "client_id": client_id, "webhook_key": webhook_key });
            client.send(Method::PATCH, &format!("{}/adobe", path(&store)), &body).await?;
            println!("updated {store}");
        }
        Command::Connect { platform: Platform::Shopify, .. } => {
            return Err("a Shopify shop is connected when its merchant opens the app in the shop's admin".into());
        }
        Command::Connect { platform: Platform::Magento, url, secret_file, api_url } => {
            let secret = secret_file.map(|file| read_secret(&file)).transpose()?;
            let body = json!({ "url": url, "api_url": api_url, "secret": secret });
            print_connection(&client.send(Method::POST, "/magento/connections", &body).await?);
        }
        Command::Remove { store } => {
            client.send(Method::DELETE, &path(&store), &Value::Null).await?;
            println!("removed {store}; its data stays");
        }
        Command::Reconcile { store, since, last, json } => {
            let address = format!("{}/reconciliation", path(&store));
            let state = match last {
                true => client.get(&address).await?,
                false => reconcile(client, &address, since).await?,
            };
            match json {
                true => println!("{state:#}"),
                false => print_reconciled(&store, &state),
            }
            // To have been shown a run that failed is no failure.
            if let (false, Some(error)) = (last, state["latest"]["error"].as_str()) {
                return Err(format!("the run ended early: {error}").into());
            }
        }
        Command::List(listing) => {
            let columns = [
                ("STORE", "/domain"),
                ("PLATFORM", "/platform"),
                ("CURRENCY", "/currency"),
                ("TIME ZONE", "/time_zone"),
                ("PLUGINS", "/plugins"),
            ];
            print::list(listing, &client.get("/stores").await?, &columns);
        }
    }
    Ok(())
}

fn print_connection(begun: &Value) {
    let text = |field: &str| begun[field].as_str().unwrap_or_default();
    let until = begun["expires_at"].as_i64().and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    println!("In the admin of {}, System > Extensions > Integrations > Add New Integration:", text("store"));
    println!("  Callback URL       {}", text("callback_url"));
    println!("  Identity link URL  {}", text("identity_url"));
    println!("  API                Sales, Customers, Marketing > Cart Price Rules, Stores > Settings > All Stores");
    println!("Save it, and activate it before {}.", until.map_or_else(String::new, |until| until.to_string()));
    println!("Then, for its module, Stores > Configuration > Customers > Regulars:");
    println!("  Address            {}", text("address"));
    println!("  Store              {}", text("store"));
    match begun["secret"].as_str() {
        Some(secret) => println!("  Secret             {secret} (shown this once)"),
        None => println!("  Secret             the one that was given"),
    }
}

/// A store's address in the API.
pub fn path(store: &str) -> String {
    format!("/stores/{}", segment(store))
}

/// How often a run's progress is asked for.
const PROGRESS: std::time::Duration = std::time::Duration::from_millis(500);

/// Has a store reconciled, and waits until it is: what the API then says of it.
async fn reconcile(client: &Client, address: &str, since: Option<jiff::Timestamp>) -> Result<Value> {
    let before = client.get(address).await?;
    let body = match since {
        Some(since) => json!({ "since": since.as_millisecond() }),
        None => json!({}),
    };
    client.send(Method::POST, address, &body).await?;
    let after = wait_until_reconciled(client, address).await?;
    // A run that the host's own store cuts off is not kept: the latest is still the one before.
    match after["latest"]["started_at"] == before["latest"]["started_at"] {
        true => Err("the run was cut off; the host's log says why".into()),
        false => Ok(after),
    }
}

/// Waits for a run to end, and says on standard error how far it is.
async fn wait_until_reconciled(client: &Client, address: &str) -> Result<Value> {
    let mut told = 0;
    loop {
        let state = client.get(address).await?;
        let running = &state["running"];
        if state["waiting"] != true && running.is_null() {
            return Ok(state);
        }
        let looked_at = running["looked_at"].as_u64().unwrap_or(0);
        if looked_at > told {
            told = looked_at;
            eprintln!("{looked_at} looked at, {} repaired", running["repaired"]);
        }
        tokio::time::sleep(PROGRESS).await;
    }
}

fn print_reconciled(store: &str, state: &Value) {
    let run = &state["latest"];
    if run.is_null() {
        println!("{store} has not been reconciled yet");
        return;
    }
    let time = |field: &str| {
        let at = run[field].as_i64().and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
        at.map_or_else(String::new, |at| at.to_string())
    };
    match (run["pages"].as_u64(), run["error"].as_str()) {
        (None | Some(0), _) => println!("{store}: nothing was read"),
        (_, None) => println!("{store}: {} to {}", time("from"), time("to")),
        (_, Some(_)) => println!("{store}: from {} on, and not as far as {}", time("from"), time("to")),
    }
    println!("looked at   {} in {} pages", run["looked_at"], run["pages"]);
    println!("repaired    {}, which no webhook had told ({} ever)", run["repaired"], state["repaired_ever"]);
    println!("duplicates  {} ignored: webhooks had told them", run["duplicates"]);
    let seconds = |field: &str| run[field].as_u64().unwrap_or(0) / 1000;
    println!("late by     {} s at most, {} s in the median", seconds("late_max_ms"), seconds("late_median_ms"));
    match run["error"].as_str() {
        Some(error) => println!("The run ended early: {error}"),
        None if state["more"] == true => println!("There is more to read: the next run goes on at once."),
        None => {}
    }
}
