//! The time of a request as text, made once for each second and thread.

use std::cell::RefCell;

use chrono::{Local, TimeZone};
use nix::time::{ClockId, clock_gettime};

/// Seconds since 1970, as precise as the kernel's tick, which costs no system call. By the C library: under valgrind,
/// which counts what a line costs, rustix does not find the kernel's own function.
pub(super) fn now() -> i64 {
    // It fails for clocks that there are not.
    clock_gettime(ClockId::CLOCK_REALTIME_COARSE).map_or(0, |now| now.tv_sec())
}

/// A second as text.
#[derive(Default)]
struct Stamp {
    second: i64,
    /// `[25/Nov/2026:14:45:08 +0100]`.
    combined: String,
    /// `2026-11-25T14:45:08+01:00`.
    rfc_3339: String,
}

thread_local! {
    static STAMP: RefCell<Stamp> = RefCell::default();
}

/// Writes a second of local time as Apache does, brackets included.
pub(super) fn combined(out: &mut Vec<u8>, second: i64) {
    with(second, |stamp| out.extend_from_slice(stamp.combined.as_bytes()));
}

/// Writes a second of local time as RFC 3339 has it.
pub(super) fn rfc_3339(out: &mut Vec<u8>, second: i64) {
    with(second, |stamp| out.extend_from_slice(stamp.rfc_3339.as_bytes()));
}

fn with(second: i64, write: impl FnOnce(&Stamp)) {
    STAMP.with_borrow_mut(|stamp| {
        if stamp.second != second || stamp.combined.is_empty() {
            *stamp = Stamp::of(second);
        }
        write(stamp);
    });
}

impl Stamp {
    fn of(second: i64) -> Self {
        let Some(local) = Local.timestamp_opt(second, 0).single() else {
            return Self { second, combined: "[-]".to_owned(), rfc_3339: "-".to_owned() };
        };
        Self {
            second,
            combined: local.format("[%d/%b/%Y:%H:%M:%S %z]").to_string(),
            rfc_3339: local.format("%Y-%m-%dT%H:%M:%S%:z").to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn both_forms_say_the_same_second() {
        for second in [0, 1_795_617_908, 1_795_617_908, 4_102_444_800] {
            let (mut apache, mut rfc) = (Vec::new(), Vec::new());
            combined(&mut apache, second);
            rfc_3339(&mut rfc, second);
            let apache = String::from_utf8(apache).unwrap();
            let read = DateTime::parse_from_str(&apache, "[%d/%b/%Y:%H:%M:%S %z]").unwrap();
            assert_eq!((apache.len(), read.timestamp()), (28, second));
            let read = DateTime::parse_from_rfc3339(std::str::from_utf8(&rfc).unwrap()).unwrap();
            assert_eq!(read.timestamp(), second);
        }
    }
}
