//! Content that is still on its way when the answer is complete.

use std::fs;

use tests::client::{Client, get};
use tests::h2::{Connection, DATA, END_HEADERS, END_STREAM, HEADERS, RST_STREAM, SETTINGS, block};
use tests::lines::lines;

use super::{BRIEF, HEAD, Site, gone, hanging, programs, sh};

/// How much is uploaded: more than a pipe holds.
const LENGTH: usize = 1_000_000;

/// Stores what it is sent once its answer is complete, in two ways. `@DIR@/NAME` is there when all of it has come.
fn storing() -> [(&'static str, String); 3] {
    let stores = |name: &str, answers: &str| {
        sh(&format!(
            "echo $$ >> \"@DIR@/pids\"\n{answers}\ncat > \"@DIR@/{name}.part\" && mv \"@DIR@/{name}.part\" \"@DIR@/{name}\"\necho {name} >> \"@DIR@/done\""
        ))
    };
    [
        ("counts", stores("counts.whole", "printf 'Content-Length: 3\\n\\nout'")),
        ("closes", stores("closes.whole", &format!("{HEAD}; printf out; exec >&-"))),
        ("empty", stores("empty.whole", "printf 'Status: 204\\n\\n'")),
    ]
}

/// A client that has sent the first part of the content, and has its answer.
fn answered(site: &Site, name: &str) -> Client {
    let mut client = Client::tcp(site.port);
    client.send(format!("POST /{name} HTTP/1.1\r\nHost: a.test\r\nContent-Length: {LENGTH}\r\n\r\n"));
    client.send(vec![7; 1000]);
    let answer = client.expect("POST");
    let expected = if name == "empty" { (204, "") } else { (200, "out") };
    assert_eq!((answer.status, answer.text().as_str()), expected, "{name}");
    client
}

/// Longer than any test waits.
const PATIENT: &str = ", \"cgi-timeout\": \"1000\"";

fn site(timeout: &str) -> Site {
    let mut all: Vec<_> = storing().into_iter().collect();
    all.push(("hang", hanging("")));
    let all: Vec<_> = all.iter().map(|(name, text)| (*name, text.as_str())).collect();
    programs(&all, timeout)
}

#[test]
fn a_program_that_has_answered_gets_all_of_the_content() {
    let site = site(BRIEF);
    let mut clients: Vec<_> = ["counts", "closes", "empty"].map(|name| (name, answered(&site, name))).into();
    // Begun later, a program that takes nothing has its time over.
    assert_eq!(get(site.port, "a.test", "/hang").status, 504);
    for (_, client) in &mut clients {
        client.send(vec![7; LENGTH - 1000]);
    }
    let _ = lines(&site.config.path("done"), 3);
    for (name, client) in &mut clients {
        let stored = fs::metadata(site.config.path(&format!("{name}.whole"))).unwrap();
        assert_eq!(stored.len(), LENGTH as u64, "{name}");
        assert_eq!(client.get("a.test", "/").text(), "home", "{name}");
    }
}

#[test]
fn chunks_and_http2_go_on_as_well() {
    let site = site(PATIENT);
    let mut client = Client::tcp(site.port);
    let chunk = |length: usize| [format!("{length:x}\r\n").as_bytes(), &vec![7; length], b"\r\n"].concat();
    client.send("POST /counts HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.send(chunk(100_000));
    assert_eq!(client.expect("POST").text(), "out");
    client.send([chunk(LENGTH - 100_000), b"0\r\n\r\n".to_vec()].concat());
    let _ = lines(&site.config.path("done"), 1);
    assert_eq!(fs::metadata(site.config.path("counts.whole")).unwrap().len(), LENGTH as u64);

    let fields = [(":method", "POST"), (":scheme", "http"), (":authority", "a.test"), (":path", "/closes")];
    let mut h2 = Connection::open(Client::tcp(site.port), &[]);
    h2.send(HEADERS, END_HEADERS, 1, &block(&[&fields[..], &[("content-length", "6")]].concat()));
    h2.send(DATA, 0, 1, b"abc");
    assert_eq!(h2.answer(1), (200, b"out".to_vec()));
    h2.send(DATA, END_STREAM, 1, b"def");
    let _ = lines(&site.config.path("done"), 2);
    assert_eq!(fs::read(site.config.path("closes.whole")).unwrap(), b"abcdef");
}

#[test]
fn a_part_of_the_content_is_never_taken_for_all_of_it() {
    let site = site(PATIENT);
    let clients = ["counts", "closes", "empty"].map(|name| answered(&site, name));
    let pids = lines(&site.config.path("pids"), 3);
    drop(clients);
    pids.iter().for_each(|pid| gone(pid));
    for name in ["counts", "closes", "empty"] {
        assert!(!site.config.path(&format!("{name}.whole")).exists(), "{name}");
    }
    assert!(!site.config.path("done").exists());
}

/// A client of HTTP/2 may reset its stream without an error, with a length told and without one.
#[test]
fn a_reset_without_an_error_is_no_end_of_the_content() {
    let site = site(PATIENT);
    let field = |path| [(":method", "POST"), (":scheme", "http"), (":authority", "a.test"), (":path", path)];
    let mut h2 = Connection::open(Client::tcp(site.port), &[]);
    // Its window counts once it is confirmed.
    let _ = h2.next_that(|frame| frame.kind == SETTINGS);
    let told = [("content-length", "200000")];
    let requests = [(1, "/counts", &told[..]), (3, "/closes", &[])];
    for (stream, path, length) in requests {
        h2.send(HEADERS, END_HEADERS, stream, &block(&[&field(path)[..], length].concat()));
        // More than is held of content of unknown length.
        (0..5).for_each(|_| h2.send(DATA, 0, stream, &[7; 16_000]));
        assert_eq!(h2.answer(stream), (200, b"out".to_vec()), "{path}");
    }
    let pids = lines(&site.config.path("pids"), 2);
    for (stream, ..) in requests {
        h2.send(RST_STREAM, 0, stream, &[0; 4]);
    }
    pids.iter().for_each(|pid| gone(pid));
    assert!(!site.config.path("done").exists());
    // What would be held to its end starts no program.
    h2.send(HEADERS, END_HEADERS, 5, &block(&field("/empty")));
    h2.send(DATA, 0, 5, b"abc");
    h2.send(RST_STREAM, 0, 5, &[0; 4]);
    let log = lines(&site.config.path("log"), 3);
    assert!(log[2].contains("\"POST /empty HTTP/2.0\" 4"), "{log:?}");
    assert_eq!(lines(&site.config.path("pids"), 2).len(), 2);
}

#[test]
fn the_end_of_the_server_is_no_end_of_the_content() {
    use rustix::process::Signal;
    let site = site(PATIENT);
    let clients = ["counts", "closes", "empty"].map(|name| answered(&site, name));
    let pids = lines(&site.config.path("pids"), 3);
    site.server.signal(Signal::TERM);
    let _ = site.server.line_with("SIGTERM");
    site.server.signal(Signal::TERM);
    let Site { server, config, .. } = site;
    assert!(server.ended().success());
    pids.iter().for_each(|pid| gone(pid));
    drop(clients);
    assert!(!config.path("done").exists());
}

#[test]
fn the_length_of_content_is_told_whenever_it_can_be_known() {
    let count = sh(&format!("{HEAD}; echo ${{CONTENT_LENGTH-none}} $(wc -c)"));
    let site = programs(&[("count", &count)], "");
    let in_chunks = |chunks: &[usize]| {
        let mut client = Client::tcp(site.port);
        client.send("POST /count HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n");
        for &length in chunks {
            client.send([format!("{length:x}\r\n").as_bytes(), &vec![7; length], b"\r\n"].concat());
        }
        client.send("0\r\n\r\n");
        client.expect("POST").text()
    };
    assert_eq!(in_chunks(&[1, 2, 3]), "6 6\n");
    assert_eq!(in_chunks(&[40_000, 25_536]), "65536 65536\n");
    assert_eq!(in_chunks(&[]), "0 0\n");
    assert_eq!(in_chunks(&[300_000, 1]), "none 300001\n");
    let mut client = Client::tcp(site.port);
    client.send("POST /count HTTP/1.1\r\nHost: a.test\r\nContent-Length: 3\r\n\r\nabc");
    assert_eq!(client.expect("POST").text(), "3 3\n");
    assert_eq!(client.get("a.test", "/count").text(), "none 0\n");
}

#[test]
fn the_length_of_content_is_told_in_http2() {
    let count = sh(&format!("{HEAD}; echo ${{CONTENT_LENGTH-none}} $(wc -c)"));
    let site = programs(&[("count", &count)], "");
    let fields = [(":method", "POST"), (":scheme", "http"), (":authority", "a.test"), (":path", "/count")];
    let mut h2 = Connection::open(Client::tcp(site.port), &[]);
    h2.send(HEADERS, END_HEADERS, 1, &block(&fields));
    h2.send(DATA, 0, 1, b"abc");
    h2.send(DATA, END_STREAM, 1, b"def");
    assert_eq!(h2.answer(1), (200, b"6 6\n".to_vec()));
}

#[test]
fn content_that_breaks_off_before_its_program_starts_starts_none() {
    let site = programs(&[("count", &sh("echo started >> \"@DIR@/started\""))], "");
    let mut client = Client::tcp(site.port);
    client.send("POST /count HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    drop(client);
    let log = lines(&site.config.path("log"), 1);
    assert!(log[0].contains("\"POST /count HTTP/1.1\" 499 -"), "{log:?}");
    assert!(!site.config.path("started").exists());
}
