//! `sts`: `Strict-Transport-Security` on every answer of the vhost.
//!
//! Differs from lwsws: over TLS only, as RFC 6797, section 7.2, demands.

use http::HeaderValue;
use http::header::STRICT_TRANSPORT_SECURITY;
use schemas::route;
use tower_http::set_header::SetResponseHeaderLayer;

/// Adds the header where `on`, unless a configured header already did.
pub(crate) fn layer(on: bool) -> SetResponseHeaderLayer<Option<HeaderValue>> {
    let value = on.then(|| HeaderValue::from_static(route::STRICT_TRANSPORT_SECURITY));
    SetResponseHeaderLayer::if_not_present(STRICT_TRANSPORT_SECURITY, value)
}
