//! The section of the `global` object.

use super::{Limits, Place, Seconds};
use crate::plan::codec::{BorrowDecode, Encode};

/// The keys of `global`, fragments of all files put together.
#[derive(Debug, Clone, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Global<'a> {
    /// `global.uid`: the user id to become after the sockets are open. 0 stands for "do not change".
    pub uid: Option<u32>,
    /// `global.gid`: the group id to become. 0 stands for "do not change".
    pub gid: Option<u32>,
    /// `global.username`: the same by name; wins over `uid`.
    pub username: Option<&'a str>,
    /// `global.groupname`: the same by name; wins over `gid`.
    pub groupname: Option<&'a str>,
    /// `global.count-threads`: worker threads, 1 to 1024. `None`: one for each core.
    pub count_threads: Option<u16>,
    /// `global.init-ssl`, default off. Differs from lwsws: TLS does not depend on it, a vhost with a certificate is
    /// never served in clear.
    pub init_ssl: bool,
    /// `global.server-string`: the value of the `server` header of every response; no header if absent.
    pub server_string: Option<&'a str>,
    /// `global.plugin-dir`, in config order.
    pub plugin_dirs: Vec<&'a str>,
    /// `global.ws-pingpong-secs`: silence on a websocket before it is pinged. `None`: the server's default, 40 s.
    pub ws_pingpong: Option<Seconds>,
    /// `global.reject-service-keywords`, in config order. Of several matches the last listed wins.
    pub reject_service_keywords: Vec<RejectKeyword<'a>>,
    /// `global.timeout-secs`: the general network timeout. `None`: the server's default, 15 s.
    pub timeout: Option<Seconds>,
    /// `global.default-alpn`: the ALPN list of vhosts without `alpn`, comma-separated.
    pub default_alpn: Option<&'a str>,
    /// `global.ip-limit-ah`: most requests in progress for one peer address.
    pub ip_limit_ah: Option<u32>,
    /// `global.ip-limit-wsi`: most connections of one peer address.
    pub ip_limit_wsi: Option<u32>,
    /// `global.rlimit-nofile`: the process limit of open files.
    pub rlimit_nofile: Option<u32>,
    /// `global.limit-cgi-programs`, a key of our own: most CGI programs at once. `None`: the server's default, 512, or less
    /// where the limit of open files has no room for so many.
    pub limit_cgi_programs: Option<u32>,
    /// The access logs of all vhosts, each path once, in the order of the first vhost that names it.
    pub access_logs: Vec<AccessLog<'a>>,
    /// `global.limit-*` and `global.min-*`.
    pub limits: Limits,
    /// Where each key that is set stands, in config order; the last place where a key stands more than once.
    pub places: Vec<KeyPlace<'a>>,
}

/// Where a key of `global` stands.
#[derive(Debug, Clone, PartialEq, Eq, Encode, BorrowDecode)]
pub struct KeyPlace<'a> {
    /// The key.
    pub key: &'a str,
    /// Its place.
    pub place: Place,
}

/// A file that vhosts write their access log to.
#[derive(Debug, Clone, PartialEq, Eq, Encode, BorrowDecode)]
pub struct AccessLog<'a> {
    /// The path, as written.
    pub path: &'a str,
    /// The place of the first vhost that names it.
    pub place: Place,
}

/// One entry of `global.reject-service-keywords`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, BorrowDecode)]
pub struct RejectKeyword<'a> {
    /// Requests whose `User-Agent` contains this, case-sensitively, are refused.
    pub keyword: &'a str,
    /// The status of the refusal, 100 to 999 as written; 400 to 599 make sense.
    pub status: u16,
    /// The text of the error page.
    pub text: &'a str,
}
