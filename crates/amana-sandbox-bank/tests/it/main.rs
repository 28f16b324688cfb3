//! The sandbox bank over real HTTP on loopback.

mod events;
mod fdx;
mod import;
mod oauth;
mod pages;
mod util;
