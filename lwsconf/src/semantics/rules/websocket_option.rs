//! Options that say who may open a websocket, and what may be said on it, where a protocol has none. Who sets a password
//! there believes that something is protected: an error.

use super::key_without_effect::{self, take_out};
use super::open_origins::NO_WEBSOCKETS;
use crate::diagnostic::{Diagnostic, Report, quoted};
use crate::semantics::view::View;

const OPTIONS: [&str; 6] =
    ["basic-auth", "origins", "permessage-deflate", "max-message-size", "max-frame-size", "default"];

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for vhost in &view.vhosts {
        let listed = vhost.fields.protocols("ws-protocols");
        for protocol in listed.filter(|protocol| NO_WEBSOCKETS.contains(&protocol.name.value)) {
            let idle: Vec<_> = OPTIONS
                .iter()
                .filter_map(|option| Some((*option, protocol.fields.key_span(option)?)))
                .collect();
            let Some((first, others)) = idle.split_first() else { continue };
            let is_open = idle.iter().any(|(option, _)| *option == "basic-auth");
            let severity = if is_open { Diagnostic::error } else { Diagnostic::warning };
            let there = format!("for {}", quoted(protocol.name.value));
            let found = key_without_effect::idle(severity, *first, others, &there)
                .note("this protocol has no websockets, which such options are for");
            if is_open {
                report.push_tolerated(
                    found.help("to ask for passwords, write `basic-auth` in the mount that leads to it"),
                );
            } else {
                report.push(found.help(take_out(others)));
            }
        }
    }
}
