//! The link between a protocol and the conversation that serves its socket: two bounded queues and who waits.
//!
//! Both ends mostly live in one task and take turns in it, but a [`Sender`](super::Sender) may be anywhere, so all
//! state is behind one lock, held for a few moves and never across an await. Queues are empty, and hold no memory,
//! until something is in them.
//!
//! A queue takes a message while it holds fewer than [`MESSAGES`] and fewer than its bytes: one message may
//! overshoot, so any message fits into an empty queue. Whoever waits for room is woken when half of it is free.

use std::collections::VecDeque;
use std::sync::atomic::AtomicUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::{iter, mem};

use super::{CloseCode, Ended, Message};

/// Most messages in a queue.
pub(crate) const MESSAGES: usize = 32;

/// Bytes in the queue to the protocol, after which reading stops.
pub(crate) const INBOX_BYTES: usize = 64 * 1024;

/// Bytes in the queue to the client, after which senders wait.
pub(crate) const OUTBOX_BYTES: usize = 256 * 1024;

/// See the module.
#[derive(Default)]
pub(crate) struct Link {
    state: Mutex<State>,
    /// Where it is among the sessions of its protocol; looked at under their lock only.
    pub(super) seat: AtomicUsize,
}

#[derive(Default)]
struct State {
    inbox: Queue,
    outbox: Queue,
    /// The protocol, where it waits for a message.
    reader: Option<Waker>,
    /// Those who wait for room in the outbox.
    writers: Vec<Waker>,
    /// The conversation, where it sleeps, and what it sleeps through.
    sleeper: Option<Sleeper>,
    /// Why it ends, once that is known. On the heap, and one with the order, since most sessions are open.
    last: Option<Box<Last>>,
    /// No more messages are taken from the protocol.
    closed: bool,
    /// No more messages come for the protocol, save those in the inbox.
    over: bool,
}

#[derive(Default)]
struct Queue {
    messages: VecDeque<Message>,
    bytes: usize,
}

/// The conversation, asleep.
struct Sleeper {
    waker: Waker,
    /// The socket takes nothing: a new message is no reason to wake.
    blocked: bool,
}

/// The last that there is to say.
struct Last {
    ended: Ended,
    /// A close that the conversation has not seen yet.
    order: Option<Order>,
}

/// How to close.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) code: CloseCode,
    pub(crate) reason: String,
    /// Whether what is queued is dropped rather than sent first.
    pub(crate) discard: bool,
    /// What the protocol is told of it.
    pub(crate) ended: Ended,
}

impl Order {
    /// Of this end.
    pub(crate) fn new(code: CloseCode, reason: &str, discard: bool) -> Self {
        Self { code, reason: reason.to_owned(), discard, ended: Ended::ByServer { code } }
    }
}

/// Why a message was not taken.
pub(super) enum Refused {
    Full(Message),
    Closed,
}

/// The protocol's end.
impl Link {
    /// The next message; `None` when the conversation is over.
    pub(super) fn poll_next(&self, cx: &Context<'_>) -> Poll<Option<Message>> {
        self.poll_taking(cx, |inbox| inbox.pop())
    }

    /// All messages that are there, at least one and at most that many.
    pub(super) fn poll_batch(&self, cx: &Context<'_>, most: usize) -> Poll<Option<Vec<Message>>> {
        self.poll_taking(cx, |inbox| {
            let count = inbox.messages.len().min(most);
            (count > 0).then(|| iter::from_fn(|| inbox.pop()).take(count).collect())
        })
    }

    /// The next message, if one is there.
    pub(super) fn try_next(&self) -> Option<Message> {
        let mut state = self.lock();
        let (message, sleeper) = state.take_from_inbox(Queue::pop);
        wake(sleeper, state);
        message
    }

    fn poll_taking<T>(
        &self,
        cx: &Context<'_>,
        take: impl FnOnce(&mut Queue) -> Option<T>,
    ) -> Poll<Option<T>> {
        let mut state = self.lock();
        if let (Some(taken), sleeper) = state.take_from_inbox(take) {
            wake(sleeper, state);
            return Poll::Ready(Some(taken));
        }
        if state.over || state.closed {
            return Poll::Ready(None);
        }
        if !state.reader.as_ref().is_some_and(|reader| reader.will_wake(cx.waker())) {
            state.reader = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Queues a message for the client.
    pub(super) fn push(&self, message: Message) -> Result<(), Refused> {
        let mut state = self.lock();
        if state.closed {
            return Err(Refused::Closed);
        }
        if state.outbox.is_full(OUTBOX_BYTES) {
            return Err(Refused::Full(message));
        }
        state.outbox.push(message);
        let sleeper = state.wake_for_message();
        wake(sleeper, state);
        Ok(())
    }

    /// How many of a batch the outbox takes; all, if it is closed and they will be forgotten.
    pub(super) fn fits(&self, batch: &[Message]) -> usize {
        let state = self.lock();
        if state.closed {
            return batch.len();
        }
        let (mut messages, mut bytes) = (state.outbox.messages.len(), state.outbox.bytes);
        let fits = |message: &&Message| {
            let fits = messages < MESSAGES && bytes < OUTBOX_BYTES;
            messages += 1;
            bytes += message.len();
            fits
        };
        batch.iter().take_while(fits).count()
    }

    /// Queues a batch that fits. Whoever sleeps is handed back to be woken when all members have theirs.
    pub(super) fn push_all(&self, batch: &[Message]) -> Option<Waker> {
        let mut state = self.lock();
        if state.closed || batch.is_empty() {
            return None;
        }
        batch.iter().for_each(|message| state.outbox.push(message.clone()));
        state.wake_for_message()
    }

    /// Ready when at most half of the outbox is used, or it is closed.
    pub(super) fn poll_eased(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.closed || state.outbox.is_eased() {
            return Poll::Ready(());
        }
        if !state.writers.iter().any(|writer| writer.will_wake(cx.waker())) {
            state.writers.push(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Asks the conversation to close. Only the first order counts.
    pub(crate) fn close(&self, order: Order) {
        let mut state = self.lock();
        if state.closed {
            return;
        }
        state.closed = true;
        if state.last.is_none() {
            state.last = Some(Box::new(Last { ended: order.ended.clone(), order: Some(order) }));
        }
        let sleeper = state.sleeper.take().map(|sleeper| sleeper.waker);
        let waiters = state.waiters();
        wake(sleeper.into_iter().chain(waiters), state);
    }

    /// Why it has ended, if it has.
    pub(super) fn ended(&self) -> Option<Ended> {
        let state = self.lock();
        let known = state.last.as_ref().map(|last| last.ended.clone());
        known.or_else(|| state.over.then_some(Ended::Lost))
    }

    /// Whether no more messages are taken.
    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }
}

/// The conversation's end.
impl Link {
    /// Says that the conversation is awake and will look at the outbox before it sleeps.
    pub(crate) fn awake(&self) {
        self.lock().sleeper = None;
    }

    /// Goes to sleep, unless there is something to do first.
    pub(crate) fn sleep(&self, waker: &Waker, blocked: bool) -> bool {
        let mut state = self.lock();
        if state.has_order() || (!blocked && !state.outbox.messages.is_empty()) {
            return false;
        }
        state.sleeper = Some(Sleeper { waker: waker.clone(), blocked });
        true
    }

    /// Whether the protocol must take something before more is read.
    pub(crate) fn is_full(&self) -> bool {
        self.lock().inbox.is_full(INBOX_BYTES)
    }

    /// A message for the protocol. It is not woken if it shares the task that `turn` wakes: its turn comes next.
    pub(crate) fn deliver(&self, message: Message, turn: &Waker) {
        let mut state = self.lock();
        state.inbox.push(message);
        let reader = state.reader.take().filter(|reader| !reader.will_wake(turn));
        wake(reader, state);
    }

    /// The next message for the client.
    pub(crate) fn take(&self) -> Option<Message> {
        let mut state = self.lock();
        let message = state.outbox.pop()?;
        let writers = if state.outbox.is_eased() { mem::take(&mut state.writers) } else { Vec::new() };
        wake(writers, state);
        Some(message)
    }

    /// A close that was asked for and not seen before.
    pub(crate) fn order(&self) -> Option<Order> {
        self.lock().last.as_mut()?.order.take()
    }

    /// Notes why the conversation will be over, unless that is known.
    pub(crate) fn note(&self, ended: Ended) {
        self.lock().last.get_or_insert_with(|| Box::new(Last { ended, order: None }));
    }

    /// The conversation is over: queued messages to the client are dropped, those for the protocol can be read.
    pub(crate) fn end(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.over = true;
        state.outbox = Queue::default();
        let waiters = state.waiters();
        wake(waiters, state);
    }

    /// Gives memory of empty queues back.
    pub(crate) fn trim(&self) {
        let mut state = self.lock();
        state.inbox.messages.shrink_to_fit();
        state.outbox.messages.shrink_to_fit();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic cannot leave the state half changed: nothing in here calls out while it is locked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes from the inbox. Also gives the conversation to wake, where it may have stopped reading.
    fn take_from_inbox<T>(
        &mut self,
        take: impl FnOnce(&mut Queue) -> Option<T>,
    ) -> (Option<T>, Option<Waker>) {
        let was_full = self.inbox.is_full(INBOX_BYTES);
        let taken = take(&mut self.inbox);
        let sleeper = if was_full { self.sleeper.take() } else { None };
        (taken, sleeper.map(|sleeper| sleeper.waker))
    }

    fn wake_for_message(&mut self) -> Option<Waker> {
        self.sleeper.take_if(|sleeper| !sleeper.blocked).map(|sleeper| sleeper.waker)
    }

    fn has_order(&self) -> bool {
        self.last.as_ref().is_some_and(|last| last.order.is_some())
    }

    /// All that wait on the protocol's end.
    fn waiters(&mut self) -> Vec<Waker> {
        let mut waiters = mem::take(&mut self.writers);
        waiters.extend(self.reader.take());
        waiters
    }
}

impl Queue {
    fn push(&mut self, message: Message) {
        self.bytes += message.len();
        self.messages.push_back(message);
    }

    fn pop(&mut self) -> Option<Message> {
        let message = self.messages.pop_front()?;
        self.bytes -= message.len();
        Some(message)
    }

    fn is_full(&self, bytes: usize) -> bool {
        self.messages.len() >= MESSAGES || self.bytes >= bytes
    }

    /// Whether at most half of the outbox is used.
    fn is_eased(&self) -> bool {
        self.messages.len() <= MESSAGES / 2 && self.bytes <= OUTBOX_BYTES / 2
    }
}

/// Wakes after the lock is gone, so that nobody wakes only to wait for it.
fn wake(wakers: impl IntoIterator<Item = Waker>, state: MutexGuard<'_, State>) {
    drop(state);
    wakers.into_iter().for_each(Waker::wake);
}
