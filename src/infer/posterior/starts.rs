//! Starts of a fit: what each came to, and whether that says that the posterior has been found.

use serde::{Deserialize, Serialize};

/// What one start of a fit came to, when the best of them went on alone.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// Mean objective of its last steps, nats: the lower, the better. Infinite where it diverged.
    #[serde(with = "crate::infer::exact")]
    pub objective: f64,
    /// How far its means ended from those of the best, in standard deviations of the best guide, as a root mean
    /// square over coordinates.
    #[serde(with = "crate::infer::exact")]
    pub distance: f64,
    /// True of the one that went on.
    pub kept: bool,
}

/// Nats within which starts came to about the same objective.
const SAME: f64 = 2.0;
/// Distances below which they ended at the same place, and above which at another.
const APART: (f64, f64) = (2.0, 3.0);

/// What speaks against a fit whose starts came to this.
pub(crate) fn disagreeing(starts: &[Start]) -> Option<String> {
    let best = starts.iter().find(|s| s.kept)?;
    let others: Vec<&Start> = starts.iter().filter(|s| !s.kept).collect();
    let below = |s: &Start| s.objective - best.objective;
    let rivals = others
        .iter()
        .filter(|s| s.distance > APART.1 && below(s) < SAME);
    let rivals = rivals.count();
    let count = starts.len();
    if rivals > 0 {
        return Some(format!(
            "{rivals} of {count} starts ended elsewhere with an objective within {SAME} nats of the best: the posterior has \
             several hills of about the same height, and the guide describes one of them; compare with Smc by \
             Ladder::Likelihood"
        ));
    }
    if others.is_empty() || others.iter().any(|s| s.distance < APART.0) {
        return None;
    }
    let finite = others.iter().map(|s| below(s)).filter(|b| b.is_finite());
    let next = finite.fold(f64::INFINITY, f64::min);
    let how = match next.is_finite() {
        true => format!("the next one is {next:.0} nats worse"),
        false => "the others diverged".into(),
    };
    Some(format!(
        "the best of {count} starts was found once, and {how}: there may be a better one that none found; give Svi.starts \
         more, such as {}, or compare with Smc by Ladder::Likelihood",
        2 * count
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(objective: f64, distance: f64) -> Start {
        Start {
            objective,
            distance,
            kept: distance == 0.0,
        }
    }

    #[test]
    fn starts_that_disagree_are_told() {
        let told = |all: &[(f64, f64)]| {
            let all: Vec<Start> = all.iter().map(|(o, d)| start(*o, *d)).collect();
            disagreeing(&all).unwrap_or_default()
        };
        assert_eq!(told(&[]), "");
        assert_eq!(told(&[(10.0, 0.0)]), "");
        // Two came to the best, however far the others are.
        assert_eq!(told(&[(10.0, 0.0), (12.5, 0.8), (60.0, 12.0)]), "");
        let once = told(&[(10.0, 0.0), (52.0, 12.0), (60.0, 13.0)]);
        assert!(once.contains("best of 3 starts was found once") && once.contains("42 nats"));
        let lost = told(&[(10.0, 0.0), (f64::INFINITY, 12.0)]);
        assert!(lost.contains("the others diverged"), "{lost}");
        let twin = told(&[(10.0, 0.0), (11.0, 9.0), (10.5, 0.3)]);
        assert!(twin.starts_with("1 of 3 starts ended elsewhere"), "{twin}");
    }
}
