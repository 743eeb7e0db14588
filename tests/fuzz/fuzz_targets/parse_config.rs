//! See `fuzz::parse_config`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| fuzz::parse_config(bytes));
