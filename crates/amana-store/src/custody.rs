//! What is kept outside of the database: the wrapped root key, and a share of every customer's key.
//!
//! A customer's key in the database opens only together with its share. So the share's end is the customer's end, also
//! in every copy of the database that was ever made: erasure does not have to reach the backups. Therefore the custody
//! is **not** in those backups; `docs/keys.md` says how it is kept instead.
//!
//! Calls may block (a disk, a key management service). They are made when a customer is made, erased, or used for the
//! first time in a process; never per message.

use crate::limits::{CUSTODY_BUSY_WAIT, CUSTODY_PAGE_ROWS};
use amana_core::{CustomerId, Timestamp, micros};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use zeroize::Zeroizing;

/// 32 random bytes without which the key that they belong to does not open. Wiped when dropped.
pub type Share = Zeroizing<[u8; 32]>;

/// Whose share it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// A customer's key.
    Customer(CustomerId),
    /// A job whose work must outlive the customer's key: what a bank is told after an erasure.
    Job([u8; 16]),
}

impl Holder {
    fn columns(&self) -> (i64, &[u8; 16]) {
        match self {
            Self::Customer(id) => (0, id.as_bytes()),
            Self::Job(id) => (1, id),
        }
    }
}

/// Why the custody did not do what it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CustodyError {
    /// The share was destroyed, and there will be no other one.
    #[error("the customer was erased; there is no key for the id any more")]
    Destroyed,
    /// It could not be reached, read or written.
    #[error("the key custody is not available: {0}; check its file, its permissions and the disk")]
    Away(String),
}

/// Where the shares are. The file implementation is [`SqliteCustody`]; a key management service can stand here.
pub trait Custody: Send + Sync {
    /// Keeps `fresh` as the holder's share, durably, or answers the one that is there already.
    ///
    /// # Errors
    /// [`CustodyError::Destroyed`] for a customer who was erased; [`CustodyError::Away`] when nothing was kept.
    fn keep(&self, holder: Holder, fresh: &Share, at: Timestamp) -> Result<Share, CustodyError>;
    /// The holder's share; `None` if it was destroyed or never there.
    ///
    /// # Errors
    /// [`CustodyError::Away`].
    fn share(&self, holder: Holder) -> Result<Option<Share>, CustodyError>;
    /// Destroys a share, durably; it is remembered that it was. Twice is once.
    ///
    /// # Errors
    /// [`CustodyError::Away`]: the share may still be there.
    fn destroy(&self, holder: Holder, at: Timestamp) -> Result<(), CustodyError>;
    /// The customers whose shares were destroyed, in the order of their ids, from the one after `after` on; a bounded
    /// number of them.
    ///
    /// # Errors
    /// [`CustodyError::Away`].
    fn destroyed(&self, after: Option<CustomerId>) -> Result<Vec<CustomerId>, CustodyError>;
    /// Whether a job's share was destroyed here. One that is not there and was not destroyed is lost.
    ///
    /// # Errors
    /// [`CustodyError::Away`].
    fn is_over(&self, job: [u8; 16]) -> Result<bool, CustodyError>;
    /// Jobs whose shares were kept before `before`, a bounded number of them.
    ///
    /// # Errors
    /// [`CustodyError::Away`].
    fn old_jobs(&self, before: Timestamp) -> Result<Vec<[u8; 16]>, CustodyError>;
    /// The root key, wrapped under the master key; `None` in a new custody.
    ///
    /// # Errors
    /// [`CustodyError::Away`].
    fn root(&self) -> Result<Option<Vec<u8>>, CustodyError>;
    /// Keeps the wrapped root key in place of `expected`, durably; answers what is there now.
    ///
    /// # Errors
    /// [`CustodyError::Away`].
    fn set_root(&self, expected: Option<&[u8]>, wrapped: &[u8]) -> Result<Vec<u8>, CustodyError>;
}

/// A custody in one SQLite file of its own, which overwrites what it deletes.
pub struct SqliteCustody(Mutex<Connection>);

impl From<rusqlite::Error> for CustodyError {
    fn from(error: rusqlite::Error) -> Self {
        // SQLite's texts name tables and constraints, never values.
        Self::Away(error.to_string())
    }
}

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS share (
    kind INTEGER NOT NULL,
    id BLOB NOT NULL,
    share BLOB NOT NULL,
    kept_at INTEGER NOT NULL,
    PRIMARY KEY (kind, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS destroyed (
    id BLOB NOT NULL PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS job_over (
    id BLOB NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS root (
    one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    wrapped BLOB NOT NULL
) STRICT;
";

impl SqliteCustody {
    /// Opens the file; makes it if `may_make` and it is not there (readable by its owner alone).
    ///
    /// # Errors
    /// When it cannot be opened or made.
    pub fn open(path: &Path, may_make: bool) -> Result<Self, CustodyError> {
        let away = |error: std::io::Error| CustodyError::Away(format!("`{}`: {error}", path.display()));
        if may_make {
            if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                let mut builder = std::fs::DirBuilder::new();
                builder.recursive(true);
                #[cfg(unix)]
                std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
                builder.create(parent).map_err(away)?;
            }
            let mut options = std::fs::OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            drop(options.open(path).map_err(away)?);
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags)
            .map_err(|error| CustodyError::Away(format!("`{}`: {error}", path.display())))?;
        conn.busy_timeout(CUSTODY_BUSY_WAIT)?;
        // A rollback journal that is deleted, not a WAL, which would keep what was deleted for a while. `EXTRA` also
        // syncs the folder, so that a destroyed share does not come back from the journal after a power cut.
        conn.execute_batch(
            "PRAGMA secure_delete = ON; PRAGMA journal_mode = DELETE; PRAGMA synchronous = EXTRA; \
             PRAGMA trusted_schema = OFF;",
        )?;
        conn.execute_batch(&format!("BEGIN IMMEDIATE; {SCHEMA} COMMIT;"))?;
        Ok(Self(Mutex::new(conn)))
    }

    fn conn(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn as_share(bytes: Vec<u8>) -> Result<Share, CustodyError> {
    let bytes = Zeroizing::new(bytes);
    <[u8; 32]>::try_from(bytes.as_slice())
        .map(Zeroizing::new)
        .map_err(|_| CustodyError::Away("a share has another length".to_owned()))
}

fn as_id(bytes: &[u8]) -> Result<[u8; 16], CustodyError> {
    bytes.try_into().map_err(|_| CustodyError::Away("an id has another length".to_owned()))
}

fn rows() -> i64 {
    i64::try_from(CUSTODY_PAGE_ROWS).unwrap_or(i64::MAX)
}

impl Custody for SqliteCustody {
    fn keep(&self, holder: Holder, fresh: &Share, at: Timestamp) -> Result<Share, CustodyError> {
        let (kind, id) = holder.columns();
        let mut conn = self.conn();
        let work = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let gone = work.query_row("SELECT 1 FROM destroyed WHERE id = ?1", [id.as_slice()], |_| Ok(()));
        if kind == 0 && gone.optional()?.is_some() {
            return Err(CustodyError::Destroyed);
        }
        work.execute(
            "INSERT INTO share (kind, id, share, kept_at) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING",
            (kind, id.as_slice(), fresh.as_slice(), micros(at)),
        )?;
        let kept = work.query_row(
            "SELECT share FROM share WHERE kind = ?1 AND id = ?2",
            (kind, id.as_slice()),
            |row| row.get(0),
        )?;
        work.commit()?;
        as_share(kept)
    }

    fn share(&self, holder: Holder) -> Result<Option<Share>, CustodyError> {
        let (kind, id) = holder.columns();
        let conn = self.conn();
        let mut query = conn.prepare_cached("SELECT share FROM share WHERE kind = ?1 AND id = ?2")?;
        let found = query.query_row((kind, id.as_slice()), |row| row.get(0)).optional()?;
        found.map(as_share).transpose()
    }

    fn destroy(&self, holder: Holder, at: Timestamp) -> Result<(), CustodyError> {
        let (kind, id) = holder.columns();
        let mut conn = self.conn();
        let work = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        let gone = work.execute("DELETE FROM share WHERE kind = ?1 AND id = ?2", (kind, id.as_slice()))?;
        // Most jobs have no share: nothing is remembered of those.
        if kind == 1 && gone > 0 {
            work.execute("INSERT INTO job_over (id) VALUES (?1) ON CONFLICT DO NOTHING", [id.as_slice()])?;
        }
        if kind == 0 {
            work.execute(
                "INSERT INTO destroyed (id, at) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                (id.as_slice(), micros(at)),
            )?;
        }
        Ok(work.commit()?)
    }

    fn destroyed(&self, after: Option<CustomerId>) -> Result<Vec<CustomerId>, CustodyError> {
        let after = after.map(|id| id.as_bytes().to_vec()).unwrap_or_default();
        let conn = self.conn();
        let mut query = conn.prepare_cached("SELECT id FROM destroyed WHERE id > ?1 ORDER BY id LIMIT ?2")?;
        let ids = query.query_map((after, rows()), |row| row.get::<_, Vec<u8>>(0))?;
        ids.map(|id| as_id(&id?).map(CustomerId::from_bytes)).collect()
    }

    fn is_over(&self, job: [u8; 16]) -> Result<bool, CustodyError> {
        let conn = self.conn();
        let mut query = conn.prepare_cached("SELECT 1 FROM job_over WHERE id = ?1")?;
        Ok(query.query_row([job.as_slice()], |_| Ok(())).optional()?.is_some())
    }

    fn old_jobs(&self, before: Timestamp) -> Result<Vec<[u8; 16]>, CustodyError> {
        let conn = self.conn();
        let mut query = conn.prepare_cached(
            "SELECT id FROM share WHERE kind = 1 AND kept_at < ?1 ORDER BY kept_at LIMIT ?2",
        )?;
        let ids = query.query_map((micros(before), rows()), |row| row.get::<_, Vec<u8>>(0))?;
        ids.map(|id| as_id(&id?)).collect()
    }

    fn root(&self) -> Result<Option<Vec<u8>>, CustodyError> {
        let conn = self.conn();
        Ok(conn.query_row("SELECT wrapped FROM root", [], |row| row.get(0)).optional()?)
    }

    fn set_root(&self, expected: Option<&[u8]>, wrapped: &[u8]) -> Result<Vec<u8>, CustodyError> {
        let mut conn = self.conn();
        let work = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        match expected {
            None => work.execute(
                "INSERT INTO root (one, wrapped) VALUES (1, ?1) ON CONFLICT DO NOTHING",
                [wrapped],
            )?,
            Some(expected) => {
                work.execute("UPDATE root SET wrapped = ?1 WHERE wrapped = ?2", (wrapped, expected))?
            }
        };
        let now = work.query_row("SELECT wrapped FROM root", [], |row| row.get(0))?;
        work.commit()?;
        Ok(now)
    }
}

/// A custody that ends with the process: for tests, and for whatever must leave nothing behind.
#[derive(Default)]
pub struct MemoryCustody(Mutex<Held>);

#[derive(Default)]
struct Held {
    shares: BTreeMap<Holder, (Share, Timestamp)>,
    destroyed: BTreeSet<CustomerId>,
    jobs_over: BTreeSet<[u8; 16]>,
    root: Option<Vec<u8>>,
}

impl MemoryCustody {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Custody for MemoryCustody {
    fn keep(&self, holder: Holder, fresh: &Share, at: Timestamp) -> Result<Share, CustodyError> {
        let mut held = self.held();
        if matches!(holder, Holder::Customer(id) if held.destroyed.contains(&id)) {
            return Err(CustodyError::Destroyed);
        }
        Ok(held.shares.entry(holder).or_insert_with(|| (fresh.clone(), at)).0.clone())
    }
    fn share(&self, holder: Holder) -> Result<Option<Share>, CustodyError> {
        Ok(self.held().shares.get(&holder).map(|(share, _)| share.clone()))
    }
    fn destroy(&self, holder: Holder, _: Timestamp) -> Result<(), CustodyError> {
        let mut held = self.held();
        let gone = held.shares.remove(&holder).is_some();
        match holder {
            Holder::Customer(id) => drop(held.destroyed.insert(id)),
            Holder::Job(id) if gone => drop(held.jobs_over.insert(id)),
            Holder::Job(_) => {}
        }
        Ok(())
    }
    fn is_over(&self, job: [u8; 16]) -> Result<bool, CustodyError> {
        Ok(self.held().jobs_over.contains(&job))
    }
    fn destroyed(&self, after: Option<CustomerId>) -> Result<Vec<CustomerId>, CustodyError> {
        let later = |id: &&CustomerId| after.is_none_or(|after| **id > after);
        Ok(self.held().destroyed.iter().filter(later).take(CUSTODY_PAGE_ROWS).copied().collect())
    }
    fn old_jobs(&self, before: Timestamp) -> Result<Vec<[u8; 16]>, CustodyError> {
        let held = self.held();
        let old = held.shares.iter().filter_map(|(holder, (_, at))| match holder {
            Holder::Job(id) if *at < before => Some(*id),
            _ => None,
        });
        Ok(old.take(CUSTODY_PAGE_ROWS).collect())
    }
    fn root(&self) -> Result<Option<Vec<u8>>, CustodyError> {
        Ok(self.held().root.clone())
    }
    fn set_root(&self, expected: Option<&[u8]>, wrapped: &[u8]) -> Result<Vec<u8>, CustodyError> {
        let mut held = self.held();
        if held.root.as_deref() == expected {
            held.root = Some(wrapped.to_vec());
        }
        held.root.clone().ok_or_else(|| CustodyError::Away("there is no root key".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use amana_core::from_micros;

    fn share(n: u8) -> Share {
        Zeroizing::new([n; 32])
    }

    fn behaves(custody: &dyn Custody) {
        let (a, b) = (CustomerId::from_bytes([1; 16]), CustomerId::from_bytes([2; 16]));
        let (job, at) = ([3; 16], from_micros(5));
        assert_eq!(custody.share(Holder::Customer(a)), Ok(None));
        assert_eq!(custody.keep(Holder::Customer(a), &share(1), at), Ok(share(1)));
        assert_eq!(custody.keep(Holder::Customer(a), &share(9), at), Ok(share(1)), "the first one stays");
        assert_eq!(custody.keep(Holder::Customer(b), &share(2), at), Ok(share(2)));
        assert_eq!(custody.keep(Holder::Job(job), &share(3), at), Ok(share(3)));
        assert_eq!(custody.old_jobs(from_micros(5)), Ok(vec![]));
        assert_eq!(custody.old_jobs(from_micros(6)), Ok(vec![job]));

        for _ in 0..2 {
            custody.destroy(Holder::Customer(a), at).expect("destroyed");
            custody.destroy(Holder::Job(job), at).expect("destroyed");
        }
        assert_eq!(custody.share(Holder::Customer(a)), Ok(None));
        assert_eq!(custody.keep(Holder::Customer(a), &share(4), at), Err(CustodyError::Destroyed));
        assert_eq!(custody.share(Holder::Customer(b)), Ok(Some(share(2))), "others are left alone");
        assert_eq!((custody.is_over(job), custody.is_over([4; 16])), (Ok(true), Ok(false)));
        custody.destroy(Holder::Job([4; 16]), at).expect("destroyed");
        assert_eq!(custody.is_over([4; 16]), Ok(false), "there was none");
        custody.destroy(Holder::Customer(b), at).expect("destroyed");
        assert_eq!(custody.destroyed(None), Ok(vec![a, b]));
        assert_eq!(custody.destroyed(Some(a)), Ok(vec![b]));

        assert_eq!(custody.root(), Ok(None));
        assert_eq!(custody.set_root(None, b"one"), Ok(b"one".to_vec()));
        assert_eq!(custody.set_root(None, b"two"), Ok(b"one".to_vec()), "there is one already");
        assert_eq!(custody.set_root(Some(b"zero"), b"two"), Ok(b"one".to_vec()));
        assert_eq!(custody.set_root(Some(b"one"), b"two"), Ok(b"two".to_vec()));
        assert_eq!(custody.root(), Ok(Some(b"two".to_vec())));
    }

    #[test]
    fn custodies_keep_and_destroy() {
        behaves(&MemoryCustody::default());
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("keys").join("custody.sqlite");
        assert!(SqliteCustody::open(&path, false).is_err(), "it is not made by looking");
        behaves(&SqliteCustody::open(&path, true).expect("opens"));
    }

    #[test]
    fn a_destroyed_share_is_nowhere_in_the_files() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("custody.sqlite");
        let custody = SqliteCustody::open(&path, true).expect("opens");
        // Enough of them that pages split, and shares that a search finds.
        for n in 0..200u8 {
            let holder = Holder::Customer(CustomerId::from_bytes([n; 16]));
            custody.keep(holder, &Zeroizing::new([n ^ 0xA5; 32]), from_micros(0)).expect("kept");
        }
        let found = |share: [u8; 32]| {
            let files =
                std::fs::read_dir(folder.path()).expect("a folder").map(|f| f.expect("a file").path());
            files.filter(|f| std::fs::read(f).expect("reads").windows(32).any(|w| w == share)).count()
        };
        assert_eq!(found([77 ^ 0xA5; 32]), 1, "the search finds what is there");
        custody
            .destroy(Holder::Customer(CustomerId::from_bytes([77; 16])), from_micros(1))
            .expect("destroyed");
        assert_eq!(found([77 ^ 0xA5; 32]), 0);
        assert_eq!(found([78 ^ 0xA5; 32]), 1);
    }
}
