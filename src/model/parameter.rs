//! The parameters that can be learnt: one table, a row each.

use serde::{Deserialize, Serialize};

/// Hands the table of parameters to a macro. A row is
///
/// ```text
/// /// What it is: the doc of its fields.
/// name: Name, "in words", "symbol in the paper", "unit", bounds, usual value, sensible prior, varies unless said otherwise;
/// ```
///
/// under the domain that says what has a value of its own. Those that do not vary keep their values. The order is that of
/// coordinates.
macro_rules! parameters {
    ($make:ident) => {
        $make! {
            Firm {
                /// Target inventory of each firm, in periods of use (the paper's n). At least 1, else a firm cannot
                /// produce its steady output from stock.
                target_inventory: TargetInventory, "target inventory", "n", "periods of use", Bounds::POSITIVE, 2.0,
                    Prior::LogNormal { shift: 1.0, median: 1.0, sigma: 0.7 }, true;
                /// Inventory adjustment time of each firm, in periods (the paper's τ). Below 1 orders oscillate.
                adjustment_time: AdjustmentTime, "adjustment time", "τ", "periods", Bounds::POSITIVE, 6.0,
                    Prior::LogNormal { shift: 1.0, median: 5.0, sigma: 0.5 }, true;
                /// Spare capacity above the steady output, as a share of it (κ). Empty: `Simulation::slack`.
                slack: Slack, "slack", "κ", "share of steady output", Bounds::FROM_ZERO, 0.2,
                    Prior::LogNormal { shift: 0.0, median: 0.1, sigma: 0.7 }, false;
                /// Share of its target stock below which a firm stretches an input (ψ): it then limits output.
                stretching: Stretching, "stretching threshold", "ψ", "share of the target", Bounds::SHARE, 0.0,
                    Prior::LogitNormal { median: 0.5, sigma: 1.0 }, false;
                /// Weight of the rationing rule of a supplier (μ); the rest is rationed in proportion.
                mix: Mix, "weight of rationing", "μ", "share", Bounds::SHARE, 1.0,
                    Prior::LogitNormal { median: 0.5, sigma: 1.5 }, false;
                /// Speed at which a buyer learns what suppliers deliver (η), under `Division::Delivered`.
                trust_rate: TrustRate, "trust rate", "η", "1 / period", Bounds::SHARE, 0.5,
                    Prior::LogitNormal { median: 0.3, sigma: 1.0 }, false;
                /// Trust that a supplier keeps that never delivers, under `Division::Delivered`.
                trust_floor: TrustFloor, "trust floor", "q₀", "share", Bounds::SOME_SHARE, 0.05,
                    Prior::LogitNormal { median: 0.05, sigma: 1.0 }, false;
                /// Most overproduction, as a multiple of capacity (α_max).
                overproduction: Overproduction, "most overproduction", "α_max", "multiple of capacity",
                    Bounds::FROM_ONE, 1.25, Prior::LogNormal { shift: 1.0, median: 0.2, sigma: 0.5 }, false;
                /// Time over which a firm raises its capacity (τ_α).
                overproduction_time: OverproductionTime, "overproduction time", "τ_α", "periods", Bounds::FROM_ONE, 365.0,
                    Prior::LogNormal { shift: 1.0, median: 10.0, sigma: 1.0 }, false;
                /// Weight of goods in transit in a buyer's orders (ν): 0 forgets them, which is the beer game's mistake.
                supply_line: SupplyLine, "weight of the supply line", "ν", "share", Bounds::SHARE, 1.0,
                    Prior::LogitNormal { median: 0.7, sigma: 1.0 }, false;
                /// Capital of a firm, in units of output (K): what events with damage destroy a part of.
                capital: Capital, "capital", "K", "units of output", Bounds::POSITIVE, 1.0,
                    Prior::LogNormal { shift: 0.0, median: 1.0, sigma: 0.5 }, false;
            }
            Input {
                /// Target inventory of each input, in periods of use (n_g): infinite of one that is never short, such
                /// as a service. Empty: the firm's.
                input_inventory: InputInventory, "target inventory of inputs", "n_g", "periods of use", Bounds::POSITIVE,
                    2.0, Prior::LogNormal { shift: 1.0, median: 1.0, sigma: 0.7 }, false;
                /// Adjustment time of each input, in periods (τ_g). Empty: the firm's.
                input_time: InputTime, "adjustment time of inputs", "τ_g", "periods", Bounds::POSITIVE, 6.0,
                    Prior::LogNormal { shift: 1.0, median: 5.0, sigma: 0.5 }, false;
                /// Criticality of each input (θ): 1 binds, 0 never does; between, what an input allows runs from the
                /// capacity before the shock to what is in stock. 0.5 is Pichler et al.'s "important".
                criticality: Criticality, "criticality", "θ", "share", Bounds::SHARE, 1.0,
                    Prior::LogitNormal { median: 0.5, sigma: 1.5 }, false;
            }
            Hit {
                /// Share of capacity lost at the start of an event, in 0..=1 (the paper's δ), one per firm hit.
                severity: Severity, "severity", "δ", "share of capacity", Bounds::SHARE, 0.5,
                    Prior::LogitNormal { median: 0.4, sigma: 1.0 }, false;
                /// Recovery rate per period, at least 0 (the paper's λ), one per firm hit: 1 over a time for curves
                /// with one.
                recovery_rate: RecoveryRate, "recovery rate", "λ", "1 / period", Bounds::FROM_ZERO, 0.1,
                    Prior::LogNormal { shift: 0.0, median: 0.1, sigma: 0.7 }, false;
                /// Steepness of `Recovery::Hill` (q), one per firm hit. Empty: 1.
                steepness: Steepness, "steepness", "q", "exponent", Bounds::POSITIVE, 1.0,
                    Prior::LogNormal { shift: 0.0, median: 2.0, sigma: 0.5 }, false;
                /// Periods of full loss before recovery begins, one per firm hit. Empty: 0.
                hold: Hold, "hold", "h", "periods", Bounds::FROM_ZERO, 0.0,
                    Prior::LogNormal { shift: 0.0, median: 2.0, sigma: 0.7 }, false;
            }
            DemandHit {
                /// Change of final demand at the start of an event, as a share of it (γ): below 0 a drop, above a surge.
                demand_change: DemandChange, "change of demand", "γ", "share of final demand", Bounds::CHANGE, 0.0,
                    Prior::Normal { mean: 0.0, sd: 0.1 }, false;
                /// Rate at which a change of demand fades (λ_d).
                demand_recovery_rate: DemandRecoveryRate, "recovery rate of demand", "λ_d", "1 / period",
                    Bounds::FROM_ZERO, 0.1, Prior::LogNormal { shift: 0.0, median: 0.1, sigma: 0.7 }, false;
                /// Steepness of `Recovery::Hill`. Empty: 1.
                demand_steepness: DemandSteepness, "steepness of demand", "q_d", "exponent", Bounds::POSITIVE, 1.0,
                    Prior::LogNormal { shift: 0.0, median: 2.0, sigma: 0.5 }, false;
                /// Periods for which a change of demand holds. Empty: 0.
                demand_hold: DemandHold, "hold of demand", "h_d", "periods", Bounds::FROM_ZERO, 0.0,
                    Prior::LogNormal { shift: 0.0, median: 2.0, sigma: 0.7 }, false;
            }
            LinkHit {
                /// Share of a link's orders that cannot be carried at the start of an event (δ_l).
                link_severity: LinkSeverity, "severity on links", "δ_l", "share of orders", Bounds::SHARE, 0.5,
                    Prior::LogitNormal { median: 0.4, sigma: 1.0 }, false;
                /// Rate at which a link recovers (λ_l).
                link_recovery_rate: LinkRecoveryRate, "recovery rate of links", "λ_l", "1 / period", Bounds::FROM_ZERO,
                    0.1, Prior::LogNormal { shift: 0.0, median: 0.1, sigma: 0.7 }, false;
                /// Steepness of `Recovery::Hill`. Empty: 1.
                link_steepness: LinkSteepness, "steepness of links", "q_l", "exponent", Bounds::POSITIVE, 1.0,
                    Prior::LogNormal { shift: 0.0, median: 2.0, sigma: 0.5 }, false;
                /// Periods for which a link is blocked in full. Empty: 0.
                link_hold: LinkHold, "hold of links", "h_l", "periods", Bounds::FROM_ZERO, 0.0,
                    Prior::LogNormal { shift: 0.0, median: 2.0, sigma: 0.7 }, false;
            }
            CapacityCell {
                /// Share of capacity left in one period of one firm (z): a path, beside events.
                capacity_path: CapacityPath, "capacity path", "z", "share of capacity", Bounds::FROM_ZERO, 1.0,
                    Prior::LogNormal { shift: 0.0, median: 1.0, sigma: 0.1 }, false;
            }
            DemandCell {
                /// Factor of final demand in one period of one firm (m).
                demand_path: DemandPath, "demand path", "m", "share of final demand", Bounds::FROM_ZERO, 1.0,
                    Prior::LogNormal { shift: 0.0, median: 1.0, sigma: 0.1 }, false;
            }
            ExtraCell {
                /// Amount that is added to final demand in one period of one firm (e).
                extra_demand: ExtraDemand, "extra demand", "e", "units per period", Bounds::FROM_ZERO, 0.0,
                    Prior::LogNormal { shift: 0.0, median: 1.0, sigma: 1.0 }, false;
            }
            Damage {
                /// Capital that an event destroys of one firm, or of households (c).
                damage: Damage, "damage", "c", "units of output", Bounds::FROM_ZERO, 0.0,
                    Prior::LogNormal { shift: 0.0, median: 1.0, sigma: 1.0 }, false;
            }
            Builder {
                /// Share of a rebuilding that one firm delivers (ρ); those of an event add up to 1.
                builder_share: BuilderShare, "share of rebuilding", "ρ", "share", Bounds::SHARE, 1.0,
                    Prior::LogitNormal { median: 0.5, sigma: 1.0 }, false;
            }
            Rebuilding {
                /// Time over which damage is rebuilt (τ_R).
                rebuilding_time: RebuildingTime, "rebuilding time", "τ_R", "periods", Bounds::FROM_ONE, 60.0,
                    Prior::LogNormal { shift: 1.0, median: 60.0, sigma: 0.7 }, false;
                /// Orders for rebuilding as a multiple of the damage (φ).
                rebuilding_factor: RebuildingFactor, "rebuilding factor", "φ", "share of damage", Bounds::FROM_ZERO, 1.0,
                    Prior::LogNormal { shift: 0.0, median: 1.0, sigma: 0.2 }, false;
            }
        }
    };
}
pub(crate) use parameters;

/// What has a value of a parameter of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Domain {
    /// Each firm.
    Firm,
    /// Each input of a firm: a product that it buys, from one supplier or several.
    Input,
    /// Each link from a buyer to a supplier.
    Link,
    /// Each hit: an event and a firm that it hits.
    Hit,
    /// The same of events on final demand, and of events on links.
    DemandHit,
    /// An event and a link that it blocks.
    LinkHit,
    /// Each period and firm that capacity is given for.
    CapacityCell,
    /// Each period and firm that a factor of final demand is given for.
    DemandCell,
    /// Each period and firm that an amount of final demand is given for.
    ExtraCell,
    /// Each firm whose capital an event destroys, and households.
    Damage,
    /// Each firm that rebuilds after an event.
    Builder,
    /// Each event with damage.
    Rebuilding,
}

impl Domain {
    /// True of a path over periods.
    pub fn of_path(self) -> bool {
        matches!(
            self,
            Domain::CapacityCell | Domain::DemandCell | Domain::ExtraCell
        )
    }

    /// True of what belongs to a scenario, not to the economy.
    pub fn of_shock(self) -> bool {
        !matches!(self, Domain::Firm | Domain::Input | Domain::Link)
    }
}

/// The values that the model allows for a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Lower end.
    pub low: f64,
    /// Upper end; may be infinite.
    pub high: f64,
    /// True where the lower end itself is not allowed.
    pub above: bool,
}

impl Bounds {
    /// Above 0.
    pub(crate) const POSITIVE: Bounds = Bounds {
        low: 0.0,
        high: f64::INFINITY,
        above: true,
    };
    /// At least 0.
    pub(crate) const FROM_ZERO: Bounds = Bounds {
        above: false,
        ..Bounds::POSITIVE
    };
    /// At least 1.
    pub(crate) const FROM_ONE: Bounds = Bounds {
        low: 1.0,
        ..Bounds::FROM_ZERO
    };
    /// At least -1.
    pub(crate) const CHANGE: Bounds = Bounds {
        low: -1.0,
        ..Bounds::FROM_ZERO
    };
    /// Above 0, and at most 1.
    pub(crate) const SOME_SHARE: Bounds = Bounds {
        above: true,
        ..Bounds::SHARE
    };
    /// Between 0 and 1, both allowed.
    pub(crate) const SHARE: Bounds = Bounds {
        low: 0.0,
        high: 1.0,
        above: false,
    };

    /// Which values are allowed, as "between 0 and 1".
    pub fn words(&self) -> String {
        match (self.high.is_finite(), self.above) {
            (true, false) => format!("between {} and {}", self.low, self.high),
            (true, true) => format!("above {} and at most {}", self.low, self.high),
            (false, true) => format!("above {}", self.low),
            (false, false) => format!("of at least {}", self.low),
        }
    }

    /// True of a finite number that is allowed.
    pub fn allow(&self, v: f64) -> bool {
        v.is_finite() && v >= self.low && v <= self.high && !(self.above && v == self.low)
    }
}

macro_rules! define {
    ($( $Domain:ident { $(
        $(#[$doc:meta])*
        $field:ident: $Name:ident, $words:literal, $symbol:literal, $unit:literal, $bounds:expr, $usual:expr, $prior:expr, $varies:expr;
    )* } )*) => {
        /// A parameter that can be learnt.
        ///
        /// ```
        /// use bullwhip::prelude::*;
        ///
        /// let told: Vec<String> = Parameter::ALL
        ///     .iter()
        ///     .map(|p| format!("{} {}, {}", p.words(), p.symbol(), p.unit()))
        ///     .collect();
        /// assert_eq!(told[0], "target inventory n, periods of use");
        /// let priors = Priors::default();
        /// let varying = Parameter::ALL.iter().filter(|p| priors.of(**p).is_some());
        /// assert_eq!(varying.count(), 2);
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Parameter { $($( $(#[$doc])* $Name, )*)* }

        impl Parameter {
            /// All of them, in the order of coordinates.
            pub const ALL: &'static [Parameter] = &[$($( Parameter::$Name, )*)*];

            /// The name used in frames and figures, which is that of its fields.
            pub fn name(self) -> &'static str {
                match self { $($( Parameter::$Name => stringify!($field), )*)* }
            }

            /// The name in words, for sentences.
            pub fn words(self) -> &'static str {
                match self { $($( Parameter::$Name => $words, )*)* }
            }

            /// Words, symbol and unit.
            pub(crate) fn label(self) -> &'static str {
                match self { $($( Parameter::$Name => concat!($words, " ", $symbol, " (", $unit, ")"), )*)* }
            }

            /// The symbol in the paper.
            pub fn symbol(self) -> &'static str {
                match self { $($( Parameter::$Name => $symbol, )*)* }
            }

            /// The unit, for axes.
            pub fn unit(self) -> &'static str {
                match self { $($( Parameter::$Name => $unit, )*)* }
            }

            /// What has a value of its own.
            pub fn domain(self) -> Domain {
                match self { $($( Parameter::$Name => Domain::$Domain, )*)* }
            }

            /// The values that the model allows.
            pub fn bounds(self) -> Bounds {
                match self { $($( Parameter::$Name => $bounds, )*)* }
            }

            /// The value where nothing else is said.
            pub fn usual(self) -> f64 {
                match self { $($( Parameter::$Name => $usual, )*)* }
            }
        }

        /// Something for each parameter, a field each.
        ///
        /// ```
        /// use bullwhip::prelude::*;
        ///
        /// // How finely each parameter varies: `Levels` is one of levels.
        /// let levels = Levels { severity: Per::Region, ..Levels::default() };
        /// assert_eq!(levels.get(Parameter::Severity), &Per::Region);
        /// let symbols = ByParameter::of(|p| p.symbol());
        /// assert_eq!(symbols.adjustment_time, "τ");
        /// ```
        #[derive(Clone, Copy, Debug, Default, PartialEq)]
        pub struct ByParameter<T> { $($( $(#[$doc])* pub $field: T, )*)* }

        impl<T> ByParameter<T> {
            /// That of one parameter.
            pub fn get(&self, parameter: Parameter) -> &T {
                match parameter { $($( Parameter::$Name => &self.$field, )*)* }
            }

            /// The same, to be changed.
            pub fn get_mut(&mut self, parameter: Parameter) -> &mut T {
                match parameter { $($( Parameter::$Name => &mut self.$field, )*)* }
            }

            /// What `make` makes of each parameter, in the order of the table; its first error, if any.
            pub fn try_of<E>(
                mut make: impl FnMut(Parameter) -> std::result::Result<T, E>,
            ) -> std::result::Result<Self, E> {
                Ok(Self { $($( $field: make(Parameter::$Name)?, )*)* })
            }
        }
    };
}

parameters!(define);

impl Parameter {
    /// The parameter of a name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|p| p.name() == name)
    }

    /// Those of a domain.
    pub(crate) fn of(domain: Domain) -> impl Iterator<Item = Self> {
        let all = Self::ALL.iter().copied();
        all.filter(move |p| p.domain() == domain)
    }

    /// True of what belongs to a scenario, not to the economy.
    pub(crate) fn of_shock(self) -> bool {
        self.domain().of_shock()
    }

    /// Whether its values may be left out: all but n and τ, and how large events are and how fast they fade.
    pub(crate) fn may_be_empty(self) -> bool {
        use Parameter as P;
        !matches!(
            self,
            P::TargetInventory
                | P::AdjustmentTime
                | P::Severity
                | P::RecoveryRate
                | P::DemandChange
                | P::DemandRecoveryRate
                | P::LinkSeverity
                | P::LinkRecoveryRate
        )
    }
}

impl<T> ByParameter<T> {
    /// What `make` makes of each parameter, in the order of the table.
    pub fn of(mut make: impl FnMut(Parameter) -> T) -> Self {
        let made = Self::try_of(|p| Ok::<T, std::convert::Infallible>(make(p)));
        made.unwrap_or_else(|never| match never {})
    }

    /// All of them with their parameters, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = (Parameter, &T)> {
        Parameter::ALL.iter().map(|p| (*p, self.get(*p)))
    }
}

/// Makes `values` and `values_mut` of a struct that has fields for the parameters of one domain.
macro_rules! fields_of_domain {
    ($Owner:ident, $kind:ty, [$( $field:ident $Name:ident )*]) => {
        impl $Owner {
            /// The values of a parameter; none of one that is not among its fields.
            pub fn values(&self, parameter: Parameter) -> Option<&$kind> {
                match parameter {
                    $( Parameter::$Name => Some(&self.$field), )*
                    _ => None,
                }
            }

            /// The same, to be changed.
            pub fn values_mut(&mut self, parameter: Parameter) -> Option<&mut $kind> {
                match parameter {
                    $( Parameter::$Name => Some(&mut self.$field), )*
                    _ => None,
                }
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_found_by_all_its_names() {
        for (k, parameter) in Parameter::ALL.iter().enumerate() {
            assert_eq!(Parameter::from_name(parameter.name()), Some(*parameter));
            let json = serde_json::to_string(parameter).expect("a text");
            assert_eq!(json, format!("{:?}", parameter.name()));
            assert!(parameter.bounds().allow(parameter.usual()), "{parameter:?}");
            let all = ByParameter::of(|p| p.name());
            assert_eq!(all.get(*parameter), &parameter.name());
            assert_eq!(all.iter().nth(k), Some((*parameter, &parameter.name())));
        }
        assert_eq!(Parameter::of(Domain::Hit).count(), 4);
        let refused = ByParameter::<()>::try_of(|p| if p.of_shock() { Err(p) } else { Ok(()) });
        assert_eq!(refused, Err(Parameter::Severity));
        assert!(Parameter::Criticality.may_be_empty() && !Parameter::Severity.may_be_empty());
    }

    #[test]
    fn bounds_are_kept() {
        for (bounds, good, bad) in [
            (Bounds::POSITIVE, [1e-300, 1e9], [0.0, f64::INFINITY]),
            (Bounds::FROM_ZERO, [0.0, 1e9], [-1e-300, f64::NAN]),
            (Bounds::SHARE, [0.0, 1.0], [-0.1, 1.1]),
        ] {
            assert!(good.iter().all(|v| bounds.allow(*v)), "{bounds:?}");
            assert!(!bad.iter().any(|v| bounds.allow(*v)), "{bounds:?}");
        }
    }
}
