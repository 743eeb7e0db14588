//! See `lwsrun::fuzz::post_form`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| lwsrun::fuzz::post_form(bytes));
