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
    Abc, Background, Check, Contest, Convergence, Divergence, EarlyStop, Estimator, Guide, Learnt,
    Levels, Loss, Objective, Outcome, Parameter, Per, Policy, Posterior, Prediction, Prior, Priors,
    Problem, RandomWalk, Ranks, Run, Sbc, Scale, Scenario, Sensitivity, Smc, Snapshot, Standing,
    Summary, Svi, Total, Watch, WhatIf, calibrate, contest, output_sensitivity, sbc, sensitivity,
};
#[doc(inline)]
pub use crate::model::{
    ByParameter, Cells, Combination, DemandEvent, Division, Event, Gap, LinkEvent, Model, Need,
    Overproduction, Params, Production, Rationing, Rebuilding, Recovery, Shock, StockSeen,
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
    Checkpoint, Device, DeviceInfo, Method, Precision, Record, Simulation, Trajectory, connect,
    devices, simulate,
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
