//! A keyword of `reject-service-keywords` that stands in the `User-Agent` of everybody, or of browsers.

use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::semantics::view::View;

/// What browsers of our days send.
const BROWSERS: [&str; 3] = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 \
     Mobile/15E148 Safari/604.1",
];

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    let Some(global) = view.config.global() else { return };
    for pair in global.pairs("reject-service-keywords") {
        let keyword = pair.name.value;
        if keyword.is_empty() {
            let found = Diagnostic::error(
                Code::RejectsEverybody,
                "the empty keyword turns everybody away",
                pair.name.span(),
            )
            .label("contained in every `User-Agent`")
            .help("write the word that only the unwanted clients send");
            report.push_tolerated(found);
        } else if BROWSERS.iter().any(|agent| agent.contains(keyword)) {
            let headline = format!("the keyword {} turns browsers away", quoted(keyword));
            let found = Diagnostic::warning(Code::RejectsEverybody, headline, pair.name.span())
                .label("stands in the `User-Agent` of browsers too")
                .note("the keyword may stand anywhere in the `User-Agent`, also within a word")
                .help("write a word that only the unwanted clients send");
            report.push(found);
        }
    }
}
