//! The checks of the fuzz targets over changed good bytes: a bounded, repeatable run of each.

#[path = "../fuzz/checks.rs"]
mod checks;
#[path = "../../../fuzz/harness.rs"]
mod harness;

#[test]
fn fuzz_config() {
    let good = r#"[server]
public_url = "https://chat.example"
[store]
url = "postgres://amana:hidden-password@db.example/amana"
[keys]
master_key_file = "no-such.key"
[disclosure_log]
dir = "log"
origin = "chat.example/log"
[messenger]
app_id = "77"
app_secret = "hidden-app-secret"
verify_token = "hidden-verify-word"
redirect_hosts = ["www.facebook.com"]
[[messenger.page]]
id = "1000"
token = "hidden-page-token"
institutions = ["cedar"]
[[institution]]
id = "cedar"
name = "Cedar Bank"
profile = "fdx"
issuer = "https://auth.cedar.example"
api_url = "https://api.cedar.example/fdx/v6"
client_id = "amana"
client_secret = "hidden-client-secret"
event_token = "hidden-event-token"
agreement = "detail"
address = "1 Cedar Street, Springfield"
contact = "privacy@cedar.example"
jurisdiction = "US"
retention = "7 years"
storage = "United States"
privacy_notice = "https://cedar.example/privacy"
[log]
format = "json"
level = "info"
#AMANA_INSTITUTION__CEDAR__CLIENT_SECRET=hidden-other-secret
#AMANA_SERVER__LISTEN=127.0.0.1:7600
#AMANA_MESSENGER__PAGE__0__INSTITUTIONS=cedar,harbor
"#;
    let seeds =
        [good, crate::config::DEFAULT, "a = 1\na = 2", "[[institution]]\n[[institution]]\n[institution]"];
    harness::run(&seeds.map(|text| text.as_bytes().to_vec()), checks::config);
}

#[test]
fn fuzz_export() {
    let seeds = [
        r#"{"title":"Harbor","participants":[{"name":"Sam"}],"messages":[{"sender_name":"Harbor","timestamp_ms":1795514400000,"content":"caf\u00c3\u00a9"},{"sender_name":"Sam","timestamp_ms":2000,"content":"hello"},{"sender_name":"Harbor","timestamp_ms":-9223372036854775808}]}"#,
        r#"{"messages":[{"timestamp_ms":9223372036854775807,"content":null}]}"#,
    ];
    harness::run(&seeds.map(|text| text.as_bytes().to_vec()), checks::export);
}
