//! Keys that lwsrun does not honour: never served as if they were absent, and said with their place.

use tests::client::get;

use super::site;

#[test]
fn a_mount_with_a_key_that_is_not_honoured_answers_501() {
    let site = site(
        ", \"mounts\": [
            { \"mountpoint\": \"/\", \"origin\": \"file://@DIR@/www\" },
            { \"mountpoint\": \"/private\", \"origin\": \"file://@DIR@/www\", \"keepalive-timeout\": 5 },
            { \"mountpoint\": \"/zip\", \"origin\": \"gzip://@DIR@/www\" }]",
        &[("log.txt", "secret")],
    );
    // The lines of their file on which these mounts begin.
    for (mount, line, key) in [("/private", 4, "keepalive-timeout"), ("/zip", 5, "origin gzip://")] {
        for below in ["", "/", "/log.txt", "/../private/log.txt"]
            .iter()
            .filter(|below| mount == "/private" || !below.contains(".."))
        {
            let path = format!("{mount}{below}");
            let response = get(site.port, "a.test", &path);
            assert_eq!(response.status, 501, "{path}");
            assert!(!response.text().contains("secret"), "{path}");
        }
        let said = site.server.line_with(&format!("conf.d/site:{line}"));
        assert!(said.contains(&format!("`{mount}`")) && said.contains(&format!("`{key}`")), "{said}");
    }
    assert_eq!(get(site.port, "a.test", "/").text(), "home", "the rest is served");
}

#[test]
fn a_vhost_with_a_key_that_is_not_honoured_answers_501() {
    let site = site(
        ", \"h2-half-closed-long-poll\": \"on\",\n\"mounts\": [{ \"mountpoint\": \"/\", \"origin\": \"file://@DIR@/www\" }]",
        &[],
    );
    for path in ["/", "/index.html", "/missing"] {
        assert_eq!(get(site.port, "a.test", path).status, 501, "{path}");
    }
    let said = site.server.line_with("`h2-half-closed-long-poll`");
    assert!(said.contains("conf.d/site:1") && said.contains("`a.test`"), "{said}");
}
