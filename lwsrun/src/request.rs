//! From a request to the vhost that answers it: in_flight > admit > content > host > path > keywords. The mount is the router's;
//! `protect` stands around it.

pub(crate) mod admit;
pub(crate) mod content;
pub(crate) mod in_flight;
pub(crate) mod path;
pub(crate) mod protect;
pub(crate) mod reject;
pub(crate) mod secure;
