//! A row of L numbers in a register, and the choice of the instructions that work on it.
//!
//! The compiler makes good code of loops over rows, but not of a row whose numbers come from L places.

use super::Number;
use pulp::{Simd, WithSimd};
use std::ops::{Add, Div, Mul, Sub};

/// As many numbers as a row has. Not to be confused with the instruction set's own registers, of which it may be two.
#[derive(Clone, Copy)]
pub(super) struct Vector<S: Simd, F: Number> {
    simd: S,
    row: F::Row<S>,
}

impl<S: Simd, F: Number> Vector<S, F> {
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

    /// `self * b + c`, in one rounding where the instruction set has an instruction for it.
    #[inline(always)]
    pub(super) fn fused(self, b: Self, c: Self) -> Self {
        let row = F::fused_rows(self.simd, self.row, b.row, c.row);
        Self { row, ..self }
    }

    #[inline(always)]
    pub(super) fn lower(self, other: Self) -> Self {
        let row = F::lower_rows(self.simd, self.row, other.row);
        Self { row, ..self }
    }

    /// The numbers that are positive, else 0.
    #[inline(always)]
    pub(super) fn positive(self) -> Self {
        let zero = F::splat(self.simd, F::ZERO);
        let row = F::higher_rows(self.simd, self.row, zero);
        Self { row, ..self }
    }

    /// `then` where two numbers are the same, else `other`.
    #[inline(always)]
    pub(super) fn same(self, to: Self, then: Self, other: Self) -> Self {
        let row = F::same_rows(self.simd, (self.row, to.row), then.row, other.row);
        Self { row, ..self }
    }

    /// Whether any number is not 0.
    #[inline(always)]
    pub(super) fn any<const L: usize>(self) -> bool {
        let mut row = [F::ZERO; L];
        self.put(&mut row);
        row.iter().fold(false, |any, v| any | (*v != F::ZERO))
    }

    /// `value` where a number is positive, else 0.
    #[inline(always)]
    pub(super) fn gate(self, value: Self) -> Self {
        let row = F::gate_rows(self.simd, self.row, value.row);
        Self { row, ..self }
    }
}

impl<S: Simd, F: Number> Add for Vector<S, F> {
    type Output = Self;
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        let row = F::add_rows(self.simd, self.row, other.row);
        Self { row, ..self }
    }
}

impl<S: Simd, F: Number> Sub for Vector<S, F> {
    type Output = Self;
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        let row = F::sub_rows(self.simd, self.row, other.row);
        Self { row, ..self }
    }
}

impl<S: Simd, F: Number> Mul for Vector<S, F> {
    type Output = Self;
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        let row = F::mul_rows(self.simd, self.row, other.row);
        Self { row, ..self }
    }
}

impl<S: Simd, F: Number> Div for Vector<S, F> {
    type Output = Self;
    #[inline(always)]
    fn div(self, other: Self) -> Self {
        let row = F::div_rows(self.simd, self.row, other.row);
        Self { row, ..self }
    }
}

/// Work that is compiled for one instruction set, with vectors of a width of their own.
struct Wide<T, O>(T, O);

impl<T: Simd, O: WithSimd> WithSimd for Wide<T, O> {
    type Output = O::Output;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> O::Output {
        self.1.with_simd(self.0)
    }
}

/// Does work on rows of L numbers with the widest instructions of this machine; its vectors have L numbers.
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
