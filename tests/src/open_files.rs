//! How many files a test may have open.

use crate::skip::skip;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Lets this process have as many files open as it may, whatever those who started it thought of.
///
/// # Panics
/// If the limit cannot be set.
pub fn open_as_many_as_allowed() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).expect("a limit that is allowed");
}

/// Whether this process, and a server as well, may have so many files open. If not, says that the test is skipped.
#[must_use]
pub fn has_room(files: u64) -> bool {
    open_as_many_as_allowed();
    let enough = getrlimit(Resource::Nofile).maximum.is_none_or(|most| most >= files);
    if !enough {
        skip(&format!("this user may not have {files} files open"));
    }
    enough
}
