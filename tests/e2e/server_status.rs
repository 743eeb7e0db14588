//! What `lws-server-status` tells of a server.

use std::time::Instant;

use tests::PATIENCE;
use tests::client::Client;
use tests::config::{TempConfig, free_port};
use tests::server::Server;
use tests::ws::WebSocket;

/// Requests that the connection refuses itself, in the midst of their content and before their head is whole, count as
/// what their clients were answered.
#[test]
fn what_the_connection_answers_is_counted() {
    let port = free_port();
    let config = TempConfig::vhost(
        port,
        ", \"ws-protocols\": [{ \"lws-server-status\": { \"update-ms\": \"1000\" }, \"protocol-post-demo\": {} }],
           \"mounts\": [{ \"mountpoint\": \"/form\", \"origin\": \"callback://protocol-post-demo\" }]",
    );
    let _server = Server::start(&config.compile());
    let head = "POST /form HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    for wrong in ["Transfer-Encoding: chunked\r\n\r\nno size\r\n", "Content-Length: none\r\n\r\n"] {
        let mut client = Client::tcp(port);
        client.send(format!("{head}{wrong}"));
        assert_eq!(client.expect("POST").status, 400);
    }
    assert_eq!(Client::tcp(port).get("a.test", "/none").status, 404);
    let mut websocket = WebSocket::open(port, "/", "lws-server-status");
    let deadline = Instant::now() + PATIENCE;
    loop {
        let text = websocket.text();
        assert!(Instant::now() < deadline, "{text}");
        // The connection of the first may still be closing.
        if text.contains("\"rejected\":\"3\"") {
            break;
        }
        assert!(
            ["0", "1", "2"].iter().any(|few| text.contains(&format!("\"rejected\":\"{few}\""))),
            "{text}"
        );
    }
}
