//! Where the forms of a file are on the disk: the file itself, and its precompressed siblings.
//!
//! A sibling is a regular file of the same name with `.br`, `.zst` or `.gz` behind it, in the same docroot. It counts
//! only if it is not older than the file, so that one which was forgotten after an edit is never sent, and only if it
//! is not empty, as while it is being made. Files that are such siblings by name have none of their own.
//!
//! Differs from lwsws, which has siblings only inside of archives.

use std::sync::Arc;

use super::Patience;
use super::coding::Coding;
use super::resolve::{Failure, Opened, Resolved, Root};
use crate::response::error::Refusal;

/// One form of a file, opened.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// `None`: the file itself.
    pub(super) coding: Option<Coding>,
    pub(super) opened: Arc<Opened>,
}

/// All forms of a file, opened. `coded` is in order of preference.
#[derive(Debug)]
pub(super) struct Sources {
    pub(super) plain: Source,
    pub(super) coded: Vec<Source>,
}

impl Sources {
    /// A file and its siblings.
    pub(super) fn of_file(root: &Root<'_>, opened: Opened, patience: Patience) -> Result<Self, Failure> {
        let coded = siblings(root, &opened, patience)?;
        Ok(Self { plain: Source { coding: None, opened: Arc::new(opened) }, coded })
    }

    /// The form with that coding.
    pub(super) fn with(&self, coding: Option<Coding>) -> &Source {
        self.coded.iter().find(|source| source.coding == coding).unwrap_or(&self.plain)
    }
}

/// The path of a form of the file at `below`.
pub(super) fn name_of(below: &[u8], coding: Option<Coding>) -> Vec<u8> {
    [below, coding.map_or("", Coding::suffix).as_bytes()].concat()
}

fn siblings(root: &Root<'_>, plain: &Opened, patience: Patience) -> Result<Vec<Source>, Failure> {
    let mut found = Vec::new();
    if Coding::ALL.iter().any(|coding| plain.name.ends_with(coding.suffix().as_bytes())) {
        return Ok(found);
    }
    for coding in Coding::ALL {
        match root.look(&name_of(&plain.name, Some(coding)), patience) {
            Ok(Resolved::File(opened)) if is_fit(&opened, plain) => {
                found.push(Source { coding: Some(coding), opened: Arc::new(opened) });
            }
            // Whether there is one is not known, and must not be remembered as if it were.
            Err(failure @ (Failure::Cold | Failure::Refused(Refusal::Unavailable))) => return Err(failure),
            Ok(_) | Err(Failure::Refused(_)) => {}
        }
    }
    Ok(found)
}

fn is_fit(sibling: &Opened, plain: &Opened) -> bool {
    sibling.identity.modified >= plain.identity.modified && sibling.identity.size > 0
}
