//! Rows of L numbers, aligned to cache lines: an unaligned store may touch two.

use super::Float;
use std::ops::{Deref, DerefMut};

/// Bytes of a cache line.
pub(super) const LINE: usize = 64;

/// A growable array of rows of L numbers, which keeps its memory.
pub(super) struct Rows<F, const L: usize> {
    numbers: Vec<F>,
    first: usize,
    rows: usize,
}

impl<F, const L: usize> Default for Rows<F, L> {
    fn default() -> Self {
        Self {
            numbers: Vec::new(),
            first: 0,
            rows: 0,
        }
    }
}

impl<F: Float, const L: usize> Rows<F, L> {
    /// Sets the number of rows; their content is arbitrary afterwards.
    pub(super) fn resize(&mut self, rows: usize) {
        let line = LINE / size_of::<F>();
        if self.numbers.len() < rows * L + line {
            // A new array instead of a longer one, as the content is not kept.
            self.numbers = vec![F::ZERO; rows * L + line];
            // Where the address is unknown, any offset is right, if slower.
            self.first = self.numbers.as_ptr().align_offset(LINE).min(line);
        }
        self.rows = rows;
    }

    /// Sets the number of rows, and all rows to `row`.
    pub(super) fn fill_with(&mut self, rows: usize, row: [F; L]) {
        self.resize(rows);
        self.fill(row);
    }

    /// Sets the number of rows, and row i to `row(i)`.
    pub(super) fn set(&mut self, rows: usize, row: impl Fn(usize) -> [F; L]) {
        self.resize(rows);
        for (i, to) in self.iter_mut().enumerate() {
            *to = row(i);
        }
    }
}

impl<F, const L: usize> Deref for Rows<F, L> {
    type Target = [[F; L]];
    fn deref(&self) -> &[[F; L]] {
        self.numbers[self.first..][..self.rows * L].as_chunks().0
    }
}

impl<F, const L: usize> DerefMut for Rows<F, L> {
    fn deref_mut(&mut self) -> &mut [[F; L]] {
        self.numbers[self.first..][..self.rows * L]
            .as_chunks_mut()
            .0
    }
}

#[inline(always)]
pub(super) fn lanes<F, const L: usize>(f: impl Fn(usize) -> F) -> [F; L] {
    std::array::from_fn(f)
}

/// Row `r` of numbers of firms or links: one number in all lanes where lanes are particles, else those of W firms.
#[inline(always)]
pub(super) fn spread<F: Float, const L: usize, const W: usize>(v: &[F], r: usize) -> [F; L] {
    if W == 1 {
        [v[r]; L]
    } else {
        let row = &v[r * W..][..W];
        lanes(|l| row[l])
    }
}

/// The same of numbers that are cut into rows of W.
#[inline(always)]
pub(super) fn widen<F: Float, const L: usize, const W: usize>(row: &[F; W]) -> [F; L] {
    lanes(|l| row[if W == 1 { 0 } else { l }])
}
