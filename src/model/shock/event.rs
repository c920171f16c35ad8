//! Events, paths and rebuilding: what a scenario is made of.

use super::super::Recovery;
use super::super::parameter::{Domain, Parameter};

macro_rules! events {
    ($(
        $(#[$ed:meta])* $Event:ident of $Domain:ident, $(#[$pd:meta])* $places:ident: { $(
            $(#[$doc:meta])*
            $field:ident: $Name:ident, $words:literal, $symbol:literal, $unit:literal, $bounds:expr, $usual:expr, $prior:expr, $varies:expr;
        )* }
    )*) => { $(
        $(#[$ed])*
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $Event {
            /// First period of the event, 1 is the first simulated period (the paper's t*).
            pub start: usize,
            $(#[$pd])*
            pub $places: Vec<usize>,
            $( $(#[$doc])* pub $field: Vec<f64>, )*
            /// How it fades.
            pub recovery: Recovery,
        }

        fields_of_domain!($Event, Vec<f64>, [$( $field $Name )*]);

        impl $Event {
            /// Every parameter of its hits with its values, in the order of the table.
            pub(crate) fn each(&self) -> impl Iterator<Item = (Parameter, &Vec<f64>)> {
                let all = Parameter::of(Domain::$Domain);
                all.filter_map(|p| Some((p, self.values(p)?)))
            }
        }
    )* };
}

macro_rules! all_events {
    (Firm $firm:tt Input $input:tt Hit $hit:tt DemandHit $demand:tt LinkHit $link:tt $($rest:tt)*) => {
        events! {
            /// One event on firms. From period `start` on, the capacity of firm `firms[k]` is multiplied by
            /// `1 - severity[k] r(t - start)`, where `recovery` says what r is: by default
            /// `exp(-recovery_rate[k] (t - start))`.
            Event of Hit,
            /// The firms hit, by index, each at most once.
            firms: $hit

            /// One event on final demand. From period `start` on, final demand for the goods of firm `firms[k]` is
            /// multiplied by `1 + demand_change[k] r(t - start)`.
            DemandEvent of DemandHit,
            /// The firms whose final demand changes, by index, each at most once.
            firms: $demand

            /// One event on links. From period `start` on, link `links[k]` lets `1 - link_severity[k] r(t - start)` of
            /// the buyer's orders through: the rest cannot be carried, so it is not asked of the supplier.
            LinkEvent of LinkHit,
            /// The links hit, by index into the network's links, each at most once.
            links: $link
        }
    };
}

parameters!(all_events);

/// Values that are given for single periods of single firms; all others are as usual.
///
/// ```
/// use bullwhip::prelude::*;
///
/// // Firm 3 has four fifths of its capacity in periods 5 and 6.
/// let capacity = Cells { period: vec![5, 6], firm: vec![3, 3], value: vec![0.8, 0.8] };
/// let shock = Shock { capacity_path: capacity, ..Shock::none() };
/// assert!(!shock.is_none());
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cells {
    /// Period of each value, from 1.
    pub period: Vec<usize>,
    /// Firm of each value.
    pub firm: Vec<usize>,
    /// The values.
    pub value: Vec<f64>,
}

impl Cells {
    /// The same path of values for each of some firms, from period `start` on.
    pub fn path(firms: &[usize], start: usize, values: &[f64]) -> Self {
        let mut out = Self::default();
        for firm in firms {
            for (k, v) in values.iter().enumerate() {
                out.period.push(start + k);
                out.firm.push(*firm);
                out.value.push(*v);
            }
        }
        out
    }

    /// Periods and firms.
    pub(crate) fn places(&self) -> Vec<(usize, usize)> {
        let both = self.period.iter().zip(&self.firm);
        both.map(|(t, i)| (*t, *i)).collect()
    }
}

/// Capital that an event destroys, and its rebuilding. From period `start` on the capital of `firms[k]` is less by
/// `damage[k]` times what is left of the event's damage: capacity is that much less of it (`Params::capital`). From
/// `start + hold` on what is left, the households' too, is ordered from `builders`, over `rebuilding_time` periods; what
/// they deliver is rebuilt.
#[derive(Clone, Debug, PartialEq)]
pub struct Rebuilding {
    /// First period in which the capital is gone.
    pub start: usize,
    /// Periods until rebuilding is ordered.
    pub hold: usize,
    /// The firms whose capital is destroyed, each at most once.
    pub firms: Vec<usize>,
    /// Capital destroyed of each, units of output (c).
    pub damage: Vec<f64>,
    /// Capital of households that is destroyed: it limits nobody, and is rebuilt.
    pub households: f64,
    /// The firms that rebuild, each at most once.
    pub builders: Vec<usize>,
    /// The part of the rebuilding that each delivers; they add up to 1 (ρ).
    pub builder_share: Vec<f64>,
    /// Periods over which damage is rebuilt, at least 1 (τ_R).
    pub rebuilding_time: f64,
    /// Orders as a multiple of the damage (φ).
    pub rebuilding_factor: f64,
}

impl Default for Rebuilding {
    fn default() -> Self {
        Self {
            start: 1,
            hold: 0,
            firms: Vec::new(),
            damage: Vec::new(),
            households: 0.0,
            builders: Vec::new(),
            builder_share: Vec::new(),
            rebuilding_time: Parameter::RebuildingTime.usual(),
            rebuilding_factor: Parameter::RebuildingFactor.usual(),
        }
    }
}

impl Rebuilding {
    /// Damage of firms, then of households.
    pub(crate) fn damages(&self) -> impl Iterator<Item = (Option<usize>, f64)> + '_ {
        let firms = self
            .firms
            .iter()
            .map(|i| Some(*i))
            .zip(self.damage.iter().copied());
        firms.chain([(None, self.households)])
    }
}
