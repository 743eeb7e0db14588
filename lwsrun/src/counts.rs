//! What the server has done so far, in numbers, for `lws-server-status`.
//!
//! A number is added up without a lock, by whichever worker does the work. Bytes, connections and CGI programs are not
//! counted yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use http::{StatusCode, Version};
use schemas::plan::{Plan, VhostId};

/// A plan, and what was done with it.
pub(crate) struct Served {
    pub(crate) plan: Arc<Plan>,
    pub(crate) began: Instant,
    vhosts: Box<[Counts]>,
}

/// The numbers of one vhost.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    http1: AtomicU64,
    http2: AtomicU64,
    websockets: AtomicU64,
    websockets_http2: AtomicU64,
    refused: AtomicU64,
}

/// The numbers as they were at a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Requests of HTTP/1.
    pub(crate) http1: u64,
    /// Requests of HTTP/2.
    pub(crate) http2: u64,
    /// Websockets that were opened, in either way.
    pub(crate) websockets: u64,
    /// Of them those over HTTP/2.
    pub(crate) websockets_http2: u64,
    /// Requests that were answered with 400 or more.
    pub(crate) refused: u64,
}

impl Served {
    /// Of a plan that is served from now on.
    pub(crate) fn new(plan: Arc<Plan>) -> Self {
        let vhosts = plan.vhost_ids().map(|_| Counts::default()).collect();
        Self { plan, began: Instant::now(), vhosts }
    }

    /// Counts an answer.
    pub(crate) fn count(&self, vhost: VhostId, version: Version, status: StatusCode, websocket: bool) {
        let Some(counts) = self.vhosts.get(vhost.index()) else { return };
        let http2 = version == Version::HTTP_2;
        let add = |number: &AtomicU64| number.fetch_add(1, Ordering::Relaxed);
        add(if http2 { &counts.http2 } else { &counts.http1 });
        if websocket {
            add(&counts.websockets);
            if http2 {
                add(&counts.websockets_http2);
            }
        } else if status.as_u16() >= 400 {
            add(&counts.refused);
        }
    }

    /// The numbers of a vhost.
    pub(crate) fn of(&self, vhost: VhostId) -> Tally {
        self.vhosts.get(vhost.index()).map(Counts::tally).unwrap_or_default()
    }
}

impl Counts {
    fn tally(&self) -> Tally {
        let Self { http1, http2, websockets, websockets_http2, refused } = self;
        let now = |number: &AtomicU64| number.load(Ordering::Relaxed);
        Tally {
            http1: now(http1),
            http2: now(http2),
            websockets: now(websockets),
            websockets_http2: now(websockets_http2),
            refused: now(refused),
        }
    }
}

impl std::ops::Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            http1: self.http1 + other.http1,
            http2: self.http2 + other.http2,
            websockets: self.websockets + other.websockets,
            websockets_http2: self.websockets_http2 + other.websockets_http2,
            refused: self.refused + other.refused,
        }
    }
}
