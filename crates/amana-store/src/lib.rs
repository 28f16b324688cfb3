//! amana-store
