//! The plan: one checked, versioned, hashed file that the compiler writes and the server maps.
//!
//! ```text
//! preamble   128 bytes, see `preamble.rs`: kind, version, length, hash of the whole file
//! directory  one row of 32 bytes for each section, see `section.rs`
//! sections   8-aligned, in this order, one directly after the other, padding zero:
//!            sources · global · listeners · vhost 0 · vhost 1 · …
//! ```
//!
//! All numbers are little-endian. Only one layout is legal for given sections, so equal configs give equal bytes.
//! Whoever holds a [`Plan`] holds a plan that was checked as a whole: identity, version, length, hash, every
//! section, every cross-reference. There is no unchecked way in, and its accessors cannot fail.

mod check;
pub mod codec;
mod dump;
mod error;
mod id;
mod model;
mod preamble;
mod read;
mod section;
#[cfg(feature = "write")]
mod write;

pub use dump::dump;
pub use error::ReadError;
pub use id::{ListenerId, MountId, SourceId, VhostId};
pub use model::{
    AccessLog, Bind, Cache, ClientTls, Families, Global, Group, Header, Interpret, KeyPlace, Limits,
    Listener, Listeners, LogFormat, Mime, Mount, OptionValue, Origin, Pair, Place, Protocol, ProtocolOption,
    ProxyLimits, RejectKeyword, Seconds, SourceFile, Sources, Suite, Symlinks, Tls, TlsVersion, Upstream,
    UpstreamAddress, Vhost,
};
pub use preamble::{FORMAT_VERSION, MAGIC};
pub use read::Plan;
#[cfg(feature = "write")]
pub use write::{WriteError, write};
