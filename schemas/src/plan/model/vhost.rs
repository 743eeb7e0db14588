//! A section for each vhost.

use super::{ClientTls, Header, Mount, Place, Protocol, Seconds, Tls};
use crate::plan::ListenerId;
use crate::plan::codec::{BorrowDecode, Encode};

/// One entry of `vhosts`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Vhost<'a> {
    /// `name`, default `default`; as written.
    pub name: &'a str,
    /// Its listener; `None` for `port: -1`.
    pub listener: Option<ListenerId>,
    /// `sts`: adds the STS header over TLS.
    pub sts: bool,
    /// The TLS keys of the vhost.
    pub tls: Option<Tls<'a>>,
    /// The TLS keys for outgoing connections.
    pub client_tls: ClientTls<'a>,
    /// `access-log`: path of the log, one of [`Global::access_logs`](super::Global::access_logs).
    pub access_log: Option<&'a str>,
    /// `access-log-format`, a key of our own, default `combined`.
    pub access_log_format: LogFormat,
    /// `mounts`, in config order.
    pub mounts: Vec<Mount<'a>>,
    /// `ws-protocols`, in config order.
    pub protocols: Vec<Protocol<'a>>,
    /// `keepalive_timeout` in any of its spellings, documented default 60 s.
    pub keepalive_timeout: Seconds,
    /// `headers`: added to every response of the vhost.
    pub headers: Vec<Header<'a>>,
    /// `error-document-404`: where a 404 is redirected to.
    pub error_document_404: Option<&'a str>,
    /// `fo-listen-queue`: length of the TCP fast open queue.
    pub fo_listen_queue: Option<u32>,
    /// `strict-host-check`: an upgrade's Host must equal name and port.
    pub strict_host_check: bool,
    /// `allow-non-tls`.
    pub allow_non_tls: bool,
    /// `redirect-http`.
    pub redirect_http: bool,
    /// `allow-http-on-https`.
    pub allow_http_on_https: bool,
    /// `listen-accept-role`.
    pub listen_accept_role: Option<&'a str>,
    /// `listen-accept-protocol`.
    pub listen_accept_protocol: Option<&'a str>,
    /// `apply-listen-accept`, also spelt `onlyraw`.
    pub apply_listen_accept: bool,
    /// `fallback-listen-accept`.
    pub fallback_listen_accept: bool,
    /// `disable-no-protocol-ws-upgrades`.
    pub disable_no_protocol_ws_upgrades: bool,
    /// `h2-half-closed-long-poll`.
    pub h2_half_closed_long_poll: bool,
    /// Where it stands.
    pub place: Place,
}

/// How a line of an access log is written (`access-log-format`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, BorrowDecode)]
pub enum LogFormat {
    /// `combined`: the combined format of Apache.
    #[default]
    Combined,
    /// `json`: an object for each line.
    Json,
}

impl LogFormat {
    /// All of them, in the order of their names.
    pub const ALL: [Self; 2] = [Self::Combined, Self::Json];

    /// Its name in the config.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Combined => "combined",
            Self::Json => "json",
        }
    }
}
