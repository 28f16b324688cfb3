//! Every operation of FDX 6.6 (`operations.txt`: names and paths, from the standard and not from our routes) answers,
//! or is left out for a reason; and what `/capability` says is neither more nor less than what answers.

use std::collections::BTreeSet;

use reqwest::{Method, StatusCode};
use serde_json::Value;

use crate::util::{Running, json_of, start};

const ALL: &str = include_str!("operations.txt");

/// What is left out, by the beginning of its path, or by its operation's id where others of the path are served.
const LEFT_OUT: [(&str, &str); 15] = [
    ("/transfers", "money movement: nothing here moves money for an application"),
    ("/payees", "money movement"),
    ("/payments", "money movement"),
    ("/payment-initiation-parties", "money movement"),
    ("/recurring-payments", "money movement"),
    ("/request-for-payments", "money movement"),
    (
        "revokePaymentNetworkId",
        "of 6.5 or 6.6, and this bank's core is of 6.4: no number of an application's own is ended by itself",
    ),
    ("getPaymentNetworkLifecycleEvents", "as above: there would be no events"),
    ("/payroll", "an employer's data: this is a bank"),
    ("/tax-forms", "an authority's and its senders': this bank makes out none"),
    ("/fraud", "reports of fraud go from an application to a bank that acts on them; this one could not"),
    ("/data-providers", "of a registry of banks, not of a bank"),
    ("/recipients", "of a registry of applications, not of a bank"),
    ("/register", "applications are registered by whoever starts the sandbox"),
    ("/token", "at the authorization server of the bank: `/{bank}/token`"),
];
/// A bank publishes notifications to its subscribers; nobody publishes to it.
const PUBLISHING: &str = "publishNotification";

fn operations() -> Vec<(&'static str, Method, &'static str)> {
    let read = |line: &'static str| {
        let mut words = line.split(' ');
        let (id, method, path) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap());
        (id, method.parse().unwrap(), path)
    };
    ALL.lines().map(read).collect()
}

fn left_out(id: &str, path: &str) -> bool {
    id == PUBLISHING || LEFT_OUT.iter().any(|(what, _)| *what == id || path.starts_with(what))
}

/// Whether the bank has such an operation at all: an id that is not known is another thing.
async fn is_there(bank: &Running, token: &str, method: &Method, path: &str) -> bool {
    let path = path.replace(['{', '}'], "");
    let request = bank.http.request(method.clone(), bank.fdx(&path)).bearer_auth(token);
    let answer =
        request.header("x-fapi-interaction-id", "c770aef3-6784-41f7-8e0e-ff5f97bddb3a").send().await.unwrap();
    let status = answer.status();
    assert!(!status.is_server_error() && status != StatusCode::UNAUTHORIZED, "{method} {path}: {status}");
    let said = answer.text().await.unwrap();
    status != StatusCode::METHOD_NOT_ALLOWED && !said.contains("there is no such resource")
}

#[tokio::test]
async fn every_operation_of_the_standard_answers_or_is_left_out_for_a_reason() {
    let bank = start().await;
    let all = operations();
    assert_eq!(all.len(), 85, "as many as the standard has");
    let token = bank.link(&bank.ask(), &[0]).await["access_token"].as_str().unwrap().to_owned();
    let mut served = BTreeSet::new();
    for (id, method, path) in &all {
        let there = is_there(&bank, &token, method, path).await;
        assert_eq!(there, !left_out(id, path), "{id}: {method} {path}");
        if there {
            served.insert((*id).to_owned());
        }
    }
    for (what, why) in LEFT_OUT {
        assert!(all.iter().any(|(id, _, path)| *id == what || path.starts_with(what)), "{what}: {why}");
    }
    let said = bank.get_ok(&token, &bank.fdx("/capability")).await;
    let said: BTreeSet<String> = said["operations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(said, served, "what the bank says of itself");
}

async fn linked(bank: &Running, scope: &str) -> (String, String, String) {
    let mut ask = bank.ask();
    ask.insert("scope", format!("fdx:accountbasic:read {scope}"));
    let token = bank.link(&ask, &[0, 1, 2]).await["access_token"].as_str().unwrap().to_owned();
    let accounts = bank.accounts(&token).await;
    let id = |kind: &str| {
        let of = accounts.iter().find(|account| account["accountType"] == kind).unwrap();
        of["accountId"].as_str().unwrap().to_owned()
    };
    (token.clone(), id("CREDITCARD"), id("CHECKING"))
}

fn rows<'a>(body: &'a Value, list: &str) -> &'a [Value] {
    body[list].as_array().unwrap()
}

const YEAR: &str = "startDate=2025-12-01&endDate=2026-11-30&limit=500";
/// So few that they are on one page.
const MONTHS: &str = "startDate=2026-10-01&endDate=2026-11-30&limit=500";

/// Images are named to who may see them, shown by `Accept`, and only of the account that they belong to.
#[tokio::test]
async fn the_slip_of_a_transaction_is_shown_to_who_may_see_it() {
    let bank = start().await;
    let (token, card, checking) = linked(&bank, "fdx:transactions:read fdx:images:read").await;
    let listed = bank.get_ok(&token, &bank.fdx(&format!("/accounts/{card}/transactions?{YEAR}"))).await;
    let named: Vec<&str> =
        rows(&listed, "transactions").iter().filter_map(|row| row["imageIds"][0].as_str()).collect();
    let image = named.first().expect("a purchase has a slip");
    assert_eq!(named.iter().collect::<BTreeSet<_>>().len(), named.len(), "each its own");
    let ask = async |token: &str, account: &str, image: &str, accept: &str| {
        let url = bank.fdx(&format!("/accounts/{account}/transaction-images/{image}"));
        let request = bank.http.get(url).bearer_auth(token).header("accept", accept);
        request.header("x-fapi-interaction-id", "c770aef3-6784-41f7-8e0e-ff5f97bddb3a").send().await.unwrap()
    };
    for accept in ["application/pdf", "*/*", "image/png, application/pdf;q=0.5"] {
        let shown = ask(&token, &card, image, accept).await;
        assert_eq!(
            (shown.status(), &shown.headers()["content-type"]),
            (StatusCode::OK, &"application/pdf".parse().unwrap())
        );
        assert!(shown.bytes().await.unwrap().starts_with(b"%PDF-"), "{accept}");
    }
    let refused = async |answer: reqwest::Response| {
        let status = answer.status().as_u16();
        (status, json_of(answer).await["code"].as_str().unwrap().to_owned())
    };
    assert_eq!(refused(ask(&token, &card, image, "image/png").await).await, (406, "1103".to_owned()));
    assert_eq!(
        refused(ask(&token, &checking, image, "*/*").await).await,
        (404, "1103".to_owned()),
        "another account's"
    );
    let (bare, _, _) = linked(&bank, "fdx:transactions:read").await;
    assert_eq!(refused(ask(&bare, &card, image, "*/*").await).await, (403, "403".to_owned()));
    let listed = bank.get_ok(&bare, &bank.fdx(&format!("/accounts/{card}/transactions?{YEAR}"))).await;
    assert!(
        rows(&listed, "transactions").iter().all(|row| row.get("imageIds").is_none()),
        "nor are they named"
    );
}

/// Points are of the card alone, and of each purchase as its category says; their program is the card's.
#[tokio::test]
async fn points_are_told_under_their_own_cluster() {
    let bank = start().await;
    let (token, card, checking) = linked(&bank, "fdx:transactions:read fdx:rewards:read").await;
    let get = async |path: &str| bank.get_ok(&token, &bank.fdx(path)).await;
    let programs = get("/reward-programs").await;
    let [program] = rows(&programs, "rewardPrograms") else { panic!("one: {programs}") };
    assert_eq!(program["memberships"][0]["accountIds"], serde_json::json!([card]));
    assert!(program["memberships"][0]["balances"][0]["balance"].as_i64().unwrap() > 0);
    let id = program["rewardProgramId"].as_str().unwrap();
    assert_eq!(get(&format!("/reward-programs/{id}")).await, *program);
    let categories = get(&format!("/reward-programs/{id}/categories")).await;
    let multiplier = |category: &str| {
        let of = rows(&categories, "rewardCategories").iter().find(|one| one["categoryId"] == category);
        of.unwrap()["multiplier"].as_i64().unwrap()
    };
    let earned = get(&format!("/accounts/{card}/reward-transactions?{MONTHS}")).await;
    let spent = get(&format!("/accounts/{card}/transactions?{MONTHS}")).await;
    let earned = rows(&earned, "rewardTransactions");
    assert!(earned.len() > 5, "{}", earned.len());
    for row in earned {
        let same =
            rows(&spent, "transactions").iter().find(|one| one["transactionId"] == row["transactionId"]);
        assert_eq!(same.unwrap()["amount"], row["amount"]);
        let reward = &row["rewards"][0];
        let points = reward.get("accrued").or(reward.get("adjusted")).unwrap().as_i64().unwrap();
        let whole: i64 = row["amount"].to_string().split('.').next().unwrap().parse().unwrap();
        let sign = if row["debitCreditMemo"] == "DEBIT" { 1 } else { -1 };
        assert_eq!(points, sign * whole * multiplier(reward["categoryId"].as_str().unwrap()), "{row}");
    }
    let none = get(&format!("/accounts/{checking}/reward-transactions?{MONTHS}")).await;
    assert!(rows(&none, "rewardTransactions").is_empty());
    let page = get(&format!("/accounts/{card}/reward-transactions?{}", MONTHS.replace("500", "2"))).await;
    let next = page["links"]["next"]["href"].as_str().unwrap();
    assert_eq!(rows(&bank.get_ok(&token, next).await, "rewardTransactions"), &earned[2..4]);

    let (bare, _, _) = linked(&bank, "fdx:transactions:read").await;
    for path in [
        "/reward-programs".to_owned(),
        format!("/reward-programs/{id}"),
        format!("/accounts/{card}/reward-transactions"),
    ] {
        assert_eq!(bank.get(&bare, &bank.fdx(&path)).await.status(), StatusCode::FORBIDDEN, "{path}");
    }
    let other = bank.get(&token, &bank.fdx("/reward-programs/rwp_other")).await;
    assert_eq!(
        (other.status(), json_of(other).await["code"].clone()),
        (StatusCode::NOT_FOUND, "1101".into())
    );
}
