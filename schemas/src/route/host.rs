//! Host to vhost, among the vhosts of one listener.
//!
//! 1. a vhost of that name; of several, the first in config order;
//! 2. the first vhost in config order of whose name the host is a subdomain, at any depth;
//! 3. the first vhost of the listener.
//!
//! Names match in any case, without port and without a trailing dot.
//! Differs from lwsws: there a prefix of a vhost's name is enough for the first step, case matters, and a trailing
//! dot defeats it.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::plan::{ListenerId, Plan, VhostId};

/// Longest name that is looked up, in bytes (RFC 1035, section 2.3.4). Longer ones go to the first vhost.
const MAX_NAME: usize = 255;

/// Why a vhost was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostReason {
    /// The host is the vhost's name.
    Name,
    /// The host is a subdomain of the vhost's name.
    Subdomain,
    /// No vhost of the listener has that name: its first one answers.
    First,
    /// The request names no host: the listener's first vhost answers.
    NoHost,
}

/// The vhosts of one listener by name. One allocation for each name; a look-up allocates only for upper-case hosts.
#[derive(Debug, Clone)]
pub struct Hosts {
    by_name: HashMap<Box<str>, VhostId>,
    first: VhostId,
}

impl Hosts {
    /// Prepares the vhosts of a listener.
    ///
    /// # Panics
    /// If the id comes from another plan.
    #[must_use]
    pub fn new(plan: &Plan, listener: ListenerId) -> Self {
        let vhosts = &plan.listeners().listeners[listener.index()].vhosts;
        Self::of(vhosts[0], vhosts.iter().map(|&id| (id, plan.vhost_name(id))))
    }

    /// Prepares vhosts with their names, in config order; `first` is the first of them.
    #[must_use]
    pub fn of<'n>(first: VhostId, vhosts: impl ExactSizeIterator<Item = (VhostId, &'n str)>) -> Self {
        let mut by_name = HashMap::with_capacity(vhosts.len());
        for (id, name) in vhosts {
            by_name.entry(name.to_ascii_lowercase().into_boxed_str()).or_insert(id);
        }
        Self { by_name, first }
    }

    /// The vhost for a `Host` header or a server name, and why.
    #[must_use]
    pub fn select(&self, host: Option<&str>) -> (VhostId, HostReason) {
        let Some(host) = host else { return (self.first, HostReason::NoHost) };
        let name = lower(host_name(host));
        if name.len() > MAX_NAME {
            return (self.first, HostReason::First);
        }
        if let Some(&id) = self.by_name.get(&*name) {
            return (id, HostReason::Name);
        }
        let parents = name.match_indices('.').filter_map(|(dot, _)| self.by_name.get(&name[dot + 1..]));
        match parents.min() {
            Some(&id) => (id, HostReason::Subdomain),
            None => (self.first, HostReason::First),
        }
    }
}

/// The name in a `Host` header: without port, brackets of IPv6 addresses and a trailing dot.
#[must_use]
pub fn host_name(host: &str) -> &str {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split(':').next().unwrap_or(host),
    };
    name.strip_suffix('.').unwrap_or(name)
}

fn lower(name: &str) -> Cow<'_, str> {
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(names: &[&str]) -> Hosts {
        let mut by_name = HashMap::new();
        for (id, name) in (0..).zip(names) {
            by_name.entry((*name).into()).or_insert(VhostId(id));
        }
        Hosts { by_name, first: VhostId(0) }
    }

    #[test]
    fn chooses_by_name_then_subdomain_then_first() {
        let hosts = hosts(&["a.test", "b.test", "x.b.test", "a.test"]);
        for (host, id, reason) in [
            ("a.test", 0, HostReason::Name),
            ("B.TEST:80", 1, HostReason::Name),
            ("b.test.", 1, HostReason::Name),
            ("www.b.test", 1, HostReason::Subdomain),
            ("y.x.b.test", 1, HostReason::Subdomain),
            ("x.b.test", 2, HostReason::Name),
            ("xb.test", 0, HostReason::First),
            ("b", 0, HostReason::First),
            ("", 0, HostReason::First),
            ("[::1]:80", 0, HostReason::First),
        ] {
            assert_eq!(hosts.select(Some(host)), (VhostId(id), reason), "{host}");
        }
        assert_eq!(hosts.select(None), (VhostId(0), HostReason::NoHost));
    }
}
