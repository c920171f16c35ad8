//! Where nodes and links stand in a device's arrays, and which of them are added up for whom.

use super::super::plan::{Design, PADDING};

/// Rows side by side: their k-th entries are neighbours in memory, so that units that work on
/// neighbouring rows read neighbouring numbers.
pub(super) const SLICE: usize = 32;
/// A row with more entries is worked on by many units together.
const LIGHT: usize = 64;
/// Entries of such a row that one cube works on.
const CHUNK: usize = 512;
/// Most cubes along one axis of a launch, on every device.
const CUBES: usize = 65_535;

/// Rows of entries: the inputs of nodes, their customers, the nodes of groups. Long rows first; a
/// row's place is its position in that order.
#[derive(Debug, PartialEq)]
pub(super) struct Rows {
    /// Row at each place.
    pub(super) order: Vec<u32>,
    /// Slot of the first entry and number of entries, two numbers a place. The next entry is one slot
    /// further in heavy rows, `SLICE` slots in the others.
    pub(super) span: Vec<u32>,
    /// Slot of each entry, in the order of the entries.
    pub(super) slot: Vec<u32>,
    /// Number of slots; some are empty.
    pub(super) slots: usize,
    /// Rows, all at the start, with more than `LIGHT` entries.
    pub(super) heavy: usize,
    /// Chunks of the heavy rows: place of the row, first entry in the row, number of entries; three
    /// numbers a chunk.
    pub(super) chunk: Vec<u32>,
    /// First chunk of each heavy row, and the number of chunks.
    pub(super) first_chunk: Vec<u32>,
}

impl Rows {
    /// `start` has the first entry of each row, and the number of entries.
    fn new(start: &[u32]) -> Self {
        let rows = start.len() - 1;
        let degree = |i: u32| (start[i as usize + 1] - start[i as usize]) as usize;
        let mut order: Vec<u32> = (0..rows as u32).collect();
        order.sort_by_key(|i| std::cmp::Reverse(degree(*i)));
        let heavy = order.partition_point(|i| degree(*i) > LIGHT);
        let entries = start[rows] as usize;
        let heavy_entries: usize = order[..heavy].iter().map(|i| degree(*i)).sum();
        let length = CHUNK.max(heavy_entries.div_ceil(CUBES - heavy.min(CUBES / 2)));
        let mut made = Self {
            span: Vec::with_capacity(2 * rows),
            slot: vec![0; entries],
            slots: 0,
            heavy,
            chunk: Vec::new(),
            first_chunk: vec![0],
            order,
        };
        for place in 0..heavy {
            let row = made.order[place];
            made.put(start[row as usize], degree(row), made.slots, 1);
            for first in (0..degree(row)).step_by(length) {
                let count = length.min(degree(row) - first);
                made.chunk.extend([place, first, count].map(|n| n as u32));
            }
            made.first_chunk.push((made.chunk.len() / 3) as u32);
            made.slots += degree(row);
        }
        for first in (heavy..rows).step_by(SLICE) {
            let last = (first + SLICE).min(rows);
            for place in first..last {
                let row = made.order[place];
                let slot = made.slots + place - first;
                made.put(start[row as usize], degree(row), slot, SLICE);
            }
            // The first of a slice is its longest.
            made.slots += SLICE * degree(made.order[first]);
        }
        // No array may be empty.
        made.slots = made.slots.max(1);
        made
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

    /// Lays values of entries out by slot.
    fn lay<T: Copy>(&self, values: impl Iterator<Item = T>, empty: T) -> Vec<T> {
        let mut laid = vec![empty; self.slots];
        for (slot, value) in self.slot.iter().zip(values) {
            laid[*slot as usize] = value;
        }
        laid
    }
}

/// Rows whose entries are numbers that lie elsewhere.
pub(super) struct Sums {
    pub(super) rows: Rows,
    /// Where the sum of the row at each place goes.
    pub(super) to: Vec<u32>,
    /// Where each entry is read, by slot.
    pub(super) from: Vec<u32>,
}

impl Sums {
    /// Adds `from[k]`, for all k with `row_of[k]` = r, up into `to[r]`.
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
        let rows = Rows::new(&start);
        Self {
            to: rows.order.iter().map(|r| to(*r)).collect(),
            from: rows.lay(entries.iter().map(|k| from(*k as usize)), 0),
            rows,
        }
    }
}

/// A design laid out for a device. Nodes stand at the places of `inputs`, links at its slots.
pub(in super::super) struct Layout {
    pub(super) inputs: Rows,
    /// Place of the supplier, by slot.
    pub(super) supplier: Vec<u32>,
    /// By slot.
    pub(super) coefficient: Vec<f32>,
    /// By place; likewise the next ones.
    pub(super) outside: Vec<f32>,
    pub(super) steady: Vec<f32>,
    pub(super) full: Vec<f32>,
    /// Group of each place, then the column of each place, or `PADDING`.
    pub(super) belongs: Vec<u32>,
    /// The links on which each node sells.
    pub(super) customers: Sums,
    /// The nodes of each group.
    pub(super) groups: Sums,
}

impl Layout {
    pub(in super::super) fn new(design: &Design) -> Self {
        let inputs = Rows::new(&design.row);
        let nodes = inputs.rows();
        let mut place = vec![0u32; nodes];
        for (k, i) in inputs.order.iter().enumerate() {
            place[*i as usize] = k as u32;
        }
        let by_place = |v: &[f64]| -> Vec<f32> {
            let order = inputs.order.iter();
            order.map(|i| v[*i as usize] as f32).collect()
        };
        let mut belongs = vec![PADDING; 2 * nodes];
        for (k, i) in inputs.order.iter().enumerate() {
            belongs[k] = design.group[*i as usize];
        }
        for (c, i) in design.column.iter().enumerate() {
            belongs[nodes + place[*i as usize] as usize] = c as u32;
        }
        let suppliers = design.supplier.iter().map(|j| place[*j as usize]);
        let coefficients = design.coefficient.iter().map(|a| *a as f32);
        Self {
            supplier: inputs.lay(suppliers, 0),
            coefficient: inputs.lay(coefficients, 0.0),
            outside: by_place(&design.outside),
            steady: by_place(&design.steady),
            full: by_place(&design.full),
            belongs,
            customers: Sums::new(
                nodes,
                &design.supplier,
                |e| inputs.slot[e],
                |j| place[j as usize],
            ),
            groups: Sums::new(design.groups, &design.group, |i| place[i], |g| g),
            inputs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_has_a_slot_of_its_own_and_every_chunk_its_entries() {
        // A hub, two rows that just are and are not heavy, empty rows, more rows than a slice.
        let degrees: Vec<u32> = [3, 0, 5000, 65, 64, 1, 0]
            .into_iter()
            .chain((0..70).map(|i| i % 5))
            .collect();
        let mut start = vec![0u32];
        for d in &degrees {
            start.push(start[start.len() - 1] + d);
        }
        let rows = Rows::new(&start);
        assert_eq!(rows.heavy, 2);
        let mut seen = vec![false; rows.slots];
        for (place, row) in rows.order.iter().enumerate() {
            let (first, degree) = (rows.span[2 * place], rows.span[2 * place + 1]);
            assert_eq!(degree, degrees[*row as usize]);
            let stride = if place < rows.heavy { 1 } else { SLICE as u32 };
            for k in 0..degree {
                let slot = first + k * stride;
                assert_eq!(rows.slot[(start[*row as usize] + k) as usize], slot);
                assert!(!std::mem::replace(&mut seen[slot as usize], true));
            }
        }
        let mut covered = vec![0u32; rows.heavy];
        for (c, chunk) in rows.chunk.chunks_exact(3).enumerate() {
            let place = chunk[0] as usize;
            assert_eq!(covered[place], chunk[1]);
            covered[place] += chunk[2];
            assert!(chunk[2] as usize <= CHUNK);
            assert!(rows.first_chunk[place] as usize <= c);
            assert!(c < rows.first_chunk[place + 1] as usize);
        }
        assert_eq!(covered, [5000, 65]);
    }
}
