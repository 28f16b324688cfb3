//! `amana kill` in states in which nothing else of the program works: the switches need the database, and of the
//! configuration where it is.

use crate::process::{CONTROLLER, Said, amana, folder, run};
use std::path::{Path, PathBuf};

/// A database of `amana migrate`, and the file that names it.
struct Kept {
    config: PathBuf,
    good: String,
}

impl Kept {
    fn new(folder: &Path) -> Self {
        let database = folder.join("db").join("amana.sqlite");
        let good = format!(
            r#"[store]
url = "sqlite:{}"
[messenger]
app_id = "77"
app_secret = "an-app-secret"
verify_token = "a-word"
[[messenger.page]]
id = "55"
token = "a-page-token"
institutions = ["harbor-bank"]
[[institution]]
id = "harbor-bank"
name = "Harbor Bank"
issuer = "https://auth.harbor.example"
api_url = "https://api.harbor.example/fdx/v6"
client_id = "gw"
client_secret = "a-client-secret"
{CONTROLLER}
"#,
            database.display()
        );
        let kept = Self { config: folder.join("amana.toml"), good };
        kept.write(&kept.good);
        let said = kept.says(&["migrate"], None);
        assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
        kept
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.config, text).expect("written");
    }

    fn says(&self, arguments: &[&str], variable: Option<(&str, &str)>) -> Said {
        let mut command = amana();
        command.args(arguments).arg("--config").arg(&self.config).envs(variable);
        run(command)
    }

    /// A switch goes on, is listed and goes off.
    fn works(&self, variable: Option<(&str, &str)>, why: &str) {
        let flow = "purpose:TransactionUpdate,institution:harbor-bank,channel:55";
        for scope in ["institution:harbor-bank", "channel:55", "all", flow] {
            for (arguments, expected) in [
                (&["on", "--scope", scope, "--reason", "a drill"][..], "on: "),
                (&["list"][..], "a drill"),
                (&["off", "--scope", scope][..], "off: "),
            ] {
                let said = self.says(&[&["kill"][..], arguments].concat(), variable);
                assert_eq!(said.code, Some(0), "{why}: {scope}: {}", said.err);
                assert!(said.out.contains(expected) && said.out.contains(scope), "{why}: {}", said.out);
            }
        }
    }
}

#[test]
fn abuse_05_a_switch_is_pulled_whatever_else_is_wrong_with_the_configuration() {
    let (keep, _) = folder();
    let kept = Kept::new(keep.path());
    kept.works(None, "in order");
    // The key is away for good: nothing that opens what is stored works now.
    std::fs::remove_file(keep.path().join("db").join("master.key")).expect("a key");
    assert_eq!(kept.says(&["dead", "list"], None).code, Some(1));
    let without = |prefix: &str| {
        let lines: Vec<&str> = kept.good.lines().filter(|line| !line.starts_with(prefix)).collect();
        lines.join("\n")
    };
    let broken = [
        ("nobody answers for consents", kept.good.replace(CONTROLLER, "")),
        ("no app secret", without("app_secret")),
        ("no token", without("token")),
        (
            "a secret's file is not there",
            kept.good.replace("client_secret = \"", "client_secret_file = \"/no/"),
        ),
        ("an unknown key", kept.good.replace("[messenger]", "[messenger]\napp_di = \"1\"")),
        ("a value of another kind", kept.good.replace("app_id = \"77\"", "app_id = 77")),
        ("no such level", format!("{}[log]\nlevel = \"=\"\nformat = \"xml\"\n", kept.good)),
    ];
    for (why, text) in broken {
        kept.write(&text);
        let said = kept.says(&["config", "check"], None);
        assert_eq!(said.code, Some(1), "{why}: {}", said.out);
        kept.works(None, why);
    }
    // A variable that means nothing does not matter either.
    kept.works(Some(("AMANA_MESSENGER__APP_DI", "1")), "an unknown variable");
}

#[test]
fn without_a_file_the_environment_says_where_the_switches_are() {
    let (keep, _) = folder();
    let kept = Kept::new(keep.path());
    let url = format!("sqlite:{}", keep.path().join("db").join("amana.sqlite").display());
    let variable = Some(("AMANA_STORE__URL", url.as_str()));
    for (why, text) in [("no TOML", Some("[messenger\n")), ("no file", None)] {
        match text {
            Some(text) => kept.write(text),
            None => std::fs::remove_file(&kept.config).expect("removed"),
        }
        kept.works(variable, why);
        // What cannot be known is not refused, and said.
        let on = ["kill", "on", "--scope", "institution:harbour-bank", "--reason", "x"];
        let said = kept.says(&on, variable);
        assert!(said.code == Some(0) && said.err.contains("not checked"), "{why}: {}", said.err);
        let off = ["kill", "off", "--scope", "institution:harbour-bank"];
        assert_eq!(kept.says(&off, variable).code, Some(0));
        let said = kept.says(&["kill", "list"], None);
        assert!(said.code == Some(1) && said.err.contains("AMANA_STORE__URL"), "{why}: {}", said.err);
    }
}

/// In another database than the gateway's a switch would stop nothing.
#[test]
fn no_slip_sends_a_switch_to_another_database() {
    let (keep, _) = folder();
    let kept = Kept::new(keep.path());
    let on = ["kill", "on", "--scope", "all", "--reason", "x"];
    for (why, text) in [
        ("a slip in the key", kept.good.replace("url = \"sqlite:", "urll = \"sqlite:")),
        ("a slip in the section", kept.good.replace("[store]", "[stor]")),
        ("no such kind", kept.good.replace("url = \"sqlite:", "url = \"mysql:")),
        ("a number", kept.good.replace("[store]", "[store]\nurl = 1\n[stor]")),
        ("no section", kept.good.replace("[store]", "store = 1\n[stor]")),
    ] {
        kept.write(&text);
        let said = kept.says(&on, None);
        assert!(said.code == Some(1) && said.err.contains("sto"), "{why}: {}{}", said.out, said.err);
    }
    kept.write(&kept.good);
    let said = kept.says(&on, Some(("AMANA_STORE__ULR", "sqlite:elsewhere")));
    assert!(said.code == Some(1) && said.err.contains("AMANA_STORE__ULR"), "{}{}", said.out, said.err);
    // Nor to nobody, unless that is meant.
    for (scope, what) in [
        ("institution:harbour-bank", "institution"),
        ("channel:56", "Page"),
        ("purpose:BalanceUpdate,institution:harbour-bank", "institution"),
        ("purpose:BalanceUpdate,institution:harbor-bank,channel:56", "Page"),
    ] {
        let on = ["kill", "on", "--scope", scope, "--reason", "x"];
        let said = kept.says(&on, None);
        assert!(said.code == Some(1) && said.err.contains(&format!("no {what} `")), "{}", said.err);
        let anyway = [&on as &[&str], &["--anyway"]].concat();
        assert_eq!(kept.says(&anyway, None).code, Some(0));
        assert_eq!(kept.says(&["kill", "off", "--scope", scope], None).code, Some(0));
    }
    let said = kept.says(&["kill", "list"], None);
    assert_eq!((said.code, said.out.trim()), (Some(0), "no kill switch is on"), "{}", said.err);
}
