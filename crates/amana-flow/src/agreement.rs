//! Agreements as a lifecycle: asked for, accepted whole or in part, declined, suspended, resumed, ended. Each act is
//! kept with who did it, when, and the hash of its document.
//!
//! ```text
//! request ─▶ proposed ─┬▶ active ◀─▶ suspended ─▶ terminated
//!     │                └▶ declined
//!     └▶ refused (no agreement at all; the hash of the request is on record)
//! ```
//!
//! A request for more while an agreement stands leaves it as it is until the institution answers. An acceptance never
//! goes beyond a request.

use crate::limits::{ACTOR_CHARS_MAX, CONFLICT_TRIES, NOTE_CHARS_MAX, REFUSALS_SHOWN_MAX};
use amana_core::{
    Agreement, AgreementAct, AgreementEvent, AgreementId, AgreementState, ChannelId, Clock, DataRequest,
    Entropy, Form, InstitutionId, Purpose, REQUEST_BYTES_MAX, RequestDocument, RequestRefusal,
    RequestedPurpose, Terms, check_terms, read_terms, within,
};
use amana_store::{Command, Store, StoreError, SubmitError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Who acts when the configuration does.
pub(crate) const CONFIGURATION: &str = "configuration";

/// The form in which a document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DocumentFormat {
    /// JSON (RFC 8259).
    Json,
    /// TOML 1.0.
    Toml,
}

/// Why an act on an agreement was not done. The messages name no customer.
#[derive(Debug, thiserror::Error)]
pub enum AgreementError {
    /// The request can never become an agreement. The refusal is on record.
    #[error("the request is refused: {0}")]
    Refused(RequestRefusal),
    /// The institution is not offered on the channel.
    #[error(
        "`{0}` is not offered on page `{1}`: add it to the page's `institutions` in the configuration first"
    )]
    NotConfigured(InstitutionId, ChannelId),
    /// The act does not fit where the agreement stands.
    #[error("this cannot be done now: {0}")]
    NotNow(&'static str),
    /// The terms cannot be read, or are more than was asked for.
    #[error("these terms cannot be accepted: {0}")]
    Terms(String),
    /// Who acts, or the note, is missing or too long.
    #[error("`{0}` must be a short text without control characters")]
    BadText(&'static str),
    /// Somebody else acted on the same agreement at the same moment.
    #[error("somebody else changed the agreement at the same moment: look at it, then try again")]
    Changed,
    /// The store could not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The submission was not kept.
    #[error(transparent)]
    Submit(SubmitError),
}

impl From<SubmitError> for AgreementError {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Conflict { .. } => Self::Changed,
            other => Self::Submit(other),
        }
    }
}

/// What the institution accepts of a request.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Acceptance {
    /// These purposes alone; all that were asked for, if `None`.
    pub only: Option<BTreeSet<Purpose>>,
    /// No more open than this; as asked for, if `None`.
    pub form: Option<Form>,
    /// Exactly these terms, instead of the two above.
    pub terms: Option<Terms>,
    /// SHA-256 of the request that it answers, in hex. Where another one came meanwhile nothing is accepted.
    pub request: Option<String>,
}

/// Where the agreement between an institution and a channel stands, with what is being asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The newest version, if there is one.
    pub agreement: Option<Agreement>,
    /// The request that waits for the institution's answer.
    pub open: Option<AgreementEvent>,
    /// The request that an acceptance was, and a change of it would be, within.
    pub basis: Option<AgreementEvent>,
    /// Every act, oldest first.
    pub events: Vec<AgreementEvent>,
}

impl Standing {
    fn of(agreement: Option<Agreement>, events: Vec<AgreementEvent>) -> Self {
        let (mut open, mut basis): (Option<AgreementEvent>, Option<AgreementEvent>) = (None, None);
        for event in &events {
            match event.act {
                AgreementAct::Requested => open = Some(event.clone()),
                // An answer to another request leaves the open one open.
                AgreementAct::Accepted => {
                    let answered = open.take_if(|asked| event.request_sha256.as_ref() == Some(&asked.sha256));
                    basis = answered.or(basis);
                }
                AgreementAct::Declined => {
                    open = None;
                    if event.version.is_some() {
                        basis = None;
                    }
                }
                AgreementAct::Ended => (open, basis) = (None, None),
                AgreementAct::Refused | AgreementAct::Suspended | AgreementAct::Resumed => {}
            }
        }
        Self { agreement, open, basis, events }
    }

    fn stands(&self) -> bool {
        self.agreement.as_ref().is_some_and(|agreement| agreement.state.stands())
    }

    fn state(&self) -> Option<AgreementState> {
        self.agreement.as_ref().map(|agreement| agreement.state)
    }
}

/// The agreements of a deployment, and what can be done to them.
#[derive(Clone, Copy)]
pub struct Agreements<'a> {
    store: &'a dyn Store,
    clock: &'a dyn Clock,
    entropy: &'a dyn Entropy,
}

impl<'a> Agreements<'a> {
    /// On a store.
    #[must_use]
    pub fn new(store: &'a dyn Store, clock: &'a dyn Clock, entropy: &'a dyn Entropy) -> Self {
        Self { store, clock, entropy }
    }

    /// Every agreement, its newest version.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn list(&self) -> Result<Vec<Agreement>, AgreementError> {
        Ok(self.store.agreements().await?)
    }

    /// Where the agreement between the two stands, with its history.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn standing(
        &self,
        institution: &InstitutionId,
        channel: &ChannelId,
    ) -> Result<Standing, AgreementError> {
        let agreement = self.store.agreement(institution, channel).await?;
        let events = self.store.agreement_events(institution, channel).await?;
        Ok(Standing::of(agreement, events))
    }

    /// The requests that were refused where they were read, newest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn refused(&self) -> Result<Vec<AgreementEvent>, AgreementError> {
        Ok(self.store.refused_requests(REFUSALS_SHOWN_MAX).await?)
    }

    /// Takes a platform's request for data in. `offered` says whether an institution is offered on a channel. Where
    /// no agreement stands there is a proposed one afterwards; where one stands it goes on as it is.
    ///
    /// # Errors
    /// [`AgreementError::Refused`] when it can never become an agreement: then the refusal is on record, with the hash
    /// of the request. When the two are not configured, or the store fails.
    pub async fn request(
        &self,
        document: &[u8],
        format: DocumentFormat,
        by: &str,
        offered: &(dyn Fn(&InstitutionId, &ChannelId) -> bool + Sync),
    ) -> Result<Standing, AgreementError> {
        let by = actor(by)?;
        let (text, request) = match read(document, format) {
            Ok(read) => read,
            Err((refusal, named)) => {
                self.refuse(document, &refusal, named, by).await?;
                return Err(AgreementError::Refused(refusal));
            }
        };
        let (institution, channel) = (request.institution(), request.channel());
        if !offered(institution, channel) {
            return Err(AgreementError::NotConfigured(institution.clone(), channel.clone()));
        }
        let standing = self.standing(institution, channel).await?;
        let event = |version| AgreementEvent {
            act: AgreementAct::Requested,
            institution: Some(institution.clone()),
            channel: Some(channel.clone()),
            by: by.clone(),
            at: self.clock.now(),
            sha256: hash(text.as_bytes()),
            document: Some(text.clone()),
            request_sha256: None,
            note: Some(request.requested_by().to_owned()),
            version,
        };
        let agreement = (!standing.stands()).then(|| Agreement {
            id: AgreementId::new(self.clock, self.entropy),
            institution: institution.clone(),
            channel: channel.clone(),
            state: AgreementState::Proposed,
            terms: request.terms().clone(),
            version: next_version(&standing),
            changed_at: self.clock.now(),
        });
        let event = event(agreement.as_ref().map(|agreement| agreement.version));
        self.store.submit(vec![Command::PutAgreement { event, agreement }]).await?;
        self.standing(institution, channel).await
    }

    async fn refuse(
        &self,
        document: &[u8],
        refusal: &RequestRefusal,
        (institution, channel): Named,
        by: String,
    ) -> Result<(), AgreementError> {
        tracing::warn!(reason = refusal.as_str(), "a request for data was refused");
        let event = AgreementEvent {
            act: AgreementAct::Refused,
            institution,
            channel,
            by,
            at: self.clock.now(),
            document: None,
            sha256: hash(document),
            request_sha256: None,
            // The stable word, not the request's own: what may not be asked for is not repeated.
            note: Some(refusal.as_str().to_owned()),
            version: None,
        };
        for attempt in 1.. {
            // Two refusals at the same moment may want the same number.
            match self
                .store
                .submit(vec![Command::PutAgreement { event: event.clone(), agreement: None }])
                .await
            {
                Err(SubmitError::Conflict { .. }) if attempt < CONFLICT_TRIES => {}
                result => return result.map(|_| ()).map_err(AgreementError::from),
            }
        }
        Ok(())
    }

    /// The institution accepts the open request, whole or in part; or, where none is open, changes what it accepts of
    /// the last one. A tightening binds old consents at once; a loosening never widens them. A suspended agreement
    /// stays suspended.
    ///
    /// # Errors
    /// When nothing was asked for, the terms are more than was, or another request came than the one that was meant.
    pub async fn accept(
        &self,
        institution: &InstitutionId,
        channel: &ChannelId,
        accepted: &Acceptance,
        by: &str,
        note: Option<&str>,
    ) -> Result<Agreement, AgreementError> {
        let standing = self.standing(institution, channel).await?;
        let request = standing.open.as_ref().or(standing.basis.as_ref()).ok_or(AgreementError::NotNow(
            "there is no request to accept; what was declined or ended must be asked for again",
        ))?;
        is_meant(accepted.request.as_deref(), &request.sha256)?;
        let asked = asked_terms(request)?;
        let terms = accepted.of(&asked)?;
        // What is paused stays paused, whatever is accepted meanwhile: to let it go on is an act of its own.
        let state = match standing.state() {
            Some(AgreementState::Suspended) => AgreementState::Suspended,
            _ => AgreementState::Active,
        };
        let act = (AgreementAct::Accepted, state);
        self.put(&standing, act, Some(terms), Some(request.sha256.clone()), by, note).await
    }

    /// The institution says no to the open request: to the one with the hash `meant`, where it is named. An agreement
    /// that stands goes on as it is.
    ///
    /// # Errors
    /// When nothing is asked for, or another request came than the one that was meant.
    pub async fn decline(
        &self,
        institution: &InstitutionId,
        channel: &ChannelId,
        meant: Option<&str>,
        by: &str,
        note: Option<&str>,
    ) -> Result<Standing, AgreementError> {
        let standing = self.standing(institution, channel).await?;
        let Some(request) = &standing.open else {
            return Err(AgreementError::NotNow("there is no open request; suspend or end what stands"));
        };
        is_meant(meant, &request.sha256)?;
        let request_sha256 = Some(request.sha256.clone());
        if standing.stands() {
            let event = AgreementEvent {
                act: AgreementAct::Declined,
                institution: Some(institution.clone()),
                channel: Some(channel.clone()),
                by: actor(by)?,
                at: self.clock.now(),
                document: None,
                sha256: request.sha256.clone(),
                request_sha256,
                note: note_of(note)?,
                version: None,
            };
            self.store.submit(vec![Command::PutAgreement { event, agreement: None }]).await?;
        } else {
            let act = (AgreementAct::Declined, AgreementState::Declined);
            self.put(&standing, act, None, request_sha256, by, note).await?;
        }
        self.standing(institution, channel).await
    }

    /// The institution pauses the agreement: nothing flows under it from now on.
    ///
    /// # Errors
    /// When it is not active.
    pub async fn suspend(
        &self,
        institution: &InstitutionId,
        channel: &ChannelId,
        by: &str,
        note: Option<&str>,
    ) -> Result<Agreement, AgreementError> {
        let standing = self.standing(institution, channel).await?;
        if standing.state() != Some(AgreementState::Active) {
            return Err(AgreementError::NotNow("only an active agreement can be suspended"));
        }
        self.put(&standing, (AgreementAct::Suspended, AgreementState::Suspended), None, None, by, note).await
    }

    /// The institution lets a suspended agreement go on.
    ///
    /// # Errors
    /// When it is not suspended.
    pub async fn resume(
        &self,
        institution: &InstitutionId,
        channel: &ChannelId,
        by: &str,
        note: Option<&str>,
    ) -> Result<Agreement, AgreementError> {
        let standing = self.standing(institution, channel).await?;
        if standing.state() != Some(AgreementState::Suspended) {
            return Err(AgreementError::NotNow("only a suspended agreement can be resumed"));
        }
        self.put(&standing, (AgreementAct::Resumed, AgreementState::Active), None, None, by, note).await
    }

    /// The institution ends the agreement for good; to begin again, the platform asks again.
    ///
    /// # Errors
    /// When none stands.
    pub async fn end(
        &self,
        institution: &InstitutionId,
        channel: &ChannelId,
        by: &str,
        note: Option<&str>,
    ) -> Result<Agreement, AgreementError> {
        let standing = self.standing(institution, channel).await?;
        if !standing.stands() {
            return Err(AgreementError::NotNow("there is no agreement in force to end"));
        }
        self.put(&standing, (AgreementAct::Ended, AgreementState::Terminated), None, None, by, note).await
    }

    /// Makes the next version.
    async fn put(
        &self,
        standing: &Standing,
        (act, state): (AgreementAct, AgreementState),
        terms: Option<Terms>,
        request_sha256: Option<String>,
        by: &str,
        note: Option<&str>,
    ) -> Result<Agreement, AgreementError> {
        let old = standing.agreement.as_ref().ok_or(AgreementError::NotNow("there is no agreement yet"))?;
        let agreement = Agreement {
            state,
            terms: terms.unwrap_or_else(|| old.terms.clone()),
            version: next_version(standing),
            changed_at: self.clock.now(),
            ..old.clone()
        };
        let request_sha256 =
            request_sha256.or_else(|| standing.basis.as_ref().map(|basis| basis.sha256.clone()));
        let document = agreement_document(&agreement, request_sha256.as_deref());
        let event = AgreementEvent {
            act,
            institution: Some(agreement.institution.clone()),
            channel: Some(agreement.channel.clone()),
            by: actor(by)?,
            at: agreement.changed_at,
            sha256: hash(document.as_bytes()),
            document: Some(document),
            request_sha256,
            note: note_of(note)?,
            version: Some(agreement.version),
        };
        let put = Command::PutAgreement { event, agreement: Some(agreement.clone()) };
        self.store.submit(vec![put]).await?;
        Ok(agreement)
    }
}

impl Acceptance {
    /// The terms that are accepted of what was asked for.
    fn of(&self, asked: &Terms) -> Result<Terms, AgreementError> {
        let wrong = |text: String| Err(AgreementError::Terms(text));
        let terms = match &self.terms {
            Some(terms) => terms.clone(),
            None => {
                if let Some(purpose) = self.only.iter().flatten().find(|p| !asked.contains_key(p)) {
                    return wrong(format!("`{purpose}` was not asked for"));
                }
                asked
                    .iter()
                    .filter(|(purpose, _)| self.only.as_ref().is_none_or(|only| only.contains(purpose)))
                    .map(|(purpose, (clusters, form))| {
                        (*purpose, (*clusters, self.form.map_or(*form, |most| most.min(*form))))
                    })
                    .collect()
            }
        };
        if let Err(fault) = check_terms(&terms) {
            return wrong(fault.to_string());
        }
        if !within(&terms, asked) {
            return wrong("they are more than was asked for".to_owned());
        }
        Ok(terms)
    }
}

/// The terms as they are written down, in a document of their own: `{"purpose": [{"purpose", "clusters", "form"}]}`.
///
/// # Errors
/// What no agreement can have.
pub fn read_terms_document(document: &[u8], format: DocumentFormat) -> Result<Terms, AgreementError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct TermsDocument {
        #[serde(alias = "purposes")]
        purpose: Vec<RequestedPurpose>,
    }
    let wrong = |refusal: RequestRefusal| AgreementError::Terms(refusal.to_string());
    let (_, written) = parse::<TermsDocument>(document, format).map_err(wrong)?;
    read_terms(&written.purpose).map_err(wrong)
}

/// That the request that stands is the one that was looked at, where it is named.
fn is_meant(meant: Option<&str>, stands: &str) -> Result<(), AgreementError> {
    match meant {
        Some(meant) if !meant.eq_ignore_ascii_case(stands) => {
            Err(AgreementError::NotNow("the request with this hash is not the one that stands: look anew"))
        }
        _ => Ok(()),
    }
}

/// The document of an agreement: what is hashed into the log. JSON with its names in order (RFC 8785), so that whoever
/// has the fields can make it again.
#[must_use]
pub fn agreement_document(agreement: &Agreement, request_sha256: Option<&str>) -> String {
    #[derive(Serialize)]
    struct Document<'a> {
        agreement: String,
        changed_at: String,
        channel: &'a str,
        institution: &'a str,
        request_sha256: Option<&'a str>,
        state: &'static str,
        terms: Vec<Term>,
        v: u8,
        version: u32,
    }
    #[derive(Serialize)]
    struct Term {
        clusters: Vec<&'static str>,
        form: &'static str,
        purpose: &'static str,
    }
    let term = |(purpose, (clusters, form)): (&Purpose, &(amana_core::Clusters, Form))| Term {
        clusters: clusters.iter().map(amana_core::Cluster::as_str).collect(),
        form: form.as_str(),
        purpose: purpose.as_str(),
    };
    let document = Document {
        agreement: agreement.id.to_string(),
        changed_at: agreement.changed_at.to_string(),
        channel: agreement.channel.as_str(),
        institution: agreement.institution.as_str(),
        request_sha256,
        state: agreement.state.as_str(),
        terms: agreement.terms.iter().map(term).collect(),
        v: 1,
        version: agreement.version,
    };
    // Serialising strings and small integers into memory has no failing case.
    serde_json::to_string(&document).unwrap_or_default()
}

/// The request that a configuration makes for its own channel, so that what it allows has been asked for, too.
pub(crate) fn configured_request(
    institution: &InstitutionId,
    channel: &ChannelId,
    purposes: &[Purpose],
) -> String {
    let purpose = |purpose: &Purpose| RequestedPurpose {
        purpose: purpose.as_str().to_owned(),
        clusters: purpose.clusters().iter().map(|c| c.as_str().to_owned()).collect(),
        form: Form::Detail.as_str().to_owned(),
    };
    let document = RequestDocument {
        institution: institution.to_string(),
        channel: channel.to_string(),
        requested_by: "the operator of this gateway, for its own page".to_owned(),
        contact: None,
        customers: Some("consenting".to_owned()),
        purpose: purposes.iter().map(purpose).collect(),
    };
    serde_json::to_string(&document).unwrap_or_default()
}

fn next_version(standing: &Standing) -> u32 {
    standing.agreement.as_ref().map_or(1, |agreement| agreement.version.saturating_add(1))
}

fn hash(bytes: &[u8]) -> String {
    hex::encode(amana_core::ids::sha256(&[bytes]))
}

/// The terms of a request that is on record.
fn asked_terms(request: &AgreementEvent) -> Result<Terms, AgreementError> {
    let text = request.document.as_deref().unwrap_or_default();
    // It was read when it came; which of the two forms it has is not written down, and they have no text in common.
    let read =
        read(text.as_bytes(), DocumentFormat::Json).or_else(|_| read(text.as_bytes(), DocumentFormat::Toml));
    let (_, request) = read.map_err(|(refusal, _)| AgreementError::Terms(refusal.to_string()))?;
    Ok(request.terms().clone())
}

type Named = (Option<InstitutionId>, Option<ChannelId>);

/// Reads a request; with a refusal comes what could be read of whom it is about.
fn read(document: &[u8], format: DocumentFormat) -> Result<(String, DataRequest), (RequestRefusal, Named)> {
    let (text, written) =
        parse::<RequestDocument>(document, format).map_err(|refusal| (refusal, (None, None)))?;
    match DataRequest::read(&written) {
        Ok(request) => Ok((text, request)),
        Err(refusal) => Err((refusal, (written.institution.parse().ok(), written.channel.parse().ok()))),
    }
}

fn parse<T: serde::de::DeserializeOwned>(
    document: &[u8],
    format: DocumentFormat,
) -> Result<(String, T), RequestRefusal> {
    if document.len() > REQUEST_BYTES_MAX {
        return Err(RequestRefusal::TooLarge);
    }
    let unreadable = |why: String| {
        RequestRefusal::Unreadable(why.chars().filter(|c| !c.is_control()).take(NOTE_CHARS_MAX).collect())
    };
    let text = std::str::from_utf8(document).map_err(|_| unreadable("it is not UTF-8".to_owned()))?;
    let written = match format {
        DocumentFormat::Json => serde_json::from_str(text).map_err(|e| unreadable(e.to_string()))?,
        DocumentFormat::Toml => toml::from_str(text).map_err(|e| unreadable(e.message().to_owned()))?,
    };
    Ok((text.to_owned(), written))
}

fn actor(by: &str) -> Result<String, AgreementError> {
    short(by, ACTOR_CHARS_MAX).ok_or(AgreementError::BadText("by"))
}

fn note_of(note: Option<&str>) -> Result<Option<String>, AgreementError> {
    note.map(|note| short(note, NOTE_CHARS_MAX).ok_or(AgreementError::BadText("note"))).transpose()
}

fn short(text: &str, most: usize) -> Option<String> {
    let text = text.trim();
    let good = !text.is_empty() && text.chars().count() <= most && !text.chars().any(char::is_control);
    good.then(|| text.to_owned())
}

/// An agreement as the command line and the API print it: its document's fields.
#[must_use]
pub fn agreement_value(agreement: &Agreement) -> serde_json::Value {
    let terms: Vec<serde_json::Value> = agreement
        .terms
        .iter()
        .map(|(purpose, (clusters, form))| {
            serde_json::json!({"purpose": purpose, "clusters": clusters, "form": form})
        })
        .collect();
    serde_json::json!({
        "id": agreement.id,
        "institution": agreement.institution,
        "channel": agreement.channel,
        "state": agreement.state,
        "version": agreement.version,
        "changed_at": agreement.changed_at,
        "terms": terms,
    })
}

/// An act as the command line and the API print it, with its document or without.
#[must_use]
pub fn event_value(event: &AgreementEvent, with_document: bool) -> serde_json::Value {
    serde_json::json!({
        "act": event.act,
        "institution": event.institution,
        "channel": event.channel,
        "by": event.by,
        "at": event.at,
        "sha256": event.sha256,
        "request_sha256": event.request_sha256,
        "note": event.note,
        "version": event.version,
        "document": event.document.as_deref().filter(|_| with_document),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn act(act: AgreementAct, sha256: &str, request: Option<&str>) -> AgreementEvent {
        AgreementEvent {
            act,
            institution: None,
            channel: None,
            by: "cli:omar".into(),
            at: amana_core::from_micros(0),
            document: None,
            sha256: sha256.into(),
            request_sha256: request.map(str::to_owned),
            note: None,
            version: Some(1),
        }
    }

    /// Goal: a yes to one request is none to another that came before it was written down.
    #[test]
    fn an_acceptance_answers_the_request_that_it_names() {
        use AgreementAct::{Accepted, Requested};
        let asked = |sha256| act(Requested, sha256, None);
        let standing = |events: &[&AgreementEvent]| {
            let standing = Standing::of(None, events.iter().map(|event| (*event).clone()).collect());
            (standing.open.map(|open| open.sha256), standing.basis.map(|basis| basis.sha256))
        };
        let (first, second) = (asked("x"), asked("y"));
        let (of_first, of_second) = (act(Accepted, "1", Some("x")), act(Accepted, "2", Some("y")));
        let some = |sha256: &str| Some(sha256.to_owned());
        assert_eq!(standing(&[&first, &of_first]), (None, some("x")));
        assert_eq!(standing(&[&first, &of_first, &second, &of_second]), (None, some("y")));
        // Where they crossed, the newer one still waits, and nothing reaches as far as it yet.
        assert_eq!(standing(&[&first, &second, &of_first]), (some("y"), None));
        assert_eq!(
            standing(&[&first, &of_first, &second, &of_first]),
            (some("y"), some("x")),
            "a change within"
        );
    }
}
