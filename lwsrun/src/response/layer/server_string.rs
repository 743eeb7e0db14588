//! `server-string`: the `server` header of every answer, none if the config names none.

use http::HeaderValue;
use http::header::SERVER;
use tower_http::set_header::SetResponseHeaderLayer;

/// Adds `server`, unless a configured header already did.
pub(crate) fn layer(value: Option<&HeaderValue>) -> SetResponseHeaderLayer<Option<HeaderValue>> {
    SetResponseHeaderLayer::if_not_present(SERVER, value.cloned())
}
