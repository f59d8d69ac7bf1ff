//! IP addresses that no plugin reaches, and the classes that the rule for advertised nodes knows.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where cloud providers answer with an instance's credentials, outside of the link-local range.
const METADATA: [IpAddr; 4] = [
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::plugins) enum Class {
    Loopback,
    Private,
    Public,
}

impl Class {
    pub(in crate::plugins) fn of(address: IpAddr) -> Self {
        match plain(address) {
            address if address.is_loopback() => Self::Loopback,
            IpAddr::V4(v4) if v4.is_private() || is_shared(v4) => Self::Private,
            IpAddr::V6(v6) if v6.is_unique_local() => Self::Private,
            IpAddr::V4(_) | IpAddr::V6(_) => Self::Public,
        }
    }
}

/// The range's name, where no plugin reaches it.
pub(in crate::plugins) fn refused_range(address: IpAddr) -> Option<&'static str> {
    let address = plain(address);
    if METADATA.contains(&address) {
        return Some("a cloud metadata address");
    }
    match address {
        _ if address.is_multicast() => Some("a multicast address"),
        IpAddr::V4(v4) if v4.is_link_local() => Some("a link-local address"),
        IpAddr::V4(v4) if v4.octets()[0] == 0 => Some("an unspecified address"),
        IpAddr::V4(v4) if v4.octets()[0] >= 240 => Some("a reserved address"),
        IpAddr::V6(v6) if v6.is_unspecified() => Some("an unspecified address"),
        IpAddr::V6(v6) if v6.is_unicast_link_local() => Some("a link-local address"),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}

/// 100.64.0.0/10, between a provider and its customers.
fn is_shared(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    first == 100 && (64..128).contains(&second)
}

/// The IPv4 address inside of an IPv6 one: mapped, compatible, NAT64 (RFC 6052 and 8215) and 6to4 forms all lead there.
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    let segments = v6.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // `::` and `::1` are addresses of their own.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => address,
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] | [0x64, 0xff9b, 1, .., high, low] => embedded(high, low),
        _ => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_form_of_a_refused_address_is_let_through() {
        let refused = [
            "169.254.169.254",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "fe80::1",
            "224.0.0.1",
            "ff02::1",
            "0.0.0.0",
            "0.1.2.3",
            "::",
            "::ffff:0.0.0.0",
            "255.255.255.255",
            "100.100.100.200",
            "fd00:ec2::254",
        ];
        for text in refused {
            assert!(refused_range(text.parse().unwrap()).is_some(), "{text} is let through");
        }
        for text in ["127.0.0.1", "::1", "10.0.0.1", "192.168.1.1", "8.8.8.8", "2001:db8::1", "fd12::1"] {
            assert_eq!(refused_range(text.parse().unwrap()), None, "{text}");
        }
    }

    #[test]
    fn classes_tell_loopback_private_and_public_apart() {
        let class = |text: &str| Class::of(text.parse().unwrap());
        assert_eq!([class("::1"), class("127.9.9.9"), class("::ffff:127.0.0.1")], [Class::Loopback; 3]);
        assert_eq!([class("172.16.0.1"), class("100.64.0.1"), class("fd12::1")], [Class::Private; 3]);
        assert_eq!([class("1.1.1.1"), class("2001:db8::1")], [Class::Public; 2]);
    }
}
