//! The behavioural parameters of the firms.

use super::parameter::{Domain, Parameter};
use crate::error::{Error, Result};
use crate::network::Network;
use std::convert::Infallible;

/// Values without another upper end are allowed up to here. Of an inventory that lasts more periods, what is used in one is
/// less than its last digit.
const MOST: f64 = 1e6;

macro_rules! params {
    (Firm { $(
        $(#[$doc:meta])*
        $field:ident: $Name:ident, $words:literal, $symbol:literal, $unit:literal, $bounds:expr, $usual:expr, $prior:expr;
    )* } $($rest:tt)*) => {
        /// How each firm behaves: a value per firm of each parameter that firms have.
        #[derive(Clone, Debug, PartialEq)]
        pub struct Params { $( $(#[$doc])* pub $field: Vec<f64>, )* }

        fields_of_domain!(Params, Vec<f64>, [$( $field $Name )*]);

        impl Params {
            /// What `make` makes of each parameter, in the order of the table; its first error, if any.
            pub(crate) fn try_of<E>(
                mut make: impl FnMut(Parameter) -> std::result::Result<Vec<f64>, E>,
            ) -> std::result::Result<Self, E> {
                Ok(Self { $( $field: make(Parameter::$Name)?, )* })
            }
        }
    };
}

parameters!(params);

impl Params {
    /// The usual values for every firm of `network`: those of `Parameter::usual`.
    pub fn usual(network: &Network) -> Self {
        let of = |p: Parameter| Ok::<_, Infallible>(vec![p.usual(); network.firms()]);
        Self::try_of(of).unwrap_or_else(|never| match never {})
    }

    /// The same target inventory and adjustment time for every firm of `network`; what else there is has its usual value.
    pub fn uniform(network: &Network, target_inventory: f64, adjustment_time: f64) -> Self {
        let mut params = Self::usual(network);
        params.target_inventory.fill(target_inventory);
        params.adjustment_time.fill(adjustment_time);
        params
    }

    /// Every parameter with its values, in the order of the table.
    pub(crate) fn each(&self) -> impl Iterator<Item = (Parameter, &Vec<f64>)> {
        let all = Parameter::of(Domain::Firm);
        all.filter_map(|p| Some((p, self.values(p)?)))
    }

    /// Refuses wrong lengths, NaN, and values that the model does not allow or that are above a million.
    pub fn check(&self, network: &Network) -> Result<()> {
        for (parameter, values) in self.each() {
            let (name, unit, bounds) = (parameter.name(), parameter.unit(), parameter.bounds());
            if values.len() != network.firms() {
                return Err(Error::new(
                    format!("params.{name}"),
                    format!("{} values for {} firms", values.len(), network.firms()),
                    "give one value per firm, or use Params::uniform",
                ));
            }
            if let Some(i) = values.iter().position(|v| *v > MOST && bounds.high > MOST) {
                return Err(Error::new(
                    format!("params.{name}[{i}]"),
                    format!("firm {} has {:e} {unit}", network.name(i), values[i]),
                    format!(
                        "give {MOST:e} {unit} at most: beyond, the simulation's digits do not suffice"
                    ),
                ));
            }
            if let Some(i) = values.iter().position(|v| !bounds.allow(*v)) {
                return Err(Error::new(
                    format!("params.{name}[{i}]"),
                    format!("firm {} has {}", network.name(i), values[i]),
                    format!("give a finite number of {unit} {}", bounds.words()),
                ));
            }
        }
        Ok(())
    }

    /// What is allowed but unusual, one sentence each: stocks below one period, orders that oscillate.
    pub fn warnings(&self) -> Vec<String> {
        let mut out = Vec::new();
        let low = self.target_inventory.iter().filter(|v| **v < 1.0).count();
        if low > 0 {
            out.push(format!(
                "{low} firms have a target inventory below 1 period: they cannot produce their \
                 steady output from stock, so no shock is not a fixed point"
            ));
        }
        let fast = self.adjustment_time.iter().filter(|v| **v < 1.0).count();
        if fast > 0 {
            out.push(format!(
                "{fast} firms adjust their inventory in less than 1 period: their orders overshoot \
                 and oscillate"
            ));
        }
        out
    }
}
