//! All layers joined, in one place. Read from top to bottom: the first is outermost, so the last to touch an answer.
//!
//! Outermost of all, `boot/site.rs` puts the access log around the vhost: what no mount answers has a line too.
//! Around what follows, where a mount has a `keepalive-timeout`, `boot/router.rs` marks its answers with it.
//!
//! 1. `headers` of vhost and mount: on every answer, refusals and redirects included; behind them, in the same pass,
//!    `server` and `sts`, only if nothing has set the header, so a configured header wins; and an answer of 5xx is
//!    marked as the mount's, for the line that `boot/site.rs` has written of it.
//! 2. `error-document-404`: inside `headers`, because its redirects carry them too.
//! 3. `basic-auth`: inside `headers`, which its refusals carry; around all of the mount, upgrades and redirects included,
//!    so that there is no way past it.
//! 4. upgrade to websocket: inside all headers; around the mount, because any path upgrades.
//! 5. `cache-control`: around file mounts only, and inside `headers`, which may replace it.
//!
//! The stack is put around each mount's service before that is routed: a layer on the router would box every
//! route once more for each layer. The router clones a mount's service for each request, so what layers hold is
//! shared, and few.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use http::{HeaderValue, Request, Response};
use schemas::plan::{Mount, Vhost};
use tower::util::MapResponseLayer;
use tower::{Service, ServiceBuilder};

use crate::request::protect::ProtectLayer;
use crate::response::complaints::Complaints;
use crate::response::fault::answered_by;
use crate::response::layer::error_document::ErrorDocumentLayer;
use crate::response::layer::headers::{DefaultField, Headers};
use crate::response::layer::{server_string, sts};

/// A service that answers requests, whatever happens, for the router to clone.
pub(crate) trait Answering:
    Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send + 'static>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<S> Answering for S
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
}

/// What all mounts of a vhost have in common.
#[derive(Debug, Clone)]
pub(crate) struct Stack {
    /// Headers of every answer that does not have them from elsewhere.
    defaults: Vec<DefaultField>,
    error_document: Option<ErrorDocumentLayer>,
}

/// What all services of a mount have outermost. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Outside(Arc<Outermost>);

#[derive(Debug)]
struct Outermost {
    headers: Headers,
    /// `None` for what no mount has.
    mount: Option<Arc<Complaints>>,
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

    /// What a mount has around it; its faults are its `complaints`.
    pub(crate) fn of_mount(
        &self,
        vhost: &Vhost<'_>,
        mount: &Mount<'_>,
        complaints: &Arc<Complaints>,
    ) -> Outside {
        let headers = Headers::new(&vhost.headers, &mount.headers, &self.defaults);
        Outside(Arc::new(Outermost { headers, mount: Some(Arc::clone(complaints)) }))
    }

    /// What is around the service for all that no mount has.
    pub(crate) fn of_vhost(&self, vhost: &Vhost<'_>) -> Outside {
        Outside(Arc::new(Outermost { headers: self.vhost_headers(vhost), mount: None }))
    }

    /// The stack around one service. `protect` is the mount's, if it asks for credentials.
    pub(crate) fn around<S>(
        &self,
        outside: &Outside,
        protect: Option<ProtectLayer>,
        inner: S,
    ) -> impl Answering + use<S>
    where
        S: Answering,
        S::Future: Unpin,
    {
        ServiceBuilder::new()
            .layer(outside.layer())
            .option_layer(self.error_document.clone())
            .option_layer(protect)
            .service(inner)
    }
}

impl Outside {
    fn layer(
        &self,
    ) -> MapResponseLayer<impl FnOnce(Response<Body>) -> Response<Body> + Clone + Send + Sync + use<>> {
        let outside = self.clone();
        MapResponseLayer::new(move |mut response: Response<Body>| {
            let Outermost { headers, mount } = &*outside.0;
            headers.apply(response.headers_mut());
            if let Some(mount) = mount {
                answered_by(&mut response, mount);
            }
            response
        })
    }
}
