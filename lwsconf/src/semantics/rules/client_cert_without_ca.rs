//! Client certificates are required, and there is nothing to check them with.

use crate::diagnostic::{Code, Diagnostic, Report};
use crate::semantics::view::{View, key_span};

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for vhost in &view.vhosts {
        let Some(tls) = vhost.plan.tls.as_ref().filter(|tls| tls.client_cert_required) else { continue };
        if tls.ca.is_some() || !vhost.fields.lacks("host-ssl-ca") {
            continue;
        }
        let headline = "client certificates are required, and nothing can check them";
        let found = Diagnostic::error(
            Code::ClientCertWithoutCa,
            headline,
            key_span(vhost.fields, "client-cert-required"),
        )
        .label("no certificate is good enough")
        .help("name the file of the authorities that sign them with `host-ssl-ca`");
        report.push_tolerated(found);
    }
}
