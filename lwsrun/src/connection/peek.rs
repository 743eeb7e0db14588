//! The first bytes of a connection, looked at without taking them: TLS, HTTP/1, or HTTP/2 with prior knowledge.
//!
//! hyper-util's own detection never times out a client that sends nothing; here the caller's deadline covers it.

use std::io;
use std::os::fd::AsFd;

use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use tokio::io::{Interest, Ready};
use tokio::net::{TcpStream, UnixStream};

/// What a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spoken {
    /// TLS, or something that is no text: for the handshake to refuse.
    Tls,
    /// HTTP/1, or something that its parser will refuse.
    Http1,
    /// HTTP/2: the connection begins with its preface (RFC 9113, section 3.4).
    Http2,
    /// Neither TLS nor a request: only where the caller has a use for that.
    Other,
    /// Nothing: the peer closed before its first byte.
    Nothing,
}

/// The part of the preface that no request of HTTP/1 begins with: the method PRI is reserved for it.
const PREFACE: &[u8] = b"PRI ";

/// What requests begin with, where others connect as well: a method that somebody uses, and the blank behind it.
const METHODS: [&[u8]; 10] = [
    b"GET ",
    b"HEAD ",
    b"POST ",
    b"PUT ",
    b"PATCH ",
    b"DELETE ",
    b"OPTIONS ",
    b"TRACE ",
    b"CONNECT ",
    PREFACE,
];

/// The bytes of the longest of them.
const LONGEST: usize = 8;

/// A socket whose input can be looked at.
pub(super) trait Peek: AsFd {
    /// Waits for input, or for its end.
    fn input(&self) -> impl Future<Output = io::Result<Ready>> + Send;

    /// Runs `look`; if it would block, the socket waits for new input.
    fn try_look<T>(&self, look: impl FnOnce() -> io::Result<T>) -> io::Result<T>;
}

impl Peek for TcpStream {
    fn input(&self) -> impl Future<Output = io::Result<Ready>> + Send {
        self.ready(Interest::READABLE)
    }

    fn try_look<T>(&self, look: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.try_io(Interest::READABLE, look)
    }
}

impl Peek for UnixStream {
    fn input(&self) -> impl Future<Output = io::Result<Ready>> + Send {
        self.ready(Interest::READABLE)
    }

    fn try_look<T>(&self, look: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        self.try_io(Interest::READABLE, look)
    }
}

/// Waits for enough bytes to tell what is spoken. The caller sets the deadline.
///
/// `tls` says that the listener has keys; without them nothing counts as TLS. `others` says that the listener takes
/// what is neither TLS nor HTTP; without that it is for TLS or HTTP/1 to refuse.
pub(super) async fn spoken<S: Peek>(stream: &S, tls: bool, others: bool) -> io::Result<Spoken> {
    loop {
        let ready = stream.input().await?;
        match stream.try_look(|| look(stream, tls, others)) {
            // No byte will follow: what is there is for HTTP/1 to refuse.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock && ready.is_read_closed() => {
                return Ok(Spoken::Http1);
            }
            // Input that could become either is left alone, and the next byte wakes this up.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            result => return result,
        }
    }
}

fn look(stream: &impl AsFd, tls: bool, others: bool) -> io::Result<Spoken> {
    let mut bytes = [0; LONGEST];
    let (_, length) = recv(stream, &mut bytes, RecvFlags::PEEK | RecvFlags::DONTWAIT)?;
    let seen = &bytes[..length.min(bytes.len())];
    if others { among_others(seen, tls) } else { of_http(seen, tls) }
}

fn of_http(seen: &[u8], tls: bool) -> io::Result<Spoken> {
    match seen {
        b"" => Ok(Spoken::Nothing),
        // A request begins with a method, or with empty lines (RFC 9112, section 2.2); a handshake with byte 22.
        [first, ..] if tls && !matches!(first, b' '..=b'~' | b'\r' | b'\n') => Ok(Spoken::Tls),
        seen if seen.starts_with(PREFACE) => Ok(Spoken::Http2),
        seen if PREFACE.starts_with(seen) => Err(Errno::WOULDBLOCK.into()),
        _ => Ok(Spoken::Http1),
    }
}

/// The type of a record that begins a handshake (RFC 8446, section 5.1).
const HANDSHAKE: u8 = 22;

fn among_others(seen: &[u8], tls: bool) -> io::Result<Spoken> {
    match seen {
        b"" => Ok(Spoken::Nothing),
        [HANDSHAKE, ..] if tls => Ok(Spoken::Tls),
        seen if METHODS.iter().any(|method| seen.starts_with(method)) => of_http(seen, tls),
        seen if METHODS.iter().any(|method| method.starts_with(seen)) => Err(Errno::WOULDBLOCK.into()),
        _ => Ok(Spoken::Other),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    async fn seen(parts: &[&[u8]]) -> (Spoken, Vec<u8>) {
        seen_by(false, parts).await
    }

    async fn seen_by(tls: bool, parts: &[&[u8]]) -> (Spoken, Vec<u8>) {
        seen_among(tls, false, parts).await
    }

    async fn seen_among(tls: bool, others: bool, parts: &[&[u8]]) -> (Spoken, Vec<u8>) {
        let (mut client, mut server) = UnixStream::pair().unwrap();
        let looking = tokio::spawn(async move {
            let spoken = spoken(&server, tls, others).await.unwrap();
            let mut rest = Vec::new();
            server.read_to_end(&mut rest).await.unwrap();
            (spoken, rest)
        });
        for part in parts {
            client.write_all(part).await.unwrap();
            tokio::task::yield_now().await;
        }
        drop(client);
        looking.await.unwrap()
    }

    #[tokio::test]
    async fn tells_the_versions_apart_and_takes_nothing() {
        let (spoken, rest) = seen(&[b"GET / HTTP/1.1\r\n"]).await;
        assert_eq!((spoken, &*rest), (Spoken::Http1, &b"GET / HTTP/1.1\r\n"[..]));
        assert_eq!(seen(&[b"PRI * HTTP/2.0"]).await.0, Spoken::Http2);
        assert_eq!(seen(&[b"P", b"RI", b" * HT"]).await.0, Spoken::Http2);
        assert_eq!(seen(&[b"P", b"UT / HT"]).await.0, Spoken::Http1);
        assert_eq!(seen(&[]).await.0, Spoken::Nothing);
        assert_eq!(seen(&[b"\x16\x03\x01"]).await.0, Spoken::Http1);
        assert_eq!(seen_by(true, &[b"\x16\x03\x01"]).await, (Spoken::Tls, b"\x16\x03\x01".to_vec()));
        assert_eq!(seen_by(true, &[b"\x80\x2e"]).await.0, Spoken::Tls);
        assert_eq!(seen_by(true, &[b"P", b"UT / HT"]).await.0, Spoken::Http1);
        assert_eq!(seen_by(true, &[b"PRI * HTTP/2.0"]).await.0, Spoken::Http2);
        assert_eq!(seen_by(true, &[]).await.0, Spoken::Nothing);
        // An end in the middle of what could become the preface ends the wait.
        assert_eq!(seen(&[b"PRI"]).await, (Spoken::Http1, b"PRI".to_vec()));
    }

    #[tokio::test]
    async fn others_are_told_apart_where_they_are_wanted() {
        let seen = async |tls, parts: &[&[u8]]| seen_among(tls, true, parts).await.0;
        assert_eq!(
            seen_among(true, true, &[b"SSH-2.0-x\r\n"]).await,
            (Spoken::Other, b"SSH-2.0-x\r\n".to_vec())
        );
        assert_eq!(seen(true, &[b"\x16\x03\x01"]).await, Spoken::Tls);
        assert_eq!(seen(true, &[b"\x00\x01"]).await, Spoken::Other);
        assert_eq!(seen(false, &[b"\x16\x03\x01"]).await, Spoken::Other);
        assert_eq!(seen(false, &[b"P", b"OS", b"T /"]).await, Spoken::Http1);
        assert_eq!(seen(false, &[b"P", b"OSH"]).await, Spoken::Other);
        assert_eq!(seen(false, &[b"OPTIONS /"]).await, Spoken::Http1);
        assert_eq!(seen(false, &[b"PRI * HT"]).await, Spoken::Http2);
        assert!(METHODS.iter().all(|method| method.len() <= LONGEST));
    }
}
