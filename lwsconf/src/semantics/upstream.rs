//! The target of a proxy mount: `HOST[:PORT]/PATH`, or `+/path/to.sock:/PATH` for a unix socket.

use schemas::plan::{Upstream, UpstreamAddress};

use super::Lowering;
use crate::diagnostic::{Code, Diagnostic, quoted};
use crate::schema::Text;

impl<'a> Lowering<'a, '_> {
    /// Takes the target of a proxy apart; `target` is what follows the scheme.
    pub(super) fn upstream(&mut self, text: &Text<'a>, target: &'a str, tls: bool) -> Option<Upstream<'a>> {
        let read = match target.strip_prefix('+') {
            Some(socket) => unix(socket),
            None => host(target, if tls { 443 } else { 80 }),
        };
        match read {
            Ok((address, "")) => {
                self.report.push(no_path(text));
                Some(Upstream { tls, address, path: "/" })
            }
            Ok((address, path)) => Some(Upstream { tls, address, path }),
            Err(reason) => {
                self.report.push(bad_target(text, target, reason));
                None
            }
        }
    }
}

type Target<'a> = (UpstreamAddress<'a>, &'a str);

fn unix(socket: &str) -> Result<Target<'_>, &'static str> {
    let (path, rest) =
        socket.split_once(':').ok_or("a `:` must part the socket's path from the path to ask for")?;
    if !path.starts_with('/') {
        return Err("the socket's path does not begin with `/`");
    }
    if !rest.is_empty() && !rest.starts_with('/') {
        return Err("the path to ask for does not begin with `/`");
    }
    Ok((UpstreamAddress::Unix { path }, rest))
}

fn host(target: &str, default_port: u16) -> Result<Target<'_>, &'static str> {
    if target.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
        return Err("there is a blank or a control character in it");
    }
    let (authority, path) = target.split_at(target.find('/').unwrap_or(target.len()));
    if authority.contains('@') {
        return Err("a name and password cannot be given here");
    }
    let (host, port) = split_port(authority)?;
    if host.is_empty() {
        return Err("there is no host");
    }
    let port = match port {
        Some(port) => {
            port.parse().ok().filter(|port| *port != 0).ok_or("the port is not a number from 1 to 65535")?
        }
        None => default_port,
    };
    Ok((UpstreamAddress::Host { host, port }, path))
}

/// Host and port; an IPv6 address stands in brackets, which are taken off.
fn split_port(authority: &str) -> Result<(&str, Option<&str>), &'static str> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, behind) = rest.split_once(']').ok_or("the bracket of the address is not closed")?;
        return match behind.strip_prefix(':') {
            Some(port) => Ok((host, Some(port))),
            None if behind.is_empty() => Ok((host, None)),
            None => Err("there is something between the address and the path"),
        };
    }
    match authority.split_once(':') {
        Some((_, port)) if port.contains(':') => Err("an IPv6 address must stand in brackets"),
        Some((host, port)) => Ok((host, Some(port))),
        None => Ok((authority, None)),
    }
}

fn bad_target(text: &Text<'_>, target: &str, reason: &str) -> Diagnostic {
    let headline = format!("the proxy's target {} cannot be read", quoted(target));
    let start = text.value.len() - target.len();
    Diagnostic::error(Code::BadUpstream, headline, text.span_of(start..text.value.len()))
        .label(reason.to_owned())
        .help("write `http://HOST:PORT/PATH`, or `http://+/path/to.sock:/PATH` for a unix socket")
}

fn no_path(text: &Text<'_>) -> Diagnostic {
    let end = text.value.len();
    let headline = format!("the proxy's target {} has no path", quoted(text.value));
    Diagnostic::warning(Code::UpstreamPath, headline, text.span_of(0..end))
        .label("read as if it ended in `/`")
        .note("lwsws does not answer requests to such a mount")
        .help("end it with a `/`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str, port: u16) -> UpstreamAddress<'_> {
        UpstreamAddress::Host { host, port }
    }

    #[test]
    fn targets_are_taken_apart() {
        assert_eq!(host("a.example/x", 80), Ok((tcp("a.example", 80), "/x")));
        assert_eq!(host("127.0.0.1:3000", 80), Ok((tcp("127.0.0.1", 3000), "")));
        assert_eq!(host("[::1]:8080/", 443), Ok((tcp("::1", 8080), "/")));
        assert_eq!(host("[::1]/", 443), Ok((tcp("::1", 443), "/")));
        assert_eq!(unix("/run/a.sock:/x"), Ok((UpstreamAddress::Unix { path: "/run/a.sock" }, "/x")));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for target in
            ["", "/x", ":80/", "a:0/", "a:70000/", "a:b/", "::1/", "[::1/", "[::1]x/", "u@a/", "a b/"]
        {
            assert!(host(target, 80).is_err(), "{target:?}");
        }
        for target in ["", "/run/a.sock", "run/a.sock:/", "/run/a.sock:x"] {
            assert!(unix(target).is_err(), "{target:?}");
        }
    }
}
