//! From the raw text of an element to what a person reads.

/// Resolves entities and CDATA, drops comments, and cleans: runs of white space and control characters become one
/// space, characters that override the writing direction go (a payee's name must not turn the line around it).
///
/// Entities that XML does not define stay as written, and so does a bare `&`: OFX files are full of `AT&T`. Where
/// that is an error (camt), the XML reader has already refused it.
pub(crate) fn decode(raw: &str) -> String {
    let mut out = Cleaner { out: String::with_capacity(raw.len()), gap: false };
    let mut rest = raw;
    while let Some(at) = rest.find(['&', '<']) {
        let (plain, marked) = rest.split_at(at);
        out.push_str(plain);
        if let Some(inner) = marked.strip_prefix("<![CDATA[") {
            let (data, after) = inner.split_once("]]>").unwrap_or((inner, ""));
            out.push_str(data);
            rest = after;
        } else if let Some(inner) = marked.strip_prefix("<!--") {
            rest = inner.split_once("-->").map_or("", |(_, after)| after);
        } else if let Some((c, len)) = entity(marked) {
            out.push(c);
            rest = marked.get(len..).unwrap_or("");
        } else {
            // `&` and `<` are one byte long.
            let (literal, after) = marked.split_at(1);
            out.push_str(literal);
            rest = after;
        }
    }
    out.push_str(rest);
    out.out
}

/// Whether this character steers the writing direction of others (embeddings, overrides, isolates). The plain
/// marks LRM, RLM and ALM are not among them: Arabic names need them and they end where they stand.
pub(crate) fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

struct Cleaner {
    out: String,
    /// White space was seen since the last character; written only when another one follows.
    gap: bool,
}

impl Cleaner {
    fn push_str(&mut self, text: &str) {
        for c in text.chars() {
            self.push(c);
        }
    }

    fn push(&mut self, c: char) {
        if c.is_whitespace() || c.is_control() {
            self.gap = true;
        } else if !is_bidi_control(c) && c != '\u{feff}' {
            if self.gap && !self.out.is_empty() {
                self.out.push(' ');
            }
            self.gap = false;
            self.out.push(c);
        }
    }
}

/// The character that the entity at the start of `text` stands for, and the entity's length in bytes.
fn entity(text: &str) -> Option<(char, usize)> {
    /// `#x10FFFF` is the longest that means anything.
    const NAME_MAX_BYTES: usize = 10;
    let body = text.strip_prefix('&')?;
    let end = body.bytes().take(NAME_MAX_BYTES + 1).position(|b| b == b';')?;
    let name = body.get(..end)?;
    let c = match name.to_ascii_lowercase().as_str() {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        number => {
            let digits = number.strip_prefix('#')?;
            let code = match digits.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => digits.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((c, end + 2))
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn entities_cdata_and_bare_ampersands() {
        assert_eq!(decode("AT&T &amp; Co &lt;3&#x21;&#33;"), "AT&T & Co <3!!");
        assert_eq!(
            decode("&unknown; &; & &#xD800; &#99999999999;"),
            "&unknown; &; & &#xD800; &#99999999999;"
        );
        assert_eq!(decode("a<![CDATA[ <b> & ]]>c<!-- no -->d"), "a <b> & cd");
        assert_eq!(decode("&amp;amp;"), "&amp;", "resolved once, not twice");
    }

    #[test]
    fn white_space_and_direction_controls() {
        assert_eq!(decode("  COFFEE \r\n\t SHOP&nbsp; "), "COFFEE SHOP");
        assert_eq!(decode("\u{202e}evil\u{2069} \u{200f}مقهى"), "evil \u{200f}مقهى");
        assert_eq!(decode(" \u{1a}\0 "), "");
    }
}
