//! That a log in a bucket is the log, and is not rewritten.

use crate::bucket::Server;
use amana_core::Secret;
use amana_log::Entry;
use amana_log::tiles::{MemoryTiles, TileRead, TileStore, TreeReader, TreeWriter};
use amana_object::{Access, ObjectError, ObjectTiles, limits};
use std::error::Error as _;
use std::io::ErrorKind;
use std::sync::Arc;

fn entry(number: u64) -> Entry {
    let mut label = [0; 32];
    label[..8].copy_from_slice(&number.to_be_bytes());
    Entry::Receipt { label, commit: [7; 32] }
}

/// Work that waits for the network, as the keeper of the log does it.
async fn waiting<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.expect("it ends")
}

/// As it grows, dies after it has written, and goes on from before that.
#[tokio::test(flavor = "multi_thread")]
async fn the_files_are_those_of_a_folder_whatever_died_between() {
    let server = Server::start().await;
    let tiles = Arc::new(server.tiles("s3://log/of/the-bank/"));
    waiting({
        let tiles = Arc::clone(&tiles);
        move || {
            let whole = MemoryTiles::new();
            let mut reference = TreeWriter::open(&whole, 0).unwrap();
            let mut durable = 0;
            for step in [1_u64, 254, 1, 1, 300, 900, 0, 600] {
                let mut lost = TreeWriter::open(&*tiles, durable).unwrap();
                for number in durable..durable + step {
                    lost.append(&entry(number));
                }
                lost.flush().unwrap();
                let mut writer = TreeWriter::open(&*tiles, durable).unwrap();
                for number in durable..durable + step {
                    writer.append(&entry(number));
                    reference.append(&entry(number));
                }
                writer.flush().unwrap();
                reference.flush().unwrap();
                durable += step;
                assert_eq!(writer.root(), reference.root());
                for (path, bytes) in whole.snapshot() {
                    assert_eq!(tiles.read(&path).unwrap().as_ref(), Some(&bytes), "{path}");
                }
            }
            let proof = TreeReader::new(&*tiles, durable).inclusion(700, durable).unwrap();
            assert_eq!(proof, TreeReader::new(&whole, durable).inclusion(700, durable).unwrap());
        }
    })
    .await;
    // Below the folder that the address names, and where nothing is half: what a full one has replaced is gone.
    assert!(server.object("of/the-bank/tile/0/000").is_file());
    assert!(!server.object("of/the-bank/tile/0/000.p").join("1").exists());
    assert!(!server.object("of/the-bank/tile/entries/000.p").join("1").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tile_is_never_written_over_and_a_checkpoint_is() {
    let server = Server::start().await;
    let tiles = server.tiles("s3://log");
    let kept = server.object("tile/0/000");
    waiting(move || {
        tiles.write("tile/0/000", b"the first").unwrap();
        tiles.write("tile/0/000", b"the first").unwrap();
        let refused = tiles.write("tile/0/000", b"another").unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::AlreadyExists, "{refused}");
        let all = [("tile/0/001", b"new".as_slice()), ("tile/0/000", b"another")];
        let (path, refused) = tiles.write_all(&all).unwrap_err();
        assert_eq!((path.as_str(), refused.kind()), ("tile/0/000", ErrorKind::AlreadyExists));
        for text in ["one", "another one"] {
            tiles.replace("checkpoint", text.as_bytes()).unwrap();
            assert_eq!(tiles.read("checkpoint").unwrap().unwrap(), text.as_bytes());
        }
        assert_eq!(tiles.read("tile/0/002").unwrap(), None);
        for foreign in ["../secret", "tile/0/1", "tile/0/000/../../x", ""] {
            assert_eq!(tiles.write(foreign, b"x").unwrap_err().kind(), ErrorKind::InvalidInput, "{foreign}");
        }
    })
    .await;
    assert_eq!(std::fs::read(&kept).unwrap(), b"the first");
    // What somebody else put there is not read to its end.
    std::fs::write(&kept, vec![0; usize::try_from(limits::FILE_BYTES_MAX).unwrap() + 1]).unwrap();
    let tiles = server.tiles("s3://log");
    let refused = waiting(move || tiles.read("tile/0/000").unwrap_err()).await;
    assert_eq!(refused.kind(), ErrorKind::InvalidData, "{refused}");
}

/// Two keepers of one log, as after a hand-over, and as two who are not one log's.
#[tokio::test(flavor = "multi_thread")]
async fn two_writers_of_the_same_agree_and_of_another_do_not() {
    let server = Server::start().await;
    let write = |from: u64| {
        let tiles = server.tiles("s3://log");
        waiting(move || {
            let mut writer = TreeWriter::open(tiles, 0).unwrap();
            for number in from..from + 600 {
                writer.append(&entry(number));
            }
            writer.flush().map_err(|error| format!("{error}: {}", error.source().unwrap()))
        })
    };
    let (one, other) = tokio::join!(write(0), write(0));
    assert_eq!((one, other), (Ok(()), Ok(())));
    let forked = write(1).await.unwrap_err();
    assert!(forked.contains("a log is not rewritten"), "{forked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_said_without_the_secret() {
    let server = Server::start().await;
    let secret = "not the secret of the key";
    let mut access = server.access("s3://log");
    access.key = Some(("AMANA".to_owned(), Secret::new(secret)));
    let tiles = ObjectTiles::new(&access).unwrap();
    let refused = waiting(move || tiles.write("tile/0/000", b"x").unwrap_err()).await;
    assert_eq!(refused.kind(), ErrorKind::PermissionDenied, "{refused:?}");
    assert!(!format!("{refused} {refused:?}").contains(secret));
    for url in ["log", "https://log", "s3://", "s3:///folder", "s3://UPPER", "s3://log/a//b", "s3://log?x=1"]
    {
        let access = Access { url: url.to_owned(), ..Access::default() };
        assert!(matches!(ObjectTiles::new(&access), Err(ObjectError::Url(said)) if said == url), "{url}");
    }
}

/// A store that is away, and then there again: the writer keeps what it could not write.
#[tokio::test(flavor = "multi_thread")]
async fn what_could_not_be_written_is_written_once_the_store_is_there() {
    let server = Server::start().await;
    let away = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = away.local_addr().unwrap();
    drop(away);
    let mut access = server.access("s3://log");
    access.endpoint = Some(format!("http://{address}"));
    let tiles = ObjectTiles::new(&access).unwrap();
    let there = server.endpoint.trim_start_matches("http://").to_owned();
    waiting(move || {
        let mut writer = TreeWriter::open(tiles, 0).unwrap();
        for number in 0..600 {
            writer.append(&entry(number));
        }
        writer.flush().unwrap_err();
        // It comes to be there at the address that was empty.
        let door = std::net::TcpListener::bind(address).unwrap();
        std::thread::spawn(move || {
            for socket in door.incoming().flatten() {
                let Ok(inside) = std::net::TcpStream::connect(&there) else { return };
                let (mut from, mut to) = (socket.try_clone().unwrap(), inside.try_clone().unwrap());
                std::thread::spawn(move || std::io::copy(&mut from, &mut to));
                let (mut from, mut to) = (inside, socket);
                std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            }
        });
        writer.flush().unwrap();
        assert_eq!(writer.store().read("tile/0/001").unwrap().unwrap().len(), 256 * 32);
    })
    .await;
}
