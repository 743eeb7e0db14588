//! The service, called directly: origins that are archives.

mod damage;
mod zip;

use std::io::Read;

use flate2::read::GzDecoder;
use http::HeaderName;
use http::header::{ACCEPT_RANGES, CONTENT_ENCODING, LAST_MODIFIED, VARY};

use self::zip::{Member, zip, zip_with_comment};
use super::*;

/// A folder with an archive `site.zip`, and the service of the archive.
fn archive(members: &[Member]) -> (TempDir, FileService) {
    archive_of(&zip(members))
}

fn archive_of(bytes: &[u8]) -> (TempDir, FileService) {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "site.zip", bytes);
    let service = serve(&mount("/"), &folder.path().join("site.zip"), ALWAYS_LOOK);
    (folder, service)
}

/// Bytes that deflate to much less.
fn tides(count: usize) -> Vec<u8> {
    b"tide ".repeat(count)
}

/// Bytes that do not deflate.
fn random(length: usize) -> Vec<u8> {
    let mut state = 88_172_645_463_325_252_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    std::iter::repeat_with(next).flatten().take(length).collect()
}

fn unzipped(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut out).unwrap();
    out
}

fn value(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}

async fn accept(service: &FileService, path: &str, accept: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
    ask(service, request("GET", path, &[("accept-encoding", accept)])).await
}

#[tokio::test]
async fn members_are_served_like_files() {
    let members = [
        Member::deflated("index.html", b"<h1>from the zip</h1>\n"),
        Member::stored("stored.txt", b"stored member\n"),
        Member::stored("empty.txt", b""),
        Member::deflated("nothing.txt", b""),
        Member::stored("dir/", b""),
        Member::deflated("dir/deflated.txt", &tides(200)),
        Member::stored("dir/a b.txt", b"blank"),
        Member::stored("k.what", b"?"),
    ];
    let (_folder, service) = archive(&members);
    for _ in 0..2 {
        assert_eq!(get(&service, "/").await, (200, b"<h1>from the zip</h1>\n".to_vec()));
        assert_eq!(get(&service, "/stored.txt").await, (200, b"stored member\n".to_vec()));
        assert_eq!(get(&service, "/empty.txt").await, (200, Vec::new()));
        assert_eq!(get(&service, "/nothing.txt").await, (200, Vec::new()));
        assert_eq!(get(&service, "/dir/deflated.txt").await, (200, tides(200)));
        assert_eq!(get(&service, "/dir/a%20b.txt").await, (200, b"blank".to_vec()));
    }
    assert_eq!(location(&service, "/dir?q").await, (301, "/dir/?q".to_owned()));
    for path in ["/dir/", "/missing.txt", "/stored.txt/", "/DIR/deflated.txt", "/di", "/dir/deflated"] {
        assert_eq!(status(&service, path).await, 404, "{path}");
    }
    assert_eq!(status(&service, "/k.what").await, 415);
    let (_, headers, _) = ask(&service, request("GET", "/stored.txt", &[])).await;
    assert_eq!(value(&headers, CONTENT_TYPE), Some("text/plain"));
    assert_eq!(value(&headers, ETAG), Some("\"e-ff5258d3\""));
    assert_eq!((value(&headers, VARY), value(&headers, ACCEPT_RANGES)), (None, Some("bytes")));
    assert!(headers.contains_key(LAST_MODIFIED));
    let list = [("if-none-match", "\"e-ff5258d3\"")];
    assert_eq!(ask(&service, request("GET", "/stored.txt", &list)).await.0, 304);
}

#[tokio::test]
async fn deflated_members_are_passed_on_as_gzip() {
    let (_folder, service) =
        archive(&[Member::deflated("a.txt", &tides(200)), Member::stored("b.txt", b"b")]);
    let (status, headers, body) = accept(&service, "/a.txt", "br, gzip;q=0.5").await;
    assert_eq!((status.as_u16(), unzipped(&body)), (200, tides(200)));
    assert_eq!(value(&headers, CONTENT_ENCODING), Some("gzip"));
    assert_eq!(value(&headers, CONTENT_TYPE), Some("text/plain"));
    assert_eq!(value(&headers, CONTENT_LENGTH), Some(&*body.len().to_string()));
    assert_eq!(value(&headers, VARY), Some("accept-encoding"));
    let tag = value(&headers, ETAG).unwrap();
    assert!(tag.starts_with("\"3e8-c1dd9f49-") && tag.ends_with("-gzip\""), "{tag}");
    let (_, headers, body) = accept(&service, "/a.txt", "gzip;q=0, *").await;
    assert_eq!((value(&headers, CONTENT_ENCODING), body), (None, tides(200)));
    assert_eq!(value(&headers, VARY), Some("accept-encoding"));
    assert_eq!(value(&headers, ETAG), Some("\"3e8-c1dd9f49\""));
    let (_, headers, body) = accept(&service, "/b.txt", "gzip").await;
    assert_eq!((value(&headers, CONTENT_ENCODING), body), (None, b"b".to_vec()));
}

#[tokio::test]
async fn another_packing_of_the_same_contents_is_another_gzip_form() {
    let packed = Member::deflated("a.txt", &tides(200));
    // The same contents, in a block that is not packed at all, and so in another length; and in the same length.
    let mut stored = packed.clone();
    stored.packed = [&[1, 0xe8, 0x03, 0x17, 0xfc], &*tides(200)].concat();
    let mut of_equal_length = packed.clone();
    // The bits behind the last block mean nothing.
    *of_equal_length.packed.last_mut().unwrap() ^= 0x80;
    let (folder, service) = archive(std::slice::from_ref(&packed));
    let (_, headers, first) = accept(&service, "/a.txt", "gzip").await;
    let tag = value(&headers, ETAG).unwrap().to_owned();
    let (_, plain, _) = ask(&service, request("GET", "/a.txt", &[])).await;
    for other in [stored, of_equal_length] {
        put(folder.path(), "site.zip", &zip(&[other]));
        let (_, headers, body) = accept(&service, "/a.txt", "gzip").await;
        assert!(unzipped(&body) == tides(200) && body != first);
        assert_ne!(value(&headers, ETAG), Some(&*tag));
        let fields = [("accept-encoding", "gzip"), ("range", "bytes=2-"), ("if-range", &tag)];
        assert_eq!(
            ask(&service, request("GET", "/a.txt", &fields)).await.0,
            200,
            "the tail of another stream"
        );
        let (_, headers, _) = ask(&service, request("GET", "/a.txt", &[])).await;
        assert_eq!(value(&headers, ETAG), value(&plain, ETAG), "the contents are the same");
    }
}

#[tokio::test]
async fn large_members_are_streamed_in_either_form() {
    let (noisy, smooth) = (random(MEBIBYTE), tides(MEBIBYTE / 4));
    let hidden = vec![0; MEBIBYTE];
    let (_folder, service) = archive(&[
        Member::stored("stored.txt", &noisy),
        Member::deflated("noisy.txt", &noisy),
        Member::deflated("smooth.txt", &smooth),
        Member::deflated("hidden.txt", &hidden),
    ]);
    for (path, bytes) in
        [("/stored.txt", &noisy), ("/noisy.txt", &noisy), ("/smooth.txt", &smooth), ("/hidden.txt", &hidden)]
    {
        let (status, headers, body) = ask(&service, request("GET", path, &[])).await;
        let ranges = if path == "/stored.txt" { "bytes" } else { "none" };
        assert_eq!(value(&headers, ACCEPT_RANGES), Some(ranges), "{path}");
        assert_eq!(value(&headers, CONTENT_LENGTH), Some(&*bytes.len().to_string()), "{path}");
        assert!(status == StatusCode::OK && body == *bytes, "{path}");
        let (_, headers, body) = accept(&service, path, "gzip").await;
        assert_eq!(value(&headers, CONTENT_LENGTH), Some(&*body.len().to_string()), "{path}");
        let body = if headers.contains_key(CONTENT_ENCODING) { unzipped(&body) } else { body };
        assert!(body == *bytes, "{path}");
    }
}

#[tokio::test]
async fn ranges_of_members() {
    let large = random(MEBIBYTE + MEBIBYTE / 2);
    let (_folder, service) = archive(&[
        Member::stored("stored.txt", &large),
        Member::deflated("small.txt", &tides(4)),
        Member::deflated("large.txt", &large),
    ]);
    let part = async |path: &str, range: &str, accept: &str| {
        let list = [("range", range), ("accept-encoding", accept)];
        let (status, _, body) = ask(&service, request("GET", path, &list)).await;
        (status.as_u16(), body)
    };
    assert_eq!(
        part("/stored.txt", "bytes=1000000-1000009", "").await,
        (206, large[1_000_000..1_000_010].to_vec())
    );
    assert!(part("/stored.txt", "bytes=0-", "").await == (206, large.clone()));
    assert_eq!(part("/small.txt", "bytes=5-8", "").await, (206, b"tide".to_vec()));
    assert_eq!(part("/large.txt", "bytes=5-8", "").await.0, 200, "it would have to be unpacked up to there");
    let (_, _, whole) = accept(&service, "/large.txt", "gzip").await;
    let end = whole.len() - 1;
    for (first, last) in
        [(0, 0), (3, 9), (5, 12), (10, 10), (9, end), (end - 8, end), (end - 3, end), (0, end)]
    {
        let asked = part("/large.txt", &format!("bytes={first}-{last}"), "gzip").await;
        assert!(asked == (206, whole[first..=last].to_vec()), "{first}-{last}");
    }
}

#[tokio::test]
async fn what_is_not_served_of_an_archive() {
    let member = |name| Member::stored(name, b"x");
    let (_folder, service) = archive(&[
        member("../up.txt"),
        member("/absolute.txt"),
        member("a/../b.txt"),
        member("a//c.txt"),
        member("./d.txt"),
        member("back\\slash.txt"),
        Member { flags: 1, ..member("encrypted.txt") },
        Member { method: 12, ..member("bzip2.txt") },
        Member { size: u32::MAX, method: 8, ..member("zip64.txt") },
        Member { made_by: 0x0314, attributes: 0o120_777 << 16, ..member("link.txt") },
        Member { size: 2, ..member("lies.txt") },
        Member { size: 0, ..Member::deflated("empty.txt", &random(MEBIBYTE)) },
        member("fine.txt"),
        Member::stored("fine.txt", b"second"),
    ]);
    for path in [
        "/up.txt",
        "/absolute.txt",
        "//absolute.txt",
        "/b.txt",
        "/a/b.txt",
        "/a/c.txt",
        "/a//c.txt",
        "/d.txt",
        "/back%5Cslash.txt",
        "/back/slash.txt",
        "/encrypted.txt",
        "/bzip2.txt",
        "/zip64.txt",
        "/link.txt",
        "/lies.txt",
        "/empty.txt",
    ] {
        assert_eq!(status(&service, path).await, 404, "{path}");
    }
    assert_eq!(get(&service, "/fine.txt").await, (200, b"x".to_vec()), "of two the first");
}

#[tokio::test]
async fn damaged_members_are_500_and_never_pass_for_whole() {
    let bytes = random(MEBIBYTE);
    let wrong = |member: Member| Member { crc: member.crc ^ 1, ..member };
    let short = |member: Member| Member { size: member.size - 1, ..member };
    let long = |member: Member| Member { size: member.size + 1, ..member };
    let small = || Member::deflated("small.txt", &tides(9));
    let large = || Member::deflated("large.txt", &bytes);
    for (member, path) in [
        (wrong(small()), "/small.txt"),
        (short(small()), "/small.txt"),
        (long(small()), "/small.txt"),
        (wrong(Member::stored("small.txt", b"x")), "/small.txt"),
        (Member { packed: vec![0xff; 9], ..small() }, "/small.txt"),
        (Member { packed: Vec::new(), ..small() }, "/small.txt"),
        (wrong(large()), "/large.txt"),
        (short(large()), "/large.txt"),
        (long(large()), "/large.txt"),
        (wrong(Member::stored("large.txt", &bytes)), "/large.txt"),
        (Member { packed: vec![0xff; 9], ..large() }, "/large.txt"),
        (Member { packed: large().packed[..500_000].to_vec(), ..large() }, "/large.txt"),
        (Member { packed: Vec::new(), ..large() }, "/large.txt"),
    ] {
        let (_folder, service) = archive(&[member]);
        let response = service.clone().oneshot(request("GET", path, &[])).await.unwrap();
        if path == "/small.txt" {
            assert_eq!(response.status(), 500);
        } else {
            let declared = response.headers()[CONTENT_LENGTH].to_str().unwrap().parse::<usize>().unwrap();
            let mut body = response.into_body();
            let (mut length, mut failed) = (0, false);
            while let Some(frame) = body.frame().await {
                match frame {
                    Ok(frame) => length += frame.into_data().unwrap().len(),
                    Err(_) => failed = true,
                }
            }
            assert!(failed && length < declared, "{length} of {declared}");
        }
    }
}

#[tokio::test]
async fn the_directory_is_read_again_when_the_archive_changes() {
    let (folder, service) = archive(&[Member::stored("a.txt", b"old")]);
    assert_eq!(get(&service, "/a.txt").await, (200, b"old".to_vec()));
    put(folder.path(), "next", &zip(&[Member::deflated("a.txt", b"new"), Member::stored("b.txt", b"b")]));
    std::fs::rename(folder.path().join("next"), folder.path().join("site.zip")).unwrap();
    assert_eq!(get(&service, "/a.txt").await, (200, b"new".to_vec()));
    assert_eq!(get(&service, "/b.txt").await, (200, b"b".to_vec()));
    put(folder.path(), "site.zip", b"PK");
    assert_eq!(status(&service, "/a.txt").await, 404);
    std::fs::remove_file(folder.path().join("site.zip")).unwrap();
    assert_eq!(status(&service, "/a.txt").await, 404);
    put(folder.path(), "site.zip/a.txt", b"a folder of that name");
    assert_eq!(get(&service, "/a.txt").await, (200, b"a folder of that name".to_vec()));
}

#[tokio::test]
async fn origins_inside_of_archives() {
    let folder = tempfile::tempdir().unwrap();
    let members = [Member::stored("pages/a.txt", b"a"), Member::stored("b.txt", b"b")];
    put(folder.path(), "site.JAR", &zip(&members));
    put(folder.path(), "folder.zip/a.txt", b"in a folder");
    put(folder.path(), "folder.zip/inner.war", &zip(&members));
    put(folder.path(), "plain", b"");
    put(folder.path(), "broken.zip", b"PK");
    let at = |docroot: &str| serve(&mount("/"), &folder.path().join(docroot), ALWAYS_LOOK);
    assert_eq!(get(&at("site.JAR/pages"), "/a.txt").await, (200, b"a".to_vec()));
    assert_eq!(status(&at("site.JAR/pages"), "/b.txt").await, 404);
    assert_eq!(status(&at("site.JAR/none"), "/a.txt").await, 404);
    assert_eq!(get(&at("folder.zip"), "/a.txt").await, (200, b"in a folder".to_vec()));
    assert_eq!(get(&at("folder.zip/inner.war"), "/b.txt").await, (200, b"b".to_vec()));
    for docroot in ["plain", "none.zip", "broken.zip", "broken.zip/x"] {
        assert_eq!(status(&at(docroot), "/a.txt").await, 404, "{docroot}");
    }
}

#[tokio::test]
async fn faults_of_docroots_are_said_in_words() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "fine.zip", &zip(&[]));
    put(folder.path(), "broken.zip", b"PK");
    put(folder.path(), "plain", b"");
    let fault = |docroot: &str| fault_of_docroot(folder.path().join(docroot).to_str().unwrap());
    assert_eq!(fault(""), None);
    assert_eq!(fault("fine.zip"), None);
    assert_eq!(fault("fine.zip/x"), None);
    assert!(fault("broken.zip").unwrap().contains("no zip archive"));
    assert!(fault("plain").unwrap().contains("neither a folder nor an archive"));
    assert!(fault("none").unwrap().contains("cannot be reached"));
}

#[tokio::test]
async fn archives_with_bytes_around_them() {
    let plain = zip(&[Member::stored("a.txt", b"a")]);
    let (_folder, service) = archive_of(&[b"#!/bin/sh\nexit\n", &*plain].concat());
    assert_eq!(get(&service, "/a.txt").await, (200, b"a".to_vec()), "it unpacks itself");
    let commented = zip_with_comment(&[Member::stored("a.txt", b"a")], b"a comment with PK\x05\x06 in it");
    let (_folder, service) = archive_of(&commented);
    assert_eq!(get(&service, "/a.txt").await, (200, b"a".to_vec()));
    let (_folder, service) = archive_of(&[&*plain, b"\0"].concat());
    assert_eq!(status(&service, "/a.txt").await, 404);
}
