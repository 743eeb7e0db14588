//! `interface` to addresses: a numeric address stands for itself, a name for all addresses of that interface.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6};

use nix::ifaddrs::{InterfaceAddress, getifaddrs};
use schemas::plan::Families;

use super::Fault;

/// The addresses that an `interface` means, at least one.
///
/// Differs from lwsws: all addresses of a named interface, not only its first.
pub(super) fn addresses(interface: &str, port: u16, families: Families) -> Result<Vec<SocketAddr>, Fault> {
    let addresses = match interface.parse::<IpAddr>() {
        Ok(address) => vec![SocketAddr::new(address, port)],
        Err(_) => of_interface(interface, port)?,
    };
    let wanted: Vec<SocketAddr> = addresses.into_iter().filter(|address| wants(families, address)).collect();
    match interface.parse::<IpAddr>() {
        _ if !wanted.is_empty() => Ok(wanted),
        Ok(_) => Err(Fault::NoFamily(interface.to_owned())),
        Err(_) => Err(Fault::NoAddressYet(interface.to_owned())),
    }
}

fn wants(families: Families, address: &SocketAddr) -> bool {
    match families {
        Families::Both => true,
        Families::V4 => address.is_ipv4(),
        Families::V6 => address.is_ipv6(),
    }
}

fn of_interface(name: &str, port: u16) -> Result<Vec<SocketAddr>, Fault> {
    let all = getifaddrs().map_err(|error| Fault::system("listing the interfaces")(error.into()))?;
    let mut names = BTreeSet::new();
    let mut found = Vec::new();
    for entry in all {
        if entry.interface_name == name {
            found.extend(socket_address(&entry, port));
        }
        names.insert(entry.interface_name);
    }
    if !names.contains(name) {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        return Err(Fault::NoInterface(names.join(", ")));
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn socket_address(entry: &InterfaceAddress, port: u16) -> Option<SocketAddr> {
    let storage = entry.address.as_ref()?;
    let v4 = storage.as_sockaddr_in().map(|v4| SocketAddrV4::new(v4.ip(), port).into());
    // The scope matters for link-local addresses: without it they cannot be bound.
    v4.or_else(|| {
        storage.as_sockaddr_in6().map(|v6| SocketAddrV6::new(v6.ip(), port, 0, v6.scope_id()).into())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(interface: &str, families: Families) -> Result<Vec<String>, String> {
        let found = addresses(interface, 80, families).map_err(|fault| fault.to_string())?;
        Ok(found.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn numeric_addresses_stand_for_themselves() {
        assert_eq!(texts("127.0.0.1", Families::Both).unwrap(), ["127.0.0.1:80"]);
        assert_eq!(texts("::1", Families::Both).unwrap(), ["[::1]:80"]);
        assert!(texts("::1", Families::V4).unwrap_err().contains("noipv6"));
    }

    #[test]
    fn names_stand_for_their_addresses() {
        assert_eq!(texts("lo", Families::V4).unwrap(), ["127.0.0.1:80"]);
    }
}
