//! What the layers add to answers: configured headers, `server`, STS, `cache-control`.

use tests::client::{Client, get};
use tests::config::{TempConfig, free_port};
use tests::server::Server;
use tests::tls;

use super::{WWW, site};

#[test]
fn configured_headers_are_on_every_answer() {
    let site = site(
        ",\n\"headers\": [{ \"X-Harbour\": \"east\", \"X-Tide\": \"high\" }],
         \"mounts\": [{ \"mountpoint\": \"/\", \"origin\": \"file://@DIR@/www\" },
                      { \"mountpoint\": \"/go\", \"origin\": \">http://elsewhere.test/\" },
                      { \"mountpoint\": \"/m\", \"origin\": \"file://@DIR@/www\",
                        \"headers\": [{ \"x-harbour\": \"mount\", \"X-Mount\": \"yes\" }] }]",
        &[("sub/a.txt", "a"), ("b.zap", "unknown")],
    );
    for (path, status) in [
        ("/", 200),
        ("/missing", 404),
        ("/go", 301),
        ("/sub", 301),
        ("/b.zap", 415),
        ("/bad%zz", 400),
        ("/m/", 200),
    ] {
        let response = get(site.port, "a.test", path);
        assert_eq!(response.status, status, "{path}");
        assert_eq!(response.header("x-tide"), Some("high"), "{path}");
        let harbour = if path == "/m/" { "mount" } else { "east" };
        assert_eq!(response.header("x-harbour"), Some(harbour), "{path}");
        assert_eq!(response.header("x-mount"), (path == "/m/").then_some("yes"), "{path}");
    }
}

#[test]
fn the_server_names_itself_only_if_told_to() {
    let silent = site(WWW, &[]);
    assert_eq!(get(silent.port, "a.test", "/").header("server"), None);
    let port = free_port();
    let config = TempConfig::vhost(port, WWW)
        .conf("{ \"global\": { \"server-string\": \"harbour 1\" } }")
        .www("index.html", "home");
    let _server = Server::start(&config.compile());
    for path in ["/", "/missing", "/bad%zz"] {
        assert_eq!(get(port, "a.test", path).header("server"), Some("harbour 1"), "{path}");
    }
}

#[test]
fn sts_is_sent_over_tls_only() {
    let (clear, secure) = (free_port(), free_port());
    let config = TempConfig::new()
        .conf("{ \"global\": { \"init-ssl\": \"1\" } }")
        .conf_d(
            "site",
            &format!(
                "{{ \"vhosts\": [
                {{ \"name\": \"a.test\", \"port\": \"{clear}\", \"interface\": \"127.0.0.1\", \"sts\": \"1\"{WWW} }},
                {{ \"name\": \"a.test\", \"port\": \"{secure}\", \"interface\": \"127.0.0.1\", \"sts\": \"1\",
                   \"host-ssl-key\": \"@DIR@/a.test.key\", \"host-ssl-cert\": \"@DIR@/a.test.crt\"{WWW} }}] }}"
            ),
        )
        .www("index.html", "home");
    let (certificate, _) = tls::certificate(&config.path(""), "a.test");
    let plan = config.path("plan");
    // STS on a vhost in clear may be an error of the config; with `--compat` it is a warning at most.
    let _ = config.try_compile(&["--compat"]).expect_code(0);
    let _server = Server::start(&plan);
    for path in ["/", "/missing"] {
        assert_eq!(get(clear, "a.test", path).header("strict-transport-security"), None, "{path}");
        let mut client = Client::tls(secure, "a.test", tls::trusting(&[&certificate], &[])).unwrap();
        let sts = "max-age=15768000 ; includeSubDomains";
        assert_eq!(client.get("a.test", path).header("strict-transport-security"), Some(sts), "{path}");
    }
}

#[test]
fn cache_control_follows_the_mount() {
    let keys = [
        ("none", "", "no-store"),
        ("age", ", \"cache-max-age\": \"90\"", "no-store"),
        ("reuse", ", \"cache-max-age\": \"90\", \"cache-reuse\": \"1\"", "private, max-age=90"),
        (
            "all",
            ", \"cache-max-age\": \"90\", \"cache-reuse\": \"1\", \"cache-revalidate\": \"1\", \"cache-intermediaries\": \"1\"",
            "must-revalidate, public, max-age=90",
        ),
        ("no", ", \"cache-max-age\": \"90\", \"cache-reuse\": \"1\", \"cache-no\": \"1\"", "no-cache"),
    ];
    let mounts = keys.map(|(name, keys, _)| {
        format!("{{ \"mountpoint\": \"/{name}\", \"origin\": \"file://@DIR@/www\"{keys} }}")
    });
    let port = free_port();
    let config =
        TempConfig::vhost(port, &format!(", \"mounts\": [{}]", mounts.join(", "))).www("index.html", "home");
    // Some of these keys do nothing without another, which is worth a warning.
    let _ = config.try_compile(&["--compat"]).expect_code(0);
    let _server = Server::start(&config.path("plan"));
    for (name, _, value) in keys {
        let response = get(port, "a.test", &format!("/{name}/"));
        assert_eq!(response.header("cache-control"), Some(value), "{name}");
        assert_eq!(get(port, "a.test", &format!("/{name}/missing")).header("cache-control"), None, "{name}");
    }
}
