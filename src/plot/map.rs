//! The network as a map of regions and sectors, on which a shock travels.

use super::{Animation, Figure, Layer, Mark, Panel};
use crate::error::{Error, Result};
use crate::simulate::Trajectory;
use crate::table::sector_name;

/// Links between groups that are drawn, the strongest.
const LINKS: usize = 30;
/// Pictures of an animation at most.
const FRAMES: usize = 60;

/// The economy in period `t` (0 is the steady state): a disc a group, a column a region, a row a sector. Its size is the
/// group's steady output, its colour the output in this period; lines are the strongest flows between groups. With
/// `explore(play("period", 0..=60), move |t| map(&run, t))?` the shock travels.
///
/// # Errors
/// A period that was not simulated.
///
/// ```
/// use bullwhip::prelude::*;
///
/// # let network = Network::synthetic(&Synthetic { firms: 30, ..Synthetic::default() })?;
/// # let shock = Shock::region(&network, "R1", 5, 0.6, 0.1)?;
/// # let run = simulate(&network, &Params::usual(&network), &shock, &Simulation::default())?;
/// map(&run, 8)?.svg()?;
/// assert!(map(&run, 61).is_err());
/// # Ok::<(), bullwhip::Error>(())
/// ```
pub fn map(run: &Trajectory, t: usize) -> Result<Figure> {
    let network = &run.network;
    let now = network.group_sums(&run.output_at(t)?);
    let base = network.group_sums(network.output());
    let (regions, sectors) = (network.regions(), network.sectors());
    let at = |g: usize| {
        let (region, sector) = network.groups()[g];
        (region as f64, (sectors.len() - 1 - sector) as f64)
    };
    let groups = 0..base.len();
    let largest = base.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    // Discs of neighbours do not meet.
    let room = (700.0 / regions.len().max(1) as f64).min(400.0 / sectors.len().max(1) as f64);
    let most = (0.42 * room).clamp(3.0, 30.0);
    let discs = Layer {
        x: groups.clone().map(|g| at(g).0).collect(),
        y: groups.clone().map(|g| at(g).1).collect(),
        z: base
            .iter()
            .map(|b| (most * (b / largest).sqrt()).max(2.0))
            .collect(),
        high: groups.clone().map(|g| 100.0 * now[g] / base[g]).collect(),
        mark: Mark::Discs,
        ..Layer::default()
    };
    let mut links = Layer {
        mark: Mark::Faint,
        ..Layer::default()
    };
    for (from, to) in strongest(run) {
        for (x, y) in [at(from), at(to), (f64::NAN, f64::NAN)] {
            links.x.push(x);
            links.y.push(y);
        }
    }
    let lowest = lowest(run, &base);
    let named = |k: usize, name: String| (k as f64, name);
    Ok(Figure {
        title: format!("Output in period {t}"),
        subtitle: "size: steady output; lines: the strongest flows between groups".into(),
        panels: vec![Panel {
            x_ticks: regions
                .iter()
                .enumerate()
                .map(|(k, r)| named(k, r.clone()))
                .collect(),
            y_ticks: sectors
                .iter()
                .enumerate()
                .map(|(k, s)| named(sectors.len() - 1 - k, sector_name(s)))
                .collect(),
            x_range: Some((-0.6, regions.len() as f64 - 0.4)),
            y_range: Some((-0.6, sectors.len() as f64 - 0.4)),
            z_label: "index (steady state = 100)".into(),
            z_middle: Some(100.0),
            // The same in all periods.
            z_range: Some((lowest, 100.0)),
            layers: vec![links, discs],
            ..Panel::default()
        }],
        columns: 1,
        size: (860, (130 + 34 * sectors.len().max(4) as u32).min(900)),
    })
}

/// The lowest index of any group in any period.
fn lowest(run: &Trajectory, base: &[f64]) -> f64 {
    let rows = run.output.chunks_exact(run.network.firms().max(1));
    let indices = rows.flat_map(|row| {
        let sums = run.network.group_sums(row).into_iter();
        sums.zip(base)
            .map(|(v, b)| 100.0 * v / b)
            .collect::<Vec<f64>>()
    });
    indices.filter(|v| v.is_finite()).fold(99.0, f64::min)
}

/// Pairs of groups with the largest steady flows, supplier first.
fn strongest(run: &Trajectory) -> Vec<(usize, usize)> {
    let network = &run.network;
    let mut flows: std::collections::HashMap<(usize, usize), f64> =
        std::collections::HashMap::new();
    for link in 0..network.links() {
        let (buyer, supplier) = (
            network.buyer()[link] as usize,
            network.supplier()[link] as usize,
        );
        let (to, from) = (
            network.group()[buyer] as usize,
            network.group()[supplier] as usize,
        );
        if from != to {
            *flows.entry((from, to)).or_default() +=
                network.coefficient()[link] * network.output()[buyer];
        }
    }
    let mut all: Vec<((usize, usize), f64)> = flows.into_iter().collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    all.into_iter().take(LINKS).map(|f| f.0).collect()
}

/// The map over all periods, as an animation that a notebook shows and `save` writes as a GIF; of more than 60 periods
/// evenly some.
///
/// # Errors
/// A run without a period.
pub fn travel(run: &Trajectory) -> Result<Animation> {
    if run.periods == 0 {
        return Err(Error::new(
            "travel",
            "the run has no period",
            "simulate at least one",
        ));
    }
    let every = (run.periods + 1).div_ceil(FRAMES);
    let frames = (0..=run.periods).step_by(every).map(|t| map(run, t));
    Ok(Animation {
        frames: frames.collect::<Result<_>>()?,
        milliseconds: 150,
    })
}
