//! Replays the corpus of the fuzz targets, which a stable compiler cannot fuzz with.

#![allow(clippy::unwrap_used, reason = "a test may fail loudly, its helpers too")]

#[path = "../../tests/fuzz/src/targets.rs"]
#[allow(unreachable_pub, reason = "a library of its own to the fuzz targets")]
mod targets;

#[path = "../../tests/fuzz/src/replay.rs"]
mod replay;

use replay::replay;

#[test]
fn parse_config() {
    replay("parse_config", targets::parse_config);
}

#[test]
fn compile_config() {
    replay("compile_config", targets::compile_config);
}
