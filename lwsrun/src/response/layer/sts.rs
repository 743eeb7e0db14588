//! `sts`: `Strict-Transport-Security` on every answer of the vhost.
//!
//! Differs from lwsws: over TLS only, as RFC 6797, section 7.2, demands.

use http::HeaderValue;
use http::header::STRICT_TRANSPORT_SECURITY;
use schemas::route;

use super::headers::DefaultField;

/// The header where `on`; a configured one wins over it.
pub(crate) fn field(on: bool) -> Option<DefaultField> {
    on.then(|| (STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(route::STRICT_TRANSPORT_SECURITY)))
}
