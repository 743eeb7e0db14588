//! See `lwsrun::fuzz::paths`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| lwsrun::fuzz::paths(bytes));
