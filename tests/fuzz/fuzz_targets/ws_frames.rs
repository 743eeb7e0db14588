//! See `lwsrun::fuzz::ws_frames`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| lwsrun::fuzz::ws_frames(bytes));
