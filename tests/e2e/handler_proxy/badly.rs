//! Upstreams that are not there, break off, talk nonsense or keep quiet; and clients that do not wait for them.

use std::sync::Mutex;
use std::sync::mpsc::channel;

use tests::PATIENCE;
use tests::client::{Client, Framing};
use tests::config::TempConfig;
use tests::server::Server;
use tests::upstream::{Upstream, head};

use super::{before, get, noting};
use crate::{free_port, site};

#[test]
fn what_is_no_answer_is_502_and_said_with_the_line_of_the_mount() {
    for (answer, words) in [
        ("", "closed"),
        ("HTTP/1.1 200", "closed"),
        ("HTTP/1.1 200 OK\r\nContent-Le", "closed"),
        ("garbage\r\n\r\n", "invalid"),
        ("HTTP/1.1 200 OK\r\nbad header\r\n\r\n", "invalid"),
        ("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "`Content-Length` is not one number"),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            "`Content-Length` is not one number",
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "both a `Content-Length` and a `Transfer-Encoding`",
        ),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "other than `chunked`"),
        ("HTTP/1.1 200 OK\r\nA: b\r\n folded\r\n\r\n", "not a name, a colon and a value"),
        ("HTTP/1.1 200 OK\r\nA: b\rC: d\r\n\r\n", "not a name, a colon and a value"),
        ("HTTP/2 200 OK\r\n\r\n", "does not begin with"),
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: other\r\nConnection: upgrade\r\n\r\n",
            "another protocol",
        ),
    ] {
        let upstream = Upstream::start(move |_, mut client| {
            let _ = head(&mut client);
            client.send(answer);
        });
        let site = before(&upstream, "");
        let response = get(&site, "/px/");
        assert_eq!(response.status, 502, "{answer}");
        assert!(!response.text().contains("127.0.0.1"), "nothing internal: {}", response.text());
        let said = site.server.line_with("answered 502");
        let named = said.contains("conf.d/site:3: mount `/px`") && said.contains(&upstream.port.to_string());
        assert!(named && said.contains(words), "{answer}: {said}");
    }
}

#[test]
fn a_reset_and_a_refused_connection_are_502() {
    let upstream = Upstream::start(|_, mut client| {
        let _ = head(&mut client);
        client.reset();
    });
    let site = before(&upstream, "");
    assert_eq!(get(&site, "/px/").status, 502);
    let nobody = crate::site(
        &format!(
            ",\"mounts\": [{{ \"mountpoint\": \"/px\", \"origin\": \"http://127.0.0.1:{}/\" }}]",
            free_port()
        ),
        &[],
    );
    assert_eq!(get(&nobody, "/px/").status, 502);
    assert!(nobody.server.line_with("answered 502").contains("refused"));
}

#[test]
fn another_protocol_is_noticed_at_once() {
    let upstream = Upstream::start(|_, mut client| {
        client.send("SSH-2.0-OpenSSH\r\n");
        let _ = client.rest();
    });
    let site = before(&upstream, "");
    assert_eq!(get(&site, "/px/").status, 502);
}

#[test]
fn interim_answers_without_end_are_cut_off() {
    for (count, status) in [(100, 200), (101, 502)] {
        let interim = "HTTP/1.1 102 Processing\r\n\r\n".repeat(count);
        let upstream = Upstream::answering(format!("{interim}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
        let site = before(&upstream, "");
        assert_eq!(get(&site, "/px/").status, status, "{count}");
    }
}

#[test]
fn a_head_without_end_is_cut_off() {
    let upstream = Upstream::start(|_, mut client| {
        let _ = head(&mut client);
        client.send("HTTP/1.1 200 OK\r\n");
        for _ in 0..10_000 {
            client.send(format!("X-Long: {}\r\n", "x".repeat(1000)));
        }
    });
    let site = before(&upstream, "");
    assert_eq!(get(&site, "/px/").status, 502);
}

#[test]
fn content_that_breaks_off_breaks_off_for_the_client() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf and more\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\nno trailer\r\n\r\n",
    ] {
        let upstream = Upstream::start(move |_, mut client| {
            let _ = head(&mut client);
            client.send(answer);
        });
        let site = before(&upstream, "");
        let response = get(&site, "/px/");
        assert_eq!((response.status, response.framing), (200, Framing::CutShort), "{answer}");
        assert!(site.server.line_with("broke off").contains("conf.d/site:3"));
    }
}

/// A mount as that of [`before`], on a server with one worker.
fn with_one_worker(upstream: &Upstream, keys: &str) -> (Server, TempConfig, u16) {
    let port = free_port();
    let origin = format!("http://127.0.0.1:{}/", upstream.port);
    let mount = format!(",\n\"mounts\": [{{ \"mountpoint\": \"/px\", \"origin\": \"{origin}\"{keys} }}]");
    let config = TempConfig::vhost(port, &mount).conf("{ \"global\": { \"count-threads\": \"1\" } }");
    (Server::start(&config.compile()), config, port)
}

/// Answers, and what of them is content.
const ANSWERS: [(&str, &str, &str); 5] = [
    ("GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok"),
    ("GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "ok"),
    ("GET", "HTTP/1.1 204 No Content\r\nContent-Length: 53\r\n\r\n", ""),
    ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 53\r\n\r\n", ""),
    ("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 53\r\n\r\n", ""),
];

/// What nobody asked for.
const SMUGGLED: &str = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled";

#[test]
fn more_than_was_announced_is_not_passed_on() {
    const REQUESTS: usize = 3;
    for (method, answer, text) in ANSWERS {
        let upstream = Upstream::answering(format!("{answer}{SMUGGLED}"));
        // With one worker the upstream's connection would be there for each request.
        let (_server, _config, port) = with_one_worker(&upstream, "");
        for _ in 0..REQUESTS {
            let mut client = Client::tcp(port);
            client.send(format!("{method} /px/ HTTP/1.1\r\nHost: a.test\r\n\r\n"));
            assert_eq!(client.expect(method).text(), text, "{answer}");
        }
        assert_eq!(upstream.connections(), REQUESTS, "such a connection is not used again: {answer}");
    }
}

#[test]
fn what_comes_on_an_idle_connection_is_no_answer() {
    for (method, answer, text) in ANSWERS {
        let (note, noted) = channel();
        let (go, gone) = channel();
        let gone = Mutex::new(gone);
        let upstream = Upstream::start(move |number, mut client| {
            while head(&mut client).is_some() {
                client.send(answer);
                if number == 0 {
                    // The client has its answer, so the connection is idle.
                    gone.lock().unwrap().recv_timeout(PATIENCE).unwrap();
                    client.send(SMUGGLED);
                    note.send(()).unwrap();
                    let _ = client.rest();
                    return;
                }
            }
        });
        let (_server, _config, port) = with_one_worker(&upstream, "");
        let ask = || {
            let mut client = Client::tcp(port);
            client.send(format!("{method} /px/ HTTP/1.1\r\nHost: a.test\r\n\r\n"));
            assert_eq!(client.expect(method).text(), text, "{answer}");
        };
        ask();
        go.send(()).unwrap();
        noted.recv_timeout(PATIENCE).unwrap();
        ask();
        assert_eq!(upstream.connections(), 2, "{answer}");
    }
}

#[test]
fn an_upstream_that_keeps_quiet_is_504_after_the_mounts_time() {
    let upstream = Upstream::start(|_, mut client| {
        let _ = client.rest();
    });
    let site = before(&upstream, ", \"proxy-answer-timeout\": \"1\"");
    assert_eq!(get(&site, "/px/").status, 504);
    let said = site.server.line_with("answered 504");
    assert!(said.contains("`proxy-answer-timeout`") && said.contains("conf.d/site:3"), "{said}");
}

#[test]
fn an_answer_that_stops_is_cut_after_the_mounts_time() {
    let upstream = Upstream::start(|_, mut client| {
        let _ = head(&mut client);
        client.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
        let _ = client.rest();
    });
    let site = before(&upstream, ", \"proxy-idle-timeout\": \"1\"");
    assert_eq!(get(&site, "/px/").framing, Framing::CutShort);
    assert!(site.server.line_with("`proxy-idle-timeout`").contains("conf.d/site:3"));
}

#[test]
fn an_upstream_that_does_not_shake_hands_is_504() {
    let upstream = Upstream::start(|_, mut client| {
        let _ = client.rest();
    });
    let origin = format!("https://127.0.0.1:{}/", upstream.port);
    let mount = format!(
        ",\n\"mounts\": [{{ \"mountpoint\": \"/px\", \"origin\": \"{origin}\", \"proxy-connect-timeout\": \"1\" }}]"
    );
    let site = site(&format!("{mount}, \"client-ssl-ca\": \"@DIR@/ca.crt\""), &[]);
    // The trust store is not there: said at the start, and by the request.
    assert_eq!(get(&site, "/px/").status, 502);
    let _ = site.server.line_with("client-ssl-ca");
    let (certificate, _) = tests::tls::certificate(&site.config.path("tls"), "ca.test");
    let ca = certificate.to_str().unwrap();
    let patient = crate::site(&format!("{mount}, \"client-ssl-ca\": \"{ca}\""), &[]);
    assert_eq!(get(&patient, "/px/").status, 504);
    let _ = patient.server.line_with("`proxy-connect-timeout`");
}

#[test]
fn an_idle_connection_that_was_closed_is_replaced() {
    let upstream = Upstream::start(|number, mut client| {
        let _ = head(&mut client);
        client.send(format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{number}"));
        if number == 0 {
            // It ends as soon as it is used again: the request crosses the end of the connection.
            let _ = head(&mut client);
        }
    });
    let site = before(&upstream, "");
    // One connection, so one worker.
    let mut client = Client::tcp(site.port);
    assert_eq!(client.get("a.test", "/px/").text(), "0");
    assert_eq!(client.get("a.test", "/px/").text(), "1", "a GET is asked again");
}

#[test]
fn what_must_not_be_sent_twice_is_not() {
    let (note, noted) = channel();
    let upstream = Upstream::start(move |number, mut client| {
        let mut first = true;
        while let Some(head) = head(&mut client) {
            note.send(head).unwrap();
            if number == 0 && !first {
                return;
            }
            first = false;
            client.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let site = before(&upstream, "");
    let mut client = Client::tcp(site.port);
    assert_eq!(client.get("a.test", "/px/").status, 200);
    client.send("POST /px/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(client.expect("POST").status, 502);
    let posts = noted.try_iter().filter(|head| head.starts_with("post")).count();
    assert_eq!((posts, upstream.connections()), (1, 1));
}

#[test]
fn a_connection_that_the_upstream_closes_is_not_used_again() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n",
    ] {
        // It says that it closes the connection, and waits for the other side to do it.
        let upstream = Upstream::start(move |number, mut client| {
            while head(&mut client).is_some() {
                client.send(format!("{answer}{number}"));
            }
        });
        let site = before(&upstream, "");
        let mut client = Client::tcp(site.port);
        for number in ["0", "1", "2"] {
            assert_eq!(client.get("a.test", "/px/").text(), number, "{answer}");
        }
    }
}

#[test]
fn a_client_that_leaves_takes_the_upstreams_request_with_it() {
    for begun in [false, true] {
        let (note, noted) = channel();
        let upstream = Upstream::start(move |_, mut client| {
            let _ = head(&mut client);
            if begun {
                client.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
            }
            note.send("asked").unwrap();
            note.send(if client.rest().is_some() { "closed" } else { "open" }).unwrap();
        });
        let site = before(&upstream, "");
        let mut client = Client::tcp(site.port);
        client.send("GET /px/ HTTP/1.1\r\nHost: a.test\r\n\r\n");
        assert_eq!(noted.recv_timeout(PATIENCE), Ok("asked"));
        if begun {
            assert!(client.take_through(b"half").is_some());
        }
        drop(client);
        assert_eq!(noted.recv_timeout(PATIENCE), Ok("closed"), "begun: {begun}");
    }
}

#[test]
fn a_client_that_leaves_more_behind_takes_the_upstreams_request_with_it() {
    let get = "GET /px/ HTTP/1.1\r\nHost: a.test\r\n\r\n";
    let post = "POST /px/ HTTP/1.1\r\nHost: a.test\r\nContent-Length: 9000000\r\n\r\n";
    for request in [format!("{get}{get}"), format!("{get}GE"), format!("{post}{}", "x".repeat(150_000))] {
        let (note, noted) = channel();
        let upstream = Upstream::start(move |_, mut client| {
            let _ = head(&mut client);
            note.send("asked").unwrap();
            note.send(if client.rest().is_some() { "closed" } else { "open" }).unwrap();
        });
        let site = before(&upstream, "");
        let mut client = Client::tcp(site.port);
        client.send(&request);
        assert_eq!(noted.recv_timeout(PATIENCE), Ok("asked"));
        drop(client);
        assert_eq!(noted.recv_timeout(PATIENCE), Ok("closed"), "{request:.100}");
    }
}

#[test]
fn connections_are_counted() {
    let (upstream, noted) = {
        let (note, noted) = channel();
        let upstream = Upstream::start(move |_, mut client| {
            note.send(head(&mut client)).unwrap();
            let _ = client.rest();
        });
        (upstream, noted)
    };
    let (server, _config, port) = with_one_worker(&upstream, ", \"proxy-connections\": \"1\"");
    let mut first = Client::tcp(port);
    first.send("GET /px/ HTTP/1.1\r\nHost: a.test\r\n\r\n");
    assert!(noted.recv_timeout(PATIENCE).unwrap().is_some());
    assert_eq!(tests::client::get(port, "a.test", "/px/").status, 503);
    assert!(server.line_with("answered 503").contains("`proxy-connections`"));
}

#[test]
fn names_are_looked_up() {
    let (upstream, _noted) = noting();
    // No resolver has to be asked for a name that cannot be one: there may be none that answers.
    let impossible = "x".repeat(64) + ".test";
    for (host, status) in [("localhost", 200), (impossible.as_str(), 502)] {
        let mount = format!(
            ",\n\"mounts\": [{{ \"mountpoint\": \"/px\", \"origin\": \"http://{host}:{}/\" }}]",
            upstream.port
        );
        let site = site(&mount, &[]);
        assert_eq!(get(&site, "/px/").status, status, "{host}");
    }
}
