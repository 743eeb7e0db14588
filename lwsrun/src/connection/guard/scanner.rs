//! The messages of a connection, one behind the other: where each head and body ends, and whether they may pass.
//!
//! A head passes once it is complete and good, so hyper never sees a byte of a bad one. The verdict depends on the
//! bytes only, not on how they are cut into reads.

use memchr::memchr;

use super::chunks::Chunks;
use super::fault::Fault;
use super::head::{Framing, Head};
use crate::connection::limits::HeadLimits;
use crate::response::error::Refusal;

/// What the next byte belongs to, and what was seen of it.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    limits: HeadLimits,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    Head(Lines),
    Length(u64),
    Chunks(Chunks),
    /// Behind a head that asks for another protocol: whether HTTP goes on, the answer will tell.
    Undecided,
}

/// A head that is not complete yet, and how far it was looked at. Offsets count from its first byte.
#[derive(Debug, Default)]
struct Lines {
    head: Head,
    /// Where the line begins that is not complete yet.
    line: usize,
    /// Up to here there is no end of that line.
    seen: usize,
}

/// What a look at some bytes tells.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Scanned {
    /// How many bytes may pass. The rest is an incomplete head, or lies behind an undecided upgrade, or is refused.
    pub(super) pass: usize,
    /// How many heads are among those that may pass.
    pub(super) heads: u64,
    /// Why no more bytes may pass, ever.
    pub(super) fault: Option<Fault>,
    /// Whether the head of what is refused has passed.
    pub(super) of_body: bool,
    /// Where the last message begins, if its head is among these bytes.
    pub(super) message: Option<usize>,
}

impl Default for Stage {
    fn default() -> Self {
        Self::Head(Lines::default())
    }
}

impl Scanner {
    pub(super) fn new(limits: HeadLimits) -> Self {
        Self { limits, stage: Stage::default() }
    }

    /// Looks at bytes: those that did not pass the last time, and new ones behind them.
    pub(super) fn scan(&mut self, bytes: &[u8]) -> Scanned {
        let mut scanned = Scanned { pass: 0, heads: 0, fault: None, of_body: false, message: None };
        while scanned.pass < bytes.len() {
            let rest = &bytes[scanned.pass..];
            let next = match &mut self.stage {
                Stage::Undecided => return scanned,
                Stage::Head(lines) => match lines.scan(rest, &self.limits) {
                    Ok(None) => return scanned,
                    Ok(Some((length, framing))) => {
                        scanned.message = Some(scanned.pass);
                        scanned.pass += length;
                        scanned.heads += 1;
                        Ok(Some(after_head(framing, lines.head.upgrade)))
                    }
                    Err(fault) => Err(fault),
                },
                Stage::Length(left) => {
                    let here = u64::try_from(rest.len()).unwrap_or(u64::MAX).min(*left);
                    *left -= here;
                    scanned.pass += usize::try_from(here).unwrap_or(usize::MAX);
                    Ok((*left == 0).then(Stage::default))
                }
                Stage::Chunks(chunks) => match chunks.feed(rest) {
                    Ok((length, complete)) => {
                        scanned.pass += length;
                        Ok(complete.then(Stage::default))
                    }
                    Err(fault) => {
                        // What has not passed yet of the message need not pass at all.
                        if let Some(start) = scanned.message {
                            scanned.pass = start;
                            scanned.heads -= 1;
                        } else {
                            scanned.of_body = true;
                        }
                        Err(fault)
                    }
                },
            };
            match next {
                Ok(Some(stage)) => self.stage = stage,
                Ok(None) => {}
                Err(fault) => {
                    scanned.fault = Some(fault);
                    return scanned;
                }
            }
        }
        scanned
    }

    /// Whether what comes next is content, or framing of content.
    pub(super) fn is_in_body(&self) -> bool {
        matches!(self.stage, Stage::Length(_) | Stage::Chunks(_))
    }

    /// Whether bytes wait for the answer to a request for another protocol.
    pub(super) fn is_undecided(&self) -> bool {
        matches!(self.stage, Stage::Undecided)
    }

    /// The answer was no: HTTP goes on.
    pub(super) fn go_on(&mut self) {
        self.stage = Stage::default();
    }
}

fn after_head(framing: Framing, upgrade: bool) -> Stage {
    match framing {
        Framing::Chunked => Stage::Chunks(Chunks::new()),
        Framing::Length(0) if upgrade => Stage::Undecided,
        Framing::Length(0) => Stage::default(),
        Framing::Length(length) => Stage::Length(length),
    }
}

impl Lines {
    /// Looks at a head from its first byte: its length and framing once it is complete.
    fn scan(&mut self, bytes: &[u8], limits: &HeadLimits) -> Result<Option<(usize, Framing)>, Fault> {
        while let Some(found) = memchr(b'\n', &bytes[self.seen..]) {
            let end = self.seen + found;
            self.check_size(end + 1, limits)?;
            let line = &bytes[self.line..end];
            (self.line, self.seen) = (end + 1, end + 1);
            if let Some(framing) = self.head.line(line, limits.fields)? {
                return Ok(Some((end + 1, framing)));
            }
        }
        self.seen = bytes.len();
        self.check_size(bytes.len(), limits)?;
        Ok(None)
    }

    /// `end` is where the line ends, or that far it goes at least.
    fn check_size(&self, end: usize, limits: &HeadLimits) -> Result<(), Fault> {
        if !self.head.has_begun() && end - self.line > limits.line {
            return Err(Fault::of(Refusal::UriTooLong, "the request line is too long"));
        }
        if end > limits.size {
            return Err(Fault::of(Refusal::FieldsTooLarge, "the head is too large"));
        }
        Ok(())
    }
}
