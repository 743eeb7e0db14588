//! `lws-status`: tells every member who the members are, newest first, whenever one comes or goes.
//!
//! Each telling is one text message, JSON:
//!
//! ```json
//! { "version":"lwsrun 0.1.0", "wss_over_h2":"0", "hostname":"host", "wsi":"1",
//!   "conns":[{"peer":"192.0.2.7","time":"1700000000","ua":"user agent"}]}
//! ```
//!
//! in one line. `wsi` is the number of members of the vhost, `time` the second since 1970 in which one came, `ua` its
//! agent or `unknown`. `wss_over_h2` says whether the member that is told came over HTTP/2. Messages received are
//! ignored.
//! No options.
//!
//! **Many or slow members.** A new member is told at once. After that a member is told at most once in [`PACE`], more
//! seldom where telling all would send more than [`RATE`], and not before it has read half of what waits for it: what
//! happened in between is told in one go. The text is made once for all members.
//!
//! Differs from lwsws: a message is not torn into fragments, there may be [`MEMBERS`] members of a vhost (one too
//! many is closed with 1013), and agents are escaped so that they are harmless in a page, too.

mod census;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::BoxFuture;
use http::header::USER_AGENT;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::{CloseCode, Instance, Opening, Options, Protocol, Session, StartError, Text, VhostContext};
use census::{Census, Member};

/// Most members of a vhost.
const MEMBERS: usize = 1000;

/// Least time between two tellings to one member.
const PACE: Duration = Duration::from_millis(100);

/// Most that all members of a vhost together are told of changes, in bytes a second. Both the text and those who get it
/// grow with the members, so one client that comes and goes would have the square of their number sent.
const RATE: usize = 4 * 1024 * 1024;

/// Where Linux says what the machine is called.
const HOST_NAME: &str = "/proc/sys/kernel/hostname";

/// The protocol.
pub(super) struct Status;

/// The members of a vhost, and who waits for news of them.
struct Board {
    /// Announces each change; the number itself says nothing.
    changes: watch::Sender<()>,
    census: Mutex<Census>,
}

/// Membership of one session; ends when dropped, however the session ends.
struct Membership {
    board: Arc<Board>,
    number: u64,
    http2: bool,
}

impl Protocol for Status {
    fn name(&self) -> &str {
        "lws-status"
    }

    fn start(&self, _: VhostContext, _: Options) -> Result<Arc<dyn Instance>, StartError> {
        let host = std::fs::read_to_string(HOST_NAME).unwrap_or_default();
        let host = if host.trim().is_empty() { "unknown" } else { host.trim() };
        let census = Mutex::new(Census::new(host));
        Ok(Arc::new(Board { changes: watch::Sender::new(()), census }))
    }

    fn permessage_deflate(&self) -> bool {
        true
    }
}

impl Instance for Board {
    fn session(self: Arc<Self>, opening: Opening, session: Session) -> BoxFuture<'static, ()> {
        let (member, http2) = (member(&opening), opening.http2);
        drop(opening);
        let changes = self.changes.subscribe();
        match Membership::join(self, member, http2) {
            Some(membership) => Box::pin(tell(membership, changes, session)),
            None => {
                session.close(CloseCode::AGAIN, "too many members");
                Box::pin(async {})
            }
        }
    }
}

/// Tells a member at once, and then of each change.
async fn tell(membership: Membership, mut changes: watch::Receiver<()>, mut session: Session) {
    let sender = session.sender();
    loop {
        changes.mark_unchanged();
        let (telling, pace) = membership.board.telling(membership.http2);
        if sender.send(telling).await.is_err() {
            return;
        }
        let soonest = Instant::now() + pace;
        let due = async {
            // The sender is in the board, which the membership keeps.
            let _ = changes.changed().await;
            sleep_until(soonest).await;
            sender.eased().await;
        };
        tokio::pin!(due);
        loop {
            tokio::select! {
                message = session.next() => if message.is_none() { return },
                () = &mut due => break,
            }
        }
    }
}

/// The least time between two tellings to one member, for a text of so many bytes and so many members.
fn pace(length: usize, members: usize) -> Duration {
    let all = length.saturating_mul(members);
    PACE.max(Duration::from_secs_f64(all as f64 / RATE as f64))
}

fn member(opening: &Opening) -> Member {
    let peer = opening.peer.map(|peer| peer.ip().to_canonical().to_string());
    let agent = opening.headers.get(USER_AGENT).map(|agent| String::from_utf8_lossy(agent.as_bytes()));
    // A clock before 1970 is a clock that was never set.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Member::new(peer.as_deref(), since.as_secs(), agent.as_deref())
}

impl Membership {
    /// Joins, unless there are [`MEMBERS`] already.
    fn join(board: Arc<Board>, member: Member, http2: bool) -> Option<Self> {
        let number = board.census().join(member, MEMBERS)?;
        board.changes.send_replace(());
        Some(Self { board, number, http2 })
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.board.census().leave(self.number);
        self.board.changes.send_replace(());
    }
}

impl Board {
    /// What to tell now, and the least time until the next telling.
    fn telling(&self, http2: bool) -> (Text, Duration) {
        let mut census = self.census();
        let telling = census.telling(http2);
        let pace = pace(telling.len(), census.count());
        (telling, pace)
    }

    fn census(&self) -> MutexGuard<'_, Census> {
        self.census.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
