//! A row of L numbers in plain loops, which the compiler turns into the machine's registers: particles side by side.

use super::Real;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub, SubAssign};

/// L numbers of any kind, one of each particle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Row<F, const L: usize>(pub(crate) [F; L]);

impl<F: Real, const L: usize> Row<F, L> {
    /// The same number in all lanes.
    #[inline(always)]
    pub(crate) fn all(v: f64) -> Self {
        Self([F::of(v); L])
    }

    #[inline(always)]
    pub(crate) fn zero() -> Self {
        Self::all(0.0)
    }

    #[inline(always)]
    pub(crate) fn one() -> Self {
        Self::all(1.0)
    }

    #[inline(always)]
    fn with(self, b: Self, does: impl Fn(F, F) -> F) -> Self {
        let mut out = self;
        for (a, b) in out.0.iter_mut().zip(b.0) {
            *a = does(*a, b);
        }
        out
    }

    /// The smaller one; of equals the first.
    #[inline(always)]
    pub(crate) fn least(self, b: Self) -> Self {
        self.with(b, |a, b| if a <= b { a } else { b })
    }

    /// max(self, 0); of equals the first.
    #[inline(always)]
    pub(crate) fn above_zero(self) -> Self {
        let zero = F::of(0.0);
        Self(self.0.map(|a| if a >= zero { a } else { zero }))
    }

    /// `then` where self <= to, else `other`.
    #[inline(always)]
    pub(crate) fn where_most(self, to: Self, then: Self, other: Self) -> Self {
        let mut out = other;
        for l in 0..L {
            out.0[l] = if self.0[l] <= to.0[l] {
                then.0[l]
            } else {
                other.0[l]
            };
        }
        out
    }

    /// `then` where self < to, else `other`.
    #[inline(always)]
    pub(crate) fn where_below(self, to: Self, then: Self, other: Self) -> Self {
        let mut out = other;
        for l in 0..L {
            out.0[l] = if self.0[l] < to.0[l] {
                then.0[l]
            } else {
                other.0[l]
            };
        }
        out
    }

    /// `then` where self > 0, else `other`.
    #[inline(always)]
    pub(crate) fn where_positive(self, then: Self, other: Self) -> Self {
        Self::zero().where_below(self, then, other)
    }

    /// self / b where b > 0, else `other`.
    #[inline(always)]
    pub(crate) fn over(self, b: Self, other: Self) -> Self {
        b.where_positive(self / b, other)
    }

    /// Whether a number of any lane is not 0.
    #[inline(always)]
    pub(crate) fn any(self) -> bool {
        let zero = F::of(0.0);
        self.0.iter().fold(false, |any, v| any | (*v != zero))
    }
}

macro_rules! operator {
    ($($Trait:ident $name:ident $sign:tt;)*) => {
        $(
            impl<F: Real, const L: usize> $Trait for Row<F, L> {
                type Output = Self;
                #[inline(always)]
                fn $name(self, b: Self) -> Self {
                    self.with(b, |a, b| a $sign b)
                }
            }
        )*
    };
}

operator! {
    Add add +;
    Sub sub -;
    Mul mul *;
    Div div /;
}

impl<F: Real, const L: usize> Neg for Row<F, L> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Self::zero() - self
    }
}

impl<F: Real, const L: usize> AddAssign for Row<F, L> {
    #[inline(always)]
    fn add_assign(&mut self, b: Self) {
        *self = *self + b;
    }
}

impl<F: Real, const L: usize> SubAssign for Row<F, L> {
    #[inline(always)]
    fn sub_assign(&mut self, b: Self) {
        *self = *self - b;
    }
}
