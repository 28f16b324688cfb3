//! amana-chat
