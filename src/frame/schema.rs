//! Every column of every frame: its name, type and unit, once.

/// Region code or name, text.
pub const REGION: &str = "region";
/// Sector (NACE or other) code or name, text.
pub const SECTOR: &str = "sector";
/// First day of the month, Date.
pub const MONTH: &str = "month";
/// Index or level, f64; null where missing.
pub const VALUE: &str = "value";
/// Source's flags as it wrote them, text; null where none.
pub const FLAG: &str = "flag";
/// Seasonal adjustment code, text; null where unknown.
pub const S_ADJ: &str = "s_adj";
/// Unit, the base year in it, text; null where unknown.
pub const UNIT: &str = "unit";
/// Period of the simulation, u32, 1 is the first.
pub const PERIOD: &str = "period";
/// Name of a firm, text.
pub const FIRM: &str = "firm";
/// Buying firm of a link, text.
pub const BUYER: &str = "buyer";
/// Selling firm of a link, text.
pub const SUPPLIER: &str = "supplier";
/// Units of the supplier's good per unit of the buyer's output, f64.
pub const COEFFICIENT: &str = "coefficient";
/// Name of what a link buys, text.
pub const PRODUCT: &str = "product";
/// Whole periods that goods are in transit, u32.
pub const LAG: &str = "lag";
/// Class of a link when its supplier rations, i32, 0 before 1.
pub const CLASS: &str = "class";
/// Final demand, units per period, f64.
pub const FINAL_DEMAND: &str = "final_demand";
/// Output, units per period, f64.
pub const OUTPUT: &str = "output";
/// What limits a firm, i32: -1 demand, -2 own capacity, else the input by its place.
pub const LIMIT: &str = "limit";
/// How much more the next limit allows, share of steady output, f64; infinite where there is none.
pub const MARGIN: &str = "margin";
/// Final demand that is not met, units per period, f64.
pub const UNMET: &str = "unmet";
/// Overproduction, multiple of capacity, f64.
pub const OVERPRODUCTION: &str = "overproduction";
/// Share of a link in its input's orders, f64.
pub const SHARE: &str = "share";
/// Demand received, units per period, f64.
pub const DEMAND: &str = "demand";
/// Number of suppliers, u32.
pub const SUPPLIERS: &str = "suppliers";
/// Number of customers that are firms, u32.
pub const CUSTOMERS: &str = "customers";
/// Level as an index, 100 is the steady state, f64.
pub const INDEX: &str = "index";
/// Name of a parameter, text.
pub const PARAMETER: &str = "parameter";
/// Firm, or (event, firm) pair, counted from 0, u32.
pub const ENTRY: &str = "entry";
/// Prior median, in the parameter's unit, f64.
pub const PRIOR_MEDIAN: &str = "prior_median";
/// Posterior mean, in the parameter's unit, f64.
pub const MEAN: &str = "mean";
/// Posterior standard deviation, in the parameter's unit, f64.
pub const SD: &str = "sd";
/// 1 - posterior over prior standard deviation, in the coordinates of the prior, f64.
pub const SHRINKAGE: &str = "shrinkage";
/// Mean of the prior, in the parameter's unit, f64.
pub const PRIOR_MEAN: &str = "prior_mean";
/// Standard deviation of the prior, in the parameter's unit, f64.
pub const PRIOR_SD: &str = "prior_sd";
/// 5 % quantile, in the parameter's unit, f64.
pub const Q05: &str = "q05";
/// 95 % quantile, in the parameter's unit, f64.
pub const Q95: &str = "q95";
/// Short name of a method, text.
pub const METHOD: &str = "method";
/// Seed, u64.
pub const SEED: &str = "seed";
/// Model evaluations, u64.
pub const EVALUATIONS: &str = "evaluations";
/// Loss on the scenarios that were fitted, f64.
pub const IN_SAMPLE: &str = "in_sample";
/// Loss on scenarios that were not, f64.
pub const OUT_OF_SAMPLE: &str = "out_of_sample";
/// Wall time, seconds, f64.
pub const SECONDS: &str = "seconds";
/// Draw of a posterior, counted from 0, u32.
pub const DRAW: &str = "draw";
/// Output lost, share of the steady output of all periods, f64.
pub const LOST: &str = "lost";
/// Part of it that firms lose by their own capacity, same unit, f64.
pub const DIRECT: &str = "direct";
/// Part of it that comes through suppliers and customers, same unit, f64.
pub const INDIRECT: &str = "indirect";
/// Periods until output is back at 95 %, f64, infinite where it is not.
pub const RECOVERY: &str = "recovery";
/// Region and sector of a group, text.
pub const GROUP: &str = "group";
/// Share of cells within their 50 % predictive interval, f64.
pub const WITHIN_50: &str = "within_50";
/// Share of cells within their 90 % predictive interval, f64.
pub const WITHIN_90: &str = "within_90";
/// Orders placed on a link, units per period, f64.
pub const ORDERS: &str = "orders";
/// Inventory that the buyer of a link holds, units, f64.
pub const INVENTORY: &str = "inventory";
/// Flow on a link, units per period, f64.
pub const FLOW: &str = "flow";
/// Event of a scenario, counted from 0, u32.
pub const EVENT: &str = "event";
/// First period of an event, u32.
pub const START: &str = "start";
/// What a row of a table is, text.
pub const KIND: &str = "kind";
/// Region of the supplier, text.
pub const SUPPLIER_REGION: &str = "supplier_region";
/// Region of the buyer, text.
pub const BUYER_REGION: &str = "buyer_region";
/// The buyer or column of a cell of an input-output table, text.
pub const WITH: &str = "with";
/// Number before a treatment, f64.
pub const BEFORE: &str = "before";
/// Number after a treatment, f64; null where the line was dropped.
pub const AFTER: &str = "after";
/// What a finding is, or why a cell was changed, text.
pub const REASON: &str = "reason";
/// Inputs per unit of output, f64.
pub const INPUT_SHARE: &str = "input_share";
/// Output of all sectors per unit of final demand for one, f64.
pub const MULTIPLIER: &str = "multiplier";
/// What an entry of a parameter is: a firm, a region, an event's region, text.
pub const LABEL: &str = "label";
/// Posterior mean in the standard-normal coordinates of the prior, f64.
pub const LOCATION: &str = "location";
/// Posterior standard deviation in the standard-normal coordinates of the prior, f64.
pub const SCALE: &str = "scale";
/// Loss, in the unit of the problem's loss, f64.
pub const LOSS: &str = "loss";
/// Divergence from the prior, nats, f64.
pub const KL: &str = "kl";
/// What is minimised, nats, f64.
pub const OBJECTIVE: &str = "objective";
/// Particles that were left out, u64.
pub const DROPPED: &str = "dropped";
/// Run of a simulation-based calibration, counted from 0, u32.
pub const RUN: &str = "run";
/// How many draws are below the true value, u32.
pub const RANK: &str = "rank";
/// Derivative of a loss in one entry of a parameter, f64.
pub const DERIVATIVE: &str = "derivative";
/// Name of an equilibrium yardstick, text.
pub const YARDSTICK: &str = "yardstick";
/// Change of the sum of final demand, a share of it, f64.
pub const FINAL_DEMAND_CHANGE: &str = "final_demand_change";
/// Change of the sum of output, a share of it, f64; null where the yardstick has none.
pub const OUTPUT_CHANGE: &str = "output_change";
/// Output lost over all periods, units of output, f64.
pub const AMOUNT: &str = "amount";
/// Part of what the whole economy loses, f64; null where that loses nothing.
pub const OF_ALL: &str = "of_all";
/// Period with the lowest output, u32, 1 is the first.
pub const WORST: &str = "worst";
/// How far output is below the steady one then, a share, f64.
pub const FALL: &str = "fall";
/// Period from which output is at 95 % for good, u32; 0 where it never falls below, null where it is not back.
pub const BACK: &str = "back";
/// Name of a policy, text.
pub const POLICY: &str = "policy";
/// Loss avoided, a share of the steady output, f64.
pub const AVOIDED: &str = "avoided";
