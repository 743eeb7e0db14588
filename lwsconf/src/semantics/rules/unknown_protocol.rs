//! A protocol that is not built in, where there is no folder for plugins.

use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::schema::closest;
use crate::semantics::view::View;

/// The protocols that lwsws brings, now or in former releases.
pub(super) const BUILT_IN: [&str; 8] = [
    "dumb-increment-protocol",
    "lws-mirror-protocol",
    "lws-status",
    "lws-server-status",
    "protocol-post-demo",
    "lws-echo",
    "lws-meta",
    "lws-acme-client",
];

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    let may_have_plugins = view.config.global().is_some_and(|global| !global.lacks("plugin-dir"));
    if may_have_plugins {
        return;
    }
    for vhost in &view.vhosts {
        let is_unknown = |name: &str| !BUILT_IN.contains(&name);
        if !vhost.plan.protocols.iter().any(|protocol| is_unknown(protocol.name)) {
            continue;
        }
        let listed = vhost.fields.protocols("ws-protocols");
        for name in listed.map(|protocol| protocol.name).filter(|name| is_unknown(name.value)) {
            let headline =
                format!("the protocol {} is not built in, and there are no plugins", quoted(name.value));
            let found = Diagnostic::warning(Code::UnknownProtocol, headline, name.span())
                .label("nobody offers it")
                .note("lwsws passes over protocols that it does not know");
            report.push(match meant(name.value) {
                Some(meant) => {
                    found.fix(format!("did you mean `{meant}`?"), name.span(), format!("\"{meant}\""))
                }
                None => {
                    found.help("name the folder of its plugin with `plugin-dir` in `global`, or take it out")
                }
            });
        }
    }
}

/// The built-in protocol that was most likely meant: one that differs by a few letters, or of whose name only a part
/// was written.
pub(super) fn meant(name: &str) -> Option<&'static str> {
    /// Shorter pieces stand in names by chance.
    const SHORTEST: usize = 5;
    let is_part = |known: &&str| name.len() >= SHORTEST && known.contains(name);
    closest(name, BUILT_IN.into_iter()).or_else(|| BUILT_IN.into_iter().find(is_part))
}
