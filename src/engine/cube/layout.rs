//! Places of firms and links in a device's arrays, and the rows of numbers that are summed there.

use super::super::plan::{Design, PADDING};

/// Rows of a slice, C in SELL-C-sigma (Kreutzer et al. 2014); sigma is all rows. The k-th entries of a slice's rows
/// are neighbours in memory, so that units that work on neighbouring rows read neighbouring numbers.
pub(super) const SLICE: usize = 32;
/// A row with more entries is heavy: several units work on it together.
const LIGHT: usize = 64;
/// Entries of a heavy row that one cube works on.
const CHUNK: usize = 512;
/// Most cubes along one axis of a launch, on every device.
const CUBES: usize = 65_535;

/// Rows of entries: the inputs of firms, the customers of firms, the firms of groups. Rows are sorted by length,
/// long rows first; a row's position is its index in that order.
#[derive(Debug, PartialEq)]
pub(super) struct Slices {
    /// Row at each position.
    pub(super) order: Vec<u32>,
    /// Slot of the first entry and number of entries, two numbers a position. The next entry is one slot further in
    /// heavy rows, and `SLICE` slots further in the others.
    pub(super) span: Vec<u32>,
    /// Slot of each entry, in the order of the entries.
    pub(super) slot: Vec<u32>,
    /// Number of slots, with those of padding.
    pub(super) slots: usize,
    /// Number of rows with more than `LIGHT` entries; they come first.
    pub(super) heavy: usize,
    /// Chunks of the heavy rows: position of the row, first entry in the row, number of entries; three numbers a
    /// chunk.
    pub(super) chunk: Vec<u32>,
    /// First chunk of each heavy row, and the number of chunks.
    pub(super) first_chunk: Vec<u32>,
}

impl Slices {
    /// `start` has the first entry of each row, and then the number of entries.
    fn new(start: &[u32]) -> Self {
        let rows = start.len() - 1;
        let degree = |i: u32| (start[i as usize + 1] - start[i as usize]) as usize;
        let mut order: Vec<u32> = (0..rows as u32).collect();
        order.sort_by_key(|i| std::cmp::Reverse(degree(*i)));
        let heavy = order.partition_point(|i| degree(*i) > LIGHT);
        let entries = start[rows] as usize;
        let heavy_entries: usize = order[..heavy].iter().map(|i| degree(*i)).sum();
        let length = CHUNK.max(heavy_entries.div_ceil(CUBES - heavy.min(CUBES / 2)));
        let mut slices = Self {
            span: Vec::with_capacity(2 * rows),
            slot: vec![0; entries],
            slots: 0,
            heavy,
            chunk: Vec::new(),
            first_chunk: vec![0],
            order,
        };
        for position in 0..heavy {
            let row = slices.order[position];
            slices.put(start[row as usize], degree(row), slices.slots, 1);
            for first in (0..degree(row)).step_by(length) {
                let count = length.min(degree(row) - first);
                slices
                    .chunk
                    .extend([position, first, count].map(|n| n as u32));
            }
            slices.first_chunk.push((slices.chunk.len() / 3) as u32);
            slices.slots += degree(row);
        }
        for first in (heavy..rows).step_by(SLICE) {
            let last = (first + SLICE).min(rows);
            for position in first..last {
                let row = slices.order[position];
                let slot = slices.slots + position - first;
                slices.put(start[row as usize], degree(row), slot, SLICE);
            }
            // The first row of a slice is the longest.
            slices.slots += SLICE * degree(slices.order[first]);
        }
        // A buffer cannot be empty.
        slices.slots = slices.slots.max(1);
        slices
    }

    fn put(&mut self, first_entry: u32, degree: usize, slot: usize, stride: usize) {
        self.span.extend([slot as u32, degree as u32]);
        for k in 0..degree {
            self.slot[first_entry as usize + k] = (slot + k * stride) as u32;
        }
    }

    /// Number of rows.
    pub(super) fn rows(&self) -> usize {
        self.order.len()
    }

    /// Values of entries, in the order of slots; `empty` at padding.
    fn by_slot<T: Copy>(&self, values: impl Iterator<Item = T>, empty: T) -> Vec<T> {
        let mut by_slot = vec![empty; self.slots];
        for (slot, value) in self.slot.iter().zip(values) {
            by_slot[*slot as usize] = value;
        }
        by_slot
    }
}

/// Rows of which each entry is the index of a number; the numbers of a row are summed.
pub(super) struct RowSums {
    pub(super) rows: Slices,
    /// Index that the sum of the row at each position is written to.
    pub(super) to: Vec<u32>,
    /// Index that each entry is read at, by slot.
    pub(super) from: Vec<u32>,
}

impl RowSums {
    /// Rows that add `from[k]`, for all k with `row_of[k]` = r, up into `to[r]`.
    fn new(
        rows: usize,
        row_of: &[u32],
        from: impl Fn(usize) -> u32,
        to: impl Fn(u32) -> u32,
    ) -> Self {
        let mut start = vec![0u32; rows + 1];
        for r in row_of {
            start[*r as usize + 1] += 1;
        }
        for r in 0..rows {
            start[r + 1] += start[r];
        }
        let mut next = start.clone();
        let mut entries = vec![0u32; row_of.len()];
        for (k, r) in row_of.iter().enumerate() {
            entries[next[*r as usize] as usize] = k as u32;
            next[*r as usize] += 1;
        }
        let rows = Slices::new(&start);
        Self {
            to: rows.order.iter().map(|r| to(*r)).collect(),
            from: rows.by_slot(entries.iter().map(|k| from(*k as usize)), 0),
            rows,
        }
    }
}

/// The layout of a network on a device. Firms are in the order of the positions of `inputs`, links in the order of
/// its slots.
pub(in super::super) struct Layout {
    pub(super) inputs: Slices,
    /// Position of the supplier, by slot.
    pub(super) supplier: Vec<u32>,
    /// By slot.
    pub(super) coefficient: Vec<f32>,
    /// By position, as are the next two.
    pub(super) outside: Vec<f32>,
    pub(super) steady: Vec<f32>,
    pub(super) full: Vec<f32>,
    /// Group of the firm at each position, then its column or `PADDING`.
    pub(super) group_and_column: Vec<u32>,
    /// Sums over the links on which each firm sells.
    pub(super) customers: RowSums,
    /// Sums over the firms of each group.
    pub(super) groups: RowSums,
}

impl Layout {
    pub(in super::super) fn new(design: &Design) -> Self {
        let inputs = Slices::new(&design.row);
        let firms = inputs.rows();
        let mut position = vec![0u32; firms];
        for (k, i) in inputs.order.iter().enumerate() {
            position[*i as usize] = k as u32;
        }
        let by_position = |v: &[f64]| -> Vec<f32> {
            let order = inputs.order.iter();
            order.map(|i| v[*i as usize] as f32).collect()
        };
        let mut group_and_column = vec![PADDING; 2 * firms];
        for (k, i) in inputs.order.iter().enumerate() {
            group_and_column[k] = design.group[*i as usize];
        }
        for (c, i) in design.column.iter().enumerate() {
            group_and_column[firms + position[*i as usize] as usize] = c as u32;
        }
        let suppliers = design.supplier.iter().map(|j| position[*j as usize]);
        let coefficients = design.coefficient.iter().map(|a| *a as f32);
        Self {
            supplier: inputs.by_slot(suppliers, 0),
            coefficient: inputs.by_slot(coefficients, 0.0),
            outside: by_position(&design.outside),
            steady: by_position(&design.steady),
            full: by_position(&design.full),
            group_and_column,
            customers: RowSums::new(
                firms,
                &design.supplier,
                |e| inputs.slot[e],
                |j| position[j as usize],
            ),
            groups: RowSums::new(design.groups, &design.group, |i| position[i], |g| g),
            inputs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_has_a_slot_of_its_own_and_every_chunk_its_entries() {
        // A hub, a row just above and one just at the limit of light rows, empty rows, more rows than a slice.
        let degrees: Vec<u32> = [3, 0, 5000, 65, 64, 1, 0]
            .into_iter()
            .chain((0..70).map(|i| i % 5))
            .collect();
        let mut start = vec![0u32];
        for d in &degrees {
            start.push(start[start.len() - 1] + d);
        }
        let rows = Slices::new(&start);
        assert_eq!(rows.heavy, 2);
        let mut seen = vec![false; rows.slots];
        for (position, row) in rows.order.iter().enumerate() {
            let (first, degree) = (rows.span[2 * position], rows.span[2 * position + 1]);
            assert_eq!(degree, degrees[*row as usize]);
            let stride = if position < rows.heavy {
                1
            } else {
                SLICE as u32
            };
            for k in 0..degree {
                let slot = first + k * stride;
                assert_eq!(rows.slot[(start[*row as usize] + k) as usize], slot);
                assert!(!std::mem::replace(&mut seen[slot as usize], true));
            }
        }
        let mut covered = vec![0u32; rows.heavy];
        for (c, chunk) in rows.chunk.chunks_exact(3).enumerate() {
            let position = chunk[0] as usize;
            assert_eq!(covered[position], chunk[1]);
            covered[position] += chunk[2];
            assert!(chunk[2] as usize <= CHUNK);
            assert!(rows.first_chunk[position] as usize <= c);
            assert!(c < rows.first_chunk[position + 1] as usize);
        }
        assert_eq!(covered, [5000, 65]);
    }
}
