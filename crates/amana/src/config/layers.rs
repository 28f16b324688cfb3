//! The layers: the built-in default, the file, the environment. What wins is remembered with where it came from,
//! so that an error can say where to mend it.

use super::schema::{self, Kind};
use super::{Problem, Problems};
use std::collections::BTreeMap;
use std::fmt;
use toml::{Table, Value};

/// Where a value was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// The built-in default.
    Default,
    /// A file.
    File(String),
    /// An environment variable.
    Variable(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the built-in default"),
            Self::File(name) => f.write_str(name),
            Self::Variable(name) => write!(f, "the variable {name}"),
        }
    }
}

/// The layers, laid over each other.
#[derive(Debug, Default)]
pub(super) struct Layers {
    table: Table,
    sources: BTreeMap<String, Source>,
}

impl Layers {
    /// Lays a table over what is there. Blocks of a list replace the list.
    pub(super) fn lay(&mut self, over: Table, source: &Source) {
        lay_table(&mut self.table, over, "", source, &mut self.sources);
    }

    /// Lays one variable over what is there.
    pub(super) fn lay_variable(&mut self, name: &str, value: &str, problems: &mut Problems) {
        let source = Source::Variable(name.to_owned());
        let wrong = |what: String| Problem { source: source.clone(), key: String::new(), what };
        let path = path_of(name);
        // `AMANA__STORE__URL` would end beside the section that it means.
        if path.split("__").any(str::is_empty) {
            let key = path.replace("__", ".");
            problems.push(wrong(unknown(&key, &key)));
            return;
        }
        let mut at = &mut self.table;
        let (mut shown, mut pattern) = (String::new(), String::new());
        let mut parts = path.split("__").peekable();
        while let Some(part) = parts.next() {
            join(&mut shown, part);
            join(&mut pattern, part);
            if parts.peek().is_none() {
                let Some(kind) = schema::kind_of(&pattern) else {
                    problems.push(wrong(unknown(&shown, &pattern)));
                    return;
                };
                match typed(kind, value) {
                    Ok(value) => {
                        forget_counterpart(at, part);
                        at.insert(part.to_owned(), value);
                        self.sources.insert(shown, source);
                    }
                    Err(what) => problems.push(wrong(format!("`{shown}` {what}"))),
                }
                return;
            }
            if schema::BLOCKS.contains(&pattern.as_str()) {
                let which = parts.next().unwrap_or_default();
                let blocks = at.entry(part).or_insert_with(|| Value::Array(Vec::new()));
                let Some((index, block)) = block_of(blocks, which) else {
                    problems.push(wrong(format!(
                        "there is no block `{which}` in `{shown}`: name it by its id, or by its place from 0"
                    )));
                    return;
                };
                shown.push_str(&format!("[{index}]"));
                pattern.push_str("[]");
                at = block;
            } else {
                let inner = at.entry(part).or_insert_with(|| Value::Table(Table::new()));
                let Value::Table(inner) = inner else {
                    problems.push(wrong(unknown(&shown, &pattern)));
                    return;
                };
                at = inner;
            }
        }
    }

    /// What stands at a path such as `messenger.page[0].token`, understood or not.
    pub(super) fn value(&self, path: &str) -> Option<&Value> {
        let mut parts = path.split(['.', '[']).map(|part| part.trim_end_matches(']'));
        let first = self.table.get(parts.next()?)?;
        parts.try_fold(first, |at, part| match at {
            Value::Array(items) => items.get(part.parse::<usize>().ok()?),
            at => at.get(part),
        })
    }

    /// Where the value at a path was set.
    pub(super) fn source(&self, path: &str) -> Source {
        self.sources.get(path).cloned().unwrap_or(Source::Default)
    }

    /// Every value with its path and its pattern. Things of the wrong shape become problems.
    pub(super) fn flat(&self, problems: &mut Problems) -> BTreeMap<String, Value> {
        let mut out = BTreeMap::new();
        self.flatten(&self.table, "", "", &mut out, problems);
        out
    }

    fn flatten(
        &self,
        table: &Table,
        shown: &str,
        pattern: &str,
        out: &mut BTreeMap<String, Value>,
        problems: &mut Problems,
    ) {
        for (name, value) in table {
            let (mut shown, mut pattern) = (shown.to_owned(), pattern.to_owned());
            join(&mut shown, name);
            join(&mut pattern, name);
            let mut wrong = |what: String| {
                problems.push(Problem { source: self.source(&shown), key: shown.clone(), what });
            };
            match (schema::kind_of(&pattern), value) {
                (Some(Kind::Text | Kind::Secret), Value::String(_))
                | (Some(Kind::Switch), Value::Boolean(_))
                | (Some(Kind::Number), Value::Integer(_)) => {
                    out.insert(shown, value.clone());
                }
                (Some(Kind::List), Value::Array(items)) if items.iter().all(Value::is_str) => {
                    out.insert(shown, value.clone());
                }
                (Some(Kind::Text | Kind::Secret), _) => wrong("must be a text in quotation marks".to_owned()),
                (Some(Kind::Switch), _) => {
                    wrong("must be `true` or `false`, without quotation marks".to_owned());
                }
                (Some(Kind::Number), _) => {
                    wrong("must be a whole number, without quotation marks".to_owned());
                }
                (Some(Kind::List), _) => {
                    wrong("must be a list of texts, such as `[\"a\", \"b\"]`".to_owned());
                }
                (None, Value::Array(blocks)) if schema::BLOCKS.contains(&pattern.as_str()) => {
                    for (index, block) in blocks.iter().enumerate() {
                        let shown = format!("{shown}[{index}]");
                        match block {
                            Value::Table(block) => {
                                self.flatten(block, &shown, &format!("{pattern}[]"), out, problems);
                            }
                            _ => problems.push(Problem {
                                source: self.source(&shown),
                                what: format!("must be a block under `[[{pattern}]]`"),
                                key: shown,
                            }),
                        }
                    }
                }
                (None, _) if schema::BLOCKS.contains(&pattern.as_str()) => {
                    wrong(format!("must be written with double brackets: `[[{pattern}]]`"));
                }
                (None, Value::Table(inner))
                    if schema::KEYS.iter().any(|(k, _)| k.starts_with(&format!("{pattern}."))) =>
                {
                    self.flatten(inner, &shown, &pattern, out, problems);
                }
                (None, _) => wrong(unknown("", &pattern)),
            }
        }
    }
}

/// The path of which a variable's name is made.
pub(super) fn path_of(variable: &str) -> String {
    let (name, prefix) = (variable.to_ascii_lowercase(), super::VARIABLE_PREFIX.to_ascii_lowercase());
    name.strip_prefix(&prefix).unwrap_or(&name).to_owned()
}

fn unknown(shown: &str, pattern: &str) -> String {
    let lead = if shown.is_empty() { "is".to_owned() } else { format!("`{shown}` is") };
    match schema::nearest(pattern) {
        Some(key) => format!("{lead} not a known key; did you mean `{}`?", key.replace("[]", "")),
        None => format!("{lead} not a known key; `amana config default` prints every key there is"),
    }
}

fn join(path: &mut String, part: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(part);
}

/// A secret and its file are one thing given in two ways: the later layer's way wins.
fn forget_counterpart(table: &mut Table, name: &str) {
    match name.strip_suffix("_file") {
        Some(plain) => table.remove(plain),
        None => table.remove(&format!("{name}_file")),
    };
}

fn lay_table(
    base: &mut Table,
    over: Table,
    prefix: &str,
    source: &Source,
    sources: &mut BTreeMap<String, Source>,
) {
    for name in over.keys() {
        let both = name.strip_suffix("_file").is_some_and(|plain| over.contains_key(plain))
            || over.contains_key(&format!("{name}_file"));
        // Both in one layer stay, and are found to contradict each other.
        if !both {
            forget_counterpart(base, name);
        }
    }
    for (name, value) in over {
        let mut path = prefix.to_owned();
        join(&mut path, &name);
        match (base.get_mut(&name), value) {
            (Some(Value::Table(base)), Value::Table(over)) => lay_table(base, over, &path, source, sources),
            (_, value) => {
                sources.retain(|at, _| !(at.starts_with(&path) && at[path.len()..].starts_with(['.', '['])));
                note(&path, &value, source, sources);
                base.insert(name, value);
            }
        }
    }
}

fn note(path: &str, value: &Value, source: &Source, sources: &mut BTreeMap<String, Source>) {
    sources.insert(path.to_owned(), source.clone());
    match value {
        Value::Table(table) => {
            for (name, value) in table {
                note(&format!("{path}.{name}"), value, source, sources);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                note(&format!("{path}[{index}]"), value, source, sources);
            }
        }
        _ => {}
    }
}

/// The block that a variable names: by id or by place. The place after the last makes a new one.
fn block_of<'a>(blocks: &'a mut Value, which: &str) -> Option<(usize, &'a mut Table)> {
    let Value::Array(blocks) = blocks else { return None };
    let named = blocks.iter().position(|block| {
        let id = block.get("id").and_then(Value::as_str);
        id.is_some_and(|id| in_variables(id) == which)
    });
    let index = named.or_else(|| which.parse().ok().filter(|index| *index <= blocks.len()))?;
    if index == blocks.len() {
        blocks.push(Value::Table(Table::new()));
    }
    blocks.get_mut(index).and_then(Value::as_table_mut).map(|block| (index, block))
}

/// An id as it stands in the name of a variable.
fn in_variables(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect()
}

fn typed(kind: Kind, value: &str) -> Result<Value, String> {
    match kind {
        Kind::Text | Kind::Secret => Ok(Value::String(value.to_owned())),
        Kind::Switch => match value.trim() {
            "true" => Ok(Value::Boolean(true)),
            "false" => Ok(Value::Boolean(false)),
            _ => Err("must be `true` or `false`".to_owned()),
        },
        Kind::Number => match value.trim().parse() {
            Ok(number) => Ok(Value::Integer(number)),
            Err(_) => Err("must be a whole number".to_owned()),
        },
        Kind::List => Ok(Value::Array(
            value
                .split(',')
                .map(str::trim)
                .filter(|item| !item.is_empty())
                .map(|item| Value::String(item.to_owned()))
                .collect(),
        )),
    }
}
