//! Fields that are for one connection only (RFC 9110, section 7.6.1), whether `Connection` names them or not. They are
//! passed on in neither direction.

use http::HeaderName;

/// Whether a field is one of them. `Proxy` counts as one: no server has a use for it, and CGI programs behind an upstream
/// would take it for a setting of their own ("httpoxy").
pub(super) fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "http2-settings"
            | "keep-alive"
            | "proxy"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "transfer-encoding"
            | "upgrade"
    )
}
