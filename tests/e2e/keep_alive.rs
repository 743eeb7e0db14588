//! How long a connection waits for the next request: as the vhost and the mount say that answered last.

use tests::client::Client;
use tests::config::{TempConfig, free_port};
use tests::h2;
use tests::server::Server;

use super::{Site, site};

/// The mount `/brief` lets connections go after a second, `/single` at once, all else after a minute.
fn mounts() -> Site {
    site(
        ",\n\"mounts\": [
            { \"mountpoint\": \"/\", \"origin\": \"file://@DIR@/www\" },
            { \"mountpoint\": \"/brief\", \"origin\": \"file://@DIR@/www\", \"keepalive-timeout\": 1 },
            { \"mountpoint\": \"/single\", \"origin\": \"file://@DIR@/www\", \"keepalive-timeout\": 0 }]",
        &[],
    )
}

#[test]
fn a_mount_says_how_long_its_connections_wait() {
    let site = mounts();
    let (mut brief, mut kept) = (Client::tcp(site.port), Client::tcp(site.port));
    // The last answer counts. Both requests are sent at once: a second may be over soon.
    let ask = |client: &mut Client, paths: [&str; 2]| {
        client.send(paths.map(|path| format!("GET {path} HTTP/1.1\r\nHost: a.test\r\n\r\n")).concat());
        paths.map(|_| client.expect("GET").status)
    };
    assert_eq!(ask(&mut brief, ["/", "/brief/"]), [200, 200]);
    assert_eq!(ask(&mut kept, ["/brief/", "/"]), [200, 200]);
    assert_eq!(brief.rest().as_deref(), Some(&b""[..]), "closed without a word");
    assert_eq!(kept.get("a.test", "/").text(), "home", "this one is kept");
}

#[test]
fn a_mount_can_end_its_connections_at_once() {
    let site = mounts();
    let mut client = Client::tcp(site.port);
    let response = client.get("a.test", "/single/");
    assert_eq!((response.status, response.header("connection")), (200, Some("close")));
    assert!(client.rest().is_some());
}

#[test]
fn the_vhost_that_answered_counts_on_a_shared_listener() {
    let port = free_port();
    let config = TempConfig::vhost(port, super::WWW)
        .conf_d(
            "z",
            &format!(
                "{{ \"vhosts\": [{{ \"name\": \"b.test\", \"port\": {port}, \"interface\": \"127.0.0.1\",
                    \"keepalive_timeout\": 1,
                    \"mounts\": [{{ \"mountpoint\": \"/\", \"origin\": \"file://@DIR@/www\" }}] }}] }}"
            ),
        )
        .www("index.html", "home");
    let _server = Server::start(&config.compile());
    let (mut brief, mut kept) = (Client::tcp(port), Client::tcp(port));
    assert_eq!((brief.get("b.test", "/").status, kept.get("a.test", "/").status), (200, 200));
    assert!(brief.rest().is_some());
    assert_eq!(kept.get("a.test", "/").status, 200);
}

#[test]
fn connections_of_http_2_as_well() {
    let site = mounts();
    let mut connection = h2::Connection::open(Client::tcp(site.port), &[]);
    connection.ask(1, "/brief/");
    // Until the server has said goodbye and closed.
    while connection.receive().is_some() {}
    let mut client = Client::tcp(site.port);
    assert_eq!(client.get("a.test", "/").status, 200);
}
