//! See `lwsrun::fuzz::conditions`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| lwsrun::fuzz::conditions(bytes));
