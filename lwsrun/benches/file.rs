//! The file service without a connection: what an answer costs once the request is there.
//!
//! `cargo bench -p lwsrun --features bench`. The request is made before the clock starts, the answer is dropped after
//! it stops. The allocator is that of the program.

use axum::body::Body;
use divan::{AllocProfiler, Bencher};
use futures_util::FutureExt;
use http::{Request, Response};
use mimalloc::MiMalloc;
use tempfile::TempDir;
use tower::Service;

#[global_allocator]
static ALLOCATOR: AllocProfiler<MiMalloc> = AllocProfiler::new(MiMalloc);

fn main() {
    divan::main();
}

#[divan::bench(sample_count = 500, sample_size = 500)]
fn hit_1_kib(bencher: Bencher<'_, '_>) {
    repeat(bencher, "/1k.txt", &[], 200);
}

/// What a browser sends besides.
#[divan::bench(sample_count = 500, sample_size = 500)]
fn hit_1_kib_of_a_browser(bencher: Bencher<'_, '_>) {
    let headers = [
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
        ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
        ("accept-language", "en-GB,en;q=0.5"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("upgrade-insecure-requests", "1"),
    ];
    repeat(bencher, "/1k.txt", &headers, 200);
}

#[divan::bench(sample_count = 500, sample_size = 500)]
fn hit_not_modified(bencher: Bencher<'_, '_>) {
    repeat(bencher, "/1k.txt", &[("if-none-match", "*")], 304);
}

#[divan::bench(sample_count = 500, sample_size = 500)]
fn hit_one_range(bencher: Bencher<'_, '_>) {
    repeat(bencher, "/1k.txt", &[("range", "bytes=100-199")], 206);
}

#[divan::bench(sample_count = 500, sample_size = 500)]
fn hit_two_ranges(bencher: Bencher<'_, '_>) {
    repeat(bencher, "/1k.txt", &[("range", "bytes=100-199,300-399")], 206);
}

#[divan::bench(sample_count = 500, sample_size = 500)]
fn hit_precompressed(bencher: Bencher<'_, '_>) {
    repeat(bencher, "/coded.txt", &[("accept-encoding", "gzip, deflate, br, zstd")], 200);
}

/// More than is kept in memory: an open file, no byte read yet.
#[divan::bench(sample_count = 500, sample_size = 100)]
fn large_file_opened(bencher: Bencher<'_, '_>) {
    repeat(bencher, "/1m.txt", &[], 200);
}

#[divan::bench(sample_count = 500, sample_size = 500)]
fn missing(bencher: Bencher<'_, '_>) {
    repeat(bencher, "/missing.txt", &[], 404);
}

/// The same request again and again, after it has been answered once.
fn repeat(bencher: Bencher<'_, '_>, path: &str, headers: &[(&str, &str)], status: u16) {
    let folder = site();
    let service = lwsrun::bench::files(folder.path());
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let Ok(runtime) = runtime else { return };
    // The first answer may have to wait for a disk.
    let first = runtime.block_on(service.clone().call(request(path, headers)));
    assert_eq!(status_of(first), status);
    bencher.with_inputs(|| request(path, headers)).bench_local_values(|request| {
        let answer = service.clone().call(request).now_or_never();
        assert!(answer.is_some(), "it is in memory");
        answer
    });
}

fn status_of(answer: Result<Response<Body>, std::convert::Infallible>) -> u16 {
    let Ok(response) = answer;
    response.status().as_u16()
}

fn request(path: &str, headers: &[(&str, &str)]) -> Request<Body> {
    let request =
        headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
    request.body(Body::empty()).unwrap_or_default()
}

fn site() -> TempDir {
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("no folder: {error}"));
    for (name, size) in
        [("1k.txt", 1 << 10), ("1m.txt", 1 << 20), ("coded.txt", 1 << 10), ("coded.txt.br", 200)]
    {
        let written = std::fs::write(folder.path().join(name), vec![b'x'; size]);
        written.unwrap_or_else(|error| panic!("no file: {error}"));
    }
    folder
}
