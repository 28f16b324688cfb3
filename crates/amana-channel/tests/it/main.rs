//! The channel against a Graph server of its own, over HTTP.
