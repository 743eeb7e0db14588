//! An entry of `ws-protocols`.

use super::Place;
use crate::plan::codec::{BorrowDecode, Encode};

/// A protocol that the vhost offers.
#[derive(Debug, Clone, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Protocol<'a> {
    /// Its name, which is also the websocket subprotocol.
    pub name: &'a str,
    /// `default`: taken where a client asks for no subprotocol. At most one of a vhost.
    pub default: bool,
    /// `raw`: for raw connections.
    pub raw: bool,
    /// `basic-auth`: path of the credentials file demanded before the upgrade.
    pub basic_auth: Option<&'a str>,
    /// All other options in config order, `status` included; they are the protocol's own.
    pub options: Vec<ProtocolOption<'a>>,
    /// Where it stands.
    pub place: Place,
}

/// An option of a protocol. A name may stand more than once.
#[derive(Debug, Clone, PartialEq, Eq, Encode, BorrowDecode)]
pub struct ProtocolOption<'a> {
    /// The name.
    pub name: &'a str,
    /// The value.
    pub value: OptionValue<'a>,
}

/// The value of a protocol's option.
#[derive(Debug, Clone, PartialEq, Eq, Encode, BorrowDecode)]
pub enum OptionValue<'a> {
    /// A text, a number or a word: as lwsws hands it over, `1` for `true`, `0` for `false`, empty for `null`.
    Text(&'a str),
    /// A list or an object, as compact JSON.
    Json(&'a str),
}
