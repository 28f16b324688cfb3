//! The operator's commands about what is kept: the retention report, and a customer's erasure.

use crate::ambient::SystemClock;
use crate::config::Settings;
use crate::{gateway, limits, operate, output};
use amana_core::{Clock as _, ConversationId, CustomerId, InstitutionId, Timestamp};
use amana_flow::Erased;
use amana_store::DataKind;
use anyhow::bail;
use std::collections::BTreeSet;
use std::io::Read as _;

fn at(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `amana retention report`.
///
/// # Errors
/// When the store cannot be read, or something is kept longer than it should be.
pub(crate) async fn report(settings: &Settings) -> anyhow::Result<()> {
    let report = operate::existing(settings).await?.retention_report().await?;
    let now = SystemClock.now();
    let mut overdue = Vec::new();
    output::line(&format!(
        "{:<14} {:>9} {:>12} {:<21} {:>10} {:<21} {:>12}",
        "kind", "days", "rows", "oldest", "removed", "when", "removed ever"
    ));
    for holding in report.holdings {
        let days = holding.kind.days(&settings.retention);
        let days = match (days, holding.kind) {
            (Some(days), _) => days.to_string(),
            (None, DataKind::OneTimeLink) => "10 min".to_owned(),
            (None, DataKind::SealedPage) => "7".to_owned(),
            (None, _) => "30 min".to_owned(),
        };
        let (removed, when) =
            holding.removed_last.map_or((0, "-".to_owned()), |(rows, when)| (rows, at(when)));
        output::line(&format!(
            "{:<14} {days:>9} {:>12} {:<21} {removed:>10} {when:<21} {:>12}",
            holding.kind.as_str(),
            holding.rows,
            holding.oldest.map_or_else(|| "-".to_owned(), at),
            holding.removed_total
        ));
        let seconds = holding.overdue_s(now, &settings.retention);
        if seconds > limits::OVERDUE_S {
            overdue.push(format!("`{}` for {} hours", holding.kind.as_str(), seconds / 3_600));
        }
    }
    let every = amana_flow::limits::SWEEP_EVERY;
    match report.swept_at {
        Some(last) => {
            let next = last.checked_add(every).unwrap_or(last);
            output::line(&format!(
                "last gone through {}; next {} while the gateway runs",
                at(last),
                at(next)
            ));
        }
        None => output::line("not gone through yet: the running gateway does it every minute"),
    }
    if !overdue.is_empty() {
        bail!(
            "kept longer than it should be: {}. The running gateway removes it; if it runs, its log says why it could not",
            overdue.join(", ")
        );
    }
    Ok(())
}

/// Of whom the id is asked.
pub(crate) enum Who {
    /// By what the institution calls them.
    Subject(InstitutionId, String),
    /// By a chat in which they were linked.
    Chat(ConversationId),
}

/// `amana customer find`: ids alone, one a line.
///
/// # Errors
/// When there is nobody, or the store fails.
pub(crate) async fn find(settings: &Settings, who: Who) -> anyhow::Result<()> {
    let store = operate::existing(settings).await?;
    match who {
        Who::Subject(institution, subject) => {
            let subject = if subject == "-" { line_of_stdin()? } else { subject };
            let blinded = store.keyring().blind(&institution, &subject);
            let Some(customer) = store.customer_by_subject(&institution, &blinded).await? else {
                bail!("`{institution}` has no customer of that name here: never linked, or erased");
            };
            output::line(&customer.id.to_string());
        }
        Who::Chat(chat) => {
            let links = store.links_ever(&chat).await?;
            let customers: BTreeSet<_> =
                links.iter().filter(|link| link.was_confirmed()).map(|link| link.customer).collect();
            if customers.is_empty() {
                bail!("nobody was ever linked in that chat, or they were erased");
            }
            for customer in customers {
                output::line(&customer.to_string());
            }
        }
    }
    Ok(())
}

fn line_of_stdin() -> anyhow::Result<String> {
    let mut line = String::new();
    std::io::stdin().take(limits::SUBJECT_BYTES_MAX).read_to_string(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// `amana customer erase`.
///
/// # Errors
/// When there is no such customer, `yes` is missing, or the store fails.
pub(crate) async fn erase(settings: &Settings, customer: CustomerId, yes: bool) -> anyhow::Result<()> {
    let Some(place) = operate::existing(settings).await?.customer_place(customer).await? else {
        bail!("there is no customer `{customer}`: the id is wrong, or they were erased already");
    };
    if !yes {
        bail!(
            "this takes back every consent of `{customer}` at {} and the bank's grants, and destroys the keys of all that \
             is stored about them; it cannot be undone. Give `--yes` to do it",
            place.institution
        );
    }
    let connectors = gateway::connectors(settings)?;
    let gateway = gateway::made(settings, connectors.sides()).await?;
    match gateway.erase_customer(customer).await? {
        None => bail!("there is no customer `{customer}` any more"),
        Some(Erased::Whole) => output::line(&format!(
            "{customer} is erased: nothing stored about them opens any more, in this database or in a copy of it. \
             The running gateway tells the bank."
        )),
        Some(Erased::Unread) => output::line(&format!(
            "{customer} is erased: nothing stored about them opens any more, in this database or in a copy of it. \
             Something did not open before either, so the bank could not be told: end the grant there, too."
        )),
    }
    Ok(())
}
