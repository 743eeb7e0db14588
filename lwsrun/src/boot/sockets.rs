//! The listening sockets of a plan, all bound before privileges are dropped.
//!
//! 1. each listener becomes its addresses ([`interface`]) or its path ([`unix`]); one whose interface or address is
//!    not there yet is waited for ([`waiting`]);
//! 2. no two listeners may mean the same address;
//! 3. every address is tried without `SO_REUSEPORT`, which tells a port that is in use: with it, a second server of
//!    the same user would silently get half of the connections;
//! 4. every worker gets a socket of its own for each address, so that the kernel spreads connections.

mod fast_open;
mod interface;
mod unix;
pub(crate) mod waiting;

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use schemas::plan::{Bind, Families, Listener, ListenerId, Plan};
use socket2::{Domain, Protocol, Socket, Type};

use super::privilege::Identity;
use crate::connection::look_after_peers;
use crate::protocol::onward;

/// Connections that wait for a worker; the kernel cuts it to `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// Lower ports are for privileged processes, unless the kernel is told otherwise.
const PRIVILEGED: u16 = 1024;

/// A bound and listening socket.
#[derive(Debug)]
pub(crate) enum Listening {
    /// TCP.
    Tcp(std::net::TcpListener),
    /// A unix stream socket.
    Unix(std::os::unix::net::UnixListener),
}

/// A socket of one worker.
#[derive(Debug)]
pub(crate) struct Bound {
    /// The plan's listener that it belongs to.
    pub(crate) listener: ListenerId,
    /// Whether its connections speak TLS.
    pub(crate) tls: bool,
    /// The socket.
    pub(crate) socket: Listening,
}

/// All sockets of the process.
#[derive(Debug)]
pub(crate) struct Sockets {
    /// For each worker, its sockets.
    pub(crate) workers: Vec<Vec<Bound>>,
    /// What is listened on, in the words of the log.
    pub(crate) addresses: Vec<String>,
    /// Listeners whose interface or address is not there yet.
    pub(crate) waiting: Vec<ListenerId>,
}

/// Why a listener cannot listen.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on `{address}` ({at}): {fault}")]
pub(crate) struct BindError {
    address: String,
    /// The line of the config that asks for it.
    at: String,
    #[source]
    fault: Fault,
}

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("it is in use by another process; stop that one (`ss -ltnp` names it) or change `port`")]
    InUse,
    #[error(
        "this process may not: ports below 1024 need root, the capability CAP_NET_BIND_SERVICE, or a lower net.ipv4.ip_unprivileged_port_start"
    )]
    NotAllowed,
    #[error("this machine does not have that address")]
    NoAddress,
    #[error("there is no interface of that name (this machine has {0})")]
    NoInterface(String),
    #[error("`{0}` has no address of the families that the vhost wants")]
    NoAddressYet(String),
    #[error("`{0}` has no address of the families that the vhost wants; see `noipv6` and `ipv6only`")]
    NoFamily(String),
    #[error("{0} listens on the same address; give the vhosts the same `interface`, or different ports")]
    Twice(String),
    #[error("something is there that is not a socket; remove it or change the path in `interface`")]
    NotASocket,
    #[error("a running process listens on it; stop that one or change the path in `interface`")]
    Alive,
    #[error("the path must have 1 to 107 bytes")]
    PathLength,
    #[error("`unix-socket-perms` is `{0}`, expected `user:group`")]
    Perms(String),
    #[error(transparent)]
    Owner(#[from] super::privilege::PrivilegeError),
    #[error("{step} failed: {source}")]
    System { step: &'static str, source: io::Error },
}

impl Fault {
    /// Whether time may heal it: an interface that is not there yet, or has no address yet.
    fn may_pass(&self) -> bool {
        matches!(self, Self::NoAddress | Self::NoInterface(_) | Self::NoAddressYet(_))
    }

    fn system(step: &'static str) -> impl Fn(io::Error) -> Self {
        move |source| Self::System { step, source }
    }
}

/// One address of one listener.
struct Place<'a> {
    listener: ListenerId,
    /// `file:line` of the vhost that first named it.
    at: String,
    target: Target<'a>,
    tls: bool,
    /// No connection is looked at: all are handed on (`apply-listen-accept`).
    raw: bool,
    /// `fo-listen-queue`.
    fast_open: Option<u32>,
}

enum Target<'a> {
    Tcp {
        address: SocketAddr,
        /// Left out, with a word in the log, where the machine lacks its address family.
        optional: bool,
    },
    Unix {
        path: &'a str,
        perms: Option<&'a str>,
    },
}

impl fmt::Display for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { address, .. } => address.fmt(f),
            Self::Unix { path, .. } => path.fmt(f),
        }
    }
}

impl Place<'_> {
    fn scheme(&self) -> &'static str {
        match (&self.target, self.tls, self.raw) {
            (Target::Unix { .. }, false, false) => "unix:",
            (Target::Unix { .. }, true, false) => "TLS on unix:",
            (Target::Tcp { .. }, true, false) => "https://",
            (Target::Tcp { .. }, false, false) => "http://",
            (Target::Unix { .. }, false, true) => "raw unix:",
            (Target::Unix { .. }, true, true) => "raw TLS on unix:",
            (Target::Tcp { .. }, true, true) => "raw TLS on ",
            (Target::Tcp { .. }, false, true) => "raw TCP on ",
        }
    }

    fn error(&self, fault: Fault) -> BindError {
        BindError { address: self.target.to_string(), at: self.at.clone(), fault }
    }
}

/// Binds everything, for `workers` workers. Socket files go to `identity` unless the config says to whom.
///
/// # Errors
/// The first address that cannot be had, with the line of the config that asks for it and what to do.
pub(crate) fn bind(plan: &Plan, workers: usize, identity: &Identity) -> Result<Sockets, BindError> {
    let mut places = Vec::new();
    let mut waiting = Vec::new();
    let listeners = plan.listeners().listeners;
    for (id, listener) in (0..).map(ListenerId).zip(&listeners) {
        match places_of(plan, id, listener) {
            Ok(found) => places.extend(found),
            Err(error) => waiting.push(wait_for(id, listener, error, identity)?),
        }
    }
    check_distinct(&places)?;
    let mut kept = Vec::with_capacity(places.len());
    for place in places.drain(..) {
        match probe(&place) {
            Ok(true) => kept.push(place),
            Ok(false) => {}
            // One line for each listener.
            Err(_) if waiting.contains(&place.listener) => {}
            Err(error) => {
                let listener = &listeners[place.listener.index()];
                waiting.push(wait_for(place.listener, listener, error, identity)?);
            }
        }
    }
    // A listener comes whole or not at all.
    kept.retain(|place| !waiting.contains(&place.listener));
    let mut sockets =
        Sockets { workers: (0..workers).map(|_| Vec::new()).collect(), addresses: Vec::new(), waiting };
    for place in &kept {
        sockets.add(place, identity)?;
    }
    Ok(sockets)
}

impl Sockets {
    fn add(&mut self, place: &Place<'_>, identity: &Identity) -> Result<(), BindError> {
        let sockets = listen(place, self.workers.len(), identity)?;
        for (worker, socket) in self.workers.iter_mut().zip(sockets) {
            worker.push(Bound { listener: place.listener, tls: place.tls, socket });
        }
        self.addresses.push(format!("{}{} ({})", place.scheme(), place.target, place.at));
        Ok(())
    }
}

/// Says that a listener is waited for; gives the error back if waiting would not help.
fn wait_for(
    id: ListenerId,
    listener: &Listener<'_>,
    error: BindError,
    identity: &Identity,
) -> Result<ListenerId, BindError> {
    if !error.fault.may_pass() {
        return Err(error);
    }
    tracing::warn!("{error}; waiting for it to appear");
    if let Bind::Interface { port, .. } = listener.bind
        && port < PRIVILEGED
        && identity.gives_up_root()
    {
        tracing::warn!(
            "port {port} of it will most likely be refused then, since the user that serves is not root: leave out \
             `username` and `uid`, and start the server as that user with CAP_NET_BIND_SERVICE (systemd: \
             `AmbientCapabilities=`), or lower net.ipv4.ip_unprivileged_port_start"
        );
    }
    Ok(id)
}

fn places_of<'a>(plan: &Plan, id: ListenerId, listener: &Listener<'a>) -> Result<Vec<Place<'a>>, BindError> {
    let at = plan.describe(listener.place);
    // Of several vhosts the first one's counts, as in lwsws, whose listening socket is the first one's.
    let first = plan.vhost(listener.vhosts[0]);
    let fast_open = first.fo_listen_queue;
    let raw = first.apply_listen_accept && onward(&first).is_some();
    let place = |target| Place { listener: id, at: at.clone(), target, tls: listener.tls, raw, fast_open };
    Ok(targets(&listener.bind, &at)?.into_iter().map(place).collect())
}

fn targets<'a>(bind: &Bind<'a>, at: &str) -> Result<Vec<Target<'a>>, BindError> {
    let tcp = |address| Target::Tcp { address, optional: false };
    match *bind {
        Bind::Unix { path, perms } => Ok(vec![Target::Unix { path, perms }]),
        Bind::Any { port, families } => {
            let v4 = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port);
            let v6 = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port);
            Ok(match families {
                Families::V4 => vec![tcp(v4)],
                Families::V6 => vec![tcp(v6)],
                Families::Both => vec![tcp(v4), Target::Tcp { address: v6, optional: true }],
            })
        }
        Bind::Interface { interface, port, families } => {
            let found = interface::addresses(interface, port, families);
            let found = found.map_err(|fault| BindError {
                address: format!("{interface}:{port}"),
                at: at.to_owned(),
                fault,
            })?;
            Ok(found.into_iter().map(tcp).collect())
        }
    }
}

/// Two listeners on one address would share its connections by chance, since the sockets share their ports.
fn check_distinct(places: &[Place<'_>]) -> Result<(), BindError> {
    let mut seen: HashMap<String, &Place<'_>> = HashMap::with_capacity(places.len());
    for place in places {
        if let Some(first) = seen.insert(place.target.to_string(), place) {
            return Err(place.error(Fault::Twice(first.at.clone())));
        }
    }
    Ok(())
}

/// Whether an address can be had; `false` for one that is left out.
fn probe(place: &Place<'_>) -> Result<bool, BindError> {
    let Target::Tcp { address, optional } = place.target else { return Ok(true) };
    match tcp_socket(address, false) {
        Ok(_probed) => Ok(true),
        Err(error) if optional && lacks_family(&error) => {
            tracing::info!("not listening on {address} ({}): this machine has no IPv6", place.at);
            Ok(false)
        }
        Err(error) => Err(place.error(bind_fault(error))),
    }
}

fn lacks_family(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let absent = [Errno::AFNOSUPPORT, Errno::ADDRNOTAVAIL];
    Errno::from_io_error(error).is_some_and(|errno| absent.contains(&errno))
}

fn bind_fault(error: io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::AddrInUse => Fault::InUse,
        io::ErrorKind::PermissionDenied => Fault::NotAllowed,
        io::ErrorKind::AddrNotAvailable => Fault::NoAddress,
        _ => Fault::System { step: "binding", source: error },
    }
}

fn listen(place: &Place<'_>, workers: usize, identity: &Identity) -> Result<Vec<Listening>, BindError> {
    match place.target {
        Target::Tcp { address, .. } => (0..workers)
            .map(|_| {
                let socket = tcp_socket(address, true).and_then(|socket| {
                    if let Some(queue) = place.fast_open {
                        fast_open::enable(&socket, queue)?;
                    }
                    socket.listen(BACKLOG)?;
                    Ok(Listening::Tcp(socket.into()))
                });
                socket.map_err(|error| place.error(bind_fault(error)))
            })
            .collect(),
        Target::Unix { path, perms } => {
            let first = unix::listen(path, perms, identity).map_err(|fault| place.error(fault))?;
            let copies = (0..workers).map(|_| first.try_clone().map(Listening::Unix));
            copies
                .collect::<io::Result<_>>()
                .map_err(|error| place.error(Fault::system("copying the socket")(error)))
        }
    }
}

/// A bound TCP socket, ready for a runtime.
fn tcp_socket(address: SocketAddr, share_port: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Connections of a former process that are in TIME_WAIT do not stand in the way.
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(share_port)?;
    look_after_peers(&socket)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boot::testing::{global, listener, plan_bytes, vhost, written};

    fn nobody() -> Identity {
        Identity::default()
    }

    /// A port that was free a moment ago.
    fn free_port() -> u16 {
        std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
    }

    #[test]
    fn each_worker_has_a_socket_and_a_second_server_is_refused() {
        let plan = Plan::from_bytes(plan_bytes("127.0.0.1", free_port())).unwrap();
        let first = bind(&plan, 2, &nobody()).unwrap();
        assert_eq!(first.workers.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1]);
        let error = bind(&plan, 2, &nobody()).unwrap_err().to_string();
        assert!(error.contains("(conf.d/site:7): it is in use"), "{error}");
        assert!(error.starts_with("cannot listen on `127.0.0.1:"), "{error}");
        drop(first);
        assert!(bind(&plan, 1, &nobody()).is_ok());
    }

    #[test]
    fn an_interface_that_is_not_there_is_waited_for() {
        // A documentation address (RFC 5737), which no machine has.
        for interface in ["no-such0", "203.0.113.9"] {
            let plan = Plan::from_bytes(plan_bytes(interface, 80)).unwrap();
            let sockets = bind(&plan, 1, &nobody()).unwrap();
            assert_eq!(sockets.waiting, [ListenerId(0)]);
            assert!(sockets.workers[0].is_empty() && sockets.addresses.is_empty());
        }
    }

    #[test]
    fn two_listeners_on_one_address_are_refused() {
        let port = free_port();
        let mut second = listener(Bind::Interface { interface: "lo", port, families: Families::V4 });
        second.vhosts = vec![schemas::plan::VhostId(1)];
        let first = listener(Bind::Interface { interface: "127.0.0.1", port, families: Families::Both });
        let other = schemas::plan::Vhost { listener: Some(ListenerId(1)), ..vhost() };
        let plan = Plan::from_bytes(written(&global(), vec![first, second], &[vhost(), other])).unwrap();
        let error = bind(&plan, 1, &nobody()).unwrap_err().to_string();
        assert!(error.contains("listens on the same address"), "{error}");
    }

    #[test]
    fn every_address_and_one_of_them_can_be_separate() {
        let port = free_port();
        let any = listener(Bind::Any { port, families: Families::V4 });
        let mut one = listener(Bind::Interface { interface: "127.0.0.1", port, families: Families::V4 });
        one.vhosts = vec![schemas::plan::VhostId(1)];
        let other = schemas::plan::Vhost { listener: Some(ListenerId(1)), ..vhost() };
        let plan = Plan::from_bytes(written(&global(), vec![any, one], &[vhost(), other])).unwrap();
        assert_eq!(bind(&plan, 1, &nobody()).unwrap().workers[0].len(), 2);
    }
}
