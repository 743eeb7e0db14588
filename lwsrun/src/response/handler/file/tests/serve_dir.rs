//! Beside tower-http's `ServeDir`: random requests to both, for what it does right.
//!
//! What is known to differ is not asked for here:
//!
//! - If-Range: it is ignored there, so that a stale part can be sent;
//! - of a field that is sent twice only the first counts there, although lists may be split (section 5.3);
//! - several ranges are 416 there, and so are ranges that are not legal, for which we send the file (RFC 9110, section
//!   14.2); HEAD has ranges there, an empty file has a part that no Content-Range can
//!   say, and the last bytes of a file may not be more than it has;
//! - symbolic links that leave the folder are followed there;
//! - Content-Type: the tables differ, and nothing is 415 there;
//! - entity tags are written differently, so each is asked with its own; folders and error pages.

use http_body_util::BodyExt;
use proptest::prelude::*;
use tower_http::services::ServeDir;

use super::*;

const FILES: [(&str, usize); 5] =
    [("empty.txt", 0), ("one.txt", 1), ("ten.txt", 10), ("small.txt", 1000), ("large.txt", 300_000)];

/// The place of the empty one.
const EMPTY: usize = 0;

/// A condition of a request; tags and dates as they relate to the file's own.
#[derive(Debug, Clone)]
enum Condition {
    Tags(&'static str, Vec<Tag>),
    Any(&'static str),
    /// Seconds between the date and the file's.
    Date(&'static str, i64),
}

#[derive(Debug, Clone, Copy)]
enum Tag {
    Own,
    OwnWeak,
    Other,
}

#[derive(Debug, Clone)]
struct Asked {
    method: &'static str,
    file: usize,
    conditions: Vec<Condition>,
    range: Option<String>,
}

/// What is compared.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    status: u16,
    headers: Vec<Option<String>>,
    body: Vec<u8>,
}

fn asked() -> impl Strategy<Value = Asked> {
    let tag = prop_oneof![Just(Tag::Own), Just(Tag::OwnWeak), Just(Tag::Other)];
    let tagged = prop::sample::select(vec!["if-match", "if-none-match"]);
    let dated = prop::sample::select(vec!["if-modified-since", "if-unmodified-since"]);
    let condition = prop_oneof![
        (tagged.clone(), prop::collection::vec(tag, 1..4))
            .prop_map(|(name, tags)| Condition::Tags(name, tags)),
        tagged.prop_map(Condition::Any),
        (dated, -2..=2_i64).prop_map(|(name, seconds)| Condition::Date(name, seconds)),
    ];
    let number = prop_oneof![0..12_u32, 995..1005_u32, 299_990..300_010_u32];
    let range = prop_oneof![
        (number.clone(), 0..20_u32).prop_map(|(first, more)| format!("bytes={first}-{}", first + more)),
        number.clone().prop_map(|first| format!("bytes={first}-")),
        prop_oneof![1..=10_usize, 900..=1000_usize, 1..=300_000_usize]
            .prop_map(|last| format!("bytes=-{last}")),
    ];
    let method = prop_oneof![3 => Just("GET"), 1 => Just("HEAD")];
    (method, 0..FILES.len() + 1, prop::collection::vec(condition, 0..5), prop::option::of(range)).prop_map(
        |(method, file, mut conditions, range)| {
            conditions.sort_by_key(Condition::name);
            conditions.dedup_by_key(|condition| condition.name());
            let fits = |range: &String| match range.strip_prefix("bytes=-") {
                Some(last) => last.parse::<usize>().unwrap() <= FILES.get(file).map_or(0, |(_, size)| *size),
                None => true,
            };
            let range = range.filter(|range| method == "GET" && file != EMPTY && fits(range));
            Asked { method, file, conditions, range }
        },
    )
}

impl Condition {
    fn name(&self) -> &'static str {
        match self {
            Self::Tags(name, _) | Self::Any(name) | Self::Date(name, _) => name,
        }
    }
}

impl Asked {
    fn path(&self) -> String {
        format!("/{}", FILES.get(self.file).map_or("missing.txt", |(name, _)| name))
    }

    /// The request, for a service that gives the file this tag and this date.
    fn request(&self, etag: &str, modified: std::time::SystemTime) -> Request<Body> {
        let mut request = Request::builder().method(self.method).uri(self.path());
        for condition in &self.conditions {
            let (name, value) = match condition {
                Condition::Any(name) => (name, "*".to_owned()),
                Condition::Tags(name, tags) => {
                    let tag = |tag: &Tag| match tag {
                        Tag::Own => etag.to_owned(),
                        Tag::OwnWeak => format!("W/{etag}"),
                        Tag::Other => "\"other\"".to_owned(),
                    };
                    (name, tags.iter().map(tag).collect::<Vec<_>>().join(", "))
                }
                Condition::Date(name, seconds) => {
                    let shift = Duration::from_secs(seconds.unsigned_abs());
                    let date = if *seconds < 0 { modified - shift } else { modified + shift };
                    (name, httpdate::fmt_http_date(date))
                }
            };
            request = request.header(*name, value);
        }
        if let Some(range) = &self.range {
            request = request.header("range", range);
        }
        request.body(Body::empty()).unwrap()
    }
}

async fn answer<S, B>(service: S, asked: &Asked) -> Answer
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone,
    B: http_body::Body<Data = bytes::Bytes, Error: std::fmt::Debug>,
{
    let plain = Request::builder().uri(asked.path()).body(Body::empty()).unwrap();
    let Ok(plain) = service.clone().oneshot(plain).await;
    let header = |name: &str| plain.headers().get(name).map_or("", |value| value.to_str().unwrap());
    let modified =
        httpdate::parse_http_date(header("last-modified")).unwrap_or(UNIX_EPOCH + Duration::from_secs(9));
    let Ok(response) = service.oneshot(asked.request(header("etag"), modified)).await;
    let (parts, body) = response.into_parts();
    let headers = ["content-length", "content-range", "last-modified", "accept-ranges"].map(|name| {
        // Pages of our own are not compared, and neither is who says that they have a length.
        let compared = parts.status.is_success() || name == "content-range";
        parts.headers.get(name).filter(|_| compared).map(|value| value.to_str().unwrap().to_owned())
    });
    let body = body.collect().await.unwrap().to_bytes();
    let body = if parts.status.is_success() { body.to_vec() } else { Vec::new() };
    Answer { status: parts.status.as_u16(), headers: headers.into(), body }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn both_answer_alike(list in prop::collection::vec(asked(), 20)) {
        let folder = tempfile::tempdir().unwrap();
        for (name, size) in FILES {
            put(folder.path(), name, &noise(size));
            let file = std::fs::File::options().write(true).open(folder.path().join(name)).unwrap();
            file.set_modified(UNIX_EPOCH + Duration::new(1_480_000_000, 5)).unwrap();
        }
        let ours = serve(&mount("/"), folder.path(), ALWAYS_LOOK);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            for asked in list {
                let theirs = answer(ServeDir::new(folder.path()), &asked).await;
                prop_assert_eq!(answer(ours.clone(), &asked).await, theirs, "{:?}", asked);
            }
            Ok(())
        })?;
    }
}
