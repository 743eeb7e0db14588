//! A protocol that is not built in. Plugins of lwsws cannot be loaded, so `plugin-dir` brings no others.

use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::schema::closest;
use crate::semantics::view::View;

/// The protocols that lwsrun has.
pub(super) const BUILT_IN: [&str; 7] = [
    "dumb-increment-protocol",
    "lws-mirror-protocol",
    "lws-status",
    "lws-server-status",
    "protocol-post-demo",
    "lws-echo",
    "raw-proxy",
];

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for vhost in &view.vhosts {
        let is_unknown = |name: &str| !BUILT_IN.contains(&name);
        if !vhost.plan.protocols.iter().any(|protocol| is_unknown(protocol.name)) {
            continue;
        }
        let listed = vhost.fields.protocols("ws-protocols");
        for name in listed.map(|protocol| protocol.name).filter(|name| is_unknown(name.value)) {
            let headline = format!("the protocol {} is not built in", quoted(name.value));
            let found = Diagnostic::warning(Code::UnknownProtocol, headline, name.span())
                .label("nobody offers it")
                .note("clients that ask for it are answered 501; lwsws ignores protocols that no plugin provides");
            report.push(match meant(name.value) {
                Some(meant) => {
                    found.fix(format!("did you mean `{meant}`?"), name.span(), format!("\"{meant}\""))
                }
                None => found.help("take it out; plugins of lwsws cannot be loaded here"),
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
