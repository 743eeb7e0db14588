//! `keepalive-timeout` of a mount: how long its answers let the connection wait for the next request.

use std::time::Duration;

use axum::body::Body;
use http::Response;
use tower::util::MapResponseLayer;

/// How long the connection is kept after an answer: an extension of answers of mounts that say so themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeepAlive(pub(crate) Duration);

/// Marks the answers of a mount. For mounts that have the key only: marks are on the heap.
pub(crate) fn layer(
    keep_alive: KeepAlive,
) -> MapResponseLayer<impl FnOnce(Response<Body>) -> Response<Body> + Clone + Send + Sync + 'static> {
    MapResponseLayer::new(move |mut response: Response<Body>| {
        response.extensions_mut().insert(keep_alive);
        response
    })
}
