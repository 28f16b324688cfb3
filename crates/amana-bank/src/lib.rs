//! amana-bank
