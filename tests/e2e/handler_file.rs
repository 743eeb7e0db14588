//! File mounts: which file, which type, conditions, ranges, and what never leaves the docroot.

use std::os::unix::fs::symlink;

use tests::client::{Client, Framing, Response, get};
use tests::config::{TempConfig, free_port};
use tests::server::Server;

use super::{WWW, site};

#[test]
fn folders_lead_to_their_default_file() {
    let site = site(
        ",\n\"mounts\": [{ \"mountpoint\": \"/\", \"origin\": \"file://@DIR@/www\" },
                         { \"mountpoint\": \"/alt\", \"origin\": \"file://@DIR@/www/sub\", \"default\": \"start.html\" }]",
        &[("sub/index.html", "sub"), ("sub/start.html", "start"), ("bare/only.txt", "only")],
    );
    assert_eq!(get(site.port, "a.test", "/").text(), "home");
    assert_eq!(get(site.port, "a.test", "/sub/").text(), "sub");
    assert_eq!(get(site.port, "a.test", "/alt/").text(), "start");
    for (path, location) in
        [("/sub", "/sub/"), ("/sub?q=1", "/sub/?q=1"), ("/alt", "/alt/"), ("/x/../sub", "/sub/")]
    {
        let response = get(site.port, "a.test", path);
        assert_eq!((response.status, response.header("location")), (301, Some(location)), "{path}");
    }
    for path in ["/bare/", "/missing", "/sub/index.html/", "/missing/"] {
        assert_eq!(get(site.port, "a.test", path).status, 404, "{path}");
    }
}

#[test]
fn the_suffix_gives_the_type_and_unknown_ones_are_not_served() {
    let site = site(
        ",\n\"mounts\": [{ \"mountpoint\": \"/\", \"origin\": \"file://@DIR@/www\" },
                         { \"mountpoint\": \"/typed\", \"origin\": \"file://@DIR@/www\",
                           \"extra-mimetypes\": { \".zap\": \"application/x-zap\", \"*\": \"\" } }]",
        &[("k.css", "css"), ("K.HTML", "html"), ("k.zap", "zap"), ("none", "none")],
    );
    let asked = |path: &str| {
        let response = get(site.port, "a.test", path);
        (response.status, response.header("content-type").map(str::to_owned))
    };
    assert_eq!(asked("/k.css"), (200, Some("text/css".to_owned())));
    assert_eq!(asked("/K.HTML"), (200, Some("text/html".to_owned())));
    assert_eq!(asked("/k.zap").0, 415);
    assert_eq!(asked("/none").0, 415);
    assert_eq!(asked("/typed/k.zap"), (200, Some("application/x-zap".to_owned())));
    assert_eq!(asked("/typed/none"), (200, None));
    assert_eq!(asked("/typed/k.css"), (200, Some("text/css".to_owned())));
}

#[test]
fn conditions_spare_the_content() {
    let site = site(WWW, &[("a.txt", "0123456789")]);
    let plain = ask(site.port, "GET", "");
    let tag = plain.header("etag").expect("an entity tag").to_owned();
    let modified = plain.header("last-modified").expect("a date").to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"'), "a strong tag: {tag}");
    for (condition, status) in [
        (format!("If-None-Match: {tag}\r\n"), 304),
        (format!("If-None-Match: \"x\", W/{tag}\r\n"), 304),
        ("If-None-Match: *\r\n".to_owned(), 304),
        ("If-None-Match: \"x\"\r\n".to_owned(), 200),
        (format!("If-Modified-Since: {modified}\r\n"), 304),
        ("If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n".to_owned(), 200),
        (format!("If-None-Match: \"x\"\r\nIf-Modified-Since: {modified}\r\n"), 200),
        (format!("If-Match: {tag}\r\n"), 200),
        ("If-Match: \"x\"\r\n".to_owned(), 412),
        ("If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n".to_owned(), 412),
    ] {
        let response = ask(site.port, "GET", &condition);
        assert_eq!(response.status, status, "{condition}");
        assert!(status != 304 || response.body.is_empty());
    }
}

#[test]
fn ranges_are_cut_to_the_file() {
    let site = site(WWW, &[("a.txt", "0123456789")]);
    let tag = ask(site.port, "GET", "").header("etag").expect("an entity tag").to_owned();
    for (range, status, content, place) in [
        ("bytes=2-4", 206, "234", Some("bytes 2-4/10")),
        ("bytes=7-", 206, "789", Some("bytes 7-9/10")),
        ("bytes=-3", 206, "789", Some("bytes 7-9/10")),
        ("bytes=0-500", 206, "0123456789", Some("bytes 0-9/10")),
        ("items=0-1", 200, "0123456789", None),
        ("bytes=4-2", 200, "0123456789", None),
    ] {
        let response = ask(site.port, "GET", &format!("Range: {range}\r\n"));
        assert_eq!((response.status, response.text().as_str()), (status, content), "{range}");
        assert_eq!(response.header("content-range"), place, "{range}");
    }
    let beyond = ask(site.port, "GET", "Range: bytes=50-60\r\n");
    assert_eq!((beyond.status, beyond.header("content-range")), (416, Some("bytes */10")));
    assert_eq!(ask(site.port, "GET", &format!("Range: bytes=2-4\r\nIf-Range: {tag}\r\n")).status, 206);
    assert_eq!(ask(site.port, "GET", "Range: bytes=2-4\r\nIf-Range: \"other\"\r\n").status, 200);
}

#[test]
fn precompressed_siblings_and_several_ranges_arrive() {
    let site = site(WWW, &[("a.txt", "0123456789"), ("a.txt.br", "brotli"), ("a.txt.gz", "gzip")]);
    for (accept, coding, content) in [
        ("gzip, br", Some("br"), "brotli"),
        ("gzip, br;q=0.1", Some("gzip"), "gzip"),
        ("x", None, "0123456789"),
    ] {
        let response = ask(site.port, "GET", &format!("Accept-Encoding: {accept}\r\n"));
        assert_eq!(
            (response.header("content-encoding"), response.text().as_str()),
            (coding, content),
            "{accept}"
        );
        assert_eq!(response.header("vary"), Some("accept-encoding"), "{accept}");
        assert_eq!(response.header("content-type"), Some("text/plain"), "{accept}");
    }
    let parts = ask(site.port, "GET", "Range: bytes=0-1,-2\r\n");
    let media_type = parts.header("content-type").expect("a type");
    assert_eq!(parts.status, 206);
    assert!(media_type.starts_with("multipart/byteranges; boundary="), "{media_type}");
    assert!(parts.text().contains("Content-Range: bytes 8-9/10\r\n\r\n89\r\n--"), "{}", parts.text());
}

#[test]
fn methods_other_than_get_and_head_are_told_so() {
    let site = site(WWW, &[("a.txt", "0123456789")]);
    let head = ask(site.port, "HEAD", "");
    assert_eq!((head.status, head.header("content-length")), (200, Some("10")));
    assert!(head.body.is_empty(), "HEAD has no content");
    let mut client = Client::tcp(site.port);
    client.send("HEAD /missing HTTP/1.1\r\nHost: a.test\r\n\r\n");
    let head = client.expect("HEAD");
    assert_eq!((head.status, head.body.is_empty()), (404, true));
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        let response = ask(site.port, method, "Content-Length: 3\r\n\r\nx=1");
        assert_eq!(response.status, 405, "{method}");
        let allow = response.header("allow").expect("the methods that are allowed");
        assert!(allow.contains("GET") && allow.contains("HEAD"), "{allow}");
    }
}

#[test]
fn nothing_outside_the_docroot_is_served() {
    let port = free_port();
    let config = TempConfig::vhost(port, WWW).www("in.txt", "inside").www("folder/deep.txt", "deep");
    std::fs::write(config.path("secret.txt"), "secret").unwrap();
    std::fs::create_dir(config.path("outer")).unwrap();
    std::fs::write(config.path("outer/s.txt"), "secret").unwrap();
    for (link, target) in [
        ("up.txt", "../secret.txt"),
        ("absolute.txt", config.path("secret.txt").to_str().unwrap()),
        ("outer", "../outer"),
        ("near.txt", "in.txt"),
        ("loop.txt", "loop.txt"),
    ] {
        symlink(target, config.path("www").join(link)).unwrap();
    }
    let _server = Server::start(&config.compile());
    for path in ["/up.txt", "/absolute.txt", "/outer/s.txt", "/loop.txt", "/folder/../../secret.txt"] {
        let response = get(port, "a.test", path);
        assert_ne!(response.status, 200, "{path}");
        assert!(!response.text().contains("secret"), "{path}");
    }
    assert_eq!(get(port, "a.test", "/near.txt").text(), "inside", "a link that stays inside");
    assert_eq!(get(port, "a.test", "/folder/deep.txt").text(), "deep");
}

#[test]
fn symlinks_says_which_links_are_followed() {
    let port = free_port();
    let mount = |point: &str, word: &str| {
        format!(
            "{{ \"mountpoint\": \"{point}\", \"origin\": \"file://@DIR@/www\", \"symlinks\": \"{word}\" }}"
        )
    };
    let mounts = ["none", "inside", "all"].map(|word| mount(&format!("/{word}"), word)).join(", ");
    let config =
        TempConfig::vhost(port, &format!(", \"mounts\": [{mounts}]")).www("in.txt", "in").www("x/y.txt", "y");
    std::fs::write(config.path("out.txt"), "out").unwrap();
    symlink("in.txt", config.path("www/near.txt")).unwrap();
    symlink("../out.txt", config.path("www/far.txt")).unwrap();
    let _server = Server::start(&config.compile());
    for (word, near, far) in [("none", 404, 404), ("inside", 200, 404), ("all", 200, 200)] {
        let status = |name: &str| get(port, "a.test", &format!("/{word}/{name}")).status;
        assert_eq!((status("in.txt"), status("near.txt"), status("far.txt")), (200, near, far), "{word}");
    }
}

#[test]
fn browsers_that_look_for_a_page_get_the_fallback() {
    let site = site(
        ",\n\"mounts\": [{ \"mountpoint\": \"/\", \"origin\": \"file://@DIR@/www\", \"fallback\": \"/app.html\" }],
          \"error-document-404\": \"/gone.html\"",
        &[("app.html", "app"), ("gone.html", "gone")],
    );
    let ask = |path: &str, accept: &str| {
        let mut client = Client::tcp(site.port);
        client.send(format!("GET {path} HTTP/1.1\r\nHost: a.test\r\nAccept: {accept}\r\n\r\n"));
        let response = client.expect("GET");
        (response.status, response.text())
    };
    assert_eq!(ask("/users/7", "text/html,*/*;q=0.8"), (200, "app".to_owned()));
    assert_eq!(ask("/", "text/html"), (200, "home".to_owned()));
    // What is no page is as missing as ever.
    for (path, accept) in [("/users/7", "*/*"), ("/app.js", "text/html"), ("/users/7", "application/json")] {
        assert_eq!(ask(path, accept).0, 302, "{path} {accept}");
    }
}

#[test]
fn large_files_arrive_whole_and_changes_are_seen() {
    let large: String = (0..600_000).map(|number| format!("{number:07}\n")).collect();
    let site = site(WWW, &[("large.txt", &large), ("a.txt", "before")]);
    let mut client = Client::tcp(site.port);
    for _ in 0..2 {
        let response = client.get("a.test", "/large.txt");
        assert_eq!(response.framing, Framing::Length);
        assert!(response.body == large.as_bytes(), "{} bytes of {}", response.body.len(), large.len());
    }
    assert_eq!(client.get("a.test", "/a.txt").text(), "before");
    std::fs::write(site.config.path("www/a.txt"), "after it was changed").unwrap();
    let changed = client.get("a.test", "/a.txt");
    assert_eq!(changed.header("content-length"), Some(changed.body.len().to_string().as_str()));
}

/// A request for `/a.txt` with more header fields.
fn ask(port: u16, method: &str, fields: &str) -> Response {
    let mut client = Client::tcp(port);
    let end = if fields.contains("\r\n\r\n") { "" } else { "\r\n" };
    client.send(format!("{method} /a.txt HTTP/1.1\r\nHost: a.test\r\n{fields}{end}"));
    client.expect(method)
}
