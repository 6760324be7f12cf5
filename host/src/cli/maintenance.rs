//! `export`, `backup`, `compact`, `status`.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::PathBuf,
};

use axum::http::Method;
use clap::Args;
use serde_json::json;

use super::{Listing, Result, client::Client, print, stores::path};
use crate::{
    config::Config,
    store::{DataDir, backup::compact as compact_store, sled},
};

#[derive(Args)]
pub struct Export {
    /// The store's permanent domain.
    store: String,
    /// The file to write; standard output if there is none.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

#[derive(Args)]
pub struct Backup {
    /// A folder that does not exist yet: it becomes a data directory that `serve --data` can start on.
    target: PathBuf,
}

pub async fn export(client: &Client, export: Export) -> Result {
    let address = format!("{}/export", path(&export.store));
    let mut out: Box<dyn Write> = match &export.to {
        Some(file) => {
            Box::new(BufWriter::new(File::create(file).map_err(|error| format!("{}: {error}", file.display()))?))
        }
        None => Box::new(BufWriter::new(std::io::stdout().lock())),
    };
    let mut lines = 0;
    client
        .stream(&address, |chunk| {
            lines += chunk.iter().filter(|byte| **byte == b'\n').count();
            out.write_all(chunk)
        })
        .await?;
    out.flush()?;
    eprintln!("{lines} records");
    Ok(())
}

pub async fn backup(client: &Client, backup: Backup) -> Result {
    let target = std::path::absolute(&backup.target)?;
    let made = client.send(Method::POST, "/backup", &json!({ "target": target })).await?;
    println!("{} rows and {} files, {} bytes, in {}", made["rows"], made["files"], made["bytes"], target.display());
    Ok(())
}

pub async fn status(client: &Client, listing: Listing) -> Result {
    let status = client.get("/status").await?;
    if listing.json {
        print::json(&status);
        return Ok(());
    }
    println!("version {}, {} stores, {} plugins", status["version"], status["stores"], status["plugins"]);
    for (name, value) in status["counters"].as_object().into_iter().flatten() {
        println!("{:<24}{value:>12}", name.replace('_', " "));
    }
    Ok(())
}

/// Works on the directory itself: a host on it would have it locked.
pub fn compact(config: Config) -> Result {
    let data_dir = DataDir::open(&config.data_dir)?;
    let options =
        sled::Options { cache_capacity: sled::cache_capacity(config.store.cache_mib), ..sled::Options::default() };
    let mut told = 0;
    let compacted = compact_store(&data_dir, options, &mut |progress| {
        if progress.rows >= told {
            eprint!("\r{} rows", progress.rows);
            told = progress.rows + 10_000;
        }
    })?;
    eprintln!();
    println!("{} rows; {} bytes before, {} after", compacted.rows, compacted.bytes_before, compacted.bytes_after);
    Ok(())
}
