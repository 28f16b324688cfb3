//! `serve` with a provider's profile against `amana sandbox bank --profile`: what the profile's bank agrees to holds
//! from the first message on.

use crate::chat::{Chat, Till, link};
use crate::process::folder;
use crate::serve::World;

/// Chase declines the details of transactions. A new deployment that says nothing of an agreement begins with that: the
/// customer hears that there is something, and reads it on our own sealed pages.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_deployment_with_chase_tells_of_transactions_by_notices_only() {
    let (keep, _) = folder();
    let mut world = World::start_as(keep.path(), "chase");
    world.serve().await;
    let said = world.says(&["messenger", "setup"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let said = world.says(&["agreement", "list"]);
    assert!(said.out.starts_with("harbor-bank page:55 active"), "{}", said.out);
    let said = world.says(&["doctor"]);
    assert!(said.code == Some(0) && said.out.contains("not tried against the bank itself"), "{}", said.out);

    let chat = Chat::new(&world.chat_url, "55", "you");
    let done = link(&chat, "harbor-bank", "sam", "notice").await;
    assert!(done.status.is_success(), "{}", done.text());
    chat.hears(0, "is linked").await;
    let before = chat.said().await.len();
    Till::new(&world.bank_url, "harbor-bank").buy("sam", "Amazon.com", "59.99").await;
    chat.hears(before, "Harbor Bank").await;
    chat.ask("show my last transactions", "Harbor Bank").await;
    chat.ask("what is my balance?", "Harbor Bank").await;
    let heard = chat.said().await.concat();
    for detail in ["59.99", "Amazon", "$"] {
        assert!(!heard.contains(detail), "`{detail}` is in the chat: {heard}");
    }
}
