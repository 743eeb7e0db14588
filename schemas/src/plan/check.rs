//! What holds between the sections of a plan, and what its values may be.
//!
//! The server relies on all of it: ids are used as indices, headers go on the wire, mountpoints become routes.
//! Order: sources first (places refer to them), then listeners and vhosts, which refer to each other.

use std::collections::HashSet;

use super::read::Sections;
use super::{
    Bind, Global, Header, Limits, ListenerId, Listeners, Mount, Origin, Place, ProxyLimits, ReadError,
    Seconds, Sources, Tls, UpstreamAddress, Vhost,
};

/// Decodes every section and follows every reference.
pub(super) fn check(sections: &Sections<'_>, digest: &[u8; 32]) -> Result<(), ReadError> {
    let sources: Sources<'_> = sections.decode(0)?;
    ensure(digest_of(&sources) == *digest, "sources", || {
        "they do not have the digest that the preamble says".to_owned()
    })?;
    let files = sources.files.len();
    let global: Global<'_> = sections.decode(1)?;
    check_global(&global, files)?;
    let logs: HashSet<&str> = global.access_logs.iter().map(|log| log.path).collect();
    let listeners: Listeners<'_> = sections.decode(2)?;
    let vhosts = sections.ranges.len() - 3;
    let owners = check_listeners(&listeners, vhosts, files)?;
    for (number, owner) in owners.into_iter().enumerate() {
        let vhost: Vhost<'_> = sections.decode(3 + number)?;
        check_vhost(&vhost, number, owner, files)?;
        let known = vhost.access_log.is_none_or(|path| logs.contains(path));
        ensure_at(known, || format!("vhost {number}"), || "an access log that `global` lacks".to_owned())?;
    }
    Ok(())
}

/// BLAKE3 over count, names and hashes of the sources: which config a plan is of.
pub(super) fn digest_of(sources: &Sources<'_>) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    for file in &sources.files {
        hasher.update(&(file.name.len() as u64).to_le_bytes());
        hasher.update(file.name.as_bytes());
        hasher.update(&file.hash);
    }
    *hasher.finalize().as_bytes()
}

fn check_global(global: &Global<'_>, files: usize) -> Result<(), ReadError> {
    ensure(!matches!(global.count_threads, Some(0 | 1025..)), "global", || {
        "`count-threads` is not between 1 and 1024".to_owned()
    })?;
    let server = global.server_string.unwrap_or_default();
    ensure(is_field_value(server), "global", || "`server-string` cannot be a header's value".to_owned())?;
    check_global_limits(&global.limits)?;
    for key in &global.places {
        check_place(key.place, files, || "global".to_owned())?;
    }
    for log in &global.access_logs {
        check_place(log.place, files, || "global".to_owned())?;
    }
    for entry in &global.reject_service_keywords {
        ensure((100..1000).contains(&entry.status), "global", || {
            format!("keyword `{}` has status {}", entry.keyword.escape_default(), entry.status)
        })?;
    }
    Ok(())
}

fn check_global_limits(limits: &Limits) -> Result<(), ReadError> {
    let holds = limits.request_line.is_none_or(|line| Limits::LINE.contains(&line))
        && limits.request_head.is_none_or(|head| Limits::HEAD.contains(&head))
        && limits.request_fields.is_none_or(|fields| Limits::FIELDS.contains(&fields))
        && limits.requests != Some(0);
    ensure(holds, "global", || "a limit is out of range".to_owned())
}

/// The listener of each vhost, as the listeners tell it, and whether that one speaks TLS.
type Owner = Option<(ListenerId, bool)>;

fn check_listeners(listeners: &Listeners<'_>, vhosts: usize, files: usize) -> Result<Vec<Owner>, ReadError> {
    let mut owners: Vec<Owner> = vec![None; vhosts];
    for (number, listener) in (0..).zip(&listeners.listeners) {
        let place = || format!("listener {number}");
        check_place(listener.place, files, place)?;
        ensure_at(!listener.vhosts.is_empty(), place, || "no vhost".to_owned())?;
        let port = match listener.bind {
            Bind::Any { port, .. } | Bind::Interface { port, .. } => Some(port),
            Bind::Unix { .. } => None,
        };
        ensure_at(port != Some(0), place, || "port 0".to_owned())?;
        for id in &listener.vhosts {
            let owner = owners.get_mut(id.index());
            ensure_at(matches!(owner, Some(None)), place, || {
                format!("vhost {} is not there or stands twice", id.0)
            })?;
            if let Some(owner) = owner {
                *owner = Some((ListenerId(number), listener.tls));
            }
        }
    }
    Ok(owners)
}

fn check_vhost(vhost: &Vhost<'_>, number: usize, owner: Owner, files: usize) -> Result<(), ReadError> {
    let place = || format!("vhost {number}");
    check_place(vhost.place, files, place)?;
    check_headers(&vhost.headers, place)?;
    ensure_at(vhost.listener == owner.map(|(id, _)| id), place, || {
        format!("names {:?}, is listed by {owner:?}", vhost.listener)
    })?;
    ensure_at(owner.is_none_or(|(_, tls)| tls == vhost.tls.is_some()), place, || {
        "TLS and clear on one listener".to_owned()
    })?;
    if let Some(tls) = &vhost.tls {
        check_tls(tls, place)?;
    }
    for protocol in &vhost.protocols {
        check_place(protocol.place, files, place)?;
    }
    let defaults = vhost.protocols.iter().filter(|protocol| protocol.default).count();
    ensure_at(defaults < 2, place, || format!("{defaults} default protocols"))?;
    for (index, mount) in vhost.mounts.iter().enumerate() {
        check_mount(mount, files, || format!("vhost {number} mount {index}"))?;
    }
    Ok(())
}

fn check_tls(tls: &Tls<'_>, place: impl Fn() -> String) -> Result<(), ReadError> {
    let versions = tls.min_version..=tls.max_version;
    let fits = tls.suites.iter().all(|suite| versions.contains(&suite.version()));
    ensure_at(!tls.suites.is_empty() && !tls.groups.is_empty() && fits, place, || {
        "TLS suites, groups or versions that leave nothing".to_owned()
    })
}

fn check_limits(limits: &ProxyLimits, place: impl Fn() -> String + Copy) -> Result<(), ReadError> {
    let ProxyLimits {
        connect_timeout,
        answer_timeout,
        idle_timeout,
        websocket_timeout,
        connections,
        body_limit: _,
    } = limits;
    let times = [connect_timeout, answer_timeout, idle_timeout, websocket_timeout];
    let none = times.into_iter().any(|time| *time == Some(Seconds(0))) || *connections == Some(0);
    ensure_at(!none, place, || "limits of a proxy that leave nothing".to_owned())
}

fn check_mount(mount: &Mount<'_>, files: usize, place: impl Fn() -> String + Copy) -> Result<(), ReadError> {
    check_place(mount.place, files, place)?;
    check_headers(&mount.headers, place)?;
    let mountpoint = mount.mountpoint;
    ensure_at(mountpoint.len() < 256 && !mountpoint.is_empty(), place, || {
        format!("mountpoint of {} bytes", mountpoint.len())
    })?;
    for mime in &mount.extra_mimetypes {
        ensure_at(is_field_value(mime.media_type), place, || {
            "media type that is no header value".to_owned()
        })?;
    }
    match &mount.origin {
        Origin::Redirect { url } => {
            ensure_at(is_field_value(url), place, || "redirect that is no header value".to_owned())
        }
        Origin::Proxy(upstream) => {
            check_limits(&mount.proxy, place)?;
            let port = !matches!(upstream.address, UpstreamAddress::Host { port: 0, .. });
            ensure_at(port, place, || "upstream port 0".to_owned())
        }
        Origin::File { .. } | Origin::Cgi { .. } | Origin::Callback { .. } | Origin::Gzip { .. } => Ok(()),
    }
}

fn check_headers(headers: &[Header<'_>], place: impl Fn() -> String) -> Result<(), ReadError> {
    for header in headers {
        let fine = is_token(header.name) && is_field_value(header.value);
        ensure_at(fine, &place, || format!("header `{}` is not legal", header.name.escape_default()))?;
    }
    Ok(())
}

fn check_place(at: Place, files: usize, place: impl Fn() -> String) -> Result<(), ReadError> {
    ensure_at(at.file.index() < files && at.line > 0, place, || {
        format!("source {} of {files}, line {}", at.file.0, at.line)
    })
}

/// Whether a text is a token (RFC 9110, section 5.6.2).
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// Whether a text can be a field value (RFC 9110, section 5.5): no control character but the tab.
pub(crate) fn is_field_value(text: &str) -> bool {
    text.bytes().all(|b| b == b'\t' || (b >= b' ' && b != 0x7f))
}

fn ensure(holds: bool, place: &str, reason: impl FnOnce() -> String) -> Result<(), ReadError> {
    ensure_at(holds, || place.to_owned(), reason)
}

fn ensure_at(
    holds: bool,
    place: impl FnOnce() -> String,
    reason: impl FnOnce() -> String,
) -> Result<(), ReadError> {
    if holds { Ok(()) } else { Err(ReadError::Reference { place: place(), reason: reason() }) }
}
