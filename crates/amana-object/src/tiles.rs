//! [`TileStore`] in a bucket.

use crate::limits::{AT_ONCE, CONNECT_TIMEOUT, FILE_BYTES_MAX, REQUEST_TIMEOUT, RETRIES, RETRY_FOR};
use amana_core::Secret;
use amana_log::tiles::{Resource, TileRead, TileStore};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, ClientOptions, Error, ObjectStore as _, ObjectStoreExt as _, PutMode, PutOptions,
    PutPayload, RetryConfig,
};
use std::io;
use tokio::runtime::Handle;

/// How the bucket is reached.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// `s3://bucket` or `s3://bucket/folder`.
    pub url: String,
    /// The service's address (`https://host`), where it is not Amazon's own; the bucket is the first part of the path.
    /// Plain http is the caller's to refuse.
    pub endpoint: Option<String>,
    /// The region that requests are signed for; `us-east-1` if it is not said.
    pub region: Option<String>,
    /// The key's id, and its secret. Without them the machine's own: the variables `AWS_…`, a web identity, a role.
    pub key: Option<(String, Secret)>,
}

/// Why a bucket cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// The address does not name one.
    #[error("`{0}` is no bucket: it must be `s3://bucket` or `s3://bucket/folder`")]
    Url(String),
    /// The library refuses what it was given.
    #[error("the object store cannot be used: {0}")]
    Refused(String),
}

/// The files of a log in a bucket.
///
/// Its functions wait for the network, so they must be called from a thread that may wait (`spawn_blocking`).
pub struct ObjectTiles {
    bucket: AmazonS3,
    folder: Path,
    runtime: Handle,
}

impl ObjectTiles {
    /// The bucket that an address names, and the folder in it.
    ///
    /// # Errors
    /// When it names none.
    pub fn named(url: &str) -> Result<(&str, Path), ObjectError> {
        let no_bucket = || ObjectError::Url(url.to_owned());
        let named = url.strip_prefix("s3://").ok_or_else(no_bucket)?;
        let (bucket, folder) = named.split_once('/').unwrap_or((named, ""));
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '.';
        if bucket.is_empty() || !bucket.chars().all(plain) {
            return Err(no_bucket());
        }
        let folder = Path::parse(folder.trim_end_matches('/')).map_err(|_| no_bucket())?;
        Ok((bucket, folder))
    }

    /// The bucket; nothing is asked yet.
    ///
    /// # Errors
    /// When it is not named well, or what it is to be reached with cannot be used.
    ///
    /// # Panics
    /// Outside of a tokio runtime, in which the requests are made.
    pub fn new(access: &Access) -> Result<Self, ObjectError> {
        let (bucket, folder) = Self::named(&access.url)?;
        // The first one stays; all of ours are this.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = match &access.key {
            // Then nothing of the machine's own is taken in its place.
            Some((id, secret)) => {
                AmazonS3Builder::new().with_access_key_id(id).with_secret_access_key(secret.expose())
            }
            None => AmazonS3Builder::from_env(),
        };
        let mut builder = builder
            .with_bucket_name(bucket)
            .with_retry(RetryConfig {
                max_retries: RETRIES,
                retry_timeout: RETRY_FOR,
                ..RetryConfig::default()
            })
            .with_client_options(
                ClientOptions::new()
                    .with_timeout(REQUEST_TIMEOUT)
                    .with_connect_timeout(CONNECT_TIMEOUT)
                    .with_allow_http(access.endpoint.as_ref().is_some_and(|url| url.starts_with("http://"))),
            );
        if let Some(endpoint) = &access.endpoint {
            builder = builder
                .with_endpoint(endpoint.trim_end_matches('/'))
                .with_virtual_hosted_style_request(false);
        }
        if let Some(region) = &access.region {
            builder = builder.with_region(region);
        }
        let bucket = builder.build().map_err(|error| ObjectError::Refused(error.to_string()))?;
        Ok(Self { bucket, folder, runtime: Handle::current() })
    }

    /// Only a path that a log has reaches the bucket.
    fn place(&self, path: &str) -> io::Result<(Path, Resource)> {
        let Some(resource) = Resource::parse(path) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no file of a log has this path"));
        };
        let parts = self.folder.parts().chain(Path::from(path).parts()).collect();
        Ok((parts, resource))
    }

    async fn get(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let (place, _) = self.place(path)?;
        match self.bucket.get(&place).await {
            Ok(found) if found.meta.size > FILE_BYTES_MAX => {
                Err(io::Error::new(io::ErrorKind::InvalidData, "no file of a log is so long"))
            }
            Ok(found) => Ok(Some(found.bytes().await.map_err(failed)?.to_vec())),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    async fn put(&self, path: &str, bytes: &[u8], mode: PutMode) -> io::Result<Result<(), Error>> {
        let (place, resource) = self.place(path)?;
        // As the gateway itself serves them: so the bucket, or what stands before it, can.
        let cache = if resource.immutable() { "public, max-age=31536000, immutable" } else { "no-cache" };
        let attributes = Attributes::from_iter([
            (Attribute::ContentType, resource.content_type()),
            (Attribute::CacheControl, cache),
        ]);
        let options = PutOptions { mode, attributes, ..PutOptions::default() };
        Ok(self.bucket.put_opts(&place, PutPayload::from(bytes.to_vec()), options).await.map(drop))
    }

    /// Writes a file that never changes; one that is there must have these bytes.
    async fn create(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        match self.put(path, bytes, PutMode::Create).await? {
            Ok(()) => Ok(()),
            // Also what an answer that was lost has written already.
            Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => match self.get(path).await? {
                Some(old) if old == bytes => Ok(()),
                Some(_) => Err(io::Error::new(
                    io::ErrorKind::AlreadyExists,
                    "the file exists with other content, and a log is not rewritten",
                )),
                None => Err(io::Error::other(
                    "the object store says that it has the file, and then that it has not",
                )),
            },
            Err(error) => Err(failed(error)),
        }
    }

    async fn drop_partial(&self, path: &str) -> io::Result<()> {
        let (full, _) = self.place(path)?;
        let folder = Path::from(format!("{full}.p"));
        let found = self.bucket.list(Some(&folder)).map_ok(|object| object.location).boxed();
        self.bucket.delete_stream(found).try_for_each(|_| async { Ok(()) }).await.map_err(failed)
    }
}

/// What the store said, without what it was asked with: its errors name paths and codes, never keys.
fn failed(error: Error) -> io::Error {
    let kind = match &error {
        Error::PermissionDenied { .. } | Error::Unauthenticated { .. } => io::ErrorKind::PermissionDenied,
        Error::NotFound { .. } => io::ErrorKind::NotFound,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}

impl TileRead for ObjectTiles {
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        self.runtime.block_on(self.get(path))
    }
}

impl TileStore for ObjectTiles {
    fn write(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.runtime.block_on(self.create(path, bytes))
    }

    fn replace(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        self.runtime.block_on(self.put(path, bytes, PutMode::Overwrite))?.map_err(failed)
    }

    fn write_all(&self, files: &[(&str, &[u8])]) -> Result<(), (String, io::Error)> {
        let written = stream::iter(files).map(|(path, bytes)| async move {
            self.create(path, bytes).await.map_err(|error| ((*path).to_owned(), error))
        });
        self.runtime.block_on(written.buffer_unordered(AT_ONCE).try_for_each(|()| async { Ok(()) }))
    }

    fn drop_partials(&self, paths: &[&str]) -> io::Result<()> {
        let dropped = stream::iter(paths).map(|path| self.drop_partial(path));
        let dropped = dropped.buffer_unordered(AT_ONCE);
        // One that fails keeps no other.
        self.runtime.block_on(dropped.fold(Ok(()), |done, one| async { done.and(one) }))
    }
}
