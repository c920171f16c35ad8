//! A run and its adjoint as lists of actions, for every executor and every policy of checkpoints.
//!
//! An action of a period is one phase: what firms read of other firms was published in the phase before, so that one
//! synchronisation ends each. Period t makes the inventories of t-1 and the output of t.

/// What is done next. Periods are counted from 1; inventories of 0 are those that firms begin with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Simulate period t.
    Step(usize),
    /// Keep the inventories of c-2 and c-1 as checkpoint c.
    Keep(usize),
    /// Read the inventories of checkpoint c back, and publish the offers of c.
    Restore(usize),
    /// Compute the inventories of t-1 once more, from outputs and demands that were kept, and publish the offers of t.
    Again(usize),
    /// The adjoint of period t.
    Back(usize),
}

/// A run with a checkpoint every `stride` periods; 0 where nothing is kept.
pub(super) fn forward(periods: usize, stride: usize) -> impl Iterator<Item = Action> {
    let keeps = stride > 0 && stride < periods;
    (1..=periods).flat_map(move |t| {
        let keep = (keeps && (t - 1) % stride == 0).then_some(Action::Keep(t - 1));
        keep.into_iter().chain([Action::Step(t)])
    })
}

/// The adjoint of such a run. The inventories of `segment(t, stride)` and of the two periods before, up to those of
/// t-1, are at hand at `Back(t)`.
pub(super) fn backward(periods: usize, stride: usize) -> impl Iterator<Item = Action> {
    let keeps_all = stride >= periods;
    (1..=periods).rev().flat_map(move |t| {
        let ends = !keeps_all && (t == periods || t % stride == 0);
        let from = if ends { segment(t, stride) } else { t };
        let restore = ends.then_some(Action::Restore(from));
        let again = (from + 1..=if ends { t } else { 0 }).map(Action::Again);
        restore.into_iter().chain(again).chain([Action::Back(t)])
    })
}

/// The checkpoint that period t is computed from.
pub(super) fn segment(t: usize, stride: usize) -> usize {
    (t - 1) / stride * stride
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Every inventory that an action reads is at hand, under every policy, and every period is done once each way.
    #[test]
    fn what_an_action_reads_is_there() {
        for periods in 1..40usize {
            for stride in 1..=periods + 1 {
                let (mut kept, mut done) = (BTreeSet::new(), Vec::new());
                for action in forward(periods, stride) {
                    match action {
                        Action::Keep(c) => {
                            // A ring of two inventories holds them before the period after the checkpoint.
                            assert_eq!(done.last().copied().unwrap_or(0), c);
                            kept.insert(c);
                        }
                        Action::Step(t) => done.push(t),
                        other => panic!("{other:?} in a run"),
                    }
                }
                assert!(done.iter().copied().eq(1..=periods));
                // Inventories at hand: from two before the checkpoint to the last that was computed.
                let mut at_hand: Option<(usize, usize)> =
                    (stride >= periods).then_some((0, periods));
                let mut back = Vec::new();
                for action in backward(periods, stride) {
                    match action {
                        Action::Restore(c) => {
                            assert!(kept.contains(&c));
                            at_hand = Some((c, c));
                        }
                        Action::Again(t) => {
                            let (c, last) = at_hand.expect("a checkpoint");
                            assert_eq!(t, last + 1);
                            at_hand = Some((c, t));
                        }
                        Action::Back(t) => {
                            let (c, last) = at_hand.expect("inventories");
                            assert!(c < t && t <= last);
                            assert_eq!(c, segment(t, stride));
                            back.push(t);
                        }
                        other => panic!("{other:?} in an adjoint"),
                    }
                }
                assert!(back.into_iter().eq((1..=periods).rev()));
            }
        }
    }

    #[test]
    fn nothing_is_kept_where_nothing_is_read() {
        let steps = |keep| forward(9, keep).all(|action| matches!(action, Action::Step(_)));
        assert!(steps(0) && steps(9) && !steps(3));
        let again = |keep| {
            backward(9, keep)
                .filter(|a| matches!(a, Action::Again(_)))
                .count()
        };
        assert_eq!((again(9), again(4), again(1)), (0, 9, 9));
    }
}
