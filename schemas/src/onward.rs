//! The option `onward` of the protocol `raw-proxy`: where connections go that are not HTTP.
//!
//! `ipv4:ADDRESS:PORT`, `ipv6:[ADDRESS]:PORT` or `unix:PATH`, where a leading `@` stands for the abstract namespace.
//! Addresses are numbers: nothing is looked up.

use std::fmt;
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::str::FromStr;

/// Where bytes go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Onward {
    /// To a TCP port.
    Tcp(SocketAddr),
    /// To a unix socket: its path, or its abstract name behind an `@`.
    Unix(Box<str>),
}

/// A text that is no such address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write `ipv4:ADDRESS:PORT`, `ipv6:[ADDRESS]:PORT` or `unix:PATH`; names are not looked up")]
pub struct NoAddress;

/// As it is written in a config.
impl fmt::Display for Onward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) if address.is_ipv4() => write!(f, "ipv4:{address}"),
            Self::Tcp(address) => write!(f, "ipv6:{address}"),
            Self::Unix(path) => write!(f, "unix:{path}"),
        }
    }
}

impl FromStr for Onward {
    type Err = NoAddress;

    fn from_str(text: &str) -> Result<Self, NoAddress> {
        let (family, address) = text.split_once(':').ok_or(NoAddress)?;
        match family {
            "ipv4" => address.parse::<SocketAddrV4>().map(|address| Self::Tcp(address.into())).ok(),
            "ipv6" => address.parse::<SocketAddrV6>().map(|address| Self::Tcp(address.into())).ok(),
            "unix" if !address.is_empty() => Some(Self::Unix(address.into())),
            _ => None,
        }
        .ok_or(NoAddress)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_numbers_or_paths() {
        assert_eq!("ipv4:127.0.0.1:22".parse(), Ok(Onward::Tcp(([127, 0, 0, 1], 22).into())));
        assert_eq!("ipv6:[::1]:22".parse(), Ok(Onward::Tcp("[::1]:22".parse().unwrap())));
        assert_eq!("unix:@name".parse(), Ok(Onward::Unix("@name".into())));
        for text in ["ipv4:127.0.0.1:22", "ipv6:[::1]:22", "unix:/run/x", "unix:@name"] {
            assert_eq!(text.parse::<Onward>().unwrap().to_string(), text);
        }
        for wrong in
            ["", "127.0.0.1:22", "ipv4:localhost:22", "ipv4:127.0.0.1", "ipv6:1.2.3.4:5", "unix:", "tcp:x"]
        {
            assert_eq!(wrong.parse::<Onward>(), Err(NoAddress), "{wrong}");
        }
    }
}
