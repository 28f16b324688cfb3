//! Who answers for an institution's consents.

use super::{Reader, is_loopback, shown};
use amana_core::Controller;
use url::Url;

impl Reader<'_> {
    /// Who answers for a consent. What ISO/IEC TS 27560 makes mandatory must be there: a receipt with holes in it is
    /// none, and nobody could mend those that were given.
    pub(super) fn controller(&mut self, index: usize, name: Option<&str>) -> Option<Controller> {
        let key = |name: &str| format!("institution[{index}].{name}");
        let privacy_notice = self.text(&key("privacy_notice"));
        if let Some(url) = &privacy_notice
            && !Url::parse(url).is_ok_and(|url| url.scheme() == "https" || is_loopback(&url))
        {
            self.wrong(&key("privacy_notice"), format!("is `{}`; it must be an https URL", shown(url)));
        }
        let controller = Controller {
            name: self.text(&key("legal_name")).or_else(|| name.map(str::to_owned)).unwrap_or_default(),
            address: self.text(&key("address")),
            contact: self.text(&key("contact")),
            jurisdiction: self.text(&key("jurisdiction")),
            retention: self.text(&key("retention")),
            storage: self.text(&key("storage")),
            privacy_notice,
        };
        let missing = controller.missing();
        for (leaf, says) in &missing {
            let key = key(leaf);
            if !self.said(&key) {
                self.missing(
                    &key,
                    &format!(
                        "give {says}; every consent's record and receipt must say it (ISO/IEC TS 27560)"
                    ),
                );
            }
        }
        missing.is_empty().then_some(controller)
    }
}
