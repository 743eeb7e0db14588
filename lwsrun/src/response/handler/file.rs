//! Files below a docroot: `file://` mounts.
//!
//! A request's way:
//!
//! 1. the method: GET and HEAD go on, OPTIONS is answered, all others are 405;
//! 2. [`cache`]: a small file that was looked at within the last second is answered from memory, without a system
//!    call and without a lock but the cache's own;
//! 3. what follows the mountpoint, decoded, is the path below the docroot; a folder's is that of its `default`;
//! 4. [`resolve`]: the file is opened, by a look-up that the kernel keeps beneath the docroot;
//! 5. [`media_type`]: a name that no table knows is 415, after existence so that 404 comes first;
//! 6. [`body`]: small files are read whole and kept, others are streamed in frames;
//! 7. [`reply`]: [`precondition`], [`range`], headers.
//!
//! Steps 3 to 6 first run on the worker with flags under which the kernel gives up rather than wait for a disk. Only
//! if it does give up they run again on the blocking pool: hand-overs cost more than all else here.
//!
//! Differs from lwsws: other methods than GET and HEAD are not served, a folder without its slash is redirected
//! (relative links would break), and a trailing slash after a file's name is 404.

mod body;
mod cache;
mod media_type;
mod precondition;
mod range;
mod reply;
mod resolve;

use std::borrow::Cow;
use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use futures_util::future::{BoxFuture, Either};
use http::{Method, Request, Response, StatusCode};
use schemas::plan::Mount;
use schemas::route::{canonical_path, decode_path, slash_location};
use tower::Service;

pub(crate) use self::cache::FileCache;

use self::body::{FileBody, SMALL, read_whole};
use self::cache::{Entry, KeyRef};
use self::media_type::MediaTypes;
use self::reply::Representation;
use self::resolve::{Docroot, Failure, Opened, Resolved};
use crate::response::error::{Refusal, redirect};

/// The file of folders where the mount names none.
const INDEX: &str = "index.html";

/// A limit is reached: it says nothing about the file.
const UNAVAILABLE: Failure = Failure::Refused(Refusal::Unavailable);

/// Serves the files of one mount. Clones share everything.
#[derive(Debug, Clone)]
pub(crate) struct FileService {
    mount: Arc<FileMount>,
}

/// Whether an operation may wait for a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    /// No: only what the kernel holds in memory.
    Memory,
    /// Yes: this runs on the blocking pool.
    Disk,
}

#[derive(Debug)]
struct FileMount {
    cache: Arc<FileCache>,
    /// What tells this mount's entries in the shared cache from those of others.
    id: u64,
    /// The mountpoint in canonical form, empty for `/`: what is taken off a request's path.
    mountpoint: Box<str>,
    docroot: Docroot,
    /// The path of the default file below a folder, not empty, not beginning with `/`.
    default: Box<[u8]>,
    media_types: MediaTypes,
}

/// What a request's path leads to.
enum Found {
    /// A small file, in memory.
    Kept(Arc<Entry>),
    /// A file that is not kept in memory.
    Streamed(Box<Representation>, Opened),
    /// A folder, or the mountpoint, asked for without its slash.
    NoSlash,
}

impl FileService {
    /// The service of a `file://` mount. `docroot` is the origin without `file://`; it may be missing, and is looked
    /// for at each request that memory does not answer. `place` is the mount's `file:line`, for the log.
    pub(crate) fn new(mount: &Mount<'_>, docroot: &str, place: String, cache: &Arc<FileCache>) -> Self {
        let mountpoint = match mount.mountpoint {
            "/" => "".into(),
            mountpoint => canonical_path(mountpoint.as_bytes()).into(),
        };
        let mount = FileMount {
            id: cache.next_mount(),
            cache: Arc::clone(cache),
            mountpoint,
            docroot: Docroot::new(docroot, place),
            default: default_file(mount.default).as_bytes().into(),
            media_types: MediaTypes::new(&mount.extra_mimetypes),
        };
        Self { mount: Arc::new(mount) }
    }
}

impl Service<Request<Body>> for FileService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Either<
        Ready<Result<Response<Body>, Infallible>>,
        BoxFuture<'static, Result<Response<Body>, Infallible>>,
    >;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let request = request.map(drop);
        match self.mount.answer(&request, Patience::Memory) {
            Some(response) => Either::Left(ready(Ok(response))),
            None => Either::Right(Box::pin(from_disk(Arc::clone(&self.mount), request))),
        }
    }
}

/// Answers on the blocking pool.
async fn from_disk(mount: Arc<FileMount>, request: Request<()>) -> Result<Response<Body>, Infallible> {
    let task = tokio::task::spawn_blocking(move || mount.answer(&request, Patience::Disk));
    let answered = task.await.inspect_err(|error| tracing::error!("serving a file failed: {error}"));
    Ok(answered.ok().flatten().unwrap_or_else(|| Refusal::Internal.response()))
}

impl FileMount {
    /// The answer to a request. `None`: it needs a disk, which [`Patience::Disk`] allows.
    fn answer(&self, request: &Request<()>, patience: Patience) -> Option<Response<Body>> {
        match *request.method() {
            Method::GET | Method::HEAD => {}
            Method::OPTIONS => return Some(reply::options()),
            _ => return Some(reply::method_not_allowed()),
        }
        let key = KeyRef { mount: self.id, path: request.uri().path() };
        let known = self.cache.get(&key);
        // On the blocking pool it has been this request's turn to look at the file again.
        if let (Some(entry), Patience::Memory) = (&known, patience)
            && self.cache.is_fresh(entry)
        {
            return Some(entry.reply(request));
        }
        let found = self.find(request, known.as_ref(), patience);
        if known.is_some() && !matches!(found, Ok(Found::Kept(_)) | Err(Failure::Cold | UNAVAILABLE)) {
            self.cache.remove(&key);
        }
        let response = match (found, known) {
            (Ok(Found::Kept(entry)), _) => entry.reply(request),
            // Out of descriptors or memory: what was right a second ago is better than nothing.
            (Err(UNAVAILABLE), Some(entry)) => entry.reply(request),
            (Ok(Found::Streamed(file, opened)), _) => stream(request, &file, opened),
            (Ok(Found::NoSlash), _) => {
                let location = slash_location(request.uri().path(), request.uri().query());
                redirect(StatusCode::MOVED_PERMANENTLY, &location)
            }
            (Err(Failure::Refused(refusal)), _) => refusal.response(),
            (Err(Failure::Cold), _) => return None,
        };
        Some(response)
    }

    /// Looks at the file system. `known` is what memory holds for the path, no longer to be trusted.
    fn find(
        &self,
        request: &Request<()>,
        known: Option<&Arc<Entry>>,
        patience: Patience,
    ) -> Result<Found, Failure> {
        let path = request.uri().path();
        let rest = path.get(self.mountpoint.len()..).unwrap_or_default();
        if rest.is_empty() && !path.ends_with('/') {
            return Ok(Found::NoSlash);
        }
        let rest = if rest.is_empty() { "/" } else { rest };
        let decoded = decode_path(rest).map_err(|_| Failure::Refused(Refusal::BadRequest))?;
        let below = decoded.strip_prefix(b"/").unwrap_or(&decoded);
        let folder = below.is_empty() || below.ends_with(b"/");
        let below = if folder { Cow::Owned([below, &*self.default].concat()) } else { Cow::Borrowed(below) };
        match resolve::open(&self.docroot, &below, patience)? {
            Resolved::File(opened) => self.load(path, opened, known, patience),
            Resolved::Folder if folder => Err(Failure::Refused(Refusal::NotFound)),
            Resolved::Folder => Ok(Found::NoSlash),
        }
    }

    /// Takes a file into memory if it is small, holds still, and is not there already.
    fn load(
        &self,
        path: &str,
        opened: Opened,
        known: Option<&Arc<Entry>>,
        patience: Patience,
    ) -> Result<Found, Failure> {
        if let Some(entry) = known
            && entry.is_still(&opened.identity)
        {
            return Ok(Found::Kept(Arc::clone(entry)));
        }
        let media_type = self.media_types.of(&opened.name).map_err(Failure::Refused)?;
        let file = Representation::new(&opened.identity, media_type);
        if opened.identity.size > SMALL {
            return Ok(Found::Streamed(Box::new(file), opened));
        }
        match read_whole(&opened, patience)? {
            Some(bytes) => {
                let entry = Arc::new(Entry::new(file, bytes, opened.identity, self.cache.now()));
                self.cache.insert(KeyRef { mount: self.id, path }, Arc::clone(&entry));
                Ok(Found::Kept(entry))
            }
            // It is being written.
            None => Ok(Found::Streamed(Box::new(file), opened)),
        }
    }
}

fn stream(request: &Request<()>, file: &Representation, opened: Opened) -> Response<Body> {
    reply::reply(request, file, |range| Body::new(FileBody::new(opened, range)))
}

/// The path of the default file below a folder.
///
/// Differs from lwsws: a `default` that names no file, such as `/`, counts as absent; lwsws answers 200 with
/// nonsense.
fn default_file(default: Option<&str>) -> &str {
    match default.map(|default| default.trim_start_matches('/')) {
        None | Some("") => INDEX,
        Some(default) => default,
    }
}

#[cfg(test)]
mod tests;
