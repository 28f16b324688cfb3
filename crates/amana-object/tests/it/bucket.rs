//! A bucket on loopback.

use amana_core::Secret;
use amana_object::{Access, ObjectTiles};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;
use std::path::PathBuf;
use tokio::net::TcpListener;

pub(crate) const BUCKET: &str = "log";
const KEY: (&str, &str) = ("AMANA", "the secret of the key");

/// A server with one empty bucket.
pub(crate) struct Server {
    folder: tempfile::TempDir,
    pub(crate) endpoint: String,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join(BUCKET)).expect("a bucket");
        let mut service = S3ServiceBuilder::new(FileSystem::new(folder.path()).expect("a server"));
        service.set_auth(SimpleAuth::from_single(KEY.0, KEY.1));
        let service = service.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    let _ = Builder::new(TokioExecutor::new())
                        .serve_connection(TokioIo::new(socket), service)
                        .await;
                });
            }
        });
        Self { folder, endpoint }
    }

    /// The right key: its id and its secret.
    pub(crate) fn key(&self) -> (&'static str, &'static str) {
        KEY
    }

    /// How it is reached, with the right key.
    pub(crate) fn access(&self, url: &str) -> Access {
        Access {
            url: url.to_owned(),
            endpoint: Some(self.endpoint.clone()),
            region: None,
            key: Some((KEY.0.to_owned(), Secret::new(KEY.1))),
        }
    }

    pub(crate) fn tiles(&self, url: &str) -> ObjectTiles {
        ObjectTiles::new(&self.access(url)).expect("a bucket")
    }

    /// An object, as the server keeps it.
    pub(crate) fn object(&self, name: &str) -> PathBuf {
        self.folder.path().join(BUCKET).join(name)
    }
}
