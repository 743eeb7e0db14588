//! A redirect from a vhost with `sts` to its own name in clear: browsers come back by TLS.

use schemas::plan::Origin;

use super::follow::Url;
use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::semantics::view::{View, key_span, value_span};

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for (vhost, mount) in view.mounts() {
        let Origin::Redirect { url } = mount.plan.origin else { continue };
        if !vhost.plan.sts || vhost.plan.tls.is_none() || !url.starts_with("http://") {
            continue;
        }
        let Some(host) = Url::parse(url).map(|url| url.host) else { continue };
        if !is_within(host, vhost.plan.name) {
            continue;
        }
        let headline =
            format!("{} redirects to plain HTTP, which `sts` forbids", quoted(mount.plan.mountpoint));
        let found = Diagnostic::warning(Code::StsDowngrade, headline, value_span(mount.fields, "origin"))
            .label("browsers ask for `https` here instead")
            .also(key_span(vhost.fields, "sts"), "tells browsers to use TLS for this host and its subdomains")
            .help("redirect to `https://`");
        report.push(found);
    }
}

/// Whether a host is `name` or a subdomain of it.
fn is_within(host: &str, name: &str) -> bool {
    let (host, name) = (host.to_ascii_lowercase(), name.to_ascii_lowercase());
    host.strip_suffix(&name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}
