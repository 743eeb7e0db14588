//! Archives with any bytes changed: answered, never with other contents, never a panic.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

static SMALL: LazyLock<Vec<u8>> = LazyLock::new(|| tides(30));
static LARGE: LazyLock<Vec<u8>> = LazyLock::new(|| [random(260_000), tides(1000)].concat());
static MEMBERS: LazyLock<[Member; 3]> = LazyLock::new(|| {
    [
        Member::stored("stored.txt", b"stored"),
        Member::deflated("a/small.txt", &SMALL),
        Member::deflated("large.txt", &LARGE),
    ]
});

/// A change to the bytes of an archive.
#[derive(Debug, Clone)]
enum Change {
    Byte(usize, u8),
    Word(usize, u32),
    Cut(usize),
    Insert(usize, Vec<u8>),
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let at = 0..4096_usize;
    let change = prop_oneof![
        4 => (at.clone(), any::<u8>()).prop_map(|(at, byte)| Change::Byte(at, byte)),
        // Lengths and offsets are where it hurts.
        4 => (at.clone(), prop_oneof![Just(0), Just(u32::MAX), Just(0x7fff_ffff), 0..5000_u32])
            .prop_map(|(at, word)| Change::Word(at, word)),
        1 => at.clone().prop_map(Change::Cut),
        1 => (at, prop::collection::vec(any::<u8>(), 1..40)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
    ];
    prop::collection::vec(change, 1..6)
}

fn apply(bytes: &mut Vec<u8>, changes: &[Change]) {
    for change in changes {
        // Counted from the end: there the directory is, and most of what can go wrong.
        let from_end = |at: usize, length: usize| bytes.len().saturating_sub(at % (length + 1));
        match change {
            Change::Byte(at, byte) => {
                let at = from_end(*at, bytes.len());
                bytes.get_mut(at).into_iter().for_each(|old| *old = *byte);
            }
            Change::Word(at, word) => {
                let at = from_end(*at, bytes.len());
                bytes.iter_mut().skip(at).zip(word.to_le_bytes()).for_each(|(old, new)| *old = new);
            }
            Change::Cut(at) => bytes.truncate(from_end(*at, bytes.len())),
            Change::Insert(at, new) => {
                let at = from_end(*at, bytes.len());
                bytes.splice(at..at, new.iter().copied());
            }
        }
    }
}

/// The body, if it arrives whole and as long as its Content-Length.
async fn whole(service: &FileService, path: &str, accept: &str) -> Option<(u16, Vec<u8>)> {
    let request = request("GET", path, &[("accept-encoding", accept)]);
    let (parts, body) = service.clone().oneshot(request).await.unwrap().into_parts();
    let body = body.collect().await.ok()?.to_bytes().to_vec();
    if let Some(length) = parts.headers.get(CONTENT_LENGTH) {
        assert_eq!(length.to_str().unwrap(), body.len().to_string());
    }
    Some((parts.status.as_u16(), body))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn damaged_archives_are_answered(changes in changes(), comment in prop::collection::vec(any::<u8>(), 0..30)) {
        let mut bytes = zip_with_comment(&*MEMBERS, &comment);
        apply(&mut bytes, &changes);
        let (_folder, service) = archive_of(&bytes);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            for (path, contents) in [("/stored.txt", &b"stored"[..]), ("/a/small.txt", &SMALL), ("/large.txt", &LARGE)] {
                if let Some((status, body)) = whole(&service, path, "identity").await {
                    prop_assert!([200, 404, 500].contains(&status), "{status}");
                    // A checksum of 32 bits was there to be met.
                    prop_assert!(status != 200 || body == contents, "{path} has other contents");
                }
                whole(&service, path, "gzip").await;
            }
            Ok(())
        })?;
    }
}
