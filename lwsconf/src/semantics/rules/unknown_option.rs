//! An option that its protocol does not have: most likely misspelt, and then it does nothing. Of protocols that nobody
//! knows any option may be right.

use schemas::source::Level;

use super::unknown_protocol::BUILT_IN;
use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::schema::keys::{Key, Keys};
use crate::schema::{Text, closest};
use crate::semantics::view::View;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    let keys = Keys::of(Level::WsProtocol);
    for vhost in &view.vhosts {
        for protocol in vhost.fields.protocols("ws-protocols") {
            let name = protocol.name.value;
            let is_own = |key: &Key| key.protocol.as_deref() == Some(name);
            if !BUILT_IN.contains(&name) && !keys.keys.iter().any(is_own) {
                continue;
            }
            let fits = |key: &&Key| key.protocol.is_none() || is_own(key);
            for option in &protocol.options {
                let key = keys.get(option.name.value);
                if !key.as_ref().is_some_and(fits) {
                    let known = keys.keys.iter().filter(fits).map(|key| key.name.as_str());
                    report.push_tolerated(unknown(&option.name, name, key, known));
                }
            }
        }
    }
}

/// `key` is the option of that name which another protocol has.
fn unknown<'k>(
    option: &Text<'_>,
    protocol: &str,
    key: Option<&Key>,
    known: impl Iterator<Item = &'k str>,
) -> Diagnostic {
    let headline = format!("{} has no option {}", quoted(protocol), quoted(option.value));
    let found = Diagnostic::error(Code::UnknownOption, headline, option.span())
        .label("no such option")
        .note("lwsws hands on whatever stands there, and a protocol ignores what it does not know");
    if let Some(owner) = key.and_then(|key| key.protocol.as_deref()) {
        return found.help(format!("{} belongs to `{owner}`", quoted(option.value)));
    }
    match closest(option.value, known) {
        Some(meant) => found.fix(format!("did you mean `{meant}`?"), option.span(), format!("\"{meant}\"")),
        None => found.help("take it out"),
    }
}
