//! From a request to the vhost that answers it: admit > host > path > keywords. The mount is the router's.

pub(crate) mod admit;
pub(crate) mod path;
pub(crate) mod reject;
pub(crate) mod secure;
