//! Exponentials of many numbers, several at a time: a step of a small calibration takes thousands, and the
//! standard library's takes four times as long.

use std::f64::consts::LOG2_E;

/// Turns every x into e^(factor x), with an error of about 1e-16 of it; 0 below 1e-307. It does not depend on
/// where x stands.
pub(super) fn exp(factor: f64, all: &mut [f64]) {
    pulp::Arch::new().dispatch(Exp { factor, all });
}

struct Exp<'a> {
    factor: f64,
    all: &'a mut [f64],
}

impl pulp::WithSimd for Exp<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        for x in self.all {
            *x = one::<S>(self.factor * *x);
        }
    }
}

/// 1 / k! for k from 13 down to 0.
const TAYLOR: [f64; 14] = [
    1.0 / 6_227_020_800.0,
    1.0 / 479_001_600.0,
    1.0 / 39_916_800.0,
    1.0 / 3_628_800.0,
    1.0 / 362_880.0,
    1.0 / 40_320.0,
    1.0 / 5_040.0,
    1.0 / 720.0,
    1.0 / 120.0,
    1.0 / 24.0,
    1.0 / 6.0,
    0.5,
    1.0,
    1.0,
];

/// ln 2 in two parts, the first with zeros at its end: its multiples are exact (fdlibm).
const LN_2: (f64, f64) = (6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10);

/// Added to a number of moderate size it leaves the nearest integer in the last bits.
const ROUND: f64 = 6_755_399_441_055_744.0;

/// e^x as 2^k e^r, without a branch, so that the compiler takes several at a time.
#[inline(always)]
fn one<S: pulp::Simd>(x: f64) -> f64 {
    let fused = |a: f64, b: f64, c: f64| {
        if S::IS_SCALAR {
            a * b + c
        } else {
            a.mul_add(b, c)
        }
    };
    let shifted = fused(x, LOG2_E, ROUND);
    let k = shifted - ROUND;
    let r = fused(k, -LN_2.1, fused(k, -LN_2.0, x));
    let power = TAYLOR.iter().fold(0.0, |sum, c| fused(sum, r, *c));
    let found = f64::from_bits(power.to_bits().wrapping_add(shifted.to_bits() << 52));
    let found = if x > 709.0 { f64::INFINITY } else { found };
    let found = if x < -707.0 { 0.0 } else { found };
    if x.is_nan() { x } else { found }
}

#[cfg(test)]
mod tests {
    use super::exp;

    #[test]
    fn it_is_the_exponential_wherever_a_number_stands() {
        let all: Vec<f64> = (-35_000..35_000).map(|k| f64::from(k) * 0.010_1).collect();
        let mut found = all.clone();
        exp(2.0, &mut found);
        for (x, y) in all.iter().zip(&found) {
            let expected = (2.0 * x).exp();
            assert!(
                (y / expected - 1.0).abs() < 4e-16,
                "{x}: {y:e} {expected:e}"
            );
            let mut alone = [*x];
            exp(2.0, &mut alone);
            assert_eq!(alone[0].to_bits(), y.to_bits(), "{x}");
        }
    }

    #[test]
    fn its_ends_are_those_of_the_exponential() {
        let mut ends = [f64::NEG_INFINITY, -1e6, 0.0, 1e6, f64::INFINITY, f64::NAN];
        exp(1.0, &mut ends);
        assert_eq!(ends[..5], [0.0, 0.0, 1.0, f64::INFINITY, f64::INFINITY]);
        assert!(ends[5].is_nan());
    }
}
