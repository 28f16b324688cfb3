//! Where tiles are kept: a folder, or memory.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{Resource, TileRead, TileStore};
use crate::limits::TILE_FILE_MAX_BYTES;

/// When a written file is on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fsync {
    /// When the system likes. Enough where the entries themselves are durable: after a power loss the tiles are
    /// written again from these.
    Never,
    /// Before it is seen under its name, and its name before the call returns.
    Always,
}

/// Tiles in a folder, which any web server can serve as it is. A file appears under its name whole (a temporary file
/// is renamed), and one that is there is never rewritten.
#[derive(Debug)]
pub struct DirTiles {
    root: PathBuf,
    fsync: Fsync,
    temporary: AtomicU64,
}

/// Where unfinished files are. Left over after a crash, they are in nobody's way.
const TEMPORARY: &str = ".tmp";

impl DirTiles {
    /// The folder at `root`, which is made when it is first written to.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>, fsync: Fsync) -> Self {
        Self { root: root.into(), fsync, temporary: AtomicU64::new(0) }
    }

    /// The folder.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Only a path that a log has reaches the disk.
    fn place(&self, path: &str) -> io::Result<PathBuf> {
        match Resource::parse(path) {
            Some(_) => Ok(self.root.join(path)),
            None => Err(io::Error::new(io::ErrorKind::InvalidInput, "no file of a log has this path")),
        }
    }

    fn put(&self, place: &Path, bytes: &[u8]) -> io::Result<()> {
        let number = self.temporary.fetch_add(1, Ordering::Relaxed);
        let temporary = self.root.join(TEMPORARY).join(format!("{}-{number}", std::process::id()));
        let mut file = with_folder(&temporary, || File::create(&temporary))?;
        file.write_all(bytes)?;
        if self.fsync == Fsync::Always {
            file.sync_all()?;
        }
        drop(file);
        with_folder(place, || fs::rename(&temporary, place))?;
        if self.fsync == Fsync::Always {
            // The name, and the names of the folders that were made for it.
            let mut folder = place.parent();
            while let Some(at) = folder.filter(|at| at.starts_with(&self.root)) {
                File::open(at)?.sync_all()?;
                folder = at.parent();
            }
        }
        Ok(())
    }
}

/// Does `what` with the file at `place`; makes its folder only where that is missing, which is seldom.
fn with_folder<T>(place: &Path, what: impl Fn() -> io::Result<T>) -> io::Result<T> {
    match what() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(place.parent().unwrap_or(place))?;
            what()
        }
        done => done,
    }
}

impl TileRead for DirTiles {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let place = self.place(path)?;
        match File::open(place) {
            Ok(file) => {
                let mut bytes = Vec::new();
                // A document may be longer than a tile; no file of a log is without bound.
                file.take(MAX_READ).read_to_end(&mut bytes)?;
                Ok(Some(bytes))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The longest file read from the folder; rule documents are the longest.
const MAX_READ: u64 = 64 * TILE_FILE_MAX_BYTES as u64;

/// What to do about a file that is there already.
fn rewrite(old: &[u8], new: &[u8]) -> io::Result<bool> {
    if old == new {
        return Ok(false);
    }
    // One that a power loss cut short is written again. One that says something else is another log's.
    if old.len() < new.len() {
        return Ok(true);
    }
    Err(io::Error::new(
        io::ErrorKind::AlreadyExists,
        "the file exists with other content, and a log is not rewritten",
    ))
}

impl TileStore for DirTiles {
    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let place = self.place(path)?;
        match self.read(path)? {
            Some(old) if !rewrite(&old, bytes)? => Ok(()),
            _ => self.put(&place, bytes),
        }
    }

    fn replace(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.put(&self.place(path)?, bytes)
    }

    fn drop_partials(&self, paths: &[&str]) -> io::Result<()> {
        let mut done = Ok(());
        for path in paths {
            let mut folder = self.place(path)?.into_os_string();
            folder.push(".p");
            match fs::remove_dir_all(folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => done = done.and(Err(error)),
                _ => {}
            }
        }
        done
    }
}

/// Tiles in memory.
#[derive(Debug, Default)]
pub struct MemoryTiles {
    files: Mutex<BTreeMap<String, Vec<u8>>>,
}

impl MemoryTiles {
    /// An empty log.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn files(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        // A map of whole files is never half changed.
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All files, by path.
    #[must_use]
    pub fn snapshot(&self) -> BTreeMap<String, Vec<u8>> {
        self.files().clone()
    }

    /// Removes a file; whether it was there.
    pub fn remove(&self, path: &str) -> bool {
        self.files().remove(path).is_some()
    }
}

impl TileRead for MemoryTiles {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(self.files().get(path).cloned())
    }
}

impl TileStore for MemoryTiles {
    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let mut files = self.files();
        if let Some(old) = files.get(path)
            && !rewrite(old, bytes)?
        {
            return Ok(());
        }
        files.insert(path.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn replace(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.files().insert(path.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn drop_partials(&self, paths: &[&str]) -> io::Result<()> {
        for path in paths {
            let folder = format!("{path}.p/");
            self.files().retain(|file, _| !file.starts_with(&folder));
        }
        Ok(())
    }
}
