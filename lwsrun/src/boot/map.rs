//! Plan file to [`Plan`]: checked for who may write it, copied once into a sealed memfd, mapped, verified.
//!
//! The bytes that are verified are the bytes that are used: nobody can change or cut a sealed memfd, whatever
//! happens to the file. Mapping the file itself would kill the process with SIGBUS when somebody cuts it short.

use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use rustix::fs::{MemfdFlags, OFlags, SealFlags};
use schemas::plan::{Plan, ReadError};

/// The largest plan that is opened, in bytes: 1 GiB, a thousand times a plan of a thousand vhosts.
const MAX_BYTES: u64 = 1 << 30;

/// Why a file cannot be used as a plan.
#[derive(Debug, thiserror::Error)]
#[error("plan `{}`: {fault}", path.display())]
pub(crate) struct MapError {
    path: PathBuf,
    #[source]
    fault: Fault,
}

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("cannot be opened: {0}; `lwsconf compile` writes it")]
    Open(#[source] io::Error),
    #[error("is {0}, not a file; give the path of the file that `lwsconf compile` wrote")]
    NotAFile(&'static str),
    #[error(
        "belongs to user {owner}, so that user decides what is served; make it root's or your own ({me})"
    )]
    Owner { owner: u32, me: u32 },
    #[error("is writable by {who}, so they decide what is served; take that away with `chmod {mode}`")]
    Writable { who: &'static str, mode: &'static str },
    #[error("is larger than {MAX_BYTES} bytes, which no plan is")]
    TooLarge,
    #[error("cannot be copied into memory: {0}")]
    Copy(#[source] io::Error),
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Opens and verifies a plan.
///
/// # Errors
/// If the file cannot be read, is not a regular file, could be written by users other than root and this one, or
/// is not a plan of this version. The words name the path and what to do.
pub(crate) fn open(path: &Path) -> Result<Plan, MapError> {
    read(path).map_err(|fault| MapError { path: path.to_owned(), fault })
}

fn read(path: &Path) -> Result<Plan, Fault> {
    // Without NONBLOCK the open of a FIFO would wait for a writer.
    let nonblock = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(nonblock).open(path).map_err(Fault::Open)?;
    check_file(&file)?;
    let sealed = sealed_copy(&file)?;
    if sealed.metadata().map_err(Fault::Copy)?.len() == 0 {
        return Ok(Plan::from_bytes(Vec::new())?);
    }
    Ok(Plan::from_bytes(map(&sealed).map_err(Fault::Copy)?)?)
}

/// Refuses what is not a regular file, or could be written by somebody who is neither root nor this process.
fn check_file(file: &File) -> Result<(), Fault> {
    let metadata = file.metadata().map_err(Fault::Open)?;
    let kind = metadata.file_type();
    if kind.is_dir() {
        return Err(Fault::NotAFile("a directory"));
    }
    if !kind.is_file() {
        return Err(Fault::NotAFile("a pipe, a socket or a device"));
    }
    if metadata.len() > MAX_BYTES {
        return Err(Fault::TooLarge);
    }
    let (me, my_group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    let owner = metadata.uid();
    if owner != 0 && owner != me {
        return Err(Fault::Owner { owner, me });
    }
    check_mode(metadata.mode(), metadata.gid(), my_group)
}

fn check_mode(mode: u32, group: u32, my_group: u32) -> Result<(), Fault> {
    if mode & 0o002 != 0 {
        return Err(Fault::Writable { who: "everybody", mode: "o-w" });
    }
    if mode & 0o020 != 0 && group != 0 && group != my_group {
        return Err(Fault::Writable { who: "a group that is not this process's", mode: "g-w" });
    }
    Ok(())
}

/// Copies the file into anonymous memory that can neither change nor shrink afterwards.
fn sealed_copy(file: &File) -> Result<File, Fault> {
    let fault = |error: rustix::io::Errno| Fault::Copy(error.into());
    let memory = rustix::fs::memfd_create("lwsrun plan", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING);
    let mut memory = File::from(memory.map_err(fault)?);
    // The file may have grown since its length was looked at.
    let copied = io::copy(&mut file.take(MAX_BYTES + 1), &mut memory).map_err(Fault::Copy)?;
    if copied > MAX_BYTES {
        return Err(Fault::TooLarge);
    }
    let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&memory, seals).map_err(fault)?;
    Ok(memory)
}

/// Maps a file that [`sealed_copy`] made.
#[allow(unsafe_code, reason = "a map is unsafe because others could change its file; these are sealed")]
fn map(sealed: &File) -> io::Result<Mmap> {
    // SAFETY: the memfd is sealed against writing, shrinking, growing and unsealing, so the mapped bytes stay what
    // they are for as long as the map lives, and none of them can go away.
    unsafe { Mmap::map(sealed) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::boot::testing::plan_bytes;

    fn written(bytes: &[u8], mode: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("plan");
        std::fs::write(&path, bytes).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    fn refusal(path: &Path) -> String {
        open(path).unwrap_err().to_string()
    }

    #[test]
    fn opens_a_plan() {
        let (_folder, path) = written(&plan_bytes("127.0.0.1", 80), 0o644);
        let plan = open(&path).unwrap();
        assert_eq!(plan.vhost_ids().len(), 1);
        // What happens to the file afterwards does not matter.
        std::fs::write(&path, b"").unwrap();
        assert_eq!(plan.vhost(schemas::plan::VhostId(0)).name, "a.test");
    }

    #[test]
    fn refuses_files_that_others_can_write() {
        let (_folder, path) = written(&plan_bytes("127.0.0.1", 80), 0o646);
        assert!(refusal(&path).contains("chmod o-w"), "{}", refusal(&path));
        assert!(check_mode(0o664, 4711, 4712).unwrap_err().to_string().contains("chmod g-w"));
        assert!(check_mode(0o664, 4711, 4711).is_ok());
    }

    #[test]
    fn refuses_what_is_not_a_plan() {
        let folder = tempfile::tempdir().unwrap();
        assert!(refusal(folder.path()).contains("a directory"));
        assert!(refusal(&folder.path().join("absent")).contains("lwsconf compile"));
        let fifo = folder.path().join("fifo");
        let mode = rustix::fs::Mode::from_raw_mode(0o600);
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        assert!(refusal(&fifo).contains("a pipe"));
        assert!(refusal(Path::new("/dev/null")).contains("a device"));
    }

    #[test]
    fn refuses_cut_empty_and_foreign_plans() {
        let whole = plan_bytes("127.0.0.1", 80);
        let (_a, cut) = written(&whole[..whole.len() - 1], 0o600);
        assert!(refusal(&cut).contains("damaged"), "{}", refusal(&cut));
        let (_b, empty) = written(b"", 0o600);
        assert!(refusal(&empty).contains("0 bytes"), "{}", refusal(&empty));
        let mut other = whole;
        other[8] = 99;
        let (_c, other) = written(&other, 0o600);
        assert!(refusal(&other).contains("version 99"), "{}", refusal(&other));
    }
}
