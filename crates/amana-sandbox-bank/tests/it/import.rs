//! Imported customers.

use amana_sandbox_bank::{AccountKind, Error, ImportedAccount, ImportedCustomer, ImportedTransaction};
use jiff::civil::date;
use serde_json::json;

use crate::util::{BANK, Browser, callback, start};

fn customer() -> ImportedCustomer {
    let transaction = |id: Option<&str>, day: i8, amount_minor: i64, text: &str| ImportedTransaction {
        id: id.map(str::to_owned),
        posted: date(2026, 11, day),
        amount_minor,
        description: text.to_owned(),
        merchant: None,
    };
    ImportedCustomer {
        username: "mine".to_owned(),
        display_name: "My Own Statement".to_owned(),
        accounts: vec![
            ImportedAccount {
                number: "DE12 3456 7890 1234".to_owned(),
                kind: AccountKind::Checking,
                currency: "EUR".to_owned(),
                ledger_balance_minor: 123_456,
                available_minor: Some(120_000),
                transactions: vec![
                    transaction(Some("a1"), 20, -1_999, "Bäckerei Müller"),
                    transaction(None, 19, 250_000, "Gehalt"),
                    transaction(None, 20, -300, "Brötchen"),
                    transaction(None, 20, -300, "Brötchen"),
                ],
            },
            ImportedAccount {
                number: "4111111111111111".to_owned(),
                kind: AccountKind::CreditCard,
                currency: "EUR".to_owned(),
                ledger_balance_minor: -5_000,
                available_minor: None,
                transactions: vec![transaction(None, 18, -5_000, "Bücher")],
            },
        ],
    }
}

#[tokio::test]
async fn an_imported_customer_banks_like_the_others_and_survives() {
    let bank = start().await;
    let outcome = bank.bank.import_customer(BANK, &customer()).unwrap();
    assert_eq!((outcome.accounts, outcome.transactions, outcome.changed), (2, 5, true));
    let again = bank.bank.import_customer(BANK, &customer()).unwrap();
    assert!(!again.changed);
    let (status, bought) =
        bank.control("purchase", json!({ "customer": "mine", "merchant": "Kiosk", "amount": "2.00" })).await;
    assert_eq!(status.as_u16(), 200, "{bought}");
    let bank = bank.restart(|_| {}).await;
    let mut browser = Browser::new(&bank);
    let page = browser.sign_in(&bank.ask(), "mine").await;
    let ids = page.all("input[name=account]", "value");
    let back =
        callback(&browser.decide(&page, "allow", &ids.iter().map(String::as_str).collect::<Vec<_>>()).await);
    let answer = bank.exchange(&back["code"]).await.1;
    let token = answer["access_token"].as_str().unwrap();
    let accounts = bank.accounts(token).await;
    let checking = accounts.iter().find(|a| a["accountType"] == "CHECKING").unwrap();
    assert_eq!(checking["currentBalance"].to_string(), "1234.56");
    assert_eq!(checking["availableBalance"].to_string(), "1200.00");
    assert_eq!(checking["accountNumberDisplay"], "****1234");
    let card = accounts.iter().find(|a| a["accountType"] == "CREDITCARD").unwrap();
    assert_eq!(card["currentBalance"].to_string(), "50.00");
    let id = checking["accountId"].as_str().unwrap();
    let list = bank.get_ok(token, &bank.fdx(&format!("/accounts/{id}/transactions"))).await;
    let rows = list["transactions"].as_array().unwrap();
    assert_eq!(rows.len(), 4);
    let salary = rows.iter().find(|row| row["description"] == "Gehalt").unwrap();
    assert_eq!(
        (salary["debitCreditMemo"].as_str(), salary["amount"].to_string()),
        (Some("CREDIT"), "2500.00".to_owned())
    );
}

#[tokio::test]
async fn a_wrong_import_leaves_nothing() {
    let bank = start().await;
    let change = |change: fn(&mut ImportedCustomer)| {
        let mut wrong = customer();
        change(&mut wrong);
        wrong
    };
    for wrong in [
        change(|c| c.username = "layla".to_owned()),
        change(|c| c.username = "Not A Name".to_owned()),
        change(|c| c.accounts.clear()),
        change(|c| c.accounts[1].currency = "euro".to_owned()),
        change(|c| c.accounts[1].number = " ".to_owned()),
        change(|c| c.accounts[1].number = c.accounts[0].number.clone()),
        change(|c| c.accounts[1].ledger_balance_minor = i64::MIN),
        change(|c| c.accounts[0].transactions[1].id = Some("a1".to_owned())),
    ] {
        assert!(matches!(bank.bank.import_customer(BANK, &wrong), Err(Error::Import(_))), "{wrong:?}");
    }
    assert!(bank.bank.import_customer("no-bank", &customer()).is_err());
    let (status, _) =
        bank.control("purchase", json!({ "customer": "mine", "merchant": "X", "amount": 1 })).await;
    assert_eq!(status.as_u16(), 404);
}

#[tokio::test]
async fn a_second_file_adds_its_accounts() {
    let bank = start().await;
    let mut first = customer();
    let card = first.accounts.pop().unwrap();
    bank.bank.import_customer(BANK, &first).unwrap();
    let mut second = customer();
    second.accounts = vec![card];
    assert_eq!(bank.bank.import_customer(BANK, &second).unwrap().accounts, 2);
}
