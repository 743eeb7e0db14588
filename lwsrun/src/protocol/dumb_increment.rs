//! `dumb-increment-protocol`: a number of its own for each connection, counted up every 50 ms.
//!
//! It starts at once, with `0`. A message that begins with `reset` and a line feed sets it back to 0, one that
//! begins with `closeme` and a line feed is answered with a close, 1001 `seeya`. Everything else is ignored.
//! Option `options`: a number; with its lowest bit set nothing is counted.
//! A client that reads too slowly slows its own counter down: no number is skipped and none is piled up.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::{CloseCode, Instance, Message, Opening, Options, Protocol, Session, StartError, VhostContext};

/// Time from one number to the next.
const PERIOD: Duration = Duration::from_millis(50);

/// Bit of `options` that stops the counter.
const STOPPED: u32 = 1;

/// The protocol.
pub(super) struct DumbIncrement;

struct Counting {
    stopped: bool,
}

impl Protocol for DumbIncrement {
    fn name(&self) -> &str {
        "dumb-increment-protocol"
    }

    fn start(&self, _: VhostContext, options: Options) -> Result<Arc<dyn Instance>, StartError> {
        let bits = options.number("options")?.unwrap_or(0_u32);
        Ok(Arc::new(Counting { stopped: bits & STOPPED != 0 }))
    }
}

impl Instance for Counting {
    fn session(self: Arc<Self>, opening: Opening, session: Session) -> BoxFuture<'static, ()> {
        drop(opening);
        Box::pin(count(session, !self.stopped))
    }
}

async fn count(mut session: Session, counting: bool) {
    let mut number = 0_u64;
    let mut tick = ticks();
    loop {
        tokio::select! {
            // Commands first, so that a reset is never overtaken by the old number.
            biased;
            message = session.next() => match message {
                None => return,
                Some(message) => match command(&message) {
                    Some(Command::Reset) => number = 0,
                    Some(Command::Close) => return session.close(CloseCode::AWAY, "seeya"),
                    None => {}
                },
            },
            _ = tick.tick(), if counting => {
                if session.send(number.to_string()).await.is_err() {
                    return;
                }
                number += 1;
            }
        }
    }
}

fn ticks() -> Interval {
    let mut ticks = interval(PERIOD);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

enum Command {
    Reset,
    Close,
}

fn command(message: &Message) -> Option<Command> {
    let bytes = message.as_bytes();
    if bytes.starts_with(b"reset\n") {
        Some(Command::Reset)
    } else if bytes.starts_with(b"closeme\n") {
        Some(Command::Close)
    } else {
        None
    }
}
