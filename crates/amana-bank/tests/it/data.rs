//! Accounts and transactions: both shapes, paging, errors, money.

use crate::fake::*;
use amana_bank::profile::{DateParams, Profile};
use amana_bank::{Actor, Bank, BankErrorClass as Class};
use amana_core::LinkId;
use serde_json::{Value, json};
use std::time::Duration;

const FLAT: &str = r#"{"page":{},"links":{},"accounts":[
  {"accountCategory":"DEPOSIT_ACCOUNT","accountId":"chk","nickname":"Everyday\u202e Checking\u0007","accountType":"CHECKING",
   "accountNumberDisplay":"xxxxxx4321","currency":{"currencyCode":"USD"},"balanceType":"ASSET","status":"OPEN",
   "currentBalance":1234.5,"availableBalance":1200.00,"balanceAsOf":"2026-11-24T09:00:00Z","ofTheFuture":[{"x":1}]},
  {"accountCategory":"LOC_ACCOUNT","accountId":"card","productName":"بطاقة","accountType":"CREDITCARD","accountNumber":"4111111111111111",
   "currency":{"currencyCode":"KWD"},"balanceType":"LIABILITY","currentBalance":12.345,"availableCredit":987.655},
  {"accountCategory":"DEPOSIT_ACCOUNT","accountId":"odd","accountType":"SOMETHINGNEW","currency":{"currencyCode":"USD"},"currentBalance":1.005},
  {"accountCategory":"DEPOSIT_ACCOUNT","accountId":"failed","error":{"code":"500","message":"x"}},
  {"accountCategory":"DEPOSIT_ACCOUNT","nickname":"without an id"},
  17
]}"#;

const WRAPPED: &str = r#"{"accounts":[
  {"depositAccount":{"accountId":"sav","accountType":"SAVINGS","productName":"Savings","accountNumberDisplay":"88","currency":{"currencyCode":"JPY"},"currentBalance":1000}},
  {"locAccount":{"accountId":"loc","accountType":"LINEOFCREDIT","currency":{"currencyCode":"USD"},"principalBalance":50,"balanceType":"ASSET"}},
  {"loanAccount":{"accountId":"car","accountType":"AUTOLOAN","currency":{"currencyCode":"USD"},"principalBalance":9000.01}}
]}"#;

#[tokio::test]
async fn flat_accounts_are_read_and_bad_rows_counted() {
    let b = bench(Knobs::default(), |_| say(206, FLAT)).await;
    let accounts = b.bank.accounts(&b.tokens(), &subject(), Actor::Batch).await.unwrap();
    assert_eq!(accounts.ids, [account("chk"), account("card"), account("odd")]);
    assert_eq!(
        accounts.skipped, 4,
        "one balance, one failed account, one without an id, one that is a number"
    );
    let rows = open(&accounts.data);
    assert_eq!(
        rows[0],
        json!({"id": "chk", "name": "Everyday Checking", "last_four": "4321", "kind": "checking",
            "current": {"minor": 123_450, "currency": "USD"}, "available": {"minor": 120_000, "currency": "USD"},
            "as_of": "2026-11-24T09:00:00Z"})
    );
    assert_eq!(rows[1]["kind"], "credit-card");
    assert_eq!(rows[1]["last_four"], "1111");
    assert!(!rows.to_string().contains("4111111111111111"));
    assert_eq!(
        rows[1]["current"],
        json!({"minor": 12_345, "currency": "KWD"}),
        "three decimals; owed is positive"
    );
    assert_eq!(rows[1]["available"], json!({"minor": 987_655, "currency": "KWD"}));
    assert_eq!(rows[2]["kind"], "other");
    assert_eq!(rows[2]["current"], Value::Null, "half a cent is not rounded");

    let call = &b.fake.calls()[0];
    assert_eq!(call.query["resultType"], "details");
    assert_eq!(call.headers["authorization"], "Bearer at-1");
    assert_eq!(call.headers["fdx-api-actor-type"], "BATCH");
    assert_eq!(call.headers["x-fapi-interaction-id"].len(), 36);
}

#[tokio::test]
async fn wrapped_accounts_are_read_too() {
    let b = bench(Knobs::default(), |_| say(200, WRAPPED)).await;
    let accounts = b.bank.accounts(&b.tokens(), &subject(), Actor::User).await.unwrap();
    assert_eq!(accounts.skipped, 0);
    let rows = open(&accounts.data);
    assert_eq!(rows[0]["current"], json!({"minor": 1000, "currency": "JPY"}), "yen have no minor units");
    assert_eq!((&rows[0]["kind"], &rows[0]["last_four"]), (&json!("savings"), &json!("88")));
    assert_eq!(rows[1]["current"]["minor"], -5000, "an asset on a line of credit is not owed");
    assert_eq!((&rows[2]["kind"], &rows[2]["current"]["minor"]), (&json!("loan"), &json!(900_001)));
    assert!(!format!("{accounts:?}").contains("Savings"));
}

fn one_account(currency: &str) -> Say {
    say(
        200,
        json!({"accountId": "a1", "accountCategory": "DEPOSIT_ACCOUNT", "currency": {"currencyCode": currency}}),
    )
}

fn row(id: &str, more: Value) -> Value {
    let mut row = json!({"accountId": "a1", "transactionId": id, "amount": 4.50, "debitCreditMemo": "DEBIT",
        "status": "POSTED", "description": "BLUE BOTTLE #12", "transactionTimestamp": "2026-11-20T08:00:00Z"});
    for (key, value) in more.as_object().unwrap() {
        row[key] = value.clone();
    }
    row
}

fn raw(amount: &str) -> String {
    row("raw", json!({})).to_string().replace("4.5", amount)
}

/// A bank whose account `a1` in this currency has these transactions.
async fn with_rows(currency: &'static str, rows: Vec<String>) -> Bench {
    let body = format!("{{\"page\":{{}},\"transactions\":[{}]}}", rows.join(","));
    bench(Knobs::default(), move |seen| {
        if seen.path.ends_with("/transactions") { say(200, &body) } else { one_account(currency) }
    })
    .await
}

#[tokio::test]
async fn transactions_are_read_from_the_customers_side() {
    let rows = vec![
        row("t1", json!({"transactionPayee": {"merchantName": "Blue Bottle \u{202e}Coffee"}})),
        row(
            "t2",
            json!({"debitCreditMemo": "CREDIT", "payee": "Employer", "transactionTimestamp": "2026-11-21T08:00:00Z"}),
        ),
        row(
            "t3",
            json!({"debitCreditMemo": "MEMO", "status": "PENDING", "transactionTimestamp": "2026-11-22"}),
        ),
        row(
            "t4",
            json!({"status": "AUTHORIZATION", "amount": -7, "transactionTimestamp": "2026-11-23T08:00:00+03:00",
            "transactionPayee": {"individualName": {"first": "Layla", "last": "H"}}}),
        ),
        row(
            "t5",
            json!({"status": "BRAND_NEW", "postedTimestamp": "2026-11-19T08:00:00Z", "referenceTransactionId": "t4",
            "transactionType": "DEBITCARD", "transactionTimestamp": "2026-11-18T08:00:00Z"}),
        ),
        json!({"depositTransaction": row("t6", json!({"transactionTimestamp": "2026-11-17T08:00:00Z"}))}),
        row("t1", json!({"description": "the same again"})),
        row("old", json!({"transactionTimestamp": "2025-01-01T00:00:00Z"})),
    ];
    let b = with_rows("USD", rows.iter().map(Value::to_string).collect()).await;
    let page = b.rows("a1").await.unwrap();
    assert_eq!(page["truncated"], false);
    let rows = page["rows"].as_array().unwrap();
    let ids: Vec<_> = rows.iter().map(|r| r["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["t4", "t3", "t2", "t1", "t5", "t6"], "newest first, once, inside the period");
    let of = |id: &str| rows.iter().find(|r| r["id"] == id).unwrap();
    assert_eq!((&of("t1")["direction"], &of("t1")["state"]), (&json!("out"), &json!("posted")));
    assert_eq!(of("t1")["merchant"], "Blue Bottle Coffee");
    assert_eq!(of("t1")["amount"], json!({"minor": 450, "currency": "USD"}));
    assert_eq!((&of("t2")["direction"], &of("t2")["merchant"]), (&json!("in"), &json!("Employer")));
    assert_eq!((&of("t3")["direction"], &of("t3")["state"]), (&json!("memo"), &json!("pending")));
    assert_eq!(of("t3")["merchant"], "BLUE BOTTLE #12", "the line of text stands in for the shop");
    assert_eq!((&of("t4")["amount"]["minor"], &of("t4")["merchant"]), (&json!(700), &json!("Layla H")));
    assert_eq!((&of("t5")["state"], &of("t5")["reference_id"]), (&json!("posted"), &json!("t4")));

    let query = &b.fake.calls().iter().find(|c| c.path.ends_with("/transactions")).unwrap().query.clone();
    assert_eq!(
        (query["startTime"].as_str(), query["endTime"].as_str()),
        ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")
    );
    // The currency is remembered.
    b.rows("a1").await.unwrap();
    assert_eq!(b.fake.calls().len(), 3);
}

#[tokio::test]
async fn a_row_that_cannot_be_read_is_left_out_never_the_rest() {
    let broken = vec![
        raw("4.505"),
        raw("1e30"),
        raw("\"four\""),
        raw("null"),
        row("x", json!({"debitCreditMemo": "SIDEWAYS"})).to_string(),
        row("x", json!({"transactionTimestamp": "soon"})).to_string(),
        row("", json!({})).to_string(),
        "[]".into(),
        "null".into(),
        row("good", json!({})).to_string(),
    ];
    let b = with_rows("USD", broken).await;
    let page = b.rows("a1").await.unwrap();
    let ids: Vec<_> = page["rows"].as_array().unwrap().iter().map(|r| r["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["good"]);
    assert_eq!(page["truncated"], true, "what is missing is not called complete");
    let elsewhen = row("x", json!({"amount": "four", "transactionTimestamp": "2025-01-01T00:00:00Z"}));
    let b = with_rows("USD", vec![elsewhen.to_string(), row("good", json!({})).to_string()]).await;
    assert_eq!(b.rows("a1").await.unwrap()["truncated"], false, "it is of another time");
    let b = with_rows("KWD", vec![raw("4.505")]).await;
    assert_eq!(b.rows("a1").await.unwrap()["rows"][0]["amount"], json!({"minor": 4505, "currency": "KWD"}));
}

#[tokio::test]
async fn dates_are_sent_as_the_profile_says() {
    let change = |profile: &mut Profile| profile.api.date_params = DateParams::Both;
    let b = bench_with(Knobs::default(), change, |seen| {
        if seen.path.ends_with("/transactions") {
            say(200, r#"{"transactions":[]}"#)
        } else {
            one_account("USD")
        }
    })
    .await;
    b.rows("a1").await.unwrap();
    let query = b.fake.calls()[1].query.clone();
    assert_eq!((query["startDate"].as_str(), query["endDate"].as_str()), ("2026-11-01", "2026-11-30"));
    assert!(query.contains_key("startTime") && query.contains_key("endTime"));
}

/// A bank that gives three pages by one of the three ways.
fn paged(seen: &Seen, way: &str) -> Say {
    if !seen.path.ends_with("/transactions") {
        return one_account("USD");
    }
    assert_eq!(seen.query["startTime"], "2026-11-01T00:00:00Z", "the period stays on every page");
    let at = |name: &str| seen.query.get(name).map_or(0, |v| v.parse::<usize>().unwrap());
    let page = at("pageKey").max(at("offset"));
    let rows = [row(&format!("p{page}a"), json!({})), row(&format!("p{page}b"), json!({}))];
    let more = page < 2;
    let mut body = json!({"page": {}, "links": {}, "transactions": rows});
    if more {
        let next = (page + 1).to_string();
        match way {
            "key" => body["page"]["nextPageKey"] = json!(next),
            "offset" => body["page"]["nextOffset"] = json!(page + 1),
            _ => {
                body["links"]["next"] = json!({"href":
                    format!("{}?startTime=2026-11-01T00:00:00Z&pageKey={next}", seen.path)});
            }
        }
    }
    say(200, body)
}

#[tokio::test]
async fn pages_are_followed_three_ways() {
    for way in ["key", "link", "offset"] {
        let b = bench(Knobs::default(), move |seen| paged(seen, way)).await;
        let page = b.rows("a1").await.unwrap();
        assert_eq!(page["rows"].as_array().unwrap().len(), 6, "{way}");
        assert_eq!(page["truncated"], false);
    }
}

#[tokio::test]
async fn a_partial_answer_is_not_called_complete_unless_a_page_follows() {
    for (first, last, truncated) in [(206, 200, false), (200, 206, true)] {
        let b = bench(Knobs::default(), move |seen| {
            if !seen.path.ends_with("/transactions") {
                return one_account("USD");
            }
            let end = seen.query.contains_key("pageKey");
            let page = if end { json!({}) } else { json!({"nextPageKey": "2"}) };
            let id = if end { "t2" } else { "t1" };
            let body = json!({"page": page, "transactions": [row(id, json!({}))]});
            say(if end { last } else { first }, body)
        })
        .await;
        let page = b.rows("a1").await.unwrap();
        assert_eq!(page["rows"].as_array().unwrap().len(), 2);
        assert_eq!(page["truncated"], truncated);
    }
}

#[tokio::test]
async fn accounts_that_the_bank_could_not_give_are_counted_as_missing() {
    let b = bench(Knobs::default(), |_| say(206, json!({"accounts": [{"accountId": "a1"}]}))).await;
    let accounts = b.bank.accounts(&b.tokens(), &subject(), Actor::User).await.unwrap();
    assert_eq!((accounts.ids.len(), accounts.skipped), (1, 1));
}

#[tokio::test]
async fn circles_and_endless_lists_end() {
    for same in [true, false] {
        let b = bench(Knobs::default(), move |seen| {
            if !seen.path.ends_with("/transactions") {
                return one_account("USD");
            }
            let n = seen.query.get("pageKey").map_or(0, |k| k.parse::<u32>().unwrap());
            let next = if same { "1".to_owned() } else { (n + 1).to_string() };
            say(
                200,
                json!({"page": {"nextPageKey": next}, "transactions": [row(&format!("t{n}"), json!({}))]}),
            )
        })
        .await;
        let page = b.rows("a1").await.unwrap();
        assert_eq!(page["truncated"], true, "it is not called complete");
        let calls = b.fake.calls().len();
        assert_eq!(calls, if same { 3 } else { 1 + amana_bank::limits::PAGES_MAX });
    }
}

#[tokio::test]
async fn a_link_to_another_origin_is_refused_and_never_called() {
    let elsewhere = bench(Knobs::default(), |_| say(200, r#"{"transactions":[]}"#)).await;
    let href = format!("{}/cedar/fdx/v6/steal", elsewhere.fake.origin);
    let b = bench(Knobs::default(), move |seen| {
        if seen.path.ends_with("/transactions") {
            say(200, json!({"links": {"next": {"href": href}}, "transactions": []}))
        } else {
            one_account("USD")
        }
    })
    .await;
    let e = b.rows("a1").await.unwrap_err();
    assert!(matches!(e.class, Class::Nonsense(what) if what.contains("another origin")), "{e}");
    assert!(elsewhere.fake.calls().is_empty(), "the token went nowhere");
}

#[tokio::test]
async fn a_banks_trouble_becomes_a_class_with_its_interaction() {
    let wait = |seconds: Option<u64>| {
        let retry_after = seconds.map(Duration::from_secs);
        move |class: Class| matches!(class, Class::Wait { retry_after: r, .. } if r == retry_after)
    };
    type Test = Box<dyn Fn(Class) -> bool>;
    let cases: Vec<(u16, Vec<(&'static str, String)>, &str, Test)> = vec![
        (401, vec![], r#"{"code":603}"#, Box::new(|c| matches!(c, Class::RelinkNeeded(_)))),
        (
            404,
            vec![],
            r#"{"code":"701","message":"account 4111 of Layla"}"#,
            Box::new(|c| matches!(c, Class::Gone(_))),
        ),
        (400, vec![], r#"{"code":"703"}"#, Box::new(|c| matches!(c, Class::OurRequest(_)))),
        (429, vec![("retry-after", "7".into())], "", Box::new(wait(Some(7)))),
        (429, vec![], "", Box::new(wait(None))),
        (503, vec![("retry-after", "Tue, 24 Nov 2026 10:00:30 GMT".into())], "", Box::new(wait(Some(30)))),
        (500, vec![], "<html>Layla's balance: 42.10</html>", Box::new(|c| matches!(c, Class::Retry(_)))),
        (200, vec![], "<html>Layla's balance: 42.10</html>", Box::new(|c| matches!(c, Class::Nonsense(_)))),
        (200, vec![], "\u{0}\u{1}", Box::new(|c| matches!(c, Class::Nonsense(_)))),
        (200, vec![], "[1,2]", Box::new(|c| matches!(c, Class::Nonsense(_)))),
        (200, vec![], r#"{"accounts":"none"}"#, Box::new(|c| matches!(c, Class::Nonsense(_)))),
        (200, vec![], r#"{"hello":1}"#, Box::new(|c| matches!(c, Class::Nonsense(_)))),
        (
            302,
            vec![("location", "https://evil.example".into())],
            "",
            Box::new(|c| matches!(c, Class::Nonsense(_))),
        ),
    ];
    for (status, headers, body, expected) in cases {
        let text = body.to_owned();
        let b = bench(Knobs::default(), move |_| Say {
            status,
            headers: headers.clone(),
            body: text.clone(),
            delay: Duration::ZERO,
        })
        .await;
        let e = b.bank.accounts(&b.tokens(), &subject(), Actor::User).await.unwrap_err();
        assert!(expected(e.class), "{status} {body}: {:?}", e.class);
        let sent = b.fake.calls()[0].headers["x-fapi-interaction-id"].to_str().unwrap().to_owned();
        assert_eq!(e.interaction.as_deref(), Some(sent.as_str()));
        let text = format!("{e} {e:?}");
        assert!(!text.contains("Layla") && !text.contains("4111") && !text.contains("42.10"), "{text}");
    }
    let b = bench(Knobs::default(), |_| Say { delay: Duration::from_secs(3), ..say(200, FLAT) }).await;
    let e = b.bank.accounts(&b.tokens(), &subject(), Actor::User).await.unwrap_err();
    assert_eq!(e.class, Class::Retry("no whole answer in time"));
    let b = bench(Knobs::default(), |_| say(204, "")).await;
    assert!(b.bank.accounts(&b.tokens(), &subject(), Actor::User).await.unwrap().ids.is_empty());
}

#[tokio::test]
async fn an_account_id_is_escaped_and_a_period_backwards_is_empty() {
    let b = bench(Knobs::default(), |seen| {
        if seen.path.ends_with("/transactions") {
            say(200, r#"{"transactions":[]}"#)
        } else {
            one_account("USD")
        }
    })
    .await;
    b.rows("../../x?y=1#z/%").await.unwrap();
    for call in b.fake.calls() {
        assert!(call.path.starts_with("/cedar/fdx/v6/accounts/"), "{}", call.path);
        assert!(!call.query.contains_key("y"));
    }
    let (late, early) = ("2026-12-01T00:00:00Z".parse().unwrap(), "2026-11-01T00:00:00Z".parse().unwrap());
    let before = b.fake.calls().len();
    let page =
        b.bank.transactions(&b.tokens(), &subject(), &account("a1"), late, early, Actor::User).await.unwrap();
    assert_eq!(open(&page), json!({"rows": [], "truncated": false}));
    assert_eq!(b.fake.calls().len(), before);
}

/// Where an aggregator serves many banks, the bank is a segment of the path; the connection's calls are counted, the
/// customer's own questions apart from those for which nobody waits; what the bank does not tell of is not asked for.
#[tokio::test]
async fn paths_budget_and_history_follow_the_profile() {
    let list =
        json!({"accounts": [{"accountId": "a1", "currency": {"currencyCode": "USD"}, "currentBalance": 1}]});
    let b = bench_with(
        Knobs::default(),
        |profile| {
            profile.api.paths = Profile::built_in("b", "akoya").unwrap().api.paths;
            profile.api.budget = amana_bank::profile::Budget { calls: 4, batch_calls: 1 };
            profile.api.history = amana_bank::profile::History::Days(30);
        },
        move |seen| match seen.path.as_str() {
            p if p.ends_with("/accounts/v2/mikomo") => say(200, &list),
            p if p.ends_with("/transactions/v2/mikomo/a1") => say(200, json!({"transactions": []})),
            _ => say(404, ""),
        },
    )
    .await;
    let (tokens, day) = (b.tokens(), Duration::from_secs(86_400));
    let page = b
        .bank
        .transactions(&tokens, &subject(), &account("a1"), start() - 90 * day, start(), Actor::User)
        .await
        .unwrap();
    assert_eq!(open(&page)["truncated"], true, "the older part is not there to be read");
    let asked = b.fake.calls().last().unwrap().query["startTime"].clone();
    assert_eq!(asked, "2026-10-26T00:00:00Z", "the first whole day of thirty");

    b.bank.accounts(&tokens, &subject(), Actor::Batch).await.unwrap();
    let refused = b.bank.accounts(&tokens, &subject(), Actor::Batch).await.unwrap_err();
    assert!(matches!(refused.class, Class::Wait { retry_after: Some(_), .. }), "{refused}");
    b.bank.accounts(&tokens, &subject(), Actor::User).await.unwrap();
    assert!(b.bank.accounts(&tokens, &subject(), Actor::User).await.is_err(), "four calls in all");
    assert_eq!(b.fake.calls().len(), 4, "what is refused is not sent");
    // Another connection of the same customer has its own, and whether we may still read is always asked.
    let other = amana_bank::Tokens { connection: Some(LinkId::from_bytes([9; 16])), ..tokens.clone() };
    b.bank.accounts(&other, &subject(), Actor::Batch).await.unwrap();
    assert!(b.bank.accounts(&other, &subject(), Actor::Batch).await.is_err());
    for _ in 0..5 {
        b.bank.grant(&tokens, &subject(), Some("consent-7")).await.unwrap();
    }
}

/// FDX 1107: no transactions in that time are an answer, not an account that is gone.
#[tokio::test]
async fn no_data_is_an_empty_list() {
    for (status, code) in [(404, json!(1107)), (404, json!("1107")), (400, json!("1107"))] {
        let b = bench(Knobs::default(), move |seen| match seen.path.ends_with("/transactions") {
            true => say(status, json!({ "code": code, "message": "no data" })),
            false => one_account("USD"),
        })
        .await;
        let page = b.rows("a1").await.expect("a list");
        assert_eq!((&page["rows"], &page["truncated"]), (&json!([]), &json!(false)));
    }
    for code in ["701", "705", "601", ""] {
        let b = bench(Knobs::default(), move |seen| match seen.path.ends_with("/transactions") {
            true => say(404, json!({ "code": code })),
            false => one_account("USD"),
        })
        .await;
        let refused = b.rows("a1").await.expect_err("no list");
        assert!(matches!(refused.class, Class::Gone(_)), "{code}: {refused}");
    }
}

/// The provider's grant is the truth; a word that we do not know is no reason to end anything.
#[tokio::test]
async fn the_grant_is_as_the_bank_says() {
    use amana_bank::GrantStatus as Status;
    for (status, body, expected) in [
        (
            200,
            json!({"status": "ACTIVE", "expirationTime": "2027-01-01T00:00:00Z",
            "resources": [{"resourceType": "ACCOUNT", "resourceId": "a1", "dataClusters": []},
                {"resourceType": "CUSTOMER", "resourceId": "c"}]}),
            Status::Active,
        ),
        (200, json!({"status": "REVOKED"}), Status::Revoked),
        (200, json!({"status": "EXPIRED"}), Status::Expired),
        (200, json!({"status": "DORMANT"}), Status::Unknown),
        (404, json!({"code": 1107}), Status::Missing),
    ] {
        let b = bench(Knobs::default(), move |_| say(status, &body)).await;
        let state = b.bank.grant(&b.tokens(), &subject(), Some("g1")).await.unwrap();
        assert_eq!(state.status, expected);
        if expected == Status::Active {
            assert_eq!(state.accounts, Some(vec![account("a1")]));
        }
        assert_eq!(
            b.bank.grant(&b.tokens(), &subject(), None).await.unwrap().status,
            Status::Unknown,
            "no id, no question"
        );
    }
    let b = bench(Knobs::default(), |_| say(503, "")).await;
    assert!(
        b.bank.grant(&b.tokens(), &subject(), Some("g1")).await.is_err(),
        "a bank that is away has not revoked"
    );
}

/// An account and a transaction in the words of each version, and what is read of them: kind, current and available
/// balance; amount, direction, state, shop.
#[tokio::test]
async fn each_version_of_fdx_is_read() {
    type Case = (&'static str, &'static str, &'static str, [&'static str; 3], [&'static str; 4]);
    const CASES: &[Case] = &[
        (
            "4.6: wrapped, transactions within the account, the code of the trade as category, a payee",
            r#"{"depositAccount":{"accountId":"a1","accountType":"CHECKING","currency":{"currencyCode":"USD"},
                "accountNumberDisplay":"4321","balanceType":"ASSET","currentBalance":10.5,"availableBalance":9,
                "transactions":[{"depositTransaction":{"transactionId":"inner","amount":1}}]}}"#,
            r#"{"depositTransaction":{"transactionId":"t1","postedTimestamp":"2026-11-20T08:00:00Z","amount":4.5,
                "debitCreditMemo":"DEBIT","description":"GROCER 12","category":"5411","subCategory":"MCC","payee":"Grocer"}}"#,
            ["checking", "1050", "900"],
            ["450", "out", "posted", "Grocer"],
        ),
        (
            "5.0: a line of credit, with its principal",
            r#"{"locAccount":{"accountId":"a1","accountType":"LINEOFCREDIT","currency":{"currencyCode":"USD"},
                "balanceType":"LIABILITY","principalBalance":50,"availableCredit":450}}"#,
            r#"{"locTransaction":{"transactionId":"t1","transactionTimestamp":"2026-11-20T08:00:00Z","amount":20,
                "debitCreditMemo":"CREDIT","status":"POSTED","transactionType":"PAYMENT","description":"THANK YOU"}}"#,
            ["loan", "5000", "45000"],
            ["2000", "in", "posted", "THANK YOU"],
        ),
        (
            "5.2: a card, its last statement, a reference to the authorization",
            r#"{"locAccount":{"accountId":"a1","accountType":"CREDITCARD","currency":{"currencyCode":"USD"},
                "currentBalance":120.01,"availableCredit":879.99,"lastStmtBalance":99,"minimumPaymentAmount":25}}"#,
            r#"{"locTransaction":{"transactionId":"t1","referenceTransactionId":"a0","amount":12,"status":"PENDING",
                "transactionTimestamp":"2026-11-20T08:00:00Z","debitCreditMemo":"DEBIT","payee":"Pump 7"}}"#,
            ["credit-card", "12001", "87999"],
            ["1200", "out", "pending", "Pump 7"],
        ),
        (
            "6.0: flat, with its category",
            r#"{"accountCategory":"LOAN_ACCOUNT","accountId":"a1","accountType":"AUTOLOAN",
                "currency":{"currencyCode":"USD"},"balanceType":"LIABILITY","principalBalance":9000.01}"#,
            r#"{"accountCategory":"LOAN_ACCOUNT","transactionId":"t1","amount":300,"debitCreditMemo":"CREDIT",
                "transactionTimestamp":"2026-11-20T08:00:00Z","status":"POSTED","payee":"Transfer"}"#,
            ["loan", "900001", "null"],
            ["30000", "in", "posted", "Transfer"],
        ),
        (
            "6.2: a digital wallet",
            r#"{"accountCategory":"DIGITAL_WALLET","accountId":"a1","accountType":"DIGITALWALLET",
                "currency":{"currencyCode":"USD"},"balanceType":"ASSET","currentBalance":75,"availableBalance":75}"#,
            r#"{"accountCategory":"DIGITAL_WALLET","transactionId":"t1","amount":5,"debitCreditMemo":"DEBIT",
                "transactionTimestamp":"2026-11-20T08:00:00Z","status":"POSTED",
                "transactionPayee":{"individualName":{"first":"Layla","last":"H"}}}"#,
            ["other", "7500", "7500"],
            ["500", "out", "posted", "Layla H"],
        ),
        (
            "6.3: the card that was shown, a telephone of the kind that 6.3 deprecates, a shop with a name",
            r#"{"accountCategory":"DEPOSIT_ACCOUNT","accountId":"a1","accountType":"SAVINGS",
                "currency":{"currencyCode":"USD"},"currentBalance":8,"contact":{"telephones":[{"type":"CELL","number":"1"}]}}"#,
            r#"{"accountCategory":"DEPOSIT_ACCOUNT","transactionId":"t1","amount":5,"debitCreditMemo":"DEBIT",
                "transactionTimestamp":"2026-11-20T08:00:00Z","status":"AUTHORIZATION","cardNumberDisplay":"7788",
                "transactionPayee":{"merchantName":{"name1":"Blue Bottle"},"merchantId":"m"},"categoryCode":"5814","categoryType":"MCC"}"#,
            ["savings", "800", "null"],
            ["500", "out", "pending", "Blue Bottle"],
        ),
        (
            "6.4: bills, rates with names, scheduled payments, overdraft",
            r#"{"accountCategory":"LOC_ACCOUNT","accountId":"a1","accountType":"CREDITCARD","productId":"p",
                "currency":{"currencyCode":"USD"},"balanceType":"LIABILITY","currentBalance":1.5,"availableCredit":2,
                "bills":[{"dueDate":"2026-12-15","totalPaymentDue":1}],"purchasesApr":{"percentage":19.9},
                "scheduledPayments":[{"amount":9}],"overdraftProtectionFundingSources":[]}"#,
            r#"{"accountCategory":"LOC_ACCOUNT","transactionId":"t1","amount":5,"debitCreditMemo":"MEMO","status":"MEMO",
                "transactionTimestamp":"2026-11-20T08:00:00Z","transactionPayee":{"merchantName":"Shop"}}"#,
            ["credit-card", "150", "200"],
            ["500", "memo", "pending", "Shop"],
        ),
        (
            "6.6: an account for one use, rewards as a list, remittance",
            r#"{"accountCategory":"DEPOSIT_ACCOUNT","accountId":"a1","accountType":"LIMITEDPURPOSECHECKING",
                "currency":{"currencyCode":"USD"},"currentBalance":3,"availableBalance":3,"transferOutUseCases":["RENT_PAYMENT"]}"#,
            r#"{"accountCategory":"DEPOSIT_ACCOUNT","transactionId":"t1","amount":700,"debitCreditMemo":"DEBIT",
                "transactionTimestamp":"2026-11-20T08:00:00Z","status":"POSTED","rewards":[{"accrued":{"amount":7}}],
                "remittance":{"unstructured":["rent"]},"transactionPayee":{"merchantName":"Landlord"}}"#,
            ["checking", "300", "300"],
            ["70000", "out", "posted", "Landlord"],
        ),
    ];
    for &(version, of_account, of_transaction, wanted, wanted_of_it) in CASES {
        let b = bench(Knobs::default(), move |seen| match seen.path.as_str() {
            path if path.ends_with("/transactions") => {
                say(200, format!(r#"{{"transactions":[{of_transaction}]}}"#))
            }
            path if path.ends_with("/accounts") => say(200, format!(r#"{{"accounts":[{of_account}]}}"#)),
            _ => say(200, of_account),
        })
        .await;
        let accounts = b.bank.accounts(&b.tokens(), &subject(), Actor::User).await.unwrap();
        assert_eq!(accounts.skipped, 0, "{version}");
        let read = open(&accounts.data)[0].clone();
        let minor = |name: &str| read[name].get("minor").map_or("null".to_owned(), Value::to_string);
        let found = [read["kind"].as_str().unwrap().to_owned(), minor("current"), minor("available")];
        assert_eq!(found, wanted, "{version}: {read}");
        let page = b.rows("a1").await.unwrap();
        assert_eq!(page["truncated"], false, "{version}");
        let read = &page["rows"][0];
        let word = |name: &str| read[name].as_str().unwrap_or_default().to_owned();
        let found = [read["amount"]["minor"].to_string(), word("direction"), word("state"), word("merchant")];
        assert_eq!(found, wanted_of_it, "{version}: {read}");
    }
}
