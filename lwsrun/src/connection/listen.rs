//! Accepting connections: one loop for each worker and socket, which no error ends and none makes spin.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep};

use super::addresses::Place;
use super::slot::Slot;
use super::{ConnectionFacts, Presence, Serving, crowded, serve};
use crate::boot::sockets::{Bound, Listening};

/// A queue in which nothing appears for this long is empty.
const QUIET: Duration = Duration::from_millis(20);

/// The longest queue: what the kernel holds of connections that were not accepted yet.
const MOST_WAITING: usize = 4096;

/// The first wait after a failed accept; each further one is twice as long, up to [`MAX_BACK_OFF`].
const BACK_OFF: Duration = Duration::from_millis(50);

/// The longest wait after failed accepts.
const MAX_BACK_OFF: Duration = Duration::from_secs(1);

/// At most one line of log about one kind of trouble in this time.
const LOG_INTERVAL: Duration = Duration::from_secs(1);

/// A socket of this worker's runtime.
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Somebody who connected.
enum Accepted {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

impl Socket {
    fn new(listening: Listening) -> io::Result<Self> {
        match listening {
            Listening::Tcp(socket) => TcpListener::from_std(socket).map(Self::Tcp),
            Listening::Unix(socket) => UnixListener::from_std(socket).map(Self::Unix),
        }
    }

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<Accepted>> {
        match self {
            Self::Tcp(socket) => socket.poll_accept(cx).map_ok(|(stream, peer)| Accepted::Tcp(stream, peer)),
            Self::Unix(socket) => socket.poll_accept(cx).map_ok(|(stream, _)| Accepted::Unix(stream)),
        }
    }
}

/// Accepts on a socket until the drain begins, which closes it. `slots` bounds the worker's open connections.
///
/// # Errors
/// If the runtime cannot take the socket.
pub(crate) fn accepting(
    bound: Bound,
    serving: Serving,
    slots: Arc<Semaphore>,
) -> io::Result<impl Future<Output = ()>> {
    let socket = Socket::new(bound.socket)?;
    let facts = ConnectionFacts {
        listener: bound.listener,
        tls: bound.tls,
        peer: None,
        sni_vhost: None,
        agreed: None,
        client: None,
        presence: Presence::default(),
        share: None,
    };
    Ok(async move {
        let drain = serving.drain.clone();
        tokio::select! {
            () = drain.begun() => accept_waiting(&socket, &facts, &serving, &slots).await,
            () = accept_all(&socket, &facts, &serving, &slots) => {}
        }
    })
}

async fn accept_all(socket: &Socket, facts: &ConnectionFacts, serving: &Serving, slots: &Arc<Semaphore>) {
    let mut full = Seldom::default();
    let mut trouble = Trouble::default();
    loop {
        let (accepted, slot) = next(socket, slots, &mut full).await;
        match accepted {
            Ok(accepted) => {
                trouble.back_off = BACK_OFF;
                start(accepted, facts.clone(), serving.clone(), slot);
            }
            // The peer was gone before it was its turn.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => trouble.wait(&error).await,
        }
    }
}

/// Takes the connections that were in the kernel's queue when the drain began: closing the socket would reset them,
/// and their requests with them.
async fn accept_waiting(socket: &Socket, facts: &ConnectionFacts, serving: &Serving, slots: &Arc<Semaphore>) {
    let mut full = Seldom::default();
    for _ in 0..MOST_WAITING {
        match tokio::time::timeout(QUIET, next(socket, slots, &mut full)).await {
            Ok((Ok(accepted), slot)) => start(accepted, facts.clone(), serving.clone(), slot),
            Ok((Err(_), _)) | Err(_) => return,
        }
    }
}

/// The next connection, and its place. Only somebody who is there gets a place, or a worker of many quiet sockets would
/// have none left; and nobody is accepted without one.
async fn next(
    socket: &Socket,
    slots: &Arc<Semaphore>,
    full: &mut Seldom,
) -> (io::Result<Accepted>, OwnedSemaphorePermit) {
    let mut waited_for = None;
    loop {
        let try_accept = poll_fn(|cx| {
            let slot = waited_for.take().or_else(|| Arc::clone(slots).try_acquire_owned().ok());
            let Some(slot) = slot else { return Poll::Ready(None) };
            // With nobody there the slot is free again at once.
            socket.poll_accept(cx).map(|accepted| Some((accepted, slot)))
        });
        match try_accept.await {
            Some(next) => return next,
            None => waited_for = Some(free_slot(slots, full).await),
        }
    }
}

/// Waits for a place. Meanwhile connections wait in the kernel's queue.
async fn free_slot(slots: &Arc<Semaphore>, full: &mut Seldom) -> OwnedSemaphorePermit {
    if slots.available_permits() == 0 && full.may_log() {
        tracing::warn!(
            "this worker has all the connections it may have; more wait until one ends, or until `rlimit-nofile` \
             is raised"
        );
    }
    match Arc::clone(slots).acquire_owned().await {
        Ok(slot) => slot,
        Err(closed) => unreachable!("nobody closes it: {closed}"),
    }
}

fn start(accepted: Accepted, facts: ConnectionFacts, serving: Serving, slot: OwnedSemaphorePermit) {
    match accepted {
        Accepted::Tcp(stream, peer) => {
            // Answers are written in one go; waiting for more to send would only delay their last packet.
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!("connection of {peer}: {error}");
            }
            match serving.addresses.place(peer.ip()) {
                Some(place) => {
                    let facts = ConnectionFacts { peer: Some(peer), ..facts };
                    tokio::spawn(serve(stream, facts, serving, Slot::new(slot, place)));
                }
                None => {
                    tracing::debug!("{peer} has all the connections that `ip-limit-wsi` allows, refused");
                    tokio::spawn(crowded::refuse(stream, facts.tls, Slot::new(slot, Place::default())));
                }
            }
        }
        Accepted::Unix(stream) => {
            // Who is behind a unix socket is not known.
            tokio::spawn(serve(stream, facts, serving, Slot::new(slot, Place::default())));
        }
    }
}

/// Failed accepts, such as too many open files: they would fail again at once.
struct Trouble {
    back_off: Duration,
    log: Seldom,
}

impl Default for Trouble {
    fn default() -> Self {
        Self { back_off: BACK_OFF, log: Seldom::default() }
    }
}

impl Trouble {
    async fn wait(&mut self, error: &io::Error) {
        if self.log.may_log() {
            tracing::error!("accepting a connection failed: {error}; trying again");
        }
        sleep(self.back_off).await;
        self.back_off = (self.back_off * 2).min(MAX_BACK_OFF);
    }
}

/// Lets one line of log through in each [`LOG_INTERVAL`].
#[derive(Default)]
struct Seldom {
    last: Option<Instant>,
}

impl Seldom {
    fn may_log(&mut self) -> bool {
        let now = Instant::now();
        let may = self.last.is_none_or(|last| now.duration_since(last) >= LOG_INTERVAL);
        if may {
            self.last = Some(now);
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn failed_accepts_wait_longer_and_longer_and_log_seldom() {
        let mut trouble = Trouble::default();
        let start = Instant::now();
        for _ in 0..6 {
            trouble.wait(&io::Error::other("full")).await;
        }
        assert_eq!(start.elapsed().as_millis(), 50 + 100 + 200 + 400 + 800 + 1000);
        assert_eq!(trouble.back_off, MAX_BACK_OFF);
        let mut seldom = Seldom::default();
        assert!(seldom.may_log() && !seldom.may_log());
        sleep(LOG_INTERVAL).await;
        assert!(seldom.may_log());
    }
}
