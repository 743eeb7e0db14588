//! What a mount leads to: its `origin`, taken apart.

use super::Seconds;
use crate::plan::codec::{BorrowDecode, Encode};

/// The kinds of origin.
#[derive(Debug, Clone, PartialEq, Eq, Encode, BorrowDecode)]
pub enum Origin<'a> {
    /// `file://DIR`: files below a folder (or a zip archive).
    File {
        /// The folder, without `file://`.
        docroot: &'a str,
    },
    /// `>http://…` or `>https://…`, also written with `^`: a redirect.
    Redirect {
        /// The whole URL to send, scheme included.
        url: &'a str,
    },
    /// `http://…` or `https://…`: a reverse proxy.
    Proxy(Upstream<'a>),
    /// `cgi://PROGRAM`.
    Cgi {
        /// The program, or a folder of programs.
        program: &'a str,
    },
    /// `callback://PROTOCOL`.
    Callback {
        /// The protocol's name.
        protocol: &'a str,
    },
    /// `gzip://…`, which lwsws parses and then does nothing useful with.
    Gzip {
        /// What follows the scheme.
        path: &'a str,
    },
}

/// The upstream of a proxy mount.
#[derive(Debug, Clone, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Upstream<'a> {
    /// `https://`.
    pub tls: bool,
    /// Where it is.
    pub address: UpstreamAddress<'a>,
    /// The path that requests are put below, with its leading `/`.
    pub path: &'a str,
}

/// Where an upstream is.
#[derive(Debug, Clone, PartialEq, Eq, Encode, BorrowDecode)]
pub enum UpstreamAddress<'a> {
    /// A host and a port.
    Host {
        /// A name or an address, an IPv6 address without its brackets.
        host: &'a str,
        /// The port; 80 or 443 where the origin gives none.
        port: u16,
    },
    /// A unix socket, written `http://+/path/to.sock:/PATH`.
    Unix {
        /// The socket's path.
        path: &'a str,
    },
}

/// What the upstream of a proxy mount may take (`proxy-*`, keys of ours). `None`: the server's default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, BorrowDecode)]
pub struct ProxyLimits {
    /// `proxy-connect-timeout`: for looking up its name, connecting, and a TLS handshake, together. Not zero.
    pub connect_timeout: Option<Seconds>,
    /// `proxy-answer-timeout`: for the upstream to take a request, and then to begin its answer. Not zero.
    pub answer_timeout: Option<Seconds>,
    /// `proxy-idle-timeout`: for the next piece of an answer. Not zero.
    pub idle_timeout: Option<Seconds>,
    /// `proxy-websocket-timeout`: without a byte in either direction. Not zero.
    pub websocket_timeout: Option<Seconds>,
    /// `proxy-connections`: connections of one worker to the upstream. Not zero.
    pub connections: Option<u32>,
    /// `proxy-body-limit`: the most bytes of a request's content.
    pub body_limit: Option<u64>,
}
