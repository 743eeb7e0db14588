//! Forms as requests, and forms of any bytes.

use proptest::prelude::*;

use super::*;

const URL_ENCODED: &str = "application/x-www-form-urlencoded";
const MULTIPART: &str = "multipart/form-data; boundary=frontier";

fn request(method: Method, media_type: &'static str, body: Body) -> CallbackRequest {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    CallbackRequest { method, rest: Vec::new(), query: None, headers, body, pmo: Arc::default() }
}

async fn answer(method: Method, media_type: &'static str, body: impl Into<Body>) -> (u16, String) {
    let request = request(method, media_type, body.into());
    let response = Arc::new(Posting).callback(request).await;
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

/// The row of a field.
fn row(name: &str, length: usize, value: &str) -> String {
    format!("<tr><td><b>{name}</b></td><td>{length}</td><td>{value}</td></tr>")
}

/// A part of a multipart form.
fn part(disposition: &str, data: &str) -> String {
    format!("--frontier\r\nContent-Disposition: form-data; {disposition}\r\n\r\n{data}\r\n")
}

#[tokio::test]
async fn what_is_sent_is_shown() {
    let long = "é".repeat(300);
    let table: [(String, String); 6] = [
        ("text=ahoy&send=go".into(), row("text", 4, "ahoy") + &row("send", 2, "go")),
        ("text=a%3Cb%3E%26+c%22".into(), row("text", 8, "a&lt;b&gt;&amp; c&quot;")),
        ("other=1&text=100%&t=%4".into(), row("text", 4, "100%")),
        ("text=one&text=second".into(), row("text", 3, "one")),
        (format!("text={long}"), row("text", 600, &"é".repeat(250))),
        ("file&upload=%ff".into(), row("file", 0, "") + &row("upload", 1, "\u{fffd}")),
    ];
    for (sent, expected) in table {
        let (status, page) = answer(Method::POST, URL_ENCODED, sent.clone()).await;
        assert_eq!(status, 200, "{sent}");
        assert!(page.contains(&expected), "{sent}: {page}");
        assert!(page.ends_with("<b>filename:</b> , <b>length</b> 0</body></html>"), "{page}");
    }
    let (_, page) = answer(Method::POST, URL_ENCODED, "").await;
    assert!(page.contains(&row("text", 0, "NULL")), "{page}");
}

#[tokio::test]
async fn a_file_is_stored_under_a_name_of_ours_and_removed() {
    let form = part("name=\"text\"", "manifest")
        + &part("name=\"file\"; filename=\"../../etc/passwd\"", "crates\r\n--frontie")
        + "--frontier--\r\n";
    let (status, page) = answer(Method::POST, MULTIPART, form).await;
    assert_eq!(status, 200);
    assert!(page.contains(&row("text", 8, "manifest")), "{page}");
    let (_, path) = page.split_once("<b>filename:</b> ").unwrap();
    let (path, length) = path.split_once(", <b>length</b> ").unwrap();
    assert_eq!(length, "17</body></html>");
    let path = std::path::Path::new(path);
    assert_eq!(path.parent(), Some(&*std::env::temp_dir()));
    assert!(path.file_name().unwrap().to_str().unwrap().starts_with("post-file-"));
    assert!(!path.exists());
}

#[tokio::test]
async fn a_stored_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let mut sink = Sink::new(VALUES, FILE);
    sink.begin_file(b"file");
    sink.data(b"first ").unwrap();
    let upload = upload::store(None, &mut sink).await.unwrap();
    sink.data(b"second").unwrap();
    let upload = upload::store(upload, &mut sink).await.unwrap().unwrap();
    assert_eq!(std::fs::read(upload.path()).unwrap(), b"first second");
    assert_eq!(std::fs::metadata(upload.path()).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn limits_are_told() {
    let file = |length| part("name=\"file\"; filename=\"f\"", &"f".repeat(length)) + "--frontier--";
    let table: [(&str, String, u16); 12] = [
        (URL_ENCODED, format!("text={}&send={}", "x".repeat(1000), "y".repeat(24)), 200),
        (URL_ENCODED, format!("text={}&send={}", "x".repeat(1000), "y".repeat(25)), 413),
        (URL_ENCODED, format!("text={}&text={}", "x".repeat(1000), "y".repeat(25)), 413),
        (URL_ENCODED, format!("other={}", "x".repeat(FORM)), 413),
        (MULTIPART, file(100_000), 200),
        (MULTIPART, file(100_001), 413),
        (MULTIPART, part("name=\"text\"", &"x".repeat(1025)) + "--frontier--", 413),
        (MULTIPART, part("name=\"text\"", "x"), 400),
        (MULTIPART, String::new(), 400),
        (MULTIPART, "--frontierX".into(), 400),
        (MULTIPART, format!("--frontier\r\n{}", "x".repeat(3000)), 400),
        (MULTIPART, "--frontier--".into(), 200),
    ];
    for (media_type, sent, expected) in table {
        let (status, page) = answer(Method::POST, media_type, sent.clone()).await;
        assert_eq!(status, expected, "{page} {}", &sent[..sent.len().min(80)]);
    }
    for media_type in ["text/plain", "multipart/mixed; boundary=x"] {
        assert_eq!(answer(Method::POST, media_type, "").await.0, 415, "{media_type}");
    }
    for media_type in ["multipart/form-data", "multipart/form-data; boundary=\"x \""] {
        assert_eq!(answer(Method::POST, media_type, "").await.0, 400, "{media_type}");
    }
    for method in [Method::GET, Method::HEAD, Method::DELETE] {
        let response = Arc::new(Posting).callback(request(method, URL_ENCODED, Body::empty())).await;
        assert_eq!(response.status(), 405);
        assert_eq!(response.headers()[ALLOW], "POST");
    }
}

#[tokio::test(start_paused = true)]
async fn a_form_that_never_ends_is_given_up() {
    let never = Body::from_stream(futures_util::stream::pending::<Result<&[u8], std::io::Error>>());
    assert_eq!(answer(Method::POST, URL_ENCODED, never).await.0, 408);
}

/// All that is understood of a form that comes in these pieces.
fn understood(media_type: &str, pieces: &[&[u8]]) -> Result<Sink, Wrong> {
    let mut form = Form::new(Some(media_type.as_bytes()), 300)?;
    let mut sink = Sink::new(40, 60);
    for piece in pieces {
        form.take(piece, &mut sink)?;
    }
    form.end(&mut sink)?;
    Ok(sink)
}

/// Bytes that are often nearly a form.
fn nearly_a_form() -> impl Strategy<Value = Vec<u8>> {
    let words = prop::sample::select(vec![
        "\r\n",
        "--",
        "-",
        "\r",
        "frontier",
        "--frontier",
        "\r\n--frontier\r\n",
        "\r\n--frontier--",
        "text",
        "=",
        "&",
        "%",
        "%4",
        "%41",
        "+",
        "file",
        "Content-Disposition: form-data; name=\"text\"\r\n\r\n",
        "\"",
        ";",
        "Content-Disposition: form-data; name=file; filename=\"x\"\r\n\r\n",
    ]);
    let piece = prop_oneof![
        4 => words.prop_map(|word| word.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..30),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn how_a_form_is_cut_makes_no_difference(form in nearly_a_form(), cuts in prop::collection::vec(1..20_usize, 1..9)) {
        for media_type in [URL_ENCODED, MULTIPART] {
            let whole = understood(media_type, &[&form]);
            let bytes: Vec<&[u8]> = form.chunks(1).collect();
            prop_assert_eq!(&understood(media_type, &bytes), &whole);
            let mut rest = form.as_slice();
            let mut pieces = Vec::new();
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (piece, after) = rest.split_at((*cut).min(rest.len()));
                pieces.push(piece);
                rest = after;
            }
            prop_assert_eq!(&understood(media_type, &pieces), &whole);
        }
    }
}
