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
        let whole = text.matches('\n').count();
        if whole >= count {
            return text.lines().map(str::to_owned).collect();
        }
        assert!(Instant::now() < deadline, "{whole} of {count} lines in {}:\n{text}", path.display());
        sleep(Duration::from_millis(2));
    }
}
