//! Path to open file: by a look-up that the kernel keeps beneath the docroot.
//!
//! Cleaning strings would leave symbolic links, and a race between check and use. `openat2` (Linux 5.6) refuses a
//! path at the very step that would leave. Which links are followed the mount's `symlinks` says:
//!
//! - `inside`: those that stay inside and are relative; to the kernel an absolute link always leaves;
//! - `none`: no link at all is followed, inside or not;
//! - `all`: wherever they lead. The path itself holds no `..` then either.
//!
//! Where `openat2` is missing (older kernels, system call filters) the path is walked name by name, and no link is
//! followed unless all are. The docroot itself may always be a link.
//!
//! No descriptor of a docroot is kept: that would cost one for each mount, and would go on serving a folder that has
//! been replaced, as by `ln -sfn`.

#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;

use std::fs::{File, Metadata};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;
use schemas::plan::Symlinks;

use super::Patience;
use crate::response::complaints::Complaints;
use crate::response::error::Refusal;
use crate::response::fault::Fault;

/// How often a look-up is begun again that `openat2` gave up because something was renamed meanwhile.
const ATTEMPTS: usize = 8;

/// How folders on the way are opened: for look-ups only.
const FOLDER: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// How files are opened. `NONBLOCK` changes nothing for regular files, and keeps a FIFO from holding a thread for
/// ever.
pub(super) const FILE: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

/// The folder of a mount.
#[derive(Debug)]
pub(super) struct Docroot {
    path: Box<str>,
    symlinks: Symlinks,
    /// The mount's `file:line`.
    place: String,
    /// Whether the log has been told that it cannot be opened.
    told: AtomicBool,
    complaints: Complaints,
}

/// The folder of a mount, open for the look-ups of one request.
#[derive(Debug)]
pub(super) struct Root<'d> {
    docroot: &'d Docroot,
    folder: OwnedFd,
}

/// What lies below a docroot under some name.
#[derive(Debug)]
pub(super) enum Resolved {
    /// A regular file.
    File(Opened),
    /// A folder.
    Folder,
}

/// An open regular file.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) identity: Identity,
    /// Its path below the docroot.
    pub(super) name: Box<[u8]>,
}

/// What tells a file, and a state of it, from others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) device: u64,
    pub(super) inode: u64,
    /// In bytes.
    pub(super) size: u64,
    /// Of the contents: seconds since 1970, nanoseconds.
    pub(super) modified: (i64, i64),
    /// Of the contents, the mode, the name …: what cannot be set back.
    pub(super) changed: (i64, i64),
}

/// Why there is no file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Failure {
    /// It would take a disk to know.
    Cold,
    /// The request is refused.
    Refused(Refusal),
    /// The system is to blame, or the file.
    Broken(Fault),
}

impl Failure {
    /// Whether a limit is reached, which says nothing about the file.
    pub(super) fn is_passing(&self) -> bool {
        matches!(self, Self::Broken(Fault { refusal: Refusal::Unavailable, .. }))
    }
}

impl Docroot {
    pub(super) fn new(path: &str, symlinks: Symlinks, place: String) -> Self {
        let complaints = Complaints::of_docroot(&place, path);
        Self { path: path.into(), symlinks, place, told: AtomicBool::new(false), complaints }
    }

    /// Opens the folder itself, for look-ups.
    pub(super) fn open(&self, patience: Patience) -> Result<Root<'_>, Failure> {
        let opened = match patience {
            Patience::Memory => openat2(CWD, &*self.path, FOLDER, Mode::empty(), ResolveFlags::CACHED),
            Patience::Disk => openat(CWD, &*self.path, FOLDER, Mode::empty()),
        };
        let folder = opened.map_err(|errno| {
            let failure = failure(errno, patience, || self.path.to_string());
            if let Failure::Refused(Refusal::NotFound) = failure {
                self.tell_once(errno);
            }
            failure
        })?;
        Ok(Root { docroot: self, folder })
    }

    fn tell_once(&self, errno: Errno) {
        if !self.told.swap(true, Ordering::Relaxed) {
            let Self { place, path, .. } = self;
            tracing::warn!(
                "{place}: docroot `{path}`: {errno}; its mount answers 404 until the folder is there"
            );
        }
    }
}

impl Identity {
    fn new(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }

    /// Whether the last change is older than `now` (seconds since 1970) by more than file systems may blur. A younger
    /// file can change again and look the same.
    pub(super) fn is_settled(&self, now: i64) -> bool {
        self.modified.0.max(self.changed.0).saturating_add(2) < now
    }
}

impl AsFd for Opened {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Opened {
    /// A file that was opened by that name. `None`: it is not a regular one.
    pub(super) fn new(file: File, name: &[u8]) -> Result<Option<Self>, Errno> {
        let metadata = file.metadata().map_err(|error| errno_of(&error))?;
        Ok(Self::of(file, &metadata, name))
    }

    fn of(file: File, metadata: &Metadata, name: &[u8]) -> Option<Self> {
        metadata.is_file().then(|| Self { file, identity: Identity::new(metadata), name: name.into() })
    }

    /// The state that the file is in now, which another process may have changed since it was opened.
    pub(super) fn identity_now(&self) -> Result<Identity, Errno> {
        self.file.metadata().map(|metadata| Identity::new(&metadata)).map_err(|error| errno_of(&error))
    }

    /// Why reading it failed, as an answer.
    pub(super) fn failure(&self, errno: Errno, patience: Patience) -> Failure {
        failure(errno, patience, || String::from_utf8_lossy(&self.name).into_owned())
    }
}

impl Root<'_> {
    /// Says what is wrong below the folder, of which the answer does not tell.
    pub(super) fn tell(&self, words: &str) {
        self.docroot.complaints.tell(words);
    }

    /// Opens what lies at `below`, a path of at least one byte, which does not begin with `/`.
    pub(super) fn look(&self, below: &[u8], patience: Patience) -> Result<Resolved, Failure> {
        let full = || format!("{}/{}", self.docroot.path, String::from_utf8_lossy(below));
        let open = |how| open_beneath(&self.folder, below, how, self.docroot.symlinks, patience);
        let file = match open(FILE) {
            Ok(file) => File::from(file),
            // A folder that may be entered and not be listed is a folder all the same.
            Err(Errno::ACCESS) if open(FOLDER).is_ok() => {
                return Ok(Resolved::Folder);
            }
            Err(errno) => return Err(failure(errno, patience, full)),
        };
        let metadata = file.metadata().map_err(|error| failure(errno_of(&error), patience, full))?;
        match Opened::of(file, &metadata, below) {
            Some(opened) => Ok(Resolved::File(opened)),
            None if metadata.is_dir() => Ok(Resolved::Folder),
            None => Err(Failure::Refused(Refusal::NotFound)),
        }
    }
}

fn open_beneath(
    root: &OwnedFd,
    below: &[u8],
    how: OFlags,
    symlinks: Symlinks,
    patience: Patience,
) -> Result<OwnedFd, Errno> {
    let resolve = match symlinks {
        Symlinks::Inside => ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS,
        Symlinks::None => ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS,
        // Nothing but the path's own `..` could lead out without a link.
        Symlinks::All if below.split(|&byte| byte == b'/').any(|name| name == b"..") => {
            return Err(Errno::XDEV);
        }
        Symlinks::All => ResolveFlags::NO_MAGICLINKS,
    };
    if patience == Patience::Memory {
        return openat2(root, below, how, Mode::empty(), resolve | ResolveFlags::CACHED);
    }
    for _ in 0..ATTEMPTS {
        match openat2(root, below, how, Mode::empty(), resolve) {
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(Errno::NOSYS | Errno::PERM) if symlinks == Symlinks::All => {
                return openat(root, below, how, Mode::empty());
            }
            Err(Errno::NOSYS | Errno::PERM) => return walk(root, below, how),
            opened => return opened,
        }
    }
    Err(Errno::AGAIN)
}

/// Opens a path name by name and follows no link.
fn walk(root: &OwnedFd, below: &[u8], how: OFlags) -> Result<OwnedFd, Errno> {
    let mut names = below.split(|&byte| byte == b'/').filter(|name| !matches!(*name, b"" | b"."));
    let mut name = names.next().ok_or(Errno::NOENT)?;
    let mut folder: Option<OwnedFd> = None;
    loop {
        if name == b".." {
            return Err(Errno::XDEV);
        }
        let at = folder.as_ref().unwrap_or(root);
        match names.next() {
            Some(next) => {
                folder = Some(openat(at, name, FOLDER | OFlags::NOFOLLOW, Mode::empty())?);
                name = next;
            }
            None => return openat(at, name, how | OFlags::NOFOLLOW, Mode::empty()),
        }
    }
}

/// Whether a system call failed for want of patience: the answer is not in memory, or this kernel, its filter or the
/// file system cannot tell whether it is.
pub(super) fn is_cold(errno: Errno) -> bool {
    matches!(errno, Errno::AGAIN | Errno::OPNOTSUPP | Errno::NOSYS | Errno::PERM | Errno::INVAL)
}

/// What a system call's failure means. `path` is for the log.
pub(super) fn failure(errno: Errno, patience: Patience, path: impl FnOnce() -> String) -> Failure {
    let refusal = match errno {
        errno if patience == Patience::Memory && is_cold(errno) => return Failure::Cold,
        Errno::NOENT
        | Errno::NOTDIR
        | Errno::ISDIR
        | Errno::ACCESS
        | Errno::PERM
        | Errno::LOOP
        | Errno::NAMETOOLONG
        | Errno::XDEV
        | Errno::NXIO
        | Errno::NODEV
        | Errno::INVAL => Refusal::NotFound,
        Errno::AGAIN | Errno::MFILE | Errno::NFILE | Errno::NOMEM => Refusal::Unavailable,
        _ => Refusal::Internal,
    };
    if refusal == Refusal::NotFound {
        return Failure::Refused(refusal);
    }
    Failure::Broken(Fault::new(refusal, format!("`{}`: {errno}", path())))
}

fn errno_of(error: &std::io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn walking_finds_files_and_follows_no_link() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("a")).unwrap();
        std::fs::write(folder.path().join("a/b.txt"), "x").unwrap();
        symlink("b.txt", folder.path().join("a/link.txt")).unwrap();
        symlink("a", folder.path().join("links")).unwrap();
        let root = openat(CWD, folder.path(), FOLDER, Mode::empty()).unwrap();
        let walk = |below: &str| walk(&root, below.as_bytes(), FILE).err();
        assert_eq!(walk("a/b.txt"), None);
        assert_eq!(walk("./a//b.txt"), None);
        assert_eq!(walk("a"), None);
        assert_eq!(walk("a/../a/b.txt"), Some(Errno::XDEV));
        assert_eq!(walk("a/link.txt"), Some(Errno::LOOP));
        assert_eq!(walk("links/b.txt"), Some(Errno::NOTDIR));
        assert_eq!(walk("a/b.txt/c"), Some(Errno::NOTDIR));
        assert_eq!(walk("a/none"), Some(Errno::NOENT));
        assert_eq!(walk("."), Some(Errno::NOENT));
    }

    #[test]
    fn failures_have_their_statuses() {
        let refused = |errno| match failure(errno, Patience::Disk, String::new) {
            Failure::Refused(refusal) | Failure::Broken(Fault { refusal, .. }) => refusal,
            Failure::Cold => panic!("{errno} is cold"),
        };
        assert_eq!(refused(Errno::ACCESS), Refusal::NotFound);
        assert_eq!(refused(Errno::XDEV), Refusal::NotFound);
        assert_eq!(refused(Errno::MFILE), Refusal::Unavailable);
        assert_eq!(refused(Errno::IO), Refusal::Internal);
        assert!(matches!(failure(Errno::AGAIN, Patience::Memory, String::new), Failure::Cold));
    }
}
