//! An `interface` that can be neither an address nor a device: lwsws would wait for it for ever.

use std::net::{IpAddr, SocketAddr};

use schemas::plan::Bind;

use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::semantics::view::View;

/// The longest name of a device that Linux takes, in bytes.
const LONGEST: usize = 15;

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for vhost in &view.vhosts {
        let Some(Bind::Interface { interface, .. }) =
            view.listener(vhost.plan).map(|listener| &listener.bind)
        else {
            continue;
        };
        let (Some(reason), Some(text)) = (wrong(interface), vhost.fields.text("interface")) else { continue };
        let headline = format!("{} names no interface", quoted(interface));
        report.push(
            Diagnostic::warning(Code::InterfaceName, headline, text.span())
                .label(reason)
                .note("lwsws waits until there is such an interface, and nothing answers on the port")
                .help(
                    "write a numeric address, the name of a device such as `eth0`, or leave it out for all",
                ),
        );
    }
}

/// What a text is that is neither an address nor a device's name.
fn wrong(interface: &str) -> Option<&'static str> {
    if interface.parse::<IpAddr>().is_ok() {
        return None;
    }
    let is_numeric = interface.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let last = interface.rsplit('.').next().unwrap_or_default();
    let is_host = last.len() < interface.len() && last.bytes().all(|byte| byte.is_ascii_alphabetic());
    Some(if interface.starts_with(['/', '@']) {
        "a path: `unix-socket` is not on"
    } else if interface.parse::<SocketAddr>().is_ok() || interface.contains(['[', ']']) {
        "an address with a port or brackets: the port is `port`"
    } else if interface.contains('/') {
        "an address with a mask"
    } else if interface == "localhost" || is_host {
        "a host's name"
    } else if interface.contains('*') {
        "every address is what is listened on without `interface`"
    } else if is_numeric {
        "an address that is not complete, or out of range"
    } else if interface.contains(' ') || interface.len() > LONGEST {
        "no device is called so"
    } else {
        return None;
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_and_addresses_are_fine_and_the_rest_is_not() {
        for fine in
            ["eth0", "lo", "eth0.100", "eth0:1", "wlp0s20f3", "127.0.0.1", "::1", "0.0.0.0", "fe80::1"]
        {
            assert_eq!(wrong(fine), None, "{fine}");
        }
        for bad in [
            "localhost",
            "www.example.com",
            "*",
            "127.0.0.1:80",
            "[::1]",
            "10.0.0.0/8",
            "/run/a",
            "256.1.1.1",
        ] {
            assert!(wrong(bad).is_some(), "{bad}");
        }
    }
}
