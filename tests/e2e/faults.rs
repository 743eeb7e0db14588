//! Answers of 5xx in the server's log: each has one line, with the `file:line` of its mount, method, path and reason.

use std::fs::{self, File};
use std::os::fd::AsRawFd;
use std::path::Path;

use tests::client::{Client, get};
use tests::config::{TempConfig, free_port};
use tests::program;
use tests::server::Server;
use tests::skip::skip;

/// An archive with one member, stored, whose checksum is wrong.
fn damaged_archive(name: &str, content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(content.len()).unwrap().to_le_bytes();
    let length = u16::try_from(name.len()).unwrap().to_le_bytes();
    // Version, flags, method, time, date; then the checksum.
    let fields = [&[20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4][..], &size, &size, &length, &[0, 0]].concat();
    let member = [b"PK\x03\x04", &*fields, name.as_bytes(), content].concat();
    let record = [b"PK\x01\x02\x14\x00", &*fields, &[0; 14], name.as_bytes()].concat();
    let place = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap().to_le_bytes();
    let end = [b"PK\x05\x06\0\0\0\0\x01\0\x01\0", &place(&record)[..], &place(&member), &[0, 0]].concat();
    [member, record, end].concat()
}

const INNER: &str = ",
    \"ws-protocols\": [{ \"protocol-post-demo\": { \"status\": \"ok\" } }],
    \"mounts\": [
    { \"mountpoint\": \"/own\", \"origin\": \"cgi://@DIR@/own\" },
    { \"mountpoint\": \"/mute\", \"origin\": \"cgi://@DIR@/mute\" },
    { \"mountpoint\": \"/nowhere\", \"origin\": \"cgi://@DIR@/nowhere\" },
    { \"mountpoint\": \"/form\", \"origin\": \"callback://protocol-post-demo\" },
    { \"mountpoint\": \"/archive\", \"origin\": \"file://@DIR@/www/a.zip\" },
    { \"mountpoint\": \"/away\", \"origin\": \"http://127.0.0.1:1/\" } ]";

#[test]
fn each_fault_is_said_once_with_place_request_and_reason() {
    let port = free_port();
    let config = TempConfig::vhost(port, INNER)
        .www("a.zip", damaged_archive("x.txt", b"hello"))
        .program("own", "#!/bin/sh\nprintf 'Status: 503 busy\\n\\n'\n")
        .program("mute", "#!/bin/sh\nexit 3\n")
        .program("nowhere", "#!/bin/sh\nprintf 'Location: /%%zz\\n\\n'\n");
    let plan = config.compile();
    // Files of forms cannot be stored there.
    let server = Server::spawn(program::command("lwsrun").arg(plan).env("TMPDIR", config.path("absent")));
    let content =
        "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\nx\r\n--b--\r\n";
    let mut form = Client::tcp(port);
    form.send(format!(
        "POST /form HTTP/1.1\r\nHost: a.test\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: {}\r\n\r\n{content}",
        content.len()
    ));
    assert_eq!(form.expect("POST").status, 500);
    for (path, status) in [
        ("/own/a%22b?secret", 503),
        ("/mute", 502),
        ("/nowhere", 502),
        ("/archive/x.txt", 500),
        ("/away/", 502),
        // The last line comes after all others.
        ("/own/last", 503),
    ] {
        let answer = get(port, "a.test", path);
        assert_eq!(answer.status, status, "{path}");
        assert!(!answer.text().contains("x.txt"), "nothing internal: {}", answer.text());
    }
    let _ = server.line_with("/own/last");
    let log = server.log()();
    for (line, request, status, reason) in [
        (8, "`/form`: \"POST /form\"", 500, ": a file cannot be stored: "),
        (5, "`/own`: \"GET /own/a%22b\"", 503, ""),
        (6, "`/mute`: \"GET /mute\"", 502, ": the program has not answered: it said nothing, exit status: 3"),
        (7, "`/nowhere`: \"GET /nowhere\"", 502, ": the program's `Location` is no path"),
        (9, "`/archive`: \"GET /archive/x.txt\"", 500, "member `x.txt`: its checksum is wrong"),
        (10, "`/away`: \"GET /away/\"", 502, ": upstream `http://127.0.0.1:1`: it cannot be connected to: "),
    ] {
        let wanted = format!("conf.d/site:{line}: mount {request} answered {status}");
        let said: Vec<&str> = log.lines().filter(|line| line.contains(&wanted)).collect();
        assert!(said.len() == 1 && said[0].contains(reason), "{wanted}: {said:?} of\n{log}");
    }
    assert_eq!(
        log.lines().filter(|line| line.contains("WARN") || line.contains("ERROR")).count(),
        7,
        "{log}"
    );
    assert!(!log.contains("secret"), "{log}");
}

#[test]
fn the_noise_of_a_program_hides_no_fault() {
    let port = free_port();
    let inner = ", \"mounts\": [{ \"mountpoint\": \"/\", \"origin\": \"cgi://@DIR@/noisy\" }]";
    let noisy = "#!/bin/sh\ni=0\nwhile [ $i -lt 60 ]; do echo noise $i >&2; i=$((i+1)); done\nexit 1\n";
    let config = TempConfig::vhost(port, inner).program("noisy", noisy);
    let server = Server::start(&config.compile());
    assert_eq!(get(port, "a.test", "/").status, 502);
    let _ = server.line_with("\"GET /\" answered 502: ");
    // When the period is over, without another request.
    let said = server.line_with("more lines were left out");
    assert!(said.ends_with("conf.d/site:2: mount `/`: stderr: 10 more lines were left out"), "{said}");
    let log = server.log()();
    assert_eq!(log.matches("mount `/`: stderr: noise ").count(), 50, "{log}");
}

/// A terminal that is not unlocked yet cannot be opened, as little as a file on a disk that fails: EIO.
#[test]
fn a_sibling_that_cannot_be_read_is_passed_over_and_said() {
    let Ok(terminal) = File::options().read(true).write(true).open("/dev/ptmx") else {
        return skip("there is no /dev/ptmx");
    };
    let about = fs::read_to_string(format!("/proc/self/fdinfo/{}", terminal.as_raw_fd())).unwrap();
    let number = about.lines().find_map(|line| line.strip_prefix("tty-index:")).unwrap().trim();
    let broken = format!("/dev/pts/{number}");
    if File::open(&broken).is_ok() || !Path::new(&broken).exists() {
        return skip(&format!("`{broken}` does not fail"));
    }
    let port = free_port();
    let inner =
        ", \"mounts\": [{ \"mountpoint\": \"/\", \"origin\": \"file://@DIR@/www\", \"symlinks\": \"all\" }]";
    let config = TempConfig::vhost(port, inner).www("a.txt", "plain");
    std::os::unix::fs::symlink(&broken, config.path("www/a.txt.gz")).unwrap();
    let server = Server::start(&config.compile());
    let mut client = Client::tcp(port);
    client.send("GET /a.txt HTTP/1.1\r\nHost: a.test\r\nAccept-Encoding: gzip\r\n\r\n");
    let answer = client.expect("GET");
    assert_eq!((answer.status, &*answer.text()), (200, "plain"));
    let said = server.line_with("a sibling is passed over");
    assert!(said.contains("conf.d/site:2: docroot `") && said.contains("a.txt.gz`: "), "{said}");
}
