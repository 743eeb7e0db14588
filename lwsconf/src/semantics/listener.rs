//! Listeners: vhosts with the same interface and port share one, in config order.

use std::collections::HashMap;
use std::net::IpAddr;

use grammar::Span;
use schemas::plan::{Bind, Families, Listener, ListenerId, Listeners, Vhost, VhostId};

use super::Lowering;
use super::url::url;
use crate::diagnostic::{Code, Diagnostic, quoted};
use crate::schema::Fields;

/// Where a vhost wants to listen.
pub(super) struct Wish<'a> {
    bind: Bind<'a>,
    /// The key that says so.
    span: Span,
    /// Whether the vhost has a certificate.
    tls: bool,
    /// Whether that is meant: not if the key seems to be misspelt.
    is_meant: bool,
    /// Where the name of the vhost stands, or the vhost itself.
    name: Span,
}

/// The wishes of all vhosts, in config order; none for a vhost that does not listen.
#[derive(Default)]
pub(super) struct Listening<'a> {
    wishes: Vec<Option<Wish<'a>>>,
}

impl<'a> Listening<'a> {
    /// Where the last vhost wants to listen.
    pub(super) fn last(&self) -> Option<&Bind<'a>> {
        self.wishes.last()?.as_ref().map(|wish| &wish.bind)
    }
}

/// What makes two vhosts share a listener.
#[derive(PartialEq, Eq, Hash)]
enum Key<'a> {
    Tcp { interface: Option<&'a str>, port: u16 },
    Unix { path: &'a str },
}

impl<'a> Lowering<'a, '_> {
    /// Remembers where a vhost wants to listen.
    pub(super) fn listen(&mut self, fields: &'a Fields<'a>, tls: bool, listening: &mut Listening<'a>) {
        let wish = self.bind(fields).map(|(bind, span)| {
            let name = fields.key_span("name").or(fields.brace()).unwrap_or(span);
            // A key without a certificate has been reported, and a certificate is what was meant.
            let is_meant = !fields.is_misspelt("host-ssl-cert") && (tls || !fields.has("host-ssl-key"));
            Wish { bind, span, tls, is_meant, name }
        });
        listening.wishes.push(wish);
    }

    fn bind(&mut self, fields: &'a Fields<'a>) -> Option<(Bind<'a>, Span)> {
        let port = fields.integer("port");
        let families = self.families(fields);
        let interface = fields.text("interface");
        if port.is_some_and(|port| port.value == -1) {
            return None;
        }
        if fields.is_on("unix-socket") {
            let perms = fields.text("unix-socket-perms").map(|text| text.value);
            let Some(path) = interface.filter(|path| !path.value.is_empty()) else {
                if self.is_missing(fields, "interface") {
                    self.report.push(socket_path_missing(fields.key_span("unix-socket")?));
                }
                return None;
            };
            return Some((Bind::Unix { path: path.value, perms }, path.span()));
        }
        let Some((number, span)) = port.and_then(|port| Some((u16::try_from(port.value).ok()?, port.span)))
        else {
            if self.is_missing(fields, "port") && !fields.is_misspelt("unix-socket") {
                self.report.push(port_missing(fields.brace()?));
            }
            return None;
        };
        if number == 0 {
            self.report.push(port_zero(span));
            return None;
        }
        let bind = match interface.map(|text| text.value).filter(|interface| !interface.is_empty()) {
            Some(interface) => {
                let families = literal_family(interface).unwrap_or(families);
                Bind::Interface { interface, port: number, families }
            }
            None => Bind::Any { port: number, families },
        };
        Some((bind, span))
    }

    /// `noipv6` and `ipv6only`.
    fn families(&mut self, fields: &Fields<'_>) -> Families {
        let no_ipv6 = fields.boolean("noipv6").filter(|switch| switch.value);
        match (no_ipv6, fields.boolean("ipv6only")) {
            (Some(no_ipv6), Some(only)) if only.value => {
                self.report.push_tolerated(conflict(no_ipv6.span, only.span));
                Families::V4
            }
            (Some(_), _) => Families::V4,
            (None, Some(only)) if only.value => Families::V6,
            (None, Some(only)) => {
                self.report.push(ipv6_only_off(only.span));
                Families::V4
            }
            (None, None) => Families::Both,
        }
    }

    /// Puts vhosts with the same interface and port together and tells each its listener.
    pub(super) fn listeners(&mut self, listening: Listening<'a>, vhosts: &mut [Vhost<'a>]) -> Listeners<'a> {
        let mut ids: HashMap<Key<'a>, usize> = HashMap::new();
        let mut listeners: Vec<Listener<'a>> = Vec::new();
        let mut firsts: Vec<Wish<'a>> = Vec::new();
        let mut names: HashMap<(usize, String), Span> = HashMap::new();
        for ((wish, vhost), id) in listening.wishes.into_iter().zip(vhosts).zip(0..) {
            let Some(wish) = wish else { continue };
            let index = *ids.entry(key(&wish.bind)).or_insert(listeners.len());
            if let Some(earlier) = names.insert((index, vhost.name.to_ascii_lowercase()), wish.name) {
                let witness = url(&wish.bind, vhost.tls.is_some(), vhost.name, "/");
                self.report.push(duplicate_vhost(vhost.name, earlier, wish.name, witness));
            }
            vhost.listener = u32::try_from(index).ok().map(ListenerId);
            match listeners.get_mut(index) {
                Some(listener) => {
                    self.share(listener, &firsts[index], &wish);
                    listener.vhosts.push(VhostId(id));
                }
                None => {
                    let bind = wish.bind.clone();
                    let place = vhost.place;
                    let tls = wish.tls;
                    listeners.push(Listener { bind, vhosts: vec![VhostId(id)], tls, place });
                    firsts.push(wish);
                }
            }
        }
        Listeners { listeners }
    }

    /// Checks whether a vhost fits the listener that an earlier one has asked for.
    fn share(&mut self, listener: &mut Listener<'a>, first: &Wish<'a>, wish: &Wish<'a>) {
        // What a misspelt key has caused is not told beside it; unless that is tolerated, and the vhost is as it is.
        let is_told = !(first.is_meant && wish.is_meant) && self.report.errors() > 0;
        if first.tls != wish.tls && !is_told {
            self.report.push(mixed_tls((first.span, first.tls), (wish.span, wish.tls)));
        }
        let (Some(families), Some(more)) =
            (families_of(&mut listener.bind), families_of(&mut wish.bind.clone()).copied())
        else {
            return;
        };
        if *families != more {
            self.report.push(mixed_families(first.span, wish.span));
            *families = Families::Both;
        }
    }
}

fn key<'a>(bind: &Bind<'a>) -> Key<'a> {
    match *bind {
        Bind::Any { port, .. } => Key::Tcp { interface: None, port },
        Bind::Interface { interface, port, .. } => Key::Tcp { interface: Some(interface), port },
        Bind::Unix { path, .. } => Key::Unix { path },
    }
}

fn families_of<'b>(bind: &'b mut Bind<'_>) -> Option<&'b mut Families> {
    match bind {
        Bind::Any { families, .. } | Bind::Interface { families, .. } => Some(families),
        Bind::Unix { .. } => None,
    }
}

/// The family of a numeric address, whatever the switches say.
fn literal_family(interface: &str) -> Option<Families> {
    match interface.parse().ok()? {
        IpAddr::V4(_) => Some(Families::V4),
        IpAddr::V6(_) => Some(Families::V6),
    }
}

fn port_missing(brace: Span) -> Diagnostic {
    Diagnostic::error(Code::PortMissing, "this vhost has no `port`", brace)
        .label("no `port` in here")
        .help("add `\"port\": 80`, or `\"port\": -1` for a vhost that does not listen")
}

fn port_zero(span: Span) -> Diagnostic {
    Diagnostic::error(Code::PortMissing, "a vhost cannot listen on port 0", span)
        .label("no port")
        .help("write a port from 1 to 65535, or -1 for a vhost that does not listen")
}

fn socket_path_missing(span: Span) -> Diagnostic {
    Diagnostic::error(Code::SocketPathMissing, "a unix socket needs a path", span)
        .label("asks for a unix socket")
        .help("add the path as `interface`, such as `\"interface\": \"/run/site.sock\"`")
}

fn conflict(no_ipv6: Span, only: Span) -> Diagnostic {
    Diagnostic::error(Code::FamilyConflict, "`noipv6` and `ipv6only` leave nothing to listen on", only)
        .label("IPv6 only")
        .also(no_ipv6, "no IPv6")
        .note("with both, `noipv6` counts")
        .help("keep one of them")
}

fn ipv6_only_off(span: Span) -> Diagnostic {
    Diagnostic::remark(Code::Ipv6OnlyOff, "`ipv6only` switched off means IPv4 only", span)
        .note("so says the documentation of lwsws; the program itself listens on both")
        .help("leave it out to listen on both, or write `noipv6` to say what is meant")
}

fn mixed_tls(first: (Span, bool), later: (Span, bool)) -> Diagnostic {
    let describe = |tls| if tls { "with a certificate" } else { "without a certificate" };
    Diagnostic::error(Code::MixedTls, "TLS and clear on one port", later.0)
        .label(format!("a vhost {}", describe(later.1)))
        .also(first.0, format!("a vhost {}", describe(first.1)))
        .help("give them different ports; for plain HTTP on a TLS port see `allow-non-tls`")
}

fn mixed_families(first: Span, later: Span) -> Diagnostic {
    let headline = "vhosts on one port want different address families, and share them all";
    Diagnostic::warning(Code::MixedFamilies, headline, later)
        .label("wants others than the first")
        .also(first, "the first vhost on this port")
        .help("give `noipv6` and `ipv6only` alike to all vhosts of a port")
}

fn duplicate_vhost(name: &str, earlier: Span, later: Span, witness: Option<String>) -> Diagnostic {
    let headline = format!("a second vhost {} on the same listener is never reached", quoted(name));
    let found = Diagnostic::warning(Code::DuplicateVhost, headline, later)
        .label("never reached")
        .also(earlier, "all requests go here");
    let found = match witness {
        Some(url) => found.note(format!("the first answers {}", quoted(&url))),
        None => found,
    };
    found.help("put their mounts together, or give one another name")
}
