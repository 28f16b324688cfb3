//! amana-flow
