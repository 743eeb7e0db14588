//! The structs of a plan's sections, one file each.
//!
//! All texts borrow from the bytes of the plan (or, in the compiler, from the config's tree), so reading a section
//! copies no text. Every key of the config language that is in scope has a field, whether the server honours it
//! yet or not: what it does not honour it must be able to refuse. An `Option` is `None` where the config is silent
//! and the server, not the language, has the default; plain fields carry the documented default.

mod global;
mod header;
mod limits;
mod listener;
mod mount;
mod origin;
mod place;
mod protocol;
mod sources;
mod suite;
mod tls;
mod vhost;

pub use global::{AccessLog, Global, KeyPlace, RejectKeyword};
pub use header::{Header, Pair};
pub use limits::Limits;
pub use listener::{Bind, Families, Listener, Listeners};
pub use mount::{Cache, Interpret, Mime, Mount, Symlinks};
pub use origin::{Origin, ProxyLimits, Upstream, UpstreamAddress};
pub use place::{Place, Seconds};
pub use protocol::{OptionValue, Protocol, ProtocolOption};
pub use sources::{SourceFile, Sources};
pub use suite::{Group, Suite, TlsVersion};
pub use tls::{ClientTls, Tls};
pub use vhost::{LogFormat, Vhost};
