//! Reads the store's own statements: finds them in its source, and says on which tables they find rows without their
//! shard. No SQL engine: the subset that `src/db.rs` describes.

use std::collections::BTreeMap;

/// A statement of the source.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) line: usize,
    /// What it may be: a macro can have another form for each engine.
    pub(crate) forms: Vec<String>,
}

impl Statement {
    /// The form that names the most shards, and the tables of which it names none ([`without_shard`]): an engine whose
    /// tables cannot be spread may do without.
    pub(crate) fn without_shard(&self, sharded: &[&str]) -> (&str, Vec<String>) {
        let forms = self.forms.iter().map(|sql| (sql.as_str(), without_shard(sql, sharded)));
        forms.min_by_key(|(_, missing)| missing.len()).unwrap_or_default()
    }
}

/// What is in a source file as far as it matters here.
#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Word(String),
    Text(String),
    Sign(char),
}

/// The pieces of Rust source with their lines, without comments; tests below the code are left out.
fn pieces(source: &str) -> Vec<(usize, Piece)> {
    let code = source.split("\n#[cfg(test)]").next().unwrap_or_default();
    let chars: Vec<char> = code.chars().collect();
    let (mut at, mut line, mut found) = (0, 1, Vec::new());
    while at < chars.len() {
        let c = chars[at];
        let next = chars.get(at + 1).copied().unwrap_or(' ');
        let began = line;
        if c == '\n' {
            line += 1;
            at += 1;
        } else if c == '/' && next == '/' {
            while at < chars.len() && chars[at] != '\n' {
                at += 1;
            }
        } else if c == '\'' {
            // A character, or a lifetime.
            let close = if next == '\\' { 3 } else { 2 };
            at += if chars.get(at + close) == Some(&'\'') { close + 1 } else { 1 };
        } else if c == '"' {
            let (text, end) = text(&chars, at + 1);
            line += chars[at..end].iter().filter(|c| **c == '\n').count();
            at = end;
            found.push((began, Piece::Text(text)));
        } else if c.is_alphanumeric() || c == '_' {
            let start = at;
            while at < chars.len() && (chars[at].is_alphanumeric() || chars[at] == '_') {
                at += 1;
            }
            let word: String = chars[start..at].iter().collect();
            assert!(
                !(word == "r" && matches!(chars.get(at), Some('"' | '#'))),
                "raw strings are not read here"
            );
            found.push((began, Piece::Word(word)));
        } else {
            if !c.is_whitespace() {
                found.push((began, Piece::Sign(c)));
            }
            at += 1;
        }
    }
    found
}

/// The content of a string from behind its first quotation mark, and where it ends.
fn text(chars: &[char], mut at: usize) -> (String, usize) {
    let mut text = String::new();
    while at < chars.len() && chars[at] != '"' {
        if chars[at] != '\\' {
            text.push(chars[at]);
            at += 1;
            continue;
        }
        match chars.get(at + 1) {
            Some('\n') => {
                at += 2;
                while chars.get(at).is_some_and(|c| c.is_whitespace()) {
                    at += 1;
                }
            }
            Some(escaped) => {
                text.push(if *escaped == 'n' { '\n' } else { *escaped });
                at += 2;
            }
            None => break,
        }
    }
    (text, at + 1)
}

/// Where the bracket that opens at `open` ends.
fn closing(pieces: &[(usize, Piece)], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, (_, piece)) in pieces.iter().enumerate().skip(open) {
        match piece {
            Piece::Sign('(' | '{' | '[') => depth += 1,
            Piece::Sign(')' | '}' | ']') => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    pieces.len()
}

fn is_word(piece: Option<&(usize, Piece)>, word: &str) -> bool {
    matches!(piece, Some((_, Piece::Word(found))) if found == word)
}

/// A macro that stands for a string: the names of its parameters, and what it may stand for.
#[derive(Debug, Default)]
struct Macro {
    parameters: Vec<String>,
    forms: Vec<Vec<Part>>,
}

#[derive(Debug)]
enum Part {
    Text(String),
    Parameter(String),
    /// A macro within, which may be one of ours.
    Call(Vec<(usize, Piece)>),
}

/// The macros of our source that make strings.
#[derive(Debug, Default)]
pub(crate) struct Macros(BTreeMap<String, Macro>);

impl Macros {
    /// The macros of all files: one may be used in another file than its own.
    pub(crate) fn read<'a>(sources: impl IntoIterator<Item = &'a str>) -> Self {
        let mut all = Self::default();
        for source in sources {
            let pieces = pieces(source);
            for at in 0..pieces.len() {
                if is_word(pieces.get(at), "macro_rules") {
                    all.define(&pieces[at + 2..=closing(&pieces, at + 3)]);
                }
            }
        }
        all
    }

    /// `name { ($a:ty, $b:expr) => { … } }`.
    fn define(&mut self, pieces: &[(usize, Piece)]) {
        let Some((_, Piece::Word(name))) = pieces.first() else { return };
        let body = closing(pieces, 2) + 1;
        let parameters = pieces[2..body].windows(2).filter_map(|two| match two {
            [(_, Piece::Sign('$')), (_, Piece::Word(name))] => Some(name.clone()),
            _ => None,
        });
        let body = &pieces[body..];
        let in_concat = (0..body.len())
            .filter(|at| is_word(body.get(*at), "concat"))
            .map(|at| parts(&body[at + 2..closing(body, at + 2)]));
        let mut forms: Vec<Vec<Part>> = in_concat.collect();
        if forms.is_empty() {
            let texts = body.iter().filter_map(|(_, piece)| match piece {
                Piece::Text(text) => Some(Part::Text(text.clone())),
                Piece::Word(_) | Piece::Sign(_) => None,
            });
            forms.push(texts.collect());
        }
        let made = Macro { parameters: parameters.collect(), forms };
        if made.forms.iter().flatten().any(|part| !matches!(part, Part::Parameter(_))) {
            self.0.insert(name.clone(), made);
        }
    }

    /// What an expression that is a string, a `concat!` or one of our macros may be; nothing for others.
    fn forms(&self, pieces: &[(usize, Piece)]) -> Vec<String> {
        match pieces {
            [(_, Piece::Text(text))] => vec![text.clone()],
            [(_, Piece::Word(name)), (_, Piece::Sign('!')), inside @ ..] => {
                let end = closing(inside, 0);
                let arguments: Vec<Vec<String>> = split(&inside[1..end]).map(|one| self.forms(one)).collect();
                let first =
                    |at: usize| arguments.get(at).and_then(|forms| forms.first()).map_or("", String::as_str);
                if name == "concat" {
                    return vec![(0..arguments.len()).map(first).collect()];
                }
                let Some(made) = self.0.get(name) else { return Vec::new() };
                let argument = |name: &String| {
                    made.parameters.iter().position(|p| p == name).map_or("", first).to_owned()
                };
                let text = |part: &Part| match part {
                    Part::Text(text) => text.clone(),
                    Part::Parameter(name) => argument(name),
                    Part::Call(call) => self.within(call, &argument),
                };
                made.forms.iter().map(|form| form.iter().map(text).collect()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// What a macro within another one stands for, when that one's parameters are given.
    fn within(&self, call: &[(usize, Piece)], argument: &impl Fn(&String) -> String) -> String {
        let mut given = Vec::new();
        for (at, piece) in call.iter().enumerate() {
            match piece {
                (_, Piece::Sign('$')) => {}
                (line, Piece::Word(name)) if at > 0 && call[at - 1].1 == Piece::Sign('$') => {
                    given.push((*line, Piece::Text(argument(name))));
                }
                piece => given.push(piece.clone()),
            }
        }
        self.forms(&given).into_iter().next().unwrap_or_else(|| {
            // None of ours: what it says is said, however it is put together.
            let texts = given.into_iter().filter_map(|(_, piece)| match piece {
                Piece::Text(text) => Some(text),
                Piece::Word(_) | Piece::Sign(_) => None,
            });
            texts.collect()
        })
    }

    /// Every string of a file, with all that it may be.
    fn strings(&self, source: &str) -> Vec<(usize, Vec<String>)> {
        let pieces = pieces(source);
        let (mut at, mut found) = (0, Vec::new());
        while at < pieces.len() {
            let end = match (&pieces[at].1, pieces.get(at + 1)) {
                (Piece::Word(_), Some((_, Piece::Sign('!')))) if is_word(pieces.get(at), "macro_rules") => {
                    at = closing(&pieces, at + 3) + 1;
                    continue;
                }
                (Piece::Word(name), Some((_, Piece::Sign('!'))))
                    if name == "concat" || self.0.contains_key(name) =>
                {
                    closing(&pieces, at + 2)
                }
                _ => at,
            };
            let forms = self.forms(&pieces[at..=end]);
            if !forms.is_empty() {
                found.push((pieces[at].0, forms));
            }
            at = end + 1;
        }
        found
    }
}

fn parts(pieces: &[(usize, Piece)]) -> Vec<Part> {
    let (mut parts, mut behind) = (Vec::new(), 0);
    for (at, (_, piece)) in pieces.iter().enumerate() {
        if at < behind {
            continue;
        }
        match piece {
            Piece::Text(text) => parts.push(Part::Text(text.clone())),
            Piece::Word(_) if matches!(pieces.get(at + 1), Some((_, Piece::Sign('!')))) => {
                behind = closing(pieces, at + 2) + 1;
                parts.push(Part::Call(pieces[at..behind.min(pieces.len())].to_vec()));
            }
            Piece::Word(name) if at > 0 && pieces[at - 1].1 == Piece::Sign('$') => {
                parts.push(Part::Parameter(name.clone()));
            }
            _ => {}
        }
    }
    parts
}

/// The arguments between two brackets.
fn split(pieces: &[(usize, Piece)]) -> impl Iterator<Item = &[(usize, Piece)]> {
    let mut depth = 0_usize;
    pieces.split(move |(_, piece)| {
        match piece {
            Piece::Sign('(' | '{' | '[') => depth += 1,
            Piece::Sign(')' | '}' | ']') => depth -= 1,
            _ => {}
        }
        depth == 0 && *piece == Piece::Sign(',')
    })
}

/// The statements of a file.
///
/// # Panics
/// Where a string is part of a statement that cannot be followed: put together at run time, or elsewhere than in one
/// `concat!` or macro.
pub(crate) fn statements(file: &str, source: &str, macros: &Macros, tables: &[&str]) -> Vec<Statement> {
    let mut found = Vec::new();
    for (line, forms) in macros.strings(source) {
        let names_a_table = |text: &&String| {
            text.split_whitespace().collect::<Vec<_>>().windows(2).any(|pair| {
                let table = pair[1].trim_end_matches([')', ',', ';']);
                ["FROM", "JOIN", "UPDATE", "INTO"].contains(&pair[0]) && tables.contains(&table)
            })
        };
        for text in forms.iter().filter(names_a_table) {
            let begins = text
                .split_whitespace()
                .next()
                .is_some_and(|word| ["SELECT", "INSERT", "UPDATE", "DELETE"].contains(&word));
            assert!(
                begins && !text.contains('{'),
                "{file}:{line}: the shard in this statement cannot be checked; write it as one string, `concat!` or \
                 macro, without `WITH`, or teach tests/it/sql.rs to read it: {text}"
            );
        }
        let forms: Vec<String> = forms
            .iter()
            .filter(names_a_table)
            .map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        if !forms.is_empty() {
            found.push(Statement { line, forms });
        }
    }
    found
}

/// A token of SQL: a word (with its table: `o.shard`), a parameter, a sign, or the number of a query in brackets.
#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Sign(char),
    Open,
    Close,
    Query(usize),
}

fn tokens(sql: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut chars = sql.chars().peekable();
    while let Some(c) = chars.next() {
        let part = |c: &char| c.is_alphanumeric() || ['_', '.', '$'].contains(c);
        match c {
            '(' => found.push(Token::Open),
            ')' => found.push(Token::Close),
            '\'' => {
                while chars.next_if(|c| *c != '\'').is_some() {}
                chars.next();
                found.push(Token::Word("$text".to_owned()));
            }
            _ if part(&c) => {
                let mut word = String::from(c);
                while let Some(c) = chars.next_if(part) {
                    word.push(c);
                }
                found.push(Token::Word(word));
            }
            _ if c.is_whitespace() => {}
            _ => found.push(Token::Sign(c)),
        }
    }
    found
}

/// A table in a query, under the name that it has there.
#[derive(Debug, Clone)]
struct Source {
    query: usize,
    name: String,
    table: Option<String>,
    /// The query in brackets that stands for a table.
    inner: Option<usize>,
}

/// A query and the queries inside of it, each without those.
struct Queries {
    tokens: Vec<Vec<Token>>,
    parents: Vec<Option<usize>>,
    sources: Vec<Source>,
}

impl Queries {
    fn read(sql: &str) -> Self {
        let mut all = Self { tokens: Vec::new(), parents: Vec::new(), sources: Vec::new() };
        all.query(&mut tokens(sql).into_iter().peekable(), None);
        for query in 0..all.tokens.len() {
            all.find_sources(query);
        }
        all
    }

    fn query(
        &mut self,
        tokens: &mut std::iter::Peekable<std::vec::IntoIter<Token>>,
        parent: Option<usize>,
    ) -> usize {
        let id = self.tokens.len();
        self.tokens.push(Vec::new());
        self.parents.push(parent);
        let mut depth = 0_usize;
        while let Some(token) = tokens.next() {
            let put = match token {
                Token::Open if tokens.peek() == Some(&Token::Word("SELECT".to_owned())) => {
                    Token::Query(self.query(tokens, Some(id)))
                }
                Token::Open => {
                    depth += 1;
                    Token::Open
                }
                Token::Close if depth == 0 => return id,
                Token::Close => {
                    depth -= 1;
                    Token::Close
                }
                other => other,
            };
            self.tokens[id].push(put);
        }
        id
    }

    fn find_sources(&mut self, query: usize) {
        const NO_NAME: [&str; 16] = [
            "SET",
            "WHERE",
            "ON",
            "JOIN",
            "LEFT",
            "ORDER",
            "GROUP",
            "LIMIT",
            "VALUES",
            "SELECT",
            "RETURNING",
            "HAVING",
            "FROM",
            "FOR",
            "INNER",
            "USING",
        ];
        let tokens = self.tokens[query].clone();
        for (at, token) in tokens.iter().enumerate() {
            let Token::Word(word) = token else { continue };
            let does = at > 0 && tokens[at - 1] == Token::Word("DO".to_owned());
            if !["FROM", "JOIN", "UPDATE", "INTO"].contains(&word.as_str()) || does {
                continue;
            }
            let name = match tokens.get(at + 2) {
                Some(Token::Word(name)) if !NO_NAME.contains(&name.as_str()) => Some(name.clone()),
                _ => None,
            };
            match tokens.get(at + 1) {
                Some(Token::Word(table)) => self.sources.push(Source {
                    query,
                    name: name.unwrap_or_else(|| table.clone()),
                    table: Some(table.clone()),
                    inner: None,
                }),
                Some(Token::Query(inner)) => self.sources.push(Source {
                    query,
                    name: name.unwrap_or_default(),
                    table: None,
                    inner: Some(*inner),
                }),
                _ => {}
            }
        }
    }

    /// The source that a column `name.shard` or `shard` in a query is of.
    fn source_of(&self, query: usize, column: &str) -> Option<usize> {
        let (name, column) =
            column.rsplit_once('.').map_or((None, column), |(name, column)| (Some(name), column));
        if column != "shard" {
            return None;
        }
        let mut here = Some(query);
        while let Some(id) = here {
            let found =
                self.sources.iter().position(|s| s.query == id && name.is_none_or(|name| s.name == name));
            if found.is_some() {
                return found;
            }
            here = self.parents[id];
        }
        None
    }

    /// The pairs that a query sets equal in what must hold of all its rows: not within `NOT (…)`, not beside an `OR`.
    fn equal(&self, query: usize) -> Vec<(Token, Token)> {
        let tokens = &self.tokens[query];
        let mut pairs = Vec::new();
        let (mut at, mut inside) = (0, false);
        let mut start = 0;
        let ends = ["ORDER", "GROUP", "LIMIT", "RETURNING", "SET", "HAVING", "JOIN", "LEFT", "CONFLICT"];
        while at <= tokens.len() {
            let word = match tokens.get(at) {
                Some(Token::Word(word)) => word.as_str(),
                Some(_) => "",
                None => "LIMIT",
            };
            let begins = word == "WHERE" || word == "ON";
            if inside && (begins || ends.contains(&word)) {
                pairs.extend(sure(&tokens[start..at]));
                inside = false;
            }
            if begins {
                inside = true;
                start = at + 1;
            }
            at += 1;
        }
        pairs
    }
}

/// The equalities of a condition that hold whenever it does.
fn sure(condition: &[Token]) -> Vec<(Token, Token)> {
    let (mut depth, mut top, mut groups) = (0_usize, Vec::new(), Vec::new());
    let mut group = Vec::new();
    for token in condition {
        match token {
            Token::Open => {
                depth += 1;
                if depth > 1 {
                    group.push(token.clone());
                }
            }
            Token::Close => {
                depth = depth.saturating_sub(1);
                if depth > 0 {
                    group.push(token.clone());
                } else {
                    let denied = top.last() == Some(&Token::Word("NOT".to_owned()));
                    groups.push((denied, std::mem::take(&mut group)));
                    // The group's first column stands for it: `(shard, position) IN (SELECT shard, position …)`.
                    top.push(
                        groups
                            .last()
                            .and_then(|(_, group)| group.first().cloned())
                            .unwrap_or(Token::Sign('?')),
                    );
                }
            }
            _ if depth > 0 => group.push(token.clone()),
            _ => top.push(token.clone()),
        }
    }
    if top.contains(&Token::Word("OR".to_owned())) {
        return Vec::new();
    }
    let mut pairs = Vec::new();
    for three in top.windows(3) {
        let equal = three[1] == Token::Sign('=') || three[1] == Token::Word("IN".to_owned());
        if equal {
            pairs.push((three[0].clone(), three[2].clone()));
        }
    }
    for (denied, group) in groups {
        if !denied && group.len() >= 3 {
            pairs.extend(sure(&group));
        }
    }
    pairs
}

/// The tables among `sharded` whose rows a statement finds or makes without naming their shard: by a parameter, or as
/// that of a row which it found by one. Tables that are of one shard with each other count once, by the first.
pub(crate) fn without_shard(sql: &str, sharded: &[&str]) -> Vec<String> {
    let queries = Queries::read(sql);
    let count = queries.sources.len();
    let mut group: Vec<usize> = (0..count).collect();
    let mut named = vec![false; count];
    let mut missing = Vec::new();
    let join = |group: &mut Vec<usize>, a: usize, b: usize| {
        let (from, to) = (group[a].max(group[b]), group[a].min(group[b]));
        group.iter_mut().filter(|g| **g == from).for_each(|g| *g = to);
    };
    for (at, source) in queries.sources.iter().enumerate() {
        // A query that stands for a table answers the shards of its first table.
        if let Some(inner) = source.inner
            && let Some(first) = queries.sources.iter().position(|s| s.query == inner)
        {
            join(&mut group, at, first);
        }
    }
    for query in 0..queries.tokens.len() {
        for (left, right) in queries.equal(query) {
            for (one, other) in [(&left, &right), (&right, &left)] {
                let Token::Word(column) = one else { continue };
                let Some(at) = queries.source_of(query, column) else { continue };
                match other {
                    Token::Word(value) if value.starts_with('$') => named[at] = true,
                    Token::Word(column) => {
                        if let Some(with) = queries.source_of(query, column) {
                            join(&mut group, at, with);
                        }
                    }
                    // `IN (SELECT shard, …)`.
                    Token::Query(inner) => {
                        let answers = &queries.tokens[*inner];
                        if let Some(Token::Word(column)) = answers.get(1)
                            && let Some(with) = queries.source_of(*inner, column)
                        {
                            join(&mut group, at, with);
                        }
                    }
                    _ => {}
                }
            }
        }
    }
    let words: Vec<&str> =
        sql.split(|c: char| c.is_whitespace() || "(),".contains(c)).filter(|w| !w.is_empty()).collect();
    let mut seen = Vec::new();
    for (at, source) in queries.sources.iter().enumerate() {
        let Some(table) = source.table.as_deref().filter(|table| sharded.contains(table)) else { continue };
        // A new row names its shard among its columns; the place of a conflict is within it.
        let insert = words.first() == Some(&"INSERT") && at == 0;
        if insert {
            let columns = words.iter().skip(3).take_while(|w| !["VALUES", "SELECT"].contains(w));
            let target = sql.split("ON CONFLICT (").nth(1).and_then(|rest| rest.split(')').next());
            named[at] = columns.clone().any(|w| *w == "shard")
                && target.is_none_or(|target| target.split(", ").any(|w| w == "shard"));
        }
        let known = group.iter().zip(&named).any(|(g, named)| *g == group[at] && *named);
        if !known && !seen.contains(&group[at]) {
            seen.push(group[at]);
            missing.push(table.to_owned());
        }
    }
    missing
}
