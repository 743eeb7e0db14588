//! A default document, fallback or error document whose suffix no table knows: it is answered 415.

use schemas::plan::Origin;
use schemas::route::{ContentType, Mounts, content_type, decode_path};

use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::schema::Text;
use crate::semantics::view::{VhostView, View};

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for (_, mount) in view.mounts() {
        let Origin::File { .. } = &mount.plan.origin else { continue };
        for (key, document) in [("default", mount.plan.default), ("fallback", mount.plan.fallback)] {
            let Some(document) = document else { continue };
            let is_unknown =
                content_type(&mount.plan.extra_mimetypes, document.as_bytes()) == ContentType::Unknown;
            // A folder is another mistake, and it has been said.
            if is_unknown
                && !document.ends_with('/')
                && let Some(text) = mount.fields.text(key)
            {
                report.push(unserved(key, &text));
            }
        }
    }
    for vhost in view.vhosts.iter().filter(|vhost| is_error_document_unknown(vhost).unwrap_or(false)) {
        if let Some(text) = vhost.fields.text("error-document-404") {
            report.push(unserved("error-document-404", &text));
        }
    }
}

/// Whether a mount of files serves the error document, and does not know its suffix.
fn is_error_document_unknown(vhost: &VhostView<'_, '_>) -> Option<bool> {
    let document = vhost.plan.error_document_404?;
    let path = decode_path(document.split(['?', '#']).next()?).ok()?;
    let matched = Mounts::new(&vhost.plan.mounts).find(&path)?;
    let mount = &vhost.plan.mounts[matched.mount.index()];
    let is_file = matches!(mount.origin, Origin::File { .. }) && !path.ends_with(b"/");
    Some(is_file && content_type(&mount.extra_mimetypes, &path) == ContentType::Unknown)
}

fn unserved(key: &str, text: &Text<'_>) -> Diagnostic {
    let headline = format!("`{key}` names {}, whose suffix nobody knows", quoted(text.value));
    let found =
        Diagnostic::warning(Code::UnservedType, headline, text.span()).label("answered 415, not served");
    let suffix = text.value.rsplit('/').next().and_then(|name| name.rfind('.').map(|dot| &name[dot..]));
    match suffix {
        Some(suffix @ (".php" | ".cgi" | ".pl" | ".py" | ".asp" | ".aspx" | ".jsp")) => found
            .note(format!("files are sent as they are: no program runs for `{suffix}`"))
            .help("mount the program itself with `cgi://`, or name a page"),
        Some(suffix) => {
            found.help(format!("add its type: `\"extra-mimetypes\": {{ \"{suffix}\": \"text/html\" }}`"))
        }
        None => found.help("name a file with a suffix such as `.html`"),
    }
}
