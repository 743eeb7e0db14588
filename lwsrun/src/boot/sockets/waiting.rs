//! Listeners whose interface or address was not there at start: tried again until they can be had.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use schemas::plan::{ListenerId, Plan};
use tokio::sync::mpsc::UnboundedSender;

use super::{BindError, Bound, Sockets, check_distinct, places_of, probe};
use crate::boot::privilege::Identity;

/// The time between two tries.
const PERIOD: Duration = Duration::from_secs(2);

/// Tries on a thread of its own, and sends each worker its sockets. Privileges may be gone by then, so that a port
/// below 1024 may be refused: that is said, and tried no more.
///
/// # Errors
/// If there can be no thread.
pub(crate) fn start(
    plan: Arc<Plan>,
    waiting: Vec<ListenerId>,
    workers: Vec<UnboundedSender<Vec<Bound>>>,
) -> io::Result<()> {
    if waiting.is_empty() {
        return Ok(());
    }
    let mut waiting: Vec<Waiting> =
        waiting.into_iter().map(|listener| Waiting { listener, said: None }).collect();
    let wait = move || {
        while !waiting.is_empty() && workers.iter().any(|worker| !worker.is_closed()) {
            thread::sleep(PERIOD);
            waiting.retain_mut(|waiting| !waiting.try_again(&plan, &workers));
        }
    };
    thread::Builder::new().name("interfaces".to_owned()).spawn(wait).map(drop)
}

struct Waiting {
    listener: ListenerId,
    /// The last trouble that was said.
    said: Option<String>,
}

impl Waiting {
    /// Whether it is done with: its sockets are there, or waiting would not help.
    fn try_again(&mut self, plan: &Plan, workers: &[UnboundedSender<Vec<Bound>>]) -> bool {
        match late(plan, self.listener, workers.len()) {
            Ok(Sockets { workers: sockets, addresses, .. }) => {
                for (worker, sockets) in workers.iter().zip(sockets) {
                    // A worker that takes no more is ending.
                    let _ = worker.send(sockets);
                }
                addresses.iter().for_each(|address| tracing::info!("listening on {address}"));
                true
            }
            Err(error) if error.fault.may_pass() => false,
            Err(error) => {
                // Somebody else may let go of the address, but rights do not come back.
                let is_final = matches!(error.fault, super::Fault::NotAllowed);
                let words = error.to_string();
                if self.said.as_ref() != Some(&words) {
                    tracing::error!("{words}");
                    self.said = Some(words);
                }
                is_final
            }
        }
    }
}

fn late(plan: &Plan, id: ListenerId, workers: usize) -> Result<Sockets, BindError> {
    let listeners = plan.listeners().listeners;
    let mut sockets = Sockets {
        workers: (0..workers).map(|_| Vec::new()).collect(),
        addresses: Vec::new(),
        waiting: Vec::new(),
    };
    let places = places_of(plan, id, &listeners[id.index()])?;
    check_distinct(&places)?;
    for place in &places {
        if probe(place)? {
            // Socket files never wait, so that no owner is asked for.
            sockets.add(place, &Identity::default())?;
        }
    }
    Ok(sockets)
}

#[cfg(test)]
mod tests {
    use schemas::plan::{Bind, Families};
    use tokio::sync::mpsc::unbounded_channel;

    use super::*;
    use crate::boot::testing::{global, listener, vhost, written};

    #[test]
    fn each_worker_gets_a_socket_when_the_address_can_be_had() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let bind = Bind::Interface { interface: "lo", port, families: Families::V4 };
        let plan = Plan::from_bytes(written(&global(), vec![listener(bind)], &[vhost()])).unwrap();
        let mut waiting = Waiting { listener: ListenerId(0), said: None };
        let (to, mut worker) = unbounded_channel();
        let (also_to, mut other) = unbounded_channel();
        let workers = [to, also_to];
        assert!(!waiting.try_again(&plan, &workers), "somebody has it");
        assert!(waiting.said.as_ref().unwrap().contains("in use"));
        drop(taken);
        assert!(waiting.try_again(&plan, &workers));
        assert_eq!(worker.try_recv().unwrap().len(), 1);
        assert_eq!(other.try_recv().unwrap().len(), 1);
    }

    #[test]
    fn what_is_not_there_is_waited_for_in_silence() {
        let bind = Bind::Interface { interface: "no-such0", port: 80, families: Families::Both };
        let plan = Plan::from_bytes(written(&global(), vec![listener(bind)], &[vhost()])).unwrap();
        let mut waiting = Waiting { listener: ListenerId(0), said: None };
        assert!(!waiting.try_again(&plan, &[]) && waiting.said.is_none());
    }
}
