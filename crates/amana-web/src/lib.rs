//! amana-web
