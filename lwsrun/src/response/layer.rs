//! One tower layer each, no knowledge of neighbours; `boot/stack.rs` joins them.

pub(crate) mod cache;
pub(crate) mod error_document;
pub(crate) mod headers;
pub(crate) mod keep_alive;
pub(crate) mod server_string;
pub(crate) mod sts;
