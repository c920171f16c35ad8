//! Calibration: which parameters vary, what is observed, and what was learnt.

#[macro_use]
mod family;

mod assumptions;
mod background;
mod backtest;
mod calibrate;
mod contest;
mod exact;
mod exp;
mod guide;
mod layout;
mod learnt_noise;
mod loss;
mod method;
mod noise;
mod noise_profile;
mod objective;
mod panel;
mod posterior;
mod prior;
mod problem;
mod rank;
mod run;
mod scene;
mod snapshot;
mod state;
mod totals;
mod watch;

pub use crate::model::Parameter;
pub use assumptions::{
    Assumed, AssumedRow, Assuming, Assumptions, Variant, assumptions, assumptions_fitted,
};
pub use background::Background;
pub use backtest::{Backtest, Backtested, Fan, Score, Standings, backtest};
pub use calibrate::calibrate;
pub use contest::{Contest, Standing, contest};
pub use guide::{Divergence, Guide};
pub use learnt_noise::{LearntNoise, NoisePrior, PerSeries};
pub use loss::{Loss, Scale};
pub use method::{Abc, EarlyStop, Estimator, Ladder, Method, Metric, Nuts, RandomWalk, Smc, Svi};
pub use noise_profile::{NoiseProfile, noise_profile};
pub use objective::{Evaluation, Objective};
pub(crate) use posterior::column_quantiles;
pub use posterior::{
    Chains, Check, Convergence, Discrepancy, Evidence, Fitted, Learnt, Outcome, Policy, Posterior,
    Prediction, Ranks, Row, Sbc, Sensitivity, Start, Step, Summary, WhatIf, output_sensitivity,
    sbc, sensitivity,
};
pub(crate) use prior::prior_values;
pub use prior::{Levels, Per, Prior, Priors};
pub use problem::{Problem, Scenario};
pub(crate) use rank::log_densities;
pub use rank::{Ranked, Ranking, rank};
pub use run::Run;
pub use snapshot::{Marginals, Phase, Snapshot};
pub use totals::Total;
pub use watch::Watch;
