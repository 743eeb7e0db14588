//! `raw-proxy`: connections that are not HTTP, handed on byte by byte to the address of the option `onward`.
//!
//! Which connections those are is said by `listen-accept-role` and its companions; they never come here, but go from
//! `connection` straight to their address. What is here checks the option. There are no websockets.

use std::sync::Arc;

use schemas::onward::{NoAddress, Onward};
use schemas::plan::Vhost;

use super::{Instance, Options, Protocol, StartError, VhostContext};

/// The name of the protocol, and of the role.
pub(crate) const NAME: &str = "raw-proxy";

/// The protocol.
pub(super) struct RawProxy;

struct Checked;

/// Where the vhost's raw connections go, if its role is this one, and can be honoured.
pub(crate) fn onward(vhost: &Vhost<'_>) -> Option<Onward> {
    let role = vhost.listen_accept_role.unwrap_or(NAME);
    let protocol = vhost.listen_accept_protocol.unwrap_or(NAME);
    let named = vhost.listen_accept_role.is_some() || vhost.listen_accept_protocol.is_some();
    if !named || role != NAME || protocol != NAME {
        return None;
    }
    let listed = vhost.protocols.iter().find(|protocol| protocol.name == NAME)?;
    from_options(&Options::from(&*listed.options)).ok()
}

fn from_options(options: &Options) -> Result<Onward, StartError> {
    let text = options.text("onward")?;
    let text = text.ok_or_else(|| StartError::new("it needs the option `onward`, where connections go"))?;
    text.parse()
        .map_err(|error: NoAddress| StartError::new(format!("option `onward` cannot be `{text}`: {error}")))
}

impl Protocol for RawProxy {
    fn name(&self) -> &str {
        NAME
    }

    fn start(&self, _: VhostContext, options: Options) -> Result<Arc<dyn Instance>, StartError> {
        from_options(&options).map(|_| Arc::new(Checked) as Arc<dyn Instance>)
    }

    fn websockets(&self) -> bool {
        false
    }
}

impl Instance for Checked {}

#[cfg(test)]
mod tests {
    use super::super::OptionValue;
    use super::*;

    #[test]
    fn the_option_is_asked_for_and_checked() {
        let start = |options: Options| from_options(&options).map_err(|error| error.to_string());
        let with =
            |text: &str| start([("onward".into(), OptionValue::Text(text.into()))].into_iter().collect());
        assert_eq!(with("ipv4:127.0.0.1:22"), Ok(Onward::Tcp(([127, 0, 0, 1], 22).into())));
        let wrong = with("localhost:22").unwrap_err();
        assert!(wrong.contains("`onward`") && wrong.contains("`localhost:22`"), "{wrong}");
        assert!(start(Options::default()).unwrap_err().contains("`onward`"));
    }
}
