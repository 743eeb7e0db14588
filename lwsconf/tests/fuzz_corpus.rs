//! Replays the corpus of the fuzz targets, which a stable compiler cannot fuzz with.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly, its helpers too")]

#[path = "../../tests/fuzz/src/targets.rs"]
#[allow(unreachable_pub, reason = "a library of its own to the fuzz targets")]
mod targets;

use std::fs;
use std::path::Path;

#[test]
fn parse_config() {
    replay("parse_config", targets::parse_config);
}

#[test]
fn compile_config() {
    replay("compile_config", targets::compile_config);
}

fn replay(target: &str, run: fn(&[u8])) {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fuzz");
    assert!(fuzz.join("fuzz_targets").join(target).with_extension("rs").exists(), "there is no such target");
    let mut inputs = 0;
    for entry in fs::read_dir(fuzz.join("corpus").join(target)).unwrap() {
        let path = entry.unwrap().path();
        let input = fs::read(&path).unwrap();
        let done = std::panic::catch_unwind(|| run(&input));
        assert!(done.is_ok(), "{}", path.display());
        inputs += 1;
    }
    assert!(inputs >= 10, "the corpus of {target} is gone");
}
