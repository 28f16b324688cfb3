//! What is kept, for how long, under which key, and its end: the operator's commands beside a gateway that runs.

use crate::browser::Browser;
use crate::chat::{Chat, link, through_the_bank};
use crate::process::{amana_says, folder, run};
use crate::serve::World;
use std::path::Path;
use std::time::Duration;

/// Everything about the customer who signs in at the bank, as their privacy page gives it.
async fn export(world: &World) -> serde_json::Value {
    let mut browser = Browser::new();
    let page = browser.open(&format!("{}/privacy", world.gateway_url)).await;
    let enter = page.form("/privacy/sign-in").with("institution", "harbor-bank");
    let login = browser.submit(&page, enter).await;
    through_the_bank(&mut browser, login, "sam").await;
    let answer = browser.open(&format!("{}/privacy/export", world.gateway_url)).await;
    assert!(answer.status.is_success(), "{}", answer.html);
    serde_json::from_str(&answer.html).expect("JSON")
}

fn written(folder: &Path, name: &str, content: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, content).expect("written");
    path.to_str().expect("text").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_is_reported_erased_and_put_under_another_key() {
    let (keep, _) = folder();
    let mut world = World::start(keep.path());
    let nobody = "cus_00000000000000000000000000000000";
    for command in [&["retention", "report"] as &[&str], &["customer", "erase", nobody, "--yes"]] {
        let said = world.says(command);
        assert!(said.code == Some(1) && said.err.contains("is not there yet"), "{command:?}: {}", said.err);
    }
    assert!(!keep.path().join("db").exists(), "a command that looks makes nothing");

    world.serve().await;
    assert_eq!(world.says(&["messenger", "setup"]).code, Some(0));
    let chat = Chat::new(&world.chat_url, "55", "you");
    link(&chat, "harbor-bank", "sam", "detail").await;
    chat.hears(0, "is linked").await;
    chat.ask("what is my balance?", "Harbor Bank").await;

    // The export holds its proof, which anyone can check.
    let taken = export(&world).await;
    let customer = taken["customer"].as_str().expect("an id").to_owned();
    let vkey = world.says(&["audit", "key"]).out.trim().to_owned();
    let proof = written(keep.path(), "proof.json", &taken["proof"].to_string());
    let said = amana_says(&["audit", "verify", &proof, "--vkey", &vkey]);
    assert!(said.code == Some(0) && said.out.contains("disclosure: 1"), "{}{}", said.out, said.err);

    // The report: a line for each kind, and no more than numbers.
    let said = world.says(&["retention", "report"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    for (kind, days) in
        [("one-time-link", "10 min"), ("message", "396"), ("story", "400"), ("customer", "1096")]
    {
        let line = said.out.lines().find(|line| line.starts_with(&format!("{kind} "))).expect("a line");
        assert!(line.contains(days), "{line}");
    }
    assert!(!said.out.contains(&customer) && said.out.lines().count() == 18, "{}", said.out);

    // What is no customer's id, nobody's, and not meant yet: each is said, and nothing is done.
    let said = world.says(&["customer", "erase", "sam", "--yes"]);
    assert!(said.code == Some(2) && said.err.contains("invalid value 'sam'"), "{}", said.err);
    let said = world.says(&["customer", "erase", nobody, "--yes"]);
    assert!(said.code == Some(1) && said.err.contains("there is no customer `cus_0000"), "{}", said.err);
    let said = world.says(&["customer", "erase", &customer]);
    assert!(said.code == Some(1) && said.out.is_empty(), "{}{}", said.out, said.err);
    assert!(said.err.contains("cannot be undone") && said.err.contains("--yes"), "{}", said.err);
    assert!(said.err.contains("harbor-bank") && !said.err.contains("is erased"), "{}", said.err);
    chat.ask("what is my balance?", "Harbor Bank").await;

    // Done, while the gateway runs: the chat hears it, and nothing answers there any more.
    let before = chat.said().await.len();
    let said = world.says(&["customer", "erase", &customer, "--yes"]);
    assert!(said.code == Some(0) && said.out.contains("is erased"), "{}{}", said.out, said.err);
    chat.hears(before, "Harbor Bank").await;
    let said = world.says(&["customer", "erase", &customer, "--yes"]);
    assert!(said.code == Some(1) && said.err.contains("erased already"), "{}", said.err);
    let said = amana_says(&["audit", "verify", &proof, "--vkey", &vkey]);
    assert_eq!(said.code, Some(0), "what they saved is good: {}{}", said.out, said.err);

    // Again, as somebody new, from another chat.
    let chat = Chat::new(&world.chat_url, "55", "again");
    link(&chat, "harbor-bank", "sam", "detail").await;
    chat.hears(0, "is linked").await;
    let taken = export(&world).await;
    assert_ne!(taken["customer"], customer.as_str());
    assert_eq!(taken["receipts"].as_array().map(Vec::len), Some(2), "from the beginning");

    // Another master key. What is wrong is said, and changes nothing.
    world.stop();
    let master = keep.path().join("db").join("master.key");
    let old = std::fs::read_to_string(&master).expect("read");
    let said = world.says(&["keys", "rotate"]);
    assert!(said.code == Some(2) && said.err.contains("--new <FILE>"), "{}", said.err);
    let nonsense = written(keep.path(), "nonsense.key", "not a key\n");
    let said = world.says(&["keys", "rotate", "--new", &nonsense]);
    assert!(said.code == Some(1) && said.err.contains("64 hexadecimal digits"), "{}", said.err);
    std::fs::write(&master, format!("{}\n", "ab".repeat(32))).expect("written");
    let new = keep.path().join("new.key");
    let rotate = ["keys", "rotate", "--new", new.to_str().expect("text")];
    let said = world.says(&rotate);
    assert!(said.code == Some(1) && said.err.contains("the master key is not the one"), "{}", said.err);
    std::fs::write(&master, &old).expect("written");
    assert_eq!(world.says(&["retention", "report"]).code, Some(0), "nothing has changed");

    let said = world.says(&rotate);
    assert_eq!(said.code, Some(0), "{}", said.err);
    assert!(said.out.contains("before the next start"), "{}", said.out);
    let made = std::fs::read_to_string(&new).expect("it was made");
    assert!(made != old && !said.out.contains(made.trim()) && !said.err.contains(made.trim()));
    let said = world.says(&["retention", "report"]);
    assert!(said.code == Some(1) && said.err.contains("master key is not the one"), "{}", said.err);
    let said = world.says(&rotate);
    assert!(said.code == Some(1), "the old one is over: {}", said.out);
    std::fs::rename(&new, &master).expect("put in its place");
    world.serve().await;
    chat.ask("what is my balance?", "Harbor Bank").await;
    assert_eq!(world.says(&["audit", "key"]).out.trim(), vkey, "all else is as before");

    // And to somebody who keeps the key: a few lines of shell in the place of a service.
    world.stop();
    let kms = kms(keep.path());
    let hand_over = |program: &str| {
        run(world.command_with(
            &["keys", "rotate"],
            &["--new-command", program, keep.path().to_str().expect("text")],
        ))
    };
    let said = hand_over("/nowhere/kms");
    assert!(said.code == Some(1) && said.err.contains("`/nowhere/kms` cannot be run"), "{}", said.err);
    let said = hand_over(&kms);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let line =
        said.out.split('`').find(|part| part.starts_with("keys.master_key_command = [")).expect("the line");
    let said = world.says(&["retention", "report"]);
    assert!(said.code == Some(1) && said.err.contains("master key is not the one"), "{}", said.err);
    std::fs::remove_file(&master).expect("destroyed");
    world.configure("[keys]\n", &format!("[keys]\n{}\n", line.trim_start_matches("keys.")));
    world.serve().await;
    chat.ask("what is my balance?", "Harbor Bank").await;
    assert_eq!(world.says(&["audit", "key"]).out.trim(), vkey, "all else is as before");

    // A service that is away keeps nobody from working who works, and everybody from starting.
    std::fs::rename(keep.path().join("kek"), keep.path().join("kek.away")).expect("moved");
    chat.ask("what is my balance?", "Harbor Bank").await;
    // Nor from stopping it: switches need no key.
    let said = world.says(&["kill", "on", "--scope", "all", "--reason", "a drill"]);
    assert_eq!(said.code, Some(0), "{}", said.err);
    let said = world.says(&["kill", "list"]);
    assert!(said.code == Some(0) && said.out.contains("a drill"), "{}{}", said.out, said.err);
    let before = chat.said().await.len();
    chat.say("what is my balance?").await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(chat.said().await.get(before..), Some(&[] as &[String]), "the running gateway sends nothing");
    assert_eq!(world.says(&["kill", "off", "--scope", "all"]).code, Some(0));
    world.stop();
    let said = world.says(&["retention", "report"]);
    assert!(said.code == Some(1) && said.err.contains("the master key cannot be used"), "{}", said.err);
    assert!(said.err.contains("kek"), "what the program said: {}", said.err);
}

/// A program with the contract of `docs/keys.md`: its path. Its key lies in the folder that is its first argument, and
/// says by which digit each digit is replaced.
fn kms(folder: &Path) -> String {
    std::fs::write(folder.join("kek"), "8f3a60d2e1b7495c\n").expect("written");
    let script = r#"#!/bin/sh
kek=$(cat "$1/kek") || exit 1
case "$2" in
  wrap)   tr 0123456789abcdef "$kek" ;;
  unwrap) tr "$kek" 0123456789abcdef ;;
esac
"#;
    let path = written(folder, "kms", script);
    std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o700)).expect("may be run");
    path
}
