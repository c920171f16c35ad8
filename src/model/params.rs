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
        $field:ident: $Name:ident, $words:literal, $symbol:literal, $unit:literal, $bounds:expr, $usual:expr, $prior:expr, $varies:expr;
    )* } Input { $(
        $(#[$idoc:meta])*
        $ifield:ident: $IName:ident, $iwords:literal, $isymbol:literal, $iunit:literal, $ibounds:expr, $iusual:expr, $iprior:expr, $ivaries:expr;
    )* } $($rest:tt)*) => {
        /// How each firm behaves: a value per firm of each parameter that firms have, and a value per input of those
        /// that inputs have. All but the first two may be empty, which is the usual value for all.
        ///
        /// The inputs of a firm are its links, or under `Substitution::Product` the products that it buys: those of
        /// firm after firm, each firm's in the order of their first links (`Network::inputs`).
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct Params {
            $( $(#[$doc])* pub $field: Vec<f64>, )*
            $( $(#[$idoc])* pub $ifield: Vec<f64>, )*
        }

        fields_of_domain!(Params, Vec<f64>, [$( $field $Name )* $( $ifield $IName )*]);

        impl Params {
            /// What `make` makes of each parameter, in the order of the table; its first error, if any.
            pub(crate) fn try_of<E>(
                mut make: impl FnMut(Parameter) -> std::result::Result<Vec<f64>, E>,
            ) -> std::result::Result<Self, E> {
                Ok(Self {
                    $( $field: make(Parameter::$Name)?, )*
                    $( $ifield: make(Parameter::$IName)?, )*
                })
            }
        }
    };
}

parameters!(params);

impl Params {
    /// The usual values for every firm of `network`: those of `Parameter::usual`. What may be left out is left out.
    pub fn usual(network: &Network) -> Self {
        let of = |p: Parameter| {
            let values = if p.may_be_empty() { 0 } else { network.firms() };
            Ok::<_, Infallible>(vec![p.usual(); values])
        };
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
        let all = Parameter::of(Domain::Firm).chain(Parameter::of(Domain::Input));
        all.filter_map(|p| Some((p, self.values(p)?)))
    }

    /// Refuses wrong lengths, NaN, and values that the model does not allow or that are above a million. How many
    /// inputs firms have depends on the model, which `simulate` and `calibrate` check.
    pub fn check(&self, network: &Network) -> Result<()> {
        for (parameter, values) in self.each() {
            let (name, unit, bounds) = (parameter.name(), parameter.unit(), parameter.bounds());
            let of_firms = parameter.domain() == Domain::Firm;
            let left_out = values.is_empty() && parameter.may_be_empty();
            if of_firms && !left_out && values.len() != network.firms() {
                return Err(Error::new(
                    format!("params.{name}"),
                    format!("{} values for {} firms", values.len(), network.firms()),
                    "give one value per firm, or use Params::uniform",
                ));
            }
            let owner = |k: usize| match of_firms {
                true => format!("firm {}", network.name(k)),
                false => format!("input {k}"),
            };
            // An input of which there is always enough.
            let endless = |v: f64| v == f64::INFINITY && parameter == Parameter::InputInventory;
            if let Some(i) = values
                .iter()
                .position(|v| *v > MOST && bounds.high > MOST && !endless(*v))
            {
                return Err(Error::new(
                    format!("params.{name}[{i}]"),
                    format!("{} has {:e} {unit}", owner(i), values[i]),
                    format!(
                        "give {MOST:e} {unit} at most: beyond, the simulation's digits do not suffice"
                    ),
                ));
            }
            if let Some(i) = values
                .iter()
                .position(|v| !bounds.allow(*v) && !endless(*v))
            {
                return Err(Error::new(
                    format!("params.{name}[{i}]"),
                    format!("{} has {}", owner(i), values[i]),
                    format!("give a finite number of {unit} {}", bounds.words()),
                ));
            }
        }
        Ok(())
    }

    /// What is allowed but unusual, one sentence each: stocks below one period. Orders that oscillate are told of where the
    /// model is known: see `Model::warnings`.
    pub fn warnings(&self) -> Vec<String> {
        let mut out = Vec::new();
        let low = self.target_inventory.iter().filter(|v| **v < 1.0).count();
        if low > 0 {
            out.push(format!(
                "{low} firms have a target inventory below 1 period: they cannot produce their \
                 steady output from stock, so no shock is not a fixed point"
            ));
        }
        out
    }
}
