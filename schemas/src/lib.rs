//! What the compiler and the server share, owned by neither: an internal crate of this workspace.
//!
//! * [`plan`] is the binary plan: its types, its bytes, its reader (always), its writer (feature `write`).
//! * [`route`] is the pure answer to "which vhost, which mount, what then": the server builds its routers from
//!   the same pieces that the compiler explains routes with, so the two cannot disagree.
//! * [`onward`] is an address as one option of a protocol has it.
//! * [`source`] (feature `source`) is the JSON Schemas of the config language.
//!
//! Nothing in here opens a file, a socket or a clock.

#![forbid(unsafe_code)]

pub mod onward;
pub mod plan;
pub mod route;
#[cfg(feature = "source")]
pub mod source;
