//! Stage 6 of 6: the plan's bytes, and how they come to stand in a file. Comes after
//! [`semantics`](crate::semantics).
//!
//! A plan is never written in place, because a server may have it mapped: a temporary file in the same folder is
//! written, brought to the disk, renamed, and then the folder is brought to the disk too. On any error the plan that
//! is there stays as it is.

use std::fs::{File, Permissions};
use std::io::{self, Write};
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
    replace(path, &bytes).map_err(|cause| WriteError::File { path: path.to_owned(), cause })
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
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}
