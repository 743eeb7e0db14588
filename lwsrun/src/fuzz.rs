//! What the fuzz targets call: parts of the server, given any bytes, with what must hold of them.
//!
//! Each target panics where something does not hold. The corpus in `tests/fuzz/corpus` is replayed by the tests below.

pub use crate::connection::fuzz::head_guard;
pub use crate::protocol::post_demo_fuzz::post_form;
pub use crate::response::handler::cgi::fuzz::cgi_head;
pub use crate::response::handler::file::fuzz::{conditions, ranges};
pub use crate::response::handler::file::fuzz_paths::paths;
pub use crate::response::handler::proxy::fuzz::answers;
pub use crate::response::handler::ws::fuzz::{ws_deflate, ws_frames};

/// Input cut as a peer may cut it: into pieces of these lengths in turn, of one byte at least.
pub(crate) fn pieces<'b>(bytes: &'b [u8], lengths: &[u8]) -> Vec<&'b [u8]> {
    let (mut rest, mut pieces) = (bytes, Vec::new());
    for length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, next) = rest.split_at(usize::from(*length).clamp(1, rest.len()));
        pieces.push(piece);
        rest = next;
    }
    pieces
}

#[cfg(test)]
#[path = "../../tests/fuzz/src/replay.rs"]
mod replay;

#[cfg(test)]
mod tests {
    use super::replay::replay;

    #[test]
    fn head_guard() {
        replay("head_guard", super::head_guard);
    }

    #[test]
    fn answers() {
        replay("answers", super::answers);
    }

    #[test]
    fn paths() {
        replay("paths", super::paths);
    }

    #[test]
    fn ranges() {
        replay("ranges", super::ranges);
    }

    #[test]
    fn conditions() {
        replay("conditions", super::conditions);
    }

    #[test]
    fn ws_frames() {
        replay("ws_frames", super::ws_frames);
    }

    #[test]
    fn ws_deflate() {
        replay("ws_deflate", super::ws_deflate);
    }

    #[test]
    fn cgi_head() {
        replay("cgi_head", super::cgi_head);
    }

    #[test]
    fn post_form() {
        replay("post_form", super::post_form);
    }
}
