//! What is wrong with a mount, or with a vhost, in the server's log: with its `file:line`, and within a bound, since
//! whoever sends requests makes these lines.
//!
//! What programs write to standard error is bounded by itself: however much that is, it takes no line of an answer of 5xx
//! away. Lines that are left out are counted, and their number is told when the period is over.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use schemas::plan::{Mount, Vhost};
use tokio::runtime::Handle;

/// Lines of each kind in each [`PERIOD`]; more are counted. Enough for the traces of a few programs that crash.
const MOST: u32 = 50;

const PERIOD: Duration = Duration::from_secs(10);

/// The longest line, in characters; the rest of it is left out.
pub(crate) const LONGEST: usize = 2048;

/// The log of one mount or vhost.
#[derive(Debug)]
pub(crate) struct Complaints {
    faults: Arc<Lines>,
    stderr: Arc<Lines>,
}

/// Lines of one kind.
#[derive(Debug)]
struct Lines {
    /// `file:line: mount …`, and the kind, if that has a name.
    subject: String,
    budget: Mutex<Budget>,
}

/// What there is of lines in a period.
#[derive(Debug)]
struct Budget {
    begun: Instant,
    told: u32,
    untold: u64,
}

/// What becomes of a line.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// It is told, behind so many that could not be.
    Told(u64),
    /// It is left out, the first one for so long before their number is told.
    First(Duration),
    /// It is left out as others were.
    Another,
}

impl Complaints {
    /// Of a mount at its `file:line`.
    pub(crate) fn of_mount(place: &str, mount: &Mount<'_>) -> Self {
        Self::new(&format!("{place}: mount `{}`", mount.mountpoint))
    }

    /// Of a vhost at its `file:line`: of what belongs to no mount.
    pub(crate) fn of_vhost(place: &str, vhost: &Vhost<'_>) -> Self {
        Self::new(&format!("{place}: vhost `{}`", vhost.name))
    }

    /// Of the docroot of a mount at its `file:line`: of what is wrong there although the request is answered.
    pub(crate) fn of_docroot(place: &str, path: &str) -> Self {
        Self::new(&format!("{place}: docroot `{path}`"))
    }

    fn new(subject: &str) -> Self {
        Self { faults: Lines::of(subject.to_owned()), stderr: Lines::of(format!("{subject}: stderr")) }
    }

    /// Tells what is wrong. Whatever the words are of, they neither end the line nor move the cursor of a terminal.
    pub(crate) fn tell(&self, words: &str) {
        self.faults.tell(words);
    }

    /// Tells a line that a program has written to standard error, in the same way.
    pub(crate) fn tell_stderr(&self, line: &str) {
        self.stderr.tell(line);
    }
}

impl Lines {
    fn of(subject: String) -> Arc<Self> {
        let budget = Budget { begun: Instant::now(), told: 0, untold: 0 };
        Arc::new(Self { subject, budget: Mutex::new(budget) })
    }

    fn tell(self: &Arc<Self>, words: &str) {
        // Not matched on as it is: the lock would be held meanwhile.
        let verdict = self.budget().line(Instant::now());
        match verdict {
            Verdict::Told(untold) => {
                self.tell_untold(untold);
                tracing::warn!("{}: {}", self.subject, plain(words));
            }
            Verdict::First(rest) => self.tell_later(rest),
            Verdict::Another => {}
        }
    }

    /// Tells after a while how many were left out. Without a runtime, the end of this does.
    fn tell_later(self: &Arc<Self>, rest: Duration) {
        let Ok(runtime) = Handle::try_current() else { return };
        let lines = Arc::clone(self);
        runtime.spawn(async move {
            tokio::time::sleep(rest).await;
            let untold = lines.budget().take_untold();
            lines.tell_untold(untold);
        });
    }

    fn tell_untold(&self, untold: u64) {
        if untold > 0 {
            tracing::warn!("{}: {untold} more lines were left out", self.subject);
        }
    }

    fn budget(&self) -> MutexGuard<'_, Budget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        let untold = self.budget().take_untold();
        self.tell_untold(untold);
    }
}

impl Budget {
    /// Whether a line may be told.
    fn line(&mut self, now: Instant) -> Verdict {
        let age = now.saturating_duration_since(self.begun);
        if age >= PERIOD {
            (self.begun, self.told) = (now, 0);
        }
        if self.told < MOST {
            self.told += 1;
            return Verdict::Told(self.take_untold());
        }
        self.untold += 1;
        if self.untold == 1 { Verdict::First(PERIOD - age) } else { Verdict::Another }
    }

    fn take_untold(&mut self) -> u64 {
        std::mem::take(&mut self.untold)
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
        let begun = Instant::now();
        let mut budget = Budget { begun, told: 0, untold: 0 };
        assert!((0..MOST).all(|_| budget.line(begun) == Verdict::Told(0)));
        let rest = Duration::from_secs(3);
        assert_eq!(budget.line(begun + PERIOD - rest), Verdict::First(rest));
        assert!((0..949).all(|_| budget.line(begun) == Verdict::Another));
        assert_eq!(budget.line(begun + PERIOD), Verdict::Told(950));
        assert_eq!(budget.line(begun + PERIOD), Verdict::Told(0));
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_left_out_is_told_when_the_period_is_over() {
        let complaints = Complaints::new("x:1: mount `/`");
        (0..MOST + 9).for_each(|_| complaints.tell_stderr("x"));
        let untold = || (complaints.stderr.budget().untold, complaints.faults.budget().untold);
        assert_eq!(untold(), (9, 0));
        tokio::time::sleep(PERIOD * 2).await;
        assert_eq!(untold(), (0, 0));
        complaints.tell("a program's noise takes no line of this");
        assert_eq!(complaints.faults.budget().told, 1);
    }

    #[test]
    fn nothing_ends_a_line_or_makes_a_long_one() {
        assert_eq!(plain("a\tb\u{e9}"), "a\tb\u{e9}");
        assert_eq!(plain("a\n\x1b[31m\u{85}b"), "a\u{fffd}\u{fffd}[31m\u{fffd}b");
        assert_eq!(plain(&"\u{e9}".repeat(60_000)).chars().count(), LONGEST);
    }
}
