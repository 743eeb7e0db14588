//! All layers joined, in one place. Read from top to bottom: the first is outermost, so the last to touch an answer.
//!
//! 1. `sts`, `server`: only if nothing inside set the header, so a configured header wins.
//! 2. `headers` of vhost and mount: on every answer, refusals and redirects included.
//! 3. `error-document-404`: inside `headers`, because its redirects carry them too.
//! 4. upgrade to websocket: inside all headers; around the mount, because any path upgrades.
//! 5. `cache-control`: around file mounts only, and inside `headers`, which may replace it.
//!
//! The stack is put around each mount's service before that is routed: a layer on the router would box every
//! route once more for each layer.

use std::convert::Infallible;

use axum::body::Body;
use http::header::{SERVER, STRICT_TRANSPORT_SECURITY};
use http::{HeaderValue, Request, Response};
use schemas::plan::{Mount, Vhost};
use schemas::route;
use tower::{Service, ServiceBuilder};

use crate::response::layer::error_document::ErrorDocumentLayer;
use crate::response::layer::headers::Headers;
use crate::response::layer::{server_string, sts};

/// What all mounts of a vhost have in common.
#[derive(Debug, Clone)]
pub(crate) struct Stack {
    sts: bool,
    server: Option<HeaderValue>,
    error_document: Option<ErrorDocumentLayer>,
}

impl Stack {
    /// The stack of a vhost.
    pub(crate) fn new(vhost: &Vhost<'_>, server: Option<HeaderValue>) -> Self {
        Self {
            // A vhost has keys exactly if its listener speaks TLS, so this is "over TLS only".
            sts: vhost.sts && vhost.tls.is_some(),
            server,
            error_document: vhost.error_document_404.map(ErrorDocumentLayer::new),
        }
    }

    /// The stack around one service.
    pub(crate) fn around<S>(
        &self,
        headers: &Headers,
        inner: S,
    ) -> impl Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send + 'static>
    + Clone
    + Send
    + Sync
    + 'static
    + use<S>
    where
        S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        ServiceBuilder::new()
            .layer(sts::layer(self.sts))
            .layer(server_string::layer(self.server.as_ref()))
            .layer(headers.layer())
            .option_layer(self.error_document.clone())
            .service(inner)
    }
}

impl Stack {
    /// Finishes an answer that no service gave: a request refused before it was routed. It has the headers that
    /// the stack would have added, and never becomes a redirect to the error document.
    pub(crate) fn finish<B>(&self, headers: &Headers, response: &mut Response<B>) {
        let map = response.headers_mut();
        headers.apply(map);
        if let (Some(server), false) = (&self.server, map.contains_key(SERVER)) {
            map.insert(SERVER, server.clone());
        }
        if self.sts && !map.contains_key(STRICT_TRANSPORT_SECURITY) {
            map.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(route::STRICT_TRANSPORT_SECURITY));
        }
    }
}

/// The configured headers of a vhost's answers that come from no mount.
pub(crate) fn vhost_headers(vhost: &Vhost<'_>) -> Headers {
    Headers::new(&vhost.headers, &[])
}

/// The configured headers of a mount's answers.
pub(crate) fn mount_headers(vhost: &Vhost<'_>, mount: &Mount<'_>) -> Headers {
    Headers::new(&vhost.headers, &mount.headers)
}
