//! What a notebook needs: `use bullwhip::prelude::*;`.
//!
//! `bullwhip::Result` is not here: evcxr writes `Result<T, E>` around cells, and means the standard
//! library's.

#[doc(inline)]
pub use crate::equilibrium::{
    Elasticities, Hulten, Propagated, SecondOrder, Yardsticks, baqaee_farhi, ghosh, hulten,
    leontief, yardsticks,
};
#[doc(inline)]
pub use crate::error::Error;
#[doc(inline)]
pub use crate::frame::{
    Alignment, Calendar, Columns, DateOrder, Decimal, Describe, Description, Fetch, Format, Guess,
    Index, IndexSeries, Missing, NetworkColumns, NetworkFiles, Onset, Period, ReadOptions, Reuse,
    Source, Spread, Stored, Tables, ToFrame, align, align_to, beside, distinct, eurostat, fill,
    fred, guess_format, index_series, links_frame, load, month_lengths, months, multipliers_frame,
    network_from_frames, read, read_network, read_with, rebase, seasonal_adjust, select,
    shock_month,
};
#[doc(inline)]
pub use crate::infer::{
    Abc, Assumed, Assuming, Assumptions, Background, Backtest, Backtested, Chains, Check, Contest,
    Convergence, Discrepancy, Divergence, EarlyStop, Estimator, Evidence, Fan, Guide, Ladder,
    Learnt, LearntNoise, Levels, Loss, Metric, NoisePrior, NoiseProfile, Nuts, Objective, Outcome,
    Parameter, Per, PerSeries, Policy, Posterior, Prediction, Prior, Priors, Problem, RandomWalk,
    Ranked, Ranking, Ranks, Run, Sbc, Scale, Scenario, Score, Sensitivity, Smc, Snapshot, Standing,
    Standings, Start, Summary, Svi, Total, Variant, Watch, WhatIf, assumptions, assumptions_fitted,
    backtest, calibrate, contest, noise_profile, output_sensitivity, rank, sbc, sensitivity,
};
#[doc(inline)]
pub use crate::model::{
    ByParameter, Cells, Combination, DemandEvent, Division, Domain, Event, Gap, LinkEvent, Model,
    Need, Overproduction, Params, Production, Rationing, Rebuilding, Recovery, Shock, StockSeen,
    StockTarget, Substitution,
};
#[doc(inline)]
pub use crate::network::{Firms, InoueTodo, Links, Network, Synthetic};
#[doc(inline)]
pub use crate::notebook::explore::{
    Checkbox, Choice, Control, Controls, Explore, Play, Slider, checkbox, choice, explore, play,
    slider,
};
#[doc(inline)]
pub use crate::notebook::{Lines, Live, Show, ShowRows, scenarios, show_svg};
#[doc(inline)]
pub use crate::observe::{Dates, Observation};
#[doc(inline)]
pub use crate::plot::{
    Animation, Draw, Figure, bands, compare, degrees, fig2a, fig2b, fit, forest, heat, history,
    indices, map, outcomes, pairs, prior_posterior, sankey, series, trace, travel,
};
#[doc(inline)]
pub use crate::progress::Progress;
#[doc(inline)]
pub use crate::simulate::{
    Attribution, Bottleneck, Cause, Checkpoint, Device, DeviceInfo, Method, Precision, Preset,
    Record, Simulation, Trajectory, connect, devices, simulate,
};
#[doc(inline)]
pub use crate::study::{
    Band, By, Grid, Losses, Of, Policies, Scenarios, World, compare_policies, scenarios_with,
    simulate_all,
};
#[doc(inline)]
pub use crate::table::{
    Blank, Corrected, Corrections, Disaggregate, Disaggregated, Holds, Imbalance, Imports,
    InputOutput, NegativeDemand, NegativeFlows, Orientation, TableOptions, ZeroOutput,
    disaggregate, read_table, sector_code, sector_name,
};
#[doc(inline)]
pub use crate::{grid, opts, shock, show, table};
