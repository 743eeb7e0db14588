//! `strict-host-check`: websockets only for clients that mean this vhost, by its name and port.

use http::Request;
use schemas::plan::{Bind, Listener, Vhost};

use crate::request::admit;

/// The host that a request must name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StrictHost {
    name: Box<str>,
    /// `None` for unix sockets, which have none: then it is not looked at.
    port: Option<u16>,
    /// The port that a client leaves out.
    usual: u16,
}

impl StrictHost {
    /// Of a vhost and its listener; `None` without `strict-host-check`.
    pub(crate) fn new(vhost: &Vhost<'_>, listener: Option<&Listener<'_>>) -> Option<Self> {
        if !vhost.strict_host_check {
            return None;
        }
        let port = match listener?.bind {
            Bind::Any { port, .. } | Bind::Interface { port, .. } => Some(port),
            Bind::Unix { .. } => None,
        };
        Some(Self { name: vhost.name.into(), port, usual: if listener?.tls { 443 } else { 80 } })
    }

    /// Whether a request names it.
    pub(super) fn is_named<B>(&self, request: &Request<B>) -> bool {
        let Ok(Some(host)) = admit::host(request) else { return false };
        let (name, port) = match host.rsplit_once(':') {
            // A colon inside brackets belongs to an address.
            Some((name, port)) if !port.ends_with(']') => (name, Some(port)),
            _ => (host, None),
        };
        let port = port.map_or(Some(self.usual), |port| port.parse().ok());
        name.eq_ignore_ascii_case(&self.name) && (self.port.is_none() || self.port == port)
    }
}

#[cfg(test)]
mod tests {
    use http::header::HOST;
    use schemas::plan::Families;

    use super::*;
    use crate::boot::testing::{listener, vhost};

    #[test]
    fn name_and_port_must_be_those_of_the_vhost() {
        let vhost = Vhost { strict_host_check: true, ..vhost() };
        let of = |bind, tls| StrictHost::new(&vhost, Some(&Listener { tls, ..listener(bind) })).unwrap();
        let any = |port| Bind::Any { port, families: Families::Both };
        let unix = Bind::Unix { path: "/run/x", perms: None };
        let table = [
            (of(any(7681), false), "a.test:7681", true),
            (of(any(7681), false), "A.TEST:7681", true),
            (of(any(7681), false), "a.test", false),
            (of(any(7681), false), "a.test:80", false),
            (of(any(7681), false), "b.a.test:7681", false),
            (of(any(7681), false), "a.test:x", false),
            (of(any(80), false), "a.test", true),
            (of(any(443), true), "a.test", true),
            (of(any(443), true), "a.test:80", false),
            (of(any(80), false), "[::1]", false),
            (of(unix.clone(), false), "a.test", true),
            (of(unix, false), "b.test", false),
        ];
        for (strict, host, named) in table {
            let request = Request::builder().header(HOST, host).body(()).unwrap();
            assert_eq!(strict.is_named(&request), named, "{host} {strict:?}");
        }
        assert!(StrictHost::new(&crate::boot::testing::vhost(), Some(&listener(any(80)))).is_none());
    }
}
