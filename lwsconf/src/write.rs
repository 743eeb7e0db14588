//! Stage 6 of 6: the plan's bytes, and how they come to stand in a file. Comes after
//! [`semantics`](crate::semantics).
//!
//! A plan is never written in place, because a server may have it mapped: a temporary file in the same folder is
//! written, brought to the disk, renamed, and then the folder is brought to the disk too. On any error the plan that
//! is there stays as it is.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use schemas::plan;

use crate::semantics::Checked;

/// Who may read a plan: everybody, as with the configuration. Only its owner may write it.
const MODE: u32 = 0o644;

/// Why a plan could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The plan cannot hold the configuration.
    #[error("the configuration does not fit a plan: {0}")]
    Plan(#[from] plan::WriteError),
    /// The file system refused.
    #[error("cannot write the plan `{}`: {cause}", .path.display())]
    File {
        /// The plan's path.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

/// Writes the plan of a configuration to `path`, in one step for everyone who looks.
///
/// # Errors
///
/// [`WriteError`]; whatever was at `path` is still there then.
pub fn write(checked: &Checked<'_>, path: &Path) -> Result<(), WriteError> {
    let bytes = checked.to_bytes()?;
    let written = place(path).and_then(|place| replace(&place, &bytes));
    written.map_err(|cause| WriteError::File { path: path.to_owned(), cause })
}

/// Where the plan is to stand: `path`, or what it is a link to. Only a plan may be replaced: a name given by mistake
/// must not cost a config, a device or anything else that stands there.
fn place(path: &Path) -> io::Result<PathBuf> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(path.to_owned()),
        Err(cause) => return Err(cause),
    };
    if !metadata.is_file() {
        return Err(io::Error::other("it is there and is no file; `lwsconf check` checks without writing"));
    }
    let mut first = Vec::new();
    File::open(path)?.take(plan::MAGIC.len() as u64).read_to_end(&mut first)?;
    if !first.is_empty() && first != plan::MAGIC {
        return Err(io::Error::other("it is there and is no plan; remove it first, or give another name"));
    }
    fs::canonicalize(path)
}

fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = tempfile::Builder::new()
        .prefix(".lwsconf-")
        .suffix(".plan.tmp")
        .permissions(Permissions::from_mode(MODE))
        .tempfile_in(folder)
        // The name of the temporary file would only be in the way.
        .map_err(|cause| io::Error::new(cause.kind(), in_folder(folder, &cause)))?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}

fn in_folder(folder: &Path, cause: &io::Error) -> String {
    match cause.kind() {
        io::ErrorKind::NotFound => format!("the folder `{}` is not there; create it first", folder.display()),
        io::ErrorKind::PermissionDenied => format!("no new file may be made in `{}`", folder.display()),
        kind => format!("no new file can be made in `{}`: {kind}", folder.display()),
    }
}
