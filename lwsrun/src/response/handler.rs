//! What answers, by kind of mount.

mod attended;
pub(crate) mod callback;
pub(crate) mod cgi;
pub(crate) mod file;
pub(crate) mod interpret;
pub(crate) mod proxy;
pub(crate) mod redirect;
pub(crate) mod refuse;
pub(crate) mod ws;
