//! A secret key in a file of its own: made once, from the machine's randomness, and nobody else's to read.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use super::{Durability, Error};

const BYTES: usize = 32;

/// Reads the key at `path`, or makes one where there is none; it is durable when it is first returned.
pub(super) fn open(path: &Path, durability: &Durability) -> Result<[u8; BYTES], Error> {
    match path.try_exists() {
        Ok(false) => make(path, durability).map_err(Error::io(format!("make the key {}", path.display()))),
        Ok(true) | Err(_) => read_key(path),
    }
}

/// Reads a key that has been made by somebody.
pub fn read_key(path: &Path) -> Result<[u8; BYTES], Error> {
    let bytes = fs::read(path).map_err(Error::io(format!("read the key {}", path.display())))?;
    bytes.try_into().map_err(|bytes: Vec<u8>| Error::Damaged {
        what: path.display().to_string(),
        detail: format!("a key has {BYTES} bytes, and there are {}", bytes.len()),
    })
}

fn make(path: &Path, durability: &Durability) -> io::Result<[u8; BYTES]> {
    let mut key = [0; BYTES];
    getrandom::fill(&mut key).map_err(io::Error::from)?;
    // A key that was written in part would lock out every later start.
    let unfinished = path.with_extension("unfinished");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    file.write_all(&key)?;
    durability.sync_data(&file)?;
    fs::rename(&unfinished, path)?;
    path.parent().map_or(Ok(()), |dir| durability.sync_dir(dir))?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_is_made_once_differs_from_every_other_and_is_its_owners_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("one.key"), dir.path().join("other.key"));
        let key = open(&path, &Durability::default()).unwrap();
        assert_eq!(open(&path, &Durability::default()).unwrap(), key);
        assert_ne!(open(&other, &Durability::default()).unwrap(), key);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_key_that_was_cut_off_is_damage_and_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("one.key");
        fs::write(&path, [1; 31]).unwrap();
        assert!(matches!(open(&path, &Durability::default()), Err(Error::Damaged { .. })));
        assert_eq!(fs::read(&path).unwrap().len(), 31);
    }
}
