//! The two number formats of the kernels, with comparisons that compile to one instruction.

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, Mul, Sub};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// A float. `lower` and the like do not treat NaN specially, unlike the standard library's.
pub(crate) trait Number:
    Copy
    + Debug
    + Default
    + PartialOrd
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + AddAssign
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
{
    const ZERO: Self;
    const ONE: Self;
    const INFINITY: Self;
    const NAN: Self;
    /// The inventory of an input that is not there: never the lowest, never ordered.
    const FAR: Self;
    /// A place for a number that one thread writes and others read, later: what brings them in order is theirs.
    type Shared: Default + Send + Sync;
    fn from_f64(v: f64) -> Self;
    fn to_f64(self) -> f64;
    fn finite(self) -> bool;
    fn share(self, place: &Self::Shared);
    fn shared(place: &Self::Shared) -> Self;

    /// `self * b + c`, in one rounding where the instruction set `S` has an instruction for it.
    fn fused<S: pulp::Simd>(self, b: Self, c: Self) -> Self;

    /// The smaller of two.
    #[inline(always)]
    fn lower(self, other: Self) -> Self {
        if other < self { other } else { self }
    }

    /// The number where it is positive, else 0.
    #[inline(always)]
    fn positive(self) -> Self {
        if self > Self::ZERO { self } else { Self::ZERO }
    }

    /// `value` where this number is positive, else 0.
    #[inline(always)]
    fn gate(self, value: Self) -> Self {
        if self > Self::ZERO { value } else { Self::ZERO }
    }
}

macro_rules! number {
    ($kind:ident, $shared:ident) => {
        impl Number for $kind {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const INFINITY: Self = $kind::INFINITY;
            const NAN: Self = $kind::NAN;
            const FAR: Self = 1e30;
            type Shared = $shared;
            #[inline(always)]
            fn share(self, place: &$shared) {
                place.store(self.to_bits(), Ordering::Relaxed);
            }
            #[inline(always)]
            fn shared(place: &$shared) -> Self {
                $kind::from_bits(place.load(Ordering::Relaxed))
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn from_f64(v: f64) -> Self {
                v as $kind
            }
            #[inline(always)]
            fn fused<S: pulp::Simd>(self, b: Self, c: Self) -> Self {
                if S::IS_SCALAR {
                    self * b + c
                } else {
                    self.mul_add(b, c)
                }
            }
            #[inline(always)]
            fn finite(self) -> bool {
                self.is_finite()
            }
        }
    };
}

number!(f32, AtomicU32);
number!(f64, AtomicU64);
