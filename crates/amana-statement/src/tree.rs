//! The elements of a file as a flat tree, 24 bytes each, that points into the decoded text.
//!
//! Both readers ([`crate::sgml`], [`crate::xml`]) build it, so that what a statement means is written once. Texts
//! are decoded only when somebody reads them, lines are counted only when there is an error.

use crate::error::{ErrorKind, StatementError, shown};
use crate::{limits, text};

/// No node.
const NONE: u32 = u32::MAX;

/// Positions are byte positions in the text; they fit, see the assertions in [`limits`].
#[derive(Clone, Copy)]
struct Node {
    name: u32,
    name_len: u32,
    /// Just behind the start tag's `>`.
    content: u32,
    content_end: u32,
    first_child: u32,
    next_sibling: u32,
}

/// All elements of a file.
pub(crate) struct Doc<'t> {
    text: &'t str,
    nodes: Vec<Node>,
    /// OFX: names without regard to case. XML: exact, but without the namespace prefix.
    fold_case: bool,
}

/// One element.
#[derive(Clone, Copy)]
pub(crate) struct El<'d> {
    doc: &'d Doc<'d>,
    id: u32,
}

/// Builds a [`Doc`] from tags in the order of the file.
pub(crate) struct Builder<'t> {
    doc: Doc<'t>,
    first_root: u32,
    last_root: u32,
    open: Vec<Open>,
}

struct Open {
    id: u32,
    last_child: u32,
}

/// A text position as kept in a node.
fn small(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(NONE)
}

impl<'t> Builder<'t> {
    pub(crate) fn new(text: &'t str, fold_case: bool) -> Self {
        let doc = Doc { text, nodes: Vec::new(), fold_case };
        Self { doc, first_root: NONE, last_root: NONE, open: Vec::new() }
    }

    /// How many elements are open.
    pub(crate) fn depth(&self) -> usize {
        self.open.len()
    }

    /// Whether any element was read.
    pub(crate) fn is_empty(&self) -> bool {
        self.doc.nodes.is_empty()
    }

    /// Name of the open element at this depth (0 is outermost), as written.
    pub(crate) fn open_name(&self, depth: usize) -> &'t str {
        self.open.get(depth).map_or("", |o| self.doc.name_of(o.id))
    }

    /// Where the open element at this depth begins.
    pub(crate) fn open_position(&self, depth: usize) -> usize {
        let node = self.open.get(depth).and_then(|o| self.doc.node(o.id));
        node.map_or(0, |n| (n.name as usize).saturating_sub(1))
    }

    /// A start tag: the name's range, and where its content begins.
    pub(crate) fn start(
        &mut self,
        name: usize,
        name_len: usize,
        content: usize,
    ) -> Result<(), StatementError> {
        let fail = |kind| Err(StatementError::at(self.doc.text, name.saturating_sub(1), kind));
        if self.open.len() >= limits::NESTING_MAX_DEPTH {
            return fail(ErrorKind::TooDeep);
        }
        if self.doc.nodes.len() >= limits::ELEMENTS_MAX_COUNT {
            return fail(ErrorKind::TooManyElements);
        }
        let id = small(self.doc.nodes.len());
        self.doc.nodes.push(Node {
            name: small(name),
            name_len: small(name_len),
            content: small(content),
            content_end: small(content),
            first_child: NONE,
            next_sibling: NONE,
        });
        let before = match self.open.last_mut() {
            Some(parent) => {
                let before = parent.last_child;
                parent.last_child = id;
                if before == NONE {
                    let parent = parent.id;
                    if let Some(node) = self.doc.nodes.get_mut(parent as usize) {
                        node.first_child = id;
                    }
                }
                before
            }
            None => {
                let before = self.last_root;
                self.last_root = id;
                if before == NONE {
                    self.first_root = id;
                }
                before
            }
        };
        if let Some(node) = self.doc.nodes.get_mut(before as usize) {
            node.next_sibling = id;
        }
        self.open.push(Open { id, last_child: NONE });
        Ok(())
    }

    /// Ends the innermost open element; its content ends at `content_end`.
    pub(crate) fn end(&mut self, content_end: usize) {
        if let Some(open) = self.open.pop()
            && let Some(node) = self.doc.nodes.get_mut(open.id as usize)
        {
            node.content_end = small(content_end);
        }
    }

    /// The innermost open element turns out to have been an empty leaf without an end tag: what seemed to be its
    /// children are its younger siblings.
    pub(crate) fn end_as_empty_leaf(&mut self) {
        let Some(open) = self.open.pop() else { return };
        let Some(node) = self.doc.nodes.get_mut(open.id as usize) else { return };
        if open.last_child != NONE {
            node.next_sibling = node.first_child;
            node.first_child = NONE;
            match self.open.last_mut() {
                Some(parent) => parent.last_child = open.last_child,
                None => self.last_root = open.last_child,
            }
        }
    }

    pub(crate) fn finish(self) -> Doc<'t> {
        self.doc
    }
}

impl<'t> Doc<'t> {
    fn node(&self, id: u32) -> Option<Node> {
        self.nodes.get(id as usize).copied()
    }

    fn name_of(&self, id: u32) -> &'t str {
        let Some(n) = self.node(id) else { return "" };
        let start = n.name as usize;
        self.text.get(start..start + n.name_len as usize).unwrap_or("")
    }

    /// All elements of this name, in the order of the file.
    pub(crate) fn all<'d>(&'d self, name: &'d str) -> impl Iterator<Item = El<'d>> {
        (0..small(self.nodes.len())).map(move |id| El { doc: self, id }).filter(move |el| el.is(name))
    }

    /// The outermost elements.
    pub(crate) fn roots(&self) -> impl Iterator<Item = El<'_>> {
        // The first node is the first root.
        let first = if self.nodes.is_empty() { NONE } else { 0 };
        Siblings { doc: self, next: first }
    }
}

struct Siblings<'d> {
    doc: &'d Doc<'d>,
    next: u32,
}

impl<'d> Iterator for Siblings<'d> {
    type Item = El<'d>;

    fn next(&mut self) -> Option<El<'d>> {
        let node = self.doc.node(self.next)?;
        let el = El { doc: self.doc, id: self.next };
        self.next = node.next_sibling;
        Some(el)
    }
}

impl<'d> El<'d> {
    /// The name as written, with a namespace prefix if it has one.
    fn written_name(self) -> &'d str {
        self.doc.name_of(self.id)
    }

    /// The name to show in a message: without prefix, OFX in upper case as its specification writes it.
    pub(crate) fn name(self) -> String {
        let name = self.written_name();
        if self.doc.fold_case { shown(&name.to_ascii_uppercase()) } else { shown(local(name)) }
    }

    pub(crate) fn is(self, name: &str) -> bool {
        let own = self.written_name();
        if self.doc.fold_case { own.eq_ignore_ascii_case(name) } else { local(own) == name }
    }

    pub(crate) fn children(self) -> impl Iterator<Item = El<'d>> {
        let next = self.doc.node(self.id).map_or(NONE, |n| n.first_child);
        Siblings { doc: self.doc, next }
    }

    pub(crate) fn children_named(self, name: &'d str) -> impl Iterator<Item = El<'d>> {
        self.children().filter(move |el| el.is(name))
    }

    /// The first child, grandchild, … along `A/B/C`.
    pub(crate) fn at(self, path: &str) -> Option<El<'d>> {
        path.split('/').try_fold(self, |el, name| el.children().find(|child| child.is(name)))
    }

    /// All elements inside a root, at any depth, in the order of the file. Only for a root: elements lie in file
    /// order, so that its descendants are all up to the next root.
    pub(crate) fn all_in_root(self) -> impl Iterator<Item = El<'d>> {
        let end = match self.doc.node(self.id) {
            Some(n) if n.next_sibling != NONE => n.next_sibling,
            _ => small(self.doc.nodes.len()),
        };
        let doc = self.doc;
        (self.id + 1..end).map(move |id| El { doc, id })
    }

    /// Tells this element from all others of its document.
    pub(crate) fn identity(self) -> u32 {
        self.id
    }

    /// Its text, decoded and cleaned; `None` if that is empty or if it has children.
    pub(crate) fn text(self) -> Result<Option<String>, StatementError> {
        let Some(n) = self.doc.node(self.id) else { return Ok(None) };
        if n.first_child != NONE {
            return Ok(None);
        }
        let raw = self.doc.text.get(n.content as usize..n.content_end as usize).unwrap_or("");
        if raw.len() > limits::TEXT_MAX_BYTES {
            return Err(self.error(ErrorKind::TextTooLong { element: self.name() }));
        }
        let decoded = text::decode(raw);
        Ok(if decoded.is_empty() { None } else { Some(decoded) })
    }

    /// The text at a path; `None` if there is no such element or it is empty.
    pub(crate) fn text_at(self, path: &str) -> Result<Option<String>, StatementError> {
        self.at(path).map_or(Ok(None), El::text)
    }

    /// The element at a path and its text, which must be there.
    pub(crate) fn required(self, path: &'static str) -> Result<(El<'d>, String), StatementError> {
        let missing = || self.error(ErrorKind::Missing { parent: self.name(), element: path });
        let el = self.at(path).ok_or_else(missing)?;
        let value = el.text()?.ok_or_else(missing)?;
        Ok((el, value))
    }

    /// An attribute of the start tag, by its local name.
    pub(crate) fn attribute(self, name: &str) -> Option<String> {
        let n = self.doc.node(self.id)?;
        let tag = self.doc.text.get(n.name as usize..(n.content as usize).checked_sub(1)?)?;
        let tag = quick_xml::events::BytesStart::from_content(tag, n.name_len as usize);
        let found = tag.attributes().flatten().find(|a| local(a.key.0) == name)?;
        Some(text::decode(&found.value))
    }

    /// The namespace declarations of the start tag, default and prefixed.
    pub(crate) fn namespaces(self) -> Vec<String> {
        let Some(n) = self.doc.node(self.id) else { return Vec::new() };
        let end = (n.content as usize).saturating_sub(1);
        let Some(tag) = self.doc.text.get(n.name as usize..end) else { return Vec::new() };
        let tag = quick_xml::events::BytesStart::from_content(tag, n.name_len as usize);
        let declares = |key: &str| key == "xmlns" || key.starts_with("xmlns:");
        tag.attributes().flatten().filter(|a| declares(a.key.0)).map(|a| text::decode(&a.value)).collect()
    }

    /// An error at this element.
    pub(crate) fn error(self, kind: ErrorKind) -> StatementError {
        let position = self.doc.node(self.id).map_or(0, |n| (n.name as usize).saturating_sub(1));
        StatementError::at(self.doc.text, position, kind)
    }
}

/// A name without its namespace prefix. Prefixes are not resolved: the elements that are read stand on fixed paths
/// where the schema allows no foreign ones (those live in `SplmtryData`, which is not read).
fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}
