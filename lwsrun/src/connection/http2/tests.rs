//! The clocks of a connection, with a peer that keeps its windows shut, and one that does not send what it promised.

mod websockets;

use schemas::plan::{Bind, Families, Mount, Origin, Plan, Protocol, Vhost};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;

use super::*;
use crate::boot::site::Site;
use crate::boot::testing::{self, PLACE, global, listener, mount, vhost, written};
use crate::boot::tls::Keys;
use crate::connection::Serving;
use crate::protocol::Registry;
use crate::response::log::AccessLogs;
use crate::shutdown::DrainControl;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What is spoken to a connection that serves a folder at `/` and a form at `/form`.
struct Peer {
    stream: DuplexStream,
    served: tokio::task::JoinHandle<Result<(), Failure>>,
    control: DrainControl,
}

/// A frame that was received.
struct Frame {
    kind: u8,
    flags: u8,
    stream: u8,
    payload: Vec<u8>,
}

impl Peer {
    async fn open(docroot: &str, settings: &[u8]) -> Self {
        Self::open_with(docroot, settings, Registry::default(), &[]).await
    }

    /// With more protocols than that of the form.
    async fn open_with(docroot: &str, settings: &[u8], registry: Registry, more: &[&str]) -> Self {
        let bind = Bind::Any { port: 80, families: Families::Both };
        let mounts = vec![
            Mount { origin: Origin::File { docroot }, ..mount("/") },
            Mount { origin: Origin::Callback { protocol: "protocol-post-demo" }, ..mount("/form") },
        ];
        let protocol = |name| Protocol {
            name,
            default: false,
            raw: false,
            basic_auth: None,
            options: Vec::new(),
            place: PLACE,
        };
        let protocols = ["protocol-post-demo"].iter().chain(more).map(|name| protocol(*name)).collect();
        let bytes = written(&global(), vec![listener(bind)], &[Vhost { mounts, protocols, ..vhost() }]);
        let plan = Arc::new(Plan::from_bytes(bytes).unwrap());
        let control = DrainControl::new();
        let site = Site::new(
            Arc::clone(&plan),
            registry,
            crate::boot::tls::client::ClientKeys::default(),
            control.handle(),
            AccessLogs::default(),
            1024,
        );
        let serving = Serving::new(&plan, site, Keys::load(&plan).unwrap(), control.handle());
        let facts = testing::connection();
        let (stream, server) = duplex(1 << 20);
        let served = tokio::spawn(serve(server, Connection { serving, facts }));
        let mut peer = Self { stream, served, control };
        peer.stream.write_all(PREFACE).await.unwrap();
        peer.send(4, 0, 0, settings).await;
        peer
    }

    async fn send(&mut self, kind: u8, flags: u8, stream: u8, payload: &[u8]) {
        let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
        let head = [0, length[0], length[1], kind, flags, 0, 0, 0, stream];
        // The server may be gone.
        let _ = self.stream.write_all(&[&head, payload].concat()).await;
    }

    async fn ask(&mut self, flags: u8, stream: u8, method: &str, path: &str, fields: &[(&str, &str)]) {
        let mut block = Vec::new();
        let usual = [(":method", method), (":scheme", "http"), (":authority", "a.test"), (":path", path)];
        for (name, value) in usual.iter().chain(fields) {
            block.push(0);
            for text in [name, value] {
                block.push(u8::try_from(text.len()).unwrap());
                block.extend(text.as_bytes());
            }
        }
        self.send(1, flags | 4, stream, &block).await;
    }

    /// The next frame that is of a stream, or GOAWAY; pings are answered on the way. `None` at the end.
    async fn next(&mut self) -> Option<Frame> {
        loop {
            let mut head = [0; 9];
            self.stream.read_exact(&mut head).await.ok()?;
            let mut payload = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
            self.stream.read_exact(&mut payload).await.ok()?;
            match (head[3], head[4]) {
                (6, 0) => self.send(6, 1, 0, &payload).await,
                (4, 0) => self.send(4, 1, 0, &[]).await,
                (4 | 6 | 8, _) => {}
                (kind, flags) => return Some(Frame { kind, flags, stream: head[8], payload }),
            }
        }
    }
}

/// A folder with one file of many bytes.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("large.txt"), vec![b'x'; 1 << 20]).unwrap();
    folder
}

/// A first window of so many bytes for each stream.
fn window(bytes: u32) -> Vec<u8> {
    [&[0, 4], &bytes.to_be_bytes()[..]].concat()
}

const NO_FIELD: &[(&str, &str)] = &[];

#[tokio::test(start_paused = true)]
async fn an_answer_that_nobody_takes_ends_the_connection() {
    let folder = folder();
    let mut peer = Peer::open(folder.path().to_str().unwrap(), &window(0)).await;
    let start = Instant::now();
    peer.ask(1, 1, "GET", "/large.txt", NO_FIELD).await;
    assert_eq!(peer.next().await.unwrap().kind, 1, "the head comes");
    while peer.next().await.is_some() {}
    let waited = start.elapsed().as_secs();
    assert!((60..=75).contains(&waited), "{waited} s");
    assert!(peer.served.await.unwrap().unwrap_err().to_string().contains("too slowly"));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_taken_slowly_goes_on() {
    let folder = folder();
    let mut peer = Peer::open(folder.path().to_str().unwrap(), &window(5000)).await;
    let start = Instant::now();
    peer.ask(1, 1, "GET", "/large.txt", NO_FIELD).await;
    let mut bytes = 0;
    while start.elapsed().as_secs() < 600 {
        match tokio::time::timeout(Duration::from_secs(40), peer.next()).await {
            Ok(frame) => {
                bytes += frame.filter(|frame| frame.kind == 0).map_or(0, |frame| frame.payload.len());
            }
            // More than 64 bytes a second.
            Err(_) => {
                for stream in [0, 1] {
                    peer.send(8, 0, stream, &5000_u32.to_be_bytes()).await;
                }
            }
        }
        assert!(!peer.served.is_finished());
    }
    assert!(bytes >= 10 * 5000, "{bytes}");
}

#[tokio::test(start_paused = true)]
async fn content_that_does_not_come_is_408_and_the_connection_goes_on() {
    let folder = folder();
    let mut peer = Peer::open(folder.path().to_str().unwrap(), &[]).await;
    let start = Instant::now();
    peer.ask(0, 1, "POST", "/form", &[("content-type", "multipart/form-data; boundary=x")]).await;
    let Frame { kind, payload: head, .. } = peer.next().await.unwrap();
    assert_eq!(kind, 1);
    let waited = start.elapsed().as_secs();
    assert!((30..=35).contains(&waited), "{waited} s");
    // A literal with the name of entry 8 of the static table; in the Huffman code 4, 0 and 8 are 011010 00000 011110.
    let status = head.iter().position(|&byte| byte & 0xe0 != 0x20).unwrap();
    assert_eq!(head[status..][..5], [0x48, 0x83, 0b0110_1000, 0b0000_1111, 0b0111_1111]);
    loop {
        let Frame { kind, payload, .. } = peer.next().await.unwrap();
        // NO_ERROR: the rest is not wanted.
        if kind == 3 {
            assert_eq!(payload, [0; 4]);
            break;
        }
        assert_eq!(kind, 0);
    }
    peer.ask(1, 3, "GET", "/none.txt", NO_FIELD).await;
    assert_eq!(peer.next().await.unwrap().kind, 1);
}

/// How long a client may stay after the drain has begun that answers no ping, and says something each half a second.
async fn stays(says: bool) -> u64 {
    let folder = folder();
    let mut peer = Peer::open(folder.path().to_str().unwrap(), &[]).await;
    peer.ask(1, 1, "GET", "/none.txt", NO_FIELD).await;
    while peer.next().await.unwrap().flags & 1 == 0 {}
    let Peer { mut stream, mut served, control } = peer;
    let drained = tokio::spawn(control.drain());
    let start = Instant::now();
    let open_window = [0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    while tokio::time::timeout(Duration::from_millis(500), &mut served).await.is_err() {
        if says {
            stream.write_all(&open_window).await.unwrap();
        }
    }
    drained.await.unwrap();
    start.elapsed().as_millis().try_into().unwrap()
}

#[tokio::test(start_paused = true)]
async fn who_was_told_to_go_and_reads_on_is_left_alone_for_a_while() {
    let silent = stays(false).await;
    assert!((1000..=2100).contains(&silent), "{silent} ms");
    let reading = stays(true).await;
    assert!((15_000..=17_100).contains(&reading), "{reading} ms");
}
