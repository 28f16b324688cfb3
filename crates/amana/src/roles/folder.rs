//! The private folder in which the processes find each other.

use crate::ambient::OsEntropy;
use crate::{files, limits};
use amana_gate::DataKey;
use anyhow::{Context as _, bail};
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};
use zeroize::Zeroizing;

/// A folder that only this user may enter.
#[derive(Debug, Clone)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// The folder at a path; made if it is not there.
    ///
    /// # Errors
    /// When it cannot be made, or others may enter it.
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        files::make_private_folder(path).map_err(|e| {
            anyhow::anyhow!("the folder of the roles `{shown}` cannot be made ({})", files::plain(&e))
        })?;
        let mode =
            std::fs::metadata(path).with_context(|| format!("the folder `{shown}`"))?.permissions().mode();
        if mode & 0o077 != 0 {
            bail!("others may enter the folder of the roles: `chmod 700 {shown}`");
        }
        Ok(Self(path.to_owned()))
    }

    /// Where a role listens.
    pub(crate) fn socket(&self, role: super::Role) -> PathBuf {
        self.0.join(format!("{role}.sock"))
    }

    /// Listens where the role does. A socket that nobody answers any more is taken over.
    ///
    /// # Errors
    /// When another process listens there, or the path cannot be used.
    pub(crate) async fn listen(&self, role: super::Role) -> anyhow::Result<UnixListener> {
        let path = self.socket(role);
        let shown = path.display().to_string();
        if let Ok(there) = std::fs::symlink_metadata(&path) {
            if !there.file_type().is_socket() {
                bail!("`{shown}` is there and is no socket: take it away");
            }
            if UnixStream::connect(&path).await.is_ok() {
                bail!("another {role} listens on `{shown}` already: stop it first");
            }
            std::fs::remove_file(&path)
                .map_err(|e| anyhow::anyhow!("`{shown}` cannot be taken over ({})", files::plain(&e)))?;
        }
        let listener = UnixListener::bind(&path).map_err(|e| {
            anyhow::anyhow!(
                "cannot listen on `{shown}` ({}); a path of a socket may have about 100 bytes",
                files::plain(&e)
            )
        })?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
            .map_err(|e| anyhow::anyhow!("`{shown}` cannot be closed to others ({})", files::plain(&e)))?;
        Ok(listener)
    }

    /// The key under which the connector seals what a bank said, for the gate. Whoever of the two is first makes it.
    ///
    /// # Errors
    /// When it cannot be made or read.
    pub(crate) fn link_key(&self) -> anyhow::Result<DataKey> {
        let path = self.0.join("connector.key");
        if !path.exists() {
            let fresh = Zeroizing::new(format!("{}\n", OsEntropy::hex::<32>()));
            // Written beside and linked: two that make it at once end with one and the same.
            let beside = self.0.join(format!("connector.key.{}", std::process::id()));
            let made =
                files::write_private(&beside, fresh.as_bytes()).and_then(|()| {
                    match std::fs::hard_link(&beside, &path) {
                        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => Err(e),
                        _ => std::fs::remove_file(&beside),
                    }
                });
            made.map_err(|e| {
                anyhow::anyhow!("the key `{}` cannot be made ({})", path.display(), files::plain(&e))
            })?;
        }
        let text = files::read_text(&path, limits::SECRET_FILE_BYTES_MAX)
            .map(Zeroizing::new)
            .map_err(|why| anyhow::anyhow!("the key `{}` {why}", path.display()))?;
        let key = bytes(text.trim()).with_context(|| {
            format!(
                "the key `{}` must hold 64 hexadecimal digits: take it away and start both anew",
                path.display()
            )
        })?;
        Ok(DataKey::new(key).derive("bank data on its way to the gate"))
    }

    /// Writes down the key by which egress checks the gate's tickets. It is public.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn put_egress_key(&self, key: [u8; 32]) -> anyhow::Result<()> {
        let path = self.egress_key_file();
        files::write_private(&path, format!("{}\n", hex::encode(key)).as_bytes())
            .map_err(|e| anyhow::anyhow!("`{}` cannot be written ({})", path.display(), files::plain(&e)))
    }

    /// The gate's verifying key, once the gate has written it.
    ///
    /// # Errors
    /// When it does not come in time, or is none.
    pub(crate) async fn egress_key(&self, patience: Duration) -> anyhow::Result<[u8; 32]> {
        let path = self.egress_key_file();
        let until = tokio::time::Instant::now() + patience;
        loop {
            match files::read_text(&path, limits::SECRET_FILE_BYTES_MAX) {
                Ok(text) => {
                    return bytes(text.trim())
                        .with_context(|| format!("`{}` holds no key: start the gate anew", path.display()));
                }
                Err(why) if tokio::time::Instant::now() >= until => {
                    bail!(
                        "the gate's verifying key `{}` {why}: start the gate, which writes it",
                        path.display()
                    )
                }
                Err(_) => tokio::time::sleep(limits::START_POLL).await,
            }
        }
    }

    fn egress_key_file(&self) -> PathBuf {
        self.0.join("egress.pub")
    }
}

fn bytes(text: &str) -> Option<[u8; 32]> {
    let mut key = [0; 32];
    hex::decode_to_slice(text, &mut key).ok()?;
    Some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roles::Role;

    #[tokio::test]
    async fn the_folder_is_private_and_its_socket_is_one_process() {
        let keep = tempfile::tempdir().expect("a folder");
        let path = keep.path().join("roles");
        let folder = Folder::open(&path).expect("made");
        let a = folder.link_key().expect("made").mac(&[b"x"]);
        assert_eq!(folder.link_key().expect("read").mac(&[b"x"]), a);
        let first = folder.listen(Role::Gate).await.expect("listens");
        let error = folder.listen(Role::Gate).await.expect_err("taken").to_string();
        assert!(error.contains("another gate"), "{error}");
        drop(first);
        folder.listen(Role::Gate).await.expect("what nobody answers is taken over");
        std::fs::write(path.join("egress.sock"), "").expect("written");
        assert!(folder.listen(Role::Egress).await.is_err(), "a file is not removed");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o750)).expect("opened");
        assert!(Folder::open(&path).expect_err("open to a group").to_string().contains("chmod 700"));
    }
}
