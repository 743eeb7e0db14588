//! Peers of websockets that break off: nothing of them may stay.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

use tests::PATIENCE;
use tests::open_files::has_room;
use tests::ws::WebSocket;
use tokio_tungstenite::tungstenite::Message;

use super::{Site, site};

const PROTOCOLS: &str =
    ",\n\"ws-protocols\": [{ \"lws-echo\": {}, \"lws-mirror-protocol\": {}, \"lws-status\": {} }]";

/// A masked text frame that says that it has 126 bytes, and the first of them.
const HALF_A_FRAME: &[u8] = b"\x81\xfe\0\x7e\0\0\0\0ahoy";

/// How many connections are open at once.
const BATCH: usize = 250;

/// Opens a websocket by hand, up to the end of the server's answer.
fn open(site: &Site, protocol: &str) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", site.port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let head = format!(
        "GET / HTTP/1.1\r\nHost: a.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: {protocol}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let mut piece = [0; 512];
    while !answer.windows(4).any(|four| four == b"\r\n\r\n") {
        let length = stream.read(&mut piece).unwrap();
        assert!(length > 0, "no answer");
        answer.extend_from_slice(&piece[..length]);
    }
    assert!(answer.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&answer));
    stream
}

/// Opens and drops so many; every other one in the middle of a frame.
fn open_and_drop(site: &Site, count: usize) {
    for _ in 0..count / BATCH {
        let mut streams: Vec<TcpStream> = (0..BATCH).map(|_| open(site, "lws-status")).collect();
        streams.iter_mut().step_by(2).for_each(|stream| stream.write_all(HALF_A_FRAME).unwrap());
    }
}

/// Waits until a new member is told that it is alone.
fn wait_until_alone(site: &Site) {
    let mut member = WebSocket::open(site.port, "/", "lws-status");
    while !member.text().contains("\"wsi\":\"1\"") {}
}

/// How many more bytes the server holds than before; it has some time to give back what is beyond `most`.
fn grown(site: &Site, before: u64, most: u64) -> u64 {
    site.server.memory_down_to(before + most).saturating_sub(before)
}

#[test]
fn ten_thousand_that_break_off_leave_nothing() {
    const MOST: u64 = 2 << 20;
    let site = site(PROTOCOLS, &[]);
    wait_until_alone(&site);
    open_and_drop(&site, 5000);
    wait_until_alone(&site);
    let (files, memory) = (site.server.open_files(), site.server.memory());
    open_and_drop(&site, 5000);
    wait_until_alone(&site);
    site.server.gives_back_files(files);
    let grown = grown(&site, memory, MOST);
    assert!(grown <= MOST, "{grown} bytes are left of 5000 connections");
}

#[test]
fn large_messages_leave_no_buffers_behind() {
    const COUNT: u64 = 200;
    // Half a megabyte, if each kept what it needed once.
    const MOST: u64 = 64 << 10;
    // Each client takes some.
    if !has_room(10 * COUNT) {
        return;
    }
    let site = site(PROTOCOLS, &[]);
    let message = "x".repeat(500_000);
    let mut say = |socket: &mut WebSocket| {
        socket.send(message.as_str());
        assert_eq!(socket.text().len(), message.len());
    };
    // What the server itself needs for it.
    say(&mut WebSocket::open(site.port, "/", "lws-echo"));
    let before = site.server.memory();
    let mut sockets: Vec<_> = (0..COUNT).map(|_| WebSocket::open(site.port, "/", "lws-echo")).collect();
    sockets.iter_mut().for_each(&mut say);
    let each = grown(&site, before, COUNT * MOST) / COUNT;
    assert!(each <= MOST, "{each} bytes for each session");
}

#[test]
fn idle_members_cost_little() {
    if !has_room(8000) {
        return;
    }
    let site = site(PROTOCOLS, &[]);
    let join = |count| (0..count).map(|_| open(&site, "lws-mirror-protocol")).collect::<Vec<TcpStream>>();
    // What the workers themselves need for it.
    let _first = join(BATCH);
    let before = site.server.memory();
    let members = join(3 * BATCH);
    // Optimized it is 2 KiB for each; here the futures of their handshakes leave more behind.
    let most = (members.len() << 12) as u64;
    let grown = grown(&site, before, most);
    assert!(grown <= most, "{grown} bytes for {} members", members.len());
}

#[test]
fn a_member_that_never_reads_is_left_behind() {
    let site = site(PROTOCOLS, &[]);
    let mut deaf = open(&site, "lws-mirror-protocol");
    let mut speaker = WebSocket::open(site.port, "/", "lws-mirror-protocol");
    let message = "x".repeat(100_000);
    // More than all buffers on the way hold.
    for _ in 0..200 {
        speaker.send(message.as_str());
        assert_eq!(speaker.text(), message);
    }
    // It was cut, so what is left for it ends.
    let mut piece = vec![0; 1 << 16];
    let end = loop {
        match deaf.read(&mut piece) {
            Ok(0) => break None,
            Ok(_) => {}
            Err(error) => break Some(error.kind()),
        }
    };
    assert!(matches!(end, None | Some(ErrorKind::ConnectionReset)), "{end:?}");
}

#[test]
fn garbage_after_the_close_is_of_no_interest() {
    let site = site(PROTOCOLS, &[]);
    let mut rude = open(&site, "lws-echo");
    rude.write_all(b"\x88\x82\0\0\0\0\x03\xe8").unwrap();
    // The server may have closed before all of it is sent.
    let _ = rude.write_all(&vec![0xff; 1 << 20]);
    let mut answer = Vec::new();
    match rude.read_to_end(&mut answer) {
        Ok(_) => assert_eq!(answer, b"\x88\x02\x03\xe8"),
        // What was on its way may be lost with the connection.
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    let mut polite = WebSocket::open(site.port, "/", "lws-echo");
    polite.send("ahoy");
    assert_eq!(polite.receive(), Some(Message::text("ahoy")));
}
