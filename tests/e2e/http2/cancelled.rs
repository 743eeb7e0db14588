//! Requests that are cancelled before they are answered (CVE-2023-44487): each has made work. One by one, so that the
//! server has begun with each of them before the next one comes.

use std::fs;

use tests::h2::PING;

use super::*;

/// A site with a program that leaves a line in `@DIR@/begun` and hangs.
fn hanging() -> Site {
    let port = free_port();
    let mounts = ", \"mounts\": [
        { \"mountpoint\": \"/hang\", \"origin\": \"cgi://@DIR@/hang\" },
        { \"mountpoint\": \"/\", \"origin\": \"file://@DIR@/www\" } ]";
    let program = "#!/bin/sh\necho >> \"@DIR@/begun\"\nexec sleep 1000\n";
    let config = TempConfig::vhost(port, mounts).www("index.html", "home").program("hang", program);
    let server = Server::start(&config.compile());
    Site { config, server, port }
}

/// Asks and takes it back at once: the end of the stream alone if a pong shows that the connection stays.
fn cancel(connection: &mut Connection, stream: u32) -> End {
    let head = tests::h2::frame(HEADERS, GET, stream, &request("GET", "/hang"));
    let reset = tests::h2::frame(RST_STREAM, 0, stream, &CANCEL);
    connection.send_raw(&[head, reset, tests::h2::frame(PING, 0, 0, &[7; 8])].concat());
    let is_end = |frame: &Frame| frame.kind == GOAWAY || (frame.kind == PING && frame.flags == ACK);
    match connection.next_that(is_end) {
        Some(frame) if frame.kind == PING => End::Stream(8),
        Some(frame) => End::Connection(frame.error().unwrap()),
        None => End::Silence,
    }
}

#[test]
fn who_takes_back_all_requests_is_sent_away() {
    let site = hanging();
    let mut connection = connect(&site);
    let mut ends = (0..2000).map(|number| cancel(&mut connection, 2 * number + 1)).enumerate();
    let (programs, end) = ends.find(|&(_, end)| end != End::Stream(8)).expect("it goes on for ever");
    assert_eq!(end, End::Connection(ENHANCE_YOUR_CALM));
    assert!(programs <= 128, "{programs} programs");
    drop(ends);
    assert!(connection.next_that(|_| false).is_none(), "the connection ends");
    let begun = fs::read(site.config.path("begun")).unwrap_or_default().len();
    assert!(begun <= 128, "{begun} programs");
    // Others are served.
    assert_eq!(Client::tcp(site.port).get("a.test", "/").text(), "home");
}

#[test]
fn who_changes_its_mind_now_and_then_stays() {
    let site = hanging();
    let mut connection = connect(&site);
    let mut streams = (0_u32..).map(|number| 2 * number + 1);
    for _ in 0..3 {
        for stream in streams.by_ref().take(50) {
            assert_eq!(cancel(&mut connection, stream), End::Stream(8));
        }
        for stream in streams.by_ref().take(200) {
            connection.ask(stream, "/");
            assert_eq!(connection.answer(stream).0, 200);
        }
    }
}
