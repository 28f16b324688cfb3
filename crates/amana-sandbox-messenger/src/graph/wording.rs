//! What a utility template may not say (messenger reference 4): nothing that advertises, no wish for a whole card or
//! account number, no threat. How Meta's review tells is not on record; here it is by a few words of two languages.

use serde_json::Value;

/// The review takes it for marketing.
const MARKETING: [&str; 14] = [
    "discount",
    "% off",
    "percent off",
    "on sale",
    "coupon",
    "promo code",
    "buy now",
    "shop now",
    "special offer",
    "limited time",
    "خصم",
    "تخفيضات",
    "عرض خاص",
    "اشتر الآن",
];

/// What is asked for, and words that ask.
const WHOLE: [&str; 10] = [
    "card number",
    "account number",
    "id number",
    "password",
    "cvv",
    "your pin",
    "رقم البطاقة",
    "رقم بطاقتك",
    "رقم الحساب",
    "كلمة المرور",
];
const ASKS: [&str; 9] =
    ["send us", "reply with", "enter your", "tell us", "give us", "confirm your", "أرسل", "أدخل", "زودنا"];

/// A threat.
const THREATS: [&str; 5] = ["legal action", "or else", "you will be arrested", "إجراءات قانونية", "وإلا"];

/// The reason on record, or `NONE` where a rule is and no word for it.
pub(super) fn rejection(components: &Value) -> Option<&'static str> {
    let mut said = String::new();
    gather(components, &mut said);
    let said = said.to_lowercase();
    let any = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if any(&MARKETING) {
        Some("TAG_SHOULD_BE_MARKETING")
    } else if (any(&WHOLE) && any(&ASKS)) || any(&THREATS) {
        Some("NONE")
    } else {
        None
    }
}

/// Every text of the components: samples and addresses are left out.
fn gather(value: &Value, said: &mut String) {
    match value {
        Value::Array(parts) => parts.iter().for_each(|part| gather(part, said)),
        Value::Object(fields) => {
            for (name, field) in fields {
                match field {
                    Value::String(text) if name == "text" => {
                        said.push_str(text);
                        said.push('\n');
                    }
                    Value::Array(_) if name == "buttons" => gather(field, said),
                    _ => {}
                }
            }
        }
        _ => {}
    }
}
