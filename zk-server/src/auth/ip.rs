//! The `ip` scheme: where a connection comes from.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{AuthFailure, Identity, Scheme};

/// The scheme's name.
pub(super) const SCHEME: &str = "ip";

/// An address as Java writes it: IPv6 in eight groups without leading zeros or `::`, so that
/// `whoAmI` answers like Apache. An IPv4 address in IPv6 clothes (dual-stack sockets) is IPv4.
pub(super) fn text_of(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => address.segments().map(|group| format!("{group:x}")).join(":"),
    }
}

/// Identities come with the connection; an ACL id is an address or `address/bits`.
pub(super) struct Ip;

impl Scheme for Ip {
    fn name(&self) -> &'static str {
        SCHEME
    }

    /// Credentials are ignored: the address is what it is and the connection has it already.
    fn authenticate(&self, _credentials: &[u8]) -> Result<Vec<Identity>, AuthFailure> {
        Ok(Vec::new())
    }

    fn is_valid(&self, acl_id: &str) -> bool {
        Network::parse(acl_id).is_some()
    }

    fn matches(&self, id: &str, acl_id: &str) -> bool {
        match (parse_address(id), Network::parse(acl_id)) {
            (Some(address), Some(network)) => network.contains(address),
            _ => false,
        }
    }

    fn proves_person(&self) -> bool {
        false
    }
}

/// An address and how many of its leading bits count.
struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address = parse_address(address)?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            Some(bits) => bits.parse().ok().filter(|bits| *bits <= width)?,
            None => width,
        };
        Some(Self { address, bits })
    }

    fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let shift = Ipv4Addr::BITS - self.bits;
                (own.to_bits() ^ other.to_bits()).checked_shr(shift).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let shift = Ipv6Addr::BITS - self.bits;
                (own.to_bits() ^ other.to_bits()).checked_shr(shift).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

/// Dotted quads may have leading zeros, as Java reads them; IPv6 comes in any form.
fn parse_address(text: &str) -> Option<IpAddr> {
    if text.contains(':') {
        return text.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    }
    let mut octets = [0_u8; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        *octet = parts.next()?.parse().ok()?;
    }
    parts.next().is_none().then(|| IpAddr::from(octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_ids_are_addresses_with_an_optional_prefix_length() {
        for valid in ["1.2.3.4", "1.2.3.4/0", "1.2.3.4/32", "::1", "fe80::/10", "::/128"] {
            assert!(Ip.is_valid(valid), "{valid}");
        }
        for invalid in ["", "1.2.3", "1.2.3.4.5", "1.2.3.256", "1.2.3.4/33", "1.2.3.4/", "::/129"] {
            assert!(!Ip.is_valid(invalid), "{invalid}");
        }
        for invalid in ["host", "1.2.3.4/-1", "1.2.3.4/8/8", "a.b.c.d"] {
            assert!(!Ip.is_valid(invalid), "{invalid}");
        }
    }

    #[test]
    fn a_prefix_matches_its_network_in_its_family() {
        let cases = [
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.4", false),
            ("10.1.2.3", "10.0.0.0/8", true),
            ("11.1.2.3", "10.0.0.0/8", false),
            ("11.1.2.3", "0.0.0.0/0", true),
            ("10.1.2.3", "10.1.2.2/31", true),
            ("0:0:0:0:0:0:0:1", "::1", true),
            ("0:0:0:0:0:0:0:1", "::/0", true),
            ("0:0:0:0:0:0:0:1", "0.0.0.0/0", false),
            ("fe80:0:0:0:0:0:0:1", "fe80::/10", true),
        ];
        for (id, acl_id, expected) in cases {
            assert_eq!(Ip.matches(id, acl_id), expected, "{id} in {acl_id}");
        }
    }

    #[test]
    fn addresses_are_written_as_java_writes_them() {
        assert_eq!(text_of("::1".parse().unwrap()), "0:0:0:0:0:0:0:1");
        assert_eq!(text_of("::ffff:10.0.0.1".parse().unwrap()), "10.0.0.1");
    }
}
