//! From the values of parameters to the numbers of a block of particles, and gradients back.

use super::General;
use crate::model::economy::{Each, Numbers};
use crate::model::{ByParameter, Domain, Parameter, PathValues, Paths, row};
use crate::number::{Real, Row};
use std::borrow::Cow;

/// Values of all parameters: [particle, entry] row by row, [entry] where all particles have the same, one value of a
/// parameter of firms that all of them have, or none, which is the usual value.
pub(crate) type Values<'a> = ByParameter<Cow<'a, [f64]>>;

/// The values that paths take, of all particles.
fn path_values<'a>(
    values: &'a Values<'_>,
    [size, rate, steepness, hold, factors, amounts]: [Option<Parameter>; 6],
) -> PathValues<'a, f64> {
    let of = |p: Option<Parameter>| p.map_or(&[][..], |p| values.get(p));
    PathValues {
        size: of(size),
        rate: of(rate),
        steepness: of(steepness),
        hold: of(hold),
        factors: of(factors),
        amounts: of(amounts),
    }
}

impl General {
    /// Number of values that a parameter has for one particle.
    fn entries(&self, parameter: Parameter, given: usize) -> usize {
        let layout = &self.layout;
        match parameter.domain() {
            _ if given == 0 => 0,
            Domain::Firm if given == 1 => 1,
            Domain::Firm => layout.firms(),
            Domain::Input => layout.inputs(),
            Domain::Link => layout.links(),
            Domain::Hit => self.capacity.count(),
            Domain::DemandHit => self.demand.count(),
            Domain::LinkHit => self.open.count(),
            Domain::CapacityCell => self.capacity.given().0,
            Domain::DemandCell => self.demand.given().0,
            Domain::ExtraCell => self.demand.given().1,
            Domain::Damage => layout.damages.len(),
            Domain::Builder => layout.builders.len(),
            Domain::Rebuilding => layout.rebuilds.len(),
        }
    }

    /// The values of one particle.
    fn of<'a>(&self, values: &'a Values<'_>, parameter: Parameter, particle: usize) -> &'a [f64] {
        let all = values.get(parameter);
        row(all, self.entries(parameter, all.len()), particle)
    }

    /// The three kinds of paths with the parameters that they are made of.
    fn paths(&self) -> [(&Paths, [Option<Parameter>; 6]); 3] {
        use Parameter as P;
        [
            (
                &self.capacity,
                [
                    Some(P::Severity),
                    Some(P::RecoveryRate),
                    Some(P::Steepness),
                    Some(P::Hold),
                    Some(P::CapacityPath),
                    None,
                ],
            ),
            (
                &self.demand,
                [
                    Some(P::DemandChange),
                    Some(P::DemandRecoveryRate),
                    Some(P::DemandSteepness),
                    Some(P::DemandHold),
                    Some(P::DemandPath),
                    Some(P::ExtraDemand),
                ],
            ),
            (
                &self.open,
                [
                    Some(P::LinkSeverity),
                    Some(P::LinkRecoveryRate),
                    Some(P::LinkSteepness),
                    Some(P::LinkHold),
                    None,
                    None,
                ],
            ),
        ]
    }

    /// Rows of L particles from `first` on; lanes beyond the last particle repeat it.
    fn rows<F: Real, const L: usize>(
        &self,
        values: &Values<'_>,
        parameter: Parameter,
        first: usize,
        make: impl Fn(f64) -> f64,
    ) -> Vec<Row<F, L>> {
        let lanes: [&[f64]; L] = std::array::from_fn(|l| self.of(values, parameter, first + l));
        let number = |k: usize| Row(std::array::from_fn(|l| F::of(make(lanes[l][k]))));
        (0..lanes[0].len()).map(number).collect()
    }

    // Long: one field after the other.
    /// The numbers of a block.
    pub(super) fn numbers<F: Real, const L: usize>(
        &self,
        values: &Values<'_>,
        first: usize,
    ) -> Numbers<F, L> {
        use Parameter as P;
        let same = |v: f64| v;
        let over = |v: f64| 1.0 / v;
        let each = |p: Parameter, make: fn(f64) -> f64| match values.get(p).len() {
            0 => Each::all(make(p.usual())),
            _ => Each(self.rows(values, p, first, make)),
        };
        let layout = &self.layout;
        // Of inputs, which have those of their firms where they have none of their own.
        let of_inputs = |input: P, firm: P, make: fn(f64) -> f64| -> Vec<Row<F, L>> {
            if !values.get(input).is_empty() {
                return self.rows(values, input, first, make);
            }
            let own: Vec<Row<F, L>> = self.rows(values, firm, first, make);
            match layout.per_input {
                true => layout.input_firm.iter().map(|i| own[*i as usize]).collect(),
                false => own,
            }
        };
        let mut which = 0;
        let paths = self.paths().map(|(paths, of)| -> Vec<Row<F, L>> {
            let place = which;
            which += 1;
            if paths.columns().is_empty() {
                return Vec::new();
            }
            if !self.learnt[place] {
                let made = || paths.values(&paths.of_particle(path_values(values, of), first));
                let made = self.fixed[place].get_or_init(made);
                return made.iter().map(|v| Row::all(*v)).collect();
            }
            let shared = of.iter().flatten().all(|p| {
                let given = values.get(*p).len();
                given == self.entries(*p, given)
            });
            let of_particle =
                |l: usize| paths.values(&paths.of_particle(path_values(values, of), first + l));
            if shared {
                let one = of_particle(0);
                return one.into_iter().map(Row::all).collect();
            }
            let lanes: [Vec<f64>; L] = std::array::from_fn(of_particle);
            let cells = 0..lanes[0].len();
            cells
                .map(|k| Row(std::array::from_fn(|l| F::of(lanes[l][k]))))
                .collect()
        });
        let [capacity, demand, open] = paths;
        let damped = |p: P| -> Vec<Row<F, L>> {
            let all: Vec<Row<F, L>> = self.rows(values, p, first, same);
            self.damped.iter().map(|k| all[*k]).collect()
        };
        let rows = |p: P, make: fn(f64) -> f64| self.rows(values, p, first, make);
        Numbers {
            target: of_inputs(P::InputInventory, P::TargetInventory, same),
            rate: of_inputs(P::InputTime, P::AdjustmentTime, over),
            criticality: rows(P::Criticality, same),
            slack: each(P::Slack, same),
            psi: each(P::Stretching, same),
            mix: each(P::Mix, same),
            learning: each(P::TrustRate, same),
            floor: each(P::TrustFloor, same),
            most: each(P::Overproduction, same),
            pace: each(P::OverproductionTime, over),
            supply_line: each(P::SupplyLine, same),
            capital: rows(P::Capital, same),
            damage: rows(P::Damage, same),
            share: rows(P::BuilderShare, same),
            rebuild_rate: rows(P::RebuildingTime, over),
            rebuild_factor: rows(P::RebuildingFactor, same),
            damped_severity: damped(P::Severity),
            damped_rate: damped(P::RecoveryRate),
            capacity,
            demand,
            open,
        }
    }

    // Long: one parameter after the other.
    /// The gradient of the particles of a block from the adjoints of its numbers `v`.
    pub(super) fn pull<F: Real, const L: usize>(
        &self,
        (values, wanted): (&Values<'_>, bool),
        (first, count): (usize, usize),
        v: &Numbers<F, L>,
        to: &Numbers<F, L>,
    ) -> ByParameter<Vec<f64>> {
        use Parameter as P;
        let mut out = ByParameter::<Vec<f64>>::default();
        let layout = &self.layout;
        for l in 0..count {
            let at = |rows: &[Row<F, L>]| -> Vec<f64> {
                rows.iter().map(|row| row.0[l].value()).collect()
            };
            // Of a rate that is 1 over the parameter.
            let over = |to: &[Row<F, L>], rate: &[Row<F, L>]| -> Vec<f64> {
                let both = at(to).into_iter().zip(at(rate));
                both.map(|(g, r)| -g * r * r).collect()
            };
            let to_firms = |of_inputs: Vec<f64>| -> Vec<f64> {
                if !layout.per_input {
                    return of_inputs;
                }
                let mut sums = vec![0.0; layout.firms()];
                for (i, g) in layout.input_firm.iter().zip(of_inputs) {
                    sums[*i as usize] += g;
                }
                sums
            };
            let mut add = |p: P, found: Vec<f64>| {
                if !values.get(p).is_empty() {
                    out.get_mut(p).extend(found);
                }
            };
            for (input, firm, found) in [
                (P::InputInventory, P::TargetInventory, at(&to.target)),
                (P::InputTime, P::AdjustmentTime, over(&to.rate, &v.rate)),
            ] {
                if values.get(input).is_empty() {
                    add(firm, to_firms(found));
                } else {
                    add(firm, vec![0.0; layout.firms()]);
                    add(input, found);
                }
            }
            add(P::Criticality, at(&to.criticality));
            for (p, rows) in [
                (P::Slack, &to.slack),
                (P::Stretching, &to.psi),
                (P::Mix, &to.mix),
                (P::TrustRate, &to.learning),
                (P::TrustFloor, &to.floor),
                (P::Overproduction, &to.most),
                (P::SupplyLine, &to.supply_line),
            ] {
                add(p, at(&rows.0));
            }
            add(P::OverproductionTime, over(&to.pace.0, &v.pace.0));
            for (p, rows) in [
                (P::Capital, &to.capital),
                (P::Damage, &to.damage),
                (P::BuilderShare, &to.share),
                (P::RebuildingFactor, &to.rebuild_factor),
            ] {
                add(p, at(rows));
            }
            add(P::RebuildingTime, over(&to.rebuild_rate, &v.rebuild_rate));
            let damped = (at(&to.damped_severity), at(&to.damped_rate));
            let adjoints = [&to.capacity, &to.demand, &to.open];
            let each = self.paths().into_iter().zip(adjoints).enumerate();
            for (place, ((paths, of), to)) in each {
                if !wanted && !self.learnt[place] {
                    continue;
                }
                let found = paths.pull(
                    &paths.of_particle(path_values(values, of), first + l),
                    &at(to),
                );
                let found = [
                    found.size,
                    found.rate,
                    found.steepness,
                    found.hold,
                    found.factors,
                    found.amounts,
                ];
                for (p, mut found) in of.into_iter().zip(found) {
                    let Some(p) = p else { continue };
                    let of_damped = match p {
                        P::Severity => &damped.0[..],
                        P::RecoveryRate => &damped.1[..],
                        _ => &[],
                    };
                    for (k, g) in self.damped.iter().zip(of_damped) {
                        found[*k] = *g;
                    }
                    add(p, found);
                }
            }
        }
        out
    }
}
