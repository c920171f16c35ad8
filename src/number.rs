//! What a rule of the model may do with numbers: one number, a row of them in a register, or a number with its slope.
//!
//! A rule has no branch, and no comparison that gives a bool: it must mean the same for one number and for eight. The
//! same words are functions twice, of any `Number` in `host`, and of f32 on a device in `device`, so that one text
//! can use them (`model::local`).

mod row;

pub(crate) use row::Row;
use std::ops::{Add, Div, Mul, Sub};

/// The stock of an input that does not exist: it is never the lowest, and nothing of it is ordered.
pub(crate) const PADDING: f64 = 1e30;

/// A number of which rules are made. Comparisons with NaN are false.
pub(crate) trait Number:
    Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self>
{
    /// A constant of the same kind.
    fn constant(self, v: f64) -> Self;
    /// self * b + c, in one rounding where the machine can.
    fn mul_add(self, b: Self, c: Self) -> Self;
    /// The smaller one; of equals the second.
    fn min(self, b: Self) -> Self;
    /// max(self, 0).
    fn positive_part(self) -> Self;
    /// `value` where self > 0, else 0.
    fn select_positive(self, value: Self) -> Self;
    /// `then` where self == to, else `other`: how ties are told.
    fn select_equal(self, to: Self, then: Self, other: Self) -> Self;
}

/// A number with the functions that paths over time need; rows in a register do not have them.
pub(crate) trait Smooth: Number {
    /// The natural exponential function.
    fn exp(self) -> Self;
    /// self to the power of b, for self > 0.
    fn pow(self, b: Self) -> Self;
}

/// A number of which a whole run can be made. Comparisons are those of values.
pub(crate) trait Real: Smooth + PartialOrd + Send + Sync {
    /// The nearest one.
    fn of(v: f64) -> Self;
    /// Its value in 64 bits.
    fn value(self) -> f64;
}

macro_rules! float {
    ($float:ty) => {
        impl Number for $float {
            #[inline(always)]
            fn constant(self, v: f64) -> Self {
                v as $float
            }
            #[inline(always)]
            fn mul_add(self, b: Self, c: Self) -> Self {
                <$float>::mul_add(self, b, c)
            }
            #[inline(always)]
            fn min(self, b: Self) -> Self {
                if self < b { self } else { b }
            }
            #[inline(always)]
            fn positive_part(self) -> Self {
                if self > 0.0 { self } else { 0.0 }
            }
            #[inline(always)]
            fn select_positive(self, value: Self) -> Self {
                if self > 0.0 { value } else { 0.0 }
            }
            #[inline(always)]
            fn select_equal(self, to: Self, then: Self, other: Self) -> Self {
                if self == to { then } else { other }
            }
        }

        impl Smooth for $float {
            #[inline(always)]
            fn exp(self) -> Self {
                <$float>::exp(self)
            }
            #[inline(always)]
            fn pow(self, b: Self) -> Self {
                <$float>::powf(self, b)
            }
        }

        impl Real for $float {
            #[inline(always)]
            fn of(v: f64) -> Self {
                v as $float
            }
            #[inline(always)]
            fn value(self) -> f64 {
                f64::from(self)
            }
        }
    };
}

float!(f32);
float!(f64);

pub(crate) use dual::Dual;

/// The words of rules, for any number.
pub(crate) mod host {
    use super::{Number, PADDING, Smooth};

    macro_rules! words {
        ($($(#[$doc:meta])* fn $name:ident<$kind:ident>($like:ident $(, $a:ident)*) = $does:expr;)*) => {
            $(
                $(#[$doc])*
                #[inline(always)]
                pub(crate) fn $name<R: $kind>($like: R $(, $a: R)*) -> R {
                    $does
                }
            )*
        };
    }

    words! {
        fn zero<Number>(like) = like.constant(0.0);
        fn one<Number>(like) = like.constant(1.0);
        fn padding<Number>(like) = like.constant(PADDING);
        fn mul_add<Number>(a, b, c) = a.mul_add(b, c);
        fn min<Number>(a, b) = a.min(b);
        fn positive_part<Number>(a) = a.positive_part();
        fn select_positive<Number>(a, value) = a.select_positive(value);
        fn select_equal<Number>(a, to, then, other) = a.select_equal(to, then, other);
        fn exp<Smooth>(a) = a.exp();
        fn pow<Smooth>(a, b) = a.pow(b);
    }
}

/// The same words on a device.
#[cfg(feature = "cube")]
#[allow(dead_code)]
pub(crate) mod device {
    use super::PADDING;
    use cubecl::prelude::*;

    #[cube]
    pub(crate) fn zero(_like: f32) -> f32 {
        f32::new(0.0)
    }

    #[cube]
    pub(crate) fn one(_like: f32) -> f32 {
        f32::new(1.0)
    }

    #[cube]
    pub(crate) fn padding(_like: f32) -> f32 {
        f32::new(comptime!(PADDING as f32))
    }

    #[cube]
    pub(crate) fn mul_add(a: f32, b: f32, c: f32) -> f32 {
        fma(a, b, c)
    }

    #[cube]
    pub(crate) fn min(a: f32, b: f32) -> f32 {
        select(a < b, a, b)
    }

    #[cube]
    pub(crate) fn positive_part(a: f32) -> f32 {
        select(a > 0.0, a, 0.0f32)
    }

    #[cube]
    pub(crate) fn select_positive(a: f32, value: f32) -> f32 {
        select(a > 0.0, value, 0.0f32)
    }

    #[cube]
    pub(crate) fn select_equal(a: f32, to: f32, then: f32, other: f32) -> f32 {
        select(a == to, then, other)
    }
}

mod dual {
    //! Dual numbers: a rule of them has its directional derivative for nothing.

    use super::{Number, Real, Smooth};
    use std::ops::{Add, Div, Mul, Sub};

    /// A number and its slope in one direction.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Dual {
        pub(crate) value: f64,
        pub(crate) slope: f64,
    }

    impl Dual {
        pub(crate) fn new(value: f64, slope: f64) -> Self {
            Self { value, slope }
        }
    }

    impl PartialEq for Dual {
        fn eq(&self, b: &Self) -> bool {
            self.value == b.value
        }
    }

    impl PartialOrd for Dual {
        fn partial_cmp(&self, b: &Self) -> Option<std::cmp::Ordering> {
            self.value.partial_cmp(&b.value)
        }
    }

    impl Add for Dual {
        type Output = Self;
        fn add(self, b: Self) -> Self {
            Self::new(self.value + b.value, self.slope + b.slope)
        }
    }

    impl Sub for Dual {
        type Output = Self;
        fn sub(self, b: Self) -> Self {
            Self::new(self.value - b.value, self.slope - b.slope)
        }
    }

    impl Mul for Dual {
        type Output = Self;
        fn mul(self, b: Self) -> Self {
            let slope = self.slope * b.value + self.value * b.slope;
            Self::new(self.value * b.value, slope)
        }
    }

    impl Div for Dual {
        type Output = Self;
        fn div(self, b: Self) -> Self {
            let value = self.value / b.value;
            Self::new(value, (self.slope - value * b.slope) / b.value)
        }
    }

    impl Number for Dual {
        fn constant(self, v: f64) -> Self {
            Self::new(v, 0.0)
        }
        fn mul_add(self, b: Self, c: Self) -> Self {
            let value = self.value.mul_add(b.value, c.value);
            Self::new(value, (self * b + c).slope)
        }
        fn min(self, b: Self) -> Self {
            if self.value < b.value { self } else { b }
        }
        fn positive_part(self) -> Self {
            self.select_positive(self)
        }
        fn select_positive(self, value: Self) -> Self {
            if self.value > 0.0 {
                value
            } else {
                self.constant(0.0)
            }
        }
        fn select_equal(self, to: Self, then: Self, other: Self) -> Self {
            if self.value == to.value { then } else { other }
        }
    }

    impl Smooth for Dual {
        fn exp(self) -> Self {
            let value = self.value.exp();
            Self::new(value, value * self.slope)
        }
        fn pow(self, b: Self) -> Self {
            let value = self.value.powf(b.value);
            let slope = b.value * self.slope / self.value + b.slope * self.value.ln();
            Self::new(value, value * slope)
        }
    }

    impl Real for Dual {
        fn of(v: f64) -> Self {
            Self::new(v, 0.0)
        }
        fn value(self) -> f64 {
            self.value
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_are_those_of_differences() {
        let f = |x: Dual, y: Dual| {
            let low = (x * y).min(x + y);
            (low / y).mul_add(x, y.exp()) - (x - y).positive_part()
        };
        for (x, y) in [(0.7, 1.9), (2.5, 0.4), (1.3, 3.1)] {
            let h = 1e-6;
            let at = |d: f64| f(Dual::new(x + d, 0.0), Dual::new(y - 2.0 * d, 0.0)).value;
            let slope = f(Dual::new(x, 1.0), Dual::new(y, -2.0)).slope;
            let difference = (at(h) - at(-h)) / (2.0 * h);
            assert!((slope - difference).abs() < 1e-8, "{slope} {difference}");
        }
    }
}
