//! Changed good bytes, the same in every run: what `cargo test` does with the checks of the fuzz targets, on the
//! compiler that everybody has. Each crate's `tests/it/fuzz.rs` includes this file.
//! `AMANA_FUZZ_SECONDS=60 cargo test -p CRATE fuzz` goes on for so long with each, and `AMANA_FUZZ_SEED` begins
//! elsewhere.
#![allow(
    clippy::print_stderr,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test says on which input it failed"
)]

use std::time::{Duration, Instant};

/// How often each check is run where nobody says how long.
const ROUNDS: u32 = 3_000;
/// And for how long at most: a slow check (understanding, in a debug build) must not hold everything up.
const TIME_MAX: Duration = Duration::from_secs(5);
/// The longest input, in bytes: parsers have their own bounds far above, and their own tests for them.
const BYTES_MAX: usize = 16 * 1024;
/// What means something to a parser of texts.
const WORDS: [&[u8]; 16] = [
    b"\"",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\\",
    b"\0",
    b"\n",
    b"-1",
    b"1e999",
    b"18446744073709551616",
    b"null",
    b"\xff\xfe",
    "\u{202e}".as_bytes(),
    b"<!--",
    b"&#0;",
];

/// Numbers that only look random (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % (bound.max(1) as u64)).expect("below a usize")
    }
}

/// Says which bytes it was when a check fails.
struct Held<'a>(&'a [u8]);

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the input that failed, escaped: {}", self.0.escape_ascii());
        }
    }
}

/// Runs a check over each seed and over changes of them.
pub(crate) fn run(seeds: &[Vec<u8>], check: impl Fn(&[u8])) {
    let number = |name| std::env::var_os(name).and_then(|text| text.to_str()?.parse::<u64>().ok());
    let until = number("AMANA_FUZZ_SECONDS").map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut dice = Dice(number("AMANA_FUZZ_SEED").unwrap_or(0x5a17_c0ff_ee00_0001).max(1));
    assert!(!seeds.is_empty(), "nothing to begin with");
    for seed in seeds {
        let _held = Held(seed);
        check(seed);
    }
    let (mut rounds, begun) = (0_u32, Instant::now());
    while until.map_or(rounds < ROUNDS && begun.elapsed() < TIME_MAX, |until| Instant::now() < until) {
        rounds += 1;
        let mut bytes = seeds[dice.below(seeds.len())].clone();
        for _ in 0..=dice.below(4) {
            change(&mut bytes, seeds, &mut dice);
        }
        bytes.truncate(BYTES_MAX);
        let _held = Held(&bytes);
        check(&bytes);
    }
    if until.is_some() {
        eprintln!("{rounds} inputs");
    }
}

fn change(bytes: &mut Vec<u8>, seeds: &[Vec<u8>], dice: &mut Dice) {
    let at = dice.below(bytes.len() + 1);
    let len = dice.below(9).min(bytes.len() - at);
    match dice.below(7) {
        0 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
        1 if at < bytes.len() => bytes[at] = u8::try_from(dice.below(256)).expect("a byte"),
        2 => drop(bytes.drain(at..at + len)),
        3 => drop(bytes.splice(at..at, WORDS[dice.below(WORDS.len())].iter().copied())),
        4 => {
            // A piece again, somewhere else.
            let piece = bytes[at..at + len].to_vec();
            let to = dice.below(bytes.len() + 1);
            drop(bytes.splice(to..to, piece));
        }
        5 => {
            // The beginning of one and the end of another.
            let other = &seeds[dice.below(seeds.len())];
            let from = dice.below(other.len() + 1);
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
        _ => bytes.truncate(at),
    }
}
