//! Before the first byte: from a plan file to sockets, keys, routers and workers.

pub(crate) mod honour;
pub(crate) mod limits;
pub(crate) mod map;
pub(crate) mod privilege;
pub(crate) mod router;
pub(crate) mod site;
pub(crate) mod sockets;
pub(crate) mod stack;
pub(crate) mod survey;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod tls;
pub(crate) mod workers;
