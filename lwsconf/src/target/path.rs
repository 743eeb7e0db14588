//! The way to a file or folder, step by step, as somebody else would go it.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use super::account::{Account, Deed};

/// How many links are followed on the way, as in Linux.
const LINKS: usize = 40;

/// What somebody wants with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Wanted {
    /// A file, to read.
    ReadFile,
    /// A file, to write; it may be absent if it can be created.
    WriteFile,
    /// A folder, to open what is in it by name.
    SearchFolder,
    /// A folder, to list.
    ReadFolder,
    /// A program, or a folder of programs.
    Run,
    /// A socket, to create; one that is there already is replaced.
    Socket,
}

/// What stands in the way: the first of all.
#[derive(Debug)]
pub(super) enum Obstacle {
    /// Nothing is there.
    Missing(PathBuf),
    /// Something else is there.
    Type { at: PathBuf, found: &'static str, wanted: &'static str },
    /// It may not be done.
    Forbidden { at: PathBuf, deed: &'static str, mode: u32 },
    /// Links that never end.
    Loop(PathBuf),
    /// We may not look ourselves.
    Unknown { at: PathBuf, cause: io::Error },
}

impl Obstacle {
    /// Where it stands.
    pub(super) fn at(&self) -> &Path {
        match self {
            Self::Missing(at) | Self::Loop(at) => at,
            Self::Type { at, .. } | Self::Forbidden { at, .. } | Self::Unknown { at, .. } => at,
        }
    }
}

/// Goes to an absolute path as `account`, and looks whether what is wanted can be done there.
pub(super) fn look(path: &Path, wanted: Wanted, account: &Account) -> Result<(), Obstacle> {
    let may_be_absent = matches!(wanted, Wanted::WriteFile | Wanted::Socket);
    let (at, metadata) = match walk(path, account)? {
        Found::There(at, metadata) => (at, metadata),
        Found::Absent { folder, .. } if may_be_absent => {
            let metadata = stat(&folder)?;
            return allow(&folder, &metadata, account, Deed::Write, "create files in");
        }
        Found::Absent { at, .. } => return Err(Obstacle::Missing(at)),
    };
    let kind = metadata.file_type();
    let other = |wanted| Err(Obstacle::Type { at: at.clone(), found: describe(&metadata), wanted });
    match wanted {
        Wanted::ReadFile if !kind.is_file() => other("a file"),
        Wanted::WriteFile if kind.is_dir() => other("a file"),
        Wanted::SearchFolder | Wanted::ReadFolder if !kind.is_dir() => other("a folder"),
        Wanted::Run if !kind.is_file() && !kind.is_dir() => other("a program or a folder"),
        Wanted::Socket if describe(&metadata) != "a socket" => other("a socket, or nothing,"),
        Wanted::ReadFile => allow(&at, &metadata, account, Deed::Read, "read"),
        Wanted::WriteFile => allow(&at, &metadata, account, Deed::Write, "write to"),
        Wanted::SearchFolder => allow(&at, &metadata, account, Deed::Run, "search"),
        Wanted::Run if kind.is_dir() => allow(&at, &metadata, account, Deed::Run, "search"),
        Wanted::Run => allow(&at, &metadata, account, Deed::Run, "execute"),
        Wanted::ReadFolder => {
            allow(&at, &metadata, account, Deed::Run, "search")?;
            allow(&at, &metadata, account, Deed::Read, "list")
        }
        Wanted::Socket => {
            let folder = at.parent().unwrap_or(Path::new("/")).to_owned();
            let metadata = stat(&folder)?;
            allow(&folder, &metadata, account, Deed::Write, "replace files in")
        }
    }
}

/// The end of a way.
enum Found {
    /// Something, at its true path.
    There(PathBuf, Metadata),
    /// Nothing but the folder that it would be in.
    Absent { at: PathBuf, folder: PathBuf },
}

/// Goes from the root, through links, and stops at the first step that cannot be made.
fn walk(path: &Path, account: &Account) -> Result<Found, Obstacle> {
    let mut steps: VecDeque<OsString> = steps(path).collect();
    let mut here = PathBuf::from("/");
    let mut metadata = stat(&here)?;
    let mut links = 0;
    while let Some(step) = steps.pop_front() {
        if !metadata.is_dir() {
            return Err(Obstacle::Type { at: here, found: describe(&metadata), wanted: "a folder" });
        }
        allow(&here, &metadata, account, Deed::Run, "search")?;
        let next = if step == ".." { here.parent().unwrap_or(&here).to_owned() } else { here.join(&step) };
        let there = match fs::symlink_metadata(&next) {
            Ok(there) => there,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound && steps.is_empty() => {
                return Ok(Found::Absent { at: next, folder: here });
            }
            Err(cause) => return Err(obstacle(next, cause)),
        };
        if there.is_symlink() {
            links += 1;
            if links > LINKS {
                return Err(Obstacle::Loop(next));
            }
            let target = fs::read_link(&next).map_err(|cause| obstacle(next, cause))?;
            for step in self::steps(&target).collect::<Vec<_>>().into_iter().rev() {
                steps.push_front(step);
            }
            if target.is_absolute() {
                here = PathBuf::from("/");
                metadata = stat(&here)?;
            }
            continue;
        }
        (here, metadata) = (next, there);
    }
    Ok(Found::There(here, metadata))
}

/// The names on a way, `..` included.
fn steps(path: &Path) -> impl Iterator<Item = OsString> {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}

fn stat(path: &Path) -> Result<Metadata, Obstacle> {
    fs::symlink_metadata(path).map_err(|cause| obstacle(path.to_owned(), cause))
}

fn obstacle(at: PathBuf, cause: io::Error) -> Obstacle {
    match cause.kind() {
        io::ErrorKind::NotFound => Obstacle::Missing(at),
        _ => Obstacle::Unknown { at, cause },
    }
}

fn allow(
    at: &Path,
    found: &Metadata,
    account: &Account,
    deed: Deed,
    word: &'static str,
) -> Result<(), Obstacle> {
    if account.may(deed, found.uid(), found.gid(), found.mode(), found.is_dir()) {
        return Ok(());
    }
    Err(Obstacle::Forbidden { at: at.to_owned(), deed: word, mode: found.mode() & 0o7777 })
}

fn describe(metadata: &Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    let kind = metadata.file_type();
    if kind.is_dir() {
        "a folder"
    } else if kind.is_file() {
        "a file"
    } else if kind.is_socket() {
        "a socket"
    } else if kind.is_fifo() {
        "a pipe"
    } else {
        "a device"
    }
}
