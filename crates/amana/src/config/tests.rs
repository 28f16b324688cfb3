use super::*;
use amana_channel::PageToken;
use amana_core::Secret;
use std::collections::BTreeSet;

/// A configuration in which everything is right.
const GOOD: &str = r#"
[server]
public_url = "https://chat.example"
[messenger]
app_id = "77"
app_secret = "hidden-app-secret"
verify_token = "hidden-word"
[[messenger.page]]
id = "1000"
token = "hidden-page-token"
institutions = ["cedar"]
[[institution]]
id = "cedar"
name = "Cedar Bank"
issuer = "https://auth.cedar.example"
api_url = "https://api.cedar.example/fdx/v6"
client_id = "amana"
client_secret = "hidden-client-secret"
event_token = "hidden-event-token"
address = "1 Cedar Street, Springfield"
contact = "privacy@cedar.example"
jurisdiction = "US"
retention = "7 years"
storage = "United States"
privacy_notice = "https://cedar.example/privacy"
"#;

fn read(text: &str, variables: &[(&str, &str)]) -> Result<Settings, ConfigErrors> {
    let table = toml::from_str(text).expect("TOML");
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    settle(table, &Source::File("amana.toml".to_owned()), variables, None)
}

fn refused(text: &str, variables: &[(&str, &str)]) -> String {
    read(text, variables).expect_err("refused").to_string()
}

#[test]
fn the_default_file_holds_every_key_and_no_other() {
    let keys: BTreeSet<String> = schema::KEYS.iter().map(|(key, _)| (*key).to_owned()).collect();
    let mut found = BTreeSet::new();
    let mut block = String::new();
    let mut commented = false;
    for line in DEFAULT.lines() {
        // `#key = value` is a key without a default, `# text` is a comment.
        let code = match line.strip_prefix('#') {
            Some(rest) if rest.starts_with(' ') || rest.is_empty() => {
                commented = true;
                continue;
            }
            Some(rest) => rest,
            None => line,
        };
        if let Some(name) = code.strip_prefix("[[").and_then(|rest| rest.strip_suffix("]]")) {
            block = format!("{name}[]");
        } else if let Some(name) = code.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            block = name.to_owned();
        } else if let Some((key, _)) = code.split_once(" = ") {
            assert!(commented || key.ends_with("_file"), "`{key}` has no comment above it");
            found.insert(format!("{block}.{key}"));
            commented = false;
        }
    }
    assert_eq!(found, keys);
}

#[test]
fn the_default_file_with_everything_uncommented_is_toml() {
    let all: String = DEFAULT
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let table: toml::Table = toml::from_str(&all).expect("TOML");
    let mut problems = Vec::new();
    let mut layers = Layers::default();
    layers.lay(table, &Source::Default);
    layers.flat(&mut problems);
    assert_eq!(problems, []);
}

#[test]
fn the_example_in_the_documents_is_the_default_file() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/amana.example.toml");
    let example = std::fs::read_to_string(path).expect("the example");
    assert_eq!(example, DEFAULT, "run `cp crates/amana/config.default.toml docs/amana.example.toml`");
}

#[test]
fn a_good_configuration_is_read() {
    let settings = read(GOOD, &[]).expect("good");
    assert_eq!(settings.listen.to_string(), "127.0.0.1:7600");
    assert_eq!(settings.public_url.as_str(), "https://chat.example/");
    assert_eq!(settings.messenger.graph_url.as_str(), "https://graph.facebook.com/");
    assert_eq!(settings.institutions[0].connector.profile.name, "fdx");
    assert_eq!(settings.institutions[0].name_ar, "Cedar Bank");
    assert_eq!(settings.institutions[0].agreement, Agreed::ByHand, "nothing is agreed by silence");
    assert_eq!(settings.institutions[0].controller.name, "Cedar Bank");
    assert_eq!(settings.institutions[0].controller.missing(), []);
    assert!(settings.admin.is_none());
    assert!(settings.messenger.redirect_hosts.contains("www.facebook.com"));
    let printed = format!("{settings:?}");
    assert!(!printed.contains("hidden"), "{printed}");
}

/// Without one of them a consent's record is none by ISO/IEC TS 27560; an empty one says nothing either.
#[test]
fn each_thing_that_a_consents_record_must_say_is_asked_for() {
    for leaf in ["address", "contact", "jurisdiction", "retention", "storage", "privacy_notice"] {
        let line = GOOD.lines().find(|line| line.starts_with(&format!("{leaf} = "))).expect("a line");
        for instead in [String::new(), format!("{leaf} = \" \"")] {
            let said = read(&GOOD.replace(line, &instead), &[]).expect_err("refused");
            let [problem] = said.0.as_slice() else { panic!("one problem: {said}") };
            assert_eq!(problem.key, format!("institution[0].{leaf}"));
            let said = problem.to_string();
            assert!(said.contains("is missing: give ") && said.contains("ISO/IEC TS 27560"), "{said}");
        }
    }
    let said = refused(&GOOD.replace("https://cedar.example/privacy", "cedar.example"), &[]);
    assert!(said.contains("`institution[0].privacy_notice` is `cedar.example`"), "{said}");
    let said = read(&GOOD.replace("address = ", "legal_name = "), &[]).expect_err("refused");
    assert_eq!(said.0.len(), 1, "the legal name stands for nothing else: {said}");
}

#[test]
fn the_administrators_api_is_off_until_it_has_an_address_and_a_long_token() {
    let token = "0123456789abcdef0123456789abcdef";
    let with = |listen: &str, token: &str| {
        let id = ("AMANA_ADMIN__USER__0__ID", "omar");
        read(GOOD, &[("AMANA_ADMIN__LISTEN", listen), id, ("AMANA_ADMIN__USER__0__TOKEN", token)])
    };
    let admin = with("127.0.0.1:7609", token).expect("good").admin.expect("on");
    assert_eq!(admin.listen.to_string(), "127.0.0.1:7609");
    assert_eq!(admin.users["omar"].expose(), token);
    for (listen, token, expected) in [
        ("127.0.0.1:7609", "", "`admin.user[0].token` is missing"),
        ("127.0.0.1:7609", "short", "`admin.user[0].token` must have 32 characters"),
        ("here", token, "`admin.listen` is `here`"),
    ] {
        let said = with(listen, token).expect_err("wrong").to_string();
        assert!(said.contains(expected), "{said}");
    }
}

/// Every switch of a profile can be set, by a file of the operator's own.
#[test]
fn a_profile_of_ones_own_turns_a_switch() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("cedar.toml");
    let text = include_str!("../../../amana-bank/profiles/fdx.toml");
    let own = text.replace("name = \"fdx\"", "name = \"cedar\"");
    let (key, file) = ("AMANA_INSTITUTION__0__PROFILE_FILE", path.to_str().expect("UTF-8"));
    let signed = own.replace("signed_requests = false", "signed_requests = true");
    std::fs::write(&path, signed).expect("written");
    let settings = read(GOOD, &[(key, file)]).expect("good");
    let profile = &settings.institutions[0].connector.profile;
    assert!(profile.name == "cedar" && profile.oauth.signed_requests);
    assert!(!read(GOOD, &[]).expect("good").institutions[0].connector.profile.oauth.signed_requests);
    let refused = |text: &str, more: &[(&str, &str)]| {
        std::fs::write(&path, text).expect("written");
        read(GOOD, &[&[(key, file)], more].concat()).expect_err("refused").to_string()
    };
    assert!(refused(text, &[]).contains("`institution[0].profile_file` is refused: profile `cedar`"));
    assert!(refused(&own.replace("par =", "parr ="), &[]).contains("parr"));
    let both = "[[institution]]\nprofile = \"fdx\"\nprofile_file = \"cedar.toml\"\n";
    let both = read(&GOOD.replacen("[[institution]]\n", both, 1), &[]);
    assert!(both.expect_err("refused").to_string().contains("give one of them"));
    assert!(
        read(GOOD, &[(key, "/nowhere/cedar.toml")])
            .expect_err("refused")
            .to_string()
            .contains("cannot be read")
    );
}

/// A bank that declines the details of transactions cannot be configured to agree to them.
#[test]
fn a_profiles_bank_agrees_to_no_more_than_it_does() {
    let chase = |agreement: &str| {
        read(
            GOOD,
            &[
                ("AMANA_INSTITUTION__CEDAR__PROFILE", "chase"),
                ("AMANA_INSTITUTION__CEDAR__AGREEMENT", agreement),
            ],
        )
    };
    for more in ["detail", "summary"] {
        let said = chase(more).expect_err("too much").to_string();
        assert!(said.contains("agrees to `notice` at most"), "{said}");
    }
    assert_eq!(
        chase("notice").expect("good").institutions[0].agreement,
        Agreed::UpTo(amana_core::Form::Notice)
    );
    // Nothing said: the profile's own, and not a hair more.
    assert_eq!(
        read(GOOD, &[("AMANA_INSTITUTION__CEDAR__PROFILE", "chase")]).expect("good").institutions[0]
            .agreement,
        Agreed::UpTo(amana_core::Form::Notice)
    );
    let said = read(GOOD, &[("AMANA_INSTITUTION__CEDAR__PROFILE", "chase9")]).expect_err("none").to_string();
    assert!(said.contains("`chase9`") && said.contains("wells-fargo"), "{said}");
}

#[test]
fn each_who_may_call_has_a_name_and_a_token_of_their_own() {
    let token = |n: u8| format!("{n}123456789abcdef0123456789abcdef");
    let with = |users: &[(&str, &str)]| {
        let blocks: String = users
            .iter()
            .map(|(id, token)| format!("[[admin.user]]\nid = \"{id}\"\ntoken = \"{token}\"\n"))
            .collect();
        read(&format!("{GOOD}\n[admin]\nlisten = \"127.0.0.1:7609\"\n{blocks}"), &[])
    };
    let (one, two) = (token(0), token(1));
    let admin = with(&[("omar", &one), ("lina@bank", &two)]).expect("good").admin.expect("on");
    assert_eq!(admin.users.keys().collect::<Vec<_>>(), ["lina@bank", "omar"]);
    for (users, expected) in [
        (&[][..], "`admin.user` is missing"),
        (&[("omar", &*one), ("lina", &*one)], "is that of an earlier block"),
        (&[("omar", &*one), ("omar", &*two)], "as in an earlier block"),
        (&[("omar lutfi", &*one)], "`admin.user[0].id` must be up to 64"),
        (&[("", &*one)], "`admin.user[0].id` is missing"),
    ] {
        let said = with(users).expect_err("wrong").to_string();
        assert!(said.contains(expected) && !said.contains(&one), "{said}");
    }
    // They are the gate's: another role refuses to start where it could read one.
    let text = "[admin]\nlisten = \"127.0.0.1:7609\"\n[[admin.user]]\nid = \"omar\"\ntoken_file = \"x\"\n"
        .to_owned();
    let of = |text: &str, role| {
        let table = toml::from_str(text).expect("a table");
        let source = Source::File("amana.toml".to_owned());
        settle(table, &source, std::iter::empty(), Some(role)).map_err(|wrong| wrong.to_string())
    };
    let bare: String = GOOD.lines().filter(|l| !l.contains("hidden")).map(|l| format!("{l}\n")).collect();
    let web = of(&format!("{bare}{text}"), Role::Web).expect("a file of another's is not opened");
    assert!(web.admin.is_none());
    let here = text.replace("token_file = \"x\"", &format!("token = \"{one}\""));
    let said = of(&format!("{bare}{here}"), Role::Web).expect_err("refused");
    assert!(said.contains("`admin.user[0].token`") && said.contains("is not for the web role"), "{said}");
}

#[test]
fn the_apps_token_is_made_of_its_secret_or_given_with_its_proof() {
    let messenger = |text: &str| read(text, &[]).expect("good").messenger;
    let made = messenger(GOOD);
    let given = messenger(&GOOD.replace("app_id =", "app_token = \"1|other\"\napp_id ="));
    assert!(!made.app_token_given && given.app_token_given);
    let proof =
        |messenger: &super::Messenger| messenger.app.as_ref().map(|app| app.proof().expose().to_owned());
    assert!(proof(&made).is_some() && proof(&made) != proof(&given), "each token has its own");
    // Egress has no secret to make either of: both or neither.
    let bare: String = GOOD.lines().filter(|l| !l.contains("hidden")).map(|l| format!("{l}\n")).collect();
    let of = |text: &str| {
        let table = toml::from_str(&bare.replace("app_id =", &format!("{text}\napp_id ="))).expect("TOML");
        let source = Source::File("amana.toml".to_owned());
        settle(table, &source, std::iter::empty(), Some(Role::Egress)).map_err(|wrong| wrong.to_string())
    };
    let alone = of("app_token = \"1|other\"").expect_err("refused");
    assert!(alone.contains("`messenger.app_proof` is missing: it goes with"), "{alone}");
    assert!(!of("").err().unwrap_or_default().contains("app_"), "neither is no problem");
}

#[test]
fn the_environment_wins_and_names_blocks_by_id_or_place() {
    let settings = read(
        GOOD,
        &[
            ("AMANA_SERVER__LISTEN", "[::1]:9000"),
            ("AMANA_SERVER__ALLOW_PRIVATE_ADDRESSES", "true"),
            ("AMANA_MESSENGER__REDIRECT_HOSTS", "a.example, b.example:81"),
            ("AMANA_MESSENGER__PAGE__0__TOKEN", "from-outside"),
            ("AMANA_INSTITUTION__CEDAR__CLIENT_SECRET", "from-outside-too"),
            ("AMANA_INSTITUTION__CEDAR__AGREEMENT", "declined"),
        ],
    )
    .expect("good");
    assert_eq!(settings.listen.to_string(), "[::1]:9000");
    assert!(settings.allow_private_addresses);
    assert_eq!(settings.messenger.redirect_hosts, ["a.example".to_owned(), "b.example:81".to_owned()].into());
    assert_eq!(settings.messenger.pages[0].token, PageToken::new(Secret::new("from-outside")));
    assert_eq!(settings.institutions[0].agreement, Agreed::Declined);
    let amana_bank::ClientAuth::SecretBasic(secret) = &settings.institutions[0].connector.client_auth else {
        panic!("a secret");
    };
    assert_eq!(secret.expose(), "from-outside-too");
}

#[test]
fn a_secret_may_be_in_a_file_and_the_later_layer_wins() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("secret");
    std::fs::write(&path, "  in-a-file\n").expect("written");
    let path = path.display().to_string();
    let with_file =
        GOOD.replace("app_secret = \"hidden-app-secret\"", &format!("app_secret_file = \"{path}\""));
    assert_eq!(read(&with_file, &[]).expect("good").messenger.app_secret.expose(), "in-a-file");
    let over = read(&with_file, &[("AMANA_MESSENGER__APP_SECRET", "later")]).expect("good");
    assert_eq!(over.messenger.app_secret.expose(), "later");
    let over = read(GOOD, &[("AMANA_MESSENGER__APP_SECRET_FILE", &path)]).expect("good");
    assert_eq!(over.messenger.app_secret.expose(), "in-a-file");
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_what_to_do() {
    let cases: &[(&str, &str, &[&str])] = &[
        (
            "[server]\npublic_url = \"https://chat.example\"",
            "[server]\npublic_url = \"http://chat.example\"",
            &["amana.toml: `server.public_url`", "https"],
        ),
        ("[server]\n", "[server]\nlisten = \"7600\"\n", &["`server.listen` is `7600`", "127.0.0.1:7600"]),
        ("[server]\n", "[server]\nlisten = 7600\n", &["`server.listen` must be a text"]),
        (
            "[server]\n",
            "[server]\nlisen = \"x\"\n",
            &["`server.lisen` is not a known key", "did you mean `server.listen`?"],
        ),
        (
            "[server]\n",
            "[store]\nurl = \"mysql://root:hidden@db/x\"\n[server]\n",
            &["`store.url` begins with `mysql`", "sqlite:PATH"],
        ),
        (
            "[server]\n",
            "[store]\nurl = \"postgres://u:hidden@localhost/x\"\n[server]\n",
            &["`keys.master_key_file` is missing", "openssl rand -hex 32"],
        ),
        (
            "[server]\n",
            "[disclosure_log]\nbucket = \"s3://log\"\ndir = \"/x\"\n[server]\n",
            &["`disclosure_log.bucket`", "in one place"],
        ),
        (
            "[server]\n",
            "[disclosure_log]\nbucket_region = \"eu-central-1\"\n[server]\n",
            &["`disclosure_log.bucket_region`", "without `disclosure_log.bucket`"],
        ),
        (
            "[server]\n",
            "[disclosure_log]\nbucket = \"gs://log\"\n[server]\n",
            &["`gs://log` is no bucket", "s3://bucket"],
        ),
        (
            "[server]\n",
            "[disclosure_log]\nbucket = \"s3://log\"\nbucket_endpoint = \"http://objects\"\n[server]\n",
            &["`disclosure_log.bucket_endpoint` must be https"],
        ),
        (
            "[server]\n",
            "[disclosure_log]\nbucket = \"s3://log\"\nbucket_key_id = \"k\"\n[server]\n",
            &["`disclosure_log.bucket_secret` is missing", "bucket_secret_file"],
        ),
        ("app_id = \"77\"\n", "", &["`messenger.app_id` is missing"]),
        (
            "app_secret = \"hidden-app-secret\"\n",
            "",
            &["`messenger.app_secret` is missing", "`app_secret_file`"],
        ),
        (
            "verify_token = \"hidden-word\"\n",
            "verify_token = \"\"\n",
            &["`messenger.verify_token` is missing"],
        ),
        (
            "institutions = [\"cedar\"]\n",
            "institutions = [\"ceder\"]\n",
            &["`messenger.page[0].institutions` names `ceder`"],
        ),
        ("institutions = [\"cedar\"]\n", "institutions = \"cedar\"\n", &["must be a list"]),
        ("institutions = [\"cedar\"]\n", "", &["`messenger.page[0].institutions` is missing"]),
        ("[[messenger.page]]\n", "[messenger.page]\n", &["[[messenger.page]]"]),
        ("id = \"cedar\"\n", "id = \"ce/dar\"\n", &["`institution[0].id` is `ce/dar`"]),
        (
            "name = \"Cedar Bank\"\n",
            "name = \"C\"\nprofile = \"chase9\"\n",
            &["`institution[0].profile`", "`chase9`", "plaid-core-exchange"],
        ),
        (
            "client_secret = \"hidden-client-secret\"\n",
            "",
            &["`institution[0].client_secret` is missing", "private_key_file"],
        ),
        (
            "client_secret = \"hidden-client-secret\"\n",
            "private_key_file = \"nowhere.pem\"\n",
            &["`institution[0].private_key_file` names `nowhere.pem`, which cannot be read"],
        ),
        (
            "event_token =",
            "agreement = \"all\"\nevent_token =",
            &["`institution[0].agreement` is `all`", "`declined`"],
        ),
        (
            "event_token =",
            "client_auth = \"none\"\nevent_token =",
            &["`institution[0].client_auth` is `none`", "`tls_client_auth`"],
        ),
        (
            "event_token =",
            "client_auth = \"tls_client_auth\"\nevent_token =",
            &["`institution[0].certificate_file` is missing"],
        ),
        (
            "event_token =",
            "certificate_file = \"nowhere.pem\"\nevent_token =",
            &["`institution[0].certificate_key_file` is missing"],
        ),
        (
            "event_token =",
            "ca_file = \"nowhere.pem\"\nevent_token =",
            &["`institution[0].ca_file` names `nowhere.pem`, which cannot be read"],
        ),
        ("event_token =", "sender = \"tls\"\nevent_token =", &["`institution[0].sender` is `tls`", "`dpop`"]),
        (
            "event_token =",
            "login_origins = [\"login\"]\nevent_token =",
            &["`institution[0].login_origins` holds `login`"],
        ),
        ("[server]\n", "[log]\nlevel = \"a=b=c\"\n[server]\n", &["`log.level` is `a=b=c`"]),
        ("[server]\n", "[log]\nformat = \"xml\"\n[server]\n", &["`log.format` is `xml`"]),
        ("[server]\n", "[colours]\nsky = \"blue\"\n[server]\n", &["`colours` is not a known key"]),
    ];
    for (from, to, needles) in cases {
        let text = GOOD.replace(from, to);
        assert_ne!(text, GOOD, "{from}");
        let said = refused(&text, &[]);
        for needle in *needles {
            assert!(said.contains(needle), "no `{needle}` in: {said}");
        }
        assert!(!said.contains("hidden"), "a secret is shown: {said}");
    }
}

#[test]
fn everything_wrong_is_said_at_once_each_with_its_source() {
    let text = GOOD.replace("app_id = \"77\"\n", "").replace("issuer = \"https://auth.cedar.example\"\n", "");
    let said = refused(&text, &[("AMANA_SERVER__LISTEN", "nowhere"), ("AMANA_SERVER__COLOUR", "red")]);
    for needle in [
        "amana.toml: `messenger.app_id` is missing",
        "amana.toml: `institution[0].issuer` is missing",
        "the variable AMANA_SERVER__LISTEN: `server.listen` is `nowhere`",
        "the variable AMANA_SERVER__COLOUR: `server.colour` is not a known key",
    ] {
        assert!(said.contains(needle), "no `{needle}` in: {said}");
    }
}

#[test]
fn blocks_that_are_twice_are_refused() {
    let text =
        format!("{GOOD}\n[[messenger.page]]\nid = \"1000\"\ntoken = \"x\"\ninstitutions = [\"cedar\"]\n");
    assert!(refused(&text, &[]).contains("`messenger.page[1].id` is `1000` as in an earlier block"));
}

#[test]
fn a_secret_and_its_file_in_one_layer_contradict_each_other() {
    let text = GOOD.replace("app_id =", "app_secret_file = \"x\"\napp_id =");
    assert!(
        refused(&text, &[]).contains("`messenger.app_secret_file` is given beside `messenger.app_secret`")
    );
}

/// A source of records, with what differs put into it.
fn with_kafka(more: &str) -> String {
    format!(
        "{GOOD}\n[[kafka]]\nid = \"core\"\nbrokers = [\"localhost:9092\"]\ntopics = [\"cedar.events\"]\n\
         institutions = [\"cedar\"]\ngroup = \"amana\"\n{more}"
    )
}

#[test]
fn topics_are_read_and_never_in_clear_over_a_network() {
    let settings = read(&with_kafka(""), &[]).expect("good");
    let source = &settings.kafka[0];
    assert_eq!((source.id.as_str(), source.topics.as_slice()), ("core", &["cedar.events".to_owned()][..]));
    assert!(source.tls.is_none() && source.login.is_none());
    let plain = "mechanism = \"PLAIN\"\nusername = \"u\"\npassword = \"hidden\"\n";
    let settings = read(&with_kafka(plain), &[]).expect("good");
    assert_eq!(settings.kafka[0].login.as_ref().map(|login| login.username.as_str()), Some("u"));

    let far = with_kafka("").replace("localhost:9092", "kafka.cedar.example:9093");
    assert!(refused(&far, &[]).contains("`kafka[0].tls` is missing: events must not travel in clear"));
    for (from, to, needle) in [
        ("localhost:9092", "localhost", "`kafka[0].brokers` holds `localhost`"),
        ("cedar.events", "cedar/events", "`kafka[0].topics` holds `cedar/events`"),
        ("[\"cedar.events\"]", "[]", "`kafka[0].topics` is missing"),
        (
            "institutions = [\"cedar\"]\ngroup",
            "institutions = [\"x\"]\ngroup",
            "`kafka[0].institutions` names `x`",
        ),
        ("group = \"amana\"\n", "", "`kafka[0].group` is missing"),
        ("group = \"amana\"\n", "group = \"amana\"\nca_file = \"x\"\n", "`kafka[0].tls` is missing: files"),
        (
            "group = \"amana\"\n",
            "group = \"amana\"\nmechanism = \"GSSAPI\"\n",
            "`kafka[0].mechanism` is `GSSAPI`",
        ),
        (
            "group = \"amana\"\n",
            "group = \"amana\"\nmechanism = \"PLAIN\"\n",
            "`kafka[0].password` is missing",
        ),
        ("group = \"amana\"\n", "group = \"amana\"\nusername = \"u\"\n", "`kafka[0].mechanism` is missing"),
    ] {
        let text = with_kafka("").replace(from, to);
        assert_ne!(text, with_kafka(""), "{from}");
        let said = refused(&text, &[]);
        assert!(said.contains(needle), "no `{needle}` in: {said}");
    }
    let tls = with_kafka("tls = true\n");
    if amana_kafka::HAS_TLS {
        assert!(read(&tls, &[]).expect("good").kafka[0].tls.is_some());
    } else {
        assert!(
            refused(&tls, &[])
                .contains("`kafka[0].tls` needs a program that was built with `--features kafka-tls`")
        );
    }
}

#[test]
fn traces_go_nowhere_unless_a_collector_is_named() {
    assert!(read(GOOD, &[]).expect("good").traces.is_none());
    let with = |more: &str| format!("{GOOD}\n[traces]\n{more}");
    let settings = read(&with("endpoint = \"http://127.0.0.1:4318/v1/traces\"\none_in = 7\n"), &[]);
    assert_eq!(settings.expect("good").traces.map(|traces| traces.one_in), Some(7));
    let far = with("endpoint = \"http://collector.example/v1/traces\"\n");
    assert!(refused(&far, &[]).contains("`traces.endpoint` must be https"));
    assert!(refused(&with("one_in = 0\n"), &[]).contains("`traces.one_in` must be a number from 1"));
}
