//! `amana kill` in states in which nothing else of the program works: the switches need the database, and of the
//! configuration where it is.

use crate::process::{CONTROLLER, Said, amana, folder, run};
use crate::serve::{POSTGRES_URL, sql};
use std::path::{Path, PathBuf};

/// A database of `amana migrate`, and the file that names it.
struct Kept {
    config: PathBuf,
    good: String,
    /// As the commands name the database.
    place: String,
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
        let place = format!("sqlite:{}", database.display());
        let kept = Self { config: folder.join("amana.toml"), good, place };
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
                assert!(said.out.contains(&format!("in {}", self.place)), "{why}: {}", said.out);
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
    // A variable that means nothing does not matter either, and is named.
    kept.write(&kept.good);
    let unknown = Some(("AMANA_MESSENGER__APP_DI", "1"));
    kept.works(unknown, "an unknown variable");
    let said = kept.says(&["kill", "list"], unknown);
    assert!(said.err.contains("passed over") && said.err.contains("AMANA_MESSENGER__APP_DI"), "{}", said.err);
}

/// A gateway that was started before the file was broken serves what cannot be read now.
#[test]
fn abuse_05_a_broken_block_keeps_no_switch_from_a_real_id() {
    let (keep, _) = folder();
    let kept = Kept::new(keep.path());
    for (why, text) in [
        ("an id without quotation marks", kept.good.replace("id = \"55\"", "id = 55")),
        ("no id of a bank", kept.good.replace("id = \"harbor-bank\"\n", "")),
        ("single brackets", kept.good.replace("[[institution]]", "[institution]")),
        ("single brackets of a Page", kept.good.replace("[[messenger.page]]", "[messenger.page]")),
        (
            "slips in the sections",
            kept.good.replace("[[messenger.page]]", "[[mesenger.page]]").replace("[[inst", "[[ins"),
        ),
    ] {
        kept.write(&text);
        kept.works(None, why);
    }
    let said = kept.says(&["kill", "on", "--scope", "channel:55", "--reason", "x"], None);
    assert!(said.code == Some(0) && said.err.contains("Page `55` is not checked"), "{}", said.err);
    assert_eq!(kept.says(&["kill", "off", "--scope", "channel:55"], None).code, Some(0));
    // Taken out whole, it may still be served: that is said where it is refused.
    kept.write(&kept.good.replace("id = \"55\"", "id = \"56\""));
    let said = kept.says(&["kill", "on", "--scope", "channel:55", "--reason", "x"], None);
    assert!(said.code == Some(1) && said.err.contains("in the configuration as it is now"), "{}", said.err);
    assert!(said.err.contains("--anyway") && !said.err.contains("would stop nothing"), "{}", said.err);
}

/// A switch that stops nothing goes on, as it was asked for, with a warning.
#[test]
fn who_turns_a_switch_that_stops_nothing_hears_it() {
    let (keep, _) = folder();
    let kept = Kept::new(keep.path());
    let pine = "[[institution]]\nid = \"pine-bank\"\nname = \"Pine Bank\"\n";
    kept.write(&format!("{}{pine}", kept.good));
    for (scope, warned) in [
        ("purpose:CustomerService", true),
        ("purpose:BankOffer,institution:harbor-bank", true),
        ("purpose:TransactionUpdate,institution:pine-bank,channel:55", true),
        ("customer:cus_00000000000000000000000000000001", true),
        ("purpose:TransactionUpdate", false),
        ("purpose:BalanceOnRequest,channel:55", false),
        ("purpose:BalanceUpdate,institution:harbor-bank,channel:55", false),
        ("institution:pine-bank", false),
        ("all", false),
    ] {
        let said = kept.says(&["kill", "on", "--scope", scope, "--reason", "x"], None);
        assert!(said.code == Some(0) && said.out.starts_with("on: "), "{scope}: {}{}", said.out, said.err);
        assert_eq!(said.err.contains("stops nothing"), warned, "{scope}: {}", said.err);
    }
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
    // Nor does a slip hide behind a database that the file names: an older one, or that of another layer.
    let elsewhere = "postgres://amana:hidden@db.example/amana";
    for variable in [
        ("AMANA_STORE__ULR", "sqlite:elsewhere"),
        ("AMANA_STOR__URL", elsewhere),
        ("AMANA__STORE__URL", elsewhere),
        ("AMANA_STORE_URL", elsewhere),
        ("AMANA_STORE_URL", "elsewhere.sqlite"),
        ("amana_store__url", elsewhere),
        ("AMANA_DATABASE", elsewhere),
        ("AMANA_DATABASE__DSN", elsewhere),
        ("AMANA_KEEP__URL", "elsewhere.sqlite"),
    ] {
        kept.write(&kept.good);
        let said = kept.says(&on, Some(variable));
        assert!(
            said.code == Some(1) && said.err.contains(variable.0),
            "{variable:?}: {}{}",
            said.out,
            said.err
        );
        assert!(!said.err.contains("hidden"), "{}", said.err);
    }
    for (slip, named) in [
        (format!("[stor]\nurl = \"{elsewhere}\"\n"), "stor"),
        (format!("[database]\nplaces = [\"{elsewhere}\"]\n"), "database"),
        ("[[keep]]\nurl = \"elsewhere.sqlite\"\n".to_owned(), "keep"),
        ("[storee]\nother = 1\n".to_owned(), "storee"),
    ] {
        kept.write(&format!("{}{slip}", kept.good));
        let said = kept.says(&on, None);
        let found = said.err.contains(&format!("`{named}` is not a known key"));
        assert!(said.code == Some(1) && found, "{slip}: {}{}", said.out, said.err);
        assert!(!said.err.contains("hidden"), "{}", said.err);
        // The way out: what a variable says holds over all that the file could have meant.
        let said = kept.says(&on, Some(("AMANA_STORE__URL", kept.place.as_str())));
        assert!(said.code == Some(0) && said.err.contains(named), "{slip}: {}{}", said.out, said.err);
        assert_eq!(
            kept.says(&["kill", "off", "--scope", "all"], Some(("AMANA_STORE__URL", kept.place.as_str())))
                .code,
            Some(0)
        );
    }
    kept.write(&kept.good);
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
    let expected = format!("in {}:\nno kill switch is on", kept.place);
    assert_eq!((said.code, said.out.trim()), (Some(0), expected.as_str()), "{}", said.err);
}

/// Which database it was is read from what the command prints, and no password is.
#[tokio::test]
async fn the_database_of_a_switch_is_named_without_its_password() {
    let Ok(admin) = std::env::var(POSTGRES_URL) else {
        panic!("{POSTGRES_URL} is not set: run `cargo xtask test`, which starts a PostgreSQL cluster");
    };
    let name = format!("amana_kill_{}", std::process::id());
    sql(&admin, &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
    sql(&admin, &format!("CREATE DATABASE {name}")).await;
    let (keep, _) = folder();
    let kept = Kept::new(keep.path());
    let key = keep.path().join("pg.key");
    std::fs::write(&key, "5a".repeat(32)).expect("written");
    let log = keep.path().join("log");
    kept.write(&format!(
        "{}[keys]\nmaster_key_file = \"{}\"\n[disclosure_log]\ndir = \"{}\"\n",
        kept.good,
        key.display(),
        log.display()
    ));
    let mut url =
        url::Url::parse(&format!("{}/{name}", admin.rsplit_once('/').expect("a path").0)).expect("a url");
    // Where the server asks for none, one in the URL does no harm.
    let password = url.password().unwrap_or("hidden").to_owned();
    url.set_password(Some(&password)).expect("a host");
    let (address, variable) = (url.clone(), Some(("AMANA_STORE__URL", url.as_str())));
    let said = kept.says(&["migrate"], variable);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    for arguments in
        [&["on", "--scope", "all", "--reason", "x"] as &[&str], &["list"], &["off", "--scope", "all"]]
    {
        let said = kept.says(&[&["kill"], arguments].concat(), variable);
        let (host, port) = (address.host_str().expect("a host"), address.port().expect("a port"));
        let there = format!("@{host}:{port}/{name}");
        assert!(said.code == Some(0) && said.out.contains(&there), "{there}: {}{}", said.out, said.err);
        assert!(
            ![&said.out, &said.err].into_iter().any(|text| text.contains(&password)),
            "the password is shown"
        );
    }
    // The file's own is another, and nothing was written there.
    let said = kept.says(&["kill", "list"], None);
    assert!(said.out.contains(&kept.place) && said.out.contains("no kill switch is on"), "{}", said.out);
    sql(&admin, &format!("DROP DATABASE {name} WITH (FORCE)")).await;
}
