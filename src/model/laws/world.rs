//! The economies that laws are tried on, and all pairs of members.

use super::super::economy::{
    Builder, Damage, DampedHit, Each, Layout, Numbers, Rebuild, Run, State, Structure,
};
use super::super::{
    Combination, Division, Gap, Model, Need, Overproduction, Production, Rationing, StockSeen,
    StockTarget, Substitution,
};
use crate::network::{Firms, Links, Network};
use crate::number::{Real, Row};

/// One member of one family: its family, and what chooses it.
pub(super) type Choice = (usize, Box<dyn Fn(&mut Model)>);

/// Every member of every family.
pub(super) fn members() -> Vec<Choice> {
    let mut all: Vec<Choice> = Vec::new();
    macro_rules! family {
        ($($family:literal $E:ident $field:ident),*) => {$(
            for one in $E::ALL {
                all.push(($family, Box::new(move |m: &mut Model| m.$field = *one)));
            }
        )*};
    }
    family!(
        0 Production production, 1 Rationing rationing, 2 Combination combination,
        3 Substitution substitution, 4 Division division, 5 Overproduction overproduction,
        6 Need need, 7 StockTarget target, 8 Gap gap, 9 StockSeen stock_seen
    );
    all
}

/// Every member with every member of the other families.
pub(super) fn pairs() -> Vec<Model> {
    let all = members();
    let mut out = Vec::new();
    for (k, (family, choose)) in all.iter().enumerate() {
        for (other, choose_other) in all[k + 1..].iter().filter(|(f, _)| f != family) {
            let mut model = Model {
                final_class: (family + other) as i32 % 3 - 1,
                rebuild_class: (*other as i32 + 1) % 2,
                ..Model::default()
            };
            choose(&mut model);
            choose_other(&mut model);
            out.push(model);
        }
    }
    out
}

/// Numbers in 0..1 that look random, the same every time.
pub(super) fn number(seed: u64, k: usize) -> f64 {
    let mut x =
        seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (k as u64).wrapping_mul(0xD134_2543_DE82_EF95);
    x ^= x >> 29;
    x = x.wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x ^= x >> 32;
    (x >> 11) as f64 / (1u64 << 53) as f64
}

pub(super) const FIRMS: usize = 10;
pub(super) const PERIODS: usize = 9;

/// An economy: the last firm but one has no inputs, the last buys and sells nothing. Firms are renumbered by `order`,
/// final demand is multiplied.
pub(super) fn network(seed: u64, order: &[usize], factor: f64) -> Network {
    let (mut links, mut place) = (Links::default(), vec![0; FIRMS]);
    order
        .iter()
        .enumerate()
        .for_each(|(to, from)| place[*from] = to);
    for i in (0..FIRMS).filter(|i| *i != FIRMS - 2) {
        for j in (0..FIRMS - 1).filter(|j| *j != i) {
            let at = i * FIRMS + j;
            if number(seed, at) < 0.3 {
                links.buyer.push(place[i]);
                links.supplier.push(place[j]);
                links.coefficient.push(0.02 + 0.1 * number(seed, 200 + at));
                links.product.push(format!("p{}", at % 3));
                links.lag.push((number(seed, 400 + at) * 3.0) as u32);
                links.class.push((number(seed, 600 + at) * 3.0) as i32 - 1);
            }
        }
    }
    let demand = |to: usize| match order[to] {
        dead if dead == FIRMS - 1 => 0.0,
        from => factor * (1.0 + number(seed, 800 + from)),
    };
    let firms = Firms {
        final_demand: (0..FIRMS).map(demand).collect(),
        ..Firms::default()
    };
    Network::new(firms, links).expect("an economy")
}

/// The scenario of the economy, by its firms' numbers.
pub(super) fn structure(place: &[usize], calm: bool) -> Structure {
    if calm {
        return Structure::default();
    }
    Structure {
        critical: true,
        capacity: vec![place[0] as u32, place[3] as u32],
        demand: vec![place[1] as u32, place[4] as u32],
        damped: vec![DampedHit {
            firm: place[5],
            start: 2,
            hold: 1,
        }],
        rebuilds: vec![Rebuild { start: 2, hold: 1 }],
        builders: vec![
            Builder {
                rebuild: 0,
                firm: place[2],
            },
            Builder {
                rebuild: 0,
                firm: place[6],
            },
        ],
        damages: vec![
            Damage {
                rebuild: 0,
                firm: Some(place[1]),
            },
            Damage {
                rebuild: 0,
                firm: None,
            },
        ],
        ..Structure::default()
    }
}

// Long: one field after the other.
/// Behaviour and scenario in numbers; targets may be below one period of use, and capacity may be lost in whole.
pub(super) fn numbers(
    layout: &Layout,
    seed: u64,
    order: &[usize],
    factor: f64,
    calm: bool,
) -> Numbers<f64, 1> {
    let rows = |n: usize, of: &dyn Fn(usize) -> f64| -> Vec<Row<f64, 1>> {
        (0..n).map(|k| Row::all(of(k))).collect()
    };
    let firm = |salt: usize, low: f64, high: f64| {
        let of = move |k: usize| low + (high - low) * number(seed, salt + order[k]);
        rows(FIRMS, &of)
    };
    let place = |from: usize| order.iter().position(|f| *f == from).expect("a firm");
    let loss = |k: usize| match (k / 2, k % 2) {
        (0, _) => 1.0,
        (1 | 2, 0) => 0.0,
        (t, c) => 1.0 - 0.7 * number(seed, 1000 + c) * 0.9f64.powi(t as i32),
    };
    let demand = |k: usize| {
        let (t, c) = (k / 2, [1, 4][k % 2]);
        let usual = layout.outside[place(c)];
        if t < 1 {
            usual
        } else {
            usual * (0.4 + number(seed, 1100 + k))
        }
    };
    let open = |k: usize| {
        if k / layout.open_columns.max(1) < 2 {
            1.0
        } else {
            number(seed, 1200 + k)
        }
    };
    let or = |calm_value: f64, rows: Vec<Row<f64, 1>>| match calm {
        true => Each::all(calm_value),
        false => Each(rows),
    };
    Numbers {
        target: firm(20, if calm { 1.0 } else { 0.8 }, 3.0),
        rate: rows(FIRMS, &|k| 1.0 / (1.5 + 4.0 * number(seed, 40 + order[k]))),
        criticality: match layout.critical {
            // An input's criticality follows its buyer, so that firms can be renumbered.
            true => rows(layout.inputs(), &|g| {
                let of = number(seed, 60 + order[layout.input_firm[g] as usize]);
                [0.0, 1.0, 0.3 + 0.5 * of][(of * 2.999) as usize]
            }),
            false => Vec::new(),
        },
        slack: Each(firm(80, 0.1, 0.3)),
        psi: or(0.0, firm(100, 0.0, 1.0)),
        mix: or(1.0, firm(120, 0.0, 1.0)),
        learning: Each(firm(140, 0.1, 0.9)),
        floor: Each(firm(160, 0.05, 0.5)),
        most: Each(firm(180, 1.1, 1.5)),
        pace: Each(rows(FIRMS, &|k| {
            1.0 / (1.5 + 4.0 * number(seed, 210 + order[k]))
        })),
        supply_line: or(1.0, firm(240, 0.0, 1.0)),
        capital: rows(FIRMS, &|_| 9.0 * factor),
        damage: rows(layout.damages.len(), &|k| factor * (1.0 + k as f64)),
        share: rows(layout.builders.len(), &|k| [0.4, 0.6][k]),
        rebuild_rate: rows(layout.rebuilds.len(), &|_| 1.0 / 3.0),
        rebuild_factor: rows(layout.rebuilds.len(), &|_| 0.8),
        damped_severity: rows(layout.damped.len(), &|_| 0.6),
        damped_rate: rows(layout.damped.len(), &|_| 0.2),
        capacity: rows(PERIODS * layout.capacity_columns, &loss),
        demand: rows((PERIODS + 1) * layout.demand_columns, &demand),
        open: rows((PERIODS + 1) * layout.open_columns, &open),
    }
}

/// An economy of a model, in its own order of firms.
pub(super) struct World {
    pub(super) layout: Layout,
    pub(super) numbers: Numbers<f64, 1>,
}

pub(super) fn world(model: Model, seed: u64, order: &[usize], factor: f64, calm: bool) -> World {
    let network = network(seed, order, factor);
    let mut place = vec![0; FIRMS];
    order
        .iter()
        .enumerate()
        .for_each(|(to, from)| place[*from] = to);
    let mut of = structure(&place, calm);
    if !calm {
        // The links of two buyers are blocked in part.
        let ends = network.buyer().iter().enumerate();
        let hit = ends.filter(|(_, i)| order[**i as usize] < 1);
        of.open = hit.map(|(e, _)| e as u32).collect();
    }
    let layout = Layout::new(&network, model, PERIODS, &of);
    let mut numbers = numbers(&layout, seed, order, factor, calm);
    if order.iter().enumerate().any(|(k, o)| k != *o) || factor != 1.0 {
        // Links have other places: what they let through follows their supplier.
        let columns = layout.open_columns;
        for t in 0..=PERIODS {
            for c in 0..columns {
                numbers.open[t * columns + c] = Row::all(if t < 2 { 1.0 } else { 0.5 });
            }
        }
    }
    World { layout, numbers }
}

/// States and outputs of all periods.
pub(super) fn run<F: Real>(layout: &Layout, numbers: &Numbers<F, 1>) -> Vec<(State<F, 1>, Vec<F>)> {
    let mut run = Run::new(layout, numbers);
    let mut before = run.start();
    let mut out = vec![(before.clone(), Vec::new())];
    for t in 1..=PERIODS {
        let mut after = State::zeros(layout);
        run.step(t, &before, &mut after);
        let output = run.work().output.iter().map(|x| x.0[0]).collect();
        out.push((after.clone(), output));
        before = after;
    }
    out
}

pub(super) const SAME: [usize; FIRMS] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

/// A world whose links ask for nothing but what `economy::plain` knows.
pub(super) fn plain_world(model: Model, seed: u64) -> World {
    let network = network(seed, &SAME, 1.0);
    let network = network.with_lags(&vec![0; network.links()]).expect("links");
    let of = Structure {
        critical: false,
        ..structure(&SAME, false)
    };
    let layout = Layout::new(&network, model, PERIODS, &of);
    let numbers = numbers(&layout, seed, &SAME, 1.0, false);
    World { layout, numbers }
}
