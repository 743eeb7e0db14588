//! With `--compat`: names of headers, suffixes, variables and options that lwsws cuts at a dot.

use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::schema::{Fields, Text};
use crate::semantics::view::View;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for vhost in &view.vhosts {
        check_keys(vhost.fields, &["headers"], report);
        for mount in &vhost.mounts {
            check_keys(mount.fields, &["headers", "extra-mimetypes", "interpret", "cgi-env", "pmo"], report);
        }
        for protocol in vhost.fields.protocols("ws-protocols") {
            protocol.options.iter().for_each(|option| check_name(&option.name, report));
        }
    }
}

fn check_keys(fields: &Fields<'_>, keys: &[&str], report: &mut Report) {
    for key in keys.iter().filter(|key| fields.has(key)) {
        fields.pairs(key).for_each(|pair| check_name(&pair.name, report));
    }
}

fn check_name(name: &Text<'_>, report: &mut Report) {
    let dot = name.value.char_indices().skip(1).find(|(_, letter)| *letter == '.');
    let Some((at, _)) = dot else { return };
    let headline = format!("lwsws cuts the name {} at its dot", quoted(name.value));
    let found = Diagnostic::warning(Code::CompatNameCut, headline, name.span())
        .label(format!("read as {} there", quoted(&name.value[..at])))
        .note("lwsrun takes the whole name");
    report.push(found);
}
