//! A request on its way, in whatever version: what it is sent with, how long it and its answer are waited for, and what is
//! known of one that was not answered.

use std::io;
use std::task::Context;
use std::time::Duration;

use http::StatusCode;

use super::fault::Fault;
use super::http1::Wrong;
use super::origin::Limits;
use super::timer::Timer;
use super::upload::{Progress, Upload};
use crate::connection::Watch;

/// The most interim answers to one request.
const MAX_INTERIM: usize = 100;

/// What a request is sent with.
pub(super) struct Sending<'a> {
    pub(super) upload: &'a mut Upload,
    pub(super) progress: Option<&'a Progress>,
    pub(super) of_head: bool,
    pub(super) watch: &'a Watch,
    pub(super) limits: &'a Limits,
}

/// A request that was not answered.
pub(super) struct Unanswered {
    pub(super) fault: Fault,
    /// Whether the upstream has certainly not acted on it, so that it may be sent again whatever it is.
    pub(super) unsent: bool,
    /// Whether the upstream may have closed the connection before it saw the request.
    pub(super) stale: bool,
}

/// Why a request does not go out.
#[derive(Debug)]
pub(super) enum Stopped {
    /// The connection takes no more.
    Connection(io::Error),
    /// The content has ended early, or is longer than it was said to be.
    Content,
}

/// The wait for the head of an answer.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    patience: Patience,
    interim: usize,
}

impl Waiting {
    /// An answer has come that is not the last one.
    pub(super) fn informed(&mut self, status: StatusCode, sending: &Sending<'_>) -> Result<(), Fault> {
        self.interim += 1;
        if self.interim > MAX_INTERIM {
            return Err(Fault::Wrong(Wrong::Interim));
        }
        if let Some(progress) = sending.progress {
            progress.informed(status);
        }
        Ok(())
    }

    /// Nothing has come: whether to go on waiting.
    ///
    /// - `timer`: was started with the request.
    /// - `sent`: how much of the request has gone out; `None`: all of it.
    pub(super) fn go_on(
        &mut self,
        sending: &Sending<'_>,
        timer: &mut Timer,
        sent: Option<u64>,
        cx: &mut Context<'_>,
    ) -> Result<(), Fault> {
        if sending.watch.is_gone() {
            return Err(Fault::ClientGone);
        }
        let wait = sending.limits.answer;
        // The wait for the answer begins with the end of the request.
        let moved = sent.unwrap_or(u64::MAX);
        let over = match sending.progress {
            None => timer.is_over(cx),
            Some(progress) => {
                let excused = sent.is_some() && progress.is_awaited();
                self.patience.is_over(timer, wait, moved, excused, cx)
            }
        };
        if over { Err(Fault::late(sent.is_none(), wait)) } else { Ok(()) }
    }
}

/// The time for which an upstream is waited for while nothing moves. What a client takes does not count: others bound that.
#[derive(Debug, Default)]
pub(super) struct Patience {
    moved: u64,
    excused: bool,
}

impl Patience {
    /// Whether it is over, which is to be asked whenever something may have changed.
    ///
    /// - `moved`: is another number whenever something has moved.
    /// - `excused`: the client is waited for, not the upstream.
    pub(super) fn is_over(
        &mut self,
        timer: &mut Timer,
        wait: Duration,
        moved: u64,
        excused: bool,
        cx: &mut Context<'_>,
    ) -> bool {
        let was_excused = std::mem::replace(&mut self.excused, excused);
        if std::mem::replace(&mut self.moved, moved) != moved || excused || was_excused {
            timer.restart(wait);
        }
        !excused && timer.is_over(cx)
    }
}
