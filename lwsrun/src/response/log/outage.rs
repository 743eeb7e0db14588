//! A file that cannot be written: its beginning and its end are said, and what was lost between.
//!
//! On a disk that is nearly full the next lines may fit, and those behind them not. So an outage is over when nothing has
//! failed for a while, and not with the first line that is written again.

use std::time::{Duration, Instant};

/// How long nothing may have failed before an outage is over: each of them is two lines in the server's log.
const CALM: Duration = Duration::from_secs(10);

/// Whether a file can be written, as far as was seen.
#[derive(Debug, Default)]
pub(super) struct Outage(Option<Failing>);

#[derive(Debug)]
struct Failing {
    /// When something failed last; `None` if what was wrong may be mended.
    last: Option<Instant>,
    /// Lines since the first failure.
    lost: u64,
}

impl Outage {
    /// A write has failed. Whether that is new.
    pub(super) fn began(&mut self, now: Instant) -> bool {
        let is_new = self.0.is_none();
        self.0.get_or_insert(Failing { last: None, lost: 0 }).last = Some(now);
        is_new
    }

    /// Lines could not be written.
    pub(super) fn lose(&mut self, lines: u64) {
        if let Some(failing) = &mut self.0 {
            failing.lost += lines;
        }
    }

    /// Somebody has done something about it: the first line that is written ends it.
    pub(super) fn may_be_over(&mut self) {
        if let Some(failing) = &mut self.0 {
            failing.last = None;
        }
    }

    /// Lines were written. If that ends it: how many are lost. The clock is looked at only while there is an outage.
    pub(super) fn ended(&mut self, now: impl FnOnce() -> Instant) -> Option<u64> {
        let failing = self.0.as_ref()?;
        if failing.last.is_some_and(|last| now().saturating_duration_since(last) < CALM) {
            return None;
        }
        self.0.take().map(|failing| failing.lost)
    }

    /// How many lines are lost; `None` while nothing is wrong.
    pub(super) fn lost(&self) -> Option<u64> {
        self.0.as_ref().map(|failing| failing.lost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_comes_and_goes_is_said_once() {
        let (mut outage, start) = (Outage::default(), Instant::now());
        assert_eq!(outage.ended(|| start), None);
        assert!(outage.began(start));
        for second in 0..100 {
            let now = start + Duration::from_secs(second);
            outage.lose(2);
            assert!(outage.ended(|| now).is_none() && !outage.began(now), "{second}");
        }
        assert_eq!(outage.lost(), Some(200));
        assert_eq!(outage.ended(|| start + Duration::from_secs(99) + CALM), Some(200));
        assert_eq!(outage.lost(), None);
        assert!(outage.began(start + CALM * 20));
    }

    #[test]
    fn a_file_that_was_opened_again_is_written_again_at_once() {
        let (mut outage, now) = (Outage::default(), Instant::now());
        assert!(outage.began(now));
        outage.may_be_over();
        assert!(!outage.began(now) && outage.ended(|| now).is_none(), "it fails as before");
        outage.may_be_over();
        assert_eq!(outage.ended(|| now), Some(0));
    }
}
