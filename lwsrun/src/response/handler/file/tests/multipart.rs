//! The service, called directly: several ranges at once.

use super::*;

/// What a client makes of a multipart body: Content-Type, Content-Range and bytes of each part.
fn parts(headers: &HeaderMap, body: &[u8]) -> Vec<(Option<String>, String, Vec<u8>)> {
    let media_type = headers[CONTENT_TYPE].to_str().unwrap();
    let boundary = media_type.strip_prefix("multipart/byteranges; boundary=").expect("a boundary");
    assert!(boundary.len() == 32 && boundary.bytes().all(|byte| byte.is_ascii_hexdigit()), "{boundary}");
    assert!(!headers.contains_key(CONTENT_RANGE));
    assert_eq!(headers[CONTENT_LENGTH].to_str().unwrap(), body.len().to_string());
    let line = format!("\r\n--{boundary}");
    let starts: Vec<usize> = (0..body.len()).filter(|&at| body[at..].starts_with(line.as_bytes())).collect();
    let (&last, starts_of_parts) = starts.split_last().unwrap();
    assert_eq!(&body[last + line.len()..], b"--\r\n");
    assert_eq!(starts[0], 0);
    let part = |(at, &start): (usize, &usize)| {
        let part = &body[start + line.len() + 2..starts[at + 1]];
        let blank = (0..part.len()).find(|&at| part[at..].starts_with(b"\r\n\r\n")).unwrap();
        let head = std::str::from_utf8(&part[..blank]).unwrap();
        let field = |name: &str| {
            let line = head.split("\r\n").find_map(|line| line.strip_prefix(name));
            line.map(|value| value.trim_start_matches(": ").to_owned())
        };
        (field("Content-Type"), field("Content-Range").unwrap(), part[blank + 4..].to_vec())
    };
    starts_of_parts.iter().enumerate().map(part).collect()
}

#[tokio::test]
async fn parts_of_small_and_large_files_arrive_whole() {
    let large = noise(MEBIBYTE);
    let (_folder, service) = site(&[("small.txt", b"0123456789"), ("large.txt", &large)]);
    let asked = async |path: &str, range: &str| {
        let (status, headers, body) = ask(&service, request("GET", path, &[("range", range)])).await;
        assert_eq!(status, StatusCode::PARTIAL_CONTENT);
        parts(&headers, &body)
    };
    let text = Some("text/plain".to_owned());
    assert_eq!(
        asked("/small.txt", "bytes=0-1, -2, 4-4").await,
        [
            (text.clone(), "bytes 0-1/10".to_owned(), b"01".to_vec()),
            (text.clone(), "bytes 8-9/10".to_owned(), b"89".to_vec()),
            (text.clone(), "bytes 4-4/10".to_owned(), b"4".to_vec()),
        ]
    );
    let found = asked("/large.txt", "bytes=0-299999,900000-,5-5").await;
    assert_eq!(found.len(), 3);
    for ((_, range, bytes), (first, last)) in found.iter().zip([(0, 299_999), (900_000, 1_048_575), (5, 5)]) {
        assert_eq!(*range, format!("bytes {first}-{last}/1048576"));
        assert!(*bytes == large[first..=last], "{range}");
    }
}

#[tokio::test]
async fn what_is_not_many_ranges_is_not_multipart() {
    let (_folder, service) = site(&[("a.txt", b"0123456789")]);
    let asked = async |method: &str, headers: &[(&str, &str)]| {
        let (status, headers, body) = ask(&service, request(method, "/a.txt", headers)).await;
        let range = headers.get(CONTENT_RANGE).map(|range| range.to_str().unwrap().to_owned());
        (status.as_u16(), range, body.len())
    };
    let range = "bytes=0-1,8-9";
    assert_eq!(asked("GET", &[("range", "bytes=0-1,99-")]).await, (206, Some("bytes 0-1/10".to_owned()), 2));
    assert_eq!(asked("GET", &[("range", "bytes=50-,99-")]).await.0, 416);
    assert_eq!(asked("GET", &[("range", "bytes=0-,1-")]).await, (200, None, 10));
    assert_eq!(asked("HEAD", &[("range", range)]).await, (200, None, 0));
    assert_eq!(asked("GET", &[("range", range), ("if-range", "\"x\"")]).await, (200, None, 10));
    assert_eq!(asked("GET", &[("range", range), ("range", range)]).await, (200, None, 10));
    let (_, headers, _) = ask(&service, request("GET", "/a.txt", &[])).await;
    let etag = headers[ETAG].to_str().unwrap();
    assert_eq!(asked("GET", &[("range", range), ("if-range", etag)]).await.0, 206);
    assert_eq!(asked("GET", &[("range", range), ("if-none-match", etag)]).await.0, 304);
}

#[tokio::test]
async fn a_boundary_is_used_once() {
    let (_folder, service) = site(&[("a.txt", b"0123456789")]);
    let mut seen = std::collections::HashSet::new();
    for _ in 0..8 {
        let (_, headers, _) = ask(&service, request("GET", "/a.txt", &[("range", "bytes=0-1,8-9")])).await;
        assert!(seen.insert(headers[CONTENT_TYPE].clone()));
    }
}

#[tokio::test]
async fn a_file_without_a_type_has_parts_without_one() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "a.what", b"0123456789");
    let extra_mimetypes = vec![Mime { suffix: "*", media_type: "" }];
    let service = serve(&Mount { extra_mimetypes, ..mount("/") }, folder.path(), ALWAYS_LOOK);
    let (_, headers, body) = ask(&service, request("GET", "/a.what", &[("range", "bytes=0-1,8-9")])).await;
    assert!(parts(&headers, &body).iter().all(|(media_type, ..)| media_type.is_none()));
}

#[tokio::test]
async fn nothing_follows_a_hole() {
    let (folder, service) = site(&[("a.txt", &noise(MEBIBYTE))]);
    let range = request("GET", "/a.txt", &[("range", "bytes=0-1,600000-600010,3-4")]);
    let mut body = service.clone().oneshot(range).await.unwrap().into_body();
    std::fs::File::options().write(true).open(folder.path().join("a.txt")).unwrap().set_len(100).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = body.frame().await {
        frames.push(frame.is_ok());
    }
    assert_eq!(frames, [true, true, true, false], "head, part, head, and the end");
}
