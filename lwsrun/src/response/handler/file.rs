//! Files below a docroot: `file://` mounts.
//!
//! A request's way:
//!
//! 1. the method: GET and HEAD go on, OPTIONS is answered, all others are 405;
//! 2. [`cache`]: a small file that was looked at within the last second is answered from memory, without a system
//!    call and without a lock but the cache's own;
//! 3. what follows the mountpoint, decoded, is the path below the docroot; a folder's is that of its `default`;
//! 4. [`resolve`]: the file is opened, by a look-up that the kernel keeps beneath the docroot; or [`archive`]: the
//!    member is found in the archive that the docroot names;
//! 5. [`source`]: precompressed siblings are opened too;
//! 6. [`media_type`]: a name that no table knows is 415, after existence so that 404 comes first;
//! 7. small files are read whole and kept, others are streamed in frames ([`body`]);
//! 8. [`coding`]: the form that suits the client is chosen;
//! 9. [`reply`]: [`precondition`], [`range`], headers; [`multipart`] for several ranges.
//!
//! Where there is no file, a browser that looks for a page may be sent the mount's [`fallback`], which goes through steps 2
//! to 9 in the place of the path.
//!
//! Steps 3 to 7 first run on the worker with flags under which the kernel gives up rather than wait for a disk. Only
//! if it does give up they run again on the blocking pool: hand-overs cost more than all else here.
//!
//! Those flags are promises about names and pages. That opening a file whose name is known, and asking for its times, waits
//! for nobody is true of local disks; a network file system may ask its server, once for each file in a second, and the
//! worker waits for that. A mount of one should give up (`soft`) rather than wait for ever. To hand over each open instead
//! would make all sites pay for it.
//!
//! Differs from lwsws: other methods than GET and HEAD are not served, a folder without its slash is redirected
//! (relative links would break), and a trailing slash after a file's name is 404.

mod archive;
mod body;
mod cache;
mod coding;
mod content;
mod fallback;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) mod fuzz;
mod kept;
mod media_type;
mod multipart;
mod precondition;
mod range;
mod reply;
mod resolve;
mod source;

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

pub(crate) use self::archive::fault_of_docroot;
pub(crate) use self::cache::FileCache;
pub(crate) use self::content::InFile;
#[cfg(any(test, feature = "fuzz"))]
pub(crate) use self::resolve::fuzz as fuzz_paths;

use self::archive::Archives;
use self::cache::{Entry, Form, KeyRef};
use self::content::Content;
use self::fallback::Fallback;
use self::kept::Kept;
use self::media_type::MediaTypes;
use self::reply::Representation;
use self::resolve::{Docroot, Failure, Resolved};
use self::source::{Looked, Place, Source, Sources, name_of};
use crate::response::error::{Refusal, redirect};

/// The file of folders where the mount names none.
const INDEX: &str = "index.html";

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
    archives: Archives,
    docroot: Docroot,
    /// The path of the default file below a folder, not empty, not beginning with `/`.
    default: Box<[u8]>,
    media_types: MediaTypes,
    fallback: Option<Fallback>,
}

/// What a request's path leads to.
enum Found {
    /// A file, and where its forms are.
    File(Arc<Entry>, Sources),
    /// A folder, or the mountpoint, asked for without its slash.
    NoSlash,
}

impl FileService {
    /// The service of a `file://` mount. `docroot` is the origin without `file://`; it may be missing, and is looked
    /// for at each request that memory does not answer. `place` is the mount's `file:line`, for the log.
    pub(crate) fn new(mount: &Mount<'_>, docroot: &str, place: String, cache: &Arc<FileCache>) -> Self {
        let mountpoint: Box<str> = match mount.mountpoint {
            "/" => "".into(),
            mountpoint => canonical_path(mountpoint.as_bytes()).into(),
        };
        let mount = FileMount {
            id: cache.next_mount(),
            cache: Arc::clone(cache),
            fallback: mount.fallback.and_then(|name| Fallback::new(&mountpoint, name)),
            mountpoint,
            archives: Archives::new(docroot, &place),
            docroot: Docroot::new(docroot, mount.symlinks, place),
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
    Ok(match task.await {
        Ok(Some(answer)) => answer,
        Ok(None) => Refusal::Internal.because("the file cannot be read, even with patience"),
        Err(error) => Refusal::Internal.because(format!("reading the file failed: {error}")),
    })
}

impl FileMount {
    /// The answer to a request. `None`: it needs a disk, which [`Patience::Disk`] allows.
    fn answer(&self, request: &Request<()>, patience: Patience) -> Option<Response<Body>> {
        match *request.method() {
            Method::GET | Method::HEAD => {}
            Method::OPTIONS => return Some(reply::options()),
            _ => return Some(reply::method_not_allowed()),
        }
        match (self.answer_with(request.uri().path(), request, patience)?, &self.fallback) {
            (Ok(response), _) => Some(response),
            (Err(Refusal::NotFound), Some(fallback)) => self.answer_instead(fallback, request, patience),
            (Err(refusal), _) => Some(refusal.response()),
        }
    }

    /// The answer to a request for which there is no file, where there is a fallback.
    fn answer_instead(
        &self,
        fallback: &Fallback,
        request: &Request<()>,
        patience: Patience,
    ) -> Option<Response<Body>> {
        let answer = if Fallback::suits(request, &self.media_types) {
            self.answer_with(&fallback.path, request, patience)?
        } else {
            Err(Refusal::NotFound)
        };
        let mut response = answer.unwrap_or_else(Refusal::response);
        Fallback::varies(&mut response);
        Some(response)
    }

    /// The answer to a request, with the file that `path` means.
    fn answer_with(
        &self,
        path: &str,
        request: &Request<()>,
        patience: Patience,
    ) -> Option<Result<Response<Body>, Refusal>> {
        let key = KeyRef { mount: self.id, path };
        let known = self.cache.get(&key);
        // On the blocking pool it has been this request's turn to look at the file again.
        if let (Some(entry), Patience::Memory) = (&known, patience)
            && self.cache.is_fresh(entry)
            && let Some(response) = self.hit(path, request, entry)
        {
            return Some(Ok(response));
        }
        if known.is_none() && self.cache.is_missing(&key) {
            return Some(Err(Refusal::NotFound));
        }
        let found = self.find(path, known.as_ref(), patience);
        if matches!(found, Err(Failure::Refused(Refusal::NotFound))) {
            self.cache.note_missing(&key);
        }
        let is_kept = match &found {
            Ok(Found::File(..)) | Err(Failure::Cold) => true,
            Ok(Found::NoSlash) => false,
            Err(failure) => failure.is_passing(),
        };
        if known.is_some() && !is_kept {
            self.cache.remove(&key);
        }
        let response = match (found, known) {
            (Ok(Found::File(entry, sources)), _) => {
                let form = entry.choose(request.headers());
                from_source(request, form, sources.with(form.coding))
            }
            // A fallback that is a folder, and so no page.
            (Ok(Found::NoSlash), _) if path != request.uri().path() => return Some(Err(Refusal::NotFound)),
            (Ok(Found::NoSlash), _) => {
                let location = slash_location(path, request.uri().query());
                redirect(StatusCode::MOVED_PERMANENTLY, &location)
            }
            // Out of descriptors or memory: what was right a second ago is better than nothing.
            (Err(Failure::Broken(fault)), Some(entry)) if fault.refusal == Refusal::Unavailable => {
                from_memory(request, entry.choose(request.headers())).unwrap_or_else(|| fault.response())
            }
            (Err(Failure::Broken(fault)), _) => fault.response(),
            (Err(Failure::Refused(refusal)), _) => return Some(Err(refusal)),
            (Err(Failure::Cold), _) => return None,
        };
        Some(Ok(response))
    }

    /// The answer from an entry that is trusted. A form that is not in memory has to be opened; `None` if that does not
    /// lead to the file that the entry is of.
    fn hit(&self, path: &str, request: &Request<()>, entry: &Entry) -> Option<Response<Body>> {
        let form = entry.choose(request.headers());
        from_memory(request, form).or_else(|| {
            let below = self.below(path).ok()??;
            let source = self.reopen(&below, form).ok()??;
            (source.opened.identity == form.identity).then(|| from_source(request, form, &source))
        })
    }

    /// Opens one form of a file that memory says is there.
    fn reopen(&self, below: &[u8], form: &Form) -> Result<Option<Source>, Failure> {
        let patience = Patience::Memory;
        if let Some(archive) = self.archives.open(patience)? {
            return Ok(match archive.look(below, patience)? {
                Looked::File(sources) => Some(sources.with(form.coding).clone()),
                Looked::Folder => None,
            });
        }
        Ok(match self.docroot.open(patience)?.look(&name_of(below, form.coding), patience)? {
            Resolved::File(opened) => Some(Source::whole(form.coding, opened)),
            Resolved::Folder => None,
        })
    }

    /// Looks at the file system. `known` is what memory holds for the path, no longer to be trusted.
    fn find(&self, path: &str, known: Option<&Arc<Entry>>, patience: Patience) -> Result<Found, Failure> {
        let Some(below) = self.below(path)? else { return Ok(Found::NoSlash) };
        match self.look(&below, patience)? {
            Looked::File(sources) => Ok(Found::File(self.load(path, &sources, known, patience)?, sources)),
            Looked::Folder if path.ends_with('/') => Err(Failure::Refused(Refusal::NotFound)),
            Looked::Folder => Ok(Found::NoSlash),
        }
    }

    fn look(&self, below: &[u8], patience: Patience) -> Result<Looked, Failure> {
        if let Some(archive) = self.archives.open(patience)? {
            return archive.look(below, patience);
        }
        let root = self.docroot.open(patience)?;
        match root.look(below, patience)? {
            Resolved::File(opened) => Sources::of_file(&root, opened, patience).map(Looked::File),
            Resolved::Folder => Ok(Looked::Folder),
        }
    }

    /// The path below the docroot that a request's path means: at least one byte, not beginning with `/`. `None`: the
    /// mountpoint, without its slash.
    fn below<'p>(&self, path: &'p str) -> Result<Option<Cow<'p, [u8]>>, Failure> {
        let rest = path.get(self.mountpoint.len()..).unwrap_or_default();
        if rest.is_empty() && !path.ends_with('/') {
            return Ok(None);
        }
        let rest = if rest.is_empty() { "/" } else { rest };
        let mut decoded = decode_path(rest).map_err(|_| Failure::Refused(Refusal::BadRequest))?;
        if decoded.ends_with(b"/") {
            decoded.to_mut().extend_from_slice(&self.default);
        }
        Ok(Some(match decoded {
            Cow::Borrowed(bytes) => Cow::Borrowed(bytes.strip_prefix(b"/").unwrap_or(bytes)),
            Cow::Owned(mut bytes) => {
                bytes.drain(..usize::from(bytes.starts_with(b"/")));
                Cow::Owned(bytes)
            }
        }))
    }

    /// Takes the forms of a file into memory, with their bytes if they are small, unless that is done already.
    fn load(
        &self,
        path: &str,
        sources: &Sources,
        known: Option<&Arc<Entry>>,
        patience: Patience,
    ) -> Result<Arc<Entry>, Failure> {
        if let Some(entry) = known
            && entry.is_still(sources)
        {
            return Ok(Arc::clone(entry));
        }
        let media_type = self.media_types.of(&sources.name).map_err(Failure::Refused)?;
        let varies = !sources.coded.is_empty();
        let form = |source: &Source| {
            let bytes = source.read_small(patience)?;
            let file = Representation::new(source, media_type.clone(), varies);
            let kept = source.is_a_file().then(|| Kept::new(&source.opened)).flatten();
            Ok(Form { coding: source.coding, file, identity: source.opened.identity, bytes, kept })
        };
        let (plain, coded) = (form(&sources.plain)?, sources.coded.iter().map(form));
        let entry = Arc::new(Entry::new(plain, coded.collect::<Result<_, _>>()?, self.cache.now()));
        self.cache.insert(KeyRef { mount: self.id, path }, Arc::clone(&entry));
        Ok(entry)
    }
}

fn from_memory(request: &Request<()>, form: &Form) -> Option<Response<Body>> {
    let content = match (&form.bytes, &form.kept) {
        (Some(bytes), None) => Content::Memory(bytes),
        (Some(bytes), Some(kept)) => Content::Both(bytes, kept.opened()),
        (None, Some(kept)) => Content::File(kept.unless_changed()?),
        (None, None) => return None,
    };
    Some(reply::reply(request, &form.file, content))
}

/// The answer with a form whose file is open.
fn from_source(request: &Request<()>, form: &Form, source: &Source) -> Response<Body> {
    from_memory(request, form).unwrap_or_else(|| {
        let content = match &source.place {
            Place::Whole => Content::File(&source.opened),
            Place::Member(member, form) => Content::Member(&source.opened, member, *form),
        };
        reply::reply(request, &form.file, content)
    })
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
