//! What a page of ours shows to the person whose it is. Nothing of it goes to a platform.

use crate::decision::Denial;
use crate::key::DataKey;
use crate::protected::{Protected, Subject};
use crate::release::{Gate, OutboxRow, open_payload};
use amana_core::ids::sha256;
use amana_core::{Account, AccountId, Lang, Page, Timestamp, Transaction};
use amana_render::{Fragment, page};
use std::collections::BTreeSet;

/// A piece of a page, for its subject alone. As closed as [`Protected`]: no `Debug`, `Display`, `Clone` or accessor. It
/// is HTML already, escaped by construction, and whoever answers the subject's own request takes it out, once.
#[must_use = "what is shown is put into the answer to its subject, or dropped"]
pub struct Shown(pub(crate) Fragment);

impl Shown {
    /// The HTML, taken out for the answer to the subject's request. `cargo xtask tidy` knows the places that may.
    #[must_use]
    pub fn into_html(self) -> String {
        self.0.html
    }

    /// The text as a JSON array of lines, taken out for the subject's own copy of their data. Tidy knows the places,
    /// too.
    #[must_use]
    pub fn into_json(self) -> String {
        // Strings have no case in which they cannot be written.
        serde_json::to_string(&self.0.lines).unwrap_or_else(|_| "[]".to_owned())
    }

    /// SHA-256 of the text, so that a record can say what was shown without holding it.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        sha256(&[self.0.lines.join("\n").as_bytes()])
    }
}

impl Gate {
    /// The accounts with their balances and latest transactions. The viewer must be a session of that very customer.
    ///
    /// # Errors
    /// When the viewer is not the subject of all of it.
    pub fn show_accounts(
        &self,
        accounts: &Protected<Vec<Account>>,
        pages: &[(AccountId, Protected<Page<Transaction>>)],
        viewer: &Subject,
        lang: Lang,
        now: Timestamp,
    ) -> Result<Shown, Denial> {
        let values: Option<Vec<_>> =
            pages.iter().map(|(id, page)| Some((id, page.open_for(viewer)?))).collect();
        let (Some(accounts), Some(pages)) = (accounts.open_for(viewer), values) else {
            return Err(Denial::RecipientNotSubject);
        };
        Ok(Shown(page::accounts(accounts, &pages, lang, now)))
    }

    /// The accounts to choose from on the consent page, those in `chosen` ticked.
    ///
    /// # Errors
    /// When the viewer is not the subject.
    pub fn show_choices(
        &self,
        accounts: &Protected<Vec<Account>>,
        chosen: &BTreeSet<AccountId>,
        viewer: &Subject,
        lang: Lang,
    ) -> Result<Shown, Denial> {
        let accounts = accounts.open_for(viewer).ok_or(Denial::RecipientNotSubject)?;
        Ok(Shown(page::choices(accounts, chosen, lang)))
    }

    /// The words that were handed to the platform, for the customer's own privacy page.
    ///
    /// # Errors
    /// When the row is not the viewer's, does not open, or says nothing that can be read back.
    pub fn said(&self, row: &OutboxRow, viewer: &Subject, key: &DataKey) -> Result<Shown, Denial> {
        let own = row
            .basis
            .as_ref()
            .is_some_and(|b| b.customer == viewer.customer && b.institution == viewer.institution);
        if !own {
            return Err(Denial::RecipientNotSubject);
        }
        page::said(&open_payload(row, key)?).map(Shown).ok_or(Denial::Unreadable)
    }
}
