//! The gate from outside: what must never compile, and what must never be released.

mod bypass;
mod decisions;
mod support;
mod tickets;
