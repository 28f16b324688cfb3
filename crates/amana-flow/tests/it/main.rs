//! The flows under a clock of their own: a real store, a bank and a channel that do as they are told.

mod asking;
mod linking;
mod sending;
mod stories;
mod support;
mod updates;
