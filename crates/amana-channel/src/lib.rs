//! amana-channel
