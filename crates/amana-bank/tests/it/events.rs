//! Intake of events.

use crate::fake::{institution, open, subject};
use amana_bank::{Intake, IntakeError, event_key, events, parse_binary_event, parse_events};
use amana_core::BankEventKind;
use proptest::prelude::*;
use serde_json::{Value, json};

pub(crate) fn purchase() -> Value {
    json!({
        "specversion": "1.0", "id": "evt-1", "source": "https://bank.example/cedar", "type": "bank.transaction.authorised.v1",
        "subject": "chk", "time": "2026-11-24T10:00:00.123456Z", "datacontenttype": "application/json; charset=utf-8",
        "traceparent": "an extension",
        "data": {"customerId": "customer-42", "accountId": "chk", "currency": "USD", "transaction": {
            "accountId": "chk", "transactionId": "t1", "amount": 4.50, "debitCreditMemo": "DEBIT", "status": "AUTHORIZATION",
            "description": "BLUE BOTTLE", "transactionTimestamp": "2026-11-24T10:00:00Z",
            "transactionPayee": {"merchantName": {"name1": "Blue Bottle Coffee"}}}}
    })
}

pub(crate) fn balance() -> Value {
    json!({
        "specversion": "1.0", "id": "evt-2", "source": "https://bank.example/cedar", "type": "bank.balance.changed.v1",
        "time": "2026-11-24T10:00:01Z", "data": {"accountId": "chk", "balance":
            {"currentBalance": 1.250, "availableBalance": 1, "currency": "KWD", "asOf": "2026-11-24T09:59:59Z"}}
    })
}

fn one(event: &Value) -> Result<Intake, IntakeError> {
    parse_events(&institution(), events::STRUCTURED, event.to_string().as_bytes())
}

#[test]
fn one_event_is_read() {
    let intake = one(&purchase()).unwrap();
    let (event, body) = &intake.events[0];
    assert_eq!(event.kind, BankEventKind::TransactionAuthorised);
    assert_eq!(event.account.as_str(), "chk");
    assert_eq!(event.subject.as_deref(), Some("customer-42"));
    assert_eq!(event.transaction_id.as_deref(), Some("t1"));
    assert_eq!(event.occurred.to_string(), "2026-11-24T10:00:00.123456Z");
    assert_eq!(
        open(&body.about(subject())),
        json!({"transaction": {"id": "t1", "reference_id": null, "account": "chk", "state": "pending", "direction": "out",
            "amount": {"minor": 450, "currency": "USD"}, "merchant": "Blue Bottle Coffee", "description": "BLUE BOTTLE",
            "at": "2026-11-24T10:00:00Z"}})
    );
    assert!(!format!("{intake:?}").contains("Blue"));

    let intake = one(&balance()).unwrap();
    let (event, body) = &intake.events[0];
    assert_eq!((event.kind, event.transaction_id.as_ref()), (BankEventKind::BalanceChanged, None));
    let body = open(&body.about(subject()));
    assert_eq!(body["balance"]["current"], json!({"minor": 1250, "currency": "KWD"}));
    assert_eq!(body["balance"]["as_of"], "2026-11-24T09:59:59Z");
}

#[test]
fn every_type_gives_its_kind_and_state() {
    for (kind, expected, state) in [
        ("bank.transaction.authorised.v1", BankEventKind::TransactionAuthorised, "pending"),
        ("bank.transaction.posted.v1", BankEventKind::TransactionPosted, "posted"),
        ("bank.deposit.posted.v1", BankEventKind::TransactionPosted, "posted"),
        ("bank.transaction.reversed.v1", BankEventKind::TransactionReversed, "reversed"),
    ] {
        let mut event = purchase();
        event["type"] = json!(kind);
        event["data"]["transaction"]["referenceTransactionId"] = json!("t0");
        let intake = one(&event).unwrap();
        let (event, body) = &intake.events[0];
        assert_eq!((event.kind, event.reference_id.as_deref()), (expected, Some("t0")));
        assert_eq!(open(&body.about(subject()))["transaction"]["state"], state);
    }
    assert_eq!(events::EVENT_TYPES.len(), 5);
}

#[test]
fn a_batch_is_taken_whole_or_not_at_all() {
    let batch = |events: Value| {
        parse_events(
            &institution(),
            "Application/CloudEvents-Batch+JSON;charset=utf-8",
            events.to_string().as_bytes(),
        )
    };
    let mut unknown = purchase();
    unknown["type"] = json!("bank.loan.offered.v1");
    unknown["data"] = Value::Null;
    let intake = batch(json!([purchase(), unknown, balance()])).unwrap();
    assert_eq!((intake.events.len(), intake.ignored), (2, 1));
    assert!(batch(json!([])).unwrap().events.is_empty());

    let mut bad = balance();
    bad["data"]["balance"]["currentBalance"] = json!("lots");
    let e = batch(json!([purchase(), bad])).unwrap_err();
    assert_eq!(
        e.to_string(),
        "event 1: `data.balance.currentBalance` is missing or cannot be read; no event of the request was taken"
    );
    assert!(matches!(batch(json!([purchase(), 7])), Err(IntakeError::Event { index: 1, .. })));
    assert!(matches!(batch(purchase()), Err(IntakeError::Shape(_))));
    let many: Vec<Value> = (0..1001).map(|_| Value::Null).collect();
    assert_eq!(batch(Value::Array(many)).unwrap_err(), IntakeError::TooMany { count: 1001 });
}

#[test]
fn what_is_missing_or_wrong_is_named_and_nothing_else_is_said() {
    let missing = |name: &str| {
        let mut event = purchase();
        event.as_object_mut().unwrap().remove(name);
        event
    };
    let with = |pointer: &str, value: Value| {
        let mut event = purchase();
        *event.pointer_mut(pointer).unwrap() = value;
        event
    };
    let cases = [
        (missing("specversion"), "specversion"),
        (with("/specversion", json!("0.3")), "specversion"),
        (missing("id"), "id"),
        (with("/id", json!("")), "id"),
        (with("/id", json!(7)), "id"),
        (with("/id", json!("a\nb")), "id"),
        (with("/id", json!("x".repeat(513))), "id"),
        (missing("source"), "source"),
        (with("/source", json!("a b")), "source"),
        (missing("type"), "type"),
        (missing("time"), "time"),
        (with("/time", json!("yesterday")), "time"),
        (with("/time", json!("2026-11-24T10:00:00")), "time"),
        (with("/datacontenttype", json!("text/xml")), "datacontenttype"),
        (missing("data"), "data"),
        (with("/data", json!("Layla")), "data"),
        (with("/data/accountId", json!("")), "data.accountId"),
        (with("/data/customerId", json!(42)), "data.customerId"),
        (with("/data/currency", json!("GOLD")), "data.currency"),
        (with("/data/currency", Value::Null), "data.currency"),
        (with("/data/transaction", Value::Null), "data.transaction"),
        (with("/data/transaction/transactionId", Value::Null), "data.transaction.transactionId"),
        (with("/data/transaction/amount", json!("lots of Layla's money")), "data.transaction.amount"),
        (with("/data/transaction/debitCreditMemo", json!("UP")), "data.transaction.debitCreditMemo"),
        (with("/data/transaction/transactionTimestamp", json!(1)), "data.transaction.transactionTimestamp"),
        (with("/data/transaction/accountId", json!("other")), "data.transaction.accountId"),
    ];
    for (event, expected) in cases {
        match one(&event).unwrap_err() {
            e @ IntakeError::Event { index: 0, .. } => {
                let text = e.to_string();
                assert!(
                    text.contains(&format!("`{expected}`")) && !text.contains("Layla"),
                    "{expected}: {text}"
                );
            }
            other => panic!("{expected}: {other}"),
        }
    }
    assert_eq!(
        parse_events(&institution(), events::STRUCTURED, b"{\n  \xff").unwrap_err(),
        IntakeError::NotJson { line: 2, column: 3 }
    );
    assert_eq!(parse_events(&institution(), "text/plain", b"{}").unwrap_err(), IntakeError::ContentType);
    assert_eq!(
        parse_events(&institution(), "application/json", b"{}").unwrap_err(),
        IntakeError::ContentType
    );
}

#[test]
fn the_currency_may_stand_in_the_transaction() {
    let mut event = purchase();
    event["data"].as_object_mut().unwrap().remove("currency");
    event["data"]["transaction"]["currency"] = json!({"currencyCode": "USD"});
    assert_eq!(one(&event).unwrap().events.len(), 1);
}

#[test]
fn binary_mode_is_the_same_event() {
    let event = purchase();
    let data = event["data"].to_string();
    let attributes: Vec<(&str, &str)> = ["specversion", "id", "source", "type", "time"]
        .iter()
        .map(|name| (*name, event[*name].as_str().unwrap()))
        .collect();
    let binary =
        parse_binary_event(&institution(), "application/json", &attributes, data.as_bytes()).unwrap();
    assert_eq!(binary.events[0].0, one(&event).unwrap().events[0].0);
    assert!(parse_binary_event(&institution(), "text/plain", &attributes, data.as_bytes()).is_err());
    assert!(
        parse_binary_event(&institution(), "application/json", &attributes[1..], data.as_bytes()).is_err()
    );
}

#[test]
fn the_key_is_the_sources_and_ids() {
    let key = |event: &Value| event_key(&one(event).unwrap().events[0].0);
    assert_eq!(key(&purchase()), key(&purchase()), "a redelivery");
    for (name, value) in
        [("id", "evt-9"), ("source", "https://bank.example/harbor"), ("time", "2026-11-24T10:00:01Z")]
    {
        let mut other = purchase();
        other[name] = json!(value);
        assert_ne!(key(&other), key(&purchase()), "{name}");
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse_events(&institution(), events::STRUCTURED, &body);
        let _ = parse_events(&institution(), events::BATCH, &body);
    }

    #[test]
    fn no_damage_to_a_good_event_makes_it_panic(at in 0usize..600, byte in any::<u8>(), cut in 0usize..700) {
        let mut body = json!([purchase(), balance()]).to_string().into_bytes();
        let at = at % body.len();
        body[at] = byte;
        body.truncate(cut.max(1));
        let _ = parse_events(&institution(), events::BATCH, &body);
    }

    #[test]
    fn any_amount_is_exact_or_refused(text in "-?[0-9]{1,30}(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,4})?") {
        let body = purchase().to_string().replace("4.5", &text);
        if let Ok(intake) = parse_events(&institution(), events::STRUCTURED, body.as_bytes()) {
            let minor = open(&intake.events[0].1.about(subject()))["transaction"]["amount"]["minor"].as_i64();
            prop_assert!(minor.is_some_and(|minor| minor >= 0));
        }
    }
}
