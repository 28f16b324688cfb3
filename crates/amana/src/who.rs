//! Who acts on the command line, as it stands in the histories of agreements and policies.

use crate::limits::BY_CHARS_MAX;

/// `cli:NAME (uid NUMBER)`. The name is the word of whoever runs the command; the number is the kernel's, and says
/// which user of this machine it was. A name that is empty or too long is `unknown`, and what cannot be seen is left
/// out.
pub(crate) fn acting(by: Option<&str>) -> String {
    let name: String = by.unwrap_or_default().trim().chars().filter(|c| !c.is_control()).collect();
    let fits = !name.is_empty() && name.chars().count() <= BY_CHARS_MAX;
    format!("cli:{}{}", if fits { name.as_str() } else { "unknown" }, user())
}

#[cfg(unix)]
fn user() -> String {
    format!(" (uid {})", rustix::process::getuid().as_raw())
}

#[cfg(not(unix))]
fn user() -> String {
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_a_word_and_the_user_is_the_systems() {
        let user = user();
        for (by, name) in [
            (Some(" omar "), "omar".to_owned()),
            (Some("a\nb"), "ab".to_owned()),
            (Some(""), "unknown".to_owned()),
            (None, "unknown".to_owned()),
            (Some("ع".repeat(BY_CHARS_MAX).as_str()), "ع".repeat(BY_CHARS_MAX)),
            (Some("x".repeat(BY_CHARS_MAX + 1).as_str()), "unknown".to_owned()),
        ] {
            assert_eq!(acting(by), format!("cli:{name}{user}"));
        }
        #[cfg(unix)]
        assert_eq!(user, format!(" (uid {})", rustix::process::getuid().as_raw()));
    }
}
