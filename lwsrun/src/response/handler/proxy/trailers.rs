//! Which fields may stand behind content (RFC 9110, section 6.5.1): none that frame the message, say who may do what, or
//! tell how its content is to be read, since whoever receives trailers may have acted on the head already, and some put
//! both together.

use http::HeaderName;

use super::hop_by_hop::is_hop_by_hop;

/// Whether a field may be a trailer. Others are left out.
pub(super) fn is_allowed(name: &HeaderName) -> bool {
    !is_hop_by_hop(name)
        && !matches!(
            name.as_str(),
            "authorization"
                | "cache-control"
                | "content-encoding"
                | "content-length"
                | "content-range"
                | "content-type"
                | "cookie"
                | "expect"
                | "forwarded"
                | "host"
                | "max-forwards"
                | "range"
                | "set-cookie"
                | "trailer"
                | "via"
                | "x-forwarded-for"
                | "x-forwarded-host"
                | "x-forwarded-proto"
        )
}
