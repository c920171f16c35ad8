//! What does not change over runs of an economy: links in the order of inputs, classes of customers, columns of paths.

use crate::model::{Division, Model, Overproduction, Substitution};
use crate::network::{Csr, Network};
use std::collections::BTreeMap;
use std::ops::Range;

/// No column, no class.
pub(crate) const NONE: u32 = u32::MAX;

/// A firm's part in a rebuilding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Builder {
    pub(crate) rebuild: usize,
    pub(crate) firm: usize,
}

/// Capital that an event destroys: of a firm, or of households.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) rebuild: usize,
    pub(crate) firm: Option<usize>,
}

/// When capital is destroyed, and how long rebuilding waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rebuild {
    pub(crate) start: usize,
    pub(crate) hold: usize,
}

impl Rebuild {
    /// Whether rebuilding is ordered in period t.
    pub(super) fn asks(self, t: usize) -> bool {
        t >= self.start + self.hold
    }
}

/// A hit that recovers as the firm's partners do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DampedHit {
    pub(crate) firm: usize,
    pub(crate) start: usize,
    pub(crate) hold: usize,
}

/// What a scenario says of an economy beside numbers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Structure {
    /// Whether targets and times have a value for each input, not for each firm.
    pub(crate) per_input: bool,
    /// Inputs that are never short, by their place; none where empty.
    pub(crate) never: Vec<bool>,
    /// Whether inputs have criticalities.
    pub(crate) critical: bool,
    /// Firms with a path of capacity, and of final demand; links with a path of what they let through.
    pub(crate) capacity: Vec<u32>,
    pub(crate) demand: Vec<u32>,
    pub(crate) open: Vec<u32>,
    pub(crate) damped: Vec<DampedHit>,
    pub(crate) rebuilds: Vec<Rebuild>,
    pub(crate) builders: Vec<Builder>,
    pub(crate) damages: Vec<Damage>,
}

/// An economy without its numbers. Links are sorted by buyer, then by input, in the order of the inputs' first links.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) model: Model,
    pub(crate) periods: usize,
    pub(crate) per_input: bool,
    pub(crate) critical: bool,
    /// Steady output and final demand, `[firm]`.
    pub(crate) steady: Vec<f64>,
    pub(crate) outside: Vec<f64>,
    /// Whether links do nothing but what `plain` knows.
    pub(super) plain: bool,
    /// The network's link, supplier, coefficient, and share in the input, `[link]`.
    pub(crate) link: Vec<u32>,
    pub(crate) supplier: Vec<u32>,
    pub(crate) coefficient: Vec<f64>,
    pub(crate) share: Vec<f64>,
    /// What a link usually buys in units of the buyer's output, `[link]`, for lower-first alone.
    pub(super) usual: Vec<f64>,
    /// First link of each input, and buyer, `[input]`; first input of each firm.
    input_start: Vec<u32>,
    pub(crate) input_firm: Vec<u32>,
    firm_start: Vec<u32>,
    pub(crate) never: Vec<bool>,
    /// Class of each link at its supplier, `[link]`; first class of each supplier; class of final demand and of
    /// rebuilding, `[firm]`. Classes of a supplier are in the order in which they are served.
    pub(crate) slot: Vec<u32>,
    slot_start: Vec<u32>,
    pub(crate) final_slot: Vec<u32>,
    pub(crate) rebuild_slot: Vec<u32>,
    /// Links of each supplier, for lower-first alone.
    pub(crate) by_supplier: Option<Csr>,
    /// Place of each link among those with a lag, `[link]`, empty where there are none; lags.
    pub(crate) lagged: Vec<u32>,
    pub(crate) lags: Vec<u32>,
    /// Column of each link's, each firm's path; empty where there are none; numbers of columns.
    pub(crate) open_column: Vec<u32>,
    pub(crate) open_columns: usize,
    pub(crate) capacity_column: Vec<u32>,
    pub(crate) capacity_columns: usize,
    pub(crate) demand_column: Vec<u32>,
    pub(crate) demand_columns: usize,
    pub(crate) damped: Vec<DampedHit>,
    /// Suppliers and customers of the firm of each damped hit, link by link.
    pub(super) partners: Vec<Vec<usize>>,
    pub(crate) rebuilds: Vec<Rebuild>,
    pub(crate) builders: Vec<Builder>,
    /// Builders by firm.
    by_firm: Csr,
    pub(crate) damages: Vec<Damage>,
}

/// The inputs of an economy: the network's links sorted by buyer and input, and the first link of each input.
pub(crate) fn inputs(network: &Network, substitution: Substitution) -> (Vec<u32>, Vec<u32>) {
    let (mut link, mut start) = (Vec::with_capacity(network.links()), vec![0]);
    for i in 0..network.firms() {
        let own = network.by_buyer().of(i);
        match substitution {
            Substitution::None => {
                for e in own {
                    link.push(*e);
                    start.push(link.len() as u32);
                }
            }
            Substitution::Product | Substitution::All => {
                let mut order: Vec<u32> = Vec::new();
                let mut members: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
                for e in own {
                    let product = match substitution {
                        Substitution::Product => network.product()[*e as usize],
                        _ => 0,
                    };
                    let of = members.entry(product).or_insert_with(|| {
                        order.push(product);
                        Vec::new()
                    });
                    of.push(*e);
                }
                for product in order {
                    link.extend(&members[&product]);
                    start.push(link.len() as u32);
                }
            }
        }
    }
    (link, start)
}

/// Suppliers and customers of the firm of each damped hit, link by link.
fn partners(network: &Network, damped: &[DampedHit]) -> Vec<Vec<usize>> {
    let of = |firm: usize| {
        let suppliers = network.by_buyer().of(firm).iter();
        let suppliers = suppliers.map(|e| network.supplier()[*e as usize] as usize);
        let customers = network.by_supplier().of(firm).iter();
        let customers = customers.map(|e| network.buyer()[*e as usize] as usize);
        suppliers.chain(customers).collect()
    };
    damped.iter().map(|hit| of(hit.firm)).collect()
}

/// Columns of what has a path, by place; empty where nothing has one.
fn columns(of: &[u32], places: usize) -> Vec<u32> {
    if of.is_empty() {
        return Vec::new();
    }
    let mut column = vec![NONE; places];
    for (c, k) in of.iter().enumerate() {
        column[*k as usize] = c as u32;
    }
    column
}

/// Classes of customers.
struct Classes {
    slot: Vec<u32>,
    start: Vec<u32>,
    last: Vec<u32>,
    rebuild: Vec<u32>,
}

impl Classes {
    /// `class` of links, in the order of the layout.
    fn new(firms: usize, model: Model, supplier: &[u32], class: &[i32], builds: &[bool]) -> Self {
        let (of_final, of_rebuilding) = model.final_classes();
        let mut all: Vec<Vec<i32>> = vec![vec![of_final]; firms];
        for (i, builds) in builds.iter().enumerate() {
            if *builds {
                all[i].push(of_rebuilding);
            }
        }
        for (j, class) in supplier.iter().zip(class) {
            let known = &mut all[*j as usize];
            if !known.contains(class) {
                known.push(*class);
            }
        }
        let mut start = vec![0u32];
        for known in &mut all {
            known.sort_unstable();
            known.dedup();
            start.push(start[start.len() - 1] + known.len() as u32);
        }
        let place = |j: usize, class: i32| {
            let found = all[j].binary_search(&class).unwrap_or(0);
            start[j] + found as u32
        };
        Self {
            slot: supplier
                .iter()
                .zip(class)
                .map(|(j, class)| place(*j as usize, *class))
                .collect(),
            last: (0..firms).map(|j| place(j, of_final)).collect(),
            rebuild: (0..firms).map(|j| place(j, of_rebuilding)).collect(),
            start,
        }
    }
}

impl Layout {
    // Long: one field after the other.
    pub(crate) fn new(
        network: &Network,
        model: Model,
        periods: usize,
        structure: &Structure,
    ) -> Self {
        let (firms, links) = (network.firms(), network.links());
        let (link, input_start) = inputs(network, model.substitution);
        let pick = |of: &[u32]| -> Vec<u32> { link.iter().map(|e| of[*e as usize]).collect() };
        let supplier = pick(network.supplier());
        let buyer = pick(network.buyer());
        let coefficient: Vec<f64> = link
            .iter()
            .map(|e| network.coefficient()[*e as usize])
            .collect();
        let mut share = Vec::with_capacity(links);
        let mut input_firm = Vec::with_capacity(input_start.len() - 1);
        let mut firm_start = vec![0u32; firms + 1];
        for of in input_start.windows(2) {
            let of = of[0] as usize..of[1] as usize;
            let all: f64 = coefficient[of.clone()].iter().sum();
            let even = 1.0 / of.len() as f64;
            let part = |a: &f64| if all > 0.0 { a / all } else { even };
            share.extend(coefficient[of.clone()].iter().map(part));
            input_firm.push(buyer[of.start]);
            firm_start[buyer[of.start] as usize + 1] += 1;
        }
        for i in 0..firms {
            firm_start[i + 1] += firm_start[i];
        }
        let mut builds = vec![false; firms];
        structure
            .builders
            .iter()
            .for_each(|b| builds[b.firm] = true);
        let class: Vec<i32> = match model.rationing.by_link() {
            true => link.iter().map(|e| network.class()[*e as usize]).collect(),
            false => vec![0; links],
        };
        let classes = match model.ranks() {
            true => Classes::new(firms, model, &supplier, &class, &builds),
            false => Classes {
                slot: Vec::new(),
                start: Vec::new(),
                last: Vec::new(),
                rebuild: Vec::new(),
            },
        };
        let mut lagged = Vec::new();
        let mut lags = Vec::new();
        if network.lag().iter().any(|lag| *lag > 0) {
            for e in &link {
                let lag = network.lag()[*e as usize];
                lagged.push(if lag > 0 { lags.len() as u32 } else { NONE });
                lags.extend((lag > 0).then_some(lag));
            }
        }
        let open = columns(&structure.open, links);
        let mut layout = Self {
            plain: false,
            model,
            periods,
            per_input: structure.per_input,
            critical: structure.critical,
            steady: network.output().to_vec(),
            outside: network.final_demand().to_vec(),
            never: match structure.never.is_empty() {
                true => vec![false; input_firm.len()],
                false => structure.never.clone(),
            },
            slot: classes.slot,
            slot_start: classes.start,
            final_slot: classes.last,
            rebuild_slot: classes.rebuild,
            by_supplier: model
                .rationing
                .lower_first()
                .then(|| Csr::group(firms, &supplier)),
            lagged,
            lags,
            open_column: if open.is_empty() { open } else { pick(&open) },
            open_columns: structure.open.len(),
            capacity_column: columns(&structure.capacity, firms),
            capacity_columns: structure.capacity.len(),
            demand_column: columns(&structure.demand, firms),
            demand_columns: structure.demand.len(),
            damped: structure.damped.clone(),
            partners: partners(network, &structure.damped),
            rebuilds: structure.rebuilds.clone(),
            by_firm: {
                let firm = structure.builders.iter().map(|b| b.firm as u32);
                Csr::group(firms, &firm.collect::<Vec<_>>())
            },
            builders: structure.builders.clone(),
            damages: structure.damages.clone(),
            usual: match model.rationing.lower_first() {
                true => buyer
                    .iter()
                    .map(|i| network.output()[*i as usize])
                    .collect(),
                false => Vec::new(),
            },
            link,
            supplier,
            coefficient,
            share,
            input_start,
            input_firm,
            firm_start,
        };
        layout.plain = layout.has_plain_links();
        layout
    }

    pub(crate) fn firms(&self) -> usize {
        self.steady.len()
    }

    pub(crate) fn links(&self) -> usize {
        self.supplier.len()
    }

    pub(crate) fn inputs(&self) -> usize {
        self.input_firm.len()
    }

    pub(crate) fn slots(&self) -> usize {
        self.slot_start.last().map_or(0, |s| *s as usize)
    }

    #[inline(always)]
    pub(crate) fn links_of(&self, g: usize) -> Range<usize> {
        self.input_start[g] as usize..self.input_start[g + 1] as usize
    }

    #[inline(always)]
    pub(crate) fn inputs_of(&self, i: usize) -> Range<usize> {
        self.firm_start[i] as usize..self.firm_start[i + 1] as usize
    }

    /// Places of a firm among those that rebuild.
    #[inline(always)]
    pub(crate) fn builders_of(&self, i: usize) -> &[u32] {
        self.by_firm.of(i)
    }

    /// Classes of a supplier, in the order in which they are served.
    #[inline(always)]
    pub(crate) fn slots_of(&self, j: usize) -> Range<usize> {
        self.slot_start[j] as usize..self.slot_start[j + 1] as usize
    }

    /// Whether customers are told apart.
    pub(crate) fn ranks(&self) -> bool {
        self.model.ranks()
    }

    pub(crate) fn overproduces(&self) -> bool {
        self.model.overproduction != Overproduction::None
    }

    /// Whether buyers remember what suppliers delivered.
    pub(crate) fn learns(&self) -> bool {
        matches!(
            self.model.division,
            Division::Delivered | Division::Cumulative
        )
    }

    /// Whether orders that were wanted are kept beside those that got through.
    pub(crate) fn keeps_wanted(&self) -> bool {
        self.learns() && !self.open_column.is_empty()
    }

    /// The lagged link of a link, if it has a lag.
    #[inline(always)]
    pub(crate) fn lag_of(&self, k: usize) -> Option<usize> {
        let found = self.lagged.get(k).copied().unwrap_or(NONE);
        (found != NONE).then_some(found as usize)
    }

    /// Column of the path of what a link lets through.
    #[inline(always)]
    pub(crate) fn open_of(&self, k: usize) -> Option<usize> {
        let found = self.open_column.get(k).copied().unwrap_or(NONE);
        (found != NONE).then_some(found as usize)
    }

    /// Column of a firm's path of capacity.
    #[inline(always)]
    pub(crate) fn capacity_of(&self, i: usize) -> Option<usize> {
        let found = self.capacity_column.get(i).copied().unwrap_or(NONE);
        (found != NONE).then_some(found as usize)
    }

    /// Whether the rule serves lower orders first within a class.
    pub(crate) fn lower_first(&self) -> bool {
        self.model.rationing.lower_first()
    }
}
