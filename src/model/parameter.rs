//! The parameters that can be learnt: one table, a row each.

use crate::network::Network;
use serde::{Deserialize, Serialize};

/// Hands the table of parameters to a macro. A row is
///
/// ```text
/// /// What it is: the doc of its fields.
/// name: Name, "in words", "symbol in the paper", "unit", bounds, usual value, prior unless said otherwise;
/// ```
///
/// under the domain that says what has a value of its own. Those without a prior keep their values. The order is that of
/// coordinates.
macro_rules! parameters {
    ($make:ident) => {
        $make! {
            Firm {
                /// Target inventory of each firm, in periods of use (the paper's n). At least 1, else a firm cannot
                /// produce its steady output from stock.
                target_inventory: TargetInventory, "target inventory", "n", "periods of use", Bounds::POSITIVE, 2.0,
                    Some(Prior::LogNormal { shift: 1.0, median: 1.0, sigma: 0.7 });
                /// Inventory adjustment time of each firm, in periods (the paper's τ). Below 1 orders oscillate.
                adjustment_time: AdjustmentTime, "adjustment time", "τ", "periods", Bounds::POSITIVE, 6.0,
                    Some(Prior::LogNormal { shift: 1.0, median: 5.0, sigma: 0.5 });
            }
            Hit {
                /// Share of capacity lost at the start of an event, in 0..=1 (the paper's δ), one per firm hit.
                severity: Severity, "severity", "δ", "share of capacity", Bounds::SHARE, 0.5, None;
                /// Recovery rate per period, at least 0 (the paper's λ), one per firm hit.
                recovery_rate: RecoveryRate, "recovery rate", "λ", "1 / period", Bounds::FROM_ZERO, 0.1, None;
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
    /// The economy: one value for all.
    One,
}

impl Domain {
    /// Number of values in an economy; 0 of hits, which belong to a shock.
    pub fn entries(self, network: &Network) -> usize {
        match self {
            Domain::Firm => network.firms(),
            // Every link is an input of its own.
            Domain::Input | Domain::Link => network.links(),
            Domain::Hit => 0,
            Domain::One => 1,
        }
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
    /// Between 0 and 1, both allowed.
    pub(crate) const SHARE: Bounds = Bounds {
        low: 0.0,
        high: 1.0,
        above: false,
    };

    /// Which values are allowed, as "between 0 and 1".
    pub fn words(&self) -> String {
        match (self.high.is_finite(), self.above) {
            (true, _) => format!("between {} and {}", self.low, self.high),
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
        $field:ident: $Name:ident, $words:literal, $symbol:literal, $unit:literal, $bounds:expr, $usual:expr, $prior:expr;
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
        self.domain() == Domain::Hit
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
        assert_eq!(Parameter::of(Domain::Hit).count(), 2);
        let refused = ByParameter::<()>::try_of(|p| if p.of_shock() { Err(p) } else { Ok(()) });
        assert_eq!(refused, Err(Parameter::Severity));
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
