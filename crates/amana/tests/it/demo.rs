//! The demonstration's own manners: ports, start, stop, beginning anew.

use crate::process::{Demo, amana, amana_says, folder, run};
use std::time::Duration;

#[test]
fn a_taken_port_is_named_with_its_flag() {
    let (_keep, data) = folder();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("a port").port().to_string();
    for flag in ["--gateway-port", "--bank-port", "--chat-port"] {
        let mut command = amana();
        command.arg("demo").arg("--data-dir").arg(&data);
        for other in ["--gateway-port", "--bank-port", "--chat-port"] {
            command.arg(other).arg(if other == flag { port.as_str() } else { "0" });
        }
        let said = run(command);
        assert_eq!(said.code, Some(1), "{}", said.err);
        let wanted =
            format!("port {port} is taken (by another program): stop it, or choose another with {flag}");
        assert!(said.err.contains(&wanted), "{}", said.err);
        assert!(!data.exists(), "nothing is begun before the ports are there");
    }
}

#[test]
fn it_says_what_to_try_in_five_lines_and_stops_with_0() {
    let (_keep, data) = folder();
    let mut command = amana();
    command
        .args(["demo", "--gateway-port", "0", "--bank-port", "0", "--chat-port", "0", "--data-dir"])
        .arg(&data);
    let mut process = crate::process::Running::start(command);
    let lines: Vec<String> = (0..5).map(|_| process.line()).collect();
    let all = lines.join("\n");
    for needed in [
        "/chat?lang=en",
        "layla",
        "demo",
        "/till",
        "my privacy",
        "All the details",
        "كل التفاصيل",
        "كم رصيدي؟",
        "Ctrl-C",
    ] {
        assert!(all.contains(needed), "no `{needed}` in:\n{all}");
    }
    assert_eq!(process.log(), "", "nothing disturbs the five lines");
    let (status, took) = process.interrupt();
    assert_eq!(status.code(), Some(0));
    assert!(took.as_secs() < 3, "{took:?}");
}

#[cfg(unix)]
#[test]
fn its_secrets_are_for_this_user_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_keep, data) = folder();
    let demo = Demo::start(&data, [0; 3], &[]);
    for name in ["demo.json", "master.key", "custody.sqlite", "amana.sqlite"] {
        let mode = std::fs::metadata(data.join(name)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    drop(demo);
}

#[test]
fn fresh_forgets_a_demonstration_and_nothing_else() {
    let (_keep, data) = folder();
    let first = Demo::start(&data, [0; 3], &[]);
    drop(first);
    let secrets = std::fs::read_to_string(data.join("demo.json")).expect("a file");
    std::fs::write(data.join("letter.txt"), "mine").expect("written");
    drop(Demo::start(&data, [0; 3], &[]));
    assert_eq!(std::fs::read_to_string(data.join("demo.json")).expect("a file"), secrets, "it goes on");
    drop(Demo::start(&data, [0; 3], &["--fresh"]));
    assert_ne!(std::fs::read_to_string(data.join("demo.json")).expect("a file"), secrets, "it is new");
    assert!(data.join("letter.txt").exists(), "what is not its own stays");

    let (_keep, other) = folder();
    std::fs::create_dir_all(&other).expect("a folder");
    std::fs::write(other.join("letter.txt"), "mine").expect("written");
    let other = other.display().to_string();
    let said = amana_says(&[
        "demo",
        "--fresh",
        "--gateway-port",
        "0",
        "--bank-port",
        "0",
        "--chat-port",
        "0",
        "--data-dir",
        &other,
    ]);
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("holds no demonstration"), "{}", said.err);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_chat_page_does_not_hold_the_end_up() {
    let (_keep, data) = folder();
    let demo = Demo::start(&data, [0; 3], &[]);
    let client = crate::browser::client();
    let mut live = client.get(format!("{}/chat/events?user=you", demo.chat)).send().await.expect("a stream");
    assert!(live.status().is_success());
    let idle = client.get(format!("{}/healthz", demo.gateway)).send().await.expect("an answer");
    assert!(idle.status().is_success());
    let (status, took) = demo.process.interrupt();
    assert!(status.success() && took < Duration::from_secs(4), "{status} after {took:?}");
    while let Ok(Some(_)) = live.chunk().await {}
}

#[test]
fn two_at_once_in_one_data_directory_do_not_mix() {
    let (_keep, data) = folder();
    let first = Demo::start(&data, [0; 3], &[]);
    let data_dir = data.display().to_string();
    let said = amana_says(&[
        "demo",
        "--gateway-port",
        "0",
        "--bank-port",
        "0",
        "--chat-port",
        "0",
        "--data-dir",
        &data_dir,
    ]);
    assert_eq!(said.code, Some(1), "{}", said.out);
    assert!(said.err.contains("in use by another demonstration"), "{}", said.err);
    assert!(said.err.contains("`--data-dir`") && said.err.contains("`--fresh`"), "{}", said.err);
    drop(first);
    // What another key, or another version, has made: one word mends it.
    std::fs::write(data.join("master.key"), "00".repeat(32)).expect("written");
    let ports = ["--gateway-port", "0", "--bank-port", "0", "--chat-port", "0"];
    let said = amana_says(&[&["demo", "--data-dir", &data_dir], &ports[..]].concat());
    assert!(said.code == Some(1) && said.err.contains("`--fresh` begins anew"), "{}", said.err);
    drop(Demo::start(&data, [0; 3], &["--fresh"]));
}
