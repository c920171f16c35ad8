//! Which noise describes a panel: calibrations with several, and what each bounds the evidence by.

use super::{Evidence, Loss, Method, Problem, Run, calibrate};
use crate::error::{Error, Result};
use crate::progress::Progress;

/// What calibrations with several noises came to.
#[derive(Clone, Debug, PartialEq)]
pub struct NoiseProfile {
    /// Each noise with the evidence, or its bound, that a calibration with it found.
    pub found: Vec<(f64, Evidence)>,
}

impl NoiseProfile {
    /// The noise with the most evidence, which is the one that fits best of those that were tried.
    pub fn best(&self) -> f64 {
        let most = self.found.iter().max_by(|a, b| a.1.log.total_cmp(&b.1.log));
        most.map_or(f64::NAN, |(noise, _)| *noise)
    }
}

/// Calibrates `problem` with each of these relative noises in place of its own, and tells the evidence of each. The loss
/// is a density of them: `Loss::Gaussian` where it is a square. To learn the noise with everything else, give
/// `Problem::noise_prior`.
pub fn noise_profile(
    problem: &Problem,
    method: impl Into<Method>,
    noises: &[f64],
    run: &Run,
    progress: &mut dyn Progress,
) -> Result<NoiseProfile> {
    let method = method.into();
    if noises.is_empty() {
        return Err(Error::new(
            "noise_profile",
            "no noise is given",
            "give some to try, such as [0.01, 0.02, 0.04]",
        ));
    }
    progress.start("noise profile", noises.len());
    let mut found = Vec::new();
    for (k, noise) in noises.iter().enumerate() {
        let mut tried = problem.clone();
        tried.noise = *noise;
        tried.noise_prior = None;
        if tried.loss.positive() {
            tried.loss = Loss::Gaussian;
        }
        let one = Run {
            state_file: None,
            ..run.clone()
        };
        let fit = calibrate(&tried, &method, &one, &mut ())?;
        let evidence = fit.evidence.ok_or_else(|| {
            Error::new(
                "noise_profile",
                format!("{} tells no evidence", fit.method),
                "use Svi, or Smc with Ladder::Likelihood",
            )
        })?;
        found.push((*noise, evidence));
        progress.update(k + 1, &format!("noise {noise}: {:.1} nats", evidence.log));
        if fit.stopped || progress.stop() {
            break;
        }
    }
    progress.finish(&format!("{} noises", found.len()));
    Ok(NoiseProfile { found })
}
