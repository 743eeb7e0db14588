//! Range and condition headers given any values.

#![allow(clippy::unwrap_used, reason = "a target that cannot run may fail loudly")]

use std::path::Path;

use http::header::{
    CONTENT_LENGTH, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::Body as _;
use schemas::plan::Symlinks;
use tempfile::TempDir;

use super::precondition::{Modified, Validators, Verdict, allows_range, evaluate};
use super::range::{Wanted, parse};
use super::*;

/// The most ranges that are served of a header.
const MOST: usize = 16;

/// The mount `/` of a folder.
pub(super) fn mount_of(docroot: &Path, symlinks: Symlinks) -> FileMount {
    let docroot = docroot.to_str().unwrap();
    let cache = Arc::new(FileCache::new(1 << 20));
    FileMount {
        id: cache.next_mount(),
        cache,
        mountpoint: "".into(),
        archives: Archives::new(docroot, "fuzz:1"),
        docroot: Docroot::new(docroot, symlinks, "fuzz:1".to_owned()),
        default: INDEX.as_bytes().into(),
        media_types: MediaTypes::new(&[]),
        fallback: None,
    }
}

/// The first byte chooses the length of a file, the others are a Range header.
pub fn ranges(input: &[u8]) {
    let Some((&choice, value)) = input.split_first() else { return };
    // The last is the largest that a file can be.
    let lengths = [0, 1, 10, 1000, i64::MAX.unsigned_abs()];
    let length = lengths[usize::from(choice) % lengths.len()];
    let within = |range: &std::ops::Range<u64>| range.start < range.end && range.end <= length;
    match parse(value, length) {
        Wanted::Whole | Wanted::Beyond => {}
        Wanted::Part(range) => {
            assert!(within(&range), "{range:?} of {length}");
            let plain = format!("bytes={}-{}", range.start, range.end - 1);
            assert_eq!(parse(plain.as_bytes(), length), Wanted::Part(range));
        }
        Wanted::Parts(ranges) => {
            assert!(
                (2..=MOST).contains(&ranges.len()) && ranges.iter().all(within),
                "{ranges:?} of {length}"
            );
            let total: u128 = ranges.iter().map(|range| u128::from(range.end - range.start)).sum();
            assert!(total <= u128::from(length), "{total} bytes of {length}");
            let list: Vec<_> =
                ranges.iter().map(|range| format!("{}-{}", range.start, range.end - 1)).collect();
            let plain = format!("bytes={}", list.join(","));
            assert_eq!(parse(plain.as_bytes(), length), Wanted::Parts(ranges));
        }
    }
}

thread_local! {
    static SITE: (TempDir, FileMount) = {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ten.txt"), "0123456789").unwrap();
        let mount = mount_of(folder.path(), Symlinks::Inside);
        (folder, mount)
    };
}

/// Lines of headers: the first byte chooses which, the others are its value.
pub fn conditions(input: &[u8]) {
    let names = [RANGE, IF_MATCH, IF_NONE_MATCH, IF_RANGE, IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE];
    let mut headers = HeaderMap::new();
    for line in input.split(|&byte| byte == b'\n') {
        let Some((&choice, value)) = line.split_first() else { continue };
        let Ok(value) = HeaderValue::from_bytes(value) else { continue };
        headers.append(names[usize::from(choice) % names.len()].clone(), value);
    }
    follows_precedence(&headers);
    SITE.with(|(_, mount)| answers(mount, headers));
}

/// RFC 9110, section 13.2.2: which header may cause which status, and which are not looked at beside others.
fn follows_precedence(headers: &HeaderMap) {
    let text = HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT");
    let modified = Some(Modified { seconds: 784_111_777, text: text.clone() });
    let etag = HeaderValue::from_static("\"a-1\"");
    let validators = Validators { etag: etag.clone(), modified };
    let has = |name: HeaderName| headers.contains_key(name);
    let without = |name: HeaderName| {
        let mut headers = headers.clone();
        headers.remove(name);
        evaluate(&headers, &validators)
    };
    let verdict = evaluate(headers, &validators);
    match verdict {
        Verdict::Proceed => {}
        Verdict::Failed => assert!(has(IF_MATCH) || has(IF_UNMODIFIED_SINCE)),
        Verdict::NotModified => assert!(has(IF_NONE_MATCH) || has(IF_MODIFIED_SINCE)),
    }
    if has(IF_MATCH) {
        assert_eq!(without(IF_UNMODIFIED_SINCE), verdict);
    }
    if has(IF_NONE_MATCH) {
        assert_eq!(without(IF_MODIFIED_SINCE), verdict);
    }
    assert_eq!(without(IF_RANGE), verdict);
    let exact = headers.get(IF_RANGE).is_none_or(|value| *value == etag || *value == text);
    assert_eq!(allows_range(headers, &validators), exact);
}

/// The file of ten bytes, asked for with these headers.
fn answers(mount: &FileMount, headers: HeaderMap) {
    let mut request = Request::get("/ten.txt").body(()).unwrap();
    *request.headers_mut() = headers;
    let response = mount.answer(&request, Patience::Disk).unwrap();
    let has = |name: HeaderName| request.headers().contains_key(name);
    match response.status() {
        StatusCode::OK => assert_eq!(response.headers()[CONTENT_LENGTH], "10"),
        StatusCode::PARTIAL_CONTENT => {
            let length = response.headers()[CONTENT_LENGTH].to_str().unwrap().parse().ok();
            assert!(has(RANGE) && length > Some(0));
            assert_eq!(response.body().size_hint().exact(), length);
        }
        StatusCode::NOT_MODIFIED => assert!(has(IF_NONE_MATCH) || has(IF_MODIFIED_SINCE)),
        StatusCode::PRECONDITION_FAILED => assert!(has(IF_MATCH) || has(IF_UNMODIFIED_SINCE)),
        StatusCode::RANGE_NOT_SATISFIABLE => assert!(has(RANGE)),
        status => panic!("{status}"),
    }
}
