//! OFX as banks write it into the element tree: SGML in which leaf elements need no end tag, and XML written as
//! loosely as that.
//!
//! What makes it decidable: a leaf has text and an aggregate has none (OFX 1.6 §2.3.2.1), and aggregates must be
//! closed. An element with neither text nor end tag is an empty leaf, unless its name is one of [`AGGREGATES`]; then
//! the file is broken and guessing would lose transactions.
//!
//! One exception, in SGML only: real exports forget the end tag of a list of transactions. A list holds no balance and
//! does not outlive its statement, so that these end it without a guess. Everything around it must still be closed.

use crate::error::{ErrorKind, StatementError, shown};
use crate::tree::{Builder, Doc};
use crate::xml::is_padding;

/// The aggregates around and in what is read. Others are found out by their end tags.
const AGGREGATES: &[&str] = &[
    "OFX",
    "SIGNONMSGSRSV1",
    "SONRS",
    "STATUS",
    "FI",
    "BANKMSGSRSV1",
    "CREDITCARDMSGSRSV1",
    "STMTTRNRS",
    "CCSTMTTRNRS",
    "STMTRS",
    "CCSTMTRS",
    "BANKACCTFROM",
    "CCACCTFROM",
    "BANKACCTTO",
    "CCACCTTO",
    "BANKTRANLIST",
    "BANKTRANLISTP",
    "STMTTRN",
    "STMTTRNP",
    "PAYEE",
    "CURRENCY",
    "ORIGCURRENCY",
    "LEDGERBAL",
    "AVAILBAL",
    "BALLIST",
    "BAL",
    "INVSTMTMSGSRSV1",
    "INVSTMTTRNRS",
    "INVSTMTRS",
    "INVTRANLIST",
];

/// The lists of transactions.
const LISTS: &[&str] = &["BANKTRANLIST", "BANKTRANLISTP"];

/// What follows a list in its statement, and so ends one whose end tag is missing.
const BEHIND_LISTS: &[&str] = &["LEDGERBAL", "AVAILBAL"];

/// What holds lists.
const STATEMENTS: &[&str] = &["STMTRS", "CCSTMTRS"];

fn is_one_of(names: &[&str], name: &str) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

fn is_aggregate(name: &str) -> bool {
    is_one_of(AGGREGATES, name)
}

/// A tag at a position of the text.
struct Tag<'t> {
    name: &'t str,
    /// Position of the name.
    name_at: usize,
    /// Behind the `>`.
    end: usize,
    closing: bool,
    self_closing: bool,
}

/// Reads the whole text. What stands before the first tag is the header and was looked at elsewhere.
/// `sgml` allows what only files in SGML may leave out.
pub(crate) fn read(text: &str, sgml: bool) -> Result<Doc<'_>, StatementError> {
    let mut tree = Builder::new(text, true);
    let mut at = 0;
    loop {
        let (content_end, has_text) = scan_text(text, at)?;
        if has_text {
            check_stray_text(text, at, content_end, &tree)?;
        }
        let Some(tag) = next_tag(text, content_end)? else { break };
        at = tag.end;
        if sgml && is_one_of(if tag.closing { STATEMENTS } else { BEHIND_LISTS }, tag.name) {
            let before = if tag.closing { 2 } else { 1 };
            end_open_lists(&mut tree, tag.name_at.saturating_sub(before));
        }
        if tag.closing {
            close(text, &mut tree, &tag)?;
        } else {
            at = open(text, &mut tree, &tag)?;
        }
    }
    // The innermost aggregate is nearest to where the file was cut.
    if let Some(depth) = (0..tree.depth()).rev().find(|&d| is_aggregate(tree.open_name(d))) {
        return Err(unclosed(text, &tree, depth));
    }
    Ok(tree.finish())
}

/// A start tag, and its text if it is a leaf. Returns where to go on.
fn open<'t>(text: &'t str, tree: &mut Builder<'t>, tag: &Tag<'t>) -> Result<usize, StatementError> {
    let aggregate = is_aggregate(tag.name);
    if tree.depth() == 0 && !tag.name.eq_ignore_ascii_case("OFX") {
        let kind = ErrorKind::OutsideRoot { element: shown(&tag.name.to_ascii_uppercase()) };
        return Err(StatementError::at(text, tag.name_at.saturating_sub(1), kind));
    }
    if aggregate
        && let Some(depth) = (0..tree.depth()).find(|&d| tree.open_name(d).eq_ignore_ascii_case(tag.name))
    {
        // No aggregate of OFX holds its own kind: the earlier one lacks its end tag.
        return Err(unclosed(text, tree, depth));
    }
    tree.start(tag.name_at, tag.name.len(), tag.end)?;
    if tag.self_closing {
        tree.end(tag.end);
        return Ok(tag.end);
    }
    let (content_end, has_text) = scan_text(text, tag.end)?;
    if !has_text {
        return Ok(tag.end);
    }
    if aggregate {
        let kind = ErrorKind::UnexpectedText { element: shown(&tag.name.to_ascii_uppercase()) };
        return Err(StatementError::at(text, text_start(text, tag.end), kind));
    }
    tree.end(content_end);
    // Its end tag may follow, or not.
    match next_tag(text, content_end)? {
        Some(next) if next.closing && next.name.eq_ignore_ascii_case(tag.name) => Ok(next.end),
        _ => Ok(content_end),
    }
}

fn close<'t>(text: &'t str, tree: &mut Builder<'t>, tag: &Tag<'t>) -> Result<(), StatementError> {
    let matching = (0..tree.depth()).rev().find(|&d| tree.open_name(d).eq_ignore_ascii_case(tag.name));
    let Some(matching) = matching else {
        let kind = ErrorKind::UnexpectedClose { element: shown(&tag.name.to_ascii_uppercase()) };
        return Err(StatementError::at(text, tag.name_at.saturating_sub(2), kind));
    };
    let open = || (matching + 1..tree.depth()).filter(|&d| is_aggregate(tree.open_name(d)));
    // What a list holds is told before the list, whose own end tag may be missing.
    if let Some(depth) = open().find(|&d| !is_one_of(LISTS, tree.open_name(d))).or_else(|| open().next()) {
        return Err(unclosed(text, tree, depth));
    }
    while tree.depth() > matching + 1 {
        tree.end_as_empty_leaf();
    }
    tree.end(tag.name_at.saturating_sub(2));
    Ok(())
}

/// Ends the innermost aggregate as long as it is a list of transactions; its content ends at `content_end`.
fn end_open_lists(tree: &mut Builder<'_>, content_end: usize) {
    while let Some(depth) = (0..tree.depth()).rev().find(|&d| is_aggregate(tree.open_name(d))) {
        if !is_one_of(LISTS, tree.open_name(depth)) {
            return;
        }
        while tree.depth() > depth + 1 {
            tree.end_as_empty_leaf();
        }
        tree.end(content_end);
    }
}

fn unclosed(text: &str, tree: &Builder<'_>, depth: usize) -> StatementError {
    let kind = ErrorKind::Unclosed { element: shown(&tree.open_name(depth).to_ascii_uppercase()) };
    StatementError::at(text, tree.open_position(depth), kind)
}

/// Text that does not directly follow a start tag.
fn check_stray_text(text: &str, start: usize, end: usize, tree: &Builder<'_>) -> Result<(), StatementError> {
    let stray = text.get(start..end).unwrap_or("");
    let element = match tree.depth().checked_sub(1) {
        Some(depth) => tree.open_name(depth).to_ascii_uppercase(),
        // The header; also that of a second document in the same file.
        None if tree.is_empty() || stray.contains("OFXHEADER") => return Ok(()),
        None => "the file".to_owned(),
    };
    let at = text_start(text, start);
    Err(StatementError::at(text, at, ErrorKind::UnexpectedText { element: shown(&element) }))
}

/// The first character from here that is not padding.
fn text_start(text: &str, from: usize) -> usize {
    let rest = text.get(from..).unwrap_or("");
    from + rest.find(|c| !is_padding(c)).unwrap_or(0)
}

/// The end of the text that begins at `from` (that is the next tag or the end of the file), and whether it holds
/// anything but white space and comments. CDATA sections are text.
fn scan_text(text: &str, from: usize) -> Result<(usize, bool), StatementError> {
    let mut at = from;
    let mut has_text = false;
    loop {
        let rest = text.get(at..).unwrap_or("");
        let plain = rest.find('<').unwrap_or(rest.len());
        let (before, marked) = rest.split_at(plain);
        has_text |= before.contains(|c| !is_padding(c));
        at += plain;
        if marked.is_empty() {
            return Ok((at, has_text));
        }
        let fail = |kind| Err(StatementError::at(text, at, kind));
        let (open, end) = if marked.starts_with("<![CDATA[") {
            has_text = true;
            ("<![CDATA[", "]]>")
        } else if marked.starts_with("<!--") {
            ("<!--", "-->")
        } else if marked.starts_with("<?") {
            ("<?", ">")
        } else if marked.starts_with("<!") {
            return fail(ErrorKind::DoctypeRefused);
        } else if marked.starts_with("</") || marked.get(1..).is_some_and(starts_name) {
            return Ok((at, has_text));
        } else {
            // `<3`, `< `: text.
            has_text = true;
            ("<", "")
        };
        let inner = marked.get(open.len()..).unwrap_or("");
        match inner.find(end) {
            Some(length) => at += open.len() + length + end.len(),
            None => return fail(ErrorKind::MalformedTag),
        }
    }
}

fn starts_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// The tag at this position; `None` at the end of the text.
fn next_tag(text: &str, at: usize) -> Result<Option<Tag<'_>>, StatementError> {
    let rest = text.get(at..).unwrap_or("");
    if rest.is_empty() {
        return Ok(None);
    }
    let malformed = || StatementError::at(text, at, ErrorKind::MalformedTag);
    let body = rest.strip_prefix('<').ok_or_else(malformed)?;
    let (body, closing) = body.strip_prefix('/').map_or((body, false), |body| (body, true));
    let length = body.find(['>', '<']).ok_or_else(malformed)?;
    let (inside, after) = body.split_at(length);
    if !after.starts_with('>') {
        return Err(malformed());
    }
    let self_closing = !closing && inside.ends_with('/');
    let inside = inside.strip_suffix('/').filter(|_| self_closing).unwrap_or(inside);
    // Attributes, which OFX does not have, are let be.
    let name = inside.split(char::is_whitespace).next().unwrap_or("");
    let valid = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
    if !starts_name(name) || !name.chars().all(valid) {
        return Err(malformed());
    }
    let name_at = at + if closing { 2 } else { 1 };
    Ok(Some(Tag { name, name_at, end: name_at + length + 1, closing, self_closing }))
}
