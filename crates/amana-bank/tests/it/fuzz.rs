//! The checks of the fuzz targets over changed good bytes: a bounded, repeatable run of each.

#[path = "../../fuzz/checks.rs"]
mod checks;
#[path = "../../../../fuzz/harness.rs"]
mod harness;

use crate::events::{balance, purchase};

#[test]
fn fuzz_events() {
    let (one, other) = (purchase(), balance());
    let batch = serde_json::json!([one, other]);
    let data = one["data"].clone();
    harness::run(&[one, other, batch, data].map(|value| value.to_string().into_bytes()), checks::events);
}

#[test]
fn fuzz_hints() {
    let of = |kind: &str, category: &str, id_type: &str| {
        serde_json::json!({
            "notificationId": "n-1", "type": kind, "category": category, "sentOn": "2026-11-24T10:00:00Z",
            "severity": "INFO", "priority": "LOW", "publisher": { "name": "A bank", "type": "DATA_PROVIDER" },
            "notificationPayload": { "id": "x-1", "idType": id_type, "event": { "status": "REVOKED" } },
        })
    };
    let seeds = [
        of("CONSENT_REVOKED", "CONSENT", "CONSENT"),
        of("BALANCE", "NEW_DATA", "ACCOUNT"),
        of("CUSTOM", "NEW_DATA", "CUSTOMER"),
        of("PLANNED_OUTAGE", "MAINTENANCE", "MAINTENANCE"),
    ];
    harness::run(&seeds.map(|value| value.to_string().into_bytes()), checks::hints);
}

#[test]
fn fuzz_fdx() {
    let seeds = [
        r#"{"page":{"nextPageKey":"2"},"links":{"next":{"href":"/fdx/v6/accounts?pageKey=2"}},"accounts":[{"depositAccount":{"accountId":"a1","accountType":"CHECKING","accountNumberDisplay":"xxxx1234","nickname":"Everyday ****1234","currency":{"currencyCode":"USD"},"currentBalance":1234.56,"availableBalance":"1200.00","balanceAsOf":"2026-11-24T10:00:00Z","balanceType":"ASSET"}},{"locAccount":{"accountId":"a2","accountType":"CREDITCARD","cardNetwork":"VISA","currency":"USD","principalBalance":33.370000000000005,"availableCredit":1e3,"error":null}}]}"#,
        r#"{"accounts":[{"accountId":"a3","accountCategory":"LOAN_ACCOUNT","accountNumber":"0123456789","productName":"Home","currentBalance":-0.1}]}"#,
        r#"{"page":{"nextOffset":200},"transactions":[{"depositTransaction":{"transactionId":"t1","referenceTransactionId":"t0","accountId":"acc-1","amount":4.50,"debitCreditMemo":"DEBIT","status":"POSTED","transactionTimestamp":"2026-11-24T09:00:00Z","postedTimestamp":"2026-11-24","description":"BLUE BOTTLE #12","memo":"m","payee":"Blue Bottle"}}]}"#,
        r#"{"transactions":[{"transactionId":7,"amount":"-4.50","currency":"KWD","debitCreditMemo":"CREDIT","status":"PENDING","transactionTimestamp":"2026-11-24T12:00:00+03:00","transactionPayee":{"merchantName":{"name1":"Shop"},"individualName":{"first":"A","last":"B"}}}]}"#,
        r#"{"id":"c1","status":"ACTIVE","expirationTime":"2027-11-24T10:00:00Z","resources":[{"resourceType":"ACCOUNT","resourceId":"a1"}]}"#,
        r#"{"code":"701","message":"no such account"}"#,
        "Tue, 24 Nov 2026 10:01:00 GMT",
        "120",
    ];
    harness::run(&seeds.map(|text| text.as_bytes().to_vec()), checks::fdx);
}

#[test]
fn fuzz_oauth() {
    let seeds = [
        r#"{"access_token":"a","token_type":"bearer","expires_in":900,"refresh_token":"r","id_token":"i","scope":"openid","grant_id":"g1"}"#,
        r#"{"access_token":"a","expires_in":"900","fdxConsentId":"c1 c2"}"#,
        r#"{"error":"invalid_grant","error_description":"x"}"#,
        r#"{"request_uri":"urn:ietf:params:oauth:request_uri:1","expires_in":60}"#,
        r#"{"issuer":"https://bank.example/cedar","authorization_endpoint":"https://bank.example/authorize","token_endpoint":"https://bank.example/token","pushed_authorization_request_endpoint":"https://bank.example/par","revocation_endpoint":"https://bank.example/revoke","jwks_uri":"https://bank.example/jwks","authorization_response_iss_parameter_supported":true,"code_challenge_methods_supported":["S256"],"scopes_supported":["openid"]}"#,
        r#"{"v":1,"access":"a","refresh":"r","id_token":null,"expires_at":"2026-11-24T10:15:00Z","scope":"openid"}"#,
        r#"{"state":"s","verifier":"v","nonce":"n","redirect_uri":"https://gateway.example/link/callback","issuer":"https://bank.example","login_only":false}"#,
        include_str!("../../profiles/chase.toml"),
        include_str!("../../profiles/fdx.toml"),
    ];
    harness::run(&seeds.map(|text| text.as_bytes().to_vec()), checks::oauth);
}

#[test]
fn fuzz_id_token() {
    let tokens = [
        include_bytes!("../../fuzz/seeds/es256.jwt").as_slice(),
        include_bytes!("../../fuzz/seeds/rs256.jwt"),
    ];
    let mut seeds = vec![checks::KEYS.to_vec(), checks::CLAIMS.to_vec()];
    for token in tokens {
        seeds.push(token.to_vec());
        seeds.push([checks::KEYS, b"\n", token].concat());
        // The seeds are what they are meant to be: under a key set of theirs they are believed, and say this.
        let now = "2026-11-24T10:00:00Z".parse().unwrap();
        let believed =
            |genuine: &[u8]| amana_bank::probe::id_token(checks::KEYS, token.trim_ascii(), genuine, now);
        assert_eq!(believed(checks::CLAIMS), Ok(()));
        assert_eq!(believed(b"{}"), Err("no changed token is believed"));
    }
    harness::run(&seeds, checks::id_token);
}
