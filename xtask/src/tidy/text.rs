//! Rules for every text file: nothing of one person's machine, no registry's host, no banned crate in the lock file.

use super::{Finding, Source};

/// Folders that exist on one machine only. Each is checked where a path begins, so `https://example.org/work/` is
/// fine. Written in two halves so that this file keeps its own rule.
const MACHINE_FOLDERS: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/"), concat!("/Us", "ers/")];
/// Hosts of package registries: a build takes them from the person's own settings.
const REGISTRY_HOSTS: [&str; 8] = [
    concat!("registry.", "npmjs.org"),
    concat!("registry.", "yarnpkg.com"),
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
    concat!("deb.", "debian.org"),
    concat!("security.", "debian.org"),
    concat!("files.", "pythonhosted.org"),
    concat!("proxy.", "golang.org"),
];
/// The only source of crates, as cargo writes it into the lock file.
const CRATES_SOURCE: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
/// Crates that must never come in: TLS is rustls, so that a build needs no system library. (`openssl-sys` may be asked
/// for, by a feature that is off: `linked.rs` holds the program to that.)
const CRATES_BANNED: [&str; 2] = ["openssl", "native-tls"];

/// Checks one text file.
pub(crate) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    let path = source.path.as_str();
    let mut find = |line: usize, message: String| findings.push(Finding::new(path, line, message));
    let file_name = path.rsplit('/').next().unwrap_or(path);
    for (index, line) in source.text.lines().enumerate() {
        let number = index + 1;
        if file_name == "Cargo.lock" {
            let line = line.trim();
            if line.starts_with("source = ") && line != CRATES_SOURCE {
                find(number, format!("`{line}`: only the public crate registry is a source"));
            }
            for name in CRATES_BANNED {
                if line == format!("name = \"{name}\"") {
                    find(
                        number,
                        format!("`{name}` came in: TLS is rustls here; `cargo tree -i {name}` says why"),
                    );
                }
            }
            continue;
        }
        if file_name == "package-lock.json" && line.contains("\"resolved\":") {
            find(
                number,
                "a download address; make the file with `npm install --omit-lockfile-registry-resolved`"
                    .into(),
            );
        }
        for folder in MACHINE_FOLDERS {
            if begins_path(line, folder) {
                find(number, format!("`{folder}…` exists on one machine only"));
            }
        }
        for host in REGISTRY_HOSTS {
            if line.contains(host) {
                find(number, format!("`{host}`: a registry's host belongs in nobody's commit"));
            }
        }
        if !path.ends_with(".rs") && !path.ends_with(".md") && line.contains(concat!("FIX", "ME")) {
            find(number, concat!("`FIX", "ME`: do it now, or file it").into());
        }
        if ["<<<<<<< ", ">>>>>>> "].iter().any(|mark| line.starts_with(mark)) {
            find(number, "a merge was left half done".into());
        }
    }
    findings
}

/// Whether `folder` stands in `line` where a path begins: at the start or after a character that no path or address
/// ends with.
fn begins_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line.get(..at).and_then(|head| head.chars().next_back());
        before.is_none_or(|c| {
            !(c.is_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '~' | '}' | '$' | '*'))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        check(&Source { path: path.to_owned(), text: text.to_owned() })
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    /// Goal: a path of one machine is found wherever it begins, and an address that only looks like one is not.
    #[test]
    fn machine_paths() {
        for folder in MACHINE_FOLDERS {
            assert_eq!(found("a.md", &format!("x\nsee `{folder}x`\n")).len(), 1, "{folder}");
            assert_eq!(found("a.rs", &format!("let a = \"{folder}x\";\n")).len(), 1, "{folder}");
            assert!(
                found("a.md", &format!("https://example.org{folder}x and $HOME{folder}\n")).is_empty(),
                "{folder}"
            );
        }
    }

    /// Goal: no registry's host in any file; lock files in particular.
    #[test]
    fn registry_hosts() {
        let host = REGISTRY_HOSTS[0];
        assert_eq!(found("e2e/a.mjs", &format!("// {host}\n")).len(), 1);
        let lock = format!("{{\n \"resolved\": \"https://{host}/a.tgz\"\n}}\n");
        assert_eq!(found("e2e/package-lock.json", &lock).len(), 2);
        assert!(found("e2e/package-lock.json", "{\n \"integrity\": \"sha512-x\"\n}\n").is_empty());
        assert!(found("Cargo.lock", &format!("{CRATES_SOURCE}\n")).is_empty());
        assert_eq!(found("Cargo.lock", "source = \"git+https://example.org/x\"\n").len(), 1);
    }

    /// Goal: a second TLS stack cannot slip in through a dependency.
    #[test]
    fn banned_crates() {
        assert_eq!(found("Cargo.lock", "[[package]]\nname = \"native-tls\"\n").len(), 1);
        assert!(found("Cargo.lock", "[[package]]\nname = \"openssl-probe\"\n").is_empty());
    }

    /// Goal: a half-done merge and unfinished work are found in any file.
    #[test]
    fn marks() {
        assert_eq!(found("a.toml", "<<<<<<< ours\n").len(), 1);
        assert_eq!(found("a.css", concat!("/* FIX", "ME */\n")).len(), 1);
    }
}
