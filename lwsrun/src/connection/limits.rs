//! What a client may take of a connection: the limits that have keys in `global`, and their defaults.
//!
//! All limits stand in `lwsrun/LIMITS.md`.

use std::time::Duration;

use schemas::plan::Global;

use crate::request::in_flight::MOST;

/// The longest request line, in bytes.
const LINE: usize = 8 << 10;

/// The largest head, in bytes, all of its line ends included.
const HEAD: usize = 32 << 10;

/// The most fields of a head: hyper's own limit, up to which it keeps them off the heap.
pub(super) const FIELDS: usize = 100;

/// The slowest peer that is waited for, in bytes a second.
const RATE: u64 = 64;

/// The limits of each connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// What the head of a request may be.
    pub(super) head: HeadLimits,
    /// `limit-requests`: requests of HTTP/2 that wait at once in a worker, beyond one of each connection.
    pub(super) waiting: usize,
    /// `min-request-rate`: content, while it is waited for.
    pub(super) request_rate: Rate,
    /// `min-response-rate`: an answer, while there is more of it.
    pub(super) response_rate: Rate,
}

/// The slowest that a peer may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate {
    /// Bytes a second. 0: however slow.
    pub(super) a_second: u64,
    /// The time over which it is taken.
    pub(super) over: Duration,
}

/// What the head of a request may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HeadLimits {
    /// `limit-request-line`: bytes of the request line; more are answered 414.
    pub(super) line: usize,
    /// `limit-request-head`: bytes of all of it; more are answered 431. In HTTP/2, where many come at once, half as many.
    pub(super) size: usize,
    /// `limit-request-fields`: its fields; more are answered 431.
    pub(super) fields: usize,
}

impl Limits {
    /// The limits of a plan, whose `timeout-secs` is `timeout`. Rates are taken over a multiple of it, so that whoever
    /// stalls for a moment is not cut: over twice that time for content, and four times for answers, because the kernel
    /// says that there is room again only once a third of its buffer is free.
    pub(crate) fn new(global: &Global<'_>, timeout: Duration) -> Self {
        let rate = |key: Option<u32>, over| Rate { a_second: key.map_or(RATE, u64::from), over };
        let keys = global.limits;
        let or = |key: Option<u32>, default| key.and_then(|key| usize::try_from(key).ok()).unwrap_or(default);
        Self {
            head: HeadLimits {
                line: or(keys.request_line, LINE),
                size: or(keys.request_head, HEAD),
                fields: or(keys.request_fields, FIELDS),
            },
            waiting: or(keys.requests, MOST),
            request_rate: rate(keys.request_rate, timeout * 2),
            response_rate: rate(keys.response_rate, timeout * 4),
        }
    }
}

impl Rate {
    /// The fewest bytes over that time.
    pub(super) fn bytes(self) -> u64 {
        self.a_second.saturating_mul(self.over.as_secs())
    }
}

impl HeadLimits {
    /// The largest head in HTTP/2.
    pub(super) fn in_http2(&self) -> u32 {
        u32::try_from(self.size / 2).unwrap_or(u32::MAX)
    }
}

impl Default for HeadLimits {
    fn default() -> Self {
        Self { line: LINE, size: HEAD, fields: FIELDS }
    }
}
