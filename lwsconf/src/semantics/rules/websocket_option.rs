//! Options that say who may open a websocket, and what may be said on it, where a protocol has none. Who sets a password
//! there believes that something is protected: an error.

use super::enumerated;
use super::open_origins::NO_WEBSOCKETS;
use crate::diagnostic::{Code, Diagnostic, Report, quoted};
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
            let names: Vec<&str> = idle.iter().map(|(option, _)| *option).collect();
            let verb = if others.is_empty() { "does" } else { "do" };
            let headline =
                format!("{} {verb} nothing for {}", enumerated(&names), quoted(protocol.name.value));
            let is_open = names.contains(&"basic-auth");
            let mut found = if is_open { Diagnostic::error } else { Diagnostic::warning }(
                Code::KeyWithoutEffect,
                headline,
                first.1,
            )
            .label("without effect")
            .note("this protocol has no websockets, which such options are for");
            for (_, place) in others {
                found = found.also(*place, "without effect");
            }
            if is_open {
                report.push_tolerated(
                    found.help("to ask for passwords, write `basic-auth` in the mount that leads to it"),
                );
            } else {
                report.push(found.help(if others.is_empty() { "take it out" } else { "take them out" }));
            }
        }
    }
}
