//! Tests of what not every machine has.

use std::io::Write;
use std::thread;

/// Says that the test of this thread is skipped, and why.
///
/// Straight to standard error: what a test prints is shown only when it fails, and this one passes.
pub fn skip(why: &str) {
    let thread = thread::current();
    let test = thread.name().unwrap_or("a test");
    let _ = writeln!(std::io::stderr(), "skipped: {test}: {why}");
}
