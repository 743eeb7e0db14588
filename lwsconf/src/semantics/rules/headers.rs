//! The lists of headers of vhosts and mounts: no rule, but what several rules ask.

use schemas::plan::Header;

use crate::schema::{Fields, Pair};
use crate::semantics::view::View;

/// All lists that are not empty, as lowered and as written.
pub(super) fn lists<'v, 'a>(view: &View<'v, 'a>) -> impl Iterator<Item = (&'v [Header<'a>], &'a Fields<'a>)> {
    let vhosts = view.vhosts.iter().map(|vhost| (&vhost.plan.headers[..], vhost.fields));
    let mounts = view.mounts().map(|(_, mount)| (&mount.plan.headers[..], mount.fields));
    vhosts.chain(mounts).filter(|(headers, _)| !headers.is_empty())
}

/// The headers of a list whose names are wanted, as they are written.
pub(super) fn written<'a>(
    list: (&[Header<'a>], &'a Fields<'a>),
    wanted: impl Fn(&str) -> bool,
) -> Vec<Pair<'a>> {
    // A look at what was lowered is quick, and nearly always enough.
    if !list.0.iter().any(|header| wanted(header.name)) {
        return Vec::new();
    }
    list.1.pairs("headers").filter(|pair| wanted(pair.name.value)).collect()
}

/// Whether a name is one of several, in any case.
pub(super) fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|one| name.eq_ignore_ascii_case(one))
}
