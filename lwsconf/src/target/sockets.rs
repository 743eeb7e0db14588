//! Listening: interfaces that exist, ports that are free and may be had, folders for socket files.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

use nix::ifaddrs::getifaddrs;

use super::path::Wanted;
use super::{By, Machine};
use crate::diagnostic::{Code, Diagnostic, quoted};
use crate::schema::{Fields, Spanned, Text};

/// The bit of the capability to bind low ports, CAP_NET_BIND_SERVICE in `capabilities(7)`.
const CAP_NET_BIND_SERVICE: u64 = 1 << 10;

/// The addresses of this machine, with the names of their interfaces.
struct Interfaces(Vec<(String, Option<IpAddr>)>);

impl Machine<'_, '_> {
    /// Checks where each vhost listens, once for each place.
    pub(super) fn sockets(&mut self) {
        let interfaces = Interfaces::read();
        let lowest = lowest_open_port();
        let mut seen = HashSet::new();
        for vhost in self.config.vhosts() {
            let interface = vhost.text("interface").filter(|text| !text.value.is_empty());
            if vhost.is_on("unix-socket") {
                if let Some(path) = interface {
                    self.path("the socket", &path, path.value, Wanted::Socket, By::Starter);
                }
                continue;
            }
            let Some(port) = vhost.integer("port") else { continue };
            let Some(number) = u16::try_from(port.value).ok().filter(|number| *number != 0) else { continue };
            let families = (vhost.is_on("noipv6"), vhost.boolean("ipv6only").map(|switch| switch.value));
            if seen.insert((interface.map(|text| text.value.to_owned()), number, families)) {
                self.listen(vhost, interface.as_ref(), number, port, lowest, interfaces.as_ref());
            }
        }
    }

    fn listen(
        &mut self,
        vhost: &Fields<'_>,
        interface: Option<&Text<'_>>,
        number: u16,
        port: Spanned<i64>,
        lowest: u16,
        interfaces: Option<&Interfaces>,
    ) {
        let addresses = match (interface, interfaces) {
            (None, _) => vec![Ipv4Addr::UNSPECIFIED.into(), Ipv6Addr::UNSPECIFIED.into()],
            (Some(name), Some(interfaces)) => match interfaces.addresses(name.value) {
                Some(addresses) => addresses,
                None => return self.report.push(no_interface(name, interfaces)),
            },
            (Some(_), None) => return,
        };
        if number < lowest && !self.starter.is_root() && !may_bind_low_ports() {
            return self.report.push(privileged(port, &self.starter.to_string(), lowest));
        }
        let no_ipv6 = vhost.is_on("noipv6") || vhost.boolean("ipv6only").is_some_and(|only| !only.value);
        let no_ipv4 = !vhost.is_on("noipv6") && vhost.is_on("ipv6only");
        for address in addresses {
            if if address.is_ipv4() { no_ipv4 } else { no_ipv6 } {
                continue;
            }
            // Given back at once. Only what is certain is told: the machine may lack a family of addresses.
            let tried = TcpListener::bind(SocketAddr::new(address, number));
            if tried.is_err_and(|cause| cause.kind() == io::ErrorKind::AddrInUse) {
                return self.report.push(taken(port, SocketAddr::new(address, number)));
            }
        }
    }
}

impl Interfaces {
    fn read() -> Option<Self> {
        let all = getifaddrs().ok()?.map(|entry| {
            let address = entry.address.as_ref().and_then(|address| {
                let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
                v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip())))
            });
            (entry.interface_name, address)
        });
        Some(Self(all.collect()))
    }

    /// The addresses that an `interface` means; none if this machine does not have it.
    fn addresses(&self, interface: &str) -> Option<Vec<IpAddr>> {
        if let Ok(address) = interface.parse::<IpAddr>() {
            let known = address.is_unspecified()
                || address.is_loopback()
                || self.0.iter().any(|(_, known)| *known == Some(address));
            return known.then(|| vec![address]);
        }
        let mut found = self.0.iter().filter(|(name, _)| name == interface).peekable();
        found.peek()?;
        // Link-local addresses cannot be tried without their scope.
        let local = |address: &IpAddr| matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
        Some(found.filter_map(|(_, address)| *address).filter(|address| !local(address)).collect())
    }

    fn names(&self) -> String {
        let mut names: Vec<&str> = self.0.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ")
    }
}

/// Whether this process has the capability. Whoever starts the server is taken to have the same ones.
fn may_bind_low_ports() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let bits = effective.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok());
    bits.is_some_and(|bits| bits & CAP_NET_BIND_SERVICE != 0)
}

/// The lowest port that everybody may have.
fn lowest_open_port() -> u16 {
    let text = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap_or_default();
    text.trim().parse().unwrap_or(1024)
}

fn no_interface(name: &Text<'_>, interfaces: &Interfaces) -> Diagnostic {
    let what = if name.value.parse::<IpAddr>().is_ok() { "address" } else { "interface" };
    let headline = format!("this machine has no {what} {}", quoted(name.value));
    Diagnostic::warning(Code::NoInterface, headline, name.span())
        .label(format!("no such {what}"))
        .note(format!("there are the interfaces {}", interfaces.names()))
        .help("the server waits until it comes up; if it never will, correct `interface`")
}

fn privileged(port: Spanned<i64>, starter: &str, lowest: u16) -> Diagnostic {
    Diagnostic::error(
        Code::PortPrivileged,
        format!("port {} is for privileged programs", port.value),
        port.span,
    )
    .label(format!("{starter} may have ports from {lowest} on"))
    .help("start the server as root, with a user to become in `global`, or give it CAP_NET_BIND_SERVICE")
}

fn taken(port: Spanned<i64>, address: SocketAddr) -> Diagnostic {
    Diagnostic::warning(Code::PortTaken, format!("port {} is taken", port.value), port.span)
        .label(format!("another program listens on {address}"))
        .note("that is as it should be if it is the server that will get this plan by a reload")
        .help("`ss -ltnp` names the program")
}
