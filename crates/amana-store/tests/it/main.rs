//! The store's tests: one suite for both engines, and what only one of them can show.

mod smoke;
