//! C2SP `tlog-tiles`: a tree's hashes and entries as files of 256 each that never change, so that any web server or
//! object store can serve the log.
//!
//! Tiles are derived from the entries: the same entries give the same bytes, so a crash while writing them does no
//! harm, and lost ones are written again.

mod path;
mod read;
mod store;
mod write;

use std::io;

pub use path::Resource;
pub use read::{TreeReader, parse_bundle};
pub use store::{DirTiles, Fsync, MemoryTiles};
pub use write::TreeWriter;

pub(crate) use path::{entries_path, tile_path};

/// Reads the files of a log, by their path below its address. The caller bounds time and size; what is read is
/// checked here.
pub trait TileRead {
    /// The file's content, or `None` when there is no such file.
    ///
    /// # Errors
    /// When it cannot be told.
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>>;
}

/// Keeps the files of a log.
pub trait TileStore: TileRead {
    /// Writes a file that never changes. One that exists with these bytes is left alone.
    ///
    /// # Errors
    /// When it cannot be written, or exists with other content of the same length: a log must not be rewritten.
    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()>;

    /// Writes the one file that does change, `checkpoint`: a reader sees either all of the old or all of the new.
    ///
    /// # Errors
    /// When it cannot be written.
    fn replace(&self, path: &str, bytes: &[u8]) -> io::Result<()>;

    /// The same for several files, in any order; a store that is far away writes them at once. When it fails, any of
    /// them may be there: they are written again.
    ///
    /// # Errors
    /// As [`TileStore::write`], with the path of the file that could not be written.
    fn write_all(&self, files: &[(&str, &[u8])]) -> Result<(), (String, io::Error)> {
        for (path, bytes) in files {
            self.write(path, bytes).map_err(|error| ((*path).to_owned(), error))?;
        }
        Ok(())
    }

    /// May remove the partial tiles of the full tiles at `paths`: readers take the full ones instead.
    ///
    /// # Errors
    /// When they cannot be removed.
    fn drop_partials(&self, paths: &[&str]) -> io::Result<()>;
}

impl<T: TileRead + ?Sized> TileRead for &T {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        (**self).read(path)
    }
}

impl<T: TileStore + ?Sized> TileStore for &T {
    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        (**self).write(path, bytes)
    }

    fn replace(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        (**self).replace(path, bytes)
    }

    fn write_all(&self, files: &[(&str, &[u8])]) -> Result<(), (String, io::Error)> {
        (**self).write_all(files)
    }

    fn drop_partials(&self, paths: &[&str]) -> io::Result<()> {
        (**self).drop_partials(paths)
    }
}

impl<T: TileRead + ?Sized> TileRead for std::sync::Arc<T> {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        (**self).read(path)
    }
}

impl<T: TileStore + ?Sized> TileStore for std::sync::Arc<T> {
    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        (**self).write(path, bytes)
    }

    fn replace(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        (**self).replace(path, bytes)
    }

    fn write_all(&self, files: &[(&str, &[u8])]) -> Result<(), (String, io::Error)> {
        (**self).write_all(files)
    }

    fn drop_partials(&self, paths: &[&str]) -> io::Result<()> {
        (**self).drop_partials(paths)
    }
}
