//! URLs that show what a finding is about: one that a reader can ask for.

use schemas::plan::Bind;

/// The URL that a path of a vhost is reached by; none for one on a unix socket.
pub(super) fn url(bind: &Bind<'_>, is_tls: bool, name: &str, path: &str) -> Option<String> {
    let (port, interface) = match *bind {
        Bind::Any { port, .. } => (port, None),
        Bind::Interface { interface, port, .. } => (port, Some(interface)),
        Bind::Unix { .. } => return None,
    };
    let (scheme, usual) = if is_tls { ("https", 443) } else { ("http", 80) };
    let is_named = name != super::vhost::DEFAULT_NAME;
    let host = if is_named { name } else { interface.unwrap_or("localhost") };
    let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
    let port = if port == usual { String::new() } else { format!(":{port}") };
    Some(format!("{scheme}://{host}{port}{path}"))
}
