//! The section of the listening sockets.

use super::Place;
use crate::plan::VhostId;
use crate::plan::codec::{BorrowDecode, Encode};

/// All listeners, in the order in which the config first names them.
#[derive(Debug, Clone, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Listeners<'a> {
    /// The listeners.
    pub listeners: Vec<Listener<'a>>,
}

/// One listening place: a distinct pair of interface and port (or a socket path), shared by the vhosts that name it.
#[derive(Debug, Clone, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Listener<'a> {
    /// Where it listens.
    pub bind: Bind<'a>,
    /// Its vhosts in config order, never empty. The first answers where no name matches.
    pub vhosts: Vec<VhostId>,
    /// Whether connections speak TLS: its vhosts have certificates.
    pub tls: bool,
    /// The vhost line that first named it.
    pub place: Place,
}

/// Where a listener listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Encode, BorrowDecode)]
pub enum Bind<'a> {
    /// No `interface`: every address of the machine.
    Any {
        /// The TCP port, 1 to 65535.
        port: u16,
        /// Which address families.
        families: Families,
    },
    /// `interface` is a numeric address or the name of an interface.
    Interface {
        /// As written, such as `127.0.0.1`, `::1` or `eth0`.
        interface: &'a str,
        /// The TCP port, 1 to 65535.
        port: u16,
        /// Which address families.
        families: Families,
    },
    /// `interface` is the path of a unix socket (`unix-socket`).
    Unix {
        /// The path; a leading `@` stands for Linux's abstract namespace.
        path: &'a str,
        /// `unix-socket-perms`: `user:group` that owns the socket file.
        perms: Option<&'a str>,
    },
}

/// The address families of a listener (`noipv6`, `ipv6only`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Encode, BorrowDecode)]
pub enum Families {
    /// IPv4 and IPv6, each with a socket of its own.
    Both,
    /// IPv4 only (`noipv6`, or `ipv6only` switched off).
    V4,
    /// IPv6 only (`ipv6only`).
    V6,
}
