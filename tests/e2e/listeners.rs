//! Where a server listens: address families and interfaces, each in a network of the test's own; and what becomes of
//! connections that cannot be had.
//!
//! Networks need root and `ip`. Where there is neither, the tests say so and pass.

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tests::client::{Client, get};
use tests::config::{TempConfig, free_ports};
use tests::program;
use tests::server::Server;
use tests::skip::skip;

use super::{WWW, site};

/// A port that nobody else has, in a network that nobody else has.
const PORT: u16 = 8080;

/// A network of its own. Gone when dropped.
struct Network {
    name: String,
}

impl Network {
    /// Makes one in which only the loopback interface is up; `None`, and a word about it, where that is not allowed.
    fn new() -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("lwsrun-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let made = Command::new("ip").args(["netns", "add", &name]).stderr(Stdio::null()).status();
        if !made.is_ok_and(|status| status.success()) {
            skip("networks cannot be made here: that needs root and `ip`");
            return None;
        }
        let network = Self { name };
        network.ip("link set lo up");
        if network.within(|| !Path::new("/proc/net/if_inet6").exists()) {
            skip("this kernel has no IPv6");
            return None;
        }
        Some(network)
    }

    /// Runs `ip` on it.
    fn ip(&self, words: &str) {
        let status = Command::new("ip").args(["-n", &self.name]).args(words.split(' ')).status().unwrap();
        assert!(status.success(), "ip {words}");
    }

    /// Sets a parameter of its kernel.
    fn set(&self, parameter: &str, value: &str) {
        let path = format!("/proc/sys/{parameter}");
        self.within(|| std::fs::write(&path, value).unwrap());
    }

    /// Starts a server in it, with a vhost that has this as well.
    fn serve(&self, inner: &str) -> (Server, TempConfig) {
        let config = TempConfig::new().www("index.html", "home").conf_d(
            "site",
            &format!("{{ \"vhosts\": [{{\n\"name\": \"a.test\", \"port\": \"{PORT}\"{inner}{WWW}\n}}] }}"),
        );
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name]).arg(program::path("lwsrun")).arg(config.compile());
        (Server::spawn(&mut command), config)
    }

    /// Runs something on a thread that is in it.
    fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let network = File::open(format!("/run/netns/{}", self.name)).unwrap();
        std::thread::scope(|scope| {
            let within = scope.spawn(|| {
                move_into_link_name_space(
                    std::os::fd::AsFd::as_fd(&network),
                    Some(LinkNameSpaceType::Network),
                )
                .unwrap();
                work()
            });
            within.join().unwrap()
        })
    }

    /// The page that is served at an address; `None` if nobody listens there.
    fn page(&self, address: impl Into<IpAddr> + Send) -> Option<String> {
        self.within(|| {
            let address = address.into();
            TcpStream::connect((address, PORT)).ok()?;
            Some(Client::to((address, PORT)).get("a.test", "/").text())
        })
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        // What is left behind is empty.
        let _ = Command::new("ip").args(["netns", "del", &self.name]).status();
    }
}

fn home() -> Option<String> {
    Some("home".to_owned())
}

#[test]
fn both_families_are_served_each_by_a_socket_of_its_own() {
    let Some(network) = Network::new() else { return };
    let (server, _config) = network.serve("");
    assert_eq!((network.page(Ipv4Addr::LOCALHOST), network.page(Ipv6Addr::LOCALHOST)), (home(), home()));
    drop(server);
    let (server, _config) = network.serve(", \"noipv6\": \"1\"");
    assert_eq!((network.page(Ipv4Addr::LOCALHOST), network.page(Ipv6Addr::LOCALHOST)), (home(), None));
    drop(server);
    let (server, _config) = network.serve(", \"ipv6only\": \"1\"");
    assert_eq!((network.page(Ipv4Addr::LOCALHOST), network.page(Ipv6Addr::LOCALHOST)), (None, home()));
    drop(server);
    // As documented: off means the other family only.
    let (server, _config) = network.serve(", \"ipv6only\": \"0\"");
    assert_eq!((network.page(Ipv4Addr::LOCALHOST), network.page(Ipv6Addr::LOCALHOST)), (home(), None));
    drop(server);
    // A name stands for all addresses of the interface.
    let (_server, _config) = network.serve(", \"interface\": \"lo\"");
    assert_eq!((network.page(Ipv4Addr::LOCALHOST), network.page(Ipv6Addr::LOCALHOST)), (home(), home()));
}

#[test]
fn a_machine_without_ipv6_is_served_without_it() {
    let Some(network) = Network::new() else { return };
    network.set("net/ipv6/conf/all/disable_ipv6", "1");
    let (_server, _config) = network.serve("");
    assert_eq!(network.page(Ipv4Addr::LOCALHOST), home());
    assert_eq!(network.page(Ipv6Addr::LOCALHOST), None);
}

#[test]
fn a_machine_without_ipv4_is_served_without_it() {
    let Some(network) = Network::new() else { return };
    network.ip("addr del 127.0.0.1/8 dev lo");
    let (server, _config) = network.serve("");
    assert_eq!(network.page(Ipv6Addr::LOCALHOST), home());
    drop(server);
    let (_server, _config) = network.serve(", \"interface\": \"lo\"");
    assert_eq!(network.page(Ipv6Addr::LOCALHOST), home());
}

#[test]
fn an_interface_that_appears_later_is_listened_on_then() {
    let Some(network) = Network::new() else { return };
    let (server, _config) = network.serve(", \"interface\": \"late0\"");
    let said = server.line_with("waiting for it to appear");
    assert!(said.contains("conf.d/site:1") && said.contains("no interface of that name"), "{said}");
    assert!(said.contains("`lo`"), "{said}");
    // A pair of interfaces needs no module but that of networks of one's own.
    network.ip("link add late0 type veth peer name peer0");
    network.ip("addr add 192.0.2.7/24 dev late0");
    network.ip("link set late0 up");
    let _ = server.line_with("listening on http://192.0.2.7:8080");
    assert_eq!(network.page(Ipv4Addr::new(192, 0, 2, 7)), home());
    assert_eq!(network.page(Ipv4Addr::LOCALHOST), None);
}

/// A process that has no more open files accepts nothing, says so, and goes on once it has some again.
#[test]
fn want_of_open_files_passes() {
    let site = site(WWW, &[]);
    // The page is open from now on; else it might be the one for which there is no file left.
    assert_eq!(get(site.port, "a.test", "/").text(), "home");
    let pid = i32::try_from(site.server.id()).ok().and_then(Pid::from_raw);
    let open = site.server.open_files() as u64;
    let hard = rustix::process::getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit { current: Some(open + 5), maximum: hard };
    let _ = prlimit(pid, Resource::Nofile, limit).unwrap();
    let hoard: Vec<Client> = (0..30).map(|_| Client::tcp(site.port)).collect();
    let said = site.server.line_with("accepting a connection failed");
    assert!(said.contains("open files"), "{said}");
    drop(hoard);
    // Those that were in the queue, and a new one.
    for _ in 0..3 {
        assert_eq!(Client::tcp(site.port).get("a.test", "/").text(), "home");
    }
}

/// A worker that may have fewer connections than it has sockets serves all of them: quiet sockets take no places.
#[test]
fn quiet_sockets_take_no_places() {
    const SOCKETS: u16 = 40;
    let first = free_ports(SOCKETS);
    let vhosts: Vec<_> = (first..first + SOCKETS)
        .map(|port| {
            format!("{{ \"name\": \"a.test\", \"port\": \"{port}\", \"interface\": \"127.0.0.1\"{WWW} }}")
        })
        .collect();
    let config = TempConfig::new()
        .conf("{ \"global\": { \"count-threads\": 1, \"rlimit-nofile\": 100 } }")
        .conf_d("site", &format!("{{ \"vhosts\": [ {} ] }}", vhosts.join(",\n")))
        .www("index.html", "home");
    let _server = Server::start(&config.compile());
    for port in (first..first + SOCKETS).rev() {
        assert_eq!(Client::tcp(port).get("a.test", "/").text(), "home", "{port}");
    }
    // Nor do those who go without a word keep any.
    for port in (first..first + SOCKETS).chain(first..first + SOCKETS) {
        drop(Client::tcp(port));
    }
    for port in first..first + SOCKETS {
        assert_eq!(Client::tcp(port).get("a.test", "/").text(), "home", "{port}");
    }
}

#[test]
fn a_late_port_that_rights_will_be_gone_for_is_said_at_start() {
    if !rustix::process::geteuid().is_root() {
        return skip("only root has rights to give up");
    }
    let config = TempConfig::new().conf("{ \"global\": { \"username\": \"nobody\" } }").conf_d(
        "site",
        &format!(
            "{{ \"vhosts\": [{{ \"name\": \"a.test\", \"port\": 80, \"interface\": \"no-such0\"{WWW} }}] }}"
        ),
    );
    let server = Server::start(&config.compile());
    let said = server.line_with("port 80 of it will most likely be refused");
    assert!(said.contains("CAP_NET_BIND_SERVICE"), "{said}");
}
