//! Redirect mounts.

use tests::client::{Client, get};

use super::site;

const MOUNTS: &str = ",\n\"mounts\": [
    { \"mountpoint\": \"/go\", \"origin\": \">http://elsewhere.test/landing\" },
    { \"mountpoint\": \"/gos\", \"origin\": \">https://secure.test\" },
    { \"mountpoint\": \"/app\", \"origin\": \">http://elsewhere.test/base\", \"append-path\": \"1\" }]";

#[test]
fn redirects_lead_where_they_say() {
    let site = site(MOUNTS, &[]);
    for (path, location) in [
        ("/go", "http://elsewhere.test/landing"),
        ("/go/x/y?z=1", "http://elsewhere.test/landing"),
        ("/gos/abc", "https://secure.test"),
        ("/app", "http://elsewhere.test/base"),
        ("/app/x/y.html", "http://elsewhere.test/base/x/y.html"),
        ("/app/x%20y", "http://elsewhere.test/base/x%20y"),
    ] {
        let response = get(site.port, "a.test", path);
        assert_eq!((response.status, response.header("location")), (301, Some(location)), "{path}");
        assert!(response.body.is_empty(), "{path}");
    }
    assert_eq!(get(site.port, "a.test", "/gone").status, 404, "not below the mountpoint");
}

#[test]
fn every_method_is_redirected() {
    let site = site(MOUNTS, &[]);
    for method in ["HEAD", "POST", "DELETE"] {
        let mut client = Client::tcp(site.port);
        client.send(format!("{method} /go HTTP/1.1\r\nHost: a.test\r\nContent-Length: 0\r\n\r\n"));
        let response = client.expect(method);
        assert_eq!((response.status, response.body.is_empty()), (301, true), "{method}");
    }
}
