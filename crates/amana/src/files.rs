//! Files with secrets: read with a bound, written for this user alone.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;

/// Reads a text file of at most so many bytes. The error is a phrase for a message that names the file.
pub(crate) fn read_text(path: &Path, bytes_max: u64) -> Result<String, String> {
    let file = File::open(path).map_err(|e| format!("cannot be read ({})", plain(&e)))?;
    let mut text = String::new();
    match file.take(bytes_max.saturating_add(1)).read_to_string(&mut text) {
        Ok(read) if read as u64 > bytes_max => Err(format!("is larger than {bytes_max} bytes")),
        Ok(_) => Ok(text),
        Err(e) => Err(format!("cannot be read ({})", plain(&e))),
    }
}

/// Reads at most so many bytes of a file. The error is a phrase for a message that names the file.
pub(crate) fn read_bytes(path: &Path, bytes_max: u64) -> Result<Vec<u8>, String> {
    let file = File::open(path).map_err(|e| format!("cannot be read ({})", plain(&e)))?;
    let mut bytes = Vec::new();
    match file.take(bytes_max).read_to_end(&mut bytes) {
        Ok(_) => Ok(bytes),
        Err(e) => Err(format!("cannot be read ({})", plain(&e))),
    }
}

/// Writes a new file that only this user may read (0600), whole or not at all.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        make_private_folder(folder)?;
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(&beside)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

/// Makes a folder that only this user may enter (0700), if it is not there.
pub(crate) fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(folder)
}

/// The system's reason without its number.
pub(crate) fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}
