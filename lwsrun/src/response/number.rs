//! Numbers and addresses as text, without the machinery that formats anything: each request has several.

use std::io::Write;
use std::net::IpAddr;

/// Room for the text of any address, in bytes.
pub(crate) const ADDRESS: usize = 46;

/// Writes a status: three digits.
pub(crate) fn status(out: &mut Vec<u8>, status: u16) {
    let digit = |number: u16| b'0' + u8::try_from(number % 10).unwrap_or_default();
    out.extend_from_slice(&[digit(status / 100), digit(status / 10), digit(status)]);
}

/// Writes a number in decimal digits.
pub(crate) fn decimal(out: &mut Vec<u8>, mut number: u64) {
    let mut digits = [b'0'; 20];
    let mut length = 0;
    for digit in digits.iter_mut().rev() {
        *digit += u8::try_from(number % 10).unwrap_or_default();
        number /= 10;
        length += 1;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[digits.len() - length..]);
}

/// An address as text. One of IPv4 that came over an IPv6 socket is one of IPv4.
pub(crate) fn address(text: &mut [u8; ADDRESS], address: IpAddr) -> &[u8] {
    let length = match address.to_canonical() {
        IpAddr::V4(address) => {
            let mut length = 0;
            for octet in address.octets() {
                for (digit, shown) in
                    [(octet / 100, octet >= 100), (octet / 10 % 10, octet >= 10), (octet % 10, true)]
                {
                    text[length] = b'0' + digit;
                    length += usize::from(shown);
                }
                text[length] = b'.';
                length += 1;
            }
            // Without the last dot.
            length - 1
        }
        IpAddr::V6(address) => {
            let mut rest = &mut text[..];
            // There is room for the longest.
            write!(rest, "{address}").unwrap_or_default();
            ADDRESS - rest.len()
        }
    };
    &text[..length]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_standard_library_writes_them() {
        let written = |write: &dyn Fn(&mut Vec<u8>)| {
            let mut out = b"x".to_vec();
            write(&mut out);
            String::from_utf8(out).unwrap()
        };
        for number in [0, 1, 9, 10, 99, 100, 255, 65_536, u64::MAX - 1, u64::MAX] {
            assert_eq!(written(&|out| decimal(out, number)), format!("x{number}"));
        }
        for number in [100, 404, 599, 999] {
            assert_eq!(written(&|out| status(out, number)), format!("x{number}"));
        }
        let shown = |text: &str| {
            String::from_utf8(address(&mut [0; ADDRESS], text.parse().unwrap()).to_vec()).unwrap()
        };
        for text in [
            "0.0.0.0",
            "9.10.99.100",
            "10.9.99.100",
            "1.20.109.200",
            "192.0.2.7",
            "255.255.255.255",
            "2001:db8::7",
            "2001:db8:1111:2222:3333:4444:5555:6666",
            "::1",
            "::",
        ] {
            assert_eq!(shown(text), text);
        }
        assert_eq!(shown("::ffff:192.0.2.7"), "192.0.2.7");
    }
}
