//! Routing, pure and shared: plan and facts of a request in; vhost, mount, target, headers and reasons out.
//!
//! [`route`] answers for one request from nothing but the plan. The server does not call it: it prepares the same
//! pieces ([`Hosts`], [`Mounts`], [`content_type`], [`cache_control`] …) once for each vhost. A test holds that
//! both give the same answers, so what the compiler explains is what the server does.
//!
//! Order, as lwsws has it: host, path, keywords, mount, redirects, and then what the mount is.

mod header;
mod host;
mod mime;
mod mount;
mod path;
mod redirect;
mod reject;

pub use header::{STRICT_TRANSPORT_SECURITY, cache_control, merged_headers};
pub use host::{HostReason, Hosts, host_name};
pub use mime::{ContentType, content_type};
pub use mount::{Matched, Mounts};
pub use path::{PathError, canonical_path, decode_path, is_ambiguous, is_canonical, split_target};
pub use redirect::{appended_location, slash_location};
pub use reject::rejected_by;

use std::borrow::Cow;

use crate::plan::{ListenerId, Mount, MountId, Origin, Plan, RejectKeyword, VhostId};

/// What routing looks at in a request.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'r> {
    /// The listener that took the connection.
    pub listener: ListenerId,
    /// Whether the connection is TLS.
    pub tls: bool,
    /// The `Host` header or `:authority`, as sent.
    pub host: Option<&'r str>,
    /// The request target in origin form: path, and query if any.
    pub target: &'r str,
    /// The `User-Agent` header.
    pub user_agent: Option<&'r str>,
}

/// Where a request goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The vhost that answers.
    pub vhost: VhostId,
    /// Why that one.
    pub host_reason: HostReason,
    /// The mount, if one matches.
    pub mount: Option<MountId>,
    /// What is done.
    pub target: Target,
    /// Headers that the config adds to the answer, in the order in which they are added.
    pub headers: Vec<(String, String)>,
}

/// What is done with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The path is not legal: 400.
    BadPath(PathError),
    /// The user agent holds a keyword of `reject-service-keywords`.
    Rejected {
        /// The status of the refusal.
        status: u16,
    },
    /// No mount matches: 404.
    NoMount,
    /// 301 to this location: a redirect mount, or the slash that a mountpoint wants.
    Redirect {
        /// The value of `Location`.
        location: String,
    },
    /// A file below the docroot.
    File {
        /// The mount's folder.
        docroot: String,
        /// The decoded path below it, without a leading slash; empty or ending in `/` for a folder.
        below: Vec<u8>,
    },
    /// Handled by a proxy, a CGI program, a callback protocol or a gzip origin, with the decoded rest of the path.
    Dynamic {
        /// The decoded path after the mountpoint.
        rest: Vec<u8>,
    },
}

/// Routes one request.
#[must_use]
pub fn route(plan: &Plan, facts: &Facts<'_>) -> Route {
    let (vhost_id, host_reason) = Hosts::new(plan, facts.listener).select(facts.host);
    let vhost = plan.vhost(vhost_id);
    let mounts = Mounts::new(&vhost.mounts);
    let (path, query) = split_target(facts.target);
    let (mount, target) =
        target(&plan.global().reject_service_keywords, &vhost.mounts, &mounts, path, query, facts);
    let mount_headers = mount.map_or(&[][..], |id| &vhost.mounts[id.index()].headers);
    let mut headers: Vec<(String, String)> = merged_headers(&vhost.headers, mount_headers)
        .map(|header| (header.name.to_owned(), header.value.to_owned()))
        .collect();
    if let Some(server) = plan.global().server_string {
        headers.push(("server".to_owned(), server.to_owned()));
    }
    if vhost.sts && facts.tls {
        headers.push(("strict-transport-security".to_owned(), STRICT_TRANSPORT_SECURITY.to_owned()));
    }
    Route { vhost: vhost_id, host_reason, mount, target, headers }
}

fn target(
    keywords: &[RejectKeyword<'_>],
    all: &[Mount<'_>],
    mounts: &Mounts,
    path: &str,
    query: Option<&str>,
    facts: &Facts<'_>,
) -> (Option<MountId>, Target) {
    let decoded = match decode_path(path) {
        Ok(decoded) => decoded,
        Err(error) => return (None, Target::BadPath(error)),
    };
    let words = keywords.iter().map(|entry| entry.keyword);
    if let Some(index) = facts.user_agent.and_then(|agent| rejected_by(words, agent.as_bytes())) {
        return (None, Target::Rejected { status: keywords[index].status });
    }
    let Some(Matched { mount: id, rest }) = mounts.find(&decoded) else { return (None, Target::NoMount) };
    let rest = &decoded[rest..];
    let mount = &all[id.index()];
    let target = match &mount.origin {
        Origin::Redirect { url } if mount.append_path => {
            Target::Redirect { location: appended_location(url, rest) }
        }
        Origin::Redirect { url } => Target::Redirect { location: (*url).to_owned() },
        Origin::Proxy(_) if is_ambiguous(path) => Target::BadPath(PathError::Ambiguous),
        Origin::File { .. } | Origin::Proxy(_) if wants_slash(&decoded, rest) => {
            let canonical: Cow<'_, str> = canonical_path(&decoded);
            Target::Redirect { location: slash_location(&canonical, query) }
        }
        Origin::File { docroot } => {
            let below = rest.strip_prefix(b"/").unwrap_or(rest).to_vec();
            Target::File { docroot: (*docroot).to_owned(), below }
        }
        Origin::Proxy(_) | Origin::Cgi { .. } | Origin::Callback { .. } | Origin::Gzip { .. } => {
            Target::Dynamic { rest: rest.to_vec() }
        }
    };
    (Some(id), target)
}

/// Whether a path is exactly a mountpoint that a slash must be added to.
fn wants_slash(path: &[u8], rest: &[u8]) -> bool {
    rest.is_empty() && !path.ends_with(b"/")
}
