//! Cards of an economy, and of what equilibrium says of a loss in it.

use super::card::Card;
use super::table::number;
use crate::equilibrium::Yardsticks;
use crate::network::Network;

pub(super) fn network(n: &Network) -> Card {
    let total: f64 = n.output().iter().sum();
    let final_demand: f64 = n.final_demand().iter().sum();
    let mut largest: Vec<usize> = (0..n.firms()).collect();
    largest.sort_by(|a, b| n.output()[*b].total_cmp(&n.output()[*a]));
    let top: Vec<String> = largest
        .iter()
        .take(3)
        .map(|&i| format!("{} ({:.1} %)", n.name(i), 100.0 * n.output()[i] / total))
        .collect();
    let most = |csr: &crate::network::Csr| (0..n.firms()).map(|i| csr.degree(i)).max().unwrap_or(0);
    let mut facts = vec![
        ("firms", n.firms().to_string()),
        (
            "links",
            format!(
                "{} ({:.1} suppliers a firm)",
                n.links(),
                n.links() as f64 / n.firms().max(1) as f64
            ),
        ),
        (
            "regions × sectors",
            format!(
                "{} × {}, {} groups with firms",
                n.regions().len(),
                n.sectors().len(),
                n.groups().len()
            ),
        ),
        ("output per period", number(total)),
        (
            "of it final demand",
            format!("{:.1} %", 100.0 * final_demand / total),
        ),
        (
            "most suppliers, most customers",
            format!("{}, {}", most(n.by_buyer()), most(n.by_supplier())),
        ),
        ("largest firms", top.join(", ")),
    ];
    facts.extend(carried(n));
    ("Economy".into(), facts)
}

/// What links carry, as far as it was given.
fn carried(n: &Network) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if n.has_products() {
        facts.push(("products of links", n.products().len().to_string()));
    }
    let late = n.lag().iter().filter(|t| **t > 0).count();
    if late > 0 {
        let most = n.lag().iter().max().copied().unwrap_or(0);
        facts.push((
            "links with goods in transit",
            format!("{late}, at most {most} periods"),
        ));
    }
    let ends = (n.class().iter().min(), n.class().iter().max());
    if let (Some(first), Some(last)) = ends
        && first != last
    {
        facts.push(("classes in rationing", format!("{first} to {last}")));
    }
    facts
}

/// Changes as shares, final demand standing for GDP.
pub(super) fn yardsticks(y: &Yardsticks) -> Card {
    let share = |v: f64| format!("{:+.3} %", 100.0 * v);
    let linear = |p: &crate::equilibrium::Propagated| {
        let (demand, output) = (share(p.final_demand), share(p.total_output));
        format!("final demand {demand}, output {output}")
    };
    let second = &y.baqaee_farhi;
    (
        "Equilibrium yardsticks".into(),
        vec![
            ("Leontief, loss of final demand", linear(&y.leontief)),
            ("Ghosh, loss of primary inputs", linear(&y.ghosh)),
            (
                "Hulten, loss of productivity",
                format!("final demand {}", share(y.hulten.final_demand)),
            ),
            (
                "Baqaee and Farhi, to second order",
                format!(
                    "final demand {}, of it second order {}",
                    share(second.final_demand),
                    share(second.final_demand - y.hulten.final_demand)
                ),
            ),
        ],
    )
}
