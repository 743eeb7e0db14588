//! An upstream for proxies, which does whatever the test says, byte by byte.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::client::Client;

/// A server that lives as long as the test program.
#[derive(Debug)]
pub struct Upstream {
    /// Its port on 127.0.0.1.
    pub port: u16,
    connections: Arc<AtomicUsize>,
}

impl Upstream {
    /// Starts a server. Each connection is handed to `serve` on a thread of its own, with its number, from 0.
    ///
    /// # Panics
    /// If there is no port for it.
    #[must_use]
    pub fn start(serve: impl Fn(usize, Client) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let connections = Arc::new(AtomicUsize::new(0));
        let serve = Arc::new(serve);
        let count = Arc::clone(&connections);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let number = count.fetch_add(1, Ordering::SeqCst);
                let serve = Arc::clone(&serve);
                thread::spawn(move || serve(number, Client::of(stream)));
            }
        });
        Self { port, connections }
    }

    /// A server that answers each request with these bytes, and keeps its connections.
    #[must_use]
    pub fn answering(bytes: impl AsRef<[u8]> + Send + Sync + 'static) -> Self {
        Self::start(move |_, mut client| {
            while head(&mut client).is_some() {
                client.send(&bytes);
            }
        })
    }

    /// How many connections there have been.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// The next head of a request, in lower case; `None` once the connection has ended.
#[must_use]
pub fn head(client: &mut Client) -> Option<String> {
    let head = client.take_through(b"\r\n\r\n")?;
    Some(String::from_utf8_lossy(&head).to_lowercase())
}
