//! `raw-proxy`: connections that are not HTTP, handed on byte by byte to the address of the option `onward`.
//!
//! Which connections those are is said by `listen-accept-role` and its companions; they never come here, but go from
//! `connection` straight to their address. What is here checks the option, and refuses websockets.
//!
//! `onward` is `ipv4:ADDRESS:PORT`, `ipv6:[ADDRESS]:PORT` or `unix:PATH`, where a leading `@` stands for the abstract
//! namespace. Addresses are numbers: nothing is looked up.

use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use schemas::plan::Vhost;

use super::{CloseCode, Instance, Opening, Options, Protocol, Session, StartError, VhostContext};

/// The name of the protocol, and of the role.
pub(crate) const NAME: &str = "raw-proxy";

/// The protocol.
pub(super) struct RawProxy;

struct Refusing;

/// Where bytes go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Onward {
    /// To a TCP port.
    Tcp(SocketAddr),
    /// To a unix socket.
    Unix(Box<str>),
}

impl Onward {
    /// Where the vhost's raw connections go, if its role is this one, and can be honoured.
    pub(crate) fn of(vhost: &Vhost<'_>) -> Option<Self> {
        let role = vhost.listen_accept_role.unwrap_or(NAME);
        let protocol = vhost.listen_accept_protocol.unwrap_or(NAME);
        let named = vhost.listen_accept_role.is_some() || vhost.listen_accept_protocol.is_some();
        if !named || role != NAME || protocol != NAME {
            return None;
        }
        let listed = vhost.protocols.iter().find(|protocol| protocol.name == NAME)?;
        Self::from_options(&Options::from(&*listed.options)).ok()
    }

    fn from_options(options: &Options) -> Result<Self, StartError> {
        let text = options.text("onward")?;
        let text =
            text.ok_or_else(|| StartError::new("it needs the option `onward`, where connections go"))?;
        let parsed = match text.split_once(':') {
            Some(("ipv4", address)) => {
                address.parse::<SocketAddrV4>().ok().map(|address| Self::Tcp(address.into()))
            }
            Some(("ipv6", address)) => {
                address.parse::<SocketAddrV6>().ok().map(|address| Self::Tcp(address.into()))
            }
            Some(("unix", path)) if !path.is_empty() => Some(Self::Unix(path.into())),
            _ => None,
        };
        parsed.ok_or_else(|| {
            StartError::new(format!(
                "option `onward` must be such as `ipv4:127.0.0.1:22`, `ipv6:[::1]:22` or `unix:/run/socket`, not \
                 `{text}`"
            ))
        })
    }
}

impl Protocol for RawProxy {
    fn name(&self) -> &str {
        NAME
    }

    fn start(&self, _: VhostContext, options: Options) -> Result<Arc<dyn Instance>, StartError> {
        Onward::from_options(&options).map(|_| Arc::new(Refusing) as Arc<dyn Instance>)
    }
}

impl Instance for Refusing {
    fn session(self: Arc<Self>, _: Opening, session: Session) -> BoxFuture<'static, ()> {
        session.close(CloseCode::UNSUPPORTED, "this protocol is for connections that are not HTTP");
        Box::pin(async {})
    }
}

#[cfg(test)]
mod tests {
    use super::super::OptionValue;
    use super::*;

    fn onward(text: &str) -> Result<Onward, String> {
        let options: Options = [("onward".into(), OptionValue::Text(text.into()))].into_iter().collect();
        Onward::from_options(&options).map_err(|error| error.to_string())
    }

    #[test]
    fn addresses_are_numbers_or_paths() {
        assert_eq!(onward("ipv4:127.0.0.1:22"), Ok(Onward::Tcp(([127, 0, 0, 1], 22).into())));
        assert_eq!(onward("ipv6:[::1]:22"), Ok(Onward::Tcp("[::1]:22".parse().unwrap())));
        assert_eq!(onward("unix:@name"), Ok(Onward::Unix("@name".into())));
        for wrong in
            ["", "127.0.0.1:22", "ipv4:localhost:22", "ipv4:127.0.0.1", "ipv6:1.2.3.4:5", "unix:", "tcp:x"]
        {
            assert!(onward(wrong).unwrap_err().contains("`onward`"), "{wrong}");
        }
        let missing = Onward::from_options(&Options::default()).unwrap_err().to_string();
        assert!(missing.contains("`onward`"), "{missing}");
    }
}
