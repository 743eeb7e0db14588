//! See `lwsrun::fuzz::head_guard`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| lwsrun::fuzz::head_guard(bytes));
