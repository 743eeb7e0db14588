//! An uploaded file on its way through the folder for temporary files.

use std::io::{self, Write};
use std::path::Path;

use tempfile::{Builder, NamedTempFile};
use tokio::task::spawn_blocking;

use super::sink::Sink;

/// A stored file. Removed when dropped, also where the form is given up.
pub(super) struct Upload {
    file: NamedTempFile,
    length: usize,
}

impl Upload {
    /// A new file with a name that nobody could foresee, which only this user may read.
    fn new() -> io::Result<Self> {
        Ok(Self { file: Builder::new().prefix("post-file-").tempfile()?, length: 0 })
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.length += bytes.len();
        self.file.write_all(bytes)
    }

    pub(super) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Bytes stored.
    pub(super) fn length(&self) -> usize {
        self.length
    }
}

/// Stores what has come of a file, if one has; on a thread that may wait for the disk.
pub(super) async fn store(upload: Option<Upload>, sink: &mut Sink) -> io::Result<Option<Upload>> {
    let Some(bytes) = sink.take_file() else { return Ok(None) };
    if upload.is_some() && bytes.is_empty() {
        return Ok(upload);
    }
    let work = move || {
        let mut upload = upload.map_or_else(Upload::new, Ok)?;
        upload.append(&bytes)?;
        Ok(Some(upload))
    };
    spawn_blocking(work).await.unwrap_or_else(|failed| Err(io::Error::other(failed)))
}
