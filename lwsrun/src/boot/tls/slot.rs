//! The keys of the vhosts that name the same files, in whatever state they are.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rustls::ServerConfig;
use schemas::plan::VhostId;

use super::files::{Files, Stamps};
use super::make::Made;
use super::{Fault, Shared};

/// One distinct set of TLS keys.
pub(super) struct Slot {
    /// The vhosts that have it, never empty. The first one's line of the config stands for it.
    pub(super) vhosts: Vec<VhostId>,
    /// The path of the trust store for client certificates, if they are asked for.
    pub(super) trust: Option<Arc<str>>,
    state: RwLock<State>,
    /// The stamps that the files had before they were read.
    stamps: Mutex<Option<Stamps>>,
}

/// How far its files have come.
#[derive(Clone)]
pub(super) enum State {
    /// They are not there, which `ignore-missing-cert` allows.
    Missing,
    /// Read, and not needed yet.
    Read(Arc<Files>),
    /// In use.
    Ready(Made),
    /// They cannot be used, and that was said.
    Broken,
}

impl Slot {
    pub(super) fn new(vhost: VhostId, trust: Option<&str>) -> Self {
        let trust = trust.map(Arc::from);
        Self { vhosts: vec![vhost], trust, state: RwLock::new(State::Missing), stamps: Mutex::new(None) }
    }

    pub(super) fn state(&self) -> State {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn stamps(&self) -> Option<Stamps> {
        *self.stamps.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a state over, made of files that had these stamps.
    pub(super) fn set(&self, state: State, stamps: Stamps) {
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = state;
        *self.stamps.lock().unwrap_or_else(PoisonError::into_inner) = Some(stamps);
    }

    /// The configuration, made now if need be.
    pub(super) fn config(&self, shared: &Shared) -> Option<Arc<ServerConfig>> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let files = match &*state {
            State::Ready(made) => return Some(Arc::clone(&made.config)),
            State::Read(files) => Arc::clone(files),
            State::Missing | State::Broken => return None,
        };
        drop(state);
        self.try_out(shared, &files, true).map(|made| made.config)
    }

    /// Makes the configuration of files that were only read so far, and keeps it if asked to. Files that cannot be
    /// used are said once.
    pub(super) fn try_out(&self, shared: &Shared, files: &Arc<Files>, keep: bool) -> Option<Made> {
        let vhost = shared.plan.vhost(self.vhosts[0]);
        let made = vhost.tls.as_ref().map(|tls| shared.make(tls, files))?;
        let next = match &made {
            Ok(made) if keep => State::Ready(made.clone()),
            Ok(_) => return made.ok(),
            Err(_) => State::Broken,
        };
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        // Another thread may have been first, and new files may have come meanwhile.
        let is_ours = matches!(&*state, State::Read(now) if Arc::ptr_eq(now, files));
        if is_ours {
            *state = next;
        }
        drop(state);
        match made {
            Ok(made) => Some(made),
            Err(fault) => {
                if is_ours {
                    said(shared, self, &fault, "TLS handshakes for it are refused until the files change");
                }
                None
            }
        }
    }
}

/// Says that files cannot be used, and what that means.
pub(super) fn said(shared: &Shared, slot: &Slot, fault: &Fault, consequence: &str) {
    let vhost = shared.plan.vhost(slot.vhosts[0]);
    let at = shared.plan.describe(vhost.place);
    tracing::error!("{at}: vhost `{}`: {fault}; {consequence}", vhost.name);
}
