//! `fallback`: the page of a single-page application, whose own script knows the paths for which there is no file.
//!
//! It is sent, with status 200, instead of a 404, and only to a browser that looks for a page:
//!
//! - GET or HEAD, which is all that files have;
//! - `Accept` names `text/html`; `*/*` alone does not count, which is what scripts, images and command lines send;
//! - `Sec-Fetch-Mode`, which browsers send to trustworthy origins, is `navigate` if it is there;
//! - the last name of the path has no suffix of an asset. A page that is sent for a script that is gone would be a
//!   syntax error in a console instead of a 404, and would be kept by caches.
//!
//! A suffix is one of an asset if the tables of the mount know it, or if it stands in [`ASSETS`]. So `/users/jane.doe`
//! is a page, and `/app.js` and `/old.html` are not.
//!
//! Answers with and instead of the page vary by both fields, which `Vary` says.

use http::header::{ACCEPT, VARY};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};

use schemas::route::{canonical_path, decode_path};

use super::media_type::MediaTypes;

/// Suffixes of what pages load or link to, beside those that have a type; in lower case.
const ASSETS: [&str; 43] = [
    "7z",
    "aac",
    "apk",
    "avi",
    "avif",
    "bin",
    "bmp",
    "br",
    "bz2",
    "csv",
    "doc",
    "docx",
    "eot",
    "flac",
    "jsx",
    "less",
    "map",
    "md",
    "mov",
    "mp3",
    "mp4",
    "mpeg",
    "oga",
    "ogg",
    "ogv",
    "opus",
    "pdf",
    "ppt",
    "rar",
    "rss",
    "sass",
    "scss",
    "tar",
    "tif",
    "tiff",
    "ts",
    "wav",
    "weba",
    "webm",
    "webmanifest",
    "webp",
    "xls",
    "zip",
];

const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// What the choice between the page and a 404 depends on.
const VARIES: HeaderValue = HeaderValue::from_static("accept, sec-fetch-mode");

/// The fallback of a mount.
#[derive(Debug)]
pub(super) struct Fallback {
    /// The path of its file as a request's would be, mountpoint included.
    pub(super) path: Box<str>,
}

impl Fallback {
    /// The fallback of a mount; `mountpoint` is its canonical path, empty for `/`, `name` is the path of its file below the docroot; `None` if that names no file.
    pub(super) fn new(mountpoint: &str, name: &str) -> Option<Self> {
        let escaped = canonical_path(["/", name].concat().as_bytes()).into_owned();
        let cleaned = decode_path(&escaped).ok()?;
        let path = [mountpoint, &canonical_path(&cleaned)].concat();
        (!path.ends_with('/')).then(|| Self { path: path.into() })
    }

    /// Whether a request, for which there is no file, is sent the page.
    pub(super) fn suits(request: &Request<()>, media_types: &MediaTypes) -> bool {
        accepts_html(request.headers())
            && navigates(request.headers())
            && !is_asset(request.uri().path(), media_types)
    }

    /// Marks an answer that another client might not get.
    pub(super) fn varies<B>(response: &mut Response<B>) {
        response.headers_mut().append(VARY, VARIES);
    }
}

/// Whether `Accept` names `text/html`, with a weight other than 0.
fn accepts_html(headers: &HeaderMap) -> bool {
    let lists = headers.get_all(ACCEPT).into_iter();
    lists.flat_map(|list| list.as_bytes().split(|&byte| byte == b',')).any(|range| {
        let mut parts = range.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
        let is_html = parts.next().is_some_and(|name| name.eq_ignore_ascii_case(b"text/html"));
        is_html && !parts.any(is_weight_of_zero)
    })
}

/// `q=0`, `q=0.0` and so on.
fn is_weight_of_zero(parameter: &[u8]) -> bool {
    let Some((name, value)) = parameter.split_at_checked(2) else { return false };
    name.eq_ignore_ascii_case(b"q=") && value.iter().all(|byte| matches!(byte, b'0' | b'.'))
}

fn navigates(headers: &HeaderMap) -> bool {
    headers.get(SEC_FETCH_MODE).is_none_or(|mode| mode == "navigate")
}

/// Whether the last name of a canonical path has the suffix of an asset.
fn is_asset(path: &str, media_types: &MediaTypes) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let Some((_, suffix)) = name.rsplit_once('.') else { return false };
    ASSETS.iter().any(|asset| suffix.eq_ignore_ascii_case(asset)) || media_types.know(name.as_bytes())
}

#[cfg(test)]
mod tests {
    use schemas::plan::Mime;

    use super::*;

    #[test]
    fn the_file_is_below_the_mountpoint() {
        for (mountpoint, name, path) in [
            ("", "index.html", Some("/index.html")),
            ("", "/index.html", Some("/index.html")),
            ("/pier%20one", "a b/./x/../c%.html", Some("/pier%20one/a%20b/c%25.html")),
            ("/pier", "../../etc/passwd", Some("/pier/etc/passwd")),
            ("/pier", "", None),
            ("/pier", "/", None),
            ("/pier", "a/", None),
        ] {
            let fallback = Fallback::new(mountpoint, name);
            assert_eq!(fallback.as_ref().map(|fallback| &*fallback.path), path, "{name}");
        }
    }

    fn suits(path: &str, fields: &[(HeaderName, &str)]) -> bool {
        let mut request = Request::builder().uri(path);
        for (name, value) in fields {
            request = request.header(name, *value);
        }
        let extra = [Mime { suffix: "*", media_type: "" }, Mime { suffix: ".zap", media_type: "a/zap" }];
        Fallback::suits(&request.body(()).unwrap(), &MediaTypes::new(&extra))
    }

    #[test]
    fn only_those_who_name_html() {
        for (accept, suited) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true),
            ("*/*, TEXT/HTML ; q=0.001", true),
            ("application/json;q=0.5;v=1 ,text/html;charset=utf-8", true),
            ("text/html;q=0", false),
            ("text/html; q=0.000, */*", false),
            ("*/*", false),
            ("text/*", false),
            ("application/json", false),
            ("text/htmlx", false),
            ("", false),
        ] {
            assert_eq!(suits("/a", &[(ACCEPT, accept)]), suited, "{accept}");
        }
        assert!(!suits("/a", &[]));
        assert!(suits("/a", &[(ACCEPT, "x/y"), (ACCEPT, "text/html")]));
        assert!(suits("/a", &[(ACCEPT, "text/html"), (SEC_FETCH_MODE, "navigate")]));
        assert!(!suits("/a", &[(ACCEPT, "text/html"), (SEC_FETCH_MODE, "cors")]));
    }

    #[test]
    fn assets_are_known_by_their_suffix() {
        for (path, suited) in [
            ("/", true),
            ("/users/7", true),
            ("/users/jane.doe", true),
            ("/v1.2/notes", true),
            ("/app.js/x", true),
            ("/.hidden", true),
            ("/a.", true),
            ("/app.js", false),
            ("/app.JS", false),
            ("/img/a.webp", false),
            ("/app.js.map", false),
            ("/old.html", false),
            ("/a.zap", false),
            ("/favicon.ico", false),
        ] {
            assert_eq!(suits(path, &[(ACCEPT, "text/html")]), suited, "{path}");
        }
    }
}
