//! Pareto k-hat: whether draws of the guide could be corrected to draws of the posterior.

/// Fewer draws than this have no tail to fit.
const LEAST: usize = 25;

/// Shape k of the tail of importance ratios, from their logarithms (Vehtari, Simpson, Gelman, Yao &
/// Gabry 2024, with the fit of Zhang & Stephens 2009). Below 0.5 the guide is close to the posterior,
/// above 0.7 it is not, above 1 the ratios have no mean. NaN with fewer than 25 draws, or where a ratio
/// is not a number.
pub(crate) fn pareto_k(log_ratios: &[f64]) -> f64 {
    let s = log_ratios.len();
    if s < LEAST || log_ratios.iter().any(|l| l.is_nan()) {
        return f64::NAN;
    }
    let most = log_ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut ratio: Vec<f64> = log_ratios.iter().map(|l| (l - most).exp()).collect();
    ratio.sort_by(f64::total_cmp);
    let tail = (0.2 * s as f64).min(3.0 * (s as f64).sqrt()).ceil() as usize;
    let cutoff = ratio[s - tail - 1];
    let excess: Vec<f64> = ratio[s - tail..].iter().map(|r| r - cutoff).collect();
    // Ratios that differ by rounding only: the guide is the posterior.
    if excess[tail - 1] < 1e-9 {
        return 0.0;
    }
    fit(&excess).0
}

/// Logarithms of importance ratios whose tail follows the distribution that was fitted to it, so that single draws do not
/// carry all the weight, and k-hat; with too few draws to tell they stay as they are, and k-hat is NaN.
pub(crate) fn smoothed(log_ratios: &[f64]) -> (Vec<f64>, f64) {
    let s = log_ratios.len();
    let most = log_ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut logs: Vec<f64> = log_ratios.iter().map(|l| l - most).collect();
    if s < LEAST || log_ratios.iter().any(|l| l.is_nan()) {
        return (logs, f64::NAN);
    }
    let mut order: Vec<usize> = (0..s).collect();
    order.sort_by(|a, b| logs[*a].total_cmp(&logs[*b]));
    let tail = (0.2 * s as f64).min(3.0 * (s as f64).sqrt()).ceil() as usize;
    let cutoff = logs[order[s - tail - 1]].exp();
    let excess: Vec<f64> = order[s - tail..]
        .iter()
        .map(|k| logs[*k].exp() - cutoff)
        .collect();
    if excess[tail - 1] < 1e-9 {
        return (logs, 0.0);
    }
    let (k, sigma) = fit(&excess);
    if !k.is_finite() || !(sigma > 0.0) {
        return (logs, k);
    }
    for (j, at) in order[s - tail..].iter().enumerate() {
        let p = (j as f64 + 0.5) / tail as f64;
        let excess = match k.abs() < 1e-9 {
            true => -sigma * (-p).ln_1p(),
            false => sigma * ((1.0 - p).powf(-k) - 1.0) / k,
        };
        // No weight is above the largest that was drawn.
        logs[*at] = (cutoff + excess).ln().min(0.0);
    }
    (logs, k)
}

/// Shape and scale of a generalised Pareto distribution, from a sorted sample of it: the posterior mean of the
/// profile likelihood under a weak prior, drawn to 0.5 where the sample is small.
fn fit(x: &[f64]) -> (f64, f64) {
    const PRIOR: f64 = 3.0;
    let n = x.len() as f64;
    let quarter = x[((n / 4.0 + 0.5) as usize).saturating_sub(1)];
    let largest = x[x.len() - 1];
    if !(quarter > 0.0) {
        // All weight on very few draws.
        return (f64::INFINITY, f64::NAN);
    }
    let shape = |theta: f64| x.iter().map(|x| (-theta * x).ln_1p()).sum::<f64>() / n;
    let m = 30.0 + n.sqrt().floor();
    let thetas: Vec<f64> = (1..=m as usize)
        .map(|j| 1.0 / largest + (1.0 - (m / (j as f64 - 0.5)).sqrt()) / (PRIOR * quarter))
        .collect();
    let likelihood: Vec<f64> = thetas
        .iter()
        .map(|theta| {
            let k = shape(*theta);
            n * ((-theta / k).ln() - k - 1.0)
        })
        .collect();
    let weight = |i: usize| {
        let others = likelihood.iter().map(|l| (l - likelihood[i]).exp());
        1.0 / others.sum::<f64>()
    };
    let theta: f64 = thetas.iter().enumerate().map(|(i, t)| t * weight(i)).sum();
    let k = shape(theta);
    ((k * n + 5.0) / (n + 10.0), -k / theta)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infer::noise::{Purpose, normals};

    #[test]
    fn known_tails_are_found() {
        // A guide of scale s for a standard normal posterior: the ratios' tail has shape 1 - s², and none
        // where the guide is the wider one.
        let draws = normals(1, Purpose::Posterior, 0, 4000);
        let narrow = |scale: f64| {
            let log: Vec<f64> = draws
                .iter()
                .map(|e| 0.5 * e * e - 0.5 * (scale * e).powi(2))
                .collect();
            pareto_k(&log)
        };
        let expected = |scale: f64| 1.0 - scale * scale;
        for scale in [0.5, 0.7, 0.85] {
            let (got, want) = (narrow(scale), expected(scale));
            assert!((got - want).abs() < 0.25, "{scale}: {got} {want}");
        }
        assert!(narrow(1.5) < 0.2, "{}", narrow(1.5));
    }

    #[test]
    fn a_smoothed_tail_gives_the_mean_that_single_draws_miss() {
        // From a normal of scale 0.7 to one of scale 1: the mean of u² is 1.
        let draws = normals(2, Purpose::Posterior, 0, 4000);
        let log: Vec<f64> = draws
            .iter()
            .map(|e| 0.5 * e * e - 0.5 * (0.7 * e).powi(2))
            .collect();
        let (weights, k) = smoothed(&log);
        assert!((k - pareto_k(&log)).abs() < 1e-12 && weights.iter().all(|w| *w <= 0.0));
        let sum: f64 = weights.iter().map(|w| w.exp()).sum();
        let square: f64 = weights
            .iter()
            .zip(&draws)
            .map(|(w, e)| w.exp() * (0.7 * e).powi(2))
            .sum();
        assert!((square / sum - 1.0).abs() < 0.1, "{}", square / sum);
    }

    #[test]
    fn uniform_ratios_have_no_tail_and_few_draws_no_answer() {
        let even: Vec<f64> = (0..400)
            .map(|k| (1.0 + f64::from(k) / 400.0).ln())
            .collect();
        assert!(pareto_k(&even) < 0.3);
        assert_eq!(pareto_k(&[2.0; 30]), 0.0);
        assert!(pareto_k(&even[..24]).is_nan());
        assert!(pareto_k(&[f64::NAN; 30]).is_nan());
        let mut one = vec![-900.0; 100];
        one[3] = 0.0;
        assert!(pareto_k(&one) > 1.0);
    }
}
