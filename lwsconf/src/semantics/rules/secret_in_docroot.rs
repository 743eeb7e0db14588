//! Credentials or a private key below a folder that a mount serves.

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::schema::{Fields, Text};
use crate::semantics::view::View;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for vhost in &view.vhosts {
        let plan = vhost.plan;
        if plan.tls.is_some() {
            judge(view, vhost.fields.text("host-ssl-key"), "the private key", report);
        }
        if plan.client_tls.key.is_some() {
            judge(view, vhost.fields.text("client-ssl-key"), "the private key", report);
        }
        for mount in vhost.mounts.iter().filter(|mount| mount.plan.basic_auth.is_some()) {
            judge(view, mount.fields.text("basic-auth"), "the credentials file", report);
        }
        if plan.protocols.iter().any(|protocol| protocol.basic_auth.is_some()) {
            for fields in protocols(vhost.fields) {
                judge(view, fields.text("basic-auth"), "the credentials file", report);
            }
        }
    }
}

fn protocols<'f, 'a>(fields: &'f Fields<'a>) -> impl Iterator<Item = &'f Fields<'a>> {
    fields.protocols("ws-protocols").map(|protocol| &protocol.fields)
}

fn judge(view: &View<'_, '_>, text: Option<Text<'_>>, what: &str, report: &mut Report) {
    let Some(text) = text else { return };
    let Some((folder, place)) = view.docroots().holding(text.value) else { return };
    let headline = format!("{what} lies in a folder that is served");
    let found = Diagnostic::warning(Code::SecretInDocroot, headline, text.span())
        .label(format!("lies below `{folder}`"))
        .also(place, "the files in there are served")
        .note("whether it goes out hangs on its suffix, and on `extra-mimetypes`")
        .help("keep it in a folder that no mount serves, such as `/etc/lwsws`");
    report.push(found);
}
