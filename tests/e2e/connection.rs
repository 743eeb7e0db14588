//! Ways to connect: address families, unix sockets, TLS, HTTP versions, and how long a connection lasts.

use std::net::{Ipv4Addr, Ipv6Addr, TcpListener};
use std::path::Path;
use std::time::Instant;

use tests::PATIENCE;
use tests::client::{Client, Framing};
use tests::config::{TempConfig, free_port};
use tests::server::Server;
use tests::{h2, tls};

use super::{WWW, site};

#[test]
fn without_interface_both_address_families_are_served() {
    let port = free_port();
    let config = everywhere(port, "");
    let _server = Server::start(&config.compile());
    assert_eq!(Client::to((Ipv4Addr::LOCALHOST.into(), port)).get("a.test", "/").text(), "home");
    if has_ipv6() {
        assert_eq!(Client::to((Ipv6Addr::LOCALHOST.into(), port)).get("a.test", "/").text(), "home");
    }
}

#[test]
fn noipv6_leaves_ipv6_to_others() {
    let port = free_port();
    let config = everywhere(port, ", \"noipv6\": \"1\"");
    let _server = Server::start(&config.compile());
    assert_eq!(Client::tcp(port).get("a.test", "/").text(), "home");
    if has_ipv6() {
        TcpListener::bind((Ipv6Addr::LOCALHOST, port)).expect("nobody listens there");
    }
}

#[test]
fn unix_sockets_are_served_by_path_and_by_abstract_name() {
    let path = TempConfig::new().path("socket");
    let abstract_name = format!("@{}", path.display());
    for socket in ["@DIR@/socket", &abstract_name] {
        let config = TempConfig::new()
            .www("index.html", "home")
            .conf_d("site", &format!("{{ \"vhosts\": [{{ \"name\": \"a.test\", \"unix-socket\": \"1\", \"interface\": \"{socket}\"{WWW} }}] }}"));
        let _server = Server::start(&config.compile());
        let address = socket.replace("@DIR@", config.path("").to_str().unwrap());
        assert_eq!(Client::unix(&address).get("a.test", "/").text(), "home", "{socket}");
    }
}

#[test]
fn http_1_1_keeps_the_connection_until_it_is_told_not_to() {
    let site = site(WWW, &[("b.txt", "second")]);
    let mut client = Client::tcp(site.port);
    assert_eq!(client.get("a.test", "/").text(), "home");
    assert_eq!(client.get("a.test", "/b.txt").text(), "second");
    client.send("GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
    assert_eq!(client.expect("GET").text(), "home");
    assert_eq!(client.rest().as_deref(), Some(&b""[..]), "the connection stays open");
}

#[test]
fn http_1_0_closes_unless_it_is_asked_to_stay() {
    let site = site(WWW, &[]);
    let mut client = Client::tcp(site.port);
    client.send("GET / HTTP/1.0\r\nHost: a.test\r\nConnection: keep-alive\r\n\r\n");
    let response = client.expect("GET");
    assert_eq!((response.text().as_str(), response.framing), ("home", Framing::Length));
    assert!(response.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("keep-alive")));
    client.send("GET / HTTP/1.0\r\nHost: a.test\r\n\r\n");
    assert_eq!(client.expect("GET").text(), "home");
    assert_eq!(client.rest().as_deref(), Some(&b""[..]), "the connection stays open");
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let site = site(WWW, &[("b.txt", "second")]);
    let mut client = Client::tcp(site.port);
    let ask = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a.test\r\n\r\n");
    client.send([ask("/"), ask("/b.txt"), ask("/missing"), ask("/")].concat());
    let answers = [(); 4].map(|()| client.expect("GET"));
    assert_eq!(answers.each_ref().map(|answer| answer.status), [200, 200, 404, 200]);
    assert_eq!((answers[1].text().as_str(), answers[3].text().as_str()), ("second", "home"));
}

#[test]
fn the_server_name_picks_the_certificate_and_the_vhost() {
    let (port, config) = two_tls_vhosts("");
    let _server = Server::start(&config.compile());
    for (name, content) in [("a.test", "a"), ("b.test", "b")] {
        // Trusts nothing else, and checks the name.
        let client = tls::trusting(&[&certificate(&config, name)], &[]);
        let mut client = Client::tls(port, name, client).unwrap();
        assert_eq!(client.get(name, "/").text(), content);
    }
    let shown = |client: Client| {
        let certificates = client.session().and_then(|session| session.peer_certificates()).unwrap();
        tls::common_name(&certificates[0])
    };
    let unknown = Client::tls(port, "c.test", tls::looking(&[], true)).unwrap();
    assert_eq!(shown(unknown).as_deref(), Some("a.test"), "an unknown name");
    let nameless = Client::tls(port, "c.test", tls::looking(&[], false)).unwrap();
    assert_eq!(shown(nameless).as_deref(), Some("a.test"), "no name");
}

#[test]
fn alpn_picks_the_http_version() {
    let (port, config) = two_tls_vhosts(", \"alpn\": \"http/1.1\"");
    let _server = Server::start(&config.compile());
    let connect = |name: &str, alpn: &[&str]| {
        let client = Client::tls(port, name, tls::trusting(&[&certificate(&config, name)], alpn)).unwrap();
        let agreed = client.session().and_then(|session| session.alpn_protocol()).map(<[u8]>::to_vec);
        (client, agreed.map(|name| String::from_utf8(name).unwrap()))
    };
    let (client, agreed) = connect("a.test", &["h2", "http/1.1"]);
    assert_eq!(agreed.as_deref(), Some("h2"));
    assert_eq!(h2::get(client, "https", "a.test", "/"), (200, b"a".to_vec()));
    let (client, agreed) = connect("a.test", &["h2"]);
    assert_eq!(agreed.as_deref(), Some("h2"));
    assert_eq!(h2::get(client, "https", "a.test", "/missing").0, 404);
    let (mut client, agreed) = connect("a.test", &["http/1.1"]);
    assert_eq!(agreed.as_deref(), Some("http/1.1"));
    assert_eq!(client.get("a.test", "/").text(), "a");
    // The other vhost has HTTP/2 switched off.
    let (mut client, agreed) = connect("b.test", &["h2", "http/1.1"]);
    assert_eq!(agreed.as_deref(), Some("http/1.1"));
    assert_eq!(client.get("b.test", "/").text(), "b");
}

#[test]
fn a_tls_port_serves_nothing_in_clear() {
    let (port, config) = two_tls_vhosts("");
    let _server = Server::start(&config.compile());
    let mut client = Client::tcp(port);
    let answer = client.get("a.test", "/");
    assert_eq!((answer.status, answer.header("location")), (400, None));
    assert_eq!(client.rest().as_deref(), Some(&b""[..]), "the connection stays open");
}

#[test]
fn a_tls_port_redirects_or_serves_clear_requests_if_it_is_told_to() {
    let (port, config) = two_tls_vhosts(", \"allow-non-tls\": \"1\", \"redirect-http\": \"1\"");
    let _server = Server::start(&config.compile());
    let host = format!("b.test:{port}");
    let answer = Client::tcp(port).get(&host, "/x/y?z=1");
    let location = format!("https://{host}/x/y?z=1");
    assert_eq!((answer.status, answer.header("location")), (301, Some(location.as_str())));
    assert_eq!(Client::tcp(port).get("a.test", "/").status, 400, "the other vhost was not told to");

    let (port, config) = two_tls_vhosts(", \"allow-non-tls\": \"1\", \"allow-http-on-https\": \"1\"");
    let _server = Server::start(&config.compile());
    assert_eq!(Client::tcp(port).get("b.test", "/").text(), "b");
    assert_eq!(Client::tcp(port).get("a.test", "/").status, 400, "the other vhost was not told to");
}

/// A vhost on all addresses.
fn everywhere(port: u16, inner: &str) -> TempConfig {
    TempConfig::new().www("index.html", "home").conf_d(
        "site",
        &format!("{{ \"vhosts\": [{{ \"name\": \"a.test\", \"port\": \"{port}\"{inner}{WWW} }}] }}"),
    )
}

/// Two vhosts with TLS on one port, serving their first letter; `second` goes into the second.
fn two_tls_vhosts(second: &str) -> (u16, TempConfig) {
    let port = free_port();
    let vhost = |name: &str, inner: &str| {
        format!(
            "{{ \"name\": \"{name}\", \"port\": \"{port}\", \"interface\": \"127.0.0.1\",
                \"host-ssl-key\": \"@DIR@/{name}.key\", \"host-ssl-cert\": \"@DIR@/{name}.crt\",
                \"mounts\": [{{ \"mountpoint\": \"/\", \"origin\": \"file://@DIR@/www/{name}\" }}]{inner} }}"
        )
    };
    let config = TempConfig::new()
        .conf("{ \"global\": { \"init-ssl\": \"1\" } }")
        .conf_d(
            "site",
            &format!("{{ \"vhosts\": [ {}, {} ] }}", vhost("a.test", ""), vhost("b.test", second)),
        )
        .www("a.test/index.html", "a")
        .www("b.test/index.html", "b");
    for name in ["a.test", "b.test"] {
        let _ = tls::certificate(&config.path(""), name);
    }
    (port, config)
}

fn certificate(config: &TempConfig, name: &str) -> impl AsRef<Path> + std::ops::Deref<Target = Path> {
    config.path(&format!("{name}.crt"))
}

fn has_ipv6() -> bool {
    TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_ok()
}

/// One that waits for an answer may be gone without a word.
#[test]
fn the_kernel_looks_after_clients() {
    let port = free_port();
    let config = TempConfig::vhost(port, WWW).www("index.html", "home");
    let _server = Server::start(&config.compile());
    let mut client = Client::tcp(port);
    assert_eq!(client.get("a.test", "/").text(), "home");
    let deadline = Instant::now() + PATIENCE;
    while !super::raw::is_kept_alive(port) {
        assert!(Instant::now() < deadline, "no timer");
        std::thread::yield_now();
    }
}
