//! Indices into a plan, one type each so that they cannot be mixed up.

use crate::plan::codec::{BorrowDecode, Encode};

/// Declares an index newtype.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, BorrowDecode)]
        pub struct $name(pub u32);

        impl $name {
            /// The index as a slice position.
            #[must_use]
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

id! {
    /// A source file: an index into [`Sources::files`](crate::plan::Sources).
    SourceId
}
id! {
    /// A listener: an index into [`Listeners::listeners`](crate::plan::Listeners).
    ListenerId
}
id! {
    /// A vhost: its place in config order over all files, from 0.
    VhostId
}
id! {
    /// A mount: its place in its vhost's `mounts`, from 0.
    MountId
}
