//! Abuse case 11 at the bank's side: whatever a bank says when something goes wrong, no error of ours repeats it.

use crate::fake::*;
use amana_bank::{Actor, Bank, BankError, Callback, parse_events};
use amana_core::Secret;
use serde_json::{Value, json};
use std::error::Error as _;

const MARK: &str = "Kq7Zx4Wv";

/// Everything that an error can say, with what is behind it.
fn words(error: &BankError) -> String {
    let mut text = format!("{error} {error:?} {error:#?}");
    let mut inner = error.source();
    while let Some(error) = inner {
        text.push_str(&format!(" {error} {error:?}"));
        inner = error.source();
    }
    text
}

#[tokio::test]
async fn abuse_11_errors_repeat_nothing_that_a_bank_said() {
    let bodies = [
        json!({"code": 500, "message": MARK, "debugMessage": MARK, "error": MARK, "error_description": MARK})
            .to_string(),
        json!({"error": {"code": MARK, "message": MARK}}).to_string(),
        json!({"accounts": MARK, "transactions": MARK, "page": {"nextOffset": MARK}}).to_string(),
        json!({"accounts": [{"accountId": MARK, "currentBalance": MARK}], "links": {"next": {"href": MARK}}})
            .to_string(),
        format!("{{\"{MARK}\": "),
        format!("<html>{MARK}</html>"),
        MARK.repeat(9_000),
        String::new(),
    ];
    let mut met = 0;
    for status in [200, 204, 206, 301, 400, 401, 403, 404, 406, 409, 418, 429, 500, 501, 503, 504] {
        for body in &bodies {
            let said = body.clone();
            let b = bench(Knobs::default(), move |_| {
                let mut answer = say(status, said.clone());
                for name in ["retry-after", "location", "x-error", "www-authenticate", "content-type"] {
                    answer.headers.push((name, MARK.to_owned()));
                }
                answer
            })
            .await;
            let tokens = b.tokens();
            let (from, to) =
                ("2026-11-01T00:00:00Z".parse().unwrap(), "2026-12-01T00:00:00Z".parse().unwrap());
            let transactions =
                b.bank.transactions(&tokens, &subject(), &account("a1"), from, to, Actor::User).await;
            let errors = [
                b.bank.accounts(&tokens, &subject(), Actor::User).await.err(),
                transactions.err(),
                b.bank.refresh(&tokens).await.err(),
                b.bank.revoke(&tokens, Some(MARK), amana_bank::TakenBack::BY_CUSTOMER).await.err(),
            ];
            for error in errors.into_iter().flatten() {
                met += 1;
                assert!(!words(&error).contains(MARK), "{status} {body:.80}: {error:?}");
            }
        }
    }
    assert!(met > 200, "only {met} errors were met");
}

#[tokio::test]
async fn abuse_11_errors_of_signing_in_repeat_nothing() {
    let marked = |key: &str| json!({key: MARK});
    let knobs = [
        Knobs { metadata_extra: marked("issuer"), ..Knobs::default() },
        Knobs { metadata_extra: marked("token_endpoint"), ..Knobs::default() },
        Knobs { id_claims: marked("iss"), ..Knobs::default() },
        Knobs { id_claims: marked("aud"), ..Knobs::default() },
        Knobs { id_claims: marked("nonce"), ..Knobs::default() },
        Knobs { id_claims: marked("exp"), ..Knobs::default() },
        Knobs { token_extra: marked("token_type"), ..Knobs::default() },
        Knobs {
            token_extra: json!({"error": MARK, "error_description": MARK, "access_token": null}),
            ..Knobs::default()
        },
        Knobs { token_extra: marked("id_token"), ..Knobs::default() },
        Knobs { token_extra: marked("expires_in"), ..Knobs::default() },
    ];
    let mut met = 0;
    for knobs in knobs {
        let b = bench(knobs, |_| say(404, "")).await;
        let begun = match b.bank.begin(&ask()).await {
            Ok(begun) => begun,
            Err(error) => {
                met += 1;
                assert!(!words(&error).contains(MARK), "{error:?}");
                continue;
            }
        };
        let callback = b.fake.authorize(&begun.url).unwrap();
        let strange = [
            Callback { error: Some(MARK.into()), ..callback.clone() },
            Callback { state: Some(MARK.into()), ..callback.clone() },
            Callback { iss: Some(MARK.into()), ..callback.clone() },
            Callback { code: Some(Secret::new(MARK)), ..callback.clone() },
            callback,
        ];
        for callback in strange {
            assert!(!format!("{callback:?}").contains(&format!("code: \"{MARK}")), "codes do not print");
            if let Err(error) = b.bank.complete(&begun.pending, &callback).await {
                met += 1;
                assert!(!words(&error).contains(MARK), "{error:?}");
            }
        }
        let printed = format!("{:?} {:?} {:?}", b.bank, b.tokens(), begun.pending);
        assert!(!printed.contains("at-1") && !printed.contains("rt-1"), "{printed}");
    }
    assert!(met > 30, "only {met} errors were met");
}

/// A request of events that is wrong in any one place: the error says where, never what.
#[test]
fn abuse_11_errors_of_events_repeat_nothing() {
    let right = json!({"specversion": "1.0", "id": "e", "source": "s", "type": "bank.transaction.posted.v1",
        "time": "2026-11-24T10:00:00Z", "data": {"accountId": "a", "customerId": "c", "currency": "USD", "transaction": {
        "transactionId": "t", "amount": 1.5, "debitCreditMemo": "DEBIT", "status": "POSTED", "description": "d",
        "transactionTimestamp": "2026-11-24T10:00:00Z"}}});
    let mut met = 0;
    for path in [
        "/specversion",
        "/id",
        "/source",
        "/type",
        "/time",
        "/data",
        "/data/accountId",
        "/data/customerId",
        "/data/currency",
        "/data/transaction",
        "/data/transaction/transactionId",
        "/data/transaction/amount",
        "/data/transaction/debitCreditMemo",
        "/data/transaction/transactionTimestamp",
    ] {
        for wrong in [
            json!(MARK),
            json!(format!("{MARK} {MARK}")),
            json!(MARK.repeat(200)),
            json!([MARK]),
            json!({MARK: MARK}),
            json!(format!("{MARK}\u{0}")),
            Value::Null,
        ] {
            let mut event = right.clone();
            *event.pointer_mut(path).expect("a place") = wrong;
            let body = event.to_string();
            for media in ["application/cloudevents+json", "application/cloudevents-batch+json", MARK] {
                if let Err(error) = parse_events(&institution(), media, body.as_bytes()) {
                    met += 1;
                    assert!(!format!("{error} {error:?}").contains(MARK), "{path}: {error:?}");
                }
            }
        }
    }
    for cut in 0..right.to_string().len() {
        let body = format!("{{\"{MARK}\":{}", &right.to_string()[..cut]);
        if let Err(error) = parse_events(&institution(), "application/cloudevents+json", body.as_bytes()) {
            met += 1;
            assert!(!format!("{error} {error:?}").contains(MARK), "{error:?}");
        }
    }
    assert!(met > 300, "only {met} errors were met");
}
