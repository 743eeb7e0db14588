//! See `lwsrun::fuzz::cgi_head`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| lwsrun::fuzz::cgi_head(bytes));
