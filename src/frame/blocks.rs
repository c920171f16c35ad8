//! Whether the blocks of an Arrow file can hold what they say: the library's reader makes room for a buffer before
//! it looks whether there is one, and a damaged length ends the process.

use arrow_format::ipc::planus::ReadAsRoot;
use arrow_format::ipc::{FooterRef, MessageHeaderRef, MessageRef, RecordBatchRef};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;

/// What stands at both ends of a file.
const MAGIC: &[u8] = b"ARROW1";
/// What stands before the length of a message, but in files of old versions.
const CONTINUES: &[u8] = &[0xff; 4];

/// A file of which parts are read.
pub(super) struct Parts {
    file: File,
    length: usize,
}

impl Parts {
    pub(super) fn of(mut file: File) -> std::io::Result<Self> {
        let length = file.seek(SeekFrom::End(0))?;
        Ok(Self {
            file,
            length: usize::try_from(length).map_err(std::io::Error::other)?,
        })
    }

    /// The bytes of a range, unless it ends after the file.
    fn get(&self, range: Range<usize>) -> Option<Vec<u8>> {
        if range.end > self.length || range.start > range.end {
            return None;
        }
        let mut file = &self.file;
        file.seek(SeekFrom::Start(range.start as u64)).ok()?;
        let mut bytes = vec![0; range.len()];
        file.read_exact(&mut bytes).ok()?;
        Some(bytes)
    }
}

/// The bytes that a file's buffers take once they are unpacked; none where they do not fit into the file.
pub(super) fn unpacked(file: &Parts) -> Option<f64> {
    let end = file.length.checked_sub(MAGIC.len() + 4)?;
    if file.get(end + 4..file.length)? != MAGIC {
        return None;
    }
    let length = file.get(end..end + 4)?;
    let length = i32::from_le_bytes(*length.first_chunk()?);
    let length = usize::try_from(length).ok()?;
    let footer = file.get(end.checked_sub(length)?..end)?;
    let footer = FooterRef::read_as_root(&footer).ok()?;
    let batches = footer.record_batches().ok()?.into_iter().flatten();
    let dictionaries = footer.dictionaries().ok()?.into_iter().flatten();
    let mut sum = 0.0;
    for block in batches.chain(dictionaries) {
        let at = usize::try_from(block.offset()).ok()?;
        let head = usize::try_from(block.meta_data_length()).ok()?;
        let body = usize::try_from(block.body_length()).ok()?;
        let head = file.get(at..at.checked_add(head)?)?;
        let begin = at + head.len();
        let body = begin..begin.checked_add(body)?;
        if body.end > file.length {
            return None;
        }
        let skipped = if head.starts_with(CONTINUES) { 8 } else { 4 };
        let message = MessageRef::read_as_root(head.get(skipped..)?).ok()?;
        sum += match message.header().ok()?? {
            MessageHeaderRef::RecordBatch(batch) => of_batch(file, batch, &body)?,
            MessageHeaderRef::DictionaryBatch(dictionary) => {
                of_batch(file, dictionary.data().ok()??, &body)?
            }
            _ => 0.0,
        };
    }
    Some(sum)
}

fn of_batch(file: &Parts, batch: RecordBatchRef<'_>, body: &Range<usize>) -> Option<f64> {
    let packed = batch.compression().ok()?.is_some();
    let mut sum = 0.0;
    for buffer in batch.buffers().ok()?? {
        let at = usize::try_from(buffer.offset()).ok()?;
        let length = usize::try_from(buffer.length()).ok()?;
        let begin = body.start.checked_add(at)?;
        if begin.checked_add(length)? > body.end {
            return None;
        }
        // A packed buffer begins with its length, or -1 where it is not packed after all.
        sum += if packed && length >= 8 {
            let size = file.get(begin..begin + 8)?;
            match i64::from_le_bytes(*size.first_chunk()?) {
                -1 => length as f64,
                size if size >= 0 => size as f64,
                _ => return None,
            }
        } else {
            length as f64
        };
    }
    for node in batch.nodes().ok()?? {
        if node.length() < 0 || node.null_count() < 0 || node.null_count() > node.length() {
            return None;
        }
        // A bit a value at least, but of columns that are missing throughout.
        sum += node.length() as f64 / 8.0;
    }
    Some(sum)
}
