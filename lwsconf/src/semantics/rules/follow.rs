//! Where redirects and proxies lead within the configuration itself: no rule, but what three rules ask.
//!
//! Host and port of a target are looked for among the listeners, and its path among the mounts, by the same routing
//! that the server uses. What is not found leads away, and nothing is said about it.

use std::collections::HashMap;
use std::net::IpAddr;

use schemas::plan::{Bind, Listener, Origin, Upstream, UpstreamAddress, VhostId};
use schemas::route::{HostReason, Hosts, Mounts, appended_location, canonical_path, decode_path};

use crate::semantics::view::View;

/// After so many steps a way counts as endless: browsers give up at about 20.
const MOST_STEPS: usize = 16;

/// How many listeners of one port are asked: more of them are no mistake that a person made.
const MOST_LISTENERS: usize = 64;
/// How many mountpoints are compared in all. Beyond it ways count as leading away, so that a check always ends soon.
const MOST_COMPARED: usize = 20_000_000;

/// A mount, by its vhost and its place there.
pub(super) type Stop = (VhostId, usize);

/// Follows redirects and proxies, and remembers what it has looked up.
pub(super) struct Follower<'f, 'v, 'a> {
    view: &'f View<'v, 'a>,
    by_port: HashMap<u16, Vec<usize>>,
    hosts: HashMap<usize, Hosts>,
    mounts: HashMap<VhostId, Mounts>,
    compared: usize,
}

/// What a mount's redirect or proxy leads to.
pub(super) enum Hop {
    /// Out of the configuration, or to something that answers itself.
    Away,
    /// To a vhost that has no mount for the path.
    Nothing(VhostId, String),
    /// To another redirect or proxy, or the same one.
    On(Target),
}

/// A request that a redirect or a proxy makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// The mount that it comes to.
    pub(super) stop: Stop,
    /// The decoded path.
    path: Vec<u8>,
    /// Whether the vhost was found by its name or address, and not as a subdomain: that may be another machine's.
    pub(super) sure: bool,
}

/// A circle of redirects and proxies.
pub(crate) struct Circle {
    /// Its mounts, the first one in config order first.
    pub(super) stops: Vec<Stop>,
    /// Whether each step is certain, see [`Target::sure`].
    pub(super) sure: bool,
    /// Whether clients go at least one of the steps themselves; else all of it happens between servers.
    pub(super) has_redirect: bool,
}

/// All circles of a configuration, each once.
pub(crate) fn circles(view: &View<'_, '_>) -> Vec<Circle> {
    let mut follower = Follower::new(view);
    follower.starts().into_iter().filter_map(|start| follower.circle(start)).collect()
}

/// A URL taken apart.
pub(super) struct Url<'u> {
    pub(super) tls: bool,
    /// Without brackets.
    pub(super) host: &'u str,
    pub(super) port: u16,
    /// With its leading slash, without query and fragment.
    pub(super) path: &'u str,
}

impl<'u> Url<'u> {
    /// Takes a whole URL apart; none if it is none.
    pub(super) fn parse(url: &'u str) -> Option<Self> {
        let (tls, rest) = match url.strip_prefix("https://") {
            Some(rest) => (true, rest),
            None => (false, url.strip_prefix("http://")?),
        };
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let authority = authority.rsplit('@').next().unwrap_or_default();
        let host = schemas::route::host_name(authority);
        let behind = authority.rsplit(']').next().unwrap_or_default();
        let port = match behind.rsplit_once(':') {
            Some((_, "")) | None => {
                if tls {
                    443
                } else {
                    80
                }
            }
            Some((_, port)) => port.parse().ok()?,
        };
        Some(Self { tls, host, port, path: if path.is_empty() { "/" } else { path } })
    }
}

impl<'f, 'v, 'a> Follower<'f, 'v, 'a> {
    pub(super) fn new(view: &'f View<'v, 'a>) -> Self {
        let mut by_port: HashMap<u16, Vec<usize>> = HashMap::new();
        for (index, listener) in view.listeners.iter().enumerate() {
            if let Bind::Any { port, .. } | Bind::Interface { port, .. } = listener.bind {
                let same: &mut Vec<usize> = by_port.entry(port).or_default();
                if same.len() < MOST_LISTENERS {
                    same.push(index);
                }
            }
        }
        Self { view, by_port, hosts: HashMap::new(), mounts: HashMap::new(), compared: 0 }
    }

    /// All mounts that redirect or ask others.
    pub(super) fn starts(&self) -> Vec<Stop> {
        let mut starts = Vec::new();
        for vhost in &self.view.vhosts {
            for (index, mount) in vhost.mounts.iter().enumerate() {
                if matches!(mount.plan.origin, Origin::Redirect { .. } | Origin::Proxy(_)) {
                    starts.push((vhost.id, index));
                }
            }
        }
        starts
    }

    /// The circle that a mount is the first one of, if it is in one.
    pub(super) fn circle(&mut self, start: Stop) -> Option<Circle> {
        let mut seen = vec![self.entry(start)?];
        for _ in 0..MOST_STEPS {
            let Hop::On(next) = self.hop(seen.last()?)? else { return None };
            let is_back = next.stop == start;
            if is_back && (seen.contains(&next) || self.is_fixed(start)) || seen.len() == MOST_STEPS {
                let back = seen.iter().skip(1).position(|target| target.stop == start);
                let length = back.map_or(seen.len(), |at| at + 1);
                let stops: Vec<Stop> = seen[..length].iter().map(|target| target.stop).collect();
                let sure = next.sure && seen.iter().skip(1).all(|target| target.sure);
                let is_first = (is_back || back.is_some()) && stops.iter().all(|stop| start <= *stop);
                let has_redirect = stops.iter().any(|stop| self.is_redirect(*stop));
                return is_first.then_some(Circle { stops, sure, has_redirect });
            }
            // A circle that does not come back to the start is told for one of its own mounts.
            if seen.iter().skip(1).any(|target| *target == next) {
                return None;
            }
            seen.push(next);
        }
        None
    }

    /// Where the first step from a mount leads, for a request of the mountpoint itself.
    pub(super) fn first_hop(&mut self, start: Stop) -> Option<Hop> {
        let entry = self.entry(start)?;
        self.hop(&entry)
    }

    /// A request of a mountpoint, with the slash that a proxy wants.
    fn entry(&self, start: Stop) -> Option<Target> {
        let mount = self.view.vhost(start.0)?.mounts.get(start.1)?.plan;
        let mut path = mount.mountpoint.as_bytes().to_vec();
        if matches!(mount.origin, Origin::Proxy(_)) && !path.ends_with(b"/") {
            path.push(b'/');
        }
        Some(Target { stop: start, path, sure: true })
    }

    fn is_redirect(&self, stop: Stop) -> bool {
        let mount = self.view.vhost(stop.0).and_then(|vhost| vhost.mounts.get(stop.1));
        mount.is_some_and(|mount| matches!(mount.plan.origin, Origin::Redirect { .. }))
    }

    /// Whether a mount leads to the same place whatever the path is.
    fn is_fixed(&self, stop: Stop) -> bool {
        let mount = self.view.vhost(stop.0).and_then(|vhost| vhost.mounts.get(stop.1));
        self.is_redirect(stop) && mount.is_some_and(|mount| !mount.plan.append_path)
    }

    /// One step.
    fn hop(&mut self, from: &Target) -> Option<Hop> {
        let mount = self.view.vhost(from.stop.0)?.mounts.get(from.stop.1)?.plan;
        let rest = from.path.strip_prefix(mount.mountpoint.as_bytes()).unwrap_or_default();
        let rest = if mount.mountpoint == "/" { &from.path[..] } else { rest };
        match &mount.origin {
            Origin::Redirect { url } => {
                let location =
                    if mount.append_path { appended_location(url, rest) } else { (*url).to_owned() };
                let Some(url) = Url::parse(&location) else { return Some(Hop::Away) };
                let Some((vhost, sure)) = self.resolve(url.tls, url.host, url.port) else {
                    return Some(Hop::Away);
                };
                Some(self.arrive(vhost, url.path, sure))
            }
            Origin::Proxy(upstream) => {
                let Some((vhost, sure)) = self.resolve_upstream(upstream) else { return Some(Hop::Away) };
                let path = format!("/{}{}", upstream.path, canonical_path(rest));
                Some(self.arrive(vhost, &path, sure))
            }
            _ => Some(Hop::Away),
        }
    }

    fn arrive(&mut self, vhost: VhostId, path: &str, sure: bool) -> Hop {
        let (Ok(path), Some(target)) = (decode_path(path), self.view.vhost(vhost)) else { return Hop::Away };
        self.compared += 1 + target.plan.mounts.len();
        if self.compared > MOST_COMPARED {
            return Hop::Away;
        }
        let mounts = self.mounts.entry(vhost).or_insert_with(|| Mounts::new(&target.plan.mounts));
        let mut path = path.into_owned();
        let Some(mut matched) = mounts.find(&path) else {
            return Hop::Nothing(vhost, String::from_utf8_lossy(&path).into_owned());
        };
        let origin = &target.plan.mounts[matched.mount.index()].origin;
        if matches!(origin, Origin::Proxy(_)) && matched.rest == path.len() && !path.ends_with(b"/") {
            path.push(b'/');
            let Some(with_slash) = mounts.find(&path) else { return Hop::Away };
            matched = with_slash;
        }
        match target.plan.mounts[matched.mount.index()].origin {
            Origin::Redirect { .. } | Origin::Proxy(_) => {
                Hop::On(Target { stop: (vhost, matched.mount.index()), path, sure })
            }
            _ => Hop::Away,
        }
    }

    fn resolve_upstream(&mut self, upstream: &Upstream<'_>) -> Option<(VhostId, bool)> {
        match upstream.address {
            UpstreamAddress::Host { host, port } => self.resolve(upstream.tls, host, port),
            UpstreamAddress::Unix { path: wanted } => {
                let same = |listener: &&Listener<'_>| matches!(listener.bind, Bind::Unix { path, .. } if path == wanted);
                let listener = self.view.listeners.iter().find(same)?;
                Some((*listener.vhosts.first()?, true))
            }
        }
    }

    /// The vhost that answers for host and port, and whether that is certain.
    fn resolve(&mut self, tls: bool, host: &str, port: u16) -> Option<(VhostId, bool)> {
        let address =
            if host == "localhost" { "127.0.0.1".parse().ok() } else { host.parse::<IpAddr>().ok() };
        let (mut subdomain, mut wide) = (None, None);
        for index in self.by_port.get(&port).cloned().unwrap_or_default() {
            let listener = &self.view.listeners[index];
            if listener.tls != tls {
                continue;
            }
            let (vhost, reason) = self.hosts(index)?.select(Some(host));
            match reason {
                HostReason::Name => return Some((vhost, true)),
                HostReason::Subdomain if address.is_none() => subdomain = Some((vhost, false)),
                _ => {}
            }
            match address.filter(|address| covers(listener, *address)) {
                // One for this address takes what one for every address would.
                Some(_) if matches!(listener.bind, Bind::Any { .. }) => wide = Some((vhost, true)),
                Some(_) => return Some((vhost, true)),
                None => {}
            }
        }
        wide.or(subdomain)
    }

    fn hosts(&mut self, index: usize) -> Option<&Hosts> {
        let view = self.view;
        let vhosts = &view.listeners[index].vhosts;
        let first = *vhosts.first()?;
        Some(self.hosts.entry(index).or_insert_with(|| {
            let name = |id: VhostId| view.vhost(id).map_or("", |vhost| vhost.plan.name);
            Hosts::of(first, vhosts.iter().map(|id| (*id, name(*id))))
        }))
    }
}

/// Whether connections to an address come to a listener of this machine.
fn covers(listener: &Listener<'_>, address: IpAddr) -> bool {
    match listener.bind {
        Bind::Any { .. } => address.is_loopback(),
        Bind::Interface { interface: "lo", .. } => address.is_loopback(),
        Bind::Interface { interface, .. } => {
            interface.parse().is_ok_and(|own: IpAddr| own == address || own.is_unspecified())
        }
        Bind::Unix { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        for (url, tls, host, port, path) in [
            ("http://a.example", false, "a.example", 80, "/"),
            ("https://a.example:8443/x?y=/z#/w", true, "a.example", 8443, "/x"),
            ("https://u:p@a.example/", true, "a.example", 443, "/"),
            ("http://[::1]:81/x", false, "::1", 81, "/x"),
            ("http://[::1]/", false, "::1", 80, "/"),
            ("http://a.example:?x", false, "a.example", 80, "/"),
        ] {
            let read = Url::parse(url).unwrap();
            assert_eq!((read.tls, read.host, read.port, read.path), (tls, host, port, path), "{url}");
        }
        assert!(Url::parse("http://a:b/").is_none() && Url::parse("ftp://a/").is_none());
    }
}
