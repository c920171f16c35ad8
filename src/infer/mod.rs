//! Calibration: which parameters vary, what is observed, and what was learnt.

#[macro_use]
mod family;

mod background;
mod calibrate;
mod contest;
mod exact;
mod exp;
mod guide;
mod history;
mod layout;
mod loss;
mod method;
mod noise;
mod objective;
mod panel;
mod posterior;
mod prior;
mod problem;
mod snapshot;
mod state;
mod totals;
mod words;

pub use background::Background;
pub use contest::{Contest, Contestant, Standing, contest};
pub use guide::{Divergence, Guide};
pub use loss::{Loss, Scale};
pub use method::{
    Abc, EarlyStop, Estimator, RandomWalk, Smc, Svi, calibrate, calibrate_abc, calibrate_smc,
    calibrate_walk,
};
pub use objective::{Evaluation, Objective};
pub use posterior::{
    Check, Convergence, Fitted, Learnt, Outcome, Policy, Posterior, Prediction, Ranks, Row, Sbc,
    Sensitivity, Step, Summary, WhatIf, output_sensitivity, sbc, sensitivity,
};
pub use prior::{Levels, Parameter, Per, Prior, Priors};
pub use problem::{Problem, Scenario};
pub use snapshot::{Marginals, Phase, Snapshot};
pub use totals::Total;
pub(crate) use words::method;
