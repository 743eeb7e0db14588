//! The service, called directly: what is answered.

mod archives;
mod fallback;
mod file_system;
mod multipart;
mod serve_dir;
mod siblings;

use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use http::HeaderMap;
use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, LOCATION};
use http_body_util::BodyExt;
use schemas::plan::{Cache, Mime, Origin, Place, ProxyLimits, SourceId, Symlinks};
use tempfile::TempDir;
use tower::ServiceExt;

use super::body::SMALL;
use super::*;

const ALWAYS_LOOK: Duration = Duration::ZERO;
const MEBIBYTE: usize = 1 << 20;

fn mount(mountpoint: &'static str) -> Mount<'static> {
    Mount {
        mountpoint,
        origin: Origin::File { docroot: "" },
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

fn serve(mount: &Mount<'_>, docroot: &Path, interval: Duration) -> FileService {
    let cache = Arc::new(FileCache::with_interval(1 << 26, interval));
    FileService::new(mount, docroot.to_str().unwrap(), "conf:1".to_owned(), &cache)
}

/// A docroot with these files, and its service at `/`.
fn site(files: &[(&str, &[u8])]) -> (TempDir, FileService) {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        put(folder.path(), name, bytes);
    }
    let service = serve(&mount("/"), folder.path(), ALWAYS_LOOK);
    (folder, service)
}

fn put(folder: &Path, name: &str, bytes: &[u8]) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Bytes that are not the same at any two multiples of a frame.
fn noise(length: usize) -> Vec<u8> {
    (0..length).map(|at| u8::try_from((at * 31 + at / 251) % 256).unwrap()).collect()
}

fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Body::empty()).unwrap()
}

async fn ask(service: &FileService, request: Request<Body>) -> (StatusCode, HeaderMap, Vec<u8>) {
    let (parts, body) = service.clone().oneshot(request).await.unwrap().into_parts();
    (parts.status, parts.headers, body.collect().await.unwrap().to_bytes().to_vec())
}

async fn get(service: &FileService, path: &str) -> (u16, Vec<u8>) {
    let (status, _, body) = ask(service, request("GET", path, &[])).await;
    (status.as_u16(), body)
}

async fn status(service: &FileService, path: &str) -> u16 {
    get(service, path).await.0
}

async fn location(service: &FileService, path: &str) -> (u16, String) {
    let (status, headers, _) = ask(service, request("GET", path, &[])).await;
    (status.as_u16(), headers.get(LOCATION).map_or("", |to| to.to_str().unwrap()).to_owned())
}

#[tokio::test]
async fn a_file_is_served_with_its_headers() {
    let (folder, service) = site(&[("note.txt", b"ten bytes\n")]);
    let file = std::fs::File::open(folder.path().join("note.txt")).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::new(1_480_000_000, 5)).unwrap();
    let (status, headers, body) = ask(&service, request("GET", "/note.txt?query", &[])).await;
    assert_eq!((status, &*body), (StatusCode::OK, &b"ten bytes\n"[..]));
    let headers: Vec<(&str, &str)> =
        headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    assert_eq!(
        headers,
        [
            ("content-type", "text/plain"),
            ("content-length", "10"),
            ("etag", "\"a-148a04289b940005\""),
            ("last-modified", "Thu, 24 Nov 2016 15:06:40 GMT"),
            ("accept-ranges", "bytes"),
        ]
    );
}

#[tokio::test]
async fn folders_have_their_default() {
    let files: &[(&str, &[u8])] =
        &[("index.html", b"root"), ("a/index.html", b"a"), ("a/b/home.html", b"home"), ("b/x.html", b"x")];
    let (folder, service) = site(files);
    assert_eq!(get(&service, "/").await, (200, b"root".to_vec()));
    assert_eq!(get(&service, "/a/").await, (200, b"a".to_vec()));
    assert_eq!(status(&service, "/b/").await, 404);
    assert_eq!(location(&service, "/a?q=1").await, (301, "/a/?q=1".to_owned()));
    assert_eq!(status(&service, "/b/x.html/").await, 404);
    for (default, expected) in [
        ("b/home.html", (404, None)),
        ("/a/b/home.html", (200, Some(&b"home"[..]))),
        ("/", (200, Some(b"root"))),
        ("", (200, Some(b"root"))),
        ("a", (404, None)),
        (".", (404, None)),
        ("..", (404, None)),
        ("a/../index.html", (200, Some(b"root"))),
    ] {
        let mount = Mount { default: Some(default), ..mount("/") };
        let service = serve(&mount, folder.path(), ALWAYS_LOOK);
        let (status, body) = get(&service, "/").await;
        assert_eq!((status, (status == 200).then_some(&*body)), expected, "{default}");
    }
}

#[tokio::test]
async fn the_mountpoint_is_taken_off() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "index.html", b"root");
    put(folder.path(), "a b.txt", b"blank");
    put(folder.path(), "a/x.txt", b"deep");
    let service = serve(&mount("/pier one"), folder.path(), ALWAYS_LOOK);
    assert_eq!(location(&service, "/pier%20one?q").await, (301, "/pier%20one/?q".to_owned()));
    assert_eq!(get(&service, "/pier%20one/").await, (200, b"root".to_vec()));
    assert_eq!(get(&service, "/pier%20one/a%20b.txt").await, (200, b"blank".to_vec()));
    assert_eq!(location(&service, "/pier%20one/a").await, (301, "/pier%20one/a/".to_owned()));
    assert_eq!(get(&service, "/pier%20one/a/x.txt").await, (200, b"deep".to_vec()));
    assert_eq!(status(&service, "/pier%20one/none.txt").await, 404);
}

#[tokio::test]
async fn methods() {
    const METHODS: &str = "GET, HEAD, OPTIONS";
    let (_folder, service) = site(&[("a.txt", b"four")]);
    let (status, headers, body) = ask(&service, request("HEAD", "/a.txt", &[("range", "bytes=0-1")])).await;
    assert_eq!((status.as_u16(), headers[CONTENT_LENGTH].to_str().unwrap(), body.len()), (200, "4", 0));
    let (status, headers, body) = ask(&service, request("OPTIONS", "/a.txt", &[])).await;
    assert_eq!((status.as_u16(), headers[ALLOW].to_str().unwrap(), body.len()), (204, METHODS, 0));
    for method in ["POST", "PUT", "PATCH", "DELETE", "CONNECT", "TRACE", "get"] {
        let (status, headers, _) = ask(&service, request(method, "/a.txt", &[])).await;
        assert_eq!((status.as_u16(), headers[ALLOW].to_str().unwrap()), (405, METHODS), "{method}");
    }
}

#[tokio::test]
async fn parts_of_small_and_large_files() {
    let large = noise(MEBIBYTE);
    let (_folder, service) = site(&[("small.txt", b"0123456789"), ("large.txt", &large), ("empty.txt", b"")]);
    let part = async |path: &str, range: &str| {
        let (status, headers, body) = ask(&service, request("GET", path, &[("range", range)])).await;
        let range = headers.get(CONTENT_RANGE).map(|range| range.to_str().unwrap().to_owned());
        (status.as_u16(), range.unwrap_or_default(), body)
    };
    assert_eq!(part("/small.txt", "bytes=2-4").await, (206, "bytes 2-4/10".to_owned(), b"234".to_vec()));
    assert_eq!(part("/small.txt", "bytes=-1").await, (206, "bytes 9-9/10".to_owned(), b"9".to_vec()));
    let (status, range, _) = part("/small.txt", "bytes=10-").await;
    assert_eq!((status, &*range), (416, "bytes */10"));
    assert_eq!(part("/empty.txt", "bytes=-1").await, (200, String::new(), Vec::new()));
    for (first, last) in [(0, 0), (1, 300_000), (131_071, 131_072), (1_048_575, 1_048_575), (0, 1_048_575)] {
        let (status, range, body) = part("/large.txt", &format!("bytes={first}-{last}")).await;
        assert_eq!((status, range), (206, format!("bytes {first}-{last}/1048576")));
        assert!(body == large[first..=last], "{first}-{last}");
    }
}

#[tokio::test]
async fn preconditions_reach_the_answer() {
    let (_folder, service) = site(&[("a.txt", b"four")]);
    let (_, headers, _) = ask(&service, request("GET", "/a.txt", &[])).await;
    let etag = headers[ETAG].to_str().unwrap().to_owned();
    let modified = headers["last-modified"].to_str().unwrap().to_owned();
    let asked = async |list: &[(&str, &str)]| {
        let (status, headers, body) = ask(&service, request("GET", "/a.txt", list)).await;
        (status.as_u16(), headers.contains_key(ETAG), body)
    };
    assert_eq!(asked(&[("if-none-match", &etag)]).await, (304, true, Vec::new()));
    assert_eq!(asked(&[("if-modified-since", &modified)]).await, (304, true, Vec::new()));
    assert_eq!(asked(&[("if-match", "\"x\"")]).await.0, 412);
    assert_eq!(asked(&[("range", "bytes=0-0"), ("if-range", &etag)]).await, (206, true, b"f".to_vec()));
    assert_eq!(asked(&[("range", "bytes=0-0"), ("if-range", "\"x\"")]).await, (200, true, b"four".to_vec()));
    assert_eq!(asked(&[("range", "bytes=9-"), ("if-none-match", &etag)]).await.0, 304);
    let response =
        service.clone().oneshot(request("GET", "/a.txt", &[("if-none-match", &etag)])).await.unwrap();
    assert_eq!(http_body::Body::size_hint(response.body()).exact(), None, "nobody may make a length of it");
}

#[tokio::test]
async fn sizes_around_the_limits_arrive_whole() {
    let small = usize::try_from(SMALL).unwrap();
    for size in [0, 1, small, small + 1, 3 * 128 * 1024, MEBIBYTE] {
        let bytes = noise(size);
        let (_folder, service) = site(&[("a.txt", &bytes)]);
        for _ in 0..2 {
            let (status, headers, body) = ask(&service, request("GET", "/a.txt", &[])).await;
            assert_eq!(
                (status.as_u16(), headers[CONTENT_LENGTH].to_str().unwrap()),
                (200, &*size.to_string())
            );
            assert!(body == bytes, "{size}");
        }
    }
}

#[tokio::test]
async fn types_come_from_the_tables() {
    let (folder, service) = site(&[("a.what", b"1"), ("a.txt", b"2"), ("Makefile", b"3")]);
    assert_eq!(status(&service, "/a.what").await, 415);
    assert_eq!(status(&service, "/none.what").await, 404);
    let mime = |suffix, media_type| Mime { suffix, media_type };
    let extra_mimetypes = vec![mime("*", ""), mime(".what", "text/x-what")];
    let mount = Mount { extra_mimetypes, ..mount("/") };
    let service = serve(&mount, folder.path(), ALWAYS_LOOK);
    for (path, media_type) in
        [("/a.what", Some("text/x-what")), ("/a.txt", Some("text/plain")), ("/Makefile", None)]
    {
        let (status, headers, _) = ask(&service, request("GET", path, &[])).await;
        let sent = headers.get(CONTENT_TYPE).map(|value| value.to_str().unwrap());
        assert_eq!((status.as_u16(), sent), (200, media_type), "{path}");
    }
}
