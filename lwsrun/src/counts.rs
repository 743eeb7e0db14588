//! What the server has done so far, in numbers, for `lws-server-status`.
//!
//! What counts is what the client is answered, by whomever: a handler, or the connection that refuses the request for it.
//! A number is added up without a lock, by whichever worker does the work. Bytes and connections are not counted
//! yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use http::{StatusCode, Version};
use schemas::plan::{Plan, VhostId};

use crate::connection::Cut;

/// A plan, and what was done with it.
pub(crate) struct Served {
    pub(crate) plan: Arc<Plan>,
    pub(crate) began: Instant,
    /// CGI programs of all vhosts.
    pub(crate) programs: Arc<Programs>,
    vhosts: Box<[Counts]>,
}

/// How many CGI programs there were, and are.
#[derive(Debug, Default)]
pub(crate) struct Programs {
    started: AtomicU64,
    ended: AtomicU64,
}

/// A CGI program that runs, for as long as this lives.
#[derive(Debug)]
pub(crate) struct Alive(Arc<Programs>);

/// The numbers of one vhost.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    http1: AtomicU64,
    http2: AtomicU64,
    websockets: AtomicU64,
    websockets_http2: AtomicU64,
    refused: AtomicU64,
}

/// A request, which is counted when this is dropped: by what was answered, if anything was before its client left.
pub(crate) struct Counted<'a> {
    counts: Option<&'a Counts>,
    http2: bool,
    cut: Option<&'a Cut>,
    answer: Answer,
}

enum Answer {
    None,
    Websocket,
    Status(StatusCode),
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
    /// Requests that were answered with 400 or more, also below HTTP.
    pub(crate) refused: u64,
}

impl Served {
    /// Of a plan that is served from now on.
    pub(crate) fn new(plan: Arc<Plan>) -> Self {
        let vhosts = plan.vhost_ids().map(|_| Counts::default()).collect();
        Self { plan, began: Instant::now(), programs: Arc::default(), vhosts }
    }

    /// Begins to count a request. `cut`: where its connection tells that it has answered by itself.
    pub(crate) fn begin<'a>(&'a self, vhost: VhostId, version: Version, cut: Option<&'a Cut>) -> Counted<'a> {
        let counts = self.vhosts.get(vhost.index());
        Counted { counts, http2: version == Version::HTTP_2, cut, answer: Answer::None }
    }

    /// The numbers of a vhost.
    pub(crate) fn of(&self, vhost: VhostId) -> Tally {
        self.vhosts.get(vhost.index()).map(Counts::tally).unwrap_or_default()
    }
}

impl Counted<'_> {
    /// It is answered with that status. The last answer counts.
    pub(crate) fn answered(&mut self, status: StatusCode) {
        self.answer = Answer::Status(status);
    }

    /// It has become a websocket.
    pub(crate) fn opened_websocket(&mut self) {
        self.answer = Answer::Websocket;
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        let Self { counts: Some(counts), http2, cut, answer } = self else { return };
        let add = |number: &AtomicU64| number.fetch_add(1, Ordering::Relaxed);
        add(if *http2 { &counts.http2 } else { &counts.http1 });
        let cut = cut.and_then(Cut::answer).map(|(status, _)| status);
        match (cut, answer) {
            (None, Answer::None) => {}
            (None, Answer::Websocket) => {
                add(&counts.websockets);
                if *http2 {
                    add(&counts.websockets_http2);
                }
            }
            (Some(status), _) | (None, &mut Answer::Status(status)) => {
                if status.as_u16() >= 400 {
                    add(&counts.refused);
                }
            }
        }
    }
}

impl Programs {
    /// How many were started.
    pub(crate) fn started(&self) -> u64 {
        self.started.load(Ordering::Relaxed)
    }

    /// How many run.
    pub(crate) fn alive(&self) -> u64 {
        // In this order there are never more that have ended.
        let ended = self.ended.load(Ordering::Acquire);
        self.started().saturating_sub(ended)
    }
}

impl Alive {
    /// One was started.
    pub(crate) fn new(programs: Arc<Programs>) -> Self {
        programs.started.fetch_add(1, Ordering::Relaxed);
        Self(programs)
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Release);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_answered_last_counts_and_each_request_once() {
        let counts = Counts::default();
        let begin = |http2| Counted { counts: Some(&counts), http2, cut: None, answer: Answer::None };
        // The client left before there was an answer.
        drop(begin(false));
        begin(false).answered(StatusCode::OK);
        let mut late = begin(true);
        late.answered(StatusCode::OK);
        late.answered(StatusCode::REQUEST_TIMEOUT);
        drop(late);
        begin(true).opened_websocket();
        let tally = Tally { http1: 2, http2: 2, websockets: 1, websockets_http2: 1, refused: 1 };
        assert_eq!(counts.tally(), tally);
    }
}
