//! All sessions of a protocol of a vhost, for those who want to reach them from elsewhere.

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::link::Link;
use super::{CloseCode, Message, Sender};

/// The sessions that a protocol has open on a vhost, on whichever thread each of them is. Cheap to clone; may be kept
/// anywhere, also by other protocols ([`VhostContext::sessions_of`](super::VhostContext::sessions_of)). The server
/// keeps it up to date: a session is in it before it begins, and until its connection is gone.
///
/// # Example
///
/// A protocol whose mount takes a text by HTTP, and tells it to all who are connected:
///
/// ```
/// use std::sync::Arc;
///
/// use lwsrun::protocol::{
///     Body, BoxFuture, CallbackRequest, Instance, Opening, Options, Protocol, Session, Sessions, StartError,
///     VhostContext,
/// };
///
/// struct Announce;
///
/// struct Announcing(Sessions);
///
/// impl Protocol for Announce {
///     fn name(&self) -> &str {
///         "announce"
///     }
///
///     fn start(&self, context: VhostContext, _: Options) -> Result<Arc<dyn Instance>, StartError> {
///         Ok(Arc::new(Announcing(context.sessions())))
///     }
/// }
///
/// impl Instance for Announcing {
///     fn session(self: Arc<Self>, _: Opening, mut session: Session) -> BoxFuture<'static, ()> {
///         Box::pin(async move { while session.next().await.is_some() {} })
///     }
///
///     fn callback(self: Arc<Self>, request: CallbackRequest) -> BoxFuture<'static, http::Response<Body>> {
///         let said = request.query.unwrap_or_default();
///         let heard = self.0.broadcast(said);
///         Box::pin(async move { http::Response::new(Body::from(format!("{heard} heard it\n"))) })
///     }
/// }
/// ```
#[derive(Clone, Default)]
pub struct Sessions(Arc<Mutex<Vec<Arc<Link>>>>);

impl Sessions {
    /// How many are open.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lock().len()
    }

    /// A sender to each, in no order.
    #[must_use]
    pub fn senders(&self) -> Vec<Sender> {
        self.links().into_iter().map(Sender::new).collect()
    }

    /// Sends a message to all that have room for it, and says how many that were. Those that read too slowly miss it;
    /// whoever must not miss anything is sent to by its own [`Sender`].
    pub fn broadcast(&self, message: impl Into<Message>) -> usize {
        let message = message.into();
        self.senders().iter().filter(|sender| sender.try_send(message.clone()).is_ok()).count()
    }

    /// Closes all; see [`Sender::close`].
    pub fn close(&self, code: CloseCode, reason: &str) {
        self.senders().iter().for_each(|sender| sender.close(code, reason));
    }

    /// Their links.
    pub(crate) fn links(&self) -> Vec<Arc<Link>> {
        self.lock().clone()
    }

    /// Adds a session.
    pub(crate) fn join(&self, link: &Arc<Link>) {
        let mut all = self.lock();
        link.seat.store(all.len(), Ordering::Relaxed);
        all.push(Arc::clone(link));
    }

    /// Takes a session out, if it is in.
    pub(crate) fn leave(&self, link: &Arc<Link>) {
        let mut all = self.lock();
        let seat = link.seat.load(Ordering::Relaxed);
        if all.get(seat).is_some_and(|each| Arc::ptr_eq(each, link)) {
            all.swap_remove(seat);
            if let Some(moved) = all.get(seat) {
                moved.seat.store(seat, Ordering::Relaxed);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Link>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Sessions({})", self.count())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_leaves_is_gone_and_no_other() {
        let sessions = Sessions::default();
        let links: Vec<Arc<Link>> = (0..5).map(|_| Arc::default()).collect();
        links.iter().for_each(|link| sessions.join(link));
        for (left, gone) in [(4, 0), (3, 4), (2, 2), (2, 2), (1, 1), (0, 3)] {
            sessions.leave(&links[gone]);
            assert_eq!(sessions.count(), left);
            assert!(!sessions.lock().iter().any(|link| Arc::ptr_eq(link, &links[gone])));
        }
    }
}
