//! Where the reference data is that peers and tests judge by, and what to say when it is not there.
//!
//! The data is no part of this repository. A test that needs it returns early after [`file_or_note`] has said so.

use std::path::{Path, PathBuf};

/// Names the reference data's folder where it is not in its usual place.
pub const ENV: &str = "REGULARS_CORPUS";

/// The folder beside the repository, relative to the workspace root.
const USUAL_PLACE: &str = "../shared/corpus";

/// Why a file of the reference data cannot be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    pub looked_for: PathBuf,
}

impl std::fmt::Display for Missing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "no reference data at {}: set {ENV} to its folder", self.looked_for.display())
    }
}

impl std::error::Error for Missing {}

/// The folder, whether or not it is there.
pub fn folder() -> PathBuf {
    match std::env::var_os(ENV) {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(USUAL_PLACE),
    }
}

/// A file or folder of the reference data, by its path inside.
pub fn file(path: &str) -> Result<PathBuf, Missing> {
    let file = folder().join(path);
    if file.exists() { Ok(file) } else { Err(Missing { looked_for: file }) }
}

/// As [`file()`]; when it is missing, says on standard error what did not run.
pub fn file_or_note(path: &str, what: &str) -> Option<PathBuf> {
    file(path).inspect_err(|missing| eprintln!("did not run: {what}: {missing}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_says_where_it_was_looked_for_and_what_to_do() {
        let missing = file("no/such/file.json").unwrap_err();
        assert!(missing.looked_for.ends_with("no/such/file.json"));
        assert!(missing.to_string().contains(ENV));
    }
}
