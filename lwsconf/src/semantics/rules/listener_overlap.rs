//! Two listeners on one port that cover the same address: written differently, they are two sockets.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use grammar::Span;
use schemas::plan::{Bind, Families, Listener};

use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::semantics::view::{View, key_span, value_span};

/// The listeners of one port.
#[derive(Default)]
struct Port<'v, 'a> {
    /// Those for every address, with their families.
    wide: Vec<(Families, &'v Listener<'a>)>,
    /// Those for one address.
    addresses: HashMap<IpAddr, &'v Listener<'a>>,
    /// The loopback device by its name.
    loopback: Option<&'v Listener<'a>>,
    /// The first of the other devices, whose addresses nobody knows here.
    device: Option<&'v Listener<'a>>,
}

/// How two listeners meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Overlap {
    /// They are for the same address: only one of them can be opened.
    Same,
    /// One is for every address, the other for one of them: that one takes its connections.
    Within,
}

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    let mut ports: HashMap<u16, Port<'_, '_>> = HashMap::new();
    for listener in view.listeners {
        let (port, interface, families) = match listener.bind {
            Bind::Any { port, families } => (port, "", families),
            Bind::Interface { interface, port, families } => (port, interface, families),
            Bind::Unix { .. } => continue,
        };
        match ports.entry(port).or_default().add(interface, families, listener) {
            Some((other, Overlap::Same)) => report.push_tolerated(same(view, port, other, listener)),
            Some((other, Overlap::Within)) => report.push(within(view, port, other, listener)),
            None => {}
        }
    }
}

impl<'v, 'a> Port<'v, 'a> {
    /// Adds a listener, and returns one that it meets.
    fn add(
        &mut self,
        interface: &str,
        families: Families,
        listener: &'v Listener<'a>,
    ) -> Option<(&'v Listener<'a>, Overlap)> {
        let address: Option<IpAddr> = interface.parse().ok();
        let wide = self.wide.iter().find(|(others, _)| meet(*others, families)).map(|(_, wide)| *wide);
        if interface.is_empty() || address.is_some_and(|address| address.is_unspecified()) {
            let narrow = self.addresses.iter().filter(|(address, _)| meet(family(**address), families));
            let narrow = narrow
                .map(|(_, narrow)| *narrow)
                .chain(self.loopback)
                .chain(self.device)
                .min_by_key(|one| one.place);
            self.wide.push((families, listener));
            return wide.map(|wide| (wide, Overlap::Same)).or(narrow.map(|narrow| (narrow, Overlap::Within)));
        }
        let same = match address {
            Some(address) => {
                let same = self.addresses.insert(address, listener);
                same.or(self.loopback.filter(|_| is_of_loopback(address)))
            }
            None if interface == "lo" => {
                self.loopback = Some(listener);
                let mut addresses = self.addresses.iter().filter(|(address, _)| is_of_loopback(**address));
                addresses.next().map(|(_, same)| *same)
            }
            None => {
                self.device.get_or_insert(listener);
                None
            }
        };
        same.map(|same| (same, Overlap::Same)).or(wide.map(|wide| (wide, Overlap::Within)))
    }
}

/// Whether the loopback device has an address, rather than just answering for it.
fn is_of_loopback(address: IpAddr) -> bool {
    address == IpAddr::V4(Ipv4Addr::LOCALHOST) || address == IpAddr::V6(Ipv6Addr::LOCALHOST)
}

fn family(address: IpAddr) -> Families {
    if address.is_ipv4() { Families::V4 } else { Families::V6 }
}

fn meet(one: Families, other: Families) -> bool {
    one == other || one == Families::Both || other == Families::Both
}

fn same(view: &View<'_, '_>, port: u16, first: &Listener<'_>, later: &Listener<'_>) -> Diagnostic {
    let headline = format!("port {port} is opened twice on the same address");
    Diagnostic::error(Code::ListenerOverlap, headline, place(view, later))
        .label(describe(later))
        .also(place(view, first), describe(first))
        .note("vhosts share a listener only if their `interface` is written alike; two of them cannot be opened")
        .help("write the `interface` of all vhosts of the port alike")
}

fn within(view: &View<'_, '_>, port: u16, first: &Listener<'_>, later: &Listener<'_>) -> Diagnostic {
    let headline = format!("port {port} is opened for every address, and once more for one of them");
    Diagnostic::warning(Code::ListenerOverlap, headline, place(view, later))
        .label(describe(later))
        .also(place(view, first), describe(first))
        .note("a connection to the one address sees only the vhosts that name it")
        .note("lwsws does not start: the address is in use")
        .help("write the `interface` of all vhosts of the port alike, or leave it out in all")
}

fn place(view: &View<'_, '_>, listener: &Listener<'_>) -> Span {
    let Some(vhost) = listener.vhosts.first().and_then(|id| view.vhost(*id)) else {
        return Span { file: grammar::FileId(0), start: 0, end: 0 };
    };
    match listener.bind {
        Bind::Any { .. } => key_span(vhost.fields, "port"),
        _ => value_span(vhost.fields, "interface"),
    }
}

fn describe(listener: &Listener<'_>) -> String {
    match listener.bind {
        Bind::Interface { interface, .. } => format!("for {}", quoted(interface)),
        _ => "for every address".to_owned(),
    }
}
