//! Protocols by name.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::Protocol;
use super::dumb_increment::DumbIncrement;
use super::echo::Echo;
use super::mirror::Mirror;
use super::post_demo::PostDemo;
use super::raw_proxy::RawProxy;
use super::server_status::ServerStatus;
use super::status::Status;

/// The protocols that this server has. The default holds the built-in ones.
#[derive(Clone)]
pub struct Registry(BTreeMap<String, Arc<dyn Protocol>>);

impl Registry {
    /// A registry without any protocol.
    #[must_use]
    pub fn empty() -> Self {
        Self(BTreeMap::new())
    }

    /// Adds a protocol. One of the same name is replaced.
    #[must_use]
    pub fn with(mut self, protocol: impl Protocol) -> Self {
        self.0.insert(protocol.name().to_owned(), Arc::new(protocol));
        self
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Arc<dyn Protocol>> {
        self.0.get(name)
    }
}

impl Default for Registry {
    fn default() -> Self {
        let built_in = Self::empty().with(DumbIncrement).with(Echo).with(Mirror).with(PostDemo);
        built_in.with(RawProxy).with(ServerStatus).with(Status)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}
