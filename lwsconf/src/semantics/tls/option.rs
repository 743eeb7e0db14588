//! `ssl-option-set` and `ssl-option-clear`: bits of OpenSSL, and the versions that they leave.

use grammar::Span;
use schemas::plan::TlsVersion;

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::schema::Fields;

/// Bits that are heeded: no tickets, the server's order of suites, no TLS 1.2, no TLS 1.3.
const HEEDED: u64 = 1 << 14 | 1 << 22 | NO_TLS12 | NO_TLS13;
const NO_TLS12: u64 = 1 << 27;
const NO_TLS13: u64 = 1 << 29;

/// Bits that are always set, so to speak.
const ALWAYS: [(u64, &str); 6] = [
    (1 << 17, "compression"),
    (1 << 25, "SSL 3"),
    (1 << 26, "TLS 1.0"),
    (1 << 28, "TLS 1.1"),
    (1 << 30, "renegotiation"),
    (1 << 16, "resumption on renegotiation"),
];

/// Bits that would make TLS weaker.
const WEAK: [(u64, &str); 8] = [
    (1, "no extended master secret"),
    (1 << 2, "servers without secure renegotiation"),
    (1 << 7, "connections cut off without a word"),
    (1 << 8, "renegotiation by clients"),
    (1 << 10, "resumption without a new key exchange"),
    (1 << 18, "insecure renegotiation"),
    (1 << 23, "a fall-back to older versions"),
    (1 << 24, "replayed early data"),
];

/// Lowest and highest version, as the bits of a vhost leave them; none if they leave none.
pub(super) fn versions(
    fields: &Fields<'_>,
    set_key: &str,
    clear_key: &str,
    report: &mut Report,
) -> Option<(TlsVersion, TlsVersion)> {
    let (mut set, mut clear) = (0, 0);
    for bits in fields.integers(set_key) {
        set |= bits.value.unsigned_abs();
        judge_set(set_key, bits.value.unsigned_abs(), bits.span, report);
    }
    for bits in fields.integers(clear_key) {
        clear |= bits.value.unsigned_abs();
        judge_cleared(clear_key, bits.value.unsigned_abs(), bits.span, report);
    }
    let left = set & !clear;
    match (left & NO_TLS12 == 0, left & NO_TLS13 == 0) {
        (true, true) => Some((TlsVersion::Tls12, TlsVersion::Tls13)),
        (true, false) => {
            let mut bits = fields.integers(set_key);
            if let Some(bits) = bits.find(|bits| bits.value.unsigned_abs() & NO_TLS13 != 0) {
                report.push(no_tls13(bits.span));
            }
            Some((TlsVersion::Tls12, TlsVersion::Tls12))
        }
        (false, true) => Some((TlsVersion::Tls13, TlsVersion::Tls13)),
        (false, false) => {
            report.push(no_version(set_key, fields.key_span(set_key)?));
            None
        }
    }
}

fn judge_set(key: &str, bits: u64, span: Span, report: &mut Report) {
    let weak = named(&WEAK, bits);
    let heeded = HEEDED | mask(&ALWAYS);
    let idle = bits & !(heeded | mask(&WEAK));
    let found = if !weak.is_empty() {
        let headline = format!("`{key}` asks for what would make TLS weaker, and is not heeded");
        Diagnostic::warning(Code::TlsOption, headline, span).label(format!("asks for {}", weak.join(" and ")))
    } else if idle != 0 {
        let headline = format!("`{key}` holds bits that mean nothing here");
        Diagnostic::remark(Code::TlsOption, headline, span)
            .label(format!("of these {idle}"))
            .note("they are about workings of OpenSSL that this TLS does not have")
    } else {
        return;
    };
    report.push(found.help(instead(bits & heeded)));
}

fn judge_cleared(key: &str, bits: u64, span: Span, report: &mut Report) {
    let asked = named(&ALWAYS, bits);
    if !asked.is_empty() {
        let headline = format!("`{key}` asks for {}, which this TLS does not speak", asked.join(" and "));
        let found = Diagnostic::warning(Code::TlsOption, headline, span)
            .label("clears the bits that forbid it")
            .help(instead(bits & HEEDED));
        report.push(found);
    }
}

/// What to write when only these bits are left.
fn instead(left: u64) -> String {
    if left == 0 { "take the key out".to_owned() } else { format!("write {left} to keep the rest") }
}

fn named(table: &[(u64, &'static str)], bits: u64) -> Vec<&'static str> {
    table.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name).collect()
}

fn mask(table: &[(u64, &str)]) -> u64 {
    table.iter().fold(0, |mask, (bit, _)| mask | bit)
}

fn no_tls13(span: Span) -> Diagnostic {
    Diagnostic::remark(Code::TlsOption, "TLS 1.3 is switched off", span)
        .label("holds 536870912, which means no TLS 1.3")
        .note("it is the safer and the faster version, and no client needs it switched off")
}

fn no_version(key: &str, span: Span) -> Diagnostic {
    Diagnostic::error(Code::NothingLeft, format!("`{key}` switches off every version of TLS"), span)
        .label("no TLS 1.2 and no TLS 1.3")
        .help("allow one of them: take 536870912 out for TLS 1.3, or 134217728 for TLS 1.2")
}
