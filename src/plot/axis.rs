//! From data to positions: ranges, round ticks and their labels, linear and logarithmic.

/// One axis of a panel.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    low: f64,
    high: f64,
    log: bool,
    /// Where ticks stand, in data units, and what is written there.
    pub(super) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// An axis that ends where the values end, with about `wanted` ticks inside.
    pub(super) fn tight(
        values: impl Iterator<Item = f64> + Clone,
        log: bool,
        wanted: usize,
    ) -> Self {
        let mut axis = Self::covering(values.clone(), log, wanted);
        let ends = values
            .clone()
            .filter(|v| v.is_finite())
            .fold(None, |ends: Option<(f64, f64)>, v| {
                Some(ends.map_or((v, v), |(a, b)| (a.min(v), b.max(v))))
            });
        if let Some((low, high)) = ends.filter(|(a, b)| !log && b - a > 1e-9 * b.abs()) {
            axis.ticks.retain(|t| (low..=high).contains(&t.0));
            // One or two say little of an axis.
            for more in [2, 3, 4] {
                if axis.ticks.len() < 3 {
                    axis = Self::covering(values.clone(), log, more * wanted);
                    axis.ticks.retain(|t| (low..=high).contains(&t.0));
                }
            }
            (axis.low, axis.high) = (low, high);
        }
        axis
    }

    /// An axis that covers `values` with round ends, with about `wanted` ticks.
    pub(super) fn covering(values: impl Iterator<Item = f64>, log: bool, wanted: usize) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for v in values.filter(|v| v.is_finite() && !(log && *v <= 0.0)) {
            let v = if log { v.log10() } else { v };
            low = low.min(v);
            high = high.max(v);
        }
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        if high - low <= 1e-9 * high.abs().max(1e-300) {
            let half = if low == 0.0 { 0.5 } else { 0.05 * low.abs() };
            (low, high) = (low - half, high + half);
        }
        if log {
            return Self::logarithmic(low, high, wanted);
        }
        let step = round_step((high - low) / wanted as f64);
        let (first, last) = ((low / step).floor() as i64, (high / step).ceil() as i64);
        let decimals = (-step.log10().floor()).max(0.0) as usize;
        let ticks = (first..=last)
            .map(|k| k as f64 * step)
            .map(|v| (v, label(v, decimals, step)))
            .collect();
        Self {
            low: first as f64 * step,
            high: last as f64 * step,
            log,
            ticks,
        }
    }

    fn logarithmic(low: f64, high: f64, wanted: usize) -> Self {
        let decades = high - low;
        let ticks: Vec<(f64, String)> = if decades < 1.2 {
            // Less than about a decade: 1, 2, 5 of each.
            let (first, last) = (low.floor() as i32, high.ceil() as i32);
            (first..=last)
                .flat_map(|k| [1.0, 2.0, 5.0].map(|m| m * 10f64.powi(k)))
                .filter(|v| (low - 0.2..=high + 0.2).contains(&v.log10()))
                .map(|v| (v, plain(v)))
                .collect()
        } else {
            let stride = ((decades / wanted as f64).ceil() as i32).max(1);
            let (first, last) = (low.floor() as i32, high.ceil() as i32);
            (first..=last)
                .step_by(stride as usize)
                .map(|k| (10f64.powi(k), power(k)))
                .collect()
        };
        let ends = ticks.iter().map(|t| t.0.log10());
        Self {
            low: ends.clone().fold(low, f64::min),
            high: ends.fold(high, f64::max),
            log: true,
            ticks,
        }
    }

    /// Position of a value along the axis, 0 to 1; None where it has none.
    pub(super) fn at(&self, value: f64) -> Option<f64> {
        let v = if self.log { value.log10() } else { value };
        v.is_finite()
            .then(|| ((v - self.low) / (self.high - self.low)).clamp(-0.5, 1.5))
    }
}

/// 1, 2 or 5 times a power of ten, at least `raw`.
fn round_step(raw: f64) -> f64 {
    let power = 10f64.powf(raw.log10().floor());
    let digit = raw / power;
    power
        * if digit <= 1.0 {
            1.0
        } else if digit <= 2.0 {
            2.0
        } else if digit <= 5.0 {
            5.0
        } else {
            10.0
        }
}

fn label(v: f64, decimals: usize, step: f64) -> String {
    if v.abs() >= 1e6 || step < 1e-5 {
        return format!("{v:.1e}");
    }
    let text = format!("{v:.decimals$}");
    // Rounding can leave "-0".
    text.strip_prefix('-')
        .filter(|t| t.chars().all(|c| matches!(c, '0' | '.')))
        .map_or(text.clone(), String::from)
}

fn plain(v: f64) -> String {
    if (1e-3..1e5).contains(&v) {
        format!("{v}")
    } else {
        format!("{v:.0e}")
    }
}

fn power(k: i32) -> String {
    if (-2..=4).contains(&k) {
        plain(10f64.powi(k))
    } else {
        format!("1e{k}")
    }
}

#[cfg(test)]
mod tests {
    use super::Axis;

    fn labels(values: &[f64], log: bool) -> Vec<String> {
        Axis::covering(values.iter().copied(), log, 5)
            .ticks
            .into_iter()
            .map(|t| t.1)
            .collect()
    }

    #[test]
    fn ticks_are_round_and_cover_the_data() {
        assert_eq!(labels(&[0.0, 10.0], false), ["0", "2", "4", "6", "8", "10"]);
        assert_eq!(
            labels(&[0.93, 1.02], false),
            ["0.92", "0.94", "0.96", "0.98", "1.00", "1.02"]
        );
        assert_eq!(
            labels(&[-1.0, 1.0], false),
            ["-1.0", "-0.5", "0.0", "0.5", "1.0"]
        );
        assert_eq!(
            labels(&[1e-5, 0.3], true),
            ["1e-5", "1e-4", "1e-3", "0.01", "0.1", "1"]
        );
        // Nothing to draw, one value, infinities: still an axis.
        for odd in [&[][..], &[f64::NAN], &[3.0], &[0.0], &[f64::INFINITY, 1.0]] {
            for log in [false, true] {
                let axis = Axis::covering(odd.iter().copied(), log, 5);
                assert!(axis.ticks.len() >= 2, "{odd:?} {log}");
                assert!(axis.at(1.0).is_none_or(f64::is_finite));
            }
        }
    }
}
