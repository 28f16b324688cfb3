//! CBOR as CTAP 2 writes it (CTAP 2.1 §8; RFC 8949 §4.2.1): definite lengths, the shortest heads, no key twice.
//!
//! No tags and no floats: nothing that is read here has any. The order of a map's keys is not checked, since nothing
//! hangs on it: no byte of what is read is ever written again.

use crate::error::PasskeyError;
use crate::limits::CBOR_DEPTH_MAX;

const BAD: PasskeyError = PasskeyError::Malformed("CBOR");

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Int(i64),
    Bytes(&'a [u8]),
    Text(&'a str),
    Array(Vec<Value<'a>>),
    Map(Vec<(Value<'a>, Value<'a>)>),
    /// `true`, `false` and `null`.
    Simple(u8),
}

impl<'a> Value<'a> {
    pub(crate) fn bytes(&self) -> Result<&'a [u8], PasskeyError> {
        if let Self::Bytes(bytes) = self { Ok(bytes) } else { Err(BAD) }
    }

    pub(crate) fn text(&self) -> Result<&'a str, PasskeyError> {
        if let Self::Text(text) = self { Ok(text) } else { Err(BAD) }
    }

    pub(crate) fn is_empty_map(&self) -> bool {
        matches!(self, Self::Map(entries) if entries.is_empty())
    }

    /// The values of a map that has exactly these keys.
    pub(crate) fn fields<const N: usize>(&self, names: [&str; N]) -> Result<[&Self; N], PasskeyError> {
        self.exactly(names.map(Value::Text))
    }

    /// The same of numbers.
    pub(crate) fn numbered<const N: usize>(&self, names: [i64; N]) -> Result<[&Self; N], PasskeyError> {
        self.exactly(names.map(Value::Int))
    }

    fn exactly<const N: usize>(&self, names: [Value<'_>; N]) -> Result<[&Self; N], PasskeyError> {
        let Self::Map(entries) = self else { return Err(BAD) };
        if entries.len() != N {
            return Err(BAD);
        }
        let found = names.map(|name| entries.iter().find(|(key, _)| *key == name).map(|(_, value)| value));
        let found: Vec<&Self> = found.into_iter().collect::<Option<_>>().ok_or(BAD)?;
        found.try_into().map_err(|_| BAD)
    }
}

/// The one value that these bytes are.
pub(crate) fn whole(bytes: &[u8]) -> Result<Value<'_>, PasskeyError> {
    let (value, rest) = first(bytes)?;
    if rest.is_empty() { Ok(value) } else { Err(BAD) }
}

/// The value with which these bytes begin, and what follows it.
pub(crate) fn first(bytes: &[u8]) -> Result<(Value<'_>, &[u8]), PasskeyError> {
    value(bytes, CBOR_DEPTH_MAX)
}

fn value(bytes: &[u8], depth: usize) -> Result<(Value<'_>, &[u8]), PasskeyError> {
    let depth = depth.checked_sub(1).ok_or(BAD)?;
    let (head, rest) = bytes.split_first().ok_or(BAD)?;
    let (kind, argument) = (head >> 5, head & 0x1f);
    if kind == 7 {
        return if (20..=22).contains(&argument) { Ok((Value::Simple(argument), rest)) } else { Err(BAD) };
    }
    let (number, rest) = argument_of(argument, rest)?;
    let length = || usize::try_from(number).map_err(|_| BAD);
    match kind {
        0 => Ok((Value::Int(i64::try_from(number).map_err(|_| BAD)?), rest)),
        1 => Ok((Value::Int(-1 - i64::try_from(number).map_err(|_| BAD)?), rest)),
        2 => {
            let (bytes, rest) = rest.split_at_checked(length()?).ok_or(BAD)?;
            Ok((Value::Bytes(bytes), rest))
        }
        3 => {
            let (text, rest) = rest.split_at_checked(length()?).ok_or(BAD)?;
            Ok((Value::Text(std::str::from_utf8(text).map_err(|_| BAD)?), rest))
        }
        4 => {
            // What it says of its length is not believed: each value takes a byte at least, and none is made before.
            let (mut values, mut rest) = (Vec::new(), rest);
            for _ in 0..number {
                let (next, after) = value(rest, depth)?;
                values.push(next);
                rest = after;
            }
            Ok((Value::Array(values), rest))
        }
        5 => {
            let (mut entries, mut rest) = (Vec::<(Value<'_>, Value<'_>)>::new(), rest);
            for _ in 0..number {
                let (key, after) = value(rest, depth)?;
                let (held, after) = value(after, depth)?;
                if !matches!(key, Value::Int(_) | Value::Text(_)) || entries.iter().any(|(k, _)| *k == key) {
                    return Err(BAD);
                }
                entries.push((key, held));
                rest = after;
            }
            Ok((Value::Map(entries), rest))
        }
        _ => Err(BAD),
    }
}

/// The number in a head: in the shortest of its five forms, and in no other.
fn argument_of(argument: u8, rest: &[u8]) -> Result<(u64, &[u8]), PasskeyError> {
    let (width, least) = match argument {
        0..24 => return Ok((u64::from(argument), rest)),
        24 => (1, 24),
        25 => (2, 0x100),
        26 => (4, 0x1_0000),
        27 => (8, 0x1_0000_0000),
        _ => return Err(BAD),
    };
    let (digits, rest) = rest.split_at_checked(width).ok_or(BAD)?;
    let number = digits.iter().fold(0_u64, |number, digit| number << 8 | u64::from(*digit));
    if number < least { Err(BAD) } else { Ok((number, rest)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Examples of RFC 8949, Appendix A, as far as they are in the subset.
    #[test]
    fn it_reads_what_the_standard_shows() {
        for (bytes, wanted) in [
            (vec![0x00], Value::Int(0)),
            (vec![0x17], Value::Int(23)),
            (vec![0x18, 0x18], Value::Int(24)),
            (vec![0x19, 0x03, 0xe8], Value::Int(1_000)),
            (vec![0x1a, 0x00, 0x0f, 0x42, 0x40], Value::Int(1_000_000)),
            (vec![0x20], Value::Int(-1)),
            (vec![0x39, 0x01, 0x00], Value::Int(-257)),
            (vec![0x44, 1, 2, 3, 4], Value::Bytes(&[1, 2, 3, 4])),
            (vec![0x63, 0xc3, 0xbc, 0x21], Value::Text("ü!")),
            (vec![0x82, 0x01, 0xf6], Value::Array(vec![Value::Int(1), Value::Simple(22)])),
            (vec![0xa1, 0x61, 0x61, 0xf5], Value::Map(vec![(Value::Text("a"), Value::Simple(21))])),
        ] {
            assert_eq!(whole(&bytes), Ok(wanted), "{bytes:x?}");
        }
    }

    /// Everything that another reader might take otherwise.
    #[test]
    fn it_refuses_what_could_be_read_in_two_ways() {
        for bytes in [
            &[][..],
            &[0x18, 0x17],                                           // a longer head than needed
            &[0x19, 0x00, 0xff],                                     // the same
            &[0x1b, 0, 0, 0, 0, 0xff, 0, 0, 0],                      // the same
            &[0x1b, 0xff, 0, 0, 0, 0, 0, 0, 0],                      // beyond what is kept
            &[0x5f, 0x41, 1, 0xff],                                  // of indefinite length
            &[0xbf, 0xff],                                           // the same
            &[0x1c],                                                 // reserved
            &[0xc0, 0x00],                                           // a tag
            &[0xf9, 0x3c, 0x00],                                     // a float
            &[0xf7],                                                 // undefined
            &[0xa2, 0x01, 0x02, 0x01, 0x03],                         // a key twice
            &[0xa1, 0x41, 0x00, 0x01],                               // a key that is neither number nor text
            &[0x61, 0xff],                                           // no UTF-8
            &[0x42, 0x00],                                           // shorter than it says
            &[0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], // the same, by far
            &[0x00, 0x00],                                           // two values
            &[0x81, 0x81, 0x81, 0x81, 0x00],                         // too deep
        ] {
            assert_eq!(whole(bytes), Err(BAD), "{bytes:x?}");
        }
        assert!(whole(&[0x81, 0x81, 0x81, 0x00]).is_ok());
    }
}
