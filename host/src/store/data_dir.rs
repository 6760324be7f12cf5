//! The data directory: its layout, its lock, its format, and the repair of a compaction that was cut short.
//!
//! | entry | holds |
//! |---|---|
//! | `FORMAT` | the version of this layout |
//! | `lock` | locked by the process that uses the directory |
//! | `inbox/`, `mails/` | logs |
//! | `store/` | sled |
//! | `plugins/` | plugin files by hash |
//! | `artefacts/` | compiled plugins, which can be compiled again |
//! | `mail.key` | the key of the links in mails; made when it is first asked for |
//! | `seal.key` | the key that seals credentials, where no other is named; made when it is first asked for |
//! | `control.sock` | where a running host takes commands |

use std::{
    fs::{self, DirBuilder, File, Permissions, TryLockError},
    io::{self, Write as _},
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use super::{Durability, Error, key_file};

const FORMAT: &str = "FORMAT";
const FORMAT_NAME: &str = "regulars-data";
const VERSION: u32 = 1;

/// Tokens and customers' data: nobody else's to read.
const MODE: u32 = 0o700;

const SUBDIRECTORIES: [&str; 5] = ["inbox", "mails", "store", "plugins", "artefacts"];

/// A data directory, locked until it is dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Opens the data directory at `path`, or makes one where there is nothing, and locks it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let durability = Durability::default();
        if !path.is_dir() {
            make_dir(path)?;
            sync_parent(path, &durability)?;
        }
        let lock = take_lock(path)?;
        let data_dir = Self { path: path.to_owned(), _lock: lock };
        match fs::read_to_string(path.join(FORMAT)) {
            Ok(text) => check_format(path, &text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => data_dir.initialise(&durability)?,
            Err(error) => return Err(Error::io(format!("read {}", path.join(FORMAT).display()))(error)),
        }
        data_dir.finish_compaction(&durability)?;
        for name in SUBDIRECTORIES {
            if !path.join(name).is_dir() {
                make_dir(&path.join(name))?;
            }
        }
        sync(path, &durability)?;
        Ok(data_dir)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn inbox(&self) -> PathBuf {
        self.path.join("inbox")
    }

    pub fn mails(&self) -> PathBuf {
        self.path.join("mails")
    }

    pub fn store(&self) -> PathBuf {
        self.path.join("store")
    }

    pub fn plugins(&self) -> PathBuf {
        self.path.join("plugins")
    }

    pub fn artefacts(&self) -> PathBuf {
        self.path.join("artefacts")
    }

    /// The key of the links in mails, of the names of addresses, and of codes.
    pub fn mail_key(&self) -> Result<[u8; 32], Error> {
        key_file::open(&self.mail_key_file(), &Durability::default())
    }

    /// The key that seals stores' credentials, where the operator names none.
    pub fn seal_key(&self) -> Result<[u8; 32], Error> {
        key_file::open(&self.seal_key_file(), &Durability::default())
    }

    pub(super) fn seal_key_file(&self) -> PathBuf {
        self.path.join("seal.key")
    }

    pub(super) fn mail_key_file(&self) -> PathBuf {
        self.path.join("mail.key")
    }

    /// Where a running host listens for the command line's requests.
    pub fn control_socket(&self) -> PathBuf {
        control_socket(&self.path)
    }

    /// Where a compaction builds the store's successor.
    pub(super) fn next_store(&self) -> PathBuf {
        self.path.join("store.next")
    }

    /// Where a compaction leaves the old store until the new one is in place.
    pub(super) fn previous_store(&self) -> PathBuf {
        self.path.join("store.previous")
    }

    fn initialise(&self, durability: &Durability) -> Result<(), Error> {
        let path = &self.path;
        for entry in fs::read_dir(path).map_err(Error::io(format!("list {}", path.display())))? {
            let name = entry.map_err(Error::io(format!("list {}", path.display())))?.file_name();
            if !["lock", "FORMAT.tmp", "lost+found"].iter().any(|ours| name == *ours) {
                return Err(Error::NotADataDirectory { path: path.display().to_string() });
            }
        }
        let write = || {
            fs::set_permissions(path, Permissions::from_mode(MODE))?;
            let temporary = path.join("FORMAT.tmp");
            let mut file = File::create(&temporary)?;
            writeln!(file, "{FORMAT_NAME} {VERSION}")?;
            durability.sync_data(&file)?;
            fs::rename(&temporary, path.join(FORMAT))?;
            durability.sync_dir(path)
        };
        write().map_err(Error::io(format!("write {}", path.join(FORMAT).display())))
    }

    /// Brings a compaction to an end that stopped between two of its steps, which `backup::compact` lists.
    fn finish_compaction(&self, durability: &Durability) -> Result<(), Error> {
        let (store, next, previous) = (self.store(), self.next_store(), self.previous_store());
        if !store.exists() && previous.exists() {
            // The successor was durable before the store gave way to it.
            let from = if next.exists() { &next } else { &previous };
            tracing::warn!(path = %self.path.display(), "finishing a compaction that was cut short");
            fs::rename(from, &store).map_err(Error::io(format!("rename {}", from.display())))?;
            sync(&self.path, durability)?;
        }
        for leftover in [next, previous] {
            if leftover.exists() {
                fs::remove_dir_all(&leftover).map_err(Error::io(format!("remove {}", leftover.display())))?;
            }
        }
        Ok(())
    }
}

/// Where the host that uses the data directory at `path` listens; for those who do not hold its lock.
pub fn control_socket(path: &Path) -> PathBuf {
    path.join("control.sock")
}

fn take_lock(path: &Path) -> Result<File, Error> {
    let lock_path = path.join("lock");
    let open = || File::options().read(true).write(true).create(true).truncate(false).open(&lock_path);
    let file = open().map_err(Error::io(format!("open {}", lock_path.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Error::Locked { path: path.display().to_string() }),
        Err(TryLockError::Error(error)) => Err(Error::io(format!("lock {}", lock_path.display()))(error)),
    }
}

fn check_format(path: &Path, text: &str) -> Result<(), Error> {
    let version = text.trim_end().strip_prefix(FORMAT_NAME).and_then(|rest| rest.strip_prefix(' '));
    match version.map(str::parse::<u32>) {
        Some(Ok(VERSION)) => Ok(()),
        Some(Ok(found)) if found > VERSION => Err(Error::TooNew { what: "the data directory", found, known: VERSION }),
        _ => Err(Error::Damaged {
            what: path.join(FORMAT).display().to_string(),
            detail: "it names no format of this program".into(),
        }),
    }
}

pub(super) fn make_dir(path: &Path) -> Result<(), Error> {
    let made = DirBuilder::new().recursive(true).mode(MODE).create(path);
    made.map_err(Error::io(format!("create {}", path.display())))
}

fn sync(dir: &Path, durability: &Durability) -> Result<(), Error> {
    durability.sync_dir(dir).map_err(Error::io(format!("sync {}", dir.display())))
}

fn sync_parent(path: &Path, durability: &Durability) -> Result<(), Error> {
    match path.parent() {
        Some(parent) if parent != Path::new("") => sync(parent, durability),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_directory_gets_its_layout_and_is_nobody_elses_to_read() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("deep/data");
        let data_dir = DataDir::open(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
        for dir in [data_dir.inbox(), data_dir.mails(), data_dir.store(), data_dir.plugins(), data_dir.artefacts()] {
            assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700, "{}", dir.display());
        }
        assert_eq!(data_dir.control_socket(), control_socket(&path));
        assert_eq!(fs::read_to_string(path.join(FORMAT)).unwrap(), "regulars-data 1\n");
    }

    #[test]
    fn a_directory_in_use_is_refused_by_name_until_it_is_let_go() {
        let dir = tempfile::tempdir().unwrap();
        let held = DataDir::open(dir.path()).unwrap();
        let error = DataDir::open(dir.path()).unwrap_err();
        assert!(matches!(&error, Error::Locked { path } if *path == dir.path().display().to_string()));
        drop(held);
        assert!(DataDir::open(dir.path()).is_ok());
    }

    #[test]
    fn a_newer_format_and_a_strange_one_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        drop(DataDir::open(dir.path()).unwrap());
        fs::write(dir.path().join(FORMAT), "regulars-data 2\n").unwrap();
        assert!(matches!(DataDir::open(dir.path()), Err(Error::TooNew { found: 2, known: 1, .. })));
        fs::write(dir.path().join(FORMAT), "somebody else's\n").unwrap();
        assert!(matches!(DataDir::open(dir.path()), Err(Error::Damaged { .. })));
    }

    #[test]
    fn a_directory_with_other_files_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("thesis.txt"), "important").unwrap();
        assert!(matches!(DataDir::open(dir.path()), Err(Error::NotADataDirectory { .. })));
        assert!(!dir.path().join("inbox").exists());
    }

    #[test]
    fn a_compaction_cut_short_at_any_step_is_brought_to_an_end() {
        // The directories that each step leaves behind, and whose store must be in place afterwards.
        for (left, expected) in [
            (&["store"][..], "store"),
            (&["store", "store.next"], "store"),
            (&["store.previous", "store.next"], "store.next"),
            (&["store", "store.previous"], "store"),
            (&["store.previous"], "store.previous"),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let data_dir = DataDir::open(dir.path()).unwrap();
            fs::remove_dir(data_dir.store()).unwrap();
            drop(data_dir);
            for name in left {
                fs::create_dir(dir.path().join(name)).unwrap();
                fs::write(dir.path().join(name).join("whose"), name).unwrap();
            }
            let data_dir = DataDir::open(dir.path()).unwrap();
            assert_eq!(fs::read_to_string(data_dir.store().join("whose")).unwrap(), expected, "after {left:?}");
            assert!(!data_dir.next_store().exists() && !data_dir.previous_store().exists(), "after {left:?}");
        }
    }
}
