//! Websockets as streams of a connection (RFC 8441): what ends a stream ends its session, and the other way round, and
//! neither ends the connection.

use super::*;
use crate::protocol::{BoxFuture, Instance, Opening, Options, Session, StartError, VhostContext};

const ECHO: &str = "lws-echo";

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;

const END_STREAM: u8 = 1;

/// The error code of a stream that is not wanted any more.
const CANCEL: [u8; 4] = 8_u32.to_be_bytes();

/// The block of an answer begins so if its status is 200.
const OK: u8 = 0x88;

/// Longer than any clock of a websocket.
const LONG: Duration = Duration::from_secs(600);

/// A protocol that panics at the first message.
struct Fragile;

impl crate::protocol::Protocol for Fragile {
    fn name(&self) -> &str {
        "fragile"
    }

    fn start(&self, _: VhostContext, _: Options) -> Result<Arc<dyn Instance>, StartError> {
        Ok(Arc::new(Self))
    }
}

impl Instance for Fragile {
    fn session(self: Arc<Self>, _: Opening, mut session: Session) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let _ = session.next().await;
            panic!("on purpose");
        })
    }
}

impl Peer {
    async fn with_websockets(settings: &[u8]) -> Self {
        Self::open_with("/nowhere", settings, Registry::default().with(Fragile), &[ECHO, "fragile"]).await
    }

    /// Opens a websocket as that stream.
    async fn connect(&mut self, stream: u8, protocol: &str) {
        let fields = [
            (":protocol", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-protocol", protocol),
        ];
        self.ask(0, stream, "CONNECT", "/", &fields).await;
        let answer = self.next_of(stream).await;
        let status = answer.payload.iter().find(|&byte| byte & 0xe0 != 0x20);
        assert_eq!((answer.kind, status), (HEADERS, Some(&OK)));
    }

    /// The next frame of a stream; those of others are passed over.
    async fn next_of(&mut self, stream: u8) -> Frame {
        loop {
            let next = tokio::time::timeout(LONG, self.next()).await.expect("a frame");
            let frame = next.expect("the connection goes on");
            if frame.stream == stream {
                return frame;
            }
        }
    }

    /// Sends a masked text of less than 126 bytes.
    async fn say(&mut self, stream: u8, text: &str) {
        let head = [0x81, 0x80 | u8::try_from(text.len()).unwrap(), 0, 0, 0, 0];
        self.send(DATA, 0, stream, &[&head, text.as_bytes()].concat()).await;
    }

    /// Says something, and hears it.
    async fn hear(&mut self, stream: u8, text: &str) {
        self.say(stream, text).await;
        let heard = self.next_of(stream).await;
        assert_eq!((heard.kind, &heard.payload[2..]), (DATA, text.as_bytes()));
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_not_read_is_reset_and_the_connection_goes_on() {
    let mut peer = Peer::with_websockets(&window(0)).await;
    peer.connect(1, ECHO).await;
    peer.connect(3, ECHO).await;
    peer.send(WINDOW_UPDATE, 0, 3, &10_000_u32.to_be_bytes()).await;
    let start = Instant::now();
    let reset = loop {
        // Lively, so that it is not its silence that ends it.
        peer.say(1, &"x".repeat(100)).await;
        peer.hear(3, "ahoy").await;
        match tokio::time::timeout(Duration::from_secs(7), peer.next_of(1)).await {
            Err(_) => assert!(start.elapsed() < LONG, "the stream is left as it is"),
            Ok(frame) => break frame,
        }
    };
    assert_eq!((reset.kind, &reset.payload[..]), (RST_STREAM, &CANCEL[..]));
    let waited = start.elapsed().as_secs();
    assert!((60..=90).contains(&waited), "{waited} s");
    peer.hear(3, "still here").await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_one_whose_client_takes_nothing_is_reset() {
    let mut peer = Peer::with_websockets(&window(0)).await;
    peer.connect(1, ECHO).await;
    let start = Instant::now();
    let reset = peer.next_of(1).await;
    assert_eq!((reset.kind, &reset.payload[..]), (RST_STREAM, &CANCEL[..]));
    assert_eq!(start.elapsed().as_secs(), 50, "a ping after 40 s that is not answered for 10");
}

#[tokio::test(start_paused = true)]
async fn one_that_is_open_outlives_the_time_between_requests() {
    let mut peer = Peer::with_websockets(&[]).await;
    peer.connect(1, ECHO).await;
    let start = Instant::now();
    let mut goodbye = false;
    while start.elapsed() < LONG {
        peer.say(1, "ahoy").await;
        loop {
            match tokio::time::timeout(Duration::from_secs(30), peer.next()).await {
                Err(_) => break,
                Ok(Some(Frame { kind: GOAWAY, payload, .. })) => {
                    assert_eq!(payload[4..8], [0; 4], "no error");
                    goodbye = true;
                }
                Ok(Some(frame)) => assert_eq!((frame.kind, &frame.payload[..]), (DATA, &b"\x81\x04ahoy"[..])),
                Ok(None) => panic!("the connection ended after {} s", start.elapsed().as_secs()),
            }
        }
    }
    assert!(goodbye, "new requests are told to go elsewhere");
    // With the last stream the connection ends.
    peer.send(DATA, 0, 1, b"\x88\x82\0\0\0\0\x03\xe8").await;
    assert_eq!(peer.next_of(1).await.payload, b"\x88\x02\x03\xe8");
    peer.send(DATA, END_STREAM, 1, &[]).await;
    while peer.next().await.is_some() {}
    assert!(peer.served.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_stream_without_a_close_ends_its_session() {
    let mut peer = Peer::with_websockets(&[]).await;
    peer.connect(1, ECHO).await;
    peer.connect(3, ECHO).await;
    peer.hear(1, "ahoy").await;
    peer.send(DATA, END_STREAM, 1, &[]).await;
    let start = Instant::now();
    let end = peer.next_of(1).await;
    assert!(end.kind == RST_STREAM || end.flags & END_STREAM != 0, "{} {:?}", end.kind, end.payload);
    assert_eq!(start.elapsed().as_secs(), 0);
    peer.hear(3, "still here").await;
}

#[tokio::test(start_paused = true)]
async fn a_close_ends_the_stream() {
    let mut peer = Peer::with_websockets(&[]).await;
    peer.connect(1, ECHO).await;
    peer.send(DATA, 0, 1, b"\x88\x82\0\0\0\0\x03\xe8").await;
    let close = peer.next_of(1).await;
    assert_eq!((close.kind, &close.payload[..]), (DATA, &b"\x88\x02\x03\xe8"[..]));
    let ended = close.flags & END_STREAM != 0 || peer.next_of(1).await.flags & END_STREAM != 0;
    assert!(ended, "this end has nothing more to say");
    peer.send(DATA, END_STREAM, 1, &[]).await;
    peer.connect(3, ECHO).await;
    peer.hear(3, "ahoy").await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_costs_its_stream_only() {
    let mut peer = Peer::with_websockets(&[]).await;
    peer.connect(1, "fragile").await;
    peer.connect(3, ECHO).await;
    peer.say(1, "boo").await;
    let close = peer.next_of(1).await;
    assert_eq!((close.kind, &close.payload[2..4]), (DATA, &1011_u16.to_be_bytes()[..]));
    assert_eq!(&close.payload[4..], b"internal error");
    peer.hear(3, "ahoy").await;
}
