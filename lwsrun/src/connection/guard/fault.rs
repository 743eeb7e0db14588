//! What is wrong with the bytes of a request, as the guard sees it.

use crate::response::error::Refusal;

/// Why a message is refused before hyper sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    /// What stands for the status.
    pub(crate) refusal: Refusal,
    /// What is wrong, in words for the log and the page.
    pub(crate) what: &'static str,
}

impl Fault {
    /// 400, with what is wrong.
    pub(super) const fn bad(what: &'static str) -> Self {
        Self { refusal: Refusal::BadRequest, what }
    }

    /// Anything else.
    pub(super) const fn of(refusal: Refusal, what: &'static str) -> Self {
        Self { refusal, what }
    }
}
