//! Whether the pages of a Parquet file can hold what they say: the library's reader makes room for a run of
//! values before it looks whether there are so many, and a damaged length ends the process.

use polars_buffer::Buffer;
use polars_parquet::parquet::encoding::Encoding;
use polars_parquet::parquet::error::{ParquetError, ParquetResult};
use polars_parquet::parquet::metadata::{ColumnChunkMetadata, FileMetadata};
use polars_parquet::parquet::page::{DataPage, split_buffer};
use polars_parquet::parquet::read::{BasicDecompressor, get_page_iterator};
use std::io::Cursor;

/// Refuses a file whose counts and runs do not fit to each other or to its size.
pub(super) fn check(bytes: &Buffer<u8>, metadata: &FileMetadata) -> ParquetResult<()> {
    for group in &metadata.row_groups {
        for column in group.parquet_columns() {
            check_column(bytes, column, metadata.num_rows)?;
        }
    }
    Ok(())
}

fn damaged() -> ParquetError {
    ParquetError::OutOfSpec("a count is larger than what it counts".into())
}

fn check_column(
    bytes: &Buffer<u8>,
    column: &ColumnChunkMetadata,
    rows: usize,
) -> ParquetResult<()> {
    let size = bytes.len() as u64;
    let start = column
        .dictionary_page_offset()
        .unwrap_or(column.data_page_offset());
    let length = column.compressed_size();
    let inside = start >= 0 && length >= 0 && (start as u64).saturating_add(length as u64) <= size;
    let nested = column.descriptor().descriptor.max_rep_level > 0;
    let values = column.num_values();
    if !inside || values < 0 || (!nested && values as usize > rows) {
        return Err(damaged());
    }
    let pages = get_page_iterator(column, Cursor::new(bytes.clone()), Vec::new(), 1 << 31)?;
    let mut pages = BasicDecompressor::new(pages, Vec::new());
    pages.read_dict_page()?;
    while let Some(page) = pages.next() {
        let page = page?;
        if page.num_values() > values as usize {
            return Err(damaged());
        }
        let page = page.decompress(&mut pages)?;
        check_page(&page)?;
        pages.reuse_page_buffer(page);
    }
    Ok(())
}

fn check_page(page: &DataPage) -> ParquetResult<()> {
    let count = page.num_values();
    let parts = split_buffer(page)?;
    let width = |most: i16| 16 - (most as u16).leading_zeros();
    let descriptor = &page.descriptor;
    let mut good = runs_fit(parts.rep, width(descriptor.max_rep_level), count)
        && runs_fit(parts.def, width(descriptor.max_def_level), count);
    good &= match (page.encoding(), parts.values) {
        (Encoding::RleDictionary | Encoding::PlainDictionary, [width, runs @ ..]) => {
            runs_fit(runs, u32::from(*width), count)
        }
        // After its length in four bytes.
        (Encoding::Rle, [_, _, _, _, runs @ ..]) => runs_fit(runs, 1, count),
        (
            Encoding::DeltaBinaryPacked | Encoding::DeltaLengthByteArray | Encoding::DeltaByteArray,
            header,
        ) => delta_fits(header, count),
        _ => true,
    };
    if good { Ok(()) } else { Err(damaged()) }
}

/// A number of seven bits a byte, the lowest first.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// True where no run of equal values of so many bits is longer than all values are.
fn runs_fit(mut bytes: &[u8], width: u32, count: usize) -> bool {
    let mut seen = 0_u64;
    while seen < count as u64 && !bytes.is_empty() {
        let Some(header) = varint(&mut bytes) else {
            return false;
        };
        let (run, taken) = if header & 1 == 1 {
            // Packed in groups of eight: what is there bounds them.
            let groups = header >> 1;
            (
                groups.saturating_mul(8),
                groups.saturating_mul(u64::from(width)),
            )
        } else {
            let run = header >> 1;
            if run > count as u64 {
                return false;
            }
            (run, u64::from(width.div_ceil(8)))
        };
        seen = seen.saturating_add(run);
        // The last group may be cut off where the values end.
        let taken = usize::try_from(taken)
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        bytes = &bytes[taken..];
    }
    true
}

/// True where a page of differences does not say that it has more values than the page.
fn delta_fits(mut header: &[u8], count: usize) -> bool {
    let block = varint(&mut header);
    let parts = varint(&mut header);
    let values = varint(&mut header);
    let fits = |v: Option<u64>, most: u64| v.is_some_and(|v| v <= most);
    fits(block, 1 << 20) && fits(parts, 1 << 16) && fits(values, count as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_longer_than_the_values_are_found() {
        // Ten equal values of one bit, then a packed group of eight.
        assert!(runs_fit(&[20, 1, 3, 0xff], 1, 18));
        assert!(runs_fit(&[20, 1], 1, 10));
        assert!(!runs_fit(&[22, 1], 1, 10));
        let huge = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 1];
        assert!(!runs_fit(&huge, 1, 1000));
        assert!(!runs_fit(&[0x80, 0x80], 1, 10));
        assert!(runs_fit(&[], 1, 0));
        assert!(delta_fits(&[0x80, 1, 4, 10, 0], 10));
        assert!(!delta_fits(&[0x80, 1, 4, 11, 0], 10));
    }
}
