//! What the benchmarks call: handlers without a plan and without a connection.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use http::{Request, Response};
use schemas::plan::{Cache, Mount, Origin, Place, ProxyLimits, SourceId, Symlinks};
use tower::Service;

use crate::response::handler::file::{FileCache, FileService};

/// The file service of a mount `/` of a folder, with 64 MiB of memory for files.
pub fn files(
    docroot: &Path,
) -> impl Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + use<> {
    let docroot = docroot.to_string_lossy();
    let cache = Arc::new(FileCache::new(64 << 20));
    FileService::new(&mount(&docroot), &docroot, "bench:1".to_owned(), &cache)
}

fn mount(docroot: &str) -> Mount<'_> {
    Mount {
        mountpoint: "/",
        origin: Origin::File { docroot },
        default: None,
        protocol: None,
        auth_mask: None,
        cgi_timeout: None,
        cgi_env: Vec::new(),
        cgi_chroot: None,
        cgi_chdir: None,
        proxy: ProxyLimits::default(),
        pmo: Vec::new(),
        cache: Cache::default(),
        extra_mimetypes: Vec::new(),
        interpret: Vec::new(),
        basic_auth: None,
        headers: Vec::new(),
        keepalive_timeout: None,
        exact_match: false,
        append_path: false,
        no_ws_upgrades: false,
        symlinks: Symlinks::Inside,
        fallback: None,
        place: Place { file: SourceId(0), line: 1 },
    }
}
