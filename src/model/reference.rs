//! A whole run in plain loops over any number: the oracle of every faster path.

use super::Model;
use super::period::host as period;
use super::production::host as production;
use super::rationing::host as rationing;
use crate::network::Network;
use crate::number::{PADDING, Real};

/// An economy and the behaviour of its firms.
pub(crate) struct Economy<'a> {
    pub(crate) network: &'a Network,
    pub(crate) model: Model,
    /// Spare capacity above the steady output, as a share of it.
    pub(crate) slack: f64,
}

/// What firms aim at, `[firm]`.
pub(crate) struct Behaviour<R> {
    /// Target inventory n x0.
    target: Vec<R>,
    /// 1 / τ.
    rate: Vec<R>,
}

/// What is carried from period to period. Links are in units of the buyer's output (S / A and O / A).
#[derive(Clone)]
pub(crate) struct State<R> {
    /// Stock of each input, `[link]`.
    pub(crate) stock: Vec<R>,
    /// Orders placed, `[link]`.
    pub(crate) orders: Vec<R>,
    /// Demand received, `[firm]`, units per period.
    pub(crate) demand: Vec<R>,
}

/// A period: what it leaves, and what happened in it, `[firm]`.
struct Period<R> {
    next: State<R>,
    output: Vec<R>,
    offer: Vec<R>,
}

/// The gradient of a run.
pub(crate) struct Gradient {
    /// In n and τ, `[firm]`.
    pub(crate) target_inventory: Vec<f64>,
    pub(crate) adjustment_time: Vec<f64>,
    /// In the share of capacity that is left, [period, firm].
    pub(crate) remaining: Vec<f64>,
}

impl Economy<'_> {
    fn links(&self) -> impl Iterator<Item = (usize, usize, usize)> + '_ {
        let both = self.network.buyer().iter().zip(self.network.supplier());
        both.enumerate()
            .map(|(e, (i, j))| (e, *i as usize, *j as usize))
    }

    /// The steady state S = n A x0, O = A x0, D = x0, and what firms aim at.
    pub(crate) fn start<R: Real>(&self, n: &[R], tau: &[R]) -> (State<R>, Behaviour<R>) {
        let steady = self.network.output();
        let target: Vec<R> = n.iter().zip(steady).map(|(n, x)| *n * R::of(*x)).collect();
        let buyer = self.network.buyer().iter().map(|i| *i as usize);
        let state = State {
            stock: buyer.clone().map(|i| target[i]).collect(),
            orders: buyer.map(|i| R::of(steady[i])).collect(),
            demand: steady.iter().map(|x| R::of(*x)).collect(),
        };
        let rate = tau.iter().map(|tau| R::of(1.0) / *tau).collect();
        (state, Behaviour { target, rate })
    }

    /// What the scarcest input of each firm allows; `PADDING` where it has none.
    fn lowest<R: Real>(&self, stock: &[R]) -> Vec<R> {
        let mut lowest = vec![R::of(PADDING); self.network.firms()];
        for (e, i, _) in self.links() {
            // Of several equal ones the first counts.
            lowest[i] = stock[e].min(lowest[i]);
        }
        lowest
    }

    fn own<R: Real>(&self, i: usize, remaining: R) -> R {
        remaining * R::of(self.network.output()[i] * (1.0 + self.slack))
    }

    /// One period, with the share of capacity that is left of each firm.
    fn period<R: Real>(
        &self,
        behaviour: &Behaviour<R>,
        state: &State<R>,
        remaining: impl Fn(usize) -> R,
    ) -> Period<R> {
        let outside = self.network.final_demand();
        let lowest = self.lowest(&state.stock);
        let (mut output, mut offer) = (Vec::new(), Vec::new());
        for (i, d) in state.demand.iter().enumerate() {
            let z = remaining(i);
            let limit = production::limit(self.model.production, self.own(i, z), z, lowest[i]);
            let x = period::output(*d, limit);
            output.push(x);
            offer.push(rationing::offer(
                self.model.rationing,
                x,
                *d,
                R::of(outside[i]),
            ));
        }
        let mut next = State {
            stock: Vec::with_capacity(state.stock.len()),
            orders: Vec::with_capacity(state.stock.len()),
            demand: outside.iter().map(|d| R::of(*d)).collect(),
        };
        let coefficient = self.network.coefficient();
        for (e, i, j) in self.links() {
            let before = state.stock[e];
            let stock = period::stock(state.orders[e], offer[j], before, output[i]);
            next.stock.push(stock);
            let (target, rate) = (behaviour.target[i], behaviour.rate[i]);
            let level = period::level(target, rate, state.demand[i]);
            let order = period::order(level, rate, before);
            next.orders.push(order);
            next.demand[j] = order.mul_add(R::of(coefficient[e]), next.demand[j]);
        }
        Period {
            next,
            output,
            offer,
        }
    }

    /// Simulates. `remaining(t, i)` is the share of capacity that firm i has left in period t, from 1; `see` gets a
    /// period, what it leaves and output, `[firm]`, and ends the run where it says false.
    pub(crate) fn run<R: Real>(
        &self,
        (n, tau): (&[R], &[R]),
        remaining: impl Fn(usize, usize) -> R,
        periods: usize,
        mut see: impl FnMut(usize, &State<R>, &[R]) -> bool,
    ) {
        let (mut state, behaviour) = self.start(n, tau);
        for t in 1..=periods {
            let found = self.period(&behaviour, &state, |i| remaining(t, i));
            state = found.next;
            if !see(t, &state, &found.output) {
                break;
            }
        }
    }

    /// Simulates, and the gradient of what has the slope `slope(output)` in the outputs, [period, firm].
    ///
    /// Where production is tied the gradient goes to demand first, then to capacity, then to the input whose link
    /// comes first.
    pub(crate) fn gradient(
        &self,
        (n, tau): (&[f64], &[f64]),
        remaining: impl Fn(usize, usize) -> f64,
        periods: usize,
        slope: impl FnOnce(&[f64]) -> Vec<f64>,
    ) -> Gradient {
        let firms = self.network.firms();
        let (first, behaviour) = self.start(n, tau);
        let (mut states, mut outputs, mut offers) = (vec![first], Vec::new(), Vec::new());
        for t in 1..=periods {
            let found = self.period(&behaviour, &states[t - 1], |i| remaining(t, i));
            states.push(found.next);
            outputs.extend(found.output);
            offers.push(found.offer);
        }
        let slope = slope(&outputs);
        let mut back = Back {
            to_stock: vec![0.0; self.network.links()],
            to_stock_after: vec![0.0; self.network.links()],
            to_demand: vec![0.0; firms],
            to_target: vec![0.0; firms],
            to_rate: vec![0.0; firms],
            to_remaining: vec![0.0; periods * firms],
        };
        for t in (1..=periods).rev() {
            let rows = (t - 1) * firms..t * firms;
            let of = Moment {
                before: &states[t - 1],
                output: &outputs[rows.clone()],
                offer_after: offers.get(t).map_or(&[], Vec::as_slice),
                slope: &slope[rows.clone()],
            };
            back.period(self, &behaviour, &of, rows.start, |i| remaining(t, i));
        }
        // What is left reaches the first stocks, which are the targets.
        for (e, i, _) in self.links() {
            back.to_target[i] += back.to_stock[e];
        }
        let steady = self.network.output();
        let by_rate = back.to_rate.iter().zip(&behaviour.rate);
        Gradient {
            target_inventory: back
                .to_target
                .iter()
                .zip(steady)
                .map(|(g, x)| g * x)
                .collect(),
            // The rate is 1 / τ.
            adjustment_time: by_rate.map(|(g, r)| -g * r * r).collect(),
            remaining: back.to_remaining,
        }
    }
}

/// Adjoints on the way back.
struct Back {
    /// Of the stocks at the end of a period, and of the period after.
    to_stock: Vec<f64>,
    to_stock_after: Vec<f64>,
    /// Of the demand at the end of a period.
    to_demand: Vec<f64>,
    to_target: Vec<f64>,
    to_rate: Vec<f64>,
    to_remaining: Vec<f64>,
}

/// What a period knows on the way back.
struct Moment<'a> {
    /// State before the period.
    before: &'a State<f64>,
    output: &'a [f64],
    /// Offers of the period after; none after the last.
    offer_after: &'a [f64],
    slope: &'a [f64],
}

impl Back {
    /// Period t back: from the adjoints of what it leaves to those of what it finds.
    fn period(
        &mut self,
        economy: &Economy<'_>,
        behaviour: &Behaviour<f64>,
        of: &Moment<'_>,
        row: usize,
        remaining: impl Fn(usize) -> f64,
    ) {
        let network = economy.network;
        let (coefficient, outside) = (network.coefficient(), network.final_demand());
        let firms = network.firms();
        let (mut to_offer, mut sum_stock) = (vec![0.0; firms], vec![0.0; firms]);
        let mut to_demand = vec![0.0; firms];
        let mut to_stock_before = self.to_stock.clone();
        for (e, i, j) in economy.links() {
            let (target, rate, stock) =
                (behaviour.target[i], behaviour.rate[i], of.before.stock[e]);
            let offer = of.offer_after.get(j).copied().unwrap_or(0.0);
            let (after, through) = (self.to_stock_after[e], self.to_demand[j]);
            let to_order = period::to_order(after, offer, coefficient[e], through);
            let level = period::level(target, rate, of.before.demand[i]);
            let to_wanted = period::order_adjoint(level, rate, stock, to_order);
            to_offer[j] += self.to_stock[e] * of.before.orders[e];
            to_stock_before[e] = period::to_stock(self.to_stock[e], rate, to_wanted);
            sum_stock[i] += self.to_stock[e];
            to_demand[i] += to_wanted;
            self.to_target[i] += rate * to_wanted;
            self.to_rate[i] = period::to_rate(to_wanted, target, stock, self.to_rate[i]);
        }
        let lowest = economy.lowest(&of.before.stock);
        let mut left = vec![0.0; firms];
        let Model {
            production,
            rationing,
        } = economy.model;
        for i in 0..firms {
            let (d, x, to) = (of.before.demand[i], of.output[i], to_offer[i]);
            let to_output = of.slope[i] - sum_stock[i]
                + rationing::offer_to_output(rationing, x, d, outside[i], to);
            to_demand[i] += rationing::offer_to_demand(rationing, x, d, outside[i], to)
                + period::output_to_demand(x, d, to_output);
            let limited = period::output_to_limit(x, d, to_output);
            let z = remaining(i);
            let full = economy.own(i, 1.0);
            let unfed = f64::from(u8::from(network.by_buyer().degree(i) == 0));
            if production::own_limits(production, x, economy.own(i, z), unfed) > 0.0 {
                self.to_remaining[row + i] = limited * full;
            } else if limited != 0.0 {
                self.to_remaining[row + i] =
                    limited * production::slope_in_factor(production, lowest[i]);
                left[i] = limited * production::slope_in_lowest(production, z);
            }
        }
        for (e, i, _) in economy.links() {
            if left[i] != 0.0 && of.before.stock[e] == lowest[i] {
                to_stock_before[e] += left[i];
                // The first of several lowest inputs takes it all.
                left[i] = 0.0;
            }
        }
        self.to_stock_after = std::mem::replace(&mut self.to_stock, to_stock_before);
        self.to_demand = to_demand;
    }
}
