//! `plugin`: build, check, install, switch on, set.

use std::{collections::BTreeSet, path::PathBuf};

use axum::http::Method;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    Listing, Result,
    client::{Client, segment},
    print,
    stores::path,
};
use crate::{
    catalog::{build as builder, package},
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
    /// Shows a plugin's settings in a store, or saves a new version of them.
    Settings(Settings),
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
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
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
    report(&file)
}

/// Says what a plugin file holds, against the limits.
fn report(file: &[u8]) -> Result {
    let package = package::unpack(file)?;
    let imports = package::check_imports(&package)?;
    let artefacts = std::env::temp_dir().join(format!("regulars-check-{}", std::process::id()));
    let loaded = Engine::new(limits::FUEL)?.load(&package.component, &artefacts);
    let _ = std::fs::remove_dir_all(&artefacts);
    loaded?;
    let manifest = &package.manifest;
    let capabilities: Vec<_> = manifest.capabilities.iter().map(ToString::to_string).collect();
    println!("{} {}: {}", manifest.name, manifest.version, manifest.title);
    println!("size         {} of at most {} bytes", file.len(), package::MAX_FILE_BYTES);
    println!("memory       at most {} MiB a delivery", limits::MEMORY_BYTES >> 20);
    println!("fuel         at most {} a delivery", limits::FUEL);
    println!("capabilities {}", if capabilities.is_empty() { "none".into() } else { capabilities.join(", ") });
    println!("imports      {}", imports.join(", "));
    println!("templates    {}", package.templates.keys().cloned().collect::<Vec<_>>().join(", "));
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
        Command::Settings(settings) => {
            let address = format!("{}/plugins/{}/settings", path(&settings.store), segment(&settings.plugin));
            match settings.save {
                None => print::json(&client.get(&address).await?),
                Some(file) => {
                    let saved = client.send(Method::PUT, &address, &read_json(&file)?).await?;
                    println!("saved as version {}", saved["version"]);
                }
            }
        }
        Command::Build(_) | Command::Check(_) => return Err("this command asks nobody".into()),
    }
    Ok(())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn read_json(file: &std::path::Path) -> Result<Value> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{} is not JSON: {error}", file.display()).into())
}
