//! The service, called directly: the page of a single-page application.

use super::*;

const HTML: (&str, &str) = ("accept", "text/html,*/*;q=0.8");

fn app(files: &[(&str, &[u8])], fallback: &str, interval: Duration) -> (TempDir, FileService) {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        put(folder.path(), name, bytes);
    }
    let mount = Mount { fallback: Some(fallback), ..mount("/app") };
    let service = serve(&mount, folder.path(), interval);
    (folder, service)
}

#[tokio::test]
async fn pages_that_no_file_has_are_the_fallback() {
    let files: &[(&str, &[u8])] =
        &[("start.html", b"app"), ("real.html", b"real"), ("folder/x.txt", b"x"), ("odd.what", b"?")];
    for interval in [ALWAYS_LOOK, Duration::from_secs(3600)] {
        let (_folder, service) = app(files, "/start.html", interval);
        for _ in 0..2 {
            for path in ["/app/users/7", "/app/users/jane.doe", "/app/folder/", "/app/", "/app/a%20b"] {
                let (status, headers, body) = ask(&service, request("GET", path, &[HTML])).await;
                assert_eq!((status.as_u16(), &*body), (200, &b"app"[..]), "{path}");
                assert_eq!(headers[CONTENT_TYPE], "text/html", "{path}");
                assert_eq!(headers["vary"], "accept, sec-fetch-mode", "{path}");
            }
            for path in ["/app/missing.js", "/app/missing.html", "/app/folder/logo.webp"] {
                assert_eq!(ask(&service, request("GET", path, &[HTML])).await.0, 404, "{path}");
            }
            let (status, headers, _) =
                ask(&service, request("GET", "/app/users/7", &[("accept", "*/*")])).await;
            assert_eq!((status.as_u16(), headers["vary"].to_str().unwrap()), (404, "accept, sec-fetch-mode"));
            let mode = ("sec-fetch-mode", "cors");
            assert_eq!(ask(&service, request("GET", "/app/users/7", &[HTML, mode])).await.0, 404);
        }
        let (status, headers, body) = ask(&service, request("GET", "/app/real.html", &[HTML])).await;
        assert_eq!((status.as_u16(), &*body, headers.get("vary")), (200, &b"real"[..], None));
        assert_eq!(location(&service, "/app/folder?q").await, (301, "/app/folder/?q".to_owned()));
        assert_eq!(location(&service, "/app").await, (301, "/app/".to_owned()));
        assert_eq!(ask(&service, request("GET", "/app/odd.what", &[HTML])).await.0, 415);
        assert_eq!(ask(&service, request("POST", "/app/users/7", &[HTML])).await.0, 405);
        let (status, headers, body) = ask(&service, request("HEAD", "/app/users/7", &[HTML])).await;
        assert_eq!((status.as_u16(), headers[CONTENT_LENGTH].to_str().unwrap(), body.len()), (200, "3", 0));
    }
}

#[tokio::test]
async fn conditions_and_ranges_are_those_of_the_page() {
    let (_folder, service) = app(&[("start.html", b"application")], "start.html", ALWAYS_LOOK);
    let (_, headers, _) = ask(&service, request("GET", "/app/x", &[HTML])).await;
    let tag = headers[ETAG].to_str().unwrap().to_owned();
    let (status, headers, _) =
        ask(&service, request("GET", "/app/y", &[HTML, ("if-none-match", &tag)])).await;
    assert_eq!((status.as_u16(), headers["vary"].to_str().unwrap()), (304, "accept, sec-fetch-mode"));
    let (status, _, body) = ask(&service, request("GET", "/app/x", &[HTML, ("range", "bytes=0-2")])).await;
    assert_eq!((status.as_u16(), &*body), (206, &b"app"[..]));
}

#[tokio::test]
async fn without_its_file_there_is_no_fallback() {
    for fallback in ["missing.html", "folder", "folder/", "", "../../secret.html"] {
        let (_folder, service) = app(&[("folder/x.txt", b"x")], fallback, ALWAYS_LOOK);
        assert_eq!(ask(&service, request("GET", "/app/x", &[HTML])).await.0, 404, "{fallback}");
    }
    let (folder, service) = app(&[("start.html", b"one")], "start.html", ALWAYS_LOOK);
    assert_eq!(ask(&service, request("GET", "/app/x", &[HTML])).await.2, b"one");
    put(folder.path(), "start.html", b"two");
    assert_eq!(ask(&service, request("GET", "/app/x", &[HTML])).await.2, b"two");
    std::fs::remove_file(folder.path().join("start.html")).unwrap();
    assert_eq!(ask(&service, request("GET", "/app/x", &[HTML])).await.0, 404);
    put(folder.path(), "x", b"");
    assert_eq!(ask(&service, request("GET", "/app/x", &[HTML])).await.0, 415, "there is a file now");
}
