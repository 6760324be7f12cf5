//! Plugins that tests and benchmarks write as WebAssembly text.

use std::{io, path::Path};

use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

const WIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugin-sdk/wit/v0");

/// A core module in text, with the interface types of one of the project's worlds: what a component is made of.
pub fn module(text: &str, world: &str) -> io::Result<Vec<u8>> {
    module_of(text, &[world])
}

/// The same with the interface types of several worlds.
pub fn module_of(text: &str, worlds: &[&str]) -> io::Result<Vec<u8>> {
    let mut module = wat::parse_str(text).map_err(io::Error::other)?;
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(Path::new(WIT)).map_err(io::Error::other)?;
    for world in worlds {
        let world = resolve.select_world(&[package], Some(world)).map_err(io::Error::other)?;
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false)
            .map_err(io::Error::other)?;
    }
    Ok(module)
}
