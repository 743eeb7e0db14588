//! `lws-mirror-protocol`: what a member sends goes to all members of its instance, itself included.
//!
//! The URL argument `mirror` names the instance, at most 29 bytes once decoded; without it the name is empty. The
//! path does not matter. Instances of different vhosts have nothing in common. A member sees what is said after
//! it came. All members see everything in the same order.
//!
//! **Slow readers.** Each member has a queue (see [`Sender`](super::Sender)). While one is full, what others say
//! waits, and so does reading from those who say it. A member that does not free half of its queue within
//! [`PATIENCE`] is closed with 1008 `too slow`, and the others go on: nobody is held up for longer. With what is in
//! the buffers before the queue, that asks for some 10 KiB a second of those who are spoken to without a pause.
//!
//! Differs from lwsws:
//! * binary messages stay binary, and a message in fragments stays one message: it would arrive torn;
//! * a name over 29 bytes is refused (1008) rather than cut, because cutting puts strangers together;
//! * there may be [`INSTANCES`] instances of a vhost, not three, with [`MEMBERS`] members each. One too many is
//!   closed with 1013, not dropped.

mod room;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;

use super::{CloseCode, Instance, Opening, Options, Protocol, Sender, Session, StartError, VhostContext};
use room::Room;

/// Most instances of a vhost.
pub(super) const INSTANCES: usize = 1000;

/// Most members of an instance.
pub(super) const MEMBERS: usize = 10_000;

/// How long a full member may hold up the others.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// Longest name of an instance, in bytes.
const LONGEST_NAME: usize = 29;

/// Most messages published in one go, so that one busy member does not keep others from their turn.
const BATCH: usize = 16;

/// The protocol.
pub(super) struct Mirror;

/// All instances of a vhost by name. One without members is not kept.
#[derive(Default)]
struct Rooms {
    rooms: Mutex<HashMap<Box<[u8]>, Arc<Room>>>,
}

/// Membership of one session; ends when dropped, however the session ends.
struct Membership {
    rooms: Arc<Rooms>,
    room: Arc<Room>,
    sender: Sender,
}

impl Protocol for Mirror {
    fn name(&self) -> &str {
        "lws-mirror-protocol"
    }

    fn start(&self, _: VhostContext, _: Options) -> Result<Arc<dyn Instance>, StartError> {
        Ok(Arc::new(Rooms::default()))
    }

    fn permessage_deflate(&self) -> bool {
        true
    }
}

impl Instance for Rooms {
    fn session(self: Arc<Self>, opening: Opening, mut session: Session) -> BoxFuture<'static, ()> {
        let name = opening.argument("mirror").unwrap_or_default();
        drop(opening);
        let joined = if name.len() > LONGEST_NAME {
            Err((CloseCode::POLICY, "mirror name over 29 bytes"))
        } else {
            Membership::join(self, name.into(), session.sender()).map_err(|full| (CloseCode::AGAIN, full))
        };
        match joined {
            // A block and not a function, which would hold its arguments twice.
            Ok(membership) => Box::pin(async move {
                while let Some(batch) = session.next_batch(BATCH).await {
                    membership.room.publish(&batch).await;
                }
            }),
            Err((code, reason)) => {
                session.close(code, reason);
                Box::pin(async {})
            }
        }
    }
}

impl Membership {
    /// Joins an instance, which is made if there is none of that name; or says which limit is in the way.
    fn join(rooms: Arc<Rooms>, name: Box<[u8]>, sender: Sender) -> Result<Self, &'static str> {
        let mut all = rooms.lock();
        if !all.contains_key(&name) && all.len() >= INSTANCES {
            return Err("too many mirror instances");
        }
        let room = all.entry(name.clone()).or_insert_with(|| Arc::new(Room::new(name)));
        let room = Arc::clone(room);
        if !room.join(&sender, MEMBERS) {
            return Err("too many members");
        }
        drop(all);
        Ok(Self { rooms, room, sender })
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        let mut all = self.rooms.lock();
        if self.room.leave(&self.sender) == 0 {
            all.remove(self.room.name());
        }
    }
}

impl Rooms {
    fn lock(&self) -> MutexGuard<'_, HashMap<Box<[u8]>, Arc<Room>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
