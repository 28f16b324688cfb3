//! FDX's notification subscriptions (6.6), made with a token of the client's own: they are the application's and not a
//! customer's.

use super::calls::class_of;
use super::value;
use crate::bank::Actor;
use crate::connector::{Failure, FdxBank};
use crate::error::BankErrorClass;
use crate::hints::{Missed, Topic, read_hint};
use crate::http::Answer;
use crate::limits::{HINT_ID_BYTES_MAX, MISSED_ROWS, PAGE_KEY_BYTES_MAX};
use amana_core::Secret;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use url::Url;

/// The scope for subscriptions.
const SUBSCRIBE: &str = "fdx:notifications:subscribe";
/// The scope with which a bank notifies.
const PUBLISH: &str = "fdx:notifications:publish";
const PATH: &str = "notification-subscriptions";
/// Where what a bank notified of is kept.
const KEPT: &str = "notifications";

impl FdxBank {
    /// One call with the client's own token; once more with a new one if this is not taken.
    pub(crate) async fn own_call(
        &self,
        (method, url): (Method, &Url),
        actor: Actor,
        scope: Option<&'static str>,
        body: Option<&Value>,
    ) -> Result<(Answer, String), Failure> {
        let mut again = true;
        loop {
            let (token, key) = self.oauth.own_token(scope).await?;
            let interaction = self.new_interaction();
            let failed = |class| Failure { class, interaction: Some(interaction.clone()) };
            let dress = |request| self.dressed(request, &interaction, actor, body);
            let answer =
                self.oauth.call((method.clone(), url), &token, key.as_ref(), dress).await.map_err(failed)?;
            if answer.status == StatusCode::UNAUTHORIZED && again {
                again = false;
                self.oauth.forget_own_tokens().await;
                continue;
            }
            return Ok((answer, interaction));
        }
    }

    /// `POST /notification-subscriptions`: the subscription's id.
    pub(crate) async fn new_subscription(&self, topic: Topic, callback: &Url) -> Result<String, Failure> {
        let body = json!({
            "type": topic.as_str(),
            "category": topic.category(),
            "callbackUrl": callback.as_str(),
            "subscriber": { "name": self.config.client_id, "type": "DATA_RECIPIENT" },
        });
        let url = self.api(&[PATH]);
        let (answer, interaction) =
            self.own_call((Method::POST, &url), Actor::Batch, Some(SUBSCRIBE), Some(&body)).await?;
        let failed = |class| Failure { class, interaction: Some(interaction) };
        if !answer.status.is_success() {
            return Err(failed(ours(class_of(&answer, self.clock.now()))));
        }
        answer
            .json()
            .and_then(|body| value::text(&body, "subscriptionId"))
            .filter(|id| !id.is_empty() && id.len() <= HINT_ID_BYTES_MAX)
            .ok_or_else(|| failed(BankErrorClass::Nonsense("a subscription has no `subscriptionId`")))
    }

    /// `GET /notification-subscriptions/{id}`: whether it is (still) there.
    pub(crate) async fn has_subscription(&self, id: &str) -> Result<bool, Failure> {
        let url = self.api(&[PATH, id]);
        let (answer, interaction) =
            self.own_call((Method::GET, &url), Actor::Batch, Some(SUBSCRIBE), None).await?;
        match answer.status.as_u16() {
            200..=299 => Ok(true),
            404 | 410 => Ok(false),
            _ => {
                let class = ours(class_of(&answer, self.clock.now()));
                Err(Failure { class, interaction: Some(interaction) })
            }
        }
    }

    /// `DELETE /notification-subscriptions/{id}`. One that is not there is gone.
    pub(crate) async fn end_subscription(&self, id: &str) -> Result<(), Failure> {
        let url = self.api(&[PATH, id]);
        let (answer, interaction) =
            self.own_call((Method::DELETE, &url), Actor::Batch, Some(SUBSCRIBE), None).await?;
        match answer.status.as_u16() {
            200..=299 | 404 | 410 => Ok(()),
            _ => {
                let class = ours(class_of(&answer, self.clock.now()));
                Err(Failure { class, interaction: Some(interaction) })
            }
        }
    }

    /// `GET /notifications`: what the bank keeps for us, a page of it. A row that is none is left out.
    pub(crate) async fn kept_notifications(&self, page: Option<&str>) -> Result<Missed, Failure> {
        let mut url = self.api(&[KEPT]);
        url.query_pairs_mut().append_pair("limit", &MISSED_ROWS.to_string());
        if let Some(page) = page {
            url.query_pairs_mut().append_pair("pageKey", page);
        }
        let (answer, interaction) =
            self.own_call((Method::GET, &url), Actor::Batch, Some(SUBSCRIBE), None).await?;
        let failed = |class| Failure { class, interaction: Some(interaction) };
        if !answer.status.is_success() {
            return Err(failed(ours(class_of(&answer, self.clock.now()))));
        }
        if answer.status == StatusCode::NO_CONTENT {
            return Ok(Missed::default());
        }
        let Some(body) = answer.json() else {
            return Err(failed(BankErrorClass::Nonsense("the answer is not json")));
        };
        let rows = body.get(KEPT).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let hints = rows.iter().take(MISSED_ROWS).filter_map(|row| read_hint(row).ok()).collect();
        let next = body.get("page").and_then(|page| value::text(page, "nextPageKey"));
        // A page that leads to itself is the last one.
        let next = next.filter(|next| {
            !next.is_empty() && next.len() <= PAGE_KEY_BYTES_MAX && Some(next.as_str()) != page
        });
        Ok(Missed { hints, next })
    }

    /// Whether a token is one with which this bank notifies us at `callback`.
    pub(crate) async fn is_publisher(&self, token: &Secret, callback: &Url) -> Result<(), BankErrorClass> {
        self.oauth.publisher(token, callback.as_str(), PUBLISH).await
    }
}

/// No customer can mend what is wrong with a token of the client's own.
pub(crate) fn ours(class: BankErrorClass) -> BankErrorClass {
    match class {
        BankErrorClass::RelinkNeeded(what) | BankErrorClass::Declined(what) | BankErrorClass::Gone(what) => {
            BankErrorClass::OurRequest(what)
        }
        other => other,
    }
}
