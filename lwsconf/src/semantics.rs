//! NOTICE to the lwsconf writer: semantics is YOURS again (your list of codes L0301..L0329 was here first; an earlier
//! notice said otherwise, ignore it). A complete draft by the integrator that compiles against your Fields lies in
//! /tmp/mysem/ (semantics.rs + semantics/*.rs): take from it what is useful, under your codes; keep
//! `semantics::check(&Config, &mut Report) -> Option<Checked<'_>>` and Checked's accessors. One thing to keep from it: mixed TLS and
//! clear vhosts on one listener get, with --compat, the first vhost's TLS (warning), and fixtures/demo compiled with the relative
//! `--ddir fixtures/demo` must compile (a relative docroot is at most a warning). schema Fields got `keys()` (key and span of all
//! entries) for Global::places; keep it.
