//! A keyword of `reject-service-keywords` that contains a later one, which always overrules it.

use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::schema::Pair;
use crate::semantics::view::View;

/// Longer lists are not compared: each keyword is looked for in all that come before it.
const LONGEST: usize = 1000;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    let Some(global) = view.config.global() else { return };
    let pairs: Vec<Pair<'_>> = global.pairs("reject-service-keywords").collect();
    if pairs.len() > LONGEST {
        return;
    }
    for (number, pair) in pairs.iter().enumerate() {
        let contained =
            |later: &&Pair<'_>| !later.name.value.is_empty() && pair.name.value.contains(later.name.value);
        // Where both say the same, it does not matter which counts.
        let Some(later) = pairs[number + 1..].iter().rfind(contained) else { continue };
        if later.value.value == pair.value.value {
            continue;
        }
        let headline = format!("the keyword {} is always overruled", quoted(pair.name.value));
        let found = Diagnostic::warning(Code::KeywordShadowed, headline, pair.name.span())
            .label("never the one that counts")
            .also(later.name.span(), "contained in it, and the last one listed counts")
            .help("put the longer keyword behind the shorter one");
        report.push(found);
    }
}
