//! How far a run is, for whoever waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// What a run is doing. Clones tell of the same run.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<AtomicU8>);

/// The stages that may take long, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Stage {
    /// Nothing has begun yet.
    Start,
    /// Files are read and parsed.
    Parse,
    /// Keys, values and their meaning are checked.
    Check,
    /// The machine is looked at.
    Target,
    /// The plan is written.
    Write,
}

impl Progress {
    pub(crate) fn enter(&self, stage: Stage) {
        self.0.store(stage as u8, Ordering::Relaxed);
    }

    /// What is being done, in a few words.
    #[must_use]
    pub fn words(&self) -> &'static str {
        const WORDS: [(Stage, &str); 5] = [
            (Stage::Start, "starting"),
            (Stage::Parse, "reading and parsing the files"),
            (Stage::Check, "checking what they say"),
            (Stage::Target, "looking at the machine"),
            (Stage::Write, "writing the plan"),
        ];
        let now = self.0.load(Ordering::Relaxed);
        WORDS.iter().find(|(stage, _)| *stage as u8 == now).map_or("", |(_, words)| words)
    }
}
