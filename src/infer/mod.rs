//! Calibration: which parameters vary, what is observed, and what was learnt.

#[macro_use]
mod family;

mod background;
mod calibrate;
mod contest;
mod exact;
mod exp;
mod guide;
mod layout;
mod loss;
mod method;
mod noise;
mod objective;
mod panel;
mod posterior;
mod prior;
mod problem;
mod run;
mod snapshot;
mod state;
mod totals;
mod watch;

pub use crate::model::Parameter;
pub use background::Background;
pub use calibrate::calibrate;
pub use contest::{Contest, Standing, contest};
pub use guide::{Divergence, Guide};
pub use loss::{Loss, Scale};
pub use method::{Abc, EarlyStop, Estimator, Method, RandomWalk, Smc, Svi};
pub use objective::{Evaluation, Objective};
pub(crate) use posterior::column_quantiles;
pub use posterior::{
    Check, Convergence, Fitted, Learnt, Outcome, Policy, Posterior, Prediction, Ranks, Row, Sbc,
    Sensitivity, Step, Summary, WhatIf, output_sensitivity, sbc, sensitivity,
};
pub use prior::{Levels, Per, Prior, Priors};
pub use problem::{Problem, Scenario};
pub use run::Run;
pub use snapshot::{Marginals, Phase, Snapshot};
pub use totals::Total;
pub use watch::Watch;
