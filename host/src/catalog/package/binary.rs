//! Reading WebAssembly binaries as far as packing needs it: what they import and export, and their custom sections.

use std::{collections::BTreeSet, ops::Range};

use wasm_encoder::Encode;
use wasmparser::{BinaryReader, BinaryReaderError, ComponentTypeRef, Parser, Payload};

/// What a component asks for and offers, by full name with version.
#[derive(Debug, Default)]
pub struct Surface {
    pub imports: BTreeSet<Import>,
    pub exports: BTreeSet<String>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import {
    pub name: String,
    /// Whether it is an interface, as all of ours are, and not a lone function or type.
    pub is_interface: bool,
}

pub fn surface(component: &[u8]) -> Result<Surface, BinaryReaderError> {
    let mut surface = Surface::default();
    for payload in outer_payloads(component)? {
        match payload {
            Payload::ComponentImportSection(section) => {
                for import in section {
                    let import = import?;
                    let is_interface = matches!(import.ty, ComponentTypeRef::Instance(_));
                    surface.imports.insert(Import { name: import.name.full_name().into_owned(), is_interface });
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    surface.exports.insert(export?.name.full_name().into_owned());
                }
            }
            _ => {}
        }
    }
    Ok(surface)
}

/// The payloads of the outermost component, without those of the modules and components inside it.
pub fn outer_payloads(component: &[u8]) -> Result<Vec<Payload<'_>>, BinaryReaderError> {
    let mut depth = 0_u32;
    let mut outer = Vec::new();
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload?;
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            payload if depth == 0 => outer.push(payload),
            _ => {}
        }
    }
    Ok(outer)
}

/// The first WASI function that a core module imports, under either generation's names.
pub fn core_wasi_import(module: &[u8]) -> Result<Option<String>, BinaryReaderError> {
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        let Payload::ImportSection(section) = payload else { continue };
        for import in section.into_imports() {
            let import = import?;
            if import.module.starts_with("wasi") {
                return Ok(Some(format!("{}.{}", import.module, import.name)));
            }
        }
    }
    Ok(None)
}

/// The same binary without custom sections, in it and in everything nested: names, debug information and producers
/// add to its size and differ from machine to machine.
pub fn stripped(binary: &[u8]) -> Result<Vec<u8>, BinaryReaderError> {
    const HEADER: Range<usize> = 0..8;
    const CUSTOM: u8 = 0;
    const NESTED_MODULE: u8 = 1;
    const NESTED_COMPONENT: u8 = 4;

    let mut out = binary[HEADER].to_vec();
    let is_component = Parser::is_component(binary);
    let mut reader = BinaryReader::new(&binary[HEADER.end..], HEADER.end as u64);
    while !reader.eof() {
        let id = reader.read_u8()?;
        let size = reader.read_var_u32()?;
        let content = reader.read_bytes(size as usize)?;
        match id {
            CUSTOM => {}
            NESTED_MODULE | NESTED_COMPONENT if is_component => {
                out.push(id);
                stripped(content)?.encode(&mut out);
            }
            _ => {
                out.push(id);
                content.encode(&mut out);
            }
        }
    }
    Ok(out)
}
