//! What is wrong with a mount, or with a vhost, in the server's log: with its `file:line`, and within a bound, since
//! whoever sends requests makes these lines.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use schemas::plan::{Mount, Vhost};

/// Lines in each [`PERIOD`]; more are counted. Enough for the traces of a few programs that crash.
const MOST: u32 = 50;

const PERIOD: Duration = Duration::from_secs(10);

/// The longest line, in characters; the rest of it is left out.
pub(crate) const LONGEST: usize = 2048;

/// The log of one mount or vhost.
#[derive(Debug)]
pub(crate) struct Complaints {
    /// `file:line: mount …`
    subject: String,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    begun: Instant,
    told: u32,
    untold: u64,
}

impl Complaints {
    /// Of a mount at its `file:line`.
    pub(crate) fn of_mount(place: &str, mount: &Mount<'_>) -> Self {
        Self::new(format!("{place}: mount `{}`", mount.mountpoint))
    }

    /// Of a vhost at its `file:line`: of what belongs to no mount.
    pub(crate) fn of_vhost(place: &str, vhost: &Vhost<'_>) -> Self {
        Self::new(format!("{place}: vhost `{}`", vhost.name))
    }

    fn new(subject: String) -> Self {
        Self { subject, state: Mutex::new(State { begun: Instant::now(), told: 0, untold: 0 }) }
    }

    /// Tells what is wrong. Whatever the words are of, they neither end the line nor move the cursor of a terminal.
    pub(crate) fn tell(&self, words: &str) {
        let Some(untold) = self.may_tell(Instant::now()) else { return };
        let subject = &self.subject;
        if untold > 0 {
            tracing::warn!("{subject}: {untold} more lines were left out");
        }
        tracing::warn!("{subject}: {}", plain(words));
    }

    /// Whether a line may be told, and how many could not before.
    fn may_tell(&self, now: Instant) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(state.begun) >= PERIOD {
            (state.begun, state.told) = (now, 0);
        }
        if state.told >= MOST {
            state.untold += 1;
            return None;
        }
        state.told += 1;
        Some(std::mem::take(&mut state.untold))
    }
}

fn plain(words: &str) -> Cow<'_, str> {
    let is_plain = |c: char| !c.is_control() || c == '\t';
    if words.len() <= LONGEST && words.chars().all(is_plain) {
        return Cow::Borrowed(words);
    }
    words.chars().take(LONGEST).map(|c| if is_plain(c) { c } else { '\u{fffd}' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted() {
        let complaints = Complaints::new("x:1: mount `/`".to_owned());
        let begun = complaints.state.lock().unwrap().begun;
        let told = (0..1000).filter(|_| complaints.may_tell(begun).is_some()).count();
        assert_eq!(told, usize::try_from(MOST).unwrap());
        assert_eq!(complaints.may_tell(begun + PERIOD), Some(1000 - u64::from(MOST)));
        assert_eq!(complaints.may_tell(begun + PERIOD), Some(0));
    }

    #[test]
    fn nothing_ends_a_line_or_makes_a_long_one() {
        assert_eq!(plain("a\tb\u{e9}"), "a\tb\u{e9}");
        assert_eq!(plain("a\n\x1b[31m\u{85}b"), "a\u{fffd}\u{fffd}[31m\u{fffd}b");
        assert_eq!(plain(&"\u{e9}".repeat(60_000)).chars().count(), LONGEST);
    }
}
