//! Any text as a configuration: `cargo +nightly fuzz run config`.
#![no_main]
#![allow(dead_code, unused_imports, reason = "parts of a program that is not built here")]

#[path = "../checks.rs"]
mod checks;
#[path = "../../src/config/mod.rs"]
mod config;
#[path = "../../src/exported.rs"]
mod exported;
#[path = "../../src/files.rs"]
mod files;
#[path = "../../src/limits.rs"]
mod limits;
#[path = "../../src/roles/role.rs"]
mod role;

/// Where the configuration expects it.
mod roles {
    pub(crate) use crate::role::Role;
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| checks::config(bytes));
