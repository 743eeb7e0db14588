//! Where the forms of a file are: the file itself and its precompressed siblings, or a member of an archive.
//!
//! A sibling is a regular file of the same name with `.br`, `.zst` or `.gz` behind it, in the same docroot. It counts
//! only if it is not older than the file, so that one which was forgotten after an edit is never sent, and only if it
//! is not empty, as while it is being made. Files that are such siblings by name have none of their own.
//!
//! Differs from lwsws, which has siblings only inside of archives.

use std::sync::Arc;

use bytes::Bytes;

use super::Patience;
use super::archive::{Form, Packed};
use super::body::{SMALL, read_range};
use super::coding::Coding;
use super::resolve::{Failure, Opened, Resolved, Root};

/// What lies below a docroot under some name.
#[derive(Debug)]
pub(super) enum Looked {
    /// A file, or a member of an archive.
    File(Sources),
    Folder,
}

/// All forms of a file, opened.
#[derive(Debug)]
pub(super) struct Sources {
    /// The path below the docroot, or the name of the member.
    pub(super) name: Box<[u8]>,
    pub(super) plain: Source,
    /// In order of preference.
    pub(super) coded: Vec<Source>,
}

/// One form of a file, opened.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// `None`: the plain form.
    pub(super) coding: Option<Coding>,
    /// The file that holds it.
    pub(super) opened: Arc<Opened>,
    pub(super) place: Place,
}

/// Where in its file a form is.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// It is all of it.
    Whole,
    Member(Arc<Packed>, Form),
}

impl Sources {
    /// A file and its siblings.
    pub(super) fn of_file(root: &Root<'_>, opened: Opened, patience: Patience) -> Result<Self, Failure> {
        let coded = siblings(root, &opened, patience)?;
        Ok(Self { name: opened.name.clone(), plain: Source::whole(None, opened), coded })
    }

    /// The form with that coding.
    pub(super) fn with(&self, coding: Option<Coding>) -> &Source {
        self.coded.iter().find(|source| source.coding == coding).unwrap_or(&self.plain)
    }
}

impl Source {
    /// A form that is a file of its own.
    pub(super) fn whole(coding: Option<Coding>, opened: Opened) -> Self {
        Self { coding, opened: Arc::new(opened), place: Place::Whole }
    }

    /// Whether it is a file of its own.
    pub(super) fn is_a_file(&self) -> bool {
        matches!(self.place, Place::Whole)
    }

    /// In bytes.
    pub(super) fn length(&self) -> u64 {
        match &self.place {
            Place::Whole => self.opened.identity.size,
            Place::Member(packed, form) => packed.length(*form),
        }
    }

    /// What tells this state of the file from others: the entity tag, without its quotes and the coding.
    pub(super) fn tag(&self) -> String {
        let (seconds, nanoseconds) = self.opened.identity.modified;
        // Wraps in 2262 and before 1970; it only has to differ.
        let modified = seconds.wrapping_mul(1_000_000_000).wrapping_add(nanoseconds);
        match &self.place {
            Place::Whole => format!("{:x}-{modified:x}", self.length()),
            Place::Member(packed, Form::Plain) => packed.tag(),
            // The same contents may have been packed otherwise, and parts of two packings make no whole.
            Place::Member(packed, Form::Gzip) => {
                format!("{}-{:x}-{modified:x}", packed.tag(), packed.length(Form::Gzip))
            }
        }
    }

    /// Whether parts of it can be sent without making all that is before them.
    pub(super) fn has_ranges(&self) -> bool {
        match &self.place {
            Place::Whole => true,
            Place::Member(packed, form) => self.is_small() || !packed.must_be_unpacked(*form),
        }
    }

    /// Its bytes, if they are few enough to be kept. `None` as well while the file is being written.
    pub(super) fn read_small(&self, patience: Patience) -> Result<Option<Bytes>, Failure> {
        match &self.place {
            _ if !self.is_small() => Ok(None),
            Place::Whole => read_range(&self.opened, 0..self.length(), patience),
            Place::Member(packed, form) => packed.read(*form, &self.opened, patience),
        }
    }

    fn is_small(&self) -> bool {
        let read = match &self.place {
            Place::Whole => 0,
            Place::Member(packed, _) => packed.length(Form::Gzip),
        };
        self.length().max(read) <= SMALL
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
                found.push(Source::whole(Some(coding), opened));
            }
            // Whether there is one is not known, and must not be remembered as if it were.
            Err(failure) if failure == Failure::Cold || failure.is_passing() => return Err(failure),
            // The file itself is answer enough; but whoever keeps the disk should know.
            Err(Failure::Broken(fault)) => root.tell(&format!("a sibling is passed over: {}", fault.words)),
            Ok(_) | Err(Failure::Cold | Failure::Refused(_)) => {}
        }
    }
    Ok(found)
}

fn is_fit(sibling: &Opened, plain: &Opened) -> bool {
    sibling.identity.modified >= plain.identity.modified && sibling.identity.size > 0
}
