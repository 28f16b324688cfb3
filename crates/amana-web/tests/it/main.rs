//! The surface as its callers see it: every route, in both languages, with good and bad input.

mod consent;
mod events;
mod headers;
mod link;
mod pages;
mod privacy;
mod support;
mod webhook;
