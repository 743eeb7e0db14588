//! How many connections each address has: `ip-limit-wsi`.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Whose connections are counted together: an IPv4 address, or the network of an IPv6 address, of which whoever has
/// one has 2⁶⁴.
type Origin = IpAddr;

/// The connections of all addresses. Shared by all workers; `None` counts nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Addresses(Option<Arc<Shared>>);

#[derive(Debug)]
struct Shared {
    most: u32,
    counts: Mutex<HashMap<Origin, u32>>,
}

/// The place of a connection among those of its address, free again when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct Place(Option<(Arc<Shared>, Origin)>);

impl Addresses {
    /// At most so many connections for each address; without a number, or with 0, any number.
    pub(crate) fn new(most: Option<u32>) -> Self {
        let most = most.filter(|&most| most > 0);
        Self(most.map(|most| Arc::new(Shared { most, counts: Mutex::default() })))
    }

    /// A place for a connection; `None` if its address has all that it may have.
    pub(crate) fn place(&self, address: IpAddr) -> Option<Place> {
        let Some(shared) = &self.0 else { return Some(Place::default()) };
        let origin = origin(address);
        let mut counts = shared.counts();
        let count = counts.entry(origin).or_default();
        if *count >= shared.most {
            return None;
        }
        *count += 1;
        Some(Place(Some((Arc::clone(shared), origin))))
    }
}

impl Shared {
    fn counts(&self) -> MutexGuard<'_, HashMap<Origin, u32>> {
        // Nothing that could panic is done while it is held.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some((shared, origin)) = &self.0 else { return };
        if let Entry::Occupied(mut entry) = shared.counts().entry(*origin) {
            *entry.get_mut() = entry.get().saturating_sub(1);
            if *entry.get() == 0 {
                entry.remove();
            }
        }
    }
}

fn origin(address: IpAddr) -> Origin {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64 << 64;
            Ipv6Addr::from(network).into()
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_its_own_places() {
        let addresses = Addresses::new(Some(2));
        let place = |address: &str| addresses.place(address.parse().unwrap());
        let (first, second) = (place("192.0.2.1"), place("::ffff:192.0.2.1"));
        assert!(first.is_some() && second.is_some());
        assert!(place("192.0.2.1").is_none());
        assert!(place("192.0.2.2").is_some());
        drop(first);
        let again = place("192.0.2.1");
        assert!(again.is_some() && place("192.0.2.1").is_none());
        let network = [place("2001:db8::1"), place("2001:db8::2")];
        assert!(network.iter().all(Option::is_some));
        assert!(place("2001:db8::ffff:0:0:3").is_none() && place("2001:db8:0:1::1").is_some());
        drop((second, again, network));
        assert!(addresses.0.unwrap().counts().is_empty());
    }

    #[test]
    fn no_limit_is_no_limit() {
        for none in [None, Some(0)] {
            let addresses = Addresses::new(none);
            let places: Vec<_> = (0..99).map(|_| addresses.place("192.0.2.1".parse().unwrap())).collect();
            assert!(places.iter().all(Option::is_some));
        }
    }
}
