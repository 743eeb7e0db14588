//! What of a form is kept: four values and the bytes of a file, within their limits.

use super::form::Wrong;

/// The fields that are known, in the order of the page.
pub(super) const FIELDS: [&str; 4] = ["text", "send", "file", "upload"];

/// The field that may be an uploaded file.
const FILE_FIELD: &[u8] = b"file";

/// See the module.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Sink {
    values: [Option<Vec<u8>>; 4],
    /// Where bytes go that come now.
    target: Target,
    values_left: usize,
    file_left: usize,
    /// Bytes of the file that are not stored yet. `None`: no file has come.
    file: Option<Vec<u8>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target {
    /// A value, by its place in [`FIELDS`].
    Value(usize),
    /// A value that was there before: counted, not kept.
    Repeated,
    File,
    Nothing,
}

impl Sink {
    /// Nothing yet; at most so many bytes of values and of files.
    pub(super) fn new(values: usize, file: usize) -> Self {
        let nothing = [const { None }; 4];
        Self { values: nothing, target: Target::Nothing, values_left: values, file_left: file, file: None }
    }

    /// A value of that name begins.
    pub(super) fn begin(&mut self, name: &[u8]) {
        self.target = match FIELDS.iter().position(|field| field.as_bytes() == name) {
            None => Target::Nothing,
            Some(index) if self.values[index].is_some() => Target::Repeated,
            Some(index) => {
                self.values[index] = Some(Vec::new());
                Target::Value(index)
            }
        };
    }

    /// A file of that field begins. Only the first one is kept.
    pub(super) fn begin_file(&mut self, name: &[u8]) {
        if name == FILE_FIELD && self.file.is_none() {
            self.file = Some(Vec::new());
            self.target = Target::File;
        } else {
            self.target = Target::Nothing;
        }
    }

    /// Bytes of what began last.
    pub(super) fn data(&mut self, bytes: &[u8]) -> Result<(), Wrong> {
        match self.target {
            Target::Nothing => {}
            Target::Repeated => spend(&mut self.values_left, bytes, Wrong::Values)?,
            Target::Value(index) => {
                spend(&mut self.values_left, bytes, Wrong::Values)?;
                self.values[index].get_or_insert_default().extend_from_slice(bytes);
            }
            Target::File => {
                spend(&mut self.file_left, bytes, Wrong::File)?;
                self.file.get_or_insert_default().extend_from_slice(bytes);
            }
        }
        Ok(())
    }

    /// The values, in the order of [`FIELDS`]; `None` where a field has not come.
    pub(super) fn values(&self) -> impl Iterator<Item = (&'static str, Option<&[u8]>)> {
        FIELDS.into_iter().zip(self.values.iter().map(Option::as_deref))
    }

    /// The bytes of the file that came since the last call; `None` if no file has come.
    pub(super) fn take_file(&mut self) -> Option<Vec<u8>> {
        self.file.as_mut().map(std::mem::take)
    }
}

fn spend(left: &mut usize, bytes: &[u8], wrong: Wrong) -> Result<(), Wrong> {
    *left = left.checked_sub(bytes.len()).ok_or(wrong)?;
    Ok(())
}
