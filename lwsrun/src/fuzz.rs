//! What the fuzz targets call: parts of the server, given any bytes, with what must hold of them.
//!
//! Each target panics where something does not hold. The corpus in `tests/fuzz/corpus` is replayed by the tests below.

pub use crate::connection::fuzz::head_guard;
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
mod tests {
    use std::fs;
    use std::path::Path;

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

    fn replay(target: &str, run: fn(&[u8])) {
        let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz");
        let source = fuzz.join("fuzz_targets").join(target).with_extension("rs");
        assert!(source.exists(), "there is no such target");
        let mut inputs = 0;
        for entry in fs::read_dir(fuzz.join("corpus").join(target)).unwrap() {
            let path = entry.unwrap().path();
            let input = fs::read(&path).unwrap();
            let done = std::panic::catch_unwind(|| run(&input));
            assert!(done.is_ok(), "{}", path.display());
            inputs += 1;
        }
        assert!(inputs >= 10, "the corpus of {target} is gone");
    }
}
