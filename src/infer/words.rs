//! Priors, levels, losses and scales as words, and back, exact in every digit: for files.

use super::{Loss, Parameter, Per, Prior, Scale};

/// A name and numbers.
fn join(name: &str, numbers: &[f64]) -> String {
    numbers
        .iter()
        .fold(name.to_string(), |text, v| format!("{text} {v:?}"))
}

/// The name, and as many numbers as the kind has.
fn cut(text: &str) -> Option<(&str, Vec<f64>)> {
    let mut words = text.split(' ');
    let name = words.next()?;
    let numbers = words.map(|w| w.parse().ok()).collect::<Option<_>>()?;
    Some((name, numbers))
}

impl Prior {
    pub(crate) fn words(&self) -> String {
        match *self {
            Prior::Normal { mean, sd } => join("normal", &[mean, sd]),
            Prior::TruncatedNormal {
                mean,
                sd,
                low,
                high,
            } => join("truncated-normal", &[mean, sd, low, high]),
            Prior::LogNormal {
                shift,
                median,
                sigma,
            } => join("log-normal", &[shift, median, sigma]),
            Prior::Gamma {
                shift,
                shape,
                scale,
            } => join("gamma", &[shift, shape, scale]),
            Prior::LogitNormal { median, sigma } => join("logit-normal", &[median, sigma]),
            Prior::Beta { alpha, beta } => join("beta", &[alpha, beta]),
            Prior::Uniform { low, high } => join("uniform", &[low, high]),
        }
    }

    pub(crate) fn from_words(text: &str) -> Option<Self> {
        let (name, numbers) = cut(text)?;
        Some(match (name, numbers.as_slice()) {
            ("normal", &[mean, sd]) => Prior::Normal { mean, sd },
            ("truncated-normal", &[mean, sd, low, high]) => Prior::TruncatedNormal {
                mean,
                sd,
                low,
                high,
            },
            ("log-normal", &[shift, median, sigma]) => Prior::LogNormal {
                shift,
                median,
                sigma,
            },
            ("gamma", &[shift, shape, scale]) => Prior::Gamma {
                shift,
                shape,
                scale,
            },
            ("logit-normal", &[median, sigma]) => Prior::LogitNormal { median, sigma },
            ("beta", &[alpha, beta]) => Prior::Beta { alpha, beta },
            ("uniform", &[low, high]) => Prior::Uniform { low, high },
            _ => return None,
        })
    }
}

impl Per {
    pub(crate) fn words(&self) -> String {
        match *self {
            Per::Firm => "firm".into(),
            Per::Region => "region".into(),
            Per::Sector => "sector".into(),
            Per::Group => "group".into(),
            Per::Event => "event".into(),
            Per::All => "all".into(),
            Per::FirmInRegion(share) => join("firm-in-region", &[share]),
            Per::FirmInSector(share) => join("firm-in-sector", &[share]),
            Per::FirmInGroup(share) => join("firm-in-group", &[share]),
        }
    }

    pub(crate) fn from_words(text: &str) -> Option<Self> {
        let (name, numbers) = cut(text)?;
        Some(match (name, numbers.as_slice()) {
            ("firm", []) => Per::Firm,
            ("region", []) => Per::Region,
            ("sector", []) => Per::Sector,
            ("group", []) => Per::Group,
            ("event", []) => Per::Event,
            ("all", []) => Per::All,
            ("firm-in-region", &[share]) => Per::FirmInRegion(share),
            ("firm-in-sector", &[share]) => Per::FirmInSector(share),
            ("firm-in-group", &[share]) => Per::FirmInGroup(share),
            _ => return None,
        })
    }
}

impl Loss {
    pub(crate) fn words(&self) -> String {
        match *self {
            Loss::RelativeSquare => "relative-square".into(),
            Loss::Square => "square".into(),
            Loss::Gaussian => "gaussian".into(),
            Loss::StudentT { freedom } => join("student-t", &[freedom]),
        }
    }

    pub(crate) fn from_words(text: &str) -> Option<Self> {
        let (name, numbers) = cut(text)?;
        Some(match (name, numbers.as_slice()) {
            ("relative-square", []) => Loss::RelativeSquare,
            ("square", []) => Loss::Square,
            ("gaussian", []) => Loss::Gaussian,
            ("student-t", &[freedom]) => Loss::StudentT { freedom },
            _ => return None,
        })
    }
}

impl Scale {
    pub(crate) fn words(&self) -> String {
        match *self {
            Scale::Levels => "levels".into(),
            Scale::Indices { first, last } => format!("indices {first} {last}"),
        }
    }

    pub(crate) fn from_words(text: &str) -> Option<Self> {
        let (name, numbers) = cut(text)?;
        Some(match (name, numbers.as_slice()) {
            ("levels", []) => Scale::Levels,
            ("indices", &[first, last]) => Scale::Indices {
                first: first as usize,
                last: last as usize,
            },
            _ => return None,
        })
    }
}

impl Parameter {
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        use Parameter::{AdjustmentTime, RecoveryRate, Severity, TargetInventory};
        [TargetInventory, AdjustmentTime, Severity, RecoveryRate]
            .into_iter()
            .find(|p| p.name() == name)
    }
}

/// The name of a method, as results hold it.
pub(crate) fn method(name: &str) -> Option<&'static str> {
    [
        super::method::svi::METHOD,
        super::method::abc::METHOD,
        super::method::smc::METHOD,
        super::method::random_walk::METHOD,
    ]
    .into_iter()
    .find(|m| *m == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_keep_every_digit() {
        let x = 0.1 + 0.2;
        for prior in [
            Prior::Normal {
                mean: -x,
                sd: 1e-300,
            },
            Prior::TruncatedNormal {
                mean: x,
                sd: 2.0,
                low: 0.0,
                high: f64::INFINITY,
            },
            Prior::LogNormal {
                shift: 1.0,
                median: x,
                sigma: 0.7,
            },
            Prior::Gamma {
                shift: 0.0,
                shape: x,
                scale: 3.0,
            },
            Prior::LogitNormal {
                median: x,
                sigma: 1.0,
            },
            Prior::Beta {
                alpha: x,
                beta: 2.0,
            },
            Prior::Uniform { low: 0.0, high: x },
        ] {
            assert_eq!(Prior::from_words(&prior.words()), Some(prior));
        }
        for per in [
            Per::Firm,
            Per::Region,
            Per::Sector,
            Per::Group,
            Per::Event,
            Per::All,
        ] {
            assert_eq!(Per::from_words(&per.words()), Some(per));
        }
        for per in [
            Per::FirmInRegion(x),
            Per::FirmInSector(x),
            Per::FirmInGroup(x),
        ] {
            assert_eq!(Per::from_words(&per.words()), Some(per));
        }
        for loss in [
            Loss::RelativeSquare,
            Loss::Square,
            Loss::Gaussian,
            Loss::StudentT { freedom: x },
        ] {
            assert_eq!(Loss::from_words(&loss.words()), Some(loss));
        }
        assert_eq!(
            (
                Prior::from_words("beta 1"),
                Prior::from_words("beta 1 x"),
                Per::from_words("")
            ),
            (None, None, None)
        );
        for scale in [Scale::Levels, Scale::Indices { first: 1, last: 12 }] {
            assert_eq!(Scale::from_words(&scale.words()), Some(scale));
        }
        assert_eq!(method("SMC-ABC"), Some("SMC-ABC"));
    }
}
