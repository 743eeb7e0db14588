//! Access logs (`access-log`, `access-log-format`): one line for each request, whoever answers it.
//!
//! An [`Entry`] begins with a request and is written when it is dropped: behind the last byte of the answer's body, or
//! when client or handler are gone before that. So each request has exactly one line, with the bytes that were sent.
//!
//! | module | does |
//! |---|---|
//! | [`entry`] | one request: its text, its status, its bytes |
//! | [`line`](self::line) | writes a line, as Apache does or as JSON |
//! | [`escape`] | lets no client forge one |
//! | [`clock`] | the time, as text |
//! | [`queue`] | lines on their way from the workers to the writer |
//! | [`writer`] | one thread for all files |
//! | [`file`] | one file: opened, written, opened again |
//! | [`outage`] | a file that cannot be written: what is said of it, and how often |
//!
//! Format: that of Apache's `combined`. The user is the name of `basic-auth`, else the subject of the client's
//! certificate. Bytes are those of the body, as `%b` counts them. A request that nobody answered before the client was
//! gone has status 499, as nginx writes it. What was refused before it became a request is logged with what can be
//! read of it.
//!
//! Differs from lwsws: the target is logged as it was sent, with its query; `-` stands for what is missing; what could
//! forge a line is escaped; the body's bytes are counted without the head; redirects are logged too; SIGUSR1 opens the
//! files again.

mod body;
mod clock;
mod entry;
mod escape;
mod file;
mod line;
mod outage;
mod queue;
mod writer;

use std::io;
use std::path::Path;
use std::sync::Arc;

use http::{Request, StatusCode};
use schemas::plan::{LogFormat, Plan, Vhost};
use tokio::signal::unix::{SignalKind, signal};

pub(crate) use body::Logged;
pub(crate) use entry::{Entry, Pending, Protocol, User};
pub(crate) use file::{LogError, fault_of_log};

use crate::boot::privilege::Identity;
use crate::connection::ConnectionFacts;
use file::LogFile;
use queue::{FileId, Queue};
pub(crate) use writer::Writer;

/// The access logs of a plan, opened. Cheap to clone. Default: none.
#[derive(Debug, Clone, Default)]
pub(crate) struct AccessLogs {
    queue: Arc<Queue>,
    paths: Arc<[Box<str>]>,
}

impl AccessLogs {
    /// Opens all files, and starts the thread that writes them, if there is one to write. `identity` is what the process
    /// becomes: new files are given to it, so that it can open them again.
    ///
    /// # Errors
    /// If a file cannot be opened, with path and place, or the thread not be started.
    pub(crate) fn open(plan: &Plan, identity: &Identity) -> Result<(Self, Option<Writer>), LogError> {
        let logs = plan.global().access_logs;
        let open = |log: &schemas::plan::AccessLog<'_>| {
            LogFile::open(Path::new(log.path), plan.describe(log.place), identity)
        };
        let files: Vec<LogFile> = logs.iter().map(open).collect::<Result<_, _>>()?;
        let opened = Self {
            queue: Arc::new(Queue::default()),
            paths: logs.iter().map(|log| log.path.into()).collect(),
        };
        let writer = (!files.is_empty()).then(|| Writer::new(files, Arc::clone(&opened.queue)));
        Ok((opened, writer))
    }

    /// The log of a vhost; `None` if it has none.
    pub(crate) fn of(&self, vhost: &Vhost<'_>) -> Option<VhostLog> {
        let path = vhost.access_log?;
        let file = self.paths.iter().position(|known| **known == *path)?;
        let (queue, name) = (Arc::clone(&self.queue), vhost.name.into());
        let target = Target { queue, file: FileId::new(file), format: vhost.access_log_format, name };
        Some(VhostLog(Arc::new(target)))
    }

    /// Opens the files again whenever SIGUSR1 says that they were renamed, as long as the runtime lives.
    ///
    /// # Errors
    /// If a handler cannot be set.
    pub(crate) fn follow_signals(&self) -> io::Result<()> {
        let mut renamed = signal(SignalKind::user_defined1())?;
        // A file that may not grow any more (`ulimit -f`) is an error of a write, and not the end of the process.
        let mut too_large = signal(SignalKind::from_raw(SIGXFSZ))?;
        let queue = Arc::clone(&self.queue);
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    Some(()) = renamed.recv() => queue.reopen(),
                    Some(()) = too_large.recv() => {}
                    else => return,
                }
            }
        });
        Ok(())
    }
}

/// "File size limit exceeded", which tokio has no name for.
const SIGXFSZ: i32 = rustix::process::Signal::XFSZ.as_raw();

/// The log of one vhost. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct VhostLog(Arc<Target>);

/// Where the lines of a vhost go, and how they look.
#[derive(Debug)]
struct Target {
    queue: Arc<Queue>,
    file: FileId,
    format: LogFormat,
    /// The vhost's name.
    name: Box<str>,
}

impl VhostLog {
    /// Begins the line of a request.
    pub(crate) fn begin<B>(&self, connection: &ConnectionFacts, request: &Request<B>) -> Entry {
        Entry::of_request(Arc::clone(&self.0), connection, request)
    }

    /// Begins the line of what was refused before it was a request: `head` is what came of it.
    pub(crate) fn begin_refused(
        &self,
        connection: &ConnectionFacts,
        head: &[u8],
        status: StatusCode,
    ) -> Entry {
        Entry::of_bytes(Arc::clone(&self.0), connection, head, status)
    }
}

#[cfg(test)]
mod tests;
