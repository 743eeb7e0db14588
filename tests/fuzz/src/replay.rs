//! Runs a target with its corpus, which a stable compiler cannot fuzz with: part of the tests of whoever has targets.

use std::fs;
use std::path::Path;

/// Runs `run` with each input of the corpus of `target`.
///
/// # Panics
/// If something does not hold, with the input's path; or if target or corpus are gone.
pub(crate) fn replay(target: &str, run: fn(&[u8])) {
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
