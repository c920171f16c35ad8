//! Whether the blocks of an Arrow file can hold what they say: the library's reader makes room for a buffer before
//! it looks whether there is one, and a damaged length ends the process.

use arrow_format::ipc::planus::ReadAsRoot;
use arrow_format::ipc::{FooterRef, MessageHeaderRef, MessageRef, RecordBatchRef};

/// What stands at both ends of a file.
const MAGIC: &[u8] = b"ARROW1";
/// What stands before the length of a message, but in files of old versions.
const CONTINUES: &[u8] = &[0xff; 4];

/// The bytes that a file's buffers take once they are unpacked; none where they do not fit into the file.
pub(super) fn unpacked(bytes: &[u8]) -> Option<f64> {
    let end = bytes.len().checked_sub(MAGIC.len() + 4)?;
    if bytes.get(end + 4..)? != MAGIC {
        return None;
    }
    let length = usize::try_from(number(bytes, end)?).ok()?;
    let footer = FooterRef::read_as_root(bytes.get(end.checked_sub(length)?..end)?).ok()?;
    let batches = footer.record_batches().ok()?.into_iter().flatten();
    let dictionaries = footer.dictionaries().ok()?.into_iter().flatten();
    let mut sum = 0.0;
    for block in batches.chain(dictionaries) {
        let at = usize::try_from(block.offset()).ok()?;
        let head = usize::try_from(block.meta_data_length()).ok()?;
        let body = usize::try_from(block.body_length()).ok()?;
        let head = bytes.get(at..at.checked_add(head)?)?;
        let begin = at + head.len();
        let body = bytes.get(begin..begin.checked_add(body)?)?;
        let skipped = if head.starts_with(CONTINUES) { 8 } else { 4 };
        let message = MessageRef::read_as_root(head.get(skipped..)?).ok()?;
        sum += match message.header().ok()?? {
            MessageHeaderRef::RecordBatch(batch) => of_batch(batch, body)?,
            MessageHeaderRef::DictionaryBatch(dictionary) => {
                of_batch(dictionary.data().ok()??, body)?
            }
            _ => 0.0,
        };
    }
    Some(sum)
}

/// Four bytes as a number.
fn number(bytes: &[u8], at: usize) -> Option<i32> {
    let four = bytes.get(at..at + 4)?;
    Some(i32::from_le_bytes(four.try_into().ok()?))
}

fn of_batch(batch: RecordBatchRef<'_>, body: &[u8]) -> Option<f64> {
    let packed = batch.compression().ok()?.is_some();
    let mut sum = 0.0;
    for buffer in batch.buffers().ok()?? {
        let at = usize::try_from(buffer.offset()).ok()?;
        let length = usize::try_from(buffer.length()).ok()?;
        let own = body.get(at..at.checked_add(length)?)?;
        // A packed buffer begins with its length, or -1 where it is not packed after all.
        sum += match own.first_chunk::<8>() {
            Some(size) if packed => match i64::from_le_bytes(*size) {
                -1 => length as f64,
                size if size >= 0 => size as f64,
                _ => return None,
            },
            _ => length as f64,
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
