//! What a client may take: keys of `global` that lwsws does not have.

use crate::plan::codec::{BorrowDecode, Encode};

/// The limits of `global`. `None` where the config is silent: the server has the default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Limits {
    /// `limit-request-line`: bytes of a request line, within [`LINE`](Self::LINE).
    pub request_line: Option<u32>,
    /// `limit-request-head`: bytes of a request's head, within [`HEAD`](Self::HEAD).
    pub request_head: Option<u32>,
    /// `limit-request-fields`: fields of a request's head, within [`FIELDS`](Self::FIELDS).
    pub request_fields: Option<u32>,
    /// `limit-request-body`: bytes of a request's content. 0: no limit.
    pub request_body: Option<u64>,
    /// `limit-requests`: requests of HTTP/2 that wait at once in each worker, beyond one of each connection; at least 1.
    pub requests: Option<u32>,
    /// `min-request-rate`: bytes a second that a client must send of a request's content. 0: none.
    pub request_rate: Option<u32>,
    /// `min-response-rate`: bytes a second that a client must take of an answer. 0: none.
    pub response_rate: Option<u32>,
}

impl Limits {
    /// The range of `limit-request-line`.
    pub const LINE: std::ops::RangeInclusive<u32> = 256..=65_536;
    /// The range of `limit-request-head`.
    pub const HEAD: std::ops::RangeInclusive<u32> = 1024..=262_144;
    /// The range of `limit-request-fields`.
    pub const FIELDS: std::ops::RangeInclusive<u32> = 10..=1000;
}
