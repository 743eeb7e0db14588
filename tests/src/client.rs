//! HTTP/1 byte by byte, over TCP, unix sockets and TLS.
//!
//! It sends exactly the bytes of the test, right or wrong, and takes apart what comes back without trusting it.

mod response;

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection, StreamOwned};

pub use response::{Framing, Response};

use crate::PATIENCE;

/// A connection to a server.
#[derive(Debug)]
pub struct Client {
    transport: Transport,
    /// Bytes that came and were not taken yet.
    buffer: Vec<u8>,
    ended: bool,
    /// It said so: no reset, and with TLS a `close_notify`.
    in_order: bool,
}

#[derive(Debug)]
enum Transport {
    Tcp(TcpStream),
    Unix(UnixStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
    /// The side of the server.
    TlsServer(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Client {
    /// Connects to a port of 127.0.0.1.
    #[must_use]
    pub fn tcp(port: u16) -> Self {
        Self::to((Ipv4Addr::LOCALHOST.into(), port))
    }

    /// Connects to an address.
    #[must_use]
    pub fn to(address: (IpAddr, u16)) -> Self {
        Self::over(Transport::Tcp(connect(address)))
    }

    /// The end of a connection that somebody else has made.
    #[must_use]
    pub fn of(stream: TcpStream) -> Self {
        Self::over(Transport::Tcp(stream))
    }

    /// Does a TLS handshake as the server of this connection, which must be TCP.
    ///
    /// # Errors
    /// If the handshake fails.
    pub fn accept_tls(self, config: Arc<ServerConfig>) -> io::Result<Self> {
        let Transport::Tcp(mut stream) = self.transport else {
            return Err(io::Error::other("not TCP in clear"));
        };
        let mut session = ServerConnection::new(config).map_err(io::Error::other)?;
        while session.is_handshaking() {
            session.complete_io(&mut stream)?;
        }
        Ok(Self::over(Transport::TlsServer(Box::new(StreamOwned::new(session, stream)))))
    }

    /// Makes the connection end in a reset, as that of a program that crashes may.
    ///
    /// # Panics
    /// If the system does not do that.
    pub fn reset(self) {
        if let Transport::Tcp(stream) = &self.transport {
            rustix::net::sockopt::set_socket_linger(stream, Some(Duration::ZERO)).expect("an open socket");
        }
    }

    /// Connects to a unix socket; a leading `@` stands for the abstract namespace.
    #[must_use]
    pub fn unix(path: &str) -> Self {
        let stream = match path.strip_prefix('@') {
            Some(name) => {
                let address = std::os::unix::net::SocketAddr::from_abstract_name(name).expect("a short name");
                UnixStream::connect_addr(&address)
            }
            None => UnixStream::connect(path),
        };
        Self::over(Transport::Unix(stream.unwrap_or_else(|error| panic!("{path}: {error}"))))
    }

    /// Connects to a port of 127.0.0.1 and does a TLS handshake. `name` is the name that is asked for, and checked
    /// against the certificate if the client's config does.
    ///
    /// # Errors
    /// If the handshake fails.
    pub fn tls(port: u16, name: &str, config: Arc<ClientConfig>) -> io::Result<Self> {
        let name = ServerName::try_from(name.to_owned()).map_err(io::Error::other)?;
        let mut session = ClientConnection::new(config, name).map_err(io::Error::other)?;
        let mut stream = connect((Ipv4Addr::LOCALHOST.into(), port));
        stream.set_read_timeout(Some(PATIENCE))?;
        while session.is_handshaking() {
            session.complete_io(&mut stream)?;
        }
        Ok(Self::over(Transport::Tls(Box::new(StreamOwned::new(session, stream)))))
    }

    fn over(transport: Transport) -> Self {
        let mut client = Self { transport, buffer: Vec::new(), ended: false, in_order: false };
        client.set_patience(PATIENCE);
        let done = match &client.transport {
            Transport::Tcp(stream) => stream.set_write_timeout(Some(PATIENCE)),
            Transport::Unix(stream) => stream.set_write_timeout(Some(PATIENCE)),
            Transport::Tls(stream) => stream.sock.set_write_timeout(Some(PATIENCE)),
            Transport::TlsServer(stream) => stream.sock.set_write_timeout(Some(PATIENCE)),
        };
        done.expect("a time that is not zero");
        client
    }

    /// How long to wait for the next byte before it counts as never coming.
    pub fn set_patience(&mut self, patience: Duration) {
        let done = match &self.transport {
            Transport::Tcp(stream) => stream.set_read_timeout(Some(patience)),
            Transport::Unix(stream) => stream.set_read_timeout(Some(patience)),
            Transport::Tls(stream) => stream.sock.set_read_timeout(Some(patience)),
            Transport::TlsServer(stream) => stream.sock.set_read_timeout(Some(patience)),
        };
        done.expect("a time that is not zero");
    }

    /// The TLS session, if there is one.
    #[must_use]
    pub fn session(&self) -> Option<&ClientConnection> {
        match &self.transport {
            Transport::Tls(stream) => Some(&stream.conn),
            Transport::Tcp(_) | Transport::Unix(_) | Transport::TlsServer(_) => None,
        }
    }

    /// Sends bytes. What the server does not take any more is lost: it may answer before it has read all.
    ///
    /// # Panics
    /// If the server keeps the connection and takes nothing.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        let sent = match &mut self.transport {
            Transport::Tcp(stream) => stream.write_all(bytes),
            Transport::Unix(stream) => stream.write_all(bytes),
            Transport::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
            Transport::TlsServer(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        };
        let stuck =
            |error: &io::Error| matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut);
        assert!(!sent.is_err_and(|error| stuck(&error)), "the server takes nothing and stays");
    }

    /// Says that no more bytes will be sent.
    pub fn finish_sending(&mut self) {
        // The server may have gone first.
        let _ = match &mut self.transport {
            Transport::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Transport::Unix(stream) => stream.shutdown(Shutdown::Write),
            Transport::Tls(stream) => {
                stream.conn.send_close_notify();
                stream.flush()
            }
            Transport::TlsServer(stream) => {
                stream.conn.send_close_notify();
                stream.flush()
            }
        };
    }

    /// Sends a GET for `path` at `host`, and reads the response.
    ///
    /// # Panics
    /// If none comes.
    pub fn get(&mut self, host: &str, path: &str) -> Response {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n"));
        self.expect("GET")
    }

    /// Reads the response to a request of this method.
    ///
    /// # Panics
    /// If none comes.
    pub fn expect(&mut self, method: &str) -> Response {
        self.response(method).unwrap_or_else(|| {
            let what = if self.ended { "the server closed the connection" } else { "nothing came" };
            panic!("no response: {what}; so far: `{}`", self.buffer.escape_ascii())
        })
    }

    /// Reads the response to a request of this method; `None` if none came.
    pub fn response(&mut self, method: &str) -> Option<Response> {
        response::read(self, method)
    }

    /// Waits until the server closes the connection; returns what it sent before that, or `None` if it stays open.
    pub fn rest(&mut self) -> Option<Vec<u8>> {
        while self.fill() {}
        self.ended.then(|| std::mem::take(&mut self.buffer))
    }

    /// Whether the server has closed the connection, as far as reads have noticed.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether it was closed by the book: without a reset, and with TLS after a `close_notify`.
    #[must_use]
    pub fn has_ended_in_order(&self) -> bool {
        self.in_order
    }

    /// Waits for at least `count` bytes; whether they came.
    pub fn need(&mut self, count: usize) -> bool {
        while self.buffer.len() < count {
            if !self.fill() {
                return false;
            }
        }
        true
    }

    /// The bytes that came and were not taken.
    #[must_use]
    pub fn buffered(&self) -> &[u8] {
        &self.buffer
    }

    /// Takes up to `count` bytes of those that came.
    pub fn take(&mut self, count: usize) -> Vec<u8> {
        let rest = self.buffer.split_off(count.min(self.buffer.len()));
        std::mem::replace(&mut self.buffer, rest)
    }

    /// Takes all bytes up to and with `mark`; `None` if the mark does not come.
    pub fn take_through(&mut self, mark: &[u8]) -> Option<Vec<u8>> {
        let mut from = 0;
        loop {
            let found = self.buffer[from..].windows(mark.len()).position(|window| window == mark);
            if let Some(at) = found {
                return Some(self.take(from + at + mark.len()));
            }
            from = self.buffer.len().saturating_sub(mark.len());
            if !self.fill() {
                return None;
            }
        }
    }

    /// Waits for more bytes; false if none came.
    fn fill(&mut self) -> bool {
        if self.ended {
            return false;
        }
        let mut bytes = [0; 65536];
        let read = match &mut self.transport {
            Transport::Tcp(stream) => stream.read(&mut bytes),
            Transport::Unix(stream) => stream.read(&mut bytes),
            Transport::Tls(stream) => stream.read(&mut bytes),
            Transport::TlsServer(stream) => stream.read(&mut bytes),
        };
        match read {
            Ok(count) if count > 0 => {
                self.buffer.extend_from_slice(&bytes[..count]);
                true
            }
            Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                false
            }
            read => {
                self.ended = true;
                // rustls makes an error of an end without `close_notify`.
                self.in_order = read.is_ok();
                false
            }
        }
    }
}

/// A GET on a connection of its own to a port of 127.0.0.1.
///
/// # Panics
/// If no response comes.
#[must_use]
pub fn get(port: u16, host: &str, path: &str) -> Response {
    Client::tcp(port).get(host, path)
}

fn connect((address, port): (IpAddr, u16)) -> TcpStream {
    TcpStream::connect_timeout(&SocketAddr::new(address, port), PATIENCE)
        .unwrap_or_else(|error| panic!("{address} port {port}: {error}"))
}
