//! The service, called directly: precompressed siblings.

use http::HeaderName;
use http::header::{CONTENT_ENCODING, VARY};

use super::*;

/// Sets the time of the last change, in seconds since 1970.
fn age(folder: &Path, name: &str, seconds: u64) {
    let file = std::fs::File::options().write(true).open(folder.join(name)).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
}

/// A docroot with a page and all its siblings.
fn pages() -> (TempDir, FileService) {
    site(&[("a.html", b"plain"), ("a.html.br", b"brotli"), ("a.html.zst", b"zstd!"), ("a.html.gz", b"gzip")])
}

async fn coded(service: &FileService, path: &str, accept: &str) -> (u16, Option<String>, Vec<u8>) {
    let (status, headers, body) = ask(service, request("GET", path, &[("accept-encoding", accept)])).await;
    (status.as_u16(), value(&headers, CONTENT_ENCODING), body)
}

fn value(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    headers.get(name).map(|value| value.to_str().unwrap().to_owned())
}

#[tokio::test]
async fn the_client_chooses() {
    let (_folder, service) = pages();
    for (accept, coding, bytes) in [
        ("gzip, deflate, br, zstd", Some("br"), &b"brotli"[..]),
        ("gzip, zstd", Some("zstd"), b"zstd!"),
        ("gzip;q=1.0, br;q=0.5", Some("gzip"), b"gzip"),
        ("br;q=0, gzip;q=0, zstd;q=0", None, b"plain"),
        ("identity, br;q=0.5", None, b"plain"),
        ("deflate", None, b"plain"),
        ("identity;q=0", None, b"plain"),
    ] {
        // From the disk and from memory.
        for _ in 0..2 {
            let expected = (200, coding.map(str::to_owned), bytes.to_vec());
            assert_eq!(coded(&service, "/a.html", accept).await, expected, "{accept}");
        }
    }
    assert_eq!(get(&service, "/a.html").await, (200, b"plain".to_vec()));
}

#[tokio::test]
async fn every_form_has_its_own_headers() {
    let (_folder, service) = pages();
    let mut tags = std::collections::HashSet::new();
    for (accept, coding, length) in
        [("br", Some("br"), "6"), ("zstd", Some("zstd"), "5"), ("gzip", Some("gzip"), "4"), ("x", None, "5")]
    {
        let list = [("accept-encoding", accept)];
        let (_, headers, _) = ask(&service, request("GET", "/a.html", &list)).await;
        assert_eq!(value(&headers, CONTENT_TYPE).as_deref(), Some("text/html"));
        assert_eq!(value(&headers, CONTENT_ENCODING).as_deref(), coding);
        assert_eq!(value(&headers, CONTENT_LENGTH).as_deref(), Some(length));
        assert_eq!(value(&headers, VARY).as_deref(), Some("accept-encoding"));
        let tag = value(&headers, ETAG).unwrap();
        assert!(tag.starts_with('"') && tag.ends_with('"'), "strong: {tag}");
        let (status, headers, body) =
            ask(&service, request("HEAD", "/a.html", &[("accept-encoding", accept)])).await;
        assert_eq!((status.as_u16(), value(&headers, CONTENT_LENGTH).as_deref()), (200, Some(length)));
        assert!(body.is_empty());
        let list = [("accept-encoding", accept), ("if-none-match", &tag)];
        let (status, headers, _) = ask(&service, request("GET", "/a.html", &list)).await;
        assert_eq!((status.as_u16(), value(&headers, VARY).as_deref()), (304, Some("accept-encoding")));
        assert!(tags.insert(tag), "each form has its own tag");
    }
}

#[tokio::test]
async fn a_tag_is_that_of_one_form() {
    let (folder, service) = site(&[("a.txt", b"12345"), ("a.txt.gz", b"gzip!")]);
    age(folder.path(), "a.txt", 1_000_000_000);
    age(folder.path(), "a.txt.gz", 1_000_000_000);
    let (_, headers, _) = ask(&service, request("GET", "/a.txt", &[])).await;
    let plain = value(&headers, ETAG).unwrap();
    let list = [("if-none-match", &*plain), ("accept-encoding", "gzip")];
    assert_eq!(ask(&service, request("GET", "/a.txt", &list)).await.0, 200);
    assert_eq!(ask(&service, request("GET", "/a.txt", &list[..1])).await.0, 304);
}

#[tokio::test]
async fn files_without_siblings_do_not_vary() {
    let (folder, service) = site(&[("a.txt", b"plain")]);
    let list = [("accept-encoding", "br, gzip")];
    let (_, headers, body) = ask(&service, request("GET", "/a.txt", &list)).await;
    assert_eq!(
        (value(&headers, VARY), value(&headers, CONTENT_ENCODING), &*body),
        (None, None, &b"plain"[..])
    );
    put(folder.path(), "a.txt.gz", b"gzip");
    assert_eq!(coded(&service, "/a.txt", "gzip").await.2, b"gzip");
    std::fs::remove_file(folder.path().join("a.txt.gz")).unwrap();
    assert_eq!(coded(&service, "/a.txt", "gzip").await, (200, None, b"plain".to_vec()));
}

#[tokio::test]
async fn ranges_are_of_the_chosen_form() {
    let (_folder, service) = pages();
    let list = [("accept-encoding", "br"), ("range", "bytes=1-3")];
    let (status, headers, body) = ask(&service, request("GET", "/a.html", &list)).await;
    assert_eq!((status.as_u16(), &*body), (206, &b"rot"[..]));
    assert_eq!(value(&headers, CONTENT_RANGE).as_deref(), Some("bytes 1-3/6"));
    assert_eq!(value(&headers, CONTENT_ENCODING).as_deref(), Some("br"));
    assert_eq!(value(&headers, VARY).as_deref(), Some("accept-encoding"));
    let list = [("accept-encoding", "br"), ("range", "bytes=0-0,2-2")];
    let (status, headers, body) = ask(&service, request("GET", "/a.html", &list)).await;
    assert_eq!((status.as_u16(), &*body), (200, &b"brotli"[..]), "several parts are never coded");
    assert_eq!(value(&headers, CONTENT_TYPE).as_deref(), Some("text/html"));
}

#[tokio::test]
async fn siblings_that_do_not_count() {
    let outside = tempfile::tempdir().unwrap();
    put(outside.path(), "x", b"secret");
    let (folder, service) = site(&[("a.txt", b"plain"), ("a.txt.br", b"stale"), ("a.txt.zst", b"")]);
    age(folder.path(), "a.txt.br", 1_000_000_000);
    std::os::unix::fs::symlink(outside.path().join("x"), folder.path().join("a.txt.gz")).unwrap();
    assert_eq!(coded(&service, "/a.txt", "br, zstd, gzip").await, (200, None, b"plain".to_vec()));
    age(folder.path(), "a.txt", 1_000_000_000);
    assert_eq!(coded(&service, "/a.txt", "br").await.2, b"stale", "as old as the file");
    age(folder.path(), "a.txt", 1_000_000_001);
    assert_eq!(coded(&service, "/a.txt", "br").await.2, b"plain", "forgotten after an edit");
    std::fs::create_dir(folder.path().join("b.txt.gz")).unwrap();
    put(folder.path(), "b.txt", b"b");
    assert_eq!(coded(&service, "/b.txt", "gzip").await.2, b"b", "a folder");
    put(folder.path(), "c.txt.gz", b"c");
    assert_eq!(coded(&service, "/c.txt", "gzip").await.0, 404, "no file, only its sibling");
}

#[tokio::test]
async fn a_sibling_asked_for_by_name_is_a_plain_file() {
    let (_folder, service) = site(&[("a.txt", b"a"), ("a.txt.gz", b"gz"), ("a.txt.gz.gz", b"twice")]);
    let (status, headers, body) =
        ask(&service, request("GET", "/a.txt.gz", &[("accept-encoding", "gzip")])).await;
    assert_eq!((status.as_u16(), &*body), (200, &b"gz"[..]));
    assert_eq!(value(&headers, CONTENT_TYPE).as_deref(), Some("application/gzip"));
    assert_eq!((value(&headers, CONTENT_ENCODING), value(&headers, VARY)), (None, None));
}

#[tokio::test]
async fn defaults_of_folders_have_siblings() {
    let (_folder, service) = site(&[("b/index.html", b"plain"), ("b/index.html.gz", b"gzip")]);
    assert_eq!(coded(&service, "/b/", "gzip").await, (200, Some("gzip".to_owned()), b"gzip".to_vec()));
}

#[tokio::test]
async fn large_files_with_small_siblings_and_the_other_way_round() {
    let large = noise(MEBIBYTE);
    let files: &[(&str, &[u8])] =
        &[("a.txt", &large), ("a.txt.gz", b"gzip"), ("b.txt", b"plain"), ("b.txt.br", &large)];
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        put(folder.path(), name, bytes);
    }
    for interval in [ALWAYS_LOOK, Duration::MAX] {
        let service = serve(&mount("/"), folder.path(), interval);
        for _ in 0..2 {
            assert_eq!(coded(&service, "/a.txt", "gzip").await.2, b"gzip");
            assert!(coded(&service, "/a.txt", "br").await.2 == large);
            assert!(coded(&service, "/b.txt", "br").await.2 == large);
            assert_eq!(coded(&service, "/b.txt", "gzip").await.2, b"plain");
        }
        assert!(service.mount.cache.weight() < 64 * 1024, "large forms are not kept");
    }
}

#[tokio::test]
async fn a_large_file_that_changes_is_seen_within_the_interval() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "a.txt", &noise(MEBIBYTE));
    let service = serve(&mount("/"), folder.path(), Duration::MAX);
    assert_eq!(get(&service, "/a.txt").await.1.len(), MEBIBYTE);
    put(folder.path(), "a.txt", &noise(MEBIBYTE + 1));
    assert_eq!(get(&service, "/a.txt").await.1.len(), MEBIBYTE + 1);
    std::fs::remove_file(folder.path().join("a.txt")).unwrap();
    assert_eq!(status(&service, "/a.txt").await, 404);
}
