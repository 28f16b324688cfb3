//! Rows and errors in a front's spelling.

use serde_json::{Map, Value, json};

use super::{FrontApi, FrontErrors, FrontShape};

/// An account's or transaction's row as the front shows it.
pub(super) fn dress(api: &FrontApi, row: Value) -> Value {
    let Value::Object(mut row) = row else { return row };
    // Only what the profile's default says can be left unsaid.
    if !api.currency && row.get("currency").and_then(|c| c.get("currencyCode")).is_some_and(|c| c == "USD") {
        row.remove("currency");
    }
    if let Some(Value::String(word)) = row.get_mut("transactionType")
        && let Some(other) = api.types.get(word)
    {
        other.clone_into(word);
    }
    match api.shape {
        FrontShape::Flat => Value::Object(row),
        FrontShape::Wrapped => wrapped(row),
    }
}

/// FDX 4.6 to 5.3: each row in an object with one key, and with the names of then.
fn wrapped(mut row: Map<String, Value>) -> Value {
    let category = row.remove("accountCategory");
    let is_transaction = row.contains_key("transactionId");
    if is_transaction {
        let named = row.remove("transactionPayee");
        if let Some(name) = named.as_ref().and_then(|payee| payee.pointer("/merchantName/name1")) {
            row.insert("payee".to_owned(), name.clone());
        }
        // The code stood where the words stand today.
        row.remove("categoryType");
        if let Some(code) = row.remove("categoryCode") {
            row.insert("category".to_owned(), code);
            row.insert("subCategory".to_owned(), json!("MCC"));
        }
        row.remove("cardNumberDisplay");
    }
    let key = match (is_transaction, category.as_ref().and_then(Value::as_str)) {
        (false, Some("LOC_ACCOUNT")) => "locAccount",
        (true, Some("LOC_ACCOUNT")) => "locTransaction",
        (false, Some("LOAN_ACCOUNT")) => "loanAccount",
        (true, Some("LOAN_ACCOUNT")) => "loanTransaction",
        // Wallets came with 6.2.
        (false, _) => "depositAccount",
        (true, _) => "depositTransaction",
    };
    json!({ key: row })
}

/// An error's body as the front spells it.
pub(super) fn error(errors: FrontErrors, body: Value) -> Value {
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let number = || text("code").parse::<u32>().map_or(Value::Null, |code| json!(code));
    match errors {
        FrontErrors::String => body,
        FrontErrors::Number => json!({ "code": number(), "message": text("message") }),
        FrontErrors::Plain => match text("code").as_str() {
            "603" => json!({ "error": "error", "message": text("message"), "code": 401 }),
            "701" => json!({ "error": "Validation failed", "details": [{ "message": text("message") }] }),
            _ => json!({ "code": number(), "error": text("message") }),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_rows_are_wrapped_and_named_as_of_old() {
        let row = json!({"accountCategory": "LOC_ACCOUNT", "transactionId": "t", "categoryCode": "5411",
            "categoryType": "MCC", "transactionPayee": {"merchantName": {"name1": "Shop"}}});
        let Value::Object(row) = row else { panic!("an object") };
        let inner = json!({"transactionId": "t", "payee": "Shop", "category": "5411", "subCategory": "MCC"});
        assert_eq!(wrapped(row), json!({ "locTransaction": inner }));
    }

    #[test]
    fn errors_in_three_spellings() {
        let body = || json!({"code": "703", "message": "no"});
        assert_eq!(error(FrontErrors::String, body()), body());
        assert_eq!(error(FrontErrors::Number, body()), json!({"code": 703, "message": "no"}));
        assert_eq!(error(FrontErrors::Plain, body()), json!({"code": 703, "error": "no"}));
        let plain = |code: &str| error(FrontErrors::Plain, json!({ "code": code, "message": "no" }));
        assert_eq!(plain("603"), json!({"error": "error", "message": "no", "code": 401}));
        assert_eq!(plain("701"), json!({"error": "Validation failed", "details": [{"message": "no"}]}));
    }
}
