//! Credentials that travel in clear: `basic-auth` on a listener without TLS that others can reach.

use std::net::IpAddr;

use grammar::Span;
use schemas::plan::{Bind, Listener, Origin};

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::semantics::view::{VhostView, View, key_span};

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for vhost in &view.vhosts {
        let Some(listener) = view.listener(vhost.plan).filter(|listener| is_public(listener)) else {
            continue;
        };
        let Some(reason) = in_clear(vhost) else { continue };
        for place in protected(vhost) {
            let found = Diagnostic::warning(Code::AuthInClear, "credentials travel in clear", place)
                .label("clients send user and password with each request")
                .also(reason.0, reason.1)
                .note("everybody on the way can read them")
                .help(match listener.tls {
                    true => "use `redirect-http` instead, so that clients come back with TLS",
                    false => "give the vhost a certificate, or listen on `127.0.0.1` only",
                });
            report.push(found);
        }
    }
}

/// Where the vhost says that it speaks in clear, if it does.
fn in_clear(vhost: &VhostView<'_, '_>) -> Option<(Span, &'static str)> {
    let plan = vhost.plan;
    if plan.tls.is_some() {
        let is_served = plan.allow_non_tls && plan.allow_http_on_https && !plan.redirect_http;
        return is_served
            .then(|| (key_span(vhost.fields, "allow-http-on-https"), "serves plain HTTP on the TLS port"));
    }
    let is_plain = vhost.fields.lacks("host-ssl-cert");
    is_plain.then(|| (key_span(vhost.fields, "port"), "this port speaks plain HTTP"))
}

/// Where credentials are asked for. Redirects never ask.
fn protected(vhost: &VhostView<'_, '_>) -> Vec<Span> {
    let mounts = vhost.mounts.iter().filter(|mount| {
        mount.plan.basic_auth.is_some() && !matches!(mount.plan.origin, Origin::Redirect { .. })
    });
    let mut places: Vec<Span> = mounts.map(|mount| key_span(mount.fields, "basic-auth")).collect();
    if vhost.plan.protocols.iter().any(|protocol| protocol.basic_auth.is_some()) {
        let protocols = vhost.fields.protocols("ws-protocols");
        places.extend(protocols.filter_map(|protocol| protocol.fields.key_span("basic-auth")));
    }
    places
}

/// Whether other machines can reach a listener.
fn is_public(listener: &Listener<'_>) -> bool {
    match listener.bind {
        Bind::Any { .. } => true,
        Bind::Interface { interface, .. } => {
            interface != "lo" && !interface.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        Bind::Unix { .. } => false,
    }
}
