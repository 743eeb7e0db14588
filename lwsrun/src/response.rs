//! What is answered: handlers by kind of mount, layers around them, and the statuses of failures.

pub(crate) mod complaints;
pub(crate) mod error;
pub(crate) mod fault;
pub(crate) mod handler;
pub(crate) mod layer;
pub(crate) mod log;
pub(crate) mod number;
