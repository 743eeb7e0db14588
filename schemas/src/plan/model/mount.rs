//! A mount of a vhost.

use super::{Header, Origin, Pair, Place, ProxyLimits, Seconds};
use crate::plan::codec::{BorrowDecode, Encode};

/// One entry of a vhost's `mounts`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Mount<'a> {
    /// `mountpoint`: where it hangs, as written, 1 to 255 bytes, beginning with `/`.
    pub mountpoint: &'a str,
    /// `origin`: what it leads to.
    pub origin: Origin<'a>,
    /// `default`: the file of the mount itself and of folders in it. `None`: `index.html`.
    pub default: Option<&'a str>,
    /// `protocol`.
    pub protocol: Option<&'a str>,
    /// `auth-mask`.
    pub auth_mask: Option<u32>,
    /// `cgi-timeout`. `None`: the server's default.
    pub cgi_timeout: Option<Seconds>,
    /// `cgi-env`, in config order.
    pub cgi_env: Vec<Pair<'a>>,
    /// `cgi-chroot`.
    pub cgi_chroot: Option<&'a str>,
    /// `cgi-chdir`.
    pub cgi_chdir: Option<&'a str>,
    /// `proxy-*`: what the upstream of a proxy may take.
    pub proxy: ProxyLimits,
    /// `pmo`, in config order: per-mount options of a callback protocol.
    pub pmo: Vec<Pair<'a>>,
    /// `cache-*`.
    pub cache: Cache,
    /// `extra-mimetypes`, in config order.
    pub extra_mimetypes: Vec<Mime<'a>>,
    /// `interpret`, in config order.
    pub interpret: Vec<Interpret<'a>>,
    /// `basic-auth`: path of the credentials file.
    pub basic_auth: Option<&'a str>,
    /// `headers`: replace the vhost's of the same name.
    pub headers: Vec<Header<'a>>,
    /// `keepalive-timeout`: overrides the vhost's after a request on this mount.
    pub keepalive_timeout: Option<Seconds>,
    /// `exact-match`: matches only a path equal to the mountpoint.
    pub exact_match: bool,
    /// `append-path`: a redirect appends the rest of the path.
    pub append_path: bool,
    /// `no-ws-upgrades`.
    pub no_ws_upgrades: bool,
    /// `symlinks`: which symbolic links below the docroot are followed.
    pub symlinks: Symlinks,
    /// `fallback`: the file of a single-page application, sent instead of a 404 to those who look for a page.
    pub fallback: Option<&'a str>,
    /// Where it stands.
    pub place: Place,
}

/// Which symbolic links below a docroot are followed (`symlinks`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, BorrowDecode)]
pub enum Symlinks {
    /// `inside`: those that stay below it.
    #[default]
    Inside,
    /// `none`.
    None,
    /// `all`: wherever they lead.
    All,
}

/// The caching of a mount's answers (`cache-*`); see [`cache_control`](crate::route::cache_control).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Cache {
    /// `cache-max-age` in seconds, default 0.
    pub max_age: u32,
    /// `cache-reuse`.
    pub reuse: bool,
    /// `cache-revalidate`.
    pub revalidate: bool,
    /// `cache-intermediaries`.
    pub intermediaries: bool,
    /// `cache-no`.
    pub no_cache: bool,
}

/// One entry of `extra-mimetypes`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Mime<'a> {
    /// The end of the file name, such as `.zap`; `*` for all that no table knows.
    pub suffix: &'a str,
    /// The media type. Empty: no Content-Type at all.
    pub media_type: &'a str,
}

/// One entry of `interpret`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Interpret<'a> {
    /// The end of the file name.
    pub suffix: &'a str,
    /// The protocol that the file is streamed through.
    pub protocol: &'a str,
}
