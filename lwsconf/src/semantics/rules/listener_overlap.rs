//! Two listeners on one port that cover the same address: written differently, they are two sockets.

use std::collections::HashMap;
use std::net::IpAddr;

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
}

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    let mut ports: HashMap<u16, Port<'_, '_>> = HashMap::new();
    for listener in view.listeners {
        let (port, interface, families) = match listener.bind {
            Bind::Any { port, families } => (port, "", families),
            Bind::Interface { interface, port, families } => (port, interface, families),
            Bind::Unix { .. } => continue,
        };
        let known = ports.entry(port).or_default();
        if let Some(other) = known.add(interface, families, listener) {
            report.push(overlap(view, port, other, listener));
        }
    }
}

impl<'v, 'a> Port<'v, 'a> {
    /// Adds a listener, and returns one that covers the same address.
    fn add(
        &mut self,
        interface: &str,
        families: Families,
        listener: &'v Listener<'a>,
    ) -> Option<&'v Listener<'a>> {
        let address: Option<IpAddr> = interface.parse().ok();
        let is_wide = interface.is_empty() || address.is_some_and(|address| address.is_unspecified());
        let wide = self.wide.iter().find(|(others, _)| meet(*others, families)).map(|(_, wide)| *wide);
        if is_wide {
            let narrow = self.addresses.iter().filter(|(address, _)| meet(family(**address), families));
            let narrow = narrow.map(|(_, narrow)| *narrow).chain(self.loopback).min_by_key(|one| one.place);
            self.wide.push((families, listener));
            return wide.or(narrow);
        }
        match address {
            Some(address) => {
                let same = self.addresses.insert(address, listener);
                same.or(self.loopback.filter(|_| address.is_loopback())).or(wide)
            }
            None if interface == "lo" => {
                self.loopback = Some(listener);
                let mut addresses = self.addresses.iter().filter(|(address, _)| address.is_loopback());
                addresses.next().map(|(_, same)| *same).or(wide)
            }
            None => wide,
        }
    }
}

fn family(address: IpAddr) -> Families {
    if address.is_ipv4() { Families::V4 } else { Families::V6 }
}

fn meet(one: Families, other: Families) -> bool {
    one == other || one == Families::Both || other == Families::Both
}

fn overlap(view: &View<'_, '_>, port: u16, first: &Listener<'_>, later: &Listener<'_>) -> Diagnostic {
    let headline = format!("port {port} is opened twice for the same address");
    Diagnostic::warning(Code::ListenerOverlap, headline, place(view, later))
        .label(describe(later))
        .also(place(view, first), describe(first))
        .note("a connection to that address sees only the vhosts of the more exact one")
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
