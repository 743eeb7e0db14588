//! How the time of a run grows with the configuration: files of one vhost with four mounts each, as in `conf.d`.
//!
//! `cargo bench -p lwsconf`. Parsing is measured by itself too, since it is the longest stage. The figures of each group
//! must grow like the number of vhosts, no faster.

#![allow(clippy::unwrap_used, reason = "a benchmark may fail loudly")]

use std::fs;
use std::path::Path;

use divan::counter::BytesCount;
use divan::{Bencher, black_box};
use grammar::FileId;
use lwsconf::Options;
use tempfile::TempDir;

/// How many vhosts there are.
const SIZES: [usize; 3] = [100, 1_000, 10_000];

fn main() {
    divan::main();
}

/// Of each file its tree, on one core.
#[divan::bench(args = SIZES, sample_count = 10, sample_size = 1)]
fn parse(bencher: Bencher<'_, '_>, vhosts: usize) {
    let files: Vec<String> = (0..vhosts).map(vhost).collect();
    let bytes: usize = files.iter().map(String::len).sum();
    bencher.counter(BytesCount::new(bytes)).bench(|| {
        for file in &files {
            black_box(grammar::parse(FileId(0), file.as_bytes()));
        }
    });
}

/// What `lwsconf check` does.
#[divan::bench(args = SIZES, sample_count = 10, sample_size = 1)]
fn check(bencher: Bencher<'_, '_>, vhosts: usize) {
    let dir = config(vhosts);
    let options = options(dir.path());
    bencher.bench(|| lwsconf::check(&options).unwrap());
}

/// What `lwsconf compile` does, the plan brought to the disk included.
#[divan::bench(args = SIZES, sample_count = 10, sample_size = 1)]
fn compile(bencher: Bencher<'_, '_>, vhosts: usize) {
    let dir = config(vhosts);
    let options = options(dir.path());
    let plan = dir.path().join("plan");
    bencher.bench(|| lwsconf::compile(&options, &plan).unwrap());
    assert!(plan.exists(), "nothing was compiled");
}

fn options(dir: &Path) -> Options {
    Options { dir: dir.to_owned(), ..Options::default() }
}

fn config(vhosts: usize) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("conf"), "{ \"global\": { \"uid\": \"33\", \"gid\": \"33\" } }\n").unwrap();
    fs::create_dir(dir.path().join("conf.d")).unwrap();
    for number in 0..vhosts {
        fs::write(dir.path().join(format!("conf.d/site{number:05}")), vhost(number)).unwrap();
    }
    dir
}

/// One file.
fn vhost(number: usize) -> String {
    let port = 8000 + number % 8;
    let upstream = 3000 + number % 1000;
    format!(
        r#"{{
  "vhosts": [
    {{
      # site {number}: files, an API, downloads and a redirect
      "name": "site{number:05}.example.com",
      "port": "{port}",
      "interface": "127.0.0.1",
      "access-log": "/var/log/lwsws/site{number:05}.log",
      "headers": [
        {{ "X-Content-Type-Options": "nosniff" }},
        {{ "X-Frame-Options": "deny" }},
        {{ "Content-Security-Policy": "default-src 'self'" }}
      ],
      "mounts": [
        {{
          "mountpoint": "/",
          "origin": "file://_lws_ddir_/site{number:05}/html",
          "default": "index.html",
          "cache-max-age": "3600", # an hour
          "cache-reuse": "1"
        }},
        {{
          "mountpoint": "/api",
          "origin": "http://127.0.0.1:{upstream}/v1/"
        }},
        {{
          "mountpoint": "/download",
          "origin": "file:///srv/download/site{number:05}",
          "extra-mimetypes": {{ ".zip": "application/zip", ".evl": "text/plain" }}
        }},
        {{
          "mountpoint": "/old",
          "origin": ">https://site{number:05}.example.org/"
        }}
      ]
    }}
  ]
}}
"#
    )
}
