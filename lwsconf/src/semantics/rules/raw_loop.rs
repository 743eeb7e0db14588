//! Raw connections that are handed on to the very port on which they came.

use std::net::IpAddr;

use schemas::onward::Onward;
use schemas::plan::{Bind, Families};

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::schema::OptionValue;
use crate::semantics::view::View;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for vhost in &view.vhosts {
        let Some(listener) = view.listener(vhost.plan) else { continue };
        if !vhost.plan.apply_listen_accept && !vhost.plan.fallback_listen_accept {
            continue;
        }
        let protocol = vhost.fields.protocols("ws-protocols").find(|listed| listed.name.value == "raw-proxy");
        let options = protocol.iter().flat_map(|protocol| &protocol.options);
        let Some(option) = options.rev().find(|option| option.name.value == "onward") else { continue };
        let OptionValue::Text(text) = &option.value else { continue };
        if text.value.parse().is_ok_and(|onward| is_reached(&listener.bind, &onward)) {
            let headline = "raw connections go to the port on which they come";
            let found = Diagnostic::warning(Code::RawLoop, headline, text.span())
                .label("is this vhost's own port")
                .note("each such connection makes further ones, until the worker has no place for more")
                .help("name the address of the server that they are for, such as `ipv4:127.0.0.1:22`");
            report.push(found);
        }
    }
}

/// Whether whoever connects to that address comes to this socket, on whatever machine.
fn is_reached(bind: &Bind<'_>, onward: &Onward) -> bool {
    match (bind, onward) {
        (Bind::Unix { path, .. }, Onward::Unix(onward)) => *path == &**onward,
        (Bind::Any { port, families }, Onward::Tcp(address)) => {
            let is_served = match families {
                Families::V4 => address.is_ipv4(),
                Families::V6 => address.is_ipv6(),
                Families::Both => true,
            };
            let is_here = address.ip().is_loopback() || address.ip().is_unspecified();
            *port == address.port() && is_served && is_here
        }
        (Bind::Interface { interface, port, .. }, Onward::Tcp(address)) => {
            let is_it = interface.parse::<IpAddr>().is_ok_and(|ip| ip == address.ip());
            *port == address.port() && (is_it || *interface == "lo" && address.ip().is_loopback())
        }
        _ => false,
    }
}
