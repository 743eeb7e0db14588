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
        (true, false) => Some((TlsVersion::Tls12, TlsVersion::Tls12)),
        (false, true) => Some((TlsVersion::Tls13, TlsVersion::Tls13)),
        (false, false) => {
            report.push(no_version(set_key, fields.key_span(set_key)?));
            None
        }
    }
}

fn judge_set(key: &str, bits: u64, span: Span, report: &mut Report) {
    let weak = named(&WEAK, bits);
    let always: u64 = ALWAYS.iter().map(|(bit, _)| bit).sum();
    let idle = bits & !(HEEDED | always | WEAK.iter().map(|(bit, _)| bit).sum::<u64>());
    if !weak.is_empty() {
        let headline = format!("`{key}` asks for what would make TLS weaker");
        let found = Diagnostic::warning(Code::TlsOption, headline, span)
            .label(format!("allows {}", weak.join(", ")))
            .note("this is not heeded");
        report.push(found.help("take these bits out"));
    } else if idle != 0 {
        let headline = format!("`{key}` holds bits that mean nothing here");
        let found = Diagnostic::remark(Code::TlsOption, headline, span).label(format!("of these {idle}"));
        report.push(found.note("they are about workings of OpenSSL that this TLS does not have"));
    }
    if bits & NO_TLS13 != 0 {
        let headline = "TLS 1.3 is switched off";
        let found = Diagnostic::remark(Code::TlsOption, headline, span).label("holds 536870912, no TLS 1.3");
        report
            .push(found.note("it is the safer and the faster version, and no client needs it switched off"));
    }
}

fn judge_cleared(key: &str, bits: u64, span: Span, report: &mut Report) {
    let asked = named(&ALWAYS, bits);
    if asked.is_empty() {
        return;
    }
    let headline = format!("`{key}` asks for {}, which is never spoken", asked.join(", "));
    let found = Diagnostic::warning(Code::TlsOption, headline, span)
        .label("clears the bits that forbid it")
        .help("take these bits out");
    report.push(found);
}

fn named(table: &[(u64, &'static str)], bits: u64) -> Vec<&'static str> {
    table.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, name)| *name).collect()
}

fn no_version(key: &str, span: Span) -> Diagnostic {
    Diagnostic::error(Code::NothingLeft, format!("`{key}` switches off every version of TLS"), span)
        .label("no TLS 1.2 and no TLS 1.3")
        .help("allow one of them: take 536870912 out for TLS 1.3, or 134217728 for TLS 1.2")
}
