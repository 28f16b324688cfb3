//! A bank that signs everybody in, and whose every field is a value that is searched for.

use super::marks::{Class, amount, arabic, text};
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode, header};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Transactions on each account, for questions.
pub(crate) const ROWS: usize = 12;
/// Accounts of each customer.
pub(crate) const ACCOUNTS: usize = 2;

pub(crate) struct Bank {
    pub(crate) issuer: String,
    client_id: String,
    key: EncodingKey,
    /// Who signs in next.
    pub(crate) next: AtomicUsize,
    codes: Mutex<HashMap<String, (usize, String)>>,
    count: AtomicUsize,
    /// Every so many calls of the data API fail, with a value in the answer; 0: none.
    pub(crate) fails: AtomicUsize,
    pub(crate) calls: AtomicUsize,
    /// Whose each amount is, and on which of their accounts, by its number.
    pub(crate) whose: Mutex<Vec<(usize, usize)>>,
}

pub(crate) fn account_id(owner: usize, account: usize) -> String {
    text(Class::AccountId, owner, account)
}

pub(crate) fn subject(owner: usize) -> String {
    text(Class::Other, owner, 7_000_000)
}

impl Bank {
    pub(crate) async fn start(client_id: &str) -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let issuer = format!("http://{}", listener.local_addr().expect("an address"));
        let pair = ring::signature::EcdsaKeyPair::generate_pkcs8(
            &ring::signature::ECDSA_P256_SHA256_FIXED_SIGNING,
            &ring::rand::SystemRandom::new(),
        );
        let bank = Arc::new(Self {
            issuer,
            client_id: client_id.to_owned(),
            key: EncodingKey::from_ec_der(pair.expect("a key").as_ref()),
            next: AtomicUsize::new(0),
            codes: Mutex::default(),
            count: AtomicUsize::new(1),
            fails: AtomicUsize::new(0),
            calls: AtomicUsize::new(0),
            whose: Mutex::default(),
        });
        let app = axum::Router::new().fallback(serve).with_state(Arc::clone(&bank));
        tokio::spawn(async move { axum::serve(listener, app).await });
        bank
    }

    /// The next amount that nobody had, for this account.
    pub(crate) fn amount(&self, owner: usize, account: usize) -> usize {
        let mut whose = self.whose.lock().expect("lock");
        whose.push((owner, account));
        assert!(whose.len() <= super::marks::AMOUNTS, "an amount is of one account");
        whose.len() - 1
    }

    fn token(&self, owner: usize) -> String {
        text(Class::Token, owner, self.count.fetch_add(1, Ordering::SeqCst))
    }

    fn answer(&self, method: &str, path: &str, query: &str, auth: &str, body: &str) -> (u16, String) {
        let i = &self.issuer;
        let json = |value: Value| (200, value.to_string());
        match path {
            "/.well-known/oauth-authorization-server" | "/.well-known/openid-configuration" => json(json!({
                "issuer": i, "authorization_endpoint": format!("{i}/authorize"),
                "token_endpoint": format!("{i}/token"), "revocation_endpoint": format!("{i}/revoke"),
                "jwks_uri": format!("{i}/jwks"), "code_challenge_methods_supported": ["S256"],
            })),
            "/jwks" => {
                let mut jwk = Jwk::from_encoding_key(&self.key, Algorithm::ES256).expect("a key");
                jwk.common.key_id = Some("k".into());
                json(json!({"keys": [jwk]}))
            }
            "/authorize" => {
                let form = pairs(query);
                let owner = self.next.load(Ordering::SeqCst);
                let code = self.token(owner);
                let nonce = form.get("nonce").cloned().unwrap_or_default();
                self.codes.lock().expect("lock").insert(code.clone(), (owner, nonce));
                let back: String =
                    url::form_urlencoded::Serializer::new(format!("{}?", form["redirect_uri"]))
                        .append_pair("code", &code)
                        .append_pair("state", &form["state"])
                        .finish();
                (303, back)
            }
            "/token" => self.tokens(&pairs(body)),
            "/revoke" => (200, String::new()),
            _ => self.data(method, path, auth),
        }
    }

    fn tokens(&self, form: &HashMap<String, String>) -> (u16, String) {
        let complaint = json!({"error": "invalid_grant", "error_description": text(Class::Complaint, 99, 1)});
        let (owner, nonce) = match form.get("code") {
            Some(code) => match self.codes.lock().expect("lock").remove(code) {
                Some(found) => found,
                None => return (400, complaint.to_string()),
            },
            None => match form.get("refresh_token").and_then(|t| t.get(9..11)).and_then(|o| o.parse().ok()) {
                Some(owner) => (owner, String::new()),
                None => return (400, complaint.to_string()),
            },
        };
        let now = jiff::Timestamp::now().as_second();
        let claims = json!({
            "iss": self.issuer, "sub": subject(owner), "aud": self.client_id, "exp": now + 600, "iat": now,
            "nonce": nonce, "jti": self.token(owner), "email": text(Class::Other, owner, 7_000_001),
            "name": text(Class::Other, owner, 7_000_002), "acr": "urn:strong", "auth_time": now,
        });
        let mut head = Header::new(Algorithm::ES256);
        head.kid = Some("k".into());
        let signed = jsonwebtoken::encode(&head, &claims, &self.key).expect("signs");
        let answer = json!({
            "access_token": self.token(owner), "token_type": "Bearer", "expires_in": 900,
            "refresh_token": self.token(owner), "grant_id": self.token(owner), "id_token": signed,
        });
        (200, answer.to_string())
    }

    fn data(&self, method: &str, path: &str, auth: &str) -> (u16, String) {
        let Some(owner) = auth.get(16..18).and_then(|o| o.parse::<usize>().ok()) else {
            return (401, json!({"error": "invalid_token"}).to_string());
        };
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        let every = self.fails.load(Ordering::SeqCst);
        if every > 0 && call.is_multiple_of(every) {
            let complaint = text(Class::Complaint, owner, call);
            return match call / every % 3 {
                0 => {
                    (500, json!({"code": "500", "message": complaint, "debugMessage": complaint}).to_string())
                }
                1 => (200, format!("{{\"accounts\": [{{\"accountId\": \"{complaint}\", ")),
                _ => (200, json!({"accounts": [{"accountId": 7, "nickname": complaint}]}).to_string()),
            };
        }
        if method != "GET" {
            return (204, String::new());
        }
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let account = |n: usize| self.account(owner, n);
        match segments[..] {
            ["fdx", "v6", "accounts"] => {
                (200, json!({"accounts": (0..ACCOUNTS).map(account).collect::<Vec<_>>()}).to_string())
            }
            ["fdx", "v6", "accounts", id] => {
                let n = (0..ACCOUNTS).find(|n| account_id(owner, *n) == id).unwrap_or(0);
                (200, account(n).to_string())
            }
            ["fdx", "v6", "accounts", id, "transactions"] => {
                let rows: Vec<Value> = (0..ROWS).map(|n| self.transaction(owner, id, n, "POSTED")).collect();
                (200, json!({"transactions": rows}).to_string())
            }
            _ => (404, json!({"code": "404", "message": text(Class::Complaint, owner, call)}).to_string()),
        }
    }

    fn account(&self, owner: usize, n: usize) -> Value {
        let other = |k: usize| text(Class::Other, owner, n * 1_000 + k);
        let number = |m: usize| serde_json::from_str::<Value>(&amount(m)).expect("a number");
        json!({
            "accountId": account_id(owner, n), "accountType": if n == 0 { "CHECKING" } else { "SAVINGS" },
            "accountCategory": "DEPOSIT_ACCOUNT", "status": "OPEN", "currency": {"currencyCode": "USD"},
            "nickname": text(Class::Nickname, owner, n), "productName": other(1), "description": other(2),
            "accountNumber": other(3), "accountNumberDisplay": "1234", "parentAccountId": other(4),
            "currentBalance": number(self.amount(owner, n)), "availableBalance": number(self.amount(owner, n)),
            "balanceAsOf": jiff::Timestamp::now().to_string(), "interestRate": 1.25,
            "routingTransitNumber": other(5), "bankId": other(6),
            "contact": {"emails": [other(7)], "telephones": [{"number": other(8)}],
                "addresses": [{"line1": other(9), "city": other(10)}],
                "holders": [{"name": {"first": other(11), "last": other(12)}}]},
            "fiAttributes": [{"name": other(13), "value": other(14)}],
        })
    }

    /// A transaction with a shop, or (every tenth) with the bank's own words alone.
    pub(crate) fn transaction(&self, owner: usize, account: &str, n: usize, status: &str) -> Value {
        let number = (0..ACCOUNTS).find(|n| account_id(owner, *n) == account).unwrap_or(0);
        let m = self.amount(owner, number);
        self.transaction_of(owner, account, n, status, m)
    }

    pub(crate) fn transaction_of(
        &self,
        owner: usize,
        account: &str,
        n: usize,
        status: &str,
        m: usize,
    ) -> Value {
        let other = |k: usize| text(Class::Other, owner, (n * 20 + k) % 10_000_000);
        let shop = if n.is_multiple_of(3) {
            arabic(Class::Merchant, owner, n)
        } else {
            text(Class::Merchant, owner, n)
        };
        let now = jiff::Timestamp::now().to_string();
        let mut row = json!({
            "accountId": account, "transactionId": other(0), "status": status, "debitCreditMemo": "DEBIT",
            "amount": serde_json::from_str::<Value>(&amount(m)).expect("a number"),
            "description": other(1), "memo": other(2), "category": other(3), "subCategory": other(4),
            "reference": other(5), "transactionTimestamp": now, "postedTimestamp": now,
            "transactionPayee": {"merchantName": shop, "merchantCategoryCode": "5812",
                "locationInformation": {"address": other(6), "phone": other(7)}},
            "payeeId": other(8), "checkNumber": other(9), "imageIds": [other(10)],
            "counterparty": {"name": other(11), "accountNumber": other(12), "email": other(13)},
        });
        if n % 10 == 9 {
            // Where there is no shop the bank's line stands for it.
            row["description"] = json!(text(Class::Merchant, owner, n));
            row.as_object_mut().expect("an object").remove("transactionPayee");
        }
        row
    }
}

fn pairs(form: &str) -> HashMap<String, String> {
    url::form_urlencoded::parse(form.as_bytes()).into_owned().collect()
}

async fn serve(State(bank): State<Arc<Bank>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.expect("a body");
    let auth = head.headers.get(header::AUTHORIZATION).and_then(|a| a.to_str().ok()).unwrap_or_default();
    let query = head.uri.query().unwrap_or_default();
    let (status, said) =
        bank.answer(head.method.as_str(), head.uri.path(), query, auth, &String::from_utf8_lossy(&body));
    let mut response = Response::builder().status(StatusCode::from_u16(status).expect("a status"));
    if status == 303 {
        return response.header(header::LOCATION, said).body(Body::empty()).expect("an answer");
    }
    if let Some(id) = head.headers.get("x-fapi-interaction-id") {
        response = response.header("x-fapi-interaction-id", id);
    }
    response.header(header::CONTENT_TYPE, "application/json").body(Body::from(said)).expect("an answer")
}
