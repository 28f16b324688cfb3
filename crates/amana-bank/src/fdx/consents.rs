//! FDX's consent API (6.x): how a grant stands at the bank, and that it is taken back.

use super::calls::{Call, class_of};
use super::subscriptions::ours;
use super::value;
use crate::bank::{Actor, GrantState, GrantStatus, TakenBack};
use crate::connector::{Failure, FdxBank};
use crate::error::BankErrorClass;
use crate::http::Answer;
use crate::limits;
use crate::profile::ConsentToken;
use crate::tokens::Tokens;
use amana_core::{AccountId, Cluster, Clusters};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use url::Url;

/// Whose token a bank's consent API takes, as far as it has been found out since the start: profile and bank may
/// differ.
#[derive(Debug, Default)]
pub(crate) struct TokenTaken(Mutex<Taken>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Taken {
    /// Nothing but what the profile says is known.
    #[default]
    Unknown,
    /// It took the client's own where the customer's was refused.
    Own,
    /// The server gives the client none of its own.
    NotOwn,
}

impl TokenTaken {
    fn get(&self) -> Taken {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn found(&self, taken: Taken) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = taken;
    }
}

/// What the consent API answered.
struct Told {
    answer: Answer,
    interaction: String,
    /// Whether it was asked with the client's own token.
    own: bool,
}

/// Whether the API does not take a token; of which, it says nothing more.
fn refused(answer: &Answer) -> bool {
    matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

impl FdxBank {
    /// One call of the consent API, with the token that it takes. FDX 6.x wants the client's own (client credentials),
    /// many banks the customer's: where the profile says the customer's and it is refused, the client's own is tried
    /// once; what is taken is remembered.
    async fn consent_call(
        &self,
        (method, url): (Method, &Url),
        call: &Call<'_>,
        body: Option<&Value>,
    ) -> Result<Told, Failure> {
        let by_profile = self.config.profile.api.consent_token == ConsentToken::Client;
        if by_profile || self.consent_token.get() == Taken::Own {
            let (answer, interaction) = self.own_call((method, url), call.actor, None, body).await?;
            self.note(&answer, &interaction, call.actor);
            return Ok(Told { answer, interaction, own: true });
        }
        let interaction = self.new_interaction();
        let failed = |class| Failure { class, interaction: Some(interaction.clone()) };
        let answer = self.call((method.clone(), url), call, &interaction, body).await.map_err(failed)?;
        self.note(&answer, &interaction, call.actor);
        let told = Told { answer, interaction, own: false };
        if !refused(&told.answer) || self.consent_token.get() == Taken::NotOwn {
            return Ok(told);
        }
        match self.own_call((method, url), call.actor, None, body).await {
            Ok((answer, interaction)) => {
                self.note(&answer, &interaction, call.actor);
                // That it refuses both says nothing of other consents.
                if refused(&answer) {
                    return Ok(told);
                }
                if !answer.status.is_server_error() {
                    tracing::info!(institution = %self.config.id, "the bank's consent API takes the client's own \
                        token and not the customer's: `consent_token = \"client\"` in the profile says so at once");
                    self.consent_token.found(Taken::Own);
                }
                Ok(Told { answer, interaction, own: true })
            }
            // Perhaps it would be taken: it is not known what the bank says.
            Err(failure) if failure.class.is_transient() => Err(failure),
            Err(_) => {
                self.consent_token.found(Taken::NotOwn);
                Ok(told)
            }
        }
    }

    /// The failure that an answer is. That the client's own token is not taken says nothing of the grant.
    fn refusal(&self, told: Told) -> Failure {
        let class = class_of(&told.answer, self.clock.now());
        Failure { class: if told.own { ours(class) } else { class }, interaction: Some(told.interaction) }
    }

    /// `PUT /consents/{id}/revocation`. `Ok(true)`: it is revoked, now or before. `Ok(false)`: the bank has no such
    /// call for us, and the tokens' own revocation must do.
    pub(crate) async fn revoke_consent(
        &self,
        tokens: &Tokens,
        id: &str,
        why: TakenBack,
    ) -> Result<bool, Failure> {
        let call =
            Call { url: self.api(&["consents", id, "revocation"]), tokens, actor: why.actor, payer: None };
        let (reason, initiator) = why.words();
        let body = json!({ "reason": reason, "initiator": initiator });
        let told = self.consent_call((Method::PUT, &call.url), &call, Some(&body)).await?;
        match told.answer.status.as_u16() {
            200..=299 | 409 | 410 => Ok(true),
            // Not there, or no such call: neither says that it is over.
            403 | 404 | 405 | 501 => Ok(false),
            _ => Err(self.refusal(told)),
        }
    }

    /// `GET /consents/{id}`: how the grant stands at the bank, which has the last word.
    pub(crate) async fn read_consent(&self, tokens: &Tokens, id: &str) -> Result<GrantState, Failure> {
        let url = self.api(&["consents", id]);
        // Whether we may still read is asked whatever was spent on reading.
        let call = Call { url, tokens, actor: Actor::Batch, payer: None };
        let told = self.consent_call((Method::GET, &call.url), &call, None).await?;
        match told.answer.status.as_u16() {
            204 => Ok(grant_state(&Value::Null)),
            200..=299 => match told.answer.json() {
                Some(body) => Ok(grant_state(&body)),
                None => Err(Failure {
                    class: BankErrorClass::Nonsense("the answer is not json"),
                    interaction: Some(told.interaction),
                }),
            },
            // The bank knows no such consent, or has no such call at all.
            404 | 410 => Ok(GrantState::only(GrantStatus::Missing)),
            _ => match self.refusal(told) {
                Failure { class: BankErrorClass::Gone(_), .. } => Ok(GrantState::only(GrantStatus::Missing)),
                failure => Err(failure),
            },
        }
    }
}

/// How a grant stands, as the bank says it.
pub(crate) fn grant_state(body: &Value) -> GrantState {
    let status = match value::word(body, "status").as_deref() {
        Some("ACTIVE") => GrantStatus::Active,
        Some("REVOKED") => GrantStatus::Revoked,
        Some("EXPIRED") => GrantStatus::Expired,
        // A word of the future: nothing is concluded from it.
        _ => GrantStatus::Unknown,
    };
    let resources = body.get("resources").and_then(Value::as_array);
    let mut clusters = BTreeMap::new();
    let accounts = resources.map(|resources| {
        let of_accounts =
            resources.iter().filter(|one| value::word(one, "resourceType").as_deref() == Some("ACCOUNT"));
        let mut accounts = Vec::new();
        for resource in of_accounts.take(limits::ACCOUNTS_MAX) {
            let id = value::text(resource, "resourceId").and_then(|id| AccountId::new(id).ok());
            let Some(id) = id else { continue };
            let named = resource.get("dataClusters").and_then(Value::as_array).into_iter().flatten();
            let known = |name: &Value| match name.as_str()? {
                // FDX's summary of an account has its balances.
                "ACCOUNT_DETAILED" => Some(Cluster::Balances),
                name => name.parse().ok(),
            };
            let known: Vec<Cluster> = named.filter_map(known).collect();
            // A bank that names none, or none that we know, says nothing of kinds.
            if !known.is_empty() {
                let held: &mut Clusters = clusters.entry(id.clone()).or_default();
                *held = held.union(Clusters::of(&known));
            }
            accounts.push(id);
        }
        accounts
    });
    // FDX's own examples write it both ways, `ONE_TIME` and `ONETIME`.
    let once = value::word(body, "durationType").as_deref() == Some("ONETIME");
    GrantState { status, expires: value::instant(body, "expirationTime"), once, accounts, clusters }
}
