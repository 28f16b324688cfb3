//! Agreements: every act is kept, and the newest version is what decides.

use crate::apply::{Applied, Refused, changed, json};
use crate::apply_log::{log_end, rule_change};
use crate::codec;
use crate::db::{Db, values};
use amana_core::{Agreement, AgreementAct, AgreementEvent, ChannelId, InstitutionId, event_hash};

/// Whether an act may leave the agreement as it is: it asks, is refused, or says no to a wider request.
fn may_stand_alone(act: AgreementAct) -> bool {
    matches!(act, AgreementAct::Requested | AgreementAct::Refused | AgreementAct::Declined)
}

pub(crate) async fn put_agreement<D: Db>(
    db: &mut D,
    event: &AgreementEvent,
    agreement: Option<&Agreement>,
) -> Applied {
    // Acts take turns by the log's head, whichever process puts them: what is read here is what they follow on.
    log_end(db).await?;
    answers_what_is_asked(db, event).await?;
    match agreement {
        Some(agreement) => {
            let same = event.institution.as_ref() == Some(&agreement.institution)
                && event.channel.as_ref() == Some(&agreement.channel)
                && event.version == Some(agreement.version)
                && event.act != AgreementAct::Refused;
            let document =
                event.document.as_deref().filter(|document| event_hash(document.as_bytes()) == event.sha256);
            let Some(document) = document.filter(|_| same && agreement.check().is_ok()) else {
                return Err(Refused::Conflict("agreement"));
            };
            put_version(db, agreement).await?;
            // What holds from now on is public, and its hash an entry of the log: the same as in the history. What is
            // only asked for is no rule.
            if event.act != AgreementAct::Requested {
                rule_change(db, document, agreement.changed_at).await?;
            }
        }
        None if may_stand_alone(event.act) && event.version.is_none() => {}
        None => return Err(Refused::Conflict("agreement")),
    }
    let row = db.row("SELECT coalesce(max(number), 0) FROM agreement_event", values![]).await?;
    let number = row.map_or(Ok(0), |mut row| row.int())?.saturating_add(1);
    let rows = db
        .run(
            "INSERT INTO agreement_event (number, institution, channel, act, record) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT DO NOTHING",
            values![
                number,
                event.institution.as_ref().map(InstitutionId::as_str),
                event.channel.as_ref().map(ChannelId::as_str),
                codec::agreement_code(event.act),
                json(event)?
            ],
        )
        .await?;
    changed(rows, "agreement")
}

/// Yes and no are said to the newest request: one that came since somebody looked is neither answered unseen, nor taken
/// for the one that was. Refused where the newest of what is not answered yet is another request.
async fn answers_what_is_asked<D: Db>(db: &mut D, event: &AgreementEvent) -> Result<(), Refused> {
    let (Some(institution), Some(channel)) = (&event.institution, &event.channel) else { return Ok(()) };
    if !matches!(event.act, AgreementAct::Accepted | AgreementAct::Declined) {
        return Ok(());
    }
    let row = db
        .row(
            "SELECT record FROM agreement_event WHERE institution = $1 AND channel = $2 AND act IN (0, 2, 3, 6) \
             ORDER BY number DESC LIMIT 1",
            values![institution.as_str(), channel.as_str()],
        )
        .await?;
    let Some(mut row) = row else { return Ok(()) };
    let last: AgreementEvent = row.json()?;
    if last.act == AgreementAct::Requested && event.request_sha256.as_ref() != Some(&last.sha256) {
        return Err(Refused::Conflict("agreement"));
    }
    Ok(())
}

async fn put_version<D: Db>(db: &mut D, agreement: &Agreement) -> Applied {
    let (institution, channel) = (agreement.institution.as_str(), agreement.channel.as_str());
    let row = db
        .row(
            "SELECT coalesce(max(version), 0) FROM agreement WHERE institution = $1 AND channel = $2",
            values![institution, channel],
        )
        .await?;
    let stored = row.map_or(Ok(0), |mut row| row.int())?;
    if i64::from(agreement.version) != stored + 1 {
        return Err(Refused::Conflict("agreement"));
    }
    let rows = db
        .run(
            "INSERT INTO agreement (institution, channel, version, document) VALUES ($1, $2, $3, $4) \
             ON CONFLICT DO NOTHING",
            values![institution, channel, agreement.version, json(agreement)?],
        )
        .await?;
    changed(rows, "agreement")
}
