//! The rest of FDX 6.4 core: statements, bills, payment networks, terms, customers; and that each field is told under
//! its own cluster only.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::util::{Browser, CALLBACK, Running, VERIFIER, callback, json_of, start};

/// Checking, savings, card.
const ALL: [usize; 3] = [0, 1, 2];

/// A token for these scopes alone, and the ids of the accounts by their type.
async fn token(bank: &Running, clusters: &[&str]) -> String {
    let mut ask = bank.ask();
    let scopes: Vec<String> = clusters.iter().map(|name| format!("fdx:{name}:read")).collect();
    ask.insert("scope", scopes.join(" "));
    bank.link(&ask, &ALL).await["access_token"].as_str().unwrap().to_owned()
}

async fn id_of(bank: &Running, kind: &str) -> String {
    let token = token(bank, &["accountbasic"]).await;
    let accounts = bank.accounts(&token).await;
    accounts.iter().find(|one| one["accountType"] == kind).unwrap()["accountId"].as_str().unwrap().to_owned()
}

async fn get(bank: &Running, token: &str, path: &str, headers: &[(&str, &str)]) -> Response {
    let mut request = bank.http.get(bank.fdx(path)).bearer_auth(token);
    request = request.header("x-fapi-interaction-id", "c770aef3-6784-41f7-8e0e-ff5f97bddb3a");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.unwrap()
}

async fn code(bank: &Running, token: &str, path: &str) -> (u16, String) {
    let response = get(bank, token, path, &[]).await;
    let status = response.status().as_u16();
    (status, json_of(response).await["code"].as_str().unwrap_or_default().to_owned())
}

fn fields(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// A cluster, the card's fields if it is shown, what else it opens, and the customer's fields.
type ClusterCase<'a> = (&'a str, Option<Vec<&'static str>>, &'a [&'a str], &'a [&'a str]);

#[tokio::test]
async fn each_cluster_alone_opens_its_own_resources_and_fields() {
    let bank = start().await;
    let (card, checking) = (id_of(&bank, "CREDITCARD").await, id_of(&bank, "CHECKING").await);
    let identity = ["accountType", "accountNumberDisplay", "productId", "productName", "nickname"];
    let balances = ["balanceAsOf", "currentBalance", "availableCredit"];
    let rates = ["chargedInterest", "purchasesApr", "advancesApr", "balanceTransfersApr"];
    let detail = ["transferIn", "transferOut", "creditLine", "cardNetwork"].into_iter().chain(rates);
    let of_card = |own: &[&'static str]| {
        let bare = ["accountCategory", "accountId", "status", "currency", "balanceType"];
        bare.into_iter().chain(own.iter().copied()).collect::<BTreeSet<_>>()
    };
    let detailed: Vec<&str> = identity.into_iter().chain(balances).chain(detail).collect();
    let (account, rows) = ("account", "transactions");
    let (asset, pay, terms) = ("asset-transfer-networks", "payment-networks", "terms-and-conditions");
    // By cluster: the card's fields, if it is shown; what else it opens; the customer's fields.
    let reached = ["emails", "addresses", "telephones", "name", "accounts"];
    let cases: [ClusterCase<'_>; 12] = [
        ("accountbasic", Some(identity.to_vec()), &[account], &[]),
        ("accountdetailed", Some(detailed), &[account, asset], &[]),
        ("balances", Some(balances.to_vec()), &[account], &[]),
        ("bills", Some(vec!["bills"]), &[account], &[]),
        ("transactions", None, &[rows], &[]),
        ("statements", None, &["statements"], &[]),
        ("customercontact", None, &["contact"], &reached),
        ("customerpersonal", None, &["contact"], &["dateOfBirth"]),
        ("paymentsupport", None, &[pay], &[]),
        ("termsconditions", None, &[terms], &[]),
        ("images", None, &[], &[]),
        ("rewards", None, &["reward-transactions"], &[]),
    ];
    for (cluster, shown, opens, person) in cases {
        let token = token(&bank, &[cluster]).await;
        for resource in [account, rows, "statements", "contact", pay, asset, terms, "reward-transactions"] {
            let path = if resource == account {
                format!("/accounts/{checking}")
            } else {
                format!("/accounts/{checking}/{resource}")
            };
            let wanted = if opens.contains(&resource) { (200, "") } else { (403, "403") };
            let (status, error) = code(&bank, &token, &path).await;
            assert_eq!((status, error.as_str()), wanted, "{cluster}: {path}");
        }
        match shown {
            Some(own) => {
                let one = bank.get_ok(&token, &bank.fdx(&format!("/accounts/{card}"))).await;
                assert_eq!(fields(&one), of_card(&own), "{cluster}");
                let listed = bank.accounts(&token).await;
                assert_eq!(
                    fields(listed.iter().find(|a| a["accountId"] == card.as_str()).unwrap()),
                    of_card(&own)
                );
                // Without details there are no balances and no bills in any case.
                let light = bank.get_ok(&token, &bank.fdx("/accounts")).await;
                for account in light["accounts"].as_array().unwrap() {
                    let plain = of_card(&identity);
                    assert!(fields(account).is_subset(&plain), "{cluster}: {account}");
                }
            }
            None => assert_eq!(code(&bank, &token, "/accounts").await.0, 403, "{cluster}"),
        }
        let me = bank.get_ok(&token, &bank.fdx("/customers/current")).await;
        let bare: BTreeSet<&str> = ["customerId", "type"].into_iter().chain(person.iter().copied()).collect();
        assert_eq!(fields(&me), bare, "{cluster}");
        let listed = bank.get_ok(&token, &bank.fdx("/customers")).await;
        assert_eq!(listed["customers"], json!([me]), "{cluster}");
        let id = me["customerId"].as_str().unwrap();
        assert_eq!(bank.get_ok(&token, &bank.fdx(&format!("/customers/{id}"))).await, me, "{cluster}");
        assert_eq!(code(&bank, &token, "/customers/cus_other").await, (404, "601".to_owned()));
        let contact = get(&bank, &token, &format!("/accounts/{checking}/contact"), &[]).await;
        if contact.status() == StatusCode::OK {
            let holder = json_of(contact).await["holders"][0].clone();
            assert_eq!(holder.get("name").is_some(), cluster == "customercontact");
            assert_eq!(holder.get("dateOfBirth").is_some(), cluster == "customerpersonal");
        }
    }
}

#[tokio::test]
async fn an_account_that_lost_its_clusters_is_not_listed() {
    let bank = start().await;
    let (card, checking) = (id_of(&bank, "CREDITCARD").await, id_of(&bank, "CHECKING").await);
    let token = token(&bank, &["accountbasic", "statements"]).await;
    let all: Vec<String> = vec![card.clone(), checking.clone()];
    let order =
        json!({ "customer": "layla", "keep": all, "without": { (card.as_str()): ["ACCOUNT_BASIC"] } });
    let (status, said) = bank.control("consents/narrow", order).await;
    assert_eq!(status, StatusCode::OK, "{said}");
    let listed = bank.accounts(&token).await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["accountId"], checking.as_str());
    assert_eq!(code(&bank, &token, &format!("/accounts/{card}")).await, (403, "403".to_owned()));
    assert_eq!(code(&bank, &token, &format!("/accounts/{card}/statements")).await.0, 200);
}

#[tokio::test]
async fn statements_come_by_the_month_as_pdf_or_within_json() {
    let bank = start().await;
    let card = id_of(&bank, "CREDITCARD").await;
    let token = token(&bank, &["statements"]).await;
    let path = format!("/accounts/{card}/statements");
    let whole = bank.get_ok(&token, &bank.fdx(&path)).await;
    let all = whole["statements"].as_array().unwrap();
    let dates: Vec<&str> = all.iter().map(|one| one["statementDate"].as_str().unwrap()).collect();
    assert_eq!((dates[0], dates.len()), ("2026-10-31", 12), "the months that are over, newest first");
    assert!(dates.windows(2).all(|pair| pair[0] > pair[1]));
    // Page by page, and by dates.
    let mut url = bank.fdx(&format!("{path}?limit=5"));
    let mut paged = Vec::new();
    loop {
        let page = bank.get_ok(&token, &url).await;
        paged.extend(page["statements"].as_array().unwrap().iter().cloned());
        match page["links"]["next"]["href"].as_str() {
            Some(next) => url = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(&paged, all);
    let summer =
        bank.get_ok(&token, &bank.fdx(&format!("{path}?startDate=2026-06-30&endDate=2026-08-30"))).await;
    assert_eq!(summer["page"]["totalElements"], 2, "30 June and 31 July: {summer}");
    for (query, wanted) in
        [("startDate=2026-06-30", "703"), ("startTime=x&endTime=y", "702"), ("limit=0", "401")]
    {
        assert_eq!(
            code(&bank, &token, &format!("{path}?{query}")).await,
            (400, wanted.to_owned()),
            "{query}"
        );
    }
    // The document.
    let one = format!("{path}/{}", all[0]["statementId"].as_str().unwrap());
    assert_eq!(bank.fdx(&one), all[0]["links"][0]["href"].as_str().unwrap());
    let pdf = get(&bank, &token, &one, &[("accept", "application/pdf;q=0.9, application/json")]).await;
    assert_eq!(pdf.headers()["content-type"], "application/pdf");
    let pdf = pdf.bytes().await.unwrap();
    assert!(pdf.starts_with(b"%PDF-1.4") && pdf.ends_with(b"%%EOF\n"));
    let text = String::from_utf8_lossy(&pdf).into_owned();
    assert!(text.contains("From 2026-10-01 to 2026-10-31") && text.contains("NETFLIX.COM"));
    let encoded = json_of(get(&bank, &token, &one, &[("accept", "*/*")]).await).await;
    assert_eq!(encoded["statementId"], all[0]["statementId"]);
    assert_eq!(STANDARD.decode(encoded["image"].as_str().unwrap()).unwrap(), pdf);
    let odd = get(&bank, &token, &one, &[("accept", "image/png")]).await;
    assert_eq!(odd.status(), StatusCode::NOT_ACCEPTABLE);
    assert_eq!(code(&bank, &token, &format!("{path}/stm_none")).await, (404, "1104".to_owned()));
}

#[tokio::test]
async fn no_statement_tells_of_what_lies_before_the_look_back() {
    let bank = start().await;
    let mut ask = bank.ask();
    ask.insert("scope", "fdx:statements:read fdx:accountbasic:read".to_owned());
    let detail = json!([{ "type": "fdx_v1.0", "consentRequest": {
        "durationType": "TIME_BOUND", "durationPeriod": 90, "lookbackPeriod": 90,
        "resources": [{ "resourceType": "ACCOUNT", "dataClusters": ["STATEMENTS", "ACCOUNT_BASIC"] }],
    } }]);
    ask.insert("authorization_details", detail.to_string());
    let linked = bank.link(&ask, &[2]).await;
    let token = linked["access_token"].as_str().unwrap();
    let id = bank.accounts(token).await[0]["accountId"].as_str().unwrap().to_owned();
    let listed = bank.get_ok(token, &bank.fdx(&format!("/accounts/{id}/statements"))).await;
    // 90 days before 24 November is 26 August: August as a whole is not in it.
    let dates: Vec<&Value> =
        listed["statements"].as_array().unwrap().iter().map(|one| &one["statementDate"]).collect();
    assert_eq!(dates, ["2026-10-31", "2026-09-30"]);
    let all = self::token(&bank, &["statements"]).await;
    let whole = bank.get_ok(&all, &bank.fdx(&format!("/accounts/{id}/statements"))).await;
    let august = whole["statements"][2]["statementId"].as_str().unwrap();
    assert_eq!(code(&bank, &all, &format!("/accounts/{id}/statements/{august}")).await.0, 200);
    assert_eq!(
        code(&bank, token, &format!("/accounts/{id}/statements/{august}")).await,
        (404, "1104".to_owned())
    );
}

#[tokio::test]
async fn a_bill_says_what_the_last_statement_says() {
    let bank = start().await;
    let card = id_of(&bank, "CREDITCARD").await;
    let token = token(&bank, &["bills", "statements"]).await;
    let account = bank.get_ok(&token, &bank.fdx(&format!("/accounts/{card}"))).await;
    let bill = &account["bills"][0];
    let listed = bank.get_ok(&token, &bank.fdx(&format!("/accounts/{card}/statements?limit=1"))).await;
    assert_eq!(bill["statementDate"], listed["statements"][0]["statementDate"]);
    assert_eq!(bill["dueDate"], "2026-11-25");
    assert_eq!(bill["totalPaymentDue"], bill["statementBalance"]);
    let owed: f64 = bill["statementBalance"].to_string().parse().unwrap();
    let least: f64 = bill["minimumPaymentDue"].to_string().parse().unwrap();
    assert!(owed > 25.0 && least >= 25.0 && least <= owed, "{bill}");
    let id = listed["statements"][0]["statementId"].as_str().unwrap();
    let path = format!("/accounts/{card}/statements/{id}");
    let pdf = get(&bank, &token, &path, &[("accept", "application/pdf")]).await.bytes().await.unwrap();
    let pdf = String::from_utf8_lossy(&pdf).into_owned();
    let after = pdf.lines().find(|line| line.contains("Balance after")).unwrap().replace(',', "");
    assert!(after.contains(&format!("{}", bill["statementBalance"])), "{after} {bill}");
    // Deposit accounts have none.
    let checking = id_of(&bank, "CHECKING").await;
    let account = bank.get_ok(&token, &bank.fdx(&format!("/accounts/{checking}"))).await;
    assert!(account.get("bills").is_none());
}

#[tokio::test]
async fn payment_networks_have_numbers_of_their_own_and_are_filtered() {
    let bank = start().await;
    let (card, checking) = (id_of(&bank, "CREDITCARD").await, id_of(&bank, "CHECKING").await);
    let token = token(&bank, &["paymentsupport"]).await;
    let path = format!("/accounts/{checking}/payment-networks");
    let all = bank.get_ok(&token, &bank.fdx(&path)).await["paymentNetworks"].as_array().unwrap().clone();
    assert_eq!(all.iter().map(|one| one["type"].clone()).collect::<Vec<_>>(), ["US_ACH", "US_RTP"]);
    for one in &all {
        assert_eq!(one["identifierType"], "TOKENIZED_ACCOUNT_NUMBER");
        assert!(one["bankId"].as_str().unwrap().starts_with("99"), "no bank's own number: {one}");
        let id = one["paymentNetworkId"].as_str().unwrap();
        let single = bank.get_ok(&token, &bank.fdx(&format!("{path}/{id}"))).await;
        assert_eq!(single["paymentNetworks"], json!([one]));
    }
    let count = async |query: &str| {
        bank.get_ok(&token, &bank.fdx(&format!("{path}?{query}"))).await["page"]["totalElements"].clone()
    };
    assert_eq!(count("paymentNetworkTypes=US_RTP,SWIFT_WIRE").await, 1);
    assert_eq!(count("bankIdType=BIC").await, 0);
    assert_eq!(count("identifierTypes=TOKENIZED_ACCOUNT_NUMBER").await, 2);
    assert_eq!(code(&bank, &token, &format!("{path}?bankIdType=ABA")).await, (400, "401".to_owned()));
    assert_eq!(code(&bank, &token, &format!("{path}/pn_none")).await, (404, "1107".to_owned()));
    let of_card = code(&bank, &token, &format!("/accounts/{card}/payment-networks")).await;
    assert_eq!(of_card, (422, "704".to_owned()));
    let one_of_card = code(&bank, &token, &format!("/accounts/{card}/payment-networks/pn_none")).await;
    assert_eq!(one_of_card, (404, "1107".to_owned()), "what is not there is not there, whatever the account");
    // Another application has other numbers, and none of the first one's.
    let mut ask = bank.ask();
    ask.extend([("client_id", "poster".to_owned()), ("scope", "fdx:paymentsupport:read".to_owned())]);
    let code_of_other = bank.consent(&ask, &ALL).await["code"].clone();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code_of_other),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
        ("client_id", "poster"),
        ("client_secret", "posted"),
    ];
    let answer = json_of(bank.http.post(bank.url("/token")).form(&form).send().await.unwrap()).await;
    let others = answer["access_token"].as_str().unwrap();
    let theirs = bank.get_ok(others, &bank.fdx(&path)).await["paymentNetworks"].as_array().unwrap().clone();
    for (one, other) in all.iter().zip(&theirs) {
        assert_ne!(one["identifier"], other["identifier"]);
        assert_eq!((&one["bankId"], &one["type"]), (&other["bankId"], &other["type"]));
        let id = one["paymentNetworkId"].as_str().unwrap();
        assert_eq!(code(&bank, others, &format!("{path}/{id}")).await, (404, "1107".to_owned()));
    }
    assert_eq!(theirs.len(), all.len());
}

#[tokio::test]
async fn terms_are_told_in_the_callers_language() {
    let bank = start().await;
    let card = id_of(&bank, "CREDITCARD").await;
    let token = token(&bank, &["termsconditions", "accountbasic"]).await;
    let path = format!("/accounts/{card}/terms-and-conditions");
    let account = bank.get_ok(&token, &bank.fdx(&format!("/accounts/{card}"))).await;
    for (accept, lang) in [("ar-KW, en;q=0.5", "ar"), ("en", "en"), ("fr", "en")] {
        let terms = json_of(get(&bank, &token, &path, &[("accept-language", accept)]).await).await;
        assert_eq!(terms["uris"][0]["lang"], lang, "{accept}");
        assert_eq!(terms["productId"], account["productId"]);
        assert_eq!(terms["current"]["latePaymentFee"].to_string(), "8.00");
    }
}

#[tokio::test]
async fn a_wallet_and_a_loan_are_told_as_what_they_are() {
    let bank = start().await;
    let mut ask = bank.ask();
    ask.insert("scope", "fdx:accountdetailed:read fdx:transactions:read".to_owned());
    let mut browser = Browser::new(&bank);
    let page = browser.sign_in(&ask, "yusuf").await;
    let ids = page.all("input[name=account]", "value");
    assert_eq!(ids.len(), 5);
    let chosen: Vec<&str> = ids.iter().map(String::as_str).collect();
    let back = callback(&browser.decide(&page, "allow", &chosen).await);
    let token = bank.exchange(&back["code"]).await.1["access_token"].as_str().unwrap().to_owned();
    let accounts = bank.accounts(&token).await;
    let of = |category: &str| accounts.iter().find(|one| one["accountCategory"] == category).unwrap();
    let rows = async |account: &Value, query: &str| {
        let id = account["accountId"].as_str().unwrap();
        let body = bank.get_ok(&token, &bank.fdx(&format!("/accounts/{id}/transactions{query}"))).await;
        body["transactions"].as_array().unwrap().clone()
    };
    let year = "?startDate=2025-12-01&endDate=2026-11-24&limit=500";

    let wallet = of("DIGITAL_WALLET");
    assert_eq!((&wallet["accountType"], &wallet["balanceType"]), (&json!("DIGITALWALLET"), &json!("ASSET")));
    assert_eq!(wallet["currentBalance"], wallet["availableBalance"]);
    let moved: BTreeSet<String> =
        rows(wallet, year).await.iter().map(|row| row["transactionType"].to_string()).collect();
    assert_eq!(moved, BTreeSet::from(["\"MERCHANT_PAYMENT\"", "\"TRANSFER_IN\""].map(str::to_owned)));

    let loan = of("LOAN_ACCOUNT");
    assert_eq!((&loan["accountType"], &loan["balanceType"]), (&json!("AUTOLOAN"), &json!("LIABILITY")));
    assert!(loan.get("currentBalance").is_none() && loan.get("availableBalance").is_none());
    let paid = rows(loan, year).await;
    assert_eq!(paid.len(), 12);
    assert!(paid.iter().all(|row| row["debitCreditMemo"] == "CREDIT" && row["transactionType"] == "PAYMENT"));
    assert_eq!(loan["originalPrincipal"].to_string(), "18500.00");
    assert_eq!(loan["principalBalance"].to_string(), "14720.00", "12 rates of 315.00");
    // FDX 6.4's InterestRate and named rates, each on the kinds of account that have it.
    assert_eq!(
        (&loan["chargedInterest"]["type"], &loan["annualPercentageRate"]),
        (&json!("FIXED"), &json!(6.25))
    );
    let typed = |kind: &str| accounts.iter().find(|one| one["accountType"] == kind).unwrap();
    let (savings, card, checking) = (typed("SAVINGS"), typed("CREDITCARD"), typed("CHECKING"));
    let earned = &savings["earnedInterest"];
    assert!(
        earned["rate"].as_f64() < savings["annualPercentageYield"].as_f64() && earned["rateAsOf"].is_string()
    );
    assert_eq!(card["chargedInterest"]["rate"], card["purchasesApr"]);
    assert_eq!((&checking["overdraftOptIn"], &checking["overdrafted"]), (&json!(false), &json!(false)));
    for (account, not) in [
        (savings, "chargedInterest"),
        (card, "earnedInterest"),
        (checking, "earnedInterest"),
        (loan, "purchasesApr"),
    ] {
        assert!(account.get(not).is_none(), "{not}: {account}");
    }
    // Nothing can be bought on a loan; the wallet pays.
    let buy = |account: &Value| json!({ "customer": "yusuf", "merchant": "Blue Bottle Coffee", "amount": 4.50, "accountId": account["accountId"] });
    assert_eq!(bank.control("purchase", buy(loan)).await.0, StatusCode::CONFLICT);
    let (status, bought) = bank.control("purchase", buy(wallet)).await;
    assert_eq!(status, StatusCode::OK, "{bought}");
    let newest = rows(wallet, "").await[0].clone();
    assert_eq!(
        (&newest["status"], &newest["transactionType"]),
        (&json!("PENDING"), &json!("MERCHANT_PAYMENT"))
    );
}
