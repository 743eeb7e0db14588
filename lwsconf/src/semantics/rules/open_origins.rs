//! A websocket protocol that any page may use with what its visitor's browser brings along: a password, a certificate,
//! or a place on the inside of a network. A hint.

use std::net::IpAddr;

use schemas::plan::{Bind, Protocol};

use super::unknown_protocol::BUILT_IN;
use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::schema;
use crate::semantics::view::{VhostView, View};

/// Protocols of [`BUILT_IN`] that hold no websockets.
pub(super) const NO_WEBSOCKETS: [&str; 2] = ["protocol-post-demo", "raw-proxy"];

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    // Where something cannot be read there is more to say than hints.
    if !view.whole {
        return;
    }
    let mut open = view.vhosts.iter().filter_map(|vhost| Some((vhost, first_open(view, vhost)?)));
    let Some((vhost, (protocol, brings))) = open.next() else { return };
    let headline = format!("any page on the web may open websockets of {}", quoted(protocol.name.value));
    let found = Diagnostic::remark(Code::OpenOrigins, headline, protocol.name.span())
        .label("a hint: has no `origins`, which say which pages may")
        .note(format!("a browser that visits such a page {brings}"))
        .help(format!(
            "add `\"origins\": \"self\"` to let in pages of {} only, or list their origins",
            vhost.shown()
        ));
    // Once for all: a hint that comes with every vhost is read with none.
    report.push(match open.count() {
        0 => found,
        1 => found.note("1 more vhost has such protocols"),
        more => found.note(format!("{more} more vhosts have such protocols")),
    });
}

/// The first protocol of a vhost that is open like this, and what a browser brings along.
fn first_open<'v, 'a>(
    view: &View<'_, '_>,
    vhost: &VhostView<'v, 'a>,
) -> Option<(&'a schema::Protocol<'a>, &'static str)> {
    let place = match view.listener(vhost.plan)?.bind {
        Bind::Interface { interface, .. } if is_inside(interface) => {
            Some("reaches it from inside the network")
        }
        Bind::Any { .. } | Bind::Interface { .. } => None,
        Bind::Unix { .. } => return None,
    };
    let certificate = vhost.plan.tls.as_ref().is_some_and(|tls| tls.client_cert_required);
    let vhost_brings = if certificate { Some("shows its client certificate") } else { place };
    let protocols = vhost.plan.protocols.iter().zip(vhost.fields.protocols("ws-protocols"));
    protocols.filter(|(plan, written)| is_open(plan, written)).find_map(|(plan, written)| {
        let password = plan.basic_auth.is_some().then_some("sends the password that it keeps");
        Some((written, password.or(vhost_brings)?))
    })
}

fn is_open(plan: &Protocol<'_>, written: &schema::Protocol<'_>) -> bool {
    BUILT_IN.contains(&plan.name) && !NO_WEBSOCKETS.contains(&plan.name) && !written.fields.has("origins")
}

/// Whether an address is reached from its own machine or network only.
fn is_inside(interface: &str) -> bool {
    match interface.parse() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_private() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
        Err(_) => false,
    }
}
