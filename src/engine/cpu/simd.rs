//! A row of L numbers in registers, and the choice of the instructions that work on it.
//!
//! The compiler vectorises loops over rows well, but not a row whose numbers come from L places.

use super::Float;
use crate::number::Number;
use pulp::{Simd, WithSimd};
use std::ops::{Add, Div, Mul, Sub};

/// A row of L numbers. It may take two registers of the instruction set.
#[derive(Clone, Copy)]
pub(super) struct Row<S: Simd, F: Float> {
    simd: S,
    row: F::Row<S>,
}

impl<S: Simd, F: Float> Row<S, F> {
    #[inline(always)]
    pub(super) fn of<const L: usize>(simd: S, row: &[F; L]) -> Self {
        Self {
            simd,
            row: F::load(row),
        }
    }

    #[inline(always)]
    pub(super) fn all(simd: S, number: F) -> Self {
        Self {
            simd,
            row: F::splat(simd, number),
        }
    }

    #[inline(always)]
    pub(super) fn put<const L: usize>(self, to: &mut [F; L]) {
        F::store(self.row, to);
    }

    /// Whether any number is not 0.
    #[inline(always)]
    pub(super) fn any<const L: usize>(self) -> bool {
        let mut row = [F::ZERO; L];
        self.put(&mut row);
        row.iter().fold(false, |any, v| any | (*v != F::ZERO))
    }
}

impl<S: Simd, F: Float> Number for Row<S, F> {
    #[inline(always)]
    fn constant(self, v: f64) -> Self {
        Self::all(self.simd, F::of(v))
    }

    #[inline(always)]
    fn mul_add(self, b: Self, c: Self) -> Self {
        let row = F::mul_add_rows(self.simd, self.row, b.row, c.row);
        Self { row, ..self }
    }

    #[inline(always)]
    fn min(self, b: Self) -> Self {
        let row = F::min_rows(self.simd, self.row, b.row);
        Self { row, ..self }
    }

    #[inline(always)]
    fn positive_part(self) -> Self {
        let row = F::max_rows(self.simd, self.row, self.constant(0.0).row);
        Self { row, ..self }
    }

    #[inline(always)]
    fn select_positive(self, value: Self) -> Self {
        let row = F::select_positive_rows(self.simd, self.row, value.row);
        Self { row, ..self }
    }

    #[inline(always)]
    fn select_equal(self, to: Self, then: Self, other: Self) -> Self {
        let row = F::select_equal_rows(self.simd, (self.row, to.row), then.row, other.row);
        Self { row, ..self }
    }
}

impl<S: Simd, F: Float> Add for Row<S, F> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        let row = F::add_rows(self.simd, self.row, other.row);
        Self { row, ..self }
    }
}

impl<S: Simd, F: Float> Sub for Row<S, F> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        let row = F::sub_rows(self.simd, self.row, other.row);
        Self { row, ..self }
    }
}

impl<S: Simd, F: Float> Mul for Row<S, F> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        let row = F::mul_rows(self.simd, self.row, other.row);
        Self { row, ..self }
    }
}

impl<S: Simd, F: Float> Div for Row<S, F> {
    type Output = Self;
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        let row = F::div_rows(self.simd, self.row, other.row);
        Self { row, ..self }
    }
}

/// Work compiled for the instruction set `T`, whose vectors are as long as a row.
struct Wide<T, O>(T, O);

impl<T: Simd, O: WithSimd> WithSimd for Wide<T, O> {
    type Output = O::Output;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> O::Output {
        self.1.with_simd(self.0)
    }
}

/// Does work on rows of L numbers with the widest instructions of this machine, in vectors of L numbers.
pub(super) fn dispatch<F, const L: usize, O: WithSimd>(work: O) -> O::Output {
    #[cfg(target_arch = "x86_64")]
    if let Some(v3) = pulp::x86::V3::try_new() {
        use pulp::x86::{V3_128b, V3_256b, V3_512b};
        return match L * size_of::<F>() {
            16 => Simd::vectorize(v3, Wide(V3_128b(v3), work)),
            32 => Simd::vectorize(v3, Wide(V3_256b(v3), work)),
            64 => Simd::vectorize(v3, Wide(V3_512b(v3), work)),
            bytes => unreachable!("rows of {bytes} bytes"),
        };
    }
    match L * size_of::<F>() {
        16 => pulp::Scalar128b.vectorize(work),
        32 => pulp::Scalar256b.vectorize(work),
        64 => pulp::Scalar512b.vectorize(work),
        bytes => unreachable!("rows of {bytes} bytes"),
    }
}
