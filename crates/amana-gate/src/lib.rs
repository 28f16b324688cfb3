//! amana-gate
