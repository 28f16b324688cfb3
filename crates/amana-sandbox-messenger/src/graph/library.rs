//! The library of ready-made utility templates (messenger reference 4): two of our own wording, in two languages.

use serde_json::{Value, json};

use super::Call;

/// `(name, language, use case, body, examples)`.
const ENTRIES: [(&str, &str, &str, &str, [&str; 2]); 4] = [
    (
        "payment_posted_1",
        "en",
        "PAYMENT_CONFIRMATION",
        "A payment of {{1}} to {{2}} was posted.",
        ["5.00", "a shop"],
    ),
    (
        "payment_posted_1",
        "ar",
        "PAYMENT_CONFIRMATION",
        "تم قيد دفعة بمبلغ {{1}} إلى {{2}}.",
        ["5.00", "متجر"],
    ),
    (
        "account_notice_1",
        "en",
        "ACCOUNT_ALERT",
        "There is a {{1}} for your {{2}} account.",
        ["notice", "current"],
    ),
    ("account_notice_1", "ar", "ACCOUNT_ALERT", "لديك {{1}} في حسابك {{2}} الآن.", ["إشعار", "الجاري"]),
];

/// `GET /{page}/message_template_library?name_or_content=&language=`.
pub(super) fn list(call: &Call) -> Value {
    let wanted = call.params.text("name_or_content").unwrap_or_default();
    let language = call.params.text("language").unwrap_or_default();
    let data: Vec<_> = ENTRIES
        .iter()
        .enumerate()
        .filter(|(_, e)| e.0.contains(&wanted) || e.3.contains(&wanted))
        .filter(|(_, e)| language.is_empty() || e.1 == language)
        .map(|(i, (name, language, usecase, body, examples))| {
            json!({
                "id": (7_000_000_000_000_001_u64 + i as u64).to_string(), "name": name, "language": language,
                "category": "UTILITY", "topic": "ACCOUNT_UPDATES", "usecase": usecase, "industry": ["FINANCIAL_SERVICES"],
                "body": body, "body_params": examples, "body_param_types": ["TEXT", "TEXT"], "buttons": [],
            })
        })
        .collect();
    json!({ "data": data })
}

/// The components of a library template, for cloning.
pub(super) fn components(name: &str, language: &str) -> Option<Value> {
    let (.., body, examples) = ENTRIES.iter().find(|e| e.0 == name && e.1 == language)?;
    Some(json!([{"type": "BODY", "text": body, "example": {"body_text": [examples]}}]))
}
