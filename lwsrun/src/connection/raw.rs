//! Connections that are not HTTP, handed on as they are: `listen-accept-role`, with `apply-listen-accept` or
//! `fallback-listen-accept`.
//!
//! With `apply-listen-accept` no connection of the listener is looked at; on a listener that speaks TLS it is the
//! bytes inside that go on. With `fallback-listen-accept` those go on that are neither TLS nor begin as a request of
//! HTTP does, so that ssh and https share a port. A client that waits for the other side to speak first says nothing
//! to tell it by, and is closed as any silent client is: it needs a port of its own. Of several vhosts on a listener the
//! first one's keys count.

use std::io;
use std::time::Duration;

use schemas::onward::Onward;
use schemas::plan::{Listener, Plan};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::read_closed::ReadClosed;
use super::silence::look_after_peers;
use super::tunnel::{Patience, Tunnel};
use crate::protocol::onward;
use crate::response::complaints::Complaints;

/// What a listener does with connections that are not HTTP.
#[derive(Debug)]
pub(super) struct Raw {
    onward: Onward,
    complaints: Complaints,
    /// `apply-listen-accept`: all of them, without a look.
    pub(super) all: bool,
}

impl Raw {
    /// Of a listener; `None` if all it takes is HTTP.
    pub(super) fn of(plan: &Plan, listener: &Listener<'_>) -> Option<Self> {
        let vhost = plan.vhost(*listener.vhosts.first()?);
        if !vhost.apply_listen_accept && !vhost.fallback_listen_accept {
            return None;
        }
        let complaints = Complaints::of_vhost(&plan.describe(vhost.place), &vhost);
        onward(&vhost).map(|onward| Self { onward, complaints, all: vhost.apply_listen_accept })
    }

    /// Hands a connection on, until both sides have ended. `place` is that of the connection to the server behind; without
    /// one there is none. `patience` is for that server to be reached, and for both sides to be silent once one of them
    /// has ended.
    ///
    /// # Errors
    /// If the other side cannot be reached, which is said in the log, or either breaks off.
    pub(super) async fn serve<S>(
        &self,
        client: S,
        place: Option<OwnedSemaphorePermit>,
        patience: Duration,
    ) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + ReadClosed + Unpin,
    {
        let Some(_place) = place else {
            let error = "this worker has all the connections it may have; raise `rlimit-nofile`";
            return Err(self.not_reached(io::Error::other(error)));
        };
        match &self.onward {
            Onward::Tcp(address) => {
                let server = self.reach(patience, TcpStream::connect(address)).await?;
                server.set_nodelay(true)?;
                look_after_peers(&server)?;
                hand_on(client, server, patience).await
            }
            Onward::Unix(path) => {
                // A leading `@` is tokio's as well: a NUL, which no path has.
                let path =
                    path.strip_prefix('@').map_or_else(|| path.to_string(), |name| format!("\0{name}"));
                let server = self.reach(patience, UnixStream::connect(path)).await?;
                hand_on(client, server, patience).await
            }
        }
    }

    async fn reach<S>(
        &self,
        patience: Duration,
        connecting: impl Future<Output = io::Result<S>>,
    ) -> io::Result<S> {
        let reached = timeout(patience, connecting).await;
        let too_late = |_| {
            Err(io::Error::new(io::ErrorKind::TimedOut, format!("no answer in {} s", patience.as_secs())))
        };
        reached.unwrap_or_else(too_late).map_err(|error| self.not_reached(error))
    }

    /// Says that a connection was closed for want of the one behind it.
    fn not_reached(&self, error: io::Error) -> io::Error {
        let onward = &self.onward;
        self.complaints
            .tell(&format!("a raw connection was closed: `onward` `{onward}` is not reached: {error}"));
        error
    }
}

async fn hand_on<C, S>(client: C, server: S, patience: Duration) -> io::Result<()>
where
    C: AsyncRead + AsyncWrite + ReadClosed + Unpin,
    S: AsyncRead + AsyncWrite + ReadClosed + Unpin,
{
    let patience = Patience { idle: None, half_closed: patience };
    Tunnel::new((client, Vec::new()), (server, Vec::new()), patience).await
}
