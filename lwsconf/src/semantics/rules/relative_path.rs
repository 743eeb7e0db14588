//! A relative path of a file, folder or socket: it counts from the folder that the server is started in.

use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::schema::{Fields, Text};
use crate::semantics::view::View;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for vhost in &view.vhosts {
        let keys = ["host-ssl-key", "host-ssl-cert", "host-ssl-ca", "access-log"];
        judge(vhost.fields, &keys, report);
        judge(vhost.fields, &["client-ssl-key", "client-ssl-cert", "client-ssl-ca"], report);
        if vhost.fields.is_on("unix-socket") {
            judge(vhost.fields, &["interface"], report);
        }
        for protocol in vhost.fields.protocols("ws-protocols") {
            judge(&protocol.fields, &["basic-auth"], report);
        }
        for mount in &vhost.mounts {
            judge(mount.fields, &["basic-auth", "cgi-chroot", "cgi-chdir"], report);
        }
    }
}

fn judge(fields: &Fields<'_>, keys: &[&str], report: &mut Report) {
    let texts = keys.iter().filter_map(|key| fields.text(key));
    // A blank in front is another mistake, and `@` begins the name of an abstract socket.
    for text in texts.filter(|text| !text.value.is_empty() && !text.value.starts_with(['/', '@', ' '])) {
        report.push(relative(&text));
    }
}

fn relative(text: &Text<'_>) -> Diagnostic {
    let headline = format!("the path {} is relative", quoted(text.value));
    Diagnostic::warning(Code::RelativePath, headline, text.span())
        .label("does not begin with `/`")
        .note("it would be looked for below the folder that the server is started in")
        .help("write the whole path; `_lws_ddir_` stands for the folder that is given with `--ddir`")
}
