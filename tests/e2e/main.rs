//! lwsconf and lwsrun end to end: a config is compiled, served, and spoken to over real sockets.
//!
//! The modules follow a request on its way. Rules that can be tested closer to where they stand are tested there;
//! these tests show that the parts are connected.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, reason = "a step of a test that fails should fail the test, there and then")]

mod access_log;
mod bad_input;
mod connection;
mod demo;
mod endurance;
mod faults;
mod handler_cgi;
mod handler_file;
mod handler_proxy;
mod handler_redirect;
mod handler_ws;
mod http2;
mod idle;
mod keep_alive;
mod layer_headers;
mod limits;
mod listeners;
mod protect;
mod raw;
mod request;
mod route_agrees;
mod sending;
mod server_status;
mod shutdown;
mod slow;
mod strictness;
mod tls;
mod unhonoured;
mod ws_faults;
mod ws_http2;

use tests::config::{TempConfig, free_port};
use tests::server::Server;

/// One vhost, `a.test`, that is being served.
struct Site {
    config: TempConfig,
    server: Server,
    port: u16,
}

/// Serves a vhost with what else stands between its braces, with `www/index.html` and these files.
fn site(inner: &str, files: &[(&str, &str)]) -> Site {
    let port = free_port();
    let mut config = TempConfig::vhost(port, inner).www("index.html", "home");
    for (name, text) in files {
        config = config.www(name, text);
    }
    let server = Server::start(&config.compile());
    Site { config, server, port }
}

/// The mount of most tests: `/` is the folder `www`.
const WWW: &str = ",\n\"mounts\": [{ \"mountpoint\": \"/\", \"origin\": \"file://@DIR@/www\" }]";
