//! What a card of a posterior tells of how it was found.

use super::card::range;
use crate::infer::Posterior;

/// What starts, chains, evidence and noise tell.
pub(super) fn inference(p: &Posterior) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(best) = p.starts.iter().find(|s| s.kept) {
        let others = p.starts.iter().filter(|s| !s.kept);
        let near = others.filter(|s| s.distance < 2.0).count() + 1;
        facts.push((
            "starts",
            format!(
                "{}, of which {near} came to the best objective, {:.1} nats",
                p.starts.len(),
                best.objective
            ),
        ));
    }
    if let Some(chains) = &p.chains {
        facts.push((
            "chains",
            format!(
                "{} of {} draws; R-hat {:.3} at most, {:.0} effective draws at least, {} diverged",
                chains.chains,
                chains.draws,
                chains.worst_rhat(),
                chains.least_ess(),
                chains.divergences
            ),
        ));
    }
    if let Some(evidence) = p.evidence {
        let what = if evidence.bound { ", at least" } else { "" };
        let unit = match p.loss.positive() {
            true => " nats, without the normal's constant",
            false => " nats",
        };
        facts.push((
            "log evidence",
            format!("{:.1} ± {:.1}{unit}{what}", evidence.log, evidence.error),
        ));
    }
    if let Some(noise) = &p.learnt_noise {
        facts.push(("relative noise σ, learnt", range(&noise.mean)));
    }
    facts
}
