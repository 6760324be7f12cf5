//! Compiled plugins on disk: a copy of what follows from the component, each file with a checksum at its end.
//!
//! An artefact is loaded as code, so that one that is not whole must never be taken for one that is.

use std::{fs, io, path::Path};

use sha2::{Digest, Sha256};

/// The artefact at `path`; `None` if there is none, or it is not as it was written.
pub(super) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let Some((artefact, checksum)) = bytes.split_last_chunk::<32>() else { return Ok(None) };
    let length = artefact.len();
    if Sha256::digest(artefact).as_slice() != checksum {
        return Ok(None);
    }
    bytes.truncate(length);
    Ok(Some(bytes))
}

/// Writes an artefact whole or not at all.
pub(super) fn keep(path: &Path, artefact: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or_else(|| io::Error::other("an artefact lies in a folder"))?;
    fs::create_dir_all(folder)?;
    let unfinished = path.with_extension(format!("{}.unfinished", std::process::id()));
    let mut file = fs::File::create(&unfinished)?;
    io::Write::write_all(&mut file, artefact)?;
    io::Write::write_all(&mut file, &Sha256::digest(artefact))?;
    file.sync_all()?;
    fs::rename(&unfinished, path)
}
