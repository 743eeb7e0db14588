//! One generation of what is served: a plan, its hosts, and a router for each vhost, built when first asked for.

use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::body::Body;
use http::header::UPGRADE;
use http::{HeaderValue, Method, Request, Response, StatusCode, Version};
use schemas::plan::{Listener, ListenerId, Mount, Origin, Plan, Protocol, Vhost, VhostId};
use schemas::route::Hosts;

use super::limits::room_for_programs;
use super::router::{VhostRouter, router};
use super::stack::Stack;
use super::tls::client::ClientKeys;
use crate::connection::{ConnectionFacts, Cut};
use crate::counts::{Counted, Served};
use crate::protocol::{Registry, VhostProtocols};
use crate::request::content::ContentLimit;
use crate::request::in_flight::bounded;
use crate::request::path::AsSent;
use crate::request::reject::Keywords;
use crate::request::secure::Demands;
use crate::request::{admit, path};
use crate::response::complaints::Complaints;
use crate::response::error::{Refusal, page_of, server_options};
use crate::response::fault::Asked;
use crate::response::handler::cgi::{LocalRedirect, Running};
use crate::response::handler::file::FileCache;
use crate::response::handler::ws::{Peer, StrictHost, VhostUpgrades, asks_for_websocket};
use crate::response::layer::headers::Headers;
use crate::response::layer::keep_alive::KeepAlive;
use crate::response::log::{self, AccessLogs, Entry, Logged, Pending, VhostLog};
use crate::shutdown::Drain;

/// Memory for small files of all mounts together, in bytes.
const FILE_CACHE: u64 = 64 << 20;

/// The most paths that CGI programs name one after the other to be answered in their place.
const MOST_REDIRECTS: usize = 5;

/// Why a request is one too many.
const CROWDED: &str = "as many requests of its connection wait as `limit-requests` allows";

/// What is served. Shared by all workers, never changed.
pub(crate) struct Site {
    shared: Shared,
    hosts: Vec<Hosts>,
    /// The only vhost of each listener that has but one: it answers, whatever the host.
    only: Vec<Option<VhostId>>,
    vhosts: Vec<OnceLock<VhostSite>>,
    keywords: Keywords,
    /// Of each listener, whether a websocket can be opened on it.
    websockets: Vec<bool>,
    content: ContentLimit,
}

/// What the routers of all vhosts are built from.
pub(crate) struct Shared {
    pub(crate) plan: Arc<Plan>,
    pub(crate) registry: Registry,
    pub(crate) served: Arc<Served>,
    pub(crate) drain: Drain,
    pub(crate) files: Arc<FileCache>,
    pub(crate) logs: AccessLogs,
    /// For TLS to upstreams.
    pub(crate) client_keys: ClientKeys,
    /// CGI programs of all mounts.
    pub(crate) programs: Arc<Running>,
}

/// One vhost, built.
struct VhostSite {
    router: VhostRouter,
    /// For requests that ask for a websocket, where a mount leaves them to others.
    upgrades: Option<VhostRouter>,
    /// Of answers that no mount gives.
    headers: Headers,
    demands: Demands,
    /// Whether a mount wants to know the connection, and the path as it was sent.
    tells: bool,
    log: Option<VhostLog>,
    /// Of what belongs to no mount.
    complaints: Complaints,
    /// `keepalive_timeout`.
    keep_alive: Duration,
}

/// An answer, and how long its connection is kept after it: zero for not at all.
pub(crate) struct Answered<'a> {
    pub(crate) response: Response<Logged>,
    pub(crate) keep_alive: Duration,
    /// Its place in the numbers, for whoever answers otherwise.
    pub(crate) counted: Counted<'a>,
}

impl Site {
    /// Prepares a plan. Costs one look at each vhost's name; routers come with first requests. `open_files` is the
    /// process's limit.
    pub(crate) fn new(
        plan: Arc<Plan>,
        registry: Registry,
        client_keys: ClientKeys,
        drain: Drain,
        logs: AccessLogs,
        open_files: u64,
    ) -> Self {
        let hosts = (0..plan.listeners().listeners.len())
            .map(|index| u32::try_from(index).unwrap_or(u32::MAX))
            .map(|index| Hosts::new(&plan, ListenerId(index)))
            .collect();
        let listeners = plan.listeners().listeners;
        let only = |listener: &Listener<'_>| match *listener.vhosts {
            [id] => Some(id),
            _ => None,
        };
        let only = listeners.iter().map(only).collect();
        let websockets =
            listeners.iter().map(|listener| opens_websockets(&plan, &registry, listener)).collect();
        let vhosts = plan.vhost_ids().map(|_| OnceLock::new()).collect();
        let keywords = Keywords::new(&plan.global().reject_service_keywords);
        let content = ContentLimit::new(&plan.global());
        let files = Arc::new(FileCache::new(FILE_CACHE));
        let served = Arc::new(Served::new(Arc::clone(&plan)));
        let room = room_for_programs(open_files);
        let programs = Running::new(plan.global().limit_cgi_programs, room, Arc::clone(&served.programs));
        let shared = Shared { served, plan, registry, drain, files, logs, client_keys, programs };
        Self { shared, hosts, only, vhosts, keywords, content, websockets }
    }

    /// The vhosts of a listener by name.
    pub(crate) fn hosts(&self, listener: ListenerId) -> &Hosts {
        &self.hosts[listener.index()]
    }

    /// Whether websockets can be opened on a listener in the way of HTTP/2.
    pub(crate) fn opens_websockets(&self, listener: ListenerId) -> bool {
        self.websockets[listener.index()]
    }

    /// Answers one request. `cut` is where the connection says that it has answered by itself, if it ever does.
    pub(crate) async fn respond<'a, B>(
        &'a self,
        connection: &ConnectionFacts,
        mut request: Request<B>,
        cut: Option<&'a Cut>,
    ) -> Answered<'a>
    where
        B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
        B::Error: std::error::Error + Send + Sync,
    {
        let (id, admitted) = self.admit(connection.listener, &request);
        let vhost = self.vhost(id);
        let mut counted = self.shared.served.begin(id, request.version(), cut);
        let pending = Pending::new(vhost.log.as_ref().map(|log| log.begin(connection, &request)), cut);
        let refusal = match admitted.and_then(|()| self.content.admit(request.body())) {
            Ok(()) => vhost
                .demands
                .refusal(connection, &request)
                .or_else(|| self.prepare(&mut request, vhost.tells)),
            Err(refusal) => Some(refusal.response()),
        };
        if let Some(client) = &connection.client {
            request.extensions_mut().insert(client.clone());
        }
        if vhost.tells {
            request.extensions_mut().insert(connection.clone());
        }
        if let Some(peer) = connection.peer
            && (request.headers().contains_key(UPGRADE) || request.method() == Method::CONNECT)
        {
            request.extensions_mut().insert(Peer(peer));
        }
        let mut response = match refusal {
            None => {
                let (parts, content) = request.into_parts();
                let (content, exceeded) = self.content.bound(content);
                let request = Request::from_parts(parts, content);
                let asked = Asked::of(&request);
                let serving = pin!(vhost.serve(request));
                let mut response = match bounded(connection.share.as_deref(), serving).await {
                    Some(_) if exceeded.is_so() => vhost.refuse(Refusal::ContentTooLarge.response()),
                    Some(answer) => answer,
                    None => vhost.refuse(Refusal::Unavailable.because(CROWDED)),
                };
                asked.tell(&mut response, &vhost.complaints);
                response
            }
            Some(refusal) => vhost.refuse(refusal),
        };
        vhost.demands.in_clear(connection, &mut response);
        match response.extensions().get::<log::Protocol>() {
            Some(_) => counted.opened_websocket(),
            None => counted.answered(response.status()),
        }
        let KeepAlive(keep_alive) = response.extensions_mut().remove().unwrap_or(KeepAlive(vhost.keep_alive));
        Answered { response: pending.answered(response), keep_alive, counted }
    }

    /// Makes the path canonical; `tells`: and keeps what it was. The answer, if the request may not be served.
    fn prepare<B>(&self, request: &mut Request<B>, tells: bool) -> Option<Response<Body>> {
        match path::canonical(request.uri()) {
            Ok(target) => {
                if let Some(target) = target {
                    let sent = std::mem::replace(request.uri_mut(), target).into_parts().path_and_query;
                    if let Some(sent) = sent.filter(|_| tells) {
                        request.extensions_mut().insert(AsSent(sent));
                    }
                }
                self.keywords.refusal(request.headers(), request.version())
            }
            // The server as a whole, whatever its mounts (RFC 9110, section 9.3.7).
            Err(_) if request.method() == Method::OPTIONS && request.uri().path() == "*" => {
                let keyword = self.keywords.refusal(request.headers(), request.version());
                Some(keyword.unwrap_or_else(server_options))
            }
            Err(refusal) => Some(refusal.response()),
        }
    }

    /// The answer to a request that was refused before it became one: bytes that are not HTTP, or came too slowly.
    /// It is that of the vhost that `host` names.
    pub(crate) fn refusal(
        &self,
        connection: &ConnectionFacts,
        host: Option<&str>,
        status: StatusCode,
        words: &str,
    ) -> Response<String> {
        let vhost = self.vhost(self.hosts(connection.listener).select(host).0);
        let mut response = page_of(status, words);
        vhost.headers.apply(response.headers_mut());
        vhost.demands.in_clear(connection, &mut response);
        response
    }

    /// Counts a request that was refused before it became one, for the vhost that `host` names.
    pub(crate) fn count_refusal(&self, connection: &ConnectionFacts, host: Option<&str>, status: StatusCode) {
        let id = self.hosts(connection.listener).select(host).0;
        self.shared.served.begin(id, Version::HTTP_11, None).answered(status);
    }

    /// The line for the log of that vhost; `head` is what came of the request.
    pub(crate) fn log_refusal(
        &self,
        connection: &ConnectionFacts,
        host: Option<&str>,
        head: &[u8],
        status: StatusCode,
    ) -> Option<Entry> {
        let vhost = self.vhost(self.hosts(connection.listener).select(host).0);
        Some(vhost.log.as_ref()?.begin_refused(connection, head, status))
    }

    /// The vhost that answers, and whether the request may be served at all.
    fn admit<B>(&self, listener: ListenerId, request: &Request<B>) -> (VhostId, Result<(), Refusal>) {
        let select =
            |host| self.only[listener.index()].unwrap_or_else(|| self.hosts(listener).select(host).0);
        match admit::host(request) {
            Ok(host) => (select(host), Ok(())),
            Err(refusal) => (select(None), Err(refusal)),
        }
    }

    fn vhost(&self, id: VhostId) -> &VhostSite {
        self.vhosts[id.index()].get_or_init(|| VhostSite::build(&self.shared, id))
    }
}

impl VhostSite {
    fn build(shared: &Shared, id: VhostId) -> Self {
        let vhost = shared.plan.vhost(id);
        let server = shared.plan.global().server_string.and_then(|text| HeaderValue::from_str(text).ok());
        let stack = Stack::new(&vhost, server);
        let (protocols, words) =
            VhostProtocols::start(&vhost, &shared.registry, Some(&shared.served), |place| {
                shared.plan.describe(place)
            });
        words.iter().for_each(|word| tracing::warn!("{word}"));
        let pingpong = shared.plan.global().ws_pingpong;
        let listeners = shared.plan.listeners().listeners;
        let strict = StrictHost::new(&vhost, vhost.listener.and_then(|id| listeners.get(id.index())));
        let upgrades = VhostUpgrades::new(&vhost, strict, protocols, pingpong, shared.drain.clone());
        let build = |vhost: &Vhost<'_>| router(shared, id, vhost, &stack, &upgrades);
        let router = build(&vhost);
        let hands_on = |mount: &Mount<'_>| {
            let waits =
                matches!(mount.origin, Origin::Proxy(_) | Origin::Cgi { .. } | Origin::Callback { .. });
            waits || !mount.interpret.is_empty()
        };
        let tells = vhost.mounts.iter().any(hands_on);
        let demands = Demands::new(id, &vhost, shared.plan.global().default_alpn);
        let log = shared.logs.of(&vhost);
        let headers = stack.vhost_headers(&vhost);
        let keep_alive = vhost.keepalive_timeout.into();
        let complaints = Complaints::of_vhost(&shared.plan.describe(vhost.place), &vhost);
        let upgrades = without_leaving_mounts(vhost).map(|vhost| build(&vhost));
        Self { router, upgrades, headers, demands, tells, log, complaints, keep_alive }
    }

    async fn serve(&self, request: Request<Body>) -> Response<Body> {
        let router = match &self.upgrades {
            Some(upgrades) if asks_for_websocket(&request) => upgrades,
            _ => &self.router,
        };
        let Ok(mut response) = router.call(request).await;
        if !self.tells {
            return response;
        }
        // A program may name another path of this vhost, which is asked as if the client had.
        for _ in 0..MOST_REDIRECTS {
            let Some(redirect) = response.extensions_mut().remove::<LocalRedirect>() else { return response };
            let Ok(next) = self.router.call(redirect.request()).await;
            response = next;
        }
        match response.extensions().get::<LocalRedirect>() {
            None => response,
            Some(_) => {
                let words = format!("CGI programs name each other's paths, {MOST_REDIRECTS} times in a row");
                self.refuse(Refusal::BadGateway.because(words))
            }
        }
    }

    fn refuse(&self, mut refusal: Response<Body>) -> Response<Body> {
        // No service gave it, so it never becomes a redirect to the error document.
        self.headers.apply(refusal.headers_mut());
        refusal
    }
}

/// The vhost without its mounts with `no-ws-upgrades`; `None` if it has none.
fn without_leaving_mounts(mut vhost: Vhost<'_>) -> Option<Vhost<'_>> {
    let before = vhost.mounts.len();
    vhost.mounts.retain(|mount| !mount.no_ws_upgrades);
    (vhost.mounts.len() < before).then_some(vhost)
}

/// Where there are protocols, or upstreams that may have some.
fn opens_websockets(plan: &Plan, registry: &Registry, listener: &Listener<'_>) -> bool {
    let mut vhosts = listener.vhosts.iter().map(|&id| plan.vhost(id));
    let is_proxy = |mount: &Mount<'_>| matches!(mount.origin, Origin::Proxy(_));
    let opens =
        |protocol: &Protocol<'_>| registry.find(protocol.name).is_some_and(|found| found.websockets());
    vhosts.any(|vhost| vhost.protocols.iter().any(opens) || vhost.mounts.iter().any(is_proxy))
}
