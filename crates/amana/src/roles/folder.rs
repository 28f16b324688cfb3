//! The folder in which the processes find each other.
//!
//! Of one user: a private folder (0700) with all sockets. Of several (`[roles] separate_users`): a folder that only its
//! owner may write to, with one folder for each role that listens, which the role's user owns and the group of its
//! callers may enter. So nobody can listen in another's place, and the gate alone reaches connector and egress.

use super::Role;
use crate::ambient::OsEntropy;
use crate::config::Roles;
use crate::{files, limits};
use amana_gate::DataKey;
use anyhow::{Context as _, bail};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};
use zeroize::Zeroizing;

/// Where the processes meet.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Whether each role is a Unix user of its own.
    separate: bool,
    link_key_file: Option<PathBuf>,
}

impl Folder {
    /// The folder of this configuration; made if it is not there and all roles are one user's.
    ///
    /// # Errors
    /// When it cannot be made, or others may do there what they must not.
    pub(crate) fn open(roles: &Roles) -> anyhow::Result<Self> {
        let link_key_file = roles.link_key_file.clone();
        let (path, separate) = (roles.folder.clone(), roles.separate_users);
        if separate {
            Self::check_shared(&path)?;
        } else {
            Self::check_private(&path)?;
        }
        Ok(Self { path, separate, link_key_file })
    }

    /// Whoever may write to the folder may put a socket of their own into it, and be taken for a role.
    fn check_shared(path: &Path) -> anyhow::Result<()> {
        let shown = path.display();
        let there = std::fs::metadata(path).map_err(|e| {
            anyhow::anyhow!(
                "the folder of the roles `{shown}` cannot be read ({}): with `separate_users` it is made beforehand",
                files::plain(&e)
            )
        })?;
        let own = rustix::process::geteuid().as_raw();
        let replaceable = there.permissions().mode() & 0o022 != 0 || (there.uid() == own && own != 0);
        if !there.is_dir() || replaceable {
            bail!(
                "the folder of the roles `{shown}` must be root's (or another's than the roles'), and only its owner may write to it: `chmod 755`"
            );
        }
        Ok(())
    }

    fn check_private(path: &Path) -> anyhow::Result<()> {
        let shown = path.display();
        files::make_private_folder(path).map_err(|e| {
            anyhow::anyhow!("the folder of the roles `{shown}` cannot be made ({})", files::plain(&e))
        })?;
        let mode =
            std::fs::metadata(path).with_context(|| format!("the folder `{shown}`"))?.permissions().mode();
        if mode & 0o077 != 0 {
            bail!("others may enter the folder of the roles: `chmod 700 {shown}`");
        }
        Ok(())
    }

    /// The folder of one role.
    fn of(&self, role: Role) -> PathBuf {
        if self.separate { self.path.join(role.as_str()) } else { self.path.clone() }
    }

    /// Where a role listens.
    pub(crate) fn socket(&self, role: Role) -> PathBuf {
        self.of(role).join(format!("{role}.sock"))
    }

    /// That a role's own folder is its own: nobody else may write there, and nobody enter but its group.
    fn check_own(&self, role: Role) -> anyhow::Result<()> {
        let own = self.of(role);
        let shown = own.display();
        let there = std::fs::metadata(&own).map_err(|e| {
            anyhow::anyhow!(
                "the folder of the {role} role `{shown}` cannot be read ({}): with `separate_users` it is made beforehand",
                files::plain(&e)
            )
        })?;
        let owner = there.uid() == rustix::process::geteuid().as_raw();
        if !there.is_dir() || !owner || there.permissions().mode() & 0o027 != 0 {
            bail!(
                "the folder `{shown}` must be the {role} role's own, and its group may enter it, nobody else: `chmod 2750`"
            );
        }
        Ok(())
    }

    /// Listens where the role does. A socket that nobody answers any more is taken over.
    ///
    /// # Errors
    /// When another process listens there, or the path cannot be used.
    pub(crate) async fn listen(&self, role: Role) -> anyhow::Result<UnixListener> {
        if self.separate {
            self.check_own(role)?;
        }
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
        // Before this line whoever may enter the folder may connect: its group, who may afterwards, too.
        let mode = if self.separate { 0o660 } else { 0o600 };
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))
            .map_err(|e| anyhow::anyhow!("`{shown}` cannot be closed to others ({})", files::plain(&e)))?;
        Ok(listener)
    }

    /// The key under which the connector seals what a bank said, for the gate. Whoever of the two is first makes it,
    /// unless a file is named for it.
    ///
    /// # Errors
    /// When it cannot be made or read.
    pub(crate) fn link_key(&self) -> anyhow::Result<DataKey> {
        let path = self.link_key_file.clone().unwrap_or_else(|| self.path.join("connector.key"));
        if !path.exists() && self.link_key_file.is_none() {
            let fresh = Zeroizing::new(format!("{}\n", OsEntropy::hex::<32>()));
            // Written beside and linked: two that make it at once end with one and the same.
            let beside = self.path.join(format!("connector.key.{}", std::process::id()));
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
        if self.separate {
            // It is pinned in egress's configuration: a file would be for nobody.
            return Ok(());
        }
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
        self.path.join("egress.pub")
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

    fn roles(folder: &Path) -> Roles {
        Roles {
            folder: folder.to_owned(),
            flags_url: None,
            egress_key: None,
            separate_users: false,
            link_key_file: None,
        }
    }

    #[tokio::test]
    async fn the_folder_is_private_and_its_socket_is_one_process() {
        let keep = tempfile::tempdir().expect("a folder");
        let path = keep.path().join("roles");
        let folder = Folder::open(&roles(&path)).expect("made");
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
        assert!(Folder::open(&roles(&path)).expect_err("open to a group").to_string().contains("chmod 700"));
    }

    #[tokio::test]
    async fn of_several_users_nobody_can_stand_in_anothers_place() {
        let keep = tempfile::tempdir().expect("a folder");
        let path = keep.path().join("run");
        let chmod = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("changed");
        };
        let shared = Roles { separate_users: true, ..roles(&path) };
        let refused = || Folder::open(&shared).expect_err("refused").to_string();
        assert!(refused().contains("made beforehand"));
        std::fs::create_dir(&path).expect("made");
        for mode in [0o775, 0o757, 0o777] {
            chmod(&path, mode);
            assert!(refused().contains("only its owner may write"), "{mode:o}");
        }
        chmod(&path, 0o755);
        if rustix::process::geteuid().as_raw() != 0 {
            // A role that owns the folder could put another's away.
            assert!(refused().contains("must be root's"));
            return;
        }
        let folder = Folder::open(&shared).expect("good");
        let error = folder.listen(Role::Gate).await.expect_err("no folder of its own").to_string();
        assert!(error.contains("the gate role") && error.contains("made beforehand"), "{error}");
        let own = path.join("gate");
        std::fs::create_dir(&own).expect("made");
        for mode in [0o770, 0o755, 0o751, 0o707] {
            chmod(&own, mode);
            let error = folder.listen(Role::Gate).await.expect_err("open to others").to_string();
            assert!(error.contains("chmod 2750"), "{mode:o}: {error}");
        }
        chmod(&own, 0o750);
        std::os::unix::fs::chown(&own, Some(61_009), None).expect("root may");
        assert!(folder.listen(Role::Gate).await.is_err(), "another's");
        std::os::unix::fs::chown(&own, Some(0), None).expect("root may");
        let _listener = folder.listen(Role::Gate).await.expect("listens");
        let mode = std::fs::metadata(own.join("gate.sock")).expect("a socket").permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
    }
}
