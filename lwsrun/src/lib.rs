//! The server: maps a plan, verifies it, and serves it. It has no config parser inside.
//!
//! A request's way, one module a stage, in this order:
//!
//! | stage | module |
//! |---|---|
//! | before the first byte: plan, sockets, keys, privileges, routers | [`boot`] |
//! | listen > tls > version | [`connection`] |
//! | admit > host > mount | [`request`] |
//! | handler > layer | [`response`] |
//! | drain | [`shutdown`] |
//!
//! The public face is [`run`], and the [`protocol`] module: the trait that a named protocol implements.

mod boot;
mod connection;
pub mod protocol;
mod request;
mod response;
mod shutdown;
