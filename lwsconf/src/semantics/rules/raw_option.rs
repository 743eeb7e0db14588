//! The option `raw` of a protocol: lwsrun has no protocols that take raw connections themselves.

use super::unknown_protocol::BUILT_IN;
use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::semantics::view::View;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for vhost in &view.vhosts {
        for protocol in vhost.fields.protocols("ws-protocols") {
            let name = protocol.name.value;
            // One that is not built in is answered 501 anyway, which has been said.
            let place = protocol.fields.key_span("raw").filter(|_| BUILT_IN.contains(&name));
            let Some(place) = place else { continue };
            let headline = format!("{} takes no raw connections itself", quoted(name));
            let found = Diagnostic::warning(Code::RawOption, headline, place)
                .label("not honoured")
                .note("clients that ask for the protocol are answered 501, whatever the value")
                .help("take it out; `listen-accept-role` is for connections that are not HTTP");
            report.push(found);
        }
    }
}
