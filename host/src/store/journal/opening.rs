//! Opening a log: its files are listed, checked, and its last segment made ready for the next record. And copying one.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Seek as _, SeekFrom},
    path::Path,
    sync::Arc,
};

use super::{
    super::{Durability, Error, lock},
    committer::Active,
    compressed,
    log::{Form, Segment, Shared},
    segment::{self, Index},
};

pub(super) struct Opened {
    pub segments: BTreeMap<u64, Segment>,
    pub active: Active,
    /// The position that the next record gets.
    pub next: u64,
}

/// Which files a segment has. Both stand there when a crash came between compressing and deleting.
#[derive(Clone, Copy, Default)]
struct Files {
    plain: bool,
    compressed: bool,
}

pub(super) fn open(dir: &Path, durability: &Durability) -> Result<Opened, Error> {
    make_dir(dir, durability)?;
    let mut files = list(dir)?;
    // The last segment is the one being written, which is never compressed; a compressed one is never written to again.
    let last_plain = files.iter().next_back().filter(|(_, files)| files.plain).map(|(first, _)| *first);
    let mut segments = BTreeMap::new();
    let mut next = None;
    let mut active = None;
    for (&first, files) in &mut files {
        if next.is_some_and(|next| next != first) {
            return Err(Error::Damaged {
                what: dir.display().to_string(),
                detail: format!("the records between position {} and {first} are missing", next.unwrap_or_default()),
            });
        }
        let is_last = last_plain == Some(first);
        let segment = match (files.compressed, files.plain) {
            (true, also_plain) => open_compressed(dir, first, also_plain)?,
            (false, _) => open_plain(dir, first, is_last, durability)?,
        };
        next = Some(first + segment.count);
        if let (true, Form::Plain { salt, open: Some(file), .. }) = (is_last, &segment.form) {
            active = Some(Active {
                file: Arc::clone(file),
                first,
                salt: *salt,
                length: segment.length,
                count: segment.count,
            });
        }
        segments.insert(first, segment);
    }
    let next = next.unwrap_or(1);
    let active = match active {
        Some(active) => active,
        None => {
            let active = Active::create(dir, next, durability)?;
            segments.insert(next, active.segment());
            active
        }
    };
    Ok(Opened { segments, active, next })
}

fn make_dir(dir: &Path, durability: &Durability) -> Result<(), Error> {
    if dir.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(dir).map_err(Error::io(format!("create {}", dir.display())))?;
    match dir.parent() {
        Some(parent) if parent != Path::new("") => {
            durability.sync_dir(parent).map_err(Error::io(format!("sync {}", parent.display())))
        }
        _ => Ok(()),
    }
}

fn list(dir: &Path) -> Result<BTreeMap<u64, Files>, Error> {
    let read = || Error::io(format!("list {}", dir.display()));
    let mut segments = BTreeMap::<u64, Files>::new();
    for entry in fs::read_dir(dir).map_err(read())? {
        let path = entry.map_err(read())?.path();
        let first = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
        match (path.extension().and_then(|extension| extension.to_str()), first) {
            (Some("log"), Some(first)) => segments.entry(first).or_default().plain = true,
            (Some("zst"), Some(first)) => segments.entry(first).or_default().compressed = true,
            // A file that was being made when the process ended.
            (Some("tmp"), _) => fs::remove_file(&path).map_err(Error::io(format!("remove {}", path.display())))?,
            _ => {}
        }
    }
    Ok(segments)
}

fn open_compressed(dir: &Path, first: u64, also_plain: bool) -> Result<Segment, Error> {
    let path = compressed::path(dir, first);
    let file = File::open(&path).map_err(Error::io(format!("open {}", path.display())))?;
    let (_, summary) = compressed::summary(&file, &path, first)?;
    if also_plain {
        let plain = segment::plain_path(dir, first);
        fs::remove_file(&plain).map_err(Error::io(format!("remove {}", plain.display())))?;
    }
    Ok(Segment { count: summary.count, newest: summary.newest, length: summary.length, form: Form::Compressed })
}

fn open_plain(dir: &Path, first: u64, is_last: bool, durability: &Durability) -> Result<Segment, Error> {
    let path = segment::plain_path(dir, first);
    let open = || File::options().read(true).write(is_last).open(&path);
    let mut file = open().map_err(Error::io(format!("open {}", path.display())))?;
    if is_last {
        durability.read_from_disk(&file).map_err(Error::io(format!("make durable {}", path.display())))?;
    }
    let salt = segment::read_salt(&file, &path, first)?;
    let scanned = segment::scan(&file, &path, first, salt, is_last)?;
    if is_last {
        let settle = |file: &mut File| {
            if scanned.torn > 0 {
                tracing::warn!(
                    path = %path.display(), bytes = scanned.torn,
                    "cutting off {} bytes that were being written when the machine stopped", scanned.torn,
                );
                file.set_len(scanned.length)?;
                durability.sync_data(file)?;
            }
            file.seek(SeekFrom::Start(scanned.length)).map(drop)
        };
        settle(&mut file).map_err(Error::io(format!("make ready {}", path.display())))?;
    }
    let open = is_last.then(|| Arc::new(file));
    Ok(Segment {
        count: scanned.index.count(),
        newest: scanned.newest,
        length: scanned.length,
        form: Form::Plain { salt, index: scanned.index, open },
    })
}

impl Active {
    pub fn create(dir: &Path, first: u64, durability: &Durability) -> Result<Self, Error> {
        let salt = segment::fresh_salt();
        let file = segment::create(dir, first, salt, durability)
            .map_err(Error::io(format!("create {}", segment::plain_path(dir, first).display())))?;
        Ok(Self { file: Arc::new(file), first, salt, length: segment::FILE_HEADER, count: 0 })
    }

    /// What the readers are to know of a new segment.
    pub fn segment(&self) -> Segment {
        Segment {
            count: self.count,
            newest: crate::domain::Timestamp::default(),
            length: self.length,
            form: Form::Plain { salt: self.salt, index: Index::default(), open: Some(Arc::clone(&self.file)) },
        }
    }
}

/// Copies every durable record into a fresh directory.
pub(super) fn copy(shared: &Shared, target: &Path, copied: &mut dyn FnMut(u64)) -> Result<(), Error> {
    let durability = &shared.options.durability;
    make_dir(target, durability)?;
    let _files = lock(&shared.files);
    let segments: Vec<(u64, u64, bool)> = shared
        .segments()
        .iter()
        .map(|(first, segment)| (*first, segment.length, matches!(segment.form, Form::Compressed)))
        .collect();
    for (first, length, is_compressed) in segments {
        let path_in = |dir| if is_compressed { compressed::path(dir, first) } else { segment::plain_path(dir, first) };
        let (from, to) = (path_in(&shared.dir), path_in(target));
        let copy = || {
            let mut source = io::Read::take(File::open(&from)?, length);
            let mut file = File::create_new(&to)?;
            if io::copy(&mut source, &mut file)? != length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            durability.sync_data(&file)
        };
        copy().map_err(Error::io(format!("copy {} to {}", from.display(), to.display())))?;
        copied(length);
    }
    durability.sync_dir(target).map_err(Error::io(format!("sync {}", target.display())))
}
