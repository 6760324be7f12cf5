//! `plugin`: build, check, install, switch on, set.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use axum::http::Method;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    Listing, Result, budgets,
    client::{Client, segment},
    decided, import, print,
    stores::path,
    templates,
};
use crate::{
    catalog::{build as builder, package, templates::Locale},
    domain::Capability,
    engine::{Engine, limits},
};

#[derive(Subcommand)]
pub enum Command {
    /// Compiles a plugin and packs it with its manifest and templates into one file.
    #[command(after_help = "Example:

  regulars plugin build plugins/loyalty-points")]
    Build(Build),
    /// Says whether a plugin file would be installed, and how it stands against the limits.
    Check(Check),
    /// Installs a plugin file, or a new version of an installed plugin.
    Install {
        /// What `plugin build` wrote.
        file: PathBuf,
    },
    /// Lists the installed plugins; with a store, those that are switched on in it.
    List {
        /// The store's permanent domain.
        store: Option<String>,
        #[command(flatten)]
        listing: Listing,
    },
    /// Switches a plugin on in a store and grants it what it asks for.
    #[command(after_help = "Example:

  regulars plugin enable fern.myshopify.com loyalty-points --grant mail --grant discounts")]
    Enable(Enable),
    /// Switches a plugin off in a store. Its state and settings stay.
    Disable {
        /// The store's permanent domain.
        store: String,
        plugin: String,
    },
    /// Lets a plugin go on that was paused because it failed again and again: it runs what waited first, in order.
    ///
    /// Installing another version, saving settings and switching it on again do the same.
    Resume {
        /// The store's permanent domain.
        store: String,
        plugin: String,
    },
    /// Shows a plugin's settings in a store and their versions, saves a new version, or brings an older one back.
    #[command(after_help = "Examples:

  regulars plugin settings fern.myshopify.com loyalty-points --save settings.json --dry-run
  regulars plugin settings fern.myshopify.com loyalty-points --history
  regulars plugin settings fern.myshopify.com loyalty-points --diff 2 5
  regulars plugin settings fern.myshopify.com loyalty-points --revert 2")]
    Settings(Settings),
    /// Shows and sets bounds on what a plugin gives away in a store.
    Budget(budgets::Budget),
    /// Asks something of a plugin for the merchant, such as giving points by hand, and says what was decided.
    #[command(after_help = "Example:

  regulars plugin act fern.myshopify.com loyalty-points adjust --customer ada@example.com \\
      --input '{\"points\":\"250\",\"reason\":\"sorry\"}' --key 1")]
    Act(Act),
    /// A plugin's mails in a store, and your words in place of its own.
    #[command(subcommand)]
    Template(templates::Command),
    /// Asks something of a plugin for each row of a CSV file, each row once however often the file is imported.
    Import(import::Import),
}

#[derive(Args)]
pub struct Build {
    /// The plugin's folder, with its `Cargo.toml`.
    dir: PathBuf,
    /// The plugin's manifest, where it is neither `manifest.toml` in the folder nor in `manifests/plugins/`.
    #[arg(long, value_name = "FILE")]
    manifest: Option<PathBuf>,
}

#[derive(Args)]
pub struct Check {
    /// What `plugin build` wrote.
    file: PathBuf,
    /// Writes every mail in every language into this folder, as HTML and as text, with the manifest's sample.
    #[arg(long, value_name = "DIR")]
    mails: Option<PathBuf>,
}

#[derive(Args)]
pub struct Enable {
    /// The store's permanent domain.
    store: String,
    plugin: String,
    /// A capability that the plugin may use; every one that it asks for is needed.
    #[arg(long = "grant", value_name = "CAPABILITY")]
    grants: Vec<Capability>,
    /// Grants everything that the plugin asks for.
    #[arg(long)]
    grant_all: bool,
    /// A file with settings, a JSON object; what it leaves out keeps its default.
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
}

#[derive(Args)]
pub struct Settings {
    /// The store's permanent domain.
    store: String,
    plugin: String,
    /// Saves this file, a JSON object, as the new version.
    #[arg(long, value_name = "FILE", group = "does")]
    save: Option<PathBuf>,
    /// Says what saving would change, and saves nothing.
    #[arg(long, requires = "save")]
    dry_run: bool,
    /// Lists every version with what it changed.
    #[arg(long, group = "does")]
    history: bool,
    /// Shows in what two versions differ.
    #[arg(long, num_args = 2, value_names = ["VERSION", "VERSION"], group = "does")]
    diff: Vec<u32>,
    /// Saves what an older version says as a new one.
    #[arg(long, value_name = "VERSION", group = "does")]
    revert: Option<u32>,
}

#[derive(Args)]
pub struct Act {
    /// The store's permanent domain.
    store: String,
    plugin: String,
    /// What is asked of it.
    name: String,
    /// Whom it is about, by id or e-mail address.
    #[arg(long)]
    customer: Option<String>,
    /// The action's input, a JSON object.
    #[arg(long, default_value = "{}")]
    input: String,
    /// Names this action: sent twice under one key, it counts once.
    #[arg(long)]
    key: String,
}

/// Builds without a host.
pub fn build(build: &Build) -> Result {
    let request = builder::Request { dir: &build.dir, manifest: build.manifest.as_deref(), target_dir: None };
    let built = builder::build_plugin(request)?;
    println!("{}", built.file.display());
    report(&std::fs::read(&built.file)?)
}

/// Checks without a host.
pub fn check(check: &Check) -> Result {
    let file = std::fs::read(&check.file).map_err(|error| format!("{}: {error}", check.file.display()))?;
    report(&file)?;
    match &check.mails {
        Some(folder) => write_mails(&package::unpack(&file)?, folder),
        None => Ok(()),
    }
}

/// Writes every mail that has a sample, in every language, as marketing and not.
fn write_mails(package: &package::Package, folder: &Path) -> Result {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    std::fs::create_dir_all(folder).map_err(failed)?;
    let templates = &package.templates;
    let english = Locale::english();
    let mut locales: Vec<_> = templates.locales().collect();
    if locales.is_empty() {
        locales.push(&english);
    }
    for (mail, locale) in templates.names().flat_map(|mail| locales.iter().map(move |locale| (mail, *locale))) {
        for (marketing, ending) in [(false, ""), (true, ".marketing")] {
            let Some(rendered) = templates.sample_preview(mail, locale, marketing)? else { continue };
            let file = |kind: &str| folder.join(format!("{mail}.{locale}{ending}.{kind}"));
            std::fs::write(file("html"), rendered.html).map_err(failed)?;
            std::fs::write(file("txt"), format!("{}\n\n{}", rendered.subject, rendered.text)).map_err(failed)?;
        }
    }
    Ok(())
}

/// Says what a plugin file holds, against the limits.
fn report(file: &[u8]) -> Result {
    let package = package::unpack(file)?;
    let imports = package::check_imports(&package)?;
    let artefacts = std::env::temp_dir().join(format!("regulars-check-{}", std::process::id()));
    let loaded = Engine::new(limits::FUEL)?.load(&package.component, &artefacts);
    let _ = std::fs::remove_dir_all(&artefacts);
    let loaded = loaded?;
    let manifest = &package.manifest;
    let capabilities: Vec<_> = manifest.capabilities.iter().map(ToString::to_string).collect();
    println!("{} {}: {}", manifest.name, manifest.version, manifest.title);
    println!("size         {} of at most {} bytes", file.len(), package::MAX_FILE_BYTES);
    println!("memory       at most {} MiB a delivery", limits::MEMORY_BYTES >> 20);
    println!("fuel         at most {} a delivery", limits::FUEL);
    println!("capabilities {}", if capabilities.is_empty() { "none".into() } else { capabilities.join(", ") });
    println!("imports      {}", imports.join(", "));
    println!("templates    {}", package.templates.names().collect::<Vec<_>>().join(", "));
    println!("panel        {}", if loaded.has_panel() { "shown to shoppers" } else { "none" });
    Ok(())
}

pub async fn run(client: &Client, command: Command) -> Result {
    match command {
        Command::Install { file } => {
            let bytes = std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
            let installed = client.upload("/plugins", bytes).await?;
            println!("installed {} {}", text(&installed["name"]), text(&installed["version"]));
        }
        Command::List { store: None, listing } => {
            let columns =
                [("PLUGIN", "/name"), ("VERSION", "/version"), ("NEEDS", "/capabilities"), ("SUMMARY", "/summary")];
            print::list(listing, &client.get("/plugins").await?, &columns);
        }
        Command::List { store: Some(store), listing } => {
            let enabled = client.get(&format!("{}/plugins", path(&store))).await?;
            let columns = [
                ("PLUGIN", "/name"),
                ("VERSION", "/version"),
                ("GRANTS", "/grants"),
                ("SETTINGS", "/settings_version"),
                ("STATUS", "/status"),
                ("WAITING", "/paused/waiting"),
                ("BECAUSE", "/paused/reason"),
            ];
            print::list(listing, &enabled, &columns);
        }
        Command::Enable(enable) => {
            let grants: BTreeSet<_> = match enable.grant_all {
                true => Capability::ALL.iter().copied().collect(),
                false => enable.grants.into_iter().collect(),
            };
            let settings = enable.settings.map(|file| read_json(&file)).transpose()?;
            let body = json!({ "grants": grants, "settings": settings });
            let plugin = format!("{}/plugins/{}", path(&enable.store), segment(&enable.plugin));
            let enabled = client.send(Method::PUT, &plugin, &body).await?;
            println!(
                "enabled {} {} in {}, settings version {}",
                text(&enabled["name"]),
                text(&enabled["version"]),
                enable.store,
                enabled["settings_version"]
            );
        }
        Command::Disable { store, plugin } => {
            let address = format!("{}/plugins/{}", path(&store), segment(&plugin));
            client.send(Method::DELETE, &address, &Value::Null).await?;
            println!("disabled {plugin} in {store}; its state and settings stay");
        }
        Command::Resume { store, plugin } => {
            let address = format!("{}/plugins/{}/resume", path(&store), segment(&plugin));
            let resumed = client.send(Method::POST, &address, &Value::Null).await?;
            println!("{plugin} goes on in {store}; {} deliveries waited", resumed["waited"]);
        }
        Command::Settings(asked) => settings(client, asked).await?,
        Command::Budget(budget) => budgets::run(client, budget).await?,
        Command::Act(act) => {
            let input: Value =
                serde_json::from_str(&act.input).map_err(|error| format!("`--input` is not JSON: {error}"))?;
            let body =
                json!({ "name": act.name, "customer": act.customer, "input": input, "idempotency_key": act.key });
            let address = format!("{}/plugins/{}/actions", path(&act.store), segment(&act.plugin));
            let answer = client.send(Method::POST, &address, &body).await?;
            decided::tell(client, &act.store, &answer).await?;
        }
        Command::Import(file) => import::run(client, file).await?,
        Command::Template(command) => templates::run(client, command).await?,
        Command::Build(_) | Command::Check(_) => return Err("this command asks nobody".into()),
    }
    Ok(())
}

async fn settings(client: &Client, asked: Settings) -> Result {
    let address = format!("{}/plugins/{}/settings", path(&asked.store), segment(&asked.plugin));
    if let Some(file) = asked.save {
        let settings = read_json(&file)?;
        if asked.dry_run {
            let compared = client.send(Method::PUT, &format!("{address}?dry_run=true"), &settings).await?;
            print_changes(&compared["changes"]);
            println!("(a dry run: nothing was saved)");
        } else {
            let saved = client.send(Method::PUT, &address, &settings).await?;
            println!("saved as version {}", saved["version"]);
        }
    } else if let Some(version) = asked.revert {
        let saved = client.send(Method::POST, &format!("{address}/{version}/revert"), &Value::Null).await?;
        println!("version {version} is saved as version {}", saved["version"]);
    } else if let [before, after] = asked.diff[..] {
        let compared = client.get(&format!("{address}/{after}/changes?since={before}")).await?;
        print_changes(&compared["changes"]);
    } else if asked.history {
        let columns = [("VERSION", "/version"), ("SAVED", "/saved_at"), ("CHANGED", "/changed")];
        print::list(Listing { json: false }, &client.get(&address).await?["versions"], &columns);
    } else {
        print::json(&client.get(&address).await?);
    }
    Ok(())
}

fn print_changes(changes: &Value) {
    let changes = changes.as_array().map(Vec::as_slice).unwrap_or_default();
    for change in changes {
        let value = |side: &str| change.get(side).map_or_else(|| "(none)".to_owned(), Value::to_string);
        println!("{}: {} -> {}", text(&change["path"]), value("before"), value("after"));
    }
    if changes.is_empty() {
        println!("nothing differs");
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn read_json(file: &std::path::Path) -> Result<Value> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{} is not JSON: {error}", file.display()).into())
}
