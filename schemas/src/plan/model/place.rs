//! Where in the config something comes from, and spans of time.

use std::time::Duration;

use crate::plan::SourceId;
use crate::plan::codec::{BorrowDecode, Encode};

/// A line of a source file, so that the server can say which line of the config answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, BorrowDecode)]
pub struct Place {
    /// The file.
    pub file: SourceId,
    /// The line, from 1.
    pub line: u32,
}

/// A whole number of seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, BorrowDecode)]
pub struct Seconds(pub u32);

impl From<Seconds> for Duration {
    fn from(seconds: Seconds) -> Self {
        Self::from_secs(u64::from(seconds.0))
    }
}
