//! How many files a test may have open.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Lets this process have as many files open as it may; whether that is so many, which the server can have then as well. If
/// not, says that the test is skipped.
///
/// # Panics
/// If the limit cannot be set.
#[must_use]
#[allow(clippy::print_stderr, reason = "a test that is skipped says so")]
pub fn has_room(files: u64) -> bool {
    let limit = getrlimit(Resource::Nofile);
    let enough = limit.maximum.is_none_or(|most| most >= files);
    if enough {
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })
            .expect("a limit that is allowed");
    } else {
        eprintln!("skipped: this user may not have {files} files open");
    }
    enough
}
