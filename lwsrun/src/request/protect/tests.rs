//! The layer around a service that says where it stands.

use std::path::Path;
use std::time::Duration;

use http::header::{AUTHORIZATION, CONTENT_LENGTH};
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;
use tower::{ServiceExt, service_fn};

use super::future::ready;
use super::*;
use crate::boot::testing::mount;

/// `mate:rope` and `skipper:s3cret:with:colons`.
const MATE: &str = "Basic bWF0ZTpyb3Bl";
const SKIPPER: &str = "Basic c2tpcHBlcjpzM2NyZXQ6d2l0aDpjb2xvbnM=";

type Asked = (StatusCode, HeaderMap, Vec<u8>);

/// Asks a service behind the layer, which answers 200 with `inside`.
async fn ask(layer: &ProtectLayer, request: Request<Body>) -> Asked {
    let inside = |_: Request<Body>| ready(Ok::<_, Infallible>(Response::new(Body::from("inside"))));
    let inner = service_fn(inside);
    let (parts, body) = layer.layer(inner).oneshot(request).await.unwrap().into_parts();
    (parts.status, parts.headers, body.collect().await.unwrap().to_bytes().to_vec())
}

async fn status(layer: &ProtectLayer, method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
    let request = Request::builder().method(method).uri(path);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let (status, headers, body) = ask(layer, request.body(Body::empty()).unwrap()).await;
    assert_eq!(status == StatusCode::OK, body == b"inside");
    assert_eq!(status == StatusCode::UNAUTHORIZED, headers.contains_key(WWW_AUTHENTICATE));
    status.as_u16()
}

async fn with(layer: &ProtectLayer, authorization: &str) -> u16 {
    status(layer, "GET", "/private/x", &[("authorization", authorization)]).await
}

/// A layer for a file mount at `/private` that looks at the file each time.
fn layer(path: &Path) -> ProtectLayer {
    layer_of(&mount("/private"), path, Duration::ZERO)
}

fn layer_of(mount: &Mount<'_>, path: &Path, interval: Duration) -> ProtectLayer {
    let file = CredentialsFile::with_interval(path.to_str().unwrap(), "conf:1".to_owned(), interval);
    let door = Doorkeeper(Arc::new(file));
    ProtectLayer { guard: Arc::new(Guard { door, slash_redirect: slash_redirect(mount) }) }
}

fn users(text: &str) -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("users");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

#[tokio::test]
async fn credentials_open_the_mount_and_nothing_else_does() {
    let (_folder, path) = users("mate:rope\r\nskipper:s3cret:with:colons");
    let layer = layer(&path);
    for _ in 0..2 {
        assert_eq!(with(&layer, MATE).await, 200);
        assert_eq!(with(&layer, SKIPPER).await, 200);
        assert_eq!(with(&layer, "Basic bWF0ZTp3cm9uZw==").await, 401);
        assert_eq!(with(&layer, "Digest username=\"mate\"").await, 401);
        assert_eq!(status(&layer, "GET", "/private/x", &[]).await, 401);
    }
    let (status, headers, body) = ask(&layer, Request::new(Body::empty())).await;
    assert_eq!((status, body.len()), (StatusCode::UNAUTHORIZED, 0));
    assert_eq!(headers[WWW_AUTHENTICATE], "Basic realm=\"lwsws\"");
    assert!(!headers.contains_key(CONTENT_LENGTH), "the connection writes it");
}

#[tokio::test]
async fn only_the_slash_redirect_comes_before() {
    let (_folder, path) = users("mate:rope");
    let layer = layer(&path);
    assert_eq!(status(&layer, "GET", "/private", &[]).await, 200);
    assert_eq!(status(&layer, "HEAD", "/private", &[]).await, 200);
    for (method, path, headers) in [
        ("GET", "/private/", &[][..]),
        ("GET", "/private/x", &[]),
        ("POST", "/private", &[]),
        ("OPTIONS", "/private", &[]),
        ("CONNECT", "/private", &[]),
        ("GET", "/private", &[("upgrade", "websocket")]),
        ("GET", "/privat", &[]),
        ("GET", "/", &[]),
    ] {
        assert_eq!(status(&layer, method, path, headers).await, 401, "{method} {path}");
    }
    let root = layer_of(&mount("/"), &path, Duration::ZERO);
    assert_eq!(status(&root, "GET", "/", &[]).await, 401);
    let redirect = Mount { origin: Origin::Redirect { url: "http://e.test/" }, ..mount("/private") };
    let redirect = layer_of(&redirect, &path, Duration::ZERO);
    assert_eq!(status(&redirect, "GET", "/private", &[]).await, 401, "a redirect mount is behind its door");
    let blank = layer_of(&mount("/a b"), &path, Duration::ZERO);
    assert_eq!(status(&blank, "GET", "/a%20b", &[]).await, 200);
}

#[tokio::test]
async fn a_changed_file_counts_at_the_next_look() {
    let (folder, path) = users("mate:rope");
    let (looking, trusting) = (layer(&path), layer_of(&mount("/private"), &path, Duration::MAX));
    for layer in [&looking, &trusting] {
        assert_eq!(with(layer, MATE).await, 200);
    }
    let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
    std::fs::write(&path, "mate:eope").unwrap();
    std::fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    assert_eq!(with(&looking, MATE).await, 401);
    assert_eq!(with(&trusting, MATE).await, 200);
    std::fs::write(folder.path().join("next"), "mate:rope\n").unwrap();
    std::fs::rename(folder.path().join("next"), &path).unwrap();
    assert_eq!(with(&looking, MATE).await, 200);
}

#[tokio::test]
async fn nobody_is_let_in_without_a_file_that_can_be_read() {
    let (folder, path) = users("mate:rope");
    let layer = layer(&path);
    assert_eq!(with(&layer, MATE).await, 200);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(with(&layer, MATE).await, 401, "it is gone");
    std::fs::create_dir(&path).unwrap();
    assert_eq!(with(&layer, MATE).await, 401, "a folder");
    std::fs::remove_dir(&path).unwrap();
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR, 0).unwrap();
    assert_eq!(with(&layer, MATE).await, 401, "a FIFO");
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, format!("mate:rope\n{}", "\n".repeat(1 << 20))).unwrap();
    assert_eq!(with(&layer, MATE).await, 401, "too large");
    std::fs::write(&path, "").unwrap();
    assert_eq!(with(&layer, MATE).await, 401, "empty");
    std::fs::write(&path, "mate:rope").unwrap();
    assert_eq!(with(&layer, MATE).await, 200, "back again");
    drop(folder);
}

#[test]
fn mounts_without_the_key_have_no_layer() {
    assert!(ProtectLayer::new(&mount("/"), "conf:1".to_owned()).is_none());
    let protected = Mount { basic_auth: Some("/users"), ..mount("/") };
    assert!(ProtectLayer::new(&protected, "conf:1".to_owned()).is_some());
}

#[tokio::test]
async fn nothing_of_a_guess_is_printed() {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, HeaderValue::from_static(MATE));
    let said = format!("{:?}", Given::of(&headers));
    assert!(!said.contains("mate") && !said.contains("rope"), "{said}");
}
