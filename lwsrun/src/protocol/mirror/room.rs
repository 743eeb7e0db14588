//! One instance of the mirror: its members, and how messages reach all of them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use futures_util::future::join_all;
use tokio::time::timeout;

use super::PATIENCE;
use crate::protocol::{CloseCode, Message, Sender};

/// The members, on whichever thread each of them is.
pub(super) struct Room {
    name: Box<[u8]>,
    members: Mutex<Vec<Sender>>,
}

impl Room {
    /// Without members.
    pub(super) fn new(name: Box<[u8]>) -> Self {
        Self { name, members: Mutex::default() }
    }

    /// What members call it.
    pub(super) fn name(&self) -> &[u8] {
        &self.name
    }

    /// Adds a member unless there are `most` already.
    pub(super) fn join(&self, member: &Sender, most: usize) -> bool {
        let mut members = self.lock();
        let room = members.len() < most;
        if room {
            members.push(member.clone());
        }
        room
    }

    /// Removes a member and says how many are left.
    pub(super) fn leave(&self, member: &Sender) -> usize {
        let mut members = self.lock();
        if let Some(index) = members.iter().position(|each| Arc::ptr_eq(each.link(), member.link())) {
            members.swap_remove(index);
        }
        members.len()
    }

    /// Sends a batch to all members, waiting for slow ones no longer than [`PATIENCE`].
    pub(super) async fn publish(&self, mut rest: &[Message]) {
        while !rest.is_empty() {
            let (sent, full) = self.offer(rest);
            rest = &rest[sent..];
            if sent == 0 {
                // In a box: members that wait for nobody should not hold room for it.
                Box::pin(bear_with_all(full)).await;
            }
        }
    }

    /// Queues for all members what all of them have room for; also gives those who have none.
    ///
    /// The room stays locked throughout: that is what gives all members the same order. Each member costs two short
    /// looks at its own queue, and they are woken when the lock is gone.
    fn offer(&self, batch: &[Message]) -> (usize, Vec<Sender>) {
        let members = self.lock();
        let mut fits = batch.len();
        let mut full = Vec::new();
        for member in &*members {
            let room = member.link().fits(batch);
            fits = fits.min(room);
            if room == 0 {
                full.push(member.clone());
            }
        }
        let batch = &batch[..fits];
        let wakers: Vec<Waker> = members.iter().filter_map(|member| member.link().push_all(batch)).collect();
        drop(members);
        wakers.into_iter().for_each(Waker::wake);
        (fits, full)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Sender>> {
        self.members.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn bear_with_all(members: Vec<Sender>) {
    join_all(members.iter().map(bear_with)).await;
}

/// Waits for a full member, and closes it when it takes too long.
async fn bear_with(member: &Sender) {
    if timeout(PATIENCE, member.eased()).await.is_err() {
        member.close_now(CloseCode::POLICY, "too slow");
    }
}
