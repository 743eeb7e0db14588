//! All layers joined, in one place. Read from top to bottom: the first is outermost, so the last to touch an answer.
//!
//! Outermost of all, `boot/site.rs` puts the access log around the vhost: what no mount answers has a line too.
//! Around what follows, where a mount has a `keepalive-timeout`, `boot/router.rs` marks its answers with it.
//!
//! 1. `headers` of vhost and mount: on every answer, refusals and redirects included; behind them, in the same pass,
//!    `server` and `sts`, only if nothing has set the header, so a configured header wins.
//! 2. `error-document-404`: inside `headers`, because its redirects carry them too.
//! 3. `basic-auth`: inside `headers`, which its refusals carry; around all of the mount, upgrades and redirects included,
//!    so that there is no way past it.
//! 4. upgrade to websocket: inside all headers; around the mount, because any path upgrades.
//! 5. answers of 5xx are written to the server's log, with the mount's place: around what answers, so that the status
//!    is the handler's own.
//! 6. `cache-control`: around file mounts only, and inside `headers`, which may replace it.
//!
//! The stack is put around each mount's service before that is routed: a layer on the router would box every
//! route once more for each layer. The router clones a mount's service for each request, so what layers hold is
//! shared, and few.

use std::convert::Infallible;

use axum::body::Body;
use http::{HeaderValue, Request, Response};
use schemas::plan::{Mount, Vhost};
use tower::{Service, ServiceBuilder};

use crate::request::protect::ProtectLayer;
use crate::response::layer::error_document::ErrorDocumentLayer;
use crate::response::layer::faults::FaultsLayer;
use crate::response::layer::headers::{DefaultField, Headers};
use crate::response::layer::{server_string, sts};

/// What all mounts of a vhost have in common.
#[derive(Debug, Clone)]
pub(crate) struct Stack {
    /// Headers of every answer that does not have them from elsewhere.
    defaults: Vec<DefaultField>,
    error_document: Option<ErrorDocumentLayer>,
}

/// What all services of a mount have around them.
#[derive(Debug)]
pub(crate) struct Outside {
    headers: Headers,
    faults: Option<FaultsLayer>,
}

impl Stack {
    /// The stack of a vhost.
    pub(crate) fn new(vhost: &Vhost<'_>, server: Option<HeaderValue>) -> Self {
        // A vhost has keys exactly if its listener speaks TLS, so this is "over TLS only".
        let sts = sts::field(vhost.sts && vhost.tls.is_some());
        Self {
            defaults: server_string::field(server).into_iter().chain(sts).collect(),
            error_document: vhost.error_document_404.map(ErrorDocumentLayer::new),
        }
    }

    /// The headers of a vhost's answers that come from no mount.
    pub(crate) fn vhost_headers(&self, vhost: &Vhost<'_>) -> Headers {
        Headers::new(&vhost.headers, &[], &self.defaults)
    }

    /// What a mount, at its `file:line`, has around it.
    pub(crate) fn of_mount(&self, vhost: &Vhost<'_>, mount: &Mount<'_>, place: &str) -> Outside {
        let headers = Headers::new(&vhost.headers, &mount.headers, &self.defaults);
        Outside { headers, faults: Some(FaultsLayer::new(place, mount.mountpoint)) }
    }

    /// What is around the service for all that no mount has.
    pub(crate) fn of_vhost(&self, vhost: &Vhost<'_>) -> Outside {
        Outside { headers: self.vhost_headers(vhost), faults: None }
    }

    /// The stack around one service. `protect` is the mount's, if it asks for credentials.
    pub(crate) fn around<S>(
        &self,
        outside: &Outside,
        protect: Option<ProtectLayer>,
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
        S::Future: Send + Unpin + 'static,
    {
        ServiceBuilder::new()
            .layer(outside.headers.layer())
            .option_layer(self.error_document.clone())
            .option_layer(protect)
            .option_layer(outside.faults.clone())
            .service(inner)
    }
}
