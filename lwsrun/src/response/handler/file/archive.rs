//! Origins that name, or pass through, an archive: `.zip`, `.jar`, `.war`.
//!
//! `file:///srv/site.zip` serves the members of the archive, `file:///srv/site.zip/pages` those below `pages/`. Names
//! are compared byte by byte. What the archive's [`directory`] says is kept and read again when the archive changes.
//! A deflated member has two forms: plain, and wrapped as gzip without being packed anew. The plain form is checked
//! against the directory's checksum, before it comes into memory or while it is sent; the gzip form hands the checksum
//! to the client. A plain form that has to be unpacked while it is sent has no ranges.
//!
//! An archive, or a member, that is not served is 404, and the log says why. One that turns out to be damaged is 500.
//!
//! Differs from lwsws: an archive below a docroot is a plain file and not entered, `gzip;q=0` is understood, and what
//! is sent is checked.

mod directory;
mod member;
mod unpack;

use std::fs::{File, metadata};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{CWD, Mode, ResolveFlags, openat, openat2};
use rustix::io::Errno;

pub(super) use self::member::{Form, GZIP_HEAD, Packed};
pub(super) use self::unpack::Unpacked;

use self::directory::{Directory, ReadError};
use super::Patience;
use super::coding::Coding;
use super::resolve::{FILE, Failure, Identity, Opened, failure};
use super::source::{Looked, Place, Source, Sources};
use crate::response::error::Refusal;

/// The ends of names of archives, whatever their case.
const SUFFIXES: [&str; 3] = ["zip", "jar", "war"];

/// The archives that a docroot may name, outermost first. Which of them is one, if any, the file system says.
#[derive(Debug)]
pub(super) struct Archives {
    candidates: Box<[Candidate]>,
}

#[derive(Debug)]
struct Candidate {
    path: Box<str>,
    /// What the docroot names inside of it: empty, or names that each end in `/`.
    inside: Box<[u8]>,
    /// The mount's `file:line`.
    place: Box<str>,
    known: RwLock<Option<Known>>,
}

/// What an archive was found to hold.
#[derive(Debug, Clone)]
struct Known {
    identity: Identity,
    /// Whether the archive was old enough for `identity` to tell a later change.
    settled: bool,
    /// `None`: it is not served.
    directory: Option<Arc<Directory>>,
}

/// An open archive that a docroot names.
#[derive(Debug)]
pub(super) struct Archive {
    opened: Arc<Opened>,
    directory: Arc<Directory>,
    inside: Box<[u8]>,
}

impl Archives {
    /// `place` is the mount's `file:line`.
    pub(super) fn new(docroot: &str, place: &str) -> Self {
        let docroot = docroot.trim_end_matches('/');
        let mut candidates: Vec<Candidate> = Path::new(docroot)
            .ancestors()
            .filter(|path| has_suffix(path))
            .filter_map(|path| {
                let inside = Path::new(docroot).strip_prefix(path).ok()?.to_str()?;
                let slash = if inside.is_empty() { "" } else { "/" };
                Some(Candidate {
                    path: path.to_str()?.into(),
                    inside: [inside, slash].concat().into_bytes().into(),
                    place: place.into(),
                    known: RwLock::new(None),
                })
            })
            .collect();
        candidates.reverse();
        Self { candidates: candidates.into() }
    }

    /// Opens the archive that the docroot names. `None`: it names a folder, or nothing.
    pub(super) fn open(&self, patience: Patience) -> Result<Option<Archive>, Failure> {
        for candidate in &self.candidates {
            if let Some(opened) = candidate.open(patience)? {
                let directory = candidate.directory(&opened, patience)?;
                let inside = candidate.inside.clone();
                return Ok(Some(Archive { opened: Arc::new(opened), directory, inside }));
            }
        }
        Ok(None)
    }
}

impl Archive {
    /// The member at `below`.
    pub(super) fn look(&self, below: &[u8], patience: Patience) -> Result<Looked, Failure> {
        let name = [&*self.inside, below].concat();
        let Some(entry) = self.directory.get(&name) else {
            let is_folder = self.directory.has_folder(&name);
            return if is_folder { Ok(Looked::Folder) } else { Err(Failure::Refused(Refusal::NotFound)) };
        };
        let packed = Arc::new(Packed::new(entry, &self.opened, &name, patience)?);
        let form = |form, coding| {
            let place = Place::Member(Arc::clone(&packed), form);
            Source { coding, opened: Arc::clone(&self.opened), place }
        };
        let plain = form(Form::Plain, None);
        let gzip = packed.can_be_gzip().then(|| form(Form::Gzip, Some(Coding::Gzip)));
        Ok(Looked::File(Sources { name: name.into(), plain, coded: gzip.into_iter().collect() }))
    }
}

impl Candidate {
    fn open(&self, patience: Patience) -> Result<Option<Opened>, Failure> {
        let opened = match patience {
            Patience::Memory => openat2(CWD, &*self.path, FILE, Mode::empty(), ResolveFlags::CACHED),
            Patience::Disk => openat(CWD, &*self.path, FILE, Mode::empty()),
        };
        let file = match opened {
            Ok(file) => File::from(file),
            // Whatever is wrong with it will be said of the docroot.
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
            Err(errno) => return Err(self.failure(errno, patience)),
        };
        let opened = Opened::new(file, self.path.as_bytes());
        opened.map_err(|errno| self.failure(errno, patience))
    }

    fn failure(&self, errno: Errno, patience: Patience) -> Failure {
        failure(errno, patience, || self.path.to_string())
    }

    /// The directory of the archive, as far as it is known. It is read on the blocking pool only.
    fn directory(&self, opened: &Opened, patience: Patience) -> Result<Arc<Directory>, Failure> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).clone();
        let same = known.filter(|known| known.identity == opened.identity);
        let directory = match (same, patience) {
            (Some(Known { settled: true, directory, .. }), _) => directory,
            (_, Patience::Memory) => return Err(Failure::Cold),
            (same, Patience::Disk) => self.read(opened, same.is_some())?,
        };
        directory.ok_or(Failure::Refused(Refusal::NotFound))
    }

    /// Reads the directory and remembers it. `told`: the log knows already what is wrong with it.
    fn read(&self, opened: &Opened, told: bool) -> Result<Option<Arc<Directory>>, Failure> {
        let directory = match Directory::read(opened) {
            Ok(directory) => Some(Arc::new(directory)),
            Err(ReadError::Io(errno)) => return Err(self.failure(errno, Patience::Disk)),
            Err(error) => {
                if !told {
                    tracing::warn!("{}: archive `{}`: {error}; its mount answers 404", self.place, self.path);
                }
                None
            }
        };
        if let (Some(words), false) = (directory.as_ref().and_then(|directory| directory.left_out()), told) {
            tracing::warn!("{}: archive `{}`: {words}", self.place, self.path);
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let settled = opened.identity.is_settled(i64::try_from(now).unwrap_or(i64::MAX));
        let known = Known { identity: opened.identity, settled, directory: directory.clone() };
        *self.known.write().unwrap_or_else(PoisonError::into_inner) = Some(known);
        Ok(directory)
    }
}

/// Why a docroot cannot be served now, in words; `None` if it is a folder or an archive.
pub(crate) fn fault_of_docroot(docroot: &str) -> Option<String> {
    for candidate in &Archives::new(docroot, "").candidates {
        if let Ok(Some(opened)) = candidate.open(Patience::Disk) {
            return Directory::read(&opened).err().map(|error| format!("is not served: {error}"));
        }
    }
    match metadata(docroot) {
        Ok(metadata) if metadata.is_dir() => None,
        Ok(_) => Some("is neither a folder nor an archive".to_owned()),
        Err(error) => Some(format!("cannot be reached: {error}")),
    }
}

fn has_suffix(path: &Path) -> bool {
    let suffix = path.extension().and_then(|suffix| suffix.to_str()).unwrap_or_default();
    SUFFIXES.iter().any(|known| suffix.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_are_looked_for_from_the_outside() {
        let of = |docroot| {
            let archives = Archives::new(docroot, "conf:1");
            let parts = |candidate: &Candidate| {
                (candidate.path.to_string(), String::from_utf8(candidate.inside.to_vec()).unwrap())
            };
            archives.candidates.iter().map(parts).collect::<Vec<_>>()
        };
        let pair = |path: &str, inside: &str| (path.to_owned(), inside.to_owned());
        assert_eq!(of("/srv/www"), []);
        assert_eq!(of("/srv/a.zip"), [pair("/srv/a.zip", "")]);
        assert_eq!(of("/srv/a.JAR/"), [pair("/srv/a.JAR", "")]);
        assert_eq!(of("a.war/x/y"), [pair("a.war", "x/y/")]);
        assert_eq!(of("/a.zip/b.zip/c"), [pair("/a.zip", "b.zip/c/"), pair("/a.zip/b.zip", "c/")]);
        assert_eq!(of("/srv/.zip"), []);
    }
}
