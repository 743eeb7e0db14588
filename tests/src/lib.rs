//! The harness of the tests: starts the programs that `cargo build` made, and talks to them like a stranger.
//!
//! | module | what a test does with it |
//! |---|---|
//! | [`repository`] | finds the source tree and its files |
//! | [`program`] | runs `lwsconf` or `lwsrun` to its end: exit status and what it said |
//! | [`config`] | writes a config and the files it serves to a temporary folder, and compiles it |
//! | [`server`] | starts `lwsrun`, waits until it is ready, reads its log, stops it |
//! | [`client`] | speaks HTTP/1 byte by byte over TCP, unix sockets and TLS |
//! | [`h2`] | speaks HTTP/2 frame by frame |
//! | [`ws`] | speaks websocket with a client that is not ours |
//! | [`tls`] | makes certificates, and clients that trust them |
//! | [`upstream`] | is the server behind a proxy, and behaves as badly as the test wants |
//! | [`open_files`] | lets a test have thousands of connections |
//! | [`skip`] | says that a test is skipped, and why |
//! | [`stop`] | ends what a test does in the background |
//! | [`oracle`] | replays recorded exchanges with lwsws |
//! | [`webdriver`] | drives a real browser |
//!
//! Everything that waits has a bound, [`PATIENCE`], and waits for an event, not for time to pass.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a step of a test that fails should fail the test, there and then")]

use std::time::Duration;

pub mod client;
pub mod config;
pub mod h2;
pub mod lines;
pub mod open_files;
pub mod oracle;
pub mod program;
pub mod repository;
pub mod server;
pub mod skip;
pub mod stop;
pub mod tls;
pub mod upstream;
pub mod webdriver;
pub mod ws;

/// How long a test waits for an event that must come, before it fails.
pub const PATIENCE: Duration = Duration::from_secs(60);
