//! The paths below a log's address.

use crate::limits::TILE_WIDTH;
use crate::merkle::Hash;

/// A file of the log, by its path below the log's address. Parsing is strict: every file has one path, and nothing
/// else parses, so that a parsed path is safe to look up in a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// `checkpoint`: the newest checkpoint, the only file that changes.
    Checkpoint,
    /// `[index/<segment>/]tile/<level>/<N>[.p/<W>]`: hashes.
    Tile {
        /// The ended segment whose index tree it belongs to; `None` for the log itself.
        segment: Option<u64>,
        /// The tile's level; each is 2^8 leaves higher than the one below.
        level: u8,
        /// The tile's number within the level.
        n: u64,
        /// Hashes in it, 1 to 256; 256 is a full one.
        width: u16,
    },
    /// `[index/<segment>/]tile/entries/<N>[.p/<W>]`: entries, each with a u16 length.
    Entries {
        /// As above.
        segment: Option<u64>,
        /// The bundle's number.
        n: u64,
        /// Entries in it, 1 to 256; 256 is a full one.
        width: u16,
    },
    /// `rules/<sha256 in hex>`: a document that came into force.
    Rule {
        /// Its SHA-256.
        sha256: Hash,
    },
}

/// [`TILE_WIDTH`] as it stands in a path.
const FULL: u16 = 256;

impl Resource {
    /// Reads a path; `None` when no file of a log has it.
    #[must_use]
    pub fn parse(path: &str) -> Option<Self> {
        let resource = Self::take(path)?;
        // One path for each file: whatever is written in another way (`00`, `x000/001`) is none.
        (resource.path() == path).then_some(resource)
    }

    fn take(path: &str) -> Option<Self> {
        if path == "checkpoint" {
            return Some(Self::Checkpoint);
        }
        if let Some(name) = path.strip_prefix("rules/") {
            return Some(Self::Rule { sha256: hex::decode(name).ok()?.try_into().ok()? });
        }
        let (segment, path) = match path.strip_prefix("index/") {
            None => (None, path),
            Some(rest) => {
                let (segment, rest) = rest.split_once('/')?;
                (Some(segment.parse().ok()?), rest)
            }
        };
        let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let (name, width) = match rest.split_once(".p/") {
            None => (rest, FULL),
            Some((name, width)) => (name, width.parse().ok().filter(|width| (1..FULL).contains(width))?),
        };
        let mut n: u64 = 0;
        for part in name.split('/') {
            let digits = part.strip_prefix('x').unwrap_or(part);
            if digits.len() != 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            n = n.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
        }
        if level == "entries" {
            return Some(Self::Entries { segment, n, width });
        }
        Some(Self::Tile { segment, level: level.parse().ok().filter(|level| *level < 64)?, n, width })
    }

    /// The path.
    #[must_use]
    pub fn path(&self) -> String {
        match self {
            Self::Checkpoint => "checkpoint".to_owned(),
            Self::Tile { segment, level, n, width } => {
                format!("{}{}", prefix(*segment), tile_path(u32::from(*level), *n, u64::from(*width)))
            }
            Self::Entries { segment, n, width } => {
                format!("{}{}", prefix(*segment), entries_path(*n, u64::from(*width)))
            }
            Self::Rule { sha256 } => format!("rules/{}", hex::encode(sha256)),
        }
    }

    /// Whether the file never changes once it is there.
    #[must_use]
    pub fn immutable(&self) -> bool {
        !matches!(self, Self::Checkpoint)
    }

    /// The media type to serve it with.
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::Checkpoint => "text/plain; charset=utf-8",
            _ => "application/octet-stream",
        }
    }
}

/// What comes before the paths of a tree: nothing for the log, `index/<segment>/` for a segment's index.
pub(crate) fn prefix(segment: Option<u64>) -> String {
    segment.map_or_else(String::new, |segment| format!("index/{segment}/"))
}

/// The path of a tile of hashes; a width of [`TILE_WIDTH`] is the full tile.
pub(crate) fn tile_path(level: u32, n: u64, width: u64) -> String {
    numbered(format!("tile/{level}"), n, width)
}

/// The path of a bundle of entries.
pub(crate) fn entries_path(n: u64, width: u64) -> String {
    numbered("tile/entries".to_owned(), n, width)
}

fn numbered(mut path: String, n: u64, width: u64) -> String {
    use std::fmt::Write as _;
    let mut groups = vec![n % 1000];
    let mut rest = n / 1000;
    while rest > 0 {
        groups.push(rest % 1000);
        rest /= 1000;
    }
    for (place, group) in groups.iter().enumerate().rev() {
        let x = if place == 0 { "" } else { "x" };
        // Writing to a string does not fail.
        let _ = write!(path, "/{x}{group:03}");
    }
    if width < TILE_WIDTH {
        let _ = write!(path, ".p/{width}");
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        assert_eq!(tile_path(0, 0, 256), "tile/0/000");
        assert_eq!(tile_path(2, 1_234_067, 256), "tile/2/x001/x234/067");
        assert_eq!(tile_path(1, 1000, 17), "tile/1/x001/000.p/17");
        assert_eq!(entries_path(273, 112), "tile/entries/273.p/112");
    }

    #[test]
    fn a_path_has_one_spelling() {
        for path in [
            "checkpoint",
            "tile/0/000",
            "tile/0/x001/x234/067.p/1",
            "tile/entries/255.p/255",
            "index/7/tile/1/000",
            "index/0/tile/entries/000.p/9",
        ] {
            assert_eq!(Resource::parse(path).map(|resource| resource.path()).as_deref(), Some(path));
        }
        let rule = format!("rules/{}", "ab".repeat(32));
        assert_eq!(Resource::parse(&rule).map(|resource| resource.path()), Some(rule));
        for path in [
            "",
            "/checkpoint",
            "checkpoint/",
            "tile/00/000",
            "tile/64/000",
            "tile/0/x000/001",
            "tile/0/0",
            "tile/0/001/002",
            "tile/0/x001",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/../000",
            "tile/-1/000",
            "tile/+1/000",
            "index/01/tile/0/000",
            "index//tile/0/000",
            "index/1/checkpoint",
            "rules/AB",
            "tile/0/x999/x999/x999/x999/x999/x999/x999/999",
        ] {
            assert_eq!(Resource::parse(path), None, "{path}");
        }
    }
}
