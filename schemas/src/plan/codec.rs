//! The wire form of sections: the one file that names bincode, so that leaving it costs one file.
//!
//! Little-endian, fixed-width integers: easy to specify, and readable from another language. Struct fields stand
//! in order of declaration; texts and lists are a `u64` count and their content; an `Option` is a byte 0 or 1;
//! an enum is a `u32` number in order of declaration.

pub use bincode::{BorrowDecode, Encode};

/// The largest section, in bytes of memory that it may claim when decoded: 16 MiB. A forged length ends here.
pub const SECTION_LIMIT: usize = 16 << 20;

const CONFIG: bincode::config::Configuration<
    bincode::config::LittleEndian,
    bincode::config::Fixint,
    bincode::config::Limit<SECTION_LIMIT>,
> = bincode::config::standard().with_little_endian().with_fixed_int_encoding().with_limit::<SECTION_LIMIT>();

/// Decodes one section, which must be used up to its last byte. Texts borrow from `bytes`.
///
/// # Errors
/// The reason in words, if the bytes are not the form of a `T` or more bytes follow.
pub fn decode<'a, T: BorrowDecode<'a, ()>>(bytes: &'a [u8]) -> Result<T, String> {
    let (value, used) =
        bincode::borrow_decode_from_slice(bytes, CONFIG).map_err(|error| error.to_string())?;
    match bytes.len() - used {
        0 => Ok(value),
        left => Err(format!("{left} bytes too many")),
    }
}

/// Decodes what a section begins with, and leaves the rest alone.
///
/// # Errors
/// The reason in words, if the bytes do not begin with the form of a `T`.
pub fn decode_start<'a, T: BorrowDecode<'a, ()>>(bytes: &'a [u8]) -> Result<T, String> {
    let (value, _used) =
        bincode::borrow_decode_from_slice(bytes, CONFIG).map_err(|error| error.to_string())?;
    Ok(value)
}

/// Encodes one section.
///
/// # Errors
/// The reason in words, if the value is larger than [`SECTION_LIMIT`].
#[cfg(feature = "write")]
pub fn encode<T: Encode>(value: &T) -> Result<Vec<u8>, String> {
    let bytes = bincode::encode_to_vec(value, CONFIG).map_err(|error| error.to_string())?;
    if bytes.len() > SECTION_LIMIT {
        return Err(format!("{} bytes, more than the {SECTION_LIMIT} of a section", bytes.len()));
    }
    Ok(bytes)
}
