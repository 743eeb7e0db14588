//! Keys that lwsrun does not honour: never served as if they were absent, and said with their place.

use tests::client::get;

use super::site;

#[test]
fn a_mount_with_a_key_that_is_not_honoured_answers_501() {
    let site = site(
        ", \"mounts\": [
            { \"mountpoint\": \"/\", \"origin\": \"file://@DIR@/www\" },
            { \"mountpoint\": \"/zip\", \"origin\": \"gzip://@DIR@/www\" }]",
        &[("log.txt", "secret")],
    );
    for below in ["", "/", "/log.txt", "/../zip/log.txt"] {
        let path = format!("/zip{below}");
        let response = get(site.port, "a.test", &path);
        assert_eq!(response.status, 501, "{path}");
        assert!(!response.text().contains("secret"), "{path}");
    }
    // The line of its file on which the mount begins.
    let said = site.server.line_with("conf.d/site:4");
    assert!(said.contains("`/zip`") && said.contains("`origin gzip://`"), "{said}");
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
