//! Access logs: every request has its line, whoever answers it, and nobody can forge one.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::process::Signal;
use tests::client::{Client, get};
use tests::config::{TempConfig, free_port};
use tests::lines::lines;
use tests::server::Server;
use tests::stop::Stop;
use tests::upstream::{Upstream, head};
use tests::ws::WebSocket;
use tests::{h2, program};

use super::{Site, site};

const LOG: &str = ",\n\"access-log\": \"@DIR@/log\",\n\"mounts\": [
    { \"mountpoint\": \"/\", \"origin\": \"file://@DIR@/www\" },
    { \"mountpoint\": \"/go\", \"origin\": \">http://elsewhere.test/\" },
    { \"mountpoint\": \"/deck\", \"origin\": \"file://@DIR@/www\", \"basic-auth\": \"@DIR@/www/pw\" }],
    \"ws-protocols\": [{ \"lws-mirror-protocol\": { \"status\": \"ok\" } }]";

fn logged() -> Site {
    site(LOG, &[("pw", "mate:rope\n"), ("large.txt", &"x".repeat(3_000_000))])
}

fn path(site: &Site) -> PathBuf {
    site.config.path("log")
}

/// What follows address, user and time in each line, which are as they should be; at least `count` of them.
fn rests(site: &Site, count: usize) -> Vec<String> {
    let rest = |line: String| {
        let (before, rest) = line.split_once("] ").expect("a time");
        let (who, time) = before.split_once(" [").expect("a time");
        assert!(who == "127.0.0.1 - -" || who == "127.0.0.1 - mate", "{line}");
        // 25/Nov/2026:14:45:08 +0100
        let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
        let (day, clock) = (&shape[..3], &shape[6..]);
        assert!(day == "00/" && matches!(clock, "/0000:00:00:00 +0000" | "/0000:00:00:00 -0000"), "{line}");
        rest.to_owned()
    };
    lines(&path(site), count).into_iter().map(rest).collect()
}

/// Sends bytes on a connection of their own, and waits for its end.
fn send(site: &Site, bytes: &str) {
    let mut client = Client::tcp(site.port);
    client.send(bytes);
    assert!(client.rest().is_some(), "the server closes");
}

#[test]
fn every_kind_of_answer_has_one_line() {
    let site = logged();
    let mut expected = Vec::new();
    let mut ask = |request: &str, line: &str| {
        send(&site, request);
        expected.push(line.to_owned());
        assert_eq!(rests(&site, expected.len()), expected, "{request}");
    };
    let close = "Host: a.test\r\nConnection: close\r\n";
    ask(&format!("GET /?a=b HTTP/1.1\r\n{close}\r\n"), r#""GET /?a=b HTTP/1.1" 200 4 "-" "-""#);
    ask(
        &format!("HEAD / HTTP/1.1\r\n{close}User-Agent: me\r\nReferer: http://r.test/\r\n\r\n"),
        r#""HEAD / HTTP/1.1" 200 - "http://r.test/" "me""#,
    );
    ask("GET / HTTP/1.0\r\n\r\n", r#""GET / HTTP/1.0" 200 4 "-" "-""#);
    ask(&format!("GET /go HTTP/1.1\r\n{close}\r\n"), r#""GET /go HTTP/1.1" 301 - "-" "-""#);
    ask(&format!("GET /deck/ HTTP/1.1\r\n{close}\r\n"), r#""GET /deck/ HTTP/1.1" 401 - "-" "-""#);
    ask(
        &format!("GET /deck/ HTTP/1.1\r\n{close}Authorization: Basic bWF0ZTpyb3Bl\r\n\r\n"),
        r#""GET /deck/ HTTP/1.1" 200 4 "-" "-""#,
    );
    ask(
        &format!("GET /a/../%2e/ HTTP/1.1\r\n{close}Range: bytes=1-2\r\n\r\n"),
        r#""GET /a/../%2e/ HTTP/1.1" 206 2 "-" "-""#,
    );
    // Refused by the guard, before and behind the head.
    let mut client = Client::tcp(site.port);
    client.send("GET / HTTP/1.1\r\n\r\n");
    let page = client.expect("GET").body.len();
    expected.push(format!(r#""GET / HTTP/1.1" 400 {page} "-" "-""#));
    assert_eq!(rests(&site, expected.len()), expected);
    send(&site, "BAD\x1b REQUEST\"\r\nHost: a.test\r\nUser-Agent: x\"y\r\n\r\n");
    let last = rests(&site, expected.len() + 1).pop().unwrap();
    assert!(last.starts_with(r#""BAD\x1b REQUEST\"" 400 "#) && last.ends_with(r#" "-" "x\"y""#), "{last}");
    send(&site, &format!("POST / HTTP/1.1\r\n{close}Transfer-Encoding: chunked\r\n\r\nzz\r\n"));
    assert_eq!(rests(&site, expected.len() + 2).len(), expected.len() + 2);
}

#[test]
fn versions_and_websockets() {
    let site = logged();
    let socket = WebSocket::open(site.port, "/chat?room=1", "lws-mirror-protocol");
    assert_eq!(rests(&site, 1), [r#""GET /chat?room=1 (lws-mirror-protocol) HTTP/1.1" 101 - "-" "-""#]);
    drop(socket);
    let (status, body) = h2::get(Client::tcp(site.port), "http", "a.test", "/x?y");
    assert_eq!(status, 404);
    assert_eq!(rests(&site, 2)[1], format!(r#""GET /x?y HTTP/2.0" 404 {} "-" "-""#, body.len()));
}

#[test]
fn a_client_that_leaves_has_a_line_too() {
    let site = logged();
    let mut client = Client::tcp(site.port);
    client.send("GET /large.txt HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert!(client.need(100_000));
    drop(client);
    let line = rests(&site, 1).pop().unwrap();
    let bytes: u64 = line.split(' ').nth(4).unwrap().parse().unwrap();
    assert!(line.starts_with(r#""GET /large.txt HTTP/1.1" 200 "#), "{line}");
    assert!((50_000..=3_000_000).contains(&bytes), "{line}");
}

#[test]
fn an_upload_that_is_too_slow_is_408_whoever_would_answer_it() {
    let upstream = Upstream::start(|_, mut client| {
        let _ = head(&mut client);
        let _ = client.rest();
    });
    let port = free_port();
    let inner = format!(
        ", \"access-log\": \"@DIR@/log\", \"ws-protocols\": [{{ \"protocol-post-demo\": {{ \"status\": \"ok\" }} }}],
        \"mounts\": [
        {{ \"mountpoint\": \"/cgi\", \"origin\": \"cgi://@DIR@/takes\", \"cgi-timeout\": \"1000\" }},
        {{ \"mountpoint\": \"/form\", \"origin\": \"callback://protocol-post-demo\" }},
        {{ \"mountpoint\": \"/px\", \"origin\": \"http://127.0.0.1:{}/\" }} ]",
        upstream.port
    );
    let config = TempConfig::vhost(port, &inner)
        .conf("{ \"global\": { \"timeout-secs\": 1, \"min-request-rate\": 1000 } }")
        .program("takes", "#!/bin/sh\ncat > /dev/null\necho\n");
    let server = Server::start(&config.compile());
    let site = Site { config, server, port };
    for (number, path) in ["/cgi", "/form", "/px/"].into_iter().enumerate() {
        let mut client = Client::tcp(port);
        client.send(format!(
            "POST {path} HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: 1000\r\n\r\ntext=a"
        ));
        let answer = client.expect("POST");
        assert_eq!(answer.status, 408, "{path}");
        drop(client);
        let line = rests(&site, number + 1).pop().unwrap();
        let bytes = answer.body.len();
        assert_eq!(line, format!(r#""POST {path} HTTP/1.1" 408 {bytes} "-" "-""#));
    }
}

/// A client of HTTP/2 may reset its stream without an error; a protocol must not take what came for the whole form.
#[test]
fn a_form_whose_stream_is_reset_is_not_taken() {
    let site = site(
        ", \"access-log\": \"@DIR@/log\", \"ws-protocols\": [{ \"protocol-post-demo\": { \"status\": \"ok\" } }],
        \"mounts\": [{ \"mountpoint\": \"/form\", \"origin\": \"callback://protocol-post-demo\" }]",
        &[],
    );
    let mut client = h2::Connection::open(Client::tcp(site.port), &[]);
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "a.test"),
        (":path", "/form"),
        ("content-type", "application/x-www-form-urlencoded"),
    ];
    client.send(h2::HEADERS, h2::END_HEADERS, 1, &h2::block(&fields));
    client.send(h2::DATA, 0, 1, b"text=a");
    client.send(h2::PING, 0, 0, &[7; 8]);
    let _ = client.next_that(|frame| frame.kind == h2::PING && frame.flags == h2::ACK);
    client.send(h2::RST_STREAM, 0, 1, &[0; 4]);
    let line = rests(&site, 1).pop().unwrap();
    assert!(line.starts_with(r#""POST /form HTTP/2.0" 400 "#), "{line}");
}

#[test]
fn nobody_forges_a_line() {
    let site = logged();
    let forged = "127.0.0.1 - - [01/Jan/2026:00:00:00 +0000] \"GET /forged HTTP/1.1\" 200 1 \"-\" \"-\"";
    let paths = ["/%0a", "/%0d%0a", "/%22%20200%201%20%22", "/\" 200 5 \"", "/a\\", "/%00", "/%5c%22"];
    let mut count = 0;
    for path in paths {
        for field in ["User-Agent", "Referer"] {
            for inner in [
                forged.to_owned(),
                format!("x\\\" {forged}"),
                format!("\u{85}{forged}\u{2028}"),
                format!("\t{forged}\\"),
            ] {
                send(
                    &site,
                    &format!(
                        "GET {path} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n{field}: {inner}\r\n\r\n"
                    ),
                );
                count += 1;
            }
        }
    }
    // Bytes that no field may hold are refused, and are no way in either.
    send(&site, &format!("GET / HTTP/1.1\r\nHost: a.test\r\nUser-Agent: x\r{forged}\r\n\r\n"));
    send(&site, &format!("GET /\r{forged} HTTP/1.1\r\nHost: a.test\r\n\r\n"));
    send(&site, &format!("GET / HTTP/1.1\nHost: a.test\n{forged}\n\n"));
    count += 3;
    let found = lines(&path(&site), count);
    assert_eq!(found.len(), count);
    for line in &found {
        assert!(line.is_ascii() && !line.contains(char::is_control), "{line:?}");
        // Three texts in quotes: whatever is in them, the quotes around them are the only ones that count.
        let bare = line.replace("\\\\", "").replace("\\\"", "");
        assert_eq!(bare.matches('"').count(), 6, "{line}");
    }
}

#[test]
fn json_is_json() {
    let site =
        site(&LOG.replace("@DIR@/log\"", "@DIR@/log\", \"access-log-format\": \"json\""), &[("pw", "")]);
    send(&site, "GET /\"x HTTP/1.1\r\nHost: a.test\r\n\r\n");
    let agent = "GET /?\\ HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\nUser-Agent: \"\t\u{e9}\r\n\r\n";
    send(&site, agent);
    let found = lines(&path(&site), 2);
    let [refused, served] =
        [&found[0], &found[1]].map(|line| -> serde_json::Value { serde_json::from_str(line).unwrap() });
    assert_eq!(refused["request"], "GET /\"x HTTP/1.1");
    assert_eq!((&refused["status"], &refused["vhost"]), (&400.into(), &"a.test".into()));
    assert_eq!((&served["method"], &served["target"]), (&"GET".into(), &"/?\\".into()));
    assert_eq!((&served["status"], &served["bytes"]), (&200.into(), &4.into()));
    assert_eq!((&served["agent"], &served["remote"]), (&"\"\t\u{e9}".into(), &"127.0.0.1".into()));
    assert!(served["duration_us"].is_u64() && served["time"].is_string());
}

#[test]
fn only_the_server_may_read_it() {
    let site = logged();
    assert_eq!(get(site.port, "a.test", "/").status, 200);
    assert_eq!(lines(&path(&site), 1).len(), 1);
    assert_eq!(path(&site).metadata().unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_log_that_cannot_be_opened_is_no_start() {
    let port = free_port();
    let config = TempConfig::vhost(port, &LOG.replace("@DIR@/log", "@DIR@/absent/log"));
    let plan = config.compile();
    let ended = program::lwsrun([plan.as_os_str()]).expect_code(1);
    assert!(ended.stderr.contains("conf.d/site:1: access-log `"), "{}", ended.stderr);
    let checked = program::lwsrun(["--check".as_ref(), plan.as_os_str()]).expect_code(1);
    assert!(checked.stderr.contains("absent/log` cannot be opened"), "{}", checked.stderr);
}

#[test]
fn rotation_by_renaming_loses_no_line() {
    let site = logged();
    let asked = Asked::default();
    let mut old = Vec::new();
    std::thread::scope(|scope| {
        let asking = asked.enough.when_dropped();
        let clients = [(); 2].map(|()| scope.spawn(|| asked.ask(site.port)));
        for number in 0..4 {
            let _ = lines(&path(&site), 300);
            let renamed = site.config.path(&format!("log.{number}"));
            let inode = path(&site).metadata().unwrap().ino();
            fs::rename(path(&site), &renamed).unwrap();
            site.server.signal(Signal::USR1);
            // The next line makes the file anew.
            let _ = lines(&path(&site), 1);
            assert_ne!(path(&site).metadata().unwrap().ino(), inode);
            old.push(renamed);
        }
        drop(asking);
        clients.into_iter().for_each(|client| client.join().unwrap());
    });
    let log = path(&site);
    assert!(site.server.stop().success());
    let all = old.iter().chain([&log]).map(|path| fs::read_to_string(path).unwrap());
    complete(&all.collect::<String>(), asked.count());
}

/// Requests with numbers in their queries, which go on until there are enough of them.
#[derive(Debug, Default)]
struct Asked {
    count: AtomicUsize,
    enough: Stop,
}

impl Asked {
    /// Asks on a connection of its own.
    fn ask(&self, port: u16) {
        let mut client = Client::tcp(port);
        while !self.enough.is_due() {
            let number = self.count.fetch_add(1, Ordering::SeqCst);
            assert_eq!(client.get("a.test", &format!("/?{number}")).status, 200);
        }
    }

    /// How many there were.
    fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

/// Truncating loses what is written between the copy and the truncation, whoever writes. Nothing is written there: the
/// server is stopped meanwhile, wherever it just was.
#[test]
fn rotation_by_copying_and_truncating_loses_no_line() {
    let site = logged();
    let asked = Asked::default();
    let mut text = String::new();
    std::thread::scope(|scope| {
        let asking = asked.enough.when_dropped();
        let client = scope.spawn(|| asked.ask(site.port));
        for _ in 0..5 {
            let _ = lines(&path(&site), 200);
            site.server.signal(Signal::STOP);
            site.server.wait_stopped();
            text.push_str(&fs::read_to_string(path(&site)).unwrap());
            fs::File::options().write(true).open(path(&site)).unwrap().set_len(0).unwrap();
            site.server.signal(Signal::CONT);
        }
        drop(asking);
        client.join().unwrap();
    });
    let log = path(&site);
    assert!(site.server.stop().success());
    text.push_str(&fs::read_to_string(log).unwrap());
    complete(&text, asked.count());
}

/// Each of the numbered requests has exactly one line, and each line is whole.
fn complete(text: &str, count: usize) {
    let mut seen = vec![0; count];
    for line in text.lines() {
        let (_, rest) = line.split_once("\"GET /?").unwrap_or_else(|| panic!("torn: {line:?}"));
        let (number, rest) = rest.split_once(' ').unwrap();
        assert_eq!(rest, "HTTP/1.1\" 200 4 \"-\" \"-\"", "torn: {line:?}");
        seen[number.parse::<usize>().unwrap()] += 1;
    }
    assert!(seen.iter().all(|&times| times == 1), "lost or doubled");
}

#[test]
fn a_full_disk_is_said_once_and_requests_go_on() {
    let site = site(&LOG.replace("@DIR@/log", "/dev/full"), &[("pw", "")]);
    for _ in 0..200 {
        assert_eq!(get(site.port, "a.test", "/").status, 200);
    }
    let said = site.server.line_with("cannot be written");
    assert!(
        said.contains("conf.d/site:1: access-log `/dev/full`") && said.contains("No space left"),
        "{said}"
    );
    let log = site.server.log();
    assert!(site.server.stop().success());
    let log = log();
    assert_eq!(log.matches("cannot be written").count(), 1, "{log}");
    assert!(log.contains("access-log `/dev/full`: 200 lines are lost"), "{log}");
}

#[test]
fn a_file_that_may_not_grow_is_written_again_once_it_is_small() {
    let port = free_port();
    let config = TempConfig::vhost(port, LOG).www("index.html", "home");
    let plan = config.compile();
    // `ulimit -f` counts in blocks of 512 bytes.
    let mut command = std::process::Command::new("sh");
    command.args(["-c", "ulimit -f 4 && exec \"$0\" \"$1\""]).arg(program::path("lwsrun")).arg(&plan);
    let server = Server::spawn(&mut command);
    let log = config.path("log");
    let mut client = Client::tcp(port);
    // More than fit, and what waits behind those that did fits into the next file.
    for number in 0..40 {
        assert_eq!(client.get("a.test", &format!("/?{number}")).status, 200);
    }
    let said = server.line_with("cannot be written");
    assert!(said.contains("File too large"), "{said}");
    fs::rename(&log, config.path("log.1")).unwrap();
    server.signal(Signal::USR1);
    let _ = server.line_with("opened again");
    // By now all lines of before are written or lost, wherever they went.
    assert_eq!(client.get("a.test", "/?last").status, 200);
    let lost = server.line_with("is written again");
    let lost: usize = lost.rsplit(", ").next().unwrap().split(' ').next().unwrap().parse().unwrap();
    let kept = fs::read_to_string(config.path("log.1")).unwrap();
    assert!(kept.len() <= 4 * 512 && lost > 0, "{lost} lost, kept:\n{kept}");
    let new = lines(&log, 41 - lost - kept.matches('\n').count());
    assert!(new.iter().any(|line| line.contains("/?last")), "{new:?}");
    assert!(new.iter().all(|line| line.starts_with("127.0.0.1 - - [")), "{new:?}");
}
