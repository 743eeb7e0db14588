//! Address space without memory: the one unsafe block of sending files.
#![allow(unsafe_code, reason = "a mapping becomes a slice only by way of its address")]

use std::io;
use std::ptr;

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};

/// Reserves address space for the rest of the process's life. It can be read, as zeros, and takes no memory as long as
/// nobody does.
///
/// # Errors
/// If the system does not give so much.
pub(super) fn reserve(length: usize) -> io::Result<&'static [u8]> {
    let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
    // SAFETY: the kernel picks the place, so no other mapping is touched. The mapping is anonymous, private and never
    // written or unmapped: it holds zeros for ever, which is what a `&'static [u8]` promises. It can be read, so the
    // slice is sound even where somebody reads it. `length` fits an `isize`, or the kernel would have refused it.
    unsafe {
        let start = mmap_anonymous(ptr::null_mut(), length, ProtFlags::READ, flags)?;
        Ok(std::slice::from_raw_parts(start.cast::<u8>(), length))
    }
}
