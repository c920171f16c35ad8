//! The two number formats of the kernels, with comparisons that compile to one instruction.

use crate::number::Real;
use pulp::Simd;
use std::fmt::Debug;
use std::ops::AddAssign;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// A number format of the kernels.
pub(crate) trait Float:
    Real + Debug + Default + PartialOrd + Send + Sync + 'static + AddAssign
{
    const ZERO: Self;
    const ONE: Self;
    const INFINITY: Self;
    const NAN: Self;
    /// The inventory at padding: never the lowest of a firm, never ordered for.
    const PADDING: Self;
    /// A number that one thread writes and other threads read later. The threads themselves order these accesses,
    /// by a barrier.
    type Atomic: Default + Send + Sync;
    fn finite(self) -> bool;
    fn to_atomic(self, place: &Self::Atomic);
    fn from_atomic(place: &Self::Atomic) -> Self;

    /// A row of numbers in registers: see `simd`.
    type Row<S: Simd>: Copy;
    fn load<S: Simd>(row: &[Self]) -> Self::Row<S>;
    fn store<S: Simd>(row: Self::Row<S>, to: &mut [Self]);
    fn splat<S: Simd>(simd: S, number: Self) -> Self::Row<S>;
    fn add_rows<S: Simd>(simd: S, a: Self::Row<S>, b: Self::Row<S>) -> Self::Row<S>;
    fn sub_rows<S: Simd>(simd: S, a: Self::Row<S>, b: Self::Row<S>) -> Self::Row<S>;
    fn mul_rows<S: Simd>(simd: S, a: Self::Row<S>, b: Self::Row<S>) -> Self::Row<S>;
    fn div_rows<S: Simd>(simd: S, a: Self::Row<S>, b: Self::Row<S>) -> Self::Row<S>;
    fn min_rows<S: Simd>(simd: S, a: Self::Row<S>, b: Self::Row<S>) -> Self::Row<S>;
    fn max_rows<S: Simd>(simd: S, a: Self::Row<S>, b: Self::Row<S>) -> Self::Row<S>;
    /// a * b + c.
    fn mul_add_rows<S: Simd>(
        simd: S,
        a: Self::Row<S>,
        b: Self::Row<S>,
        c: Self::Row<S>,
    ) -> Self::Row<S>;
    /// `b` where `a` is positive, else 0.
    fn select_positive_rows<S: Simd>(simd: S, a: Self::Row<S>, b: Self::Row<S>) -> Self::Row<S>;
    /// `then` where both numbers of the pair are equal, else `other`.
    fn select_equal_rows<S: Simd>(
        simd: S,
        pair: (Self::Row<S>, Self::Row<S>),
        then: Self::Row<S>,
        other: Self::Row<S>,
    ) -> Self::Row<S>;
}

/// Operations on two rows.
macro_rules! rows {
    ($row:ident, $($name:ident = $does:ident),*) => {
        $(
            #[inline(always)]
            fn $name<S: Simd>(simd: S, a: S::$row, b: S::$row) -> S::$row {
                simd.$does(a, b)
            }
        )*
    };
}

macro_rules! number {
    ($kind:ident, $atomic:ident, $row:ident, [$($name:ident = $does:ident),*], $load:ident, $store:ident, $splat:ident,
     $fused:ident, $greater:ident, $equal:ident, $select:ident) => {
        impl Float for $kind {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const INFINITY: Self = $kind::INFINITY;
            const NAN: Self = $kind::NAN;
            const PADDING: Self = crate::number::PADDING as Self;
            type Row<S: Simd> = S::$row;
            #[inline(always)]
            fn load<S: Simd>(row: &[Self]) -> S::$row {
                S::$load(row).0[0]
            }
            #[inline(always)]
            fn store<S: Simd>(row: S::$row, to: &mut [Self]) {
                S::$store(to).0[0] = row;
            }
            #[inline(always)]
            fn splat<S: Simd>(simd: S, number: Self) -> S::$row {
                simd.$splat(number)
            }
            #[inline(always)]
            fn mul_add_rows<S: Simd>(simd: S, a: S::$row, b: S::$row, c: S::$row) -> S::$row {
                simd.$fused(a, b, c)
            }
            #[inline(always)]
            fn select_positive_rows<S: Simd>(simd: S, a: S::$row, b: S::$row) -> S::$row {
                let zero = simd.$splat(0.0);
                simd.$select(simd.$greater(a, zero), b, zero)
            }
            #[inline(always)]
            fn select_equal_rows<S: Simd>(
                simd: S,
                (a, b): (S::$row, S::$row),
                then: S::$row,
                other: S::$row,
            ) -> S::$row {
                simd.$select(simd.$equal(a, b), then, other)
            }
            rows!($row, $($name = $does),*);
            type Atomic = $atomic;
            #[inline(always)]
            fn to_atomic(self, place: &$atomic) {
                place.store(self.to_bits(), Ordering::Relaxed);
            }
            #[inline(always)]
            fn from_atomic(place: &$atomic) -> Self {
                $kind::from_bits(place.load(Ordering::Relaxed))
            }
            #[inline(always)]
            fn finite(self) -> bool {
                self.is_finite()
            }
        }
    };
}

number!(
    f32,
    AtomicU32,
    f32s,
    [
        add_rows = add_f32s,
        sub_rows = sub_f32s,
        mul_rows = mul_f32s,
        div_rows = div_f32s,
        min_rows = min_f32s,
        max_rows = max_f32s
    ],
    as_simd_f32s,
    as_mut_simd_f32s,
    splat_f32s,
    mul_add_e_f32s,
    greater_than_f32s,
    equal_f32s,
    select_f32s
);
number!(
    f64,
    AtomicU64,
    f64s,
    [
        add_rows = add_f64s,
        sub_rows = sub_f64s,
        mul_rows = mul_f64s,
        div_rows = div_f64s,
        min_rows = min_f64s,
        max_rows = max_f64s
    ],
    as_simd_f64s,
    as_mut_simd_f64s,
    splat_f64s,
    mul_add_e_f64s,
    greater_than_f64s,
    equal_f64s,
    select_f64s
);
