//! Connections to upstreams that are open, of one worker: those that are idle, to be used again, and how many there are.
//!
//! A worker's connections are its own, so there is nothing to lock. Idle ones are watched by one task, the reaper, which
//! drops those that their upstreams close, and those that have been idle for [`MAX_IDLE_TIME`].

mod connecting;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, Interval, interval};

use super::connect::{Offer, Version, connect};
use super::fault::Fault;
use super::http1::Http1;
use super::http2::{Http2, MAX_STREAMS};
use super::origin::Origin;

use self::connecting::{Connecting, Opening, under_way};

/// The most idle connections of a worker to one upstream.
const MAX_IDLE: usize = 64;

/// The longest that a connection stays idle.
const MAX_IDLE_TIME: Duration = Duration::from_secs(30);

/// How long an idle connection counts as fresh. What must not be sent twice goes on a fresh one or a new one: servers
/// close idle connections after some seconds, and a request that crosses the end of its connection is lost.
const FRESH: Duration = Duration::from_secs(1);

/// How often idle connections are looked at for their age.
const ROUND: Duration = Duration::from_secs(5);

thread_local! {
    static POOLS: RefCell<Pools> = RefCell::default();
}

#[derive(Default)]
struct Pools {
    by_origin: BTreeMap<u64, Pool>,
    /// The reaper's, while it runs.
    reaper: Option<Waker>,
}

#[derive(Default)]
struct Pool {
    /// The longest idle first. In boxes, as everywhere: they are large and change hands often.
    #[allow(clippy::vec_box, reason = "an idle connection goes as it came")]
    idle: Vec<Box<Http1>>,
    /// More than one where one cannot take all requests.
    http2: Vec<Http2>,
    connecting: Vec<Arc<Connecting>>,
    /// How many requests at once the last new connection takes.
    share: Option<usize>,
    open: Arc<AtomicUsize>,
}

/// A connection that is open; counted until this is dropped.
#[derive(Debug)]
pub(super) struct Ticket(Arc<AtomicUsize>);

/// A connection for one request.
pub(super) enum Lease {
    Http1(Box<Http1>),
    Http2(Box<Http2>),
}

/// A connection for a request: one that is open, else a new one.
///
/// `repeatable`: it does no harm if the request is sent twice.
pub(super) async fn lease(origin: &Origin, repeatable: bool) -> Result<Lease, Fault> {
    match idle(origin, repeatable) {
        Some(lease) => Ok(lease),
        // Rare, and large: requests on open connections need not carry the room for it.
        None => Box::pin(new(origin)).await,
    }
}

/// A new connection: one that is being opened if it may carry this request too, else another. So the first requests that
/// come to an upstream of HTTP/2 at the same time do not open one each.
pub(super) async fn new(origin: &Origin) -> Result<Lease, Fault> {
    let deadline = Instant::now() + origin.limits().connect;
    while let Some(connecting) = expected(origin) {
        connecting.over().await?;
        if let Some(lease) = with(|pools| pools.by_origin.get_mut(&origin.id())?.http2()).flatten() {
            return Ok(lease);
        }
    }
    let ticket = ticket(origin)?;
    let opening = Opening::new(origin);
    open(origin, ticket, deadline).await.map_err(|fault| opening.failed(fault))
}

/// A connection that is being opened and may carry one request more.
fn expected(origin: &Origin) -> Option<Arc<Connecting>> {
    with(|pools| {
        let pool = pools.by_origin.get(&origin.id())?;
        // Before the first is open: only TLS can lead to HTTP/2.
        let guess = if origin.is_secure() { MAX_STREAMS } else { 1 };
        under_way(pool, pool.share.unwrap_or(guess))
    })?
}

async fn open(origin: &Origin, ticket: Ticket, deadline: Instant) -> Result<Lease, Fault> {
    let (lease, share) = match connect(origin, Offer::All, deadline).await? {
        (stream, Version::Http1) => (Lease::Http1(Http1::new(stream, ticket, origin.limits())), 1),
        (stream, Version::Http2) => {
            let http2 = Http2::new(stream, ticket, deadline, origin.limits()).await?;
            keep(origin, &http2);
            let share = http2.share();
            (Lease::Http2(Box::new(http2)), share)
        }
    };
    with(|pools| pools.by_origin.entry(origin.id()).or_default().share = Some(share));
    Ok(lease)
}

/// Counts a connection.
///
/// # Errors
/// If there are as many as the mount allows.
pub(super) fn ticket(origin: &Origin) -> Result<Ticket, Fault> {
    let most = origin.limits().connections;
    let open = with(|pools| {
        let pool = pools.by_origin.entry(origin.id()).or_default();
        if pool.open.load(Ordering::Relaxed) >= most {
            // Idle ones make room: they are not fresh, or they would have been taken.
            return (Arc::clone(&pool.open), pool.idle.pop());
        }
        (Arc::clone(&pool.open), None)
    });
    let (open, dropped) = open.ok_or(Fault::Crowded(most))?;
    drop(dropped);
    if open.load(Ordering::Relaxed) >= most {
        return Err(Fault::Crowded(most));
    }
    open.fetch_add(1, Ordering::Relaxed);
    Ok(Ticket(open))
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Puts a connection back after its answer has ended, if it can take another request.
pub(super) fn put(origin: u64, mut connection: Box<Http1>) {
    let kept = with(|pools| {
        let waker = pools.reaper.as_ref().unwrap_or(Waker::noop());
        if !connection.is_idle(waker) {
            return (Some(connection), false);
        }
        connection.rest();
        let pool = pools.by_origin.entry(origin).or_default();
        pool.idle.push(connection);
        let oldest = (pool.idle.len() > MAX_IDLE).then(|| pool.idle.remove(0));
        (oldest, pools.reaper.is_none())
    });
    // What is dropped is dropped here, where nothing is borrowed.
    if let Some((_, true)) = kept {
        reap();
    }
}

/// Keeps an HTTP/2 connection for other requests.
fn keep(origin: &Origin, http2: &Http2) {
    let first = with(|pools| {
        let pool = pools.by_origin.entry(origin.id()).or_default();
        pool.http2.push(http2.again());
        pools.reaper.is_none()
    });
    if first == Some(true) {
        reap();
    }
}

fn idle(origin: &Origin, repeatable: bool) -> Option<Lease> {
    with(|pools| {
        let pool = pools.by_origin.get_mut(&origin.id())?;
        if let Some(lease) = pool.http2() {
            return Some(lease);
        }
        let fresh = |connection: &Http1| connection.idle_since.is_some_and(|since| since.elapsed() < FRESH);
        loop {
            let mut connection = pool.idle.pop_if(|connection| repeatable || fresh(connection))?;
            // Its end may have come, and the reaper's turn not yet.
            if connection.is_idle(Waker::noop()) {
                return Some(Lease::Http1(connection));
            }
        }
    })?
}

impl Pool {
    /// An HTTP/2 connection that takes one request more: the newest, so that others come to be idle.
    fn http2(&mut self) -> Option<Lease> {
        let http2 = self.http2.iter_mut().rev().find_map(|http2| http2.has_room().then_some(http2))?;
        http2.last_used = Instant::now();
        Some(Lease::Http2(Box::new(http2.clone())))
    }
}

/// Starts the reaper.
fn reap() {
    let mut round = interval(ROUND);
    tokio::spawn(poll_fn(move |cx| {
        let dropped = with(|pools| pools.reap(&mut round, cx));
        // With the thread's pools gone there is nothing left to do.
        dropped.map_or(Poll::Ready(()), |(_, more)| if more { Poll::Pending } else { Poll::Ready(()) })
    }));
}

impl Pools {
    #[allow(clippy::vec_box, reason = "an idle connection goes as it came")]
    /// Takes out what is closed or too old, and waits for more of it; whether there is anything left to wait for.
    fn reap(&mut self, round: &mut Interval, cx: &mut Context<'_>) -> (Vec<Box<Http1>>, bool) {
        while round.poll_tick(cx).is_ready() {}
        self.reaper = Some(cx.waker().clone());
        let mut dropped = Vec::new();
        for pool in self.by_origin.values_mut() {
            let is_over = |connection: &mut Box<Http1>| {
                let old = connection.idle_since.is_some_and(|since| since.elapsed() > MAX_IDLE_TIME);
                old || !connection.is_idle(cx.waker())
            };
            dropped.extend(pool.idle.extract_if(.., is_over));
            pool.http2.retain_mut(|http2| !http2.is_closed() && http2.last_used.elapsed() <= MAX_IDLE_TIME);
        }
        // A pool whose count somebody holds has connections in use.
        self.by_origin.retain(|_, pool| {
            !pool.idle.is_empty() || !pool.http2.is_empty() || Arc::strong_count(&pool.open) > 1
        });
        let more = self.by_origin.values().any(|pool| !pool.idle.is_empty() || !pool.http2.is_empty());
        if !more {
            self.reaper = None;
        }
        (dropped, more)
    }
}

/// `None` if the thread is ending and its pools are gone.
fn with<T>(use_them: impl FnOnce(&mut Pools) -> T) -> Option<T> {
    POOLS.try_with(|pools| use_them(&mut pools.borrow_mut())).ok()
}
