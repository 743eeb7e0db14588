//! Lines that a program writes to a file while a test waits for them.

use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::PATIENCE;

/// The lines of a file, as soon as there are at least `count` whole ones.
///
/// # Panics
/// If they do not come, with those that did.
#[must_use]
pub fn lines(path: &Path, count: usize) -> Vec<String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned();
        // What follows the last line end is still being written.
        let end = text.rfind('\n').map_or(0, |at| at + 1);
        let whole: Vec<_> = text[..end].lines().map(str::to_owned).collect();
        if whole.len() >= count {
            return whole;
        }
        assert!(Instant::now() < deadline, "{} of {count} lines in {}:\n{text}", whole.len(), path.display());
        sleep(Duration::from_millis(2));
    }
}
