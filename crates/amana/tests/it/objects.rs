//! The log's files in a bucket instead of a folder, on an S3 server that is not ours.

use crate::bucket::Server;
use crate::chat::{Chat, link};
use crate::process::{amana_says, folder};
use crate::serve::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_in_a_bucket_is_served_audited_and_gone_on_with() {
    let (keep, _) = folder();
    let bucket = Server::start().await;
    let mut world = World::start(keep.path());
    assert_eq!(world.says(&["migrate"]).code, Some(0));
    let said = world.says(&["audit", "key"]);
    let vkey = said.out.trim().to_owned();
    let secret = keep.path().join("bucket.secret");
    std::fs::write(&secret, format!("{}\n", bucket.key().1)).expect("written");
    let config = std::fs::read_to_string(&world.config).expect("read");
    let section = format!(
        "[disclosure_log]\nbucket = \"s3://log/of/a-cell\"\nbucket_endpoint = \"{}\"\nbucket_key_id = \"{}\"\n\
         bucket_secret_file = \"{}\"\n[messenger]\n",
        bucket.endpoint,
        bucket.key().0,
        secret.display(),
    );
    std::fs::write(&world.config, config.replace("[messenger]\n", &section)).expect("written");
    world.serve().await;
    assert_eq!(world.says(&["messenger", "setup"]).code, Some(0));
    let chat = Chat::new(&world.chat_url, "55", "you");
    link(&chat, "harbor-bank", "sam", "detail").await;
    chat.hears(0, "is linked").await;
    let audited = async |size: u64, chat: &Chat, world: &World| {
        // Until the checkpoint has grown past what was there.
        let url = format!("{}/log/checkpoint", world.gateway_url);
        let mut now = size;
        for _ in 0..200 {
            let note = crate::browser::client().get(&url).send().await.expect("an answer").text().await;
            let line = note.expect("text").lines().nth(1).and_then(|line| line.parse().ok());
            now = line.unwrap_or_default();
            if now > size {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert!(now > size, "no checkpoint beyond {size}");
        let log = format!("{}/log", world.gateway_url);
        let said = amana_says(&["audit", "log", "--url", &log, "--vkey", &vkey]);
        assert!(said.code == Some(0) && said.out.contains("good:"), "{}{}", said.out, said.err);
        chat.ask("what is my balance?", "Harbor Bank").await;
        now
    };
    let size = audited(0, &chat, &world).await;
    // It dies and goes on from what is in the bucket.
    world.kill();
    world.serve().await;
    audited(size, &chat, &world).await;

    // What is in the bucket is the log, without the gateway.
    let files = bucket.object("of/a-cell");
    let said = amana_says(&["audit", "log", "--dir", files.to_str().expect("text"), "--vkey", &vkey]);
    assert!(said.code == Some(0) && said.out.contains("good:"), "{}{}", said.out, said.err);
    assert!(!keep.path().join("db").join("log").exists());
    let said = world.says(&["doctor"]);
    assert!(said.out.contains("what is published is this database's"), "{}{}", said.out, said.err);
}
