//! The last frame of a connection that does not end by h2's own doing, which hyper does not let us ask for.

/// GOAWAY to a client that floods (RFC 9113, section 7: `ENHANCE_YOUR_CALM`). It does not say which streams were
/// processed: hyper keeps their numbers to itself.
pub(super) const FLOOD: [u8; 17] = goaway(0x7fff_ffff, 11);

/// GOAWAY (`NO_ERROR`) to a client none of whose requests was processed: it may ask again elsewhere.
pub(super) const NOTHING_DONE: [u8; 17] = goaway(0, 0);

/// GOAWAY (RFC 9113, section 6.8): the last stream that may have been processed, and the error.
const fn goaway(last: u32, error: u8) -> [u8; 17] {
    let [a, b, c, d] = last.to_be_bytes();
    [0, 0, 8, 7, 0, 0, 0, 0, 0, a, b, c, d, 0, 0, 0, error]
}
