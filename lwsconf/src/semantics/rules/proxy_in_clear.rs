//! A proxy to an address of the internet without TLS.

use std::net::{IpAddr, Ipv4Addr};

use schemas::plan::{Origin, UpstreamAddress};

use crate::diagnostic::{Code, Diagnostic, Report, quoted};
use crate::semantics::view::{View, value_span};

pub(super) fn check(view: &View<'_, '_>, report: &mut Report) {
    for (_, mount) in view.mounts() {
        let Origin::Proxy(upstream) = &mount.plan.origin else { continue };
        let UpstreamAddress::Host { host, .. } = upstream.address else { continue };
        if upstream.tls || !host.parse().is_ok_and(is_public) {
            continue;
        }
        let headline = format!("requests travel to {} in clear", quoted(host));
        let found = Diagnostic::warning(Code::ProxyInClear, headline, value_span(mount.fields, "origin"))
            .label("a public address, without TLS")
            .note("cookies and forms of your clients included")
            .help("write `https://`, or reach the other machine through a private network");
        report.push(found);
    }
}

/// Whether an address is one of the internet, not of a machine or a private network.
fn is_public(address: IpAddr) -> bool {
    let is_public_v4 = |address: Ipv4Addr| {
        let is_shared = address.octets()[0] == 100 && (64..128).contains(&address.octets()[1]);
        !(address.is_private()
            || address.is_loopback()
            || address.is_link_local()
            || address.is_unspecified()
            || address.is_multicast()
            || address.is_broadcast()
            || is_shared)
    };
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(address) => is_public_v4(address),
            // 2000::/3 is all that is given out so far.
            None => address.segments()[0] & 0xe000 == 0x2000,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_networks_are_not_public() {
        for private in
            ["127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "100.64.0.1", "::1", "fd00::1", "fe80::1"]
        {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in ["203.0.113.7", "8.8.8.8", "2001:db8::1", "::ffff:8.8.8.8"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }
}
