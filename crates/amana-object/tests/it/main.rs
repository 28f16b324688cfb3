//! The log's files in an object store, over HTTP, against a server that is not ours (`s3s-fs`): it checks each
//! request's signature, and `If-None-Match`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may fail loudly")]

#[expect(dead_code, reason = "the tests of the binary use the key")]
mod bucket;
mod tiles;
