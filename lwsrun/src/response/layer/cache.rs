//! `Cache-Control` of file mounts: what the mount's `cache-*` keys say, computed once.

use axum::body::Body;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, Response, StatusCode};
use schemas::plan::Cache;
use schemas::route::cache_control;
use tower_http::set_header::SetResponseHeaderLayer;

/// Adds `Cache-Control` to answers that carry a file, or say that it has not changed. Error pages and redirects
/// have none, as in lwsws.
pub(crate) fn layer(
    cache: Cache,
) -> SetResponseHeaderLayer<impl Fn(&Response<Body>) -> Option<HeaderValue> + Clone + Send + Sync + 'static> {
    let value = HeaderValue::from_str(&cache_control(cache)).ok();
    SetResponseHeaderLayer::overriding(CACHE_CONTROL, move |response: &Response<Body>| {
        let of_a_file = matches!(
            response.status(),
            StatusCode::OK | StatusCode::PARTIAL_CONTENT | StatusCode::NOT_MODIFIED
        );
        value.clone().filter(|_| of_a_file)
    })
}
