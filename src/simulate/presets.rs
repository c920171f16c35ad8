//! Other models by name: their choices, and how their conventions differ from this crate's.

use super::Simulation;
use crate::model::{
    Combination, Division, Gap, Model, Need, Overproduction, Params, Rationing, StockSeen,
    StockTarget, Substitution,
};
use crate::network::Network;

/// A model of the literature, as choices of this engine. Where a network's products are its sectors, which they are
/// unless it says otherwise, "products" below are sectors.
///
/// A result of such a preset is the model's own to rounding where the law says so; tests run BoARIO and ProdNet from
/// their packages beside it.
///
/// ```
/// use bullwhip::prelude::*;
///
/// let network = Network::synthetic(&Synthetic { firms: 60, ..Synthetic::default() })?;
/// let shock = Shock::sector(&network, "S1", 5, 0.5, 0.1)?;
/// for preset in Preset::ALL {
///     let simulation = Simulation { periods: 30, ..preset.simulation() };
///     let params = preset.params(&network, &Params::usual(&network));
///     let run = simulate(&network, &params, &shock, &simulation)?;
///     println!("{}: {:.2} % lost", preset.name(), 100.0 * run.loss_share());
/// }
/// # Ok::<(), bullwhip::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Preset {
    /// Hamid, Moran, Mungo, Quera-Bofarull and Towers (2025): the default of everything here. Orders look at the stock
    /// of the period's beginning; an event that starts in period t* is felt by the output of t*.
    #[default]
    Paper,
    /// BoARIO (Juhel 2024) without alternative suppliers. No slack; stocks stretch below 0.8 of their target (ψ);
    /// overproduction up to 1.25 of capacity over a year of days; the worst of several events counts; orders look at the
    /// stock after the period. Its events act later than ours: with capital destroyed, `start` is its occurrence + 1 and
    /// `hold` its duration + 1 (recovery) or its duration (rebuilding); for an arbitrary loss of production `start` is its
    /// occurrence + 2 and `hold` its duration + 1.
    Boario,
    /// The same with alternative suppliers: orders go where there is capacity (Guan et al. 2020).
    BoarioAlt,
    /// Inoue and Todo (2019), options `-R 2 -o 2`. No slack; stocks follow output, and are not run down. Day s there is
    /// period s + 1 here. Two slips of its published code are not copied: goods that vanish, and goods for those who
    /// ordered none.
    InoueTodo,
    /// ProdNet: the paper's model with orders that look at the stock after the period. Its capacity `p_cap` is slack:
    /// p_cap / x0 - 1.
    Prodnet,
    /// Pichler, Pangallo, del Rio-Chanona, Lafond and Farmer (2022). No slack; orders look at the stock after the period;
    /// which inputs bind is `Params::criticality`: 1 critical, 0.5 important (half-critical), 0 not. Demand shocks are
    /// factors (`Shock::demand_path`). Hiring and firing of labour is not here.
    Pichler,
    /// DisruptSC (Colon, Hallegatte and Rozenberg 2021), the part between firms: slack of a quarter, suppliers that fail
    /// lose their share for good, needs and targets that follow steady output. Transport, its prices and its stock of
    /// finished goods are not here; blocked links (`Shock::links`) are.
    DisruptSc,
}

impl Preset {
    /// All of them.
    pub const ALL: &'static [Preset] = &[
        Preset::Paper,
        Preset::Boario,
        Preset::BoarioAlt,
        Preset::InoueTodo,
        Preset::Prodnet,
        Preset::Pichler,
        Preset::DisruptSc,
    ];

    /// Its name in tables.
    pub fn name(self) -> &'static str {
        match self {
            Preset::Paper => "paper",
            Preset::Boario => "boario",
            Preset::BoarioAlt => "boario_alt",
            Preset::InoueTodo => "inoue_todo",
            Preset::Prodnet => "prodnet",
            Preset::Pichler => "pichler",
            Preset::DisruptSc => "disrupt_sc",
        }
    }

    /// Its choices.
    pub fn model(self) -> Model {
        let usual = Model::default();
        let boario = Model {
            combination: Combination::Worst,
            substitution: Substitution::Product,
            division: Division::Fixed,
            overproduction: Overproduction::Boario,
            need: Need::Output,
            target: StockTarget::Capped,
            gap: Gap::Shortfall,
            stock_seen: StockSeen::After,
            ..usual
        };
        match self {
            Preset::Paper => usual,
            Preset::Boario => boario,
            Preset::BoarioAlt => Model {
                division: Division::Capacity,
                ..boario
            },
            Preset::InoueTodo => Model {
                rationing: Rationing::LowerFirst,
                substitution: Substitution::Product,
                need: Need::Output,
                target: StockTarget::Output,
                gap: Gap::Shortfall,
                stock_seen: StockSeen::After,
                ..usual
            },
            Preset::Prodnet | Preset::Pichler => Model {
                stock_seen: StockSeen::After,
                ..usual
            },
            Preset::DisruptSc => Model {
                substitution: Substitution::Product,
                division: Division::Cumulative,
                need: Need::Steady,
                ..usual
            },
        }
    }

    /// Spare capacity, as a share of steady output.
    pub fn slack(self) -> f64 {
        match self {
            Preset::Paper | Preset::Prodnet => 0.2,
            Preset::DisruptSc => 0.25,
            Preset::Boario | Preset::BoarioAlt | Preset::InoueTodo | Preset::Pichler => 0.0,
        }
    }

    /// A simulation of it, over as many periods as by default.
    pub fn simulation(self) -> Simulation {
        Simulation {
            model: self.model(),
            slack: self.slack(),
            ..Simulation::default()
        }
    }

    /// The parameters of firms with those that it fixes: ψ of BoARIO, where there is none.
    pub fn params(self, network: &Network, params: &Params) -> Params {
        let mut params = params.clone();
        let boario = matches!(self, Preset::Boario | Preset::BoarioAlt);
        if boario && params.stretching.is_empty() {
            params.stretching = vec![0.8; network.firms()];
        }
        params
    }
}
