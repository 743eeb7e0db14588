//! An axum router for a vhost: its mounts as routes, each with the whole stack around it.
//!
//! A mountpoint `/m` becomes the routes `/m`, `/m/` and `/m/{*rest}`; `exact-match` leaves the first. Mounts are added in
//! the order of preference that [`schemas::route::Mounts`] states, and a route that is taken stays taken, so that router
//! and [`schemas::route`] agree. Request paths arrive canonical; mountpoints are made so here.
//!
//! The mountpoint `/`, or else the answer to what no mount has, stands beside the router: it gets what begins with no
//! other mount's first segment, without a look at the routes, and what the router finds no route for. For axum it would
//! be a route like others, looked for in two trees, with a parameter noted for each request.

use std::collections::{BTreeSet, HashSet};
use std::convert::Infallible;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::routing::future::RouteFuture;
use futures_util::future::{BoxFuture, Either};
use http::{Request, Response};
use schemas::plan::{Bind, Cache, Mount, Origin, Vhost, VhostId};
use schemas::route::canonical_path;
use tower::{Layer, Service, service_fn};

use super::honour;
use super::site::Shared;
use super::stack::{Answering, Stack};
use crate::request::protect::ProtectLayer;
use crate::response::complaints::Complaints;
use crate::response::error::Refusal;
use crate::response::handler::callback::Callback;
use crate::response::handler::cgi::Cgi;
use crate::response::handler::file::FileService;
use crate::response::handler::interpret::Interpreted;
use crate::response::handler::proxy::{self, Proxy};
use crate::response::handler::redirect::Redirect;
use crate::response::handler::refuse::Refuse;
use crate::response::handler::ws::{Upgrade, VhostUpgrades};
use crate::response::layer::cache;
use crate::response::layer::keep_alive::{self, KeepAlive};

/// What answers the requests of one vhost. Cheap to clone.
#[derive(Clone)]
pub(crate) struct VhostRouter {
    /// All mounts but `/`, and [`Self::rest`] for what is none of theirs.
    router: Router,
    /// The first segments of the paths that the router has routes for.
    first_segments: Arc<BTreeSet<String>>,
    rest: Rest,
}

type Answered = Result<Response<Body>, Infallible>;

/// The service that has what no route has.
type Rest = Arc<dyn Fn(Request<Body>) -> BoxFuture<'static, Answered> + Send + Sync>;

impl VhostRouter {
    /// Answers a request whose path is canonical.
    pub(crate) fn call(
        &self,
        request: Request<Body>,
    ) -> Either<BoxFuture<'static, Answered>, RouteFuture<Infallible>> {
        if self.first_segments.contains(first_segment(request.uri().path())) {
            return Either::Right(self.router.clone().call(request));
        }
        Either::Left((self.rest)(request))
    }
}

/// `a` of `/a/b`.
fn first_segment(path: &str) -> &str {
    path.split('/').nth(1).unwrap_or_default()
}

/// Builds the router of one vhost. `upgrades` are its websocket protocols, started.
pub(crate) fn router(
    shared: &Shared,
    id: VhostId,
    vhost: &Vhost<'_>,
    stack: &Stack,
    upgrades: &VhostUpgrades,
) -> VhostRouter {
    let fallback = Upgrade::new(Refuse(Refusal::NotFound), upgrades.clone());
    let mut routes = Routes::new();
    if honour::vhost_keys(vhost).is_empty() {
        for mount in in_order_of_preference(&vhost.mounts) {
            add_mount(&mut routes, shared, (id, vhost), mount, stack, upgrades);
        }
        routes.or(stack.around(&stack.of_vhost(vhost), None, fallback))
    } else {
        routes.or(stack.around(&stack.of_vhost(vhost), None, Refuse(Refusal::NotImplemented)))
    }
}

fn add_mount(
    routes: &mut Routes,
    shared: &Shared,
    (id, vhost): (VhostId, &Vhost<'_>),
    mount: &Mount<'_>,
    stack: &Stack,
    upgrades: &VhostUpgrades,
) {
    let place = shared.plan.describe(mount.place);
    let complaints = Arc::new(Complaints::of_mount(&place, mount));
    let outside = stack.of_mount(vhost, mount, &complaints);
    if !honour::mount_keys(mount).is_empty() {
        return routes.add(mount, &stack.around(&outside, None, Refuse(Refusal::NotImplemented)));
    }
    let protect = ProtectLayer::new(mount, place.clone());
    match &mount.origin {
        // Redirects come before upgrades, as in lwsws.
        Origin::Redirect { url } => {
            let redirect = Redirect::new(url, mount.append_path, mount.mountpoint);
            routes.add(mount, &stack.around(&outside, protect, redirect));
        }
        Origin::File { docroot } => {
            let files = FileService::new(mount, docroot, place, &shared.files);
            let cached = tower::ServiceBuilder::new().layer(cache::layer(mount.cache)).service(files);
            if mount.interpret.is_empty() {
                let files = Upgrade::new(cached, upgrades.clone());
                return routes.add(mount, &stack.around(&outside, protect, files));
            }
            let running = |name: &str| upgrades.instance(name)?.ok();
            let files = Upgrade::new(Interpreted::new(mount, cached, running), upgrades.clone());
            routes.add(mount, &stack.around(&outside, protect, files));
        }
        Origin::Callback { protocol } => match upgrades.instance(protocol) {
            Some(Ok(running)) => {
                let callback = Upgrade::new(Callback::new(mount, running), upgrades.clone());
                routes.add(mount, &stack.around(&outside, protect, callback));
            }
            // Not listed by the vhost, not built in, or failed to start: said at start.
            Some(Err(_)) | None => {
                routes.add(mount, &stack.around(&outside, None, Refuse(Refusal::NotImplemented)));
            }
        },
        // Websockets are the upstream's.
        Origin::Proxy(upstream) => {
            let tls = upstream.tls.then(|| shared.client_keys.of(id));
            let origin = proxy::Origin::new(upstream, &mount.proxy, tls);
            let proxy = Proxy::new(mount, upstream, origin, complaints, shared.drain.clone());
            let cached = tower::ServiceBuilder::new()
                .option_layer((mount.cache != Cache::default()).then(|| cache::layer(mount.cache)))
                .service(proxy);
            routes.add(mount, &stack.around(&outside, protect, cached));
        }
        Origin::Cgi { program } => {
            let cgi = Cgi::new(vhost, mount, program, port(shared, vhost), complaints, &shared.programs);
            routes.add(mount, &stack.around(&outside, protect, Upgrade::new(cgi, upgrades.clone())));
        }
        Origin::Gzip { .. } => {
            routes.add(mount, &stack.around(&outside, None, Refuse(Refusal::NotImplemented)));
        }
    }
}

/// The TCP port that a vhost listens on.
fn port(shared: &Shared, vhost: &Vhost<'_>) -> Option<u16> {
    match shared.plan.listeners().listeners.get(vhost.listener?.index())?.bind {
        Bind::Any { port, .. } | Bind::Interface { port, .. } => Some(port),
        Bind::Unix { .. } => None,
    }
}

/// Mounts in the order in which they win a route: longer first, `exact-match` first, then config order.
fn in_order_of_preference<'v, 'a>(mounts: &'v [Mount<'a>]) -> Vec<&'v Mount<'a>> {
    let mut ordered: Vec<_> = mounts.iter().collect();
    ordered.sort_by_key(|mount| (std::cmp::Reverse(mount.mountpoint.len()), !mount.exact_match));
    ordered
}

/// A router that is being filled.
struct Routes {
    router: Router,
    taken: HashSet<String>,
    first_segments: BTreeSet<String>,
    /// The mount that has taken all that the others leave.
    rest: Option<Rest>,
}

impl Routes {
    fn new() -> Self {
        Self {
            router: Router::new().without_v07_checks(),
            taken: HashSet::new(),
            first_segments: BTreeSet::new(),
            rest: None,
        }
    }

    fn add(&mut self, mount: &Mount<'_>, service: &impl Answering) {
        match mount.keepalive_timeout {
            None => self.route(mount, service),
            Some(timeout) => {
                let keep_alive = KeepAlive(timeout.into());
                self.route(mount, &keep_alive::layer(keep_alive).layer(service.clone()));
            }
        }
    }

    fn route(&mut self, mount: &Mount<'_>, service: &impl Answering) {
        for path in paths(mount) {
            if !self.taken.insert(path.clone()) {
                continue;
            }
            if path == ROOT {
                self.rest = Some(rest(service.clone()));
            } else {
                self.first_segments.insert(first_segment(&path).to_owned());
                self.router = std::mem::take(&mut self.router).route_service(&path, service.clone());
            }
        }
    }

    /// The router, with a service for what no mount has.
    fn or(self, service: impl Answering) -> VhostRouter {
        let rest = self.rest.unwrap_or_else(|| rest(service));
        let beside = Arc::clone(&rest);
        let router = self.router.fallback_service(service_fn(move |request| beside(request)));
        VhostRouter { router, first_segments: Arc::new(self.first_segments), rest }
    }
}

/// The service as a function. It has to be one that is always ready, as all here are.
fn rest(service: impl Answering) -> Rest {
    Arc::new(move |request| Box::pin(service.clone().call(request)))
}

/// What matches every path.
const ROOT: &str = "/{*rest}";

/// The routes of a mount; none for a mountpoint that no canonical path can match.
fn paths(mount: &Mount<'_>) -> Vec<String> {
    let point = canonical_path(mount.mountpoint.as_bytes());
    if !point.starts_with('/') || has_odd_segment(&point) {
        return Vec::new();
    }
    if mount.exact_match || (point.ends_with('/') && point != "/") {
        return vec![point.into_owned()];
    }
    if point == "/" {
        return vec![ROOT.to_owned()];
    }
    let below = point.trim_end_matches('/');
    vec![below.to_owned(), format!("{below}/"), format!("{below}/{{*rest}}")]
}

/// Whether a mountpoint holds an empty, `.` or `..` segment, which no canonical path has.
fn has_odd_segment(point: &str) -> bool {
    let mut segments: Vec<&str> = point.split('/').skip(1).collect();
    if segments.last() == Some(&"") {
        segments.pop();
    }
    segments.iter().any(|segment| matches!(*segment, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use http::HeaderValue;
    use proptest::prelude::*;
    use schemas::plan::MountId;
    use schemas::route::{Mounts, decode_path};

    use super::*;
    use crate::boot::testing::mount;

    /// A router whose mounts answer with their number.
    fn numbered(mounts: &[Mount<'_>]) -> VhostRouter {
        let mut routes = Routes::new();
        for mount in in_order_of_preference(mounts) {
            let id = mounts.iter().position(|each| std::ptr::eq(each, mount)).unwrap();
            let service = service_fn(move |_: Request<Body>| async move {
                let mut response = Response::new(Body::empty());
                response.headers_mut().insert("mount", HeaderValue::from(id));
                Ok::<_, Infallible>(response)
            });
            routes.add(mount, &service);
        }
        routes.or(Refuse(Refusal::NotFound))
    }

    fn chosen(router: &VhostRouter, path: &str) -> Option<MountId> {
        let request = Request::builder().uri(path).body(Body::empty()).unwrap();
        let Ok(response) = router.call(request).now_or_never().unwrap();
        let id = response.headers().get("mount")?.to_str().unwrap().parse().unwrap();
        Some(MountId(id))
    }

    proptest! {
        #[test]
        fn the_router_chooses_as_routing_does(
            mountpoints in prop::collection::vec(("(/[ab:*{}%]{0,2}){1,3}/?", any::<bool>()), 1..8),
            path in "(/[ab:*{}]{0,2}){1,4}/?",
        ) {
            let mounts: Vec<_> = mountpoints
                .iter()
                .map(|(point, exact)| Mount { exact_match: *exact, ..mount(point) })
                .collect();
            let decoded = decode_path(&path).unwrap();
            let canonical = canonical_path(&decoded);
            let expected = Mounts::new(&mounts).find(&decoded).map(|matched| matched.mount);
            prop_assert_eq!(chosen(&numbered(&mounts), &canonical), expected, "{}", canonical);
        }
    }
}
