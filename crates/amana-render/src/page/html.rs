//! HTML that is escaped by construction.

/// A piece of HTML: markup is a constant of the program, everything else is escaped.
pub(super) struct Html(String);

impl Html {
    pub(super) fn new() -> Self {
        Self(String::new())
    }

    /// Markup. It cannot come from anywhere but the program's own text.
    pub(super) fn markup(&mut self, markup: &'static str) -> &mut Self {
        self.0.push_str(markup);
        self
    }

    /// Text, in an element or in a quoted attribute.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                c => self.0.push(c),
            }
        }
        self
    }

    pub(super) fn finish(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Html;

    #[test]
    fn text_cannot_become_markup() {
        let mut html = Html::new();
        html.markup("<b title=\"").text("\"><script>'&").markup("\">").text("</b>").markup("</b>");
        assert_eq!(html.finish(), "<b title=\"&quot;&gt;&lt;script&gt;&#39;&amp;\">&lt;/b&gt;</b>");
    }
}
