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
/// Final demand, units per period, f64.
pub const FINAL_DEMAND: &str = "final_demand";
/// Output, units per period, f64.
pub const OUTPUT: &str = "output";
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
