//! How firms behave: the choices of a model, and which of them the kernels of the default behaviour know.

use super::{Offer, Production};
use crate::error::{Error, Result};
use std::collections::BTreeMap;

family! {
    kinds;
    /// Who gets how much where a supplier cannot serve everybody. Customers are links, final demand and rebuilding. Of
    /// several classes the lowest is served first; who asks for more than is left shares it.
    Rationing {
        /// Everybody gets the same share of what was ordered.
        #[default]
        Proportional = proportional,
        /// Firms first, in proportion to their orders; final demand gets what is left (Inoue and Todo's `-R 1`).
        FinalLast = final_last,
        /// Final demand first (DisruptSC's `household_first`).
        FinalFirst = final_first,
        /// Class by class: those of links (`Network::class`), `Model::final_class` and `Model::rebuild_class`; in
        /// proportion within a class.
        Priority = priority,
        /// Water-filling: orders are filled up to one level, in units of the customer's usual purchase. Those who ask for
        /// less of their usual purchase are filled first, and nobody gains by ordering more (Inoue and Todo's `-R 2`,
        /// without the goods that vanish there).
        LowerFirst = lower_first,
        /// The same among firms; final demand gets what is left (Inoue and Todo's `-R 3`).
        LowerFirstFinalLast = lower_first_final_last,
        /// Class by class as of `Priority`, by water-filling within a class.
        PriorityLowerFirst = priority_lower_first,
    }
}

impl Rationing {
    /// Whether lower orders are filled first within a class.
    pub(crate) fn lower_first(self) -> bool {
        use Rationing::{LowerFirst, LowerFirstFinalLast, PriorityLowerFirst};
        matches!(self, LowerFirst | LowerFirstFinalLast | PriorityLowerFirst)
    }

    /// Whether links have classes of their own.
    pub(crate) fn by_link(self) -> bool {
        matches!(self, Rationing::Priority | Rationing::PriorityLowerFirst)
    }
}

family! {
    kinds;
    /// What several events on one firm leave of its capacity.
    Combination {
        /// Their factors multiply.
        #[default]
        Product = product,
        /// The worst of them counts (BoARIO).
        Worst = worst,
    }
}

family! {
    kinds;
    /// Which of a firm's suppliers can stand in for each other.
    Substitution {
        /// None: every supplier is an input of its own, and indispensable (Hamid et al. 2025).
        #[default]
        None = none,
        /// Suppliers of one product (`Network::product`), by default of one sector.
        Product = product,
        /// All of them: production is linear in what is in stock (Pichler et al.'s linear function).
        All = all,
    }
}

family! {
    kinds;
    /// How an input's order is divided among its suppliers. Where an input has one supplier all are the same.
    Division {
        /// Each link orders by its own stock (Inoue and Todo).
        #[default]
        PerLink = per_link,
        /// By steady purchases (BoARIO without alternative suppliers, DisruptSC).
        Fixed = fixed,
        /// By steady purchases times trust, which follows what suppliers delivered of what was wanted, and comes back
        /// when they do; `trust_rate` and `trust_floor` are its parameters.
        Delivered = delivered,
        /// By shares that are multiplied with what suppliers delivered of what was wanted: a supplier lost is lost for
        /// good (DisruptSC's adaptive weights).
        Cumulative = cumulative,
        /// By steady purchases times the capacity that suppliers have left, which buyers need to know (BoARIO with
        /// alternative suppliers; Guan et al. 2020).
        Capacity = capacity,
    }
}

family! {
    kinds;
    /// Whether firms can raise their capacity where demand exceeds it.
    Overproduction {
        /// They cannot.
        #[default]
        None = none,
        /// Capacity moves towards α_max with the share of demand that was not met, and back.
        Smooth = smooth,
        /// The same as BoARIO has it: α jumps where the excess passes 0, so no gradient sees that; calibrate with
        /// `Smooth`.
        Boario = boario,
    }
}

family! {
    kinds;
    /// What the use part of an order follows.
    Need {
        /// Demand received.
        #[default]
        Demand = demand,
        /// Output of the period (BoARIO, Inoue and Todo).
        Output = output,
        /// Demand without what was rebuilt, as far as capacity allows (BoARIO's production capacity).
        Capped = capped,
        /// Steady output (DisruptSC).
        Steady = steady,
    }
}

family! {
    kinds;
    /// What the target stock follows.
    StockTarget {
        /// Steady output.
        #[default]
        Steady = steady,
        /// Demand received.
        Demand = demand,
        /// Demand without what was rebuilt, as far as capacity allows (BoARIO).
        Capped = capped,
        /// Output of the period (Inoue and Todo's `-o 0` and `-o 2`).
        Output = output,
    }
}

family! {
    kinds;
    /// Whether stocks above their target are run down.
    Gap {
        /// They are: orders fall.
        #[default]
        Both = both,
        /// They are not: only what is missing counts (BoARIO, Inoue and Todo's `-o 2`).
        Shortfall = shortfall,
    }
}

family! {
    kinds;
    /// Which stock an order looks at.
    StockSeen {
        /// That of the period's beginning (Hamid et al. 2025).
        #[default]
        Before = before,
        /// That of its end, after arrivals and use (BoARIO, ProdNet, Inoue and Todo, Pichler et al.).
        After = after,
    }
}

/// How firms behave: the chosen member of each family. The default is the model of Hamid et al. (2025); all compose.
/// What they are by numbers is in `Params`; the networks of products, lags and classes are the `Network`'s.
///
/// Models of others have names: see `Preset`. What the kernels do not know costs more: times of the default's, 10,000 firms,
/// 8 particles, 32-bit floats, two cores (`cargo bench --bench variants`):
///
/// | behaviour | simulation | with gradient |
/// |---|---|---|
/// | rationing final last, curves, holds, paths of capacity (kernels) | 1.0 | 1.0 |
/// | rationing final first, by class, mixed | 3.4 to 4.0 | 5.0 to 6.8 |
/// | rationing lower first | 9.5 | 9.7 |
/// | products, per link or fixed | 7.3 to 7.9 | 8.1 to 8.4 |
/// | products, delivered, cumulative or capacity | 7.9 to 9.6 | 13 to 16 |
/// | overproduction, order's knobs, stretching, stocks per input, events on demand | 2.5 to 3.2 | 2.8 to 3.7 |
/// | criticality | 4.5 | 5.6 |
/// | lags of 0 to 2 periods | 5.3 | 8.7 |
/// | recovery damped | 3.6 | 4.7 |
/// | BoARIO; Inoue and Todo | 8.7; 21 | 15; 19 |
///
/// ```
/// use bullwhip::prelude::*;
///
/// let model = Model {
///     substitution: Substitution::Product,
///     division: Division::Delivered,
///     ..Model::default()
/// };
/// let simulation = Simulation { model, ..Simulation::default() };
/// assert_eq!(simulation.model.words(), "substitution product, division delivered");
/// assert_eq!(Model::default().words(), "default");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Model {
    /// How capacity and the inputs in stock limit output.
    pub production: Production,
    /// Who gets how much where a supplier cannot serve everybody.
    pub rationing: Rationing,
    /// Class of final demand under `Rationing::Priority` and `Rationing::PriorityLowerFirst`.
    pub final_class: i32,
    /// Class of rebuilding under these, and under `Rationing::FinalLast` and its like, where firms have 0.
    pub rebuild_class: i32,
    /// What several events on one firm leave.
    pub combination: Combination,
    /// Which suppliers can stand in for each other.
    pub substitution: Substitution,
    /// How an input's order is divided among its suppliers.
    pub division: Division,
    /// Whether firms can raise their capacity.
    pub overproduction: Overproduction,
    /// What the use part of an order follows.
    pub need: Need,
    /// What the target stock follows.
    pub target: StockTarget,
    /// Whether stocks above their target are run down.
    pub gap: Gap,
    /// Which stock an order looks at.
    pub stock_seen: StockSeen,
}

/// What the kernels of the default behaviour are compiled for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Kernel {
    pub(crate) production: Production,
    pub(crate) rationing: Offer,
}

impl Model {
    /// Whether customers of a supplier are told apart.
    pub(crate) fn ranks(&self) -> bool {
        self.rationing != Rationing::Proportional
    }

    /// Classes of final demand and of rebuilding.
    pub(crate) fn final_classes(&self) -> (i32, i32) {
        let of_final = match self.rationing {
            Rationing::FinalLast | Rationing::LowerFirstFinalLast => 1,
            Rationing::FinalFirst => -1,
            Rationing::Proportional | Rationing::LowerFirst => 0,
            Rationing::Priority | Rationing::PriorityLowerFirst => self.final_class,
        };
        (of_final, self.rebuild_class)
    }

    /// Each choice with the name of its family, its name, and whether it is the default.
    fn choices(&self) -> [(&'static str, &'static str, bool); 10] {
        let usual = Model::default();
        macro_rules! of {
            ($($field:ident),*) => {
                [$((stringify!($field), self.$field.name(), self.$field == usual.$field)),*]
            };
        }
        of!(
            production,
            rationing,
            combination,
            substitution,
            division,
            overproduction,
            need,
            target,
            gap,
            stock_seen
        )
    }

    /// Each family with the name of its choice, and the classes, for files.
    pub(crate) fn names(&self) -> BTreeMap<String, String> {
        let choices = self.choices().into_iter();
        let mut out: BTreeMap<String, String> = choices
            .map(|(family, name, _)| (family.into(), name.into()))
            .collect();
        out.insert("final_class".into(), self.final_class.to_string());
        out.insert("rebuild_class".into(), self.rebuild_class.to_string());
        out
    }

    /// The model of such names; what is not named is the default.
    pub(crate) fn of_names(names: &BTreeMap<String, String>) -> Result<Self> {
        let mut model = Model::default();
        let unknown = |family: &str, name: &str| {
            Error::new(
                "model",
                format!("{family} {name:?} is nothing that this version knows"),
                "read it with the version that wrote it",
            )
        };
        macro_rules! read {
            ($($field:ident: $E:ident),*) => {$(
                if let Some(name) = names.get(stringify!($field)) {
                    let found = $E::ALL.iter().find(|one| one.name() == name);
                    model.$field = *found.ok_or_else(|| unknown(stringify!($field), name))?;
                }
            )*};
        }
        read!(
            production: Production,
            rationing: Rationing,
            combination: Combination,
            substitution: Substitution,
            division: Division,
            overproduction: Overproduction,
            need: Need,
            target: StockTarget,
            gap: Gap,
            stock_seen: StockSeen
        );
        for (name, class) in [
            ("final_class", &mut model.final_class),
            ("rebuild_class", &mut model.rebuild_class),
        ] {
            if let Some(text) = names.get(name) {
                *class = text.parse().map_err(|_| unknown(name, text))?;
            }
        }
        Ok(model)
    }

    /// What differs from the default, in words, as "substitution product, division delivered"; "default" where nothing
    /// does.
    pub fn words(&self) -> String {
        let others: Vec<String> = self
            .choices()
            .into_iter()
            .filter(|(_, _, usual)| !usual)
            .map(|(family, name, _)| {
                format!("{} {}", family.replace('_', " "), name.replace('_', " "))
            })
            .collect();
        match others.is_empty() {
            true => "default".into(),
            false => others.join(", "),
        }
    }

    /// What the kernels are to compute, if they know this behaviour; else the choice that they do not know.
    pub(crate) fn kernel(&self) -> std::result::Result<Kernel, String> {
        let rationing = match self.rationing {
            Rationing::Proportional => Offer::Proportional,
            Rationing::FinalLast => Offer::FinalLast,
            other => return Err(format!("rationing {}", other.name())),
        };
        let known = ["production", "rationing", "combination"];
        let other = self
            .choices()
            .into_iter()
            .find(|(family, _, usual)| !usual && !known.contains(family));
        if let Some((family, name, _)) = other {
            return Err(format!("{} {name}", family.replace('_', " ")));
        }
        Ok(Kernel {
            production: self.production,
            rationing,
        })
    }
}
