//! Runs: periods from the steady state on, and back.

use super::orders::{InputWork, Sent};
use super::orders_adjoint::{Back, Seen};
use super::{Layout, Numbers, State, Work};
use crate::model::Division;
use crate::number::{Real, Row};

/// A run of L particles, and what its periods need.
pub(crate) struct Run<'a, F, const L: usize> {
    pub(crate) layout: &'a Layout,
    pub(crate) numbers: &'a Numbers<F, L>,
    /// What lagged links have sent.
    sent: Sent<F, L>,
    work: Work<F, L>,
    input: [InputWork<F, L>; 2],
}

/// Adjoints on the way back.
pub(crate) struct Pull<F, const L: usize> {
    pub(crate) numbers: Numbers<F, L>,
    after: State<F, L>,
    before: State<F, L>,
    work: Work<F, L>,
    sent: Sent<F, L>,
    /// Of final demand in the period after, `[firm]`, and of rebuilding, `[builder]`, as far as they are delivered to.
    outside: Vec<Row<F, L>>,
    rebuilding: Vec<Row<F, L>>,
    /// What builders have still to deliver at the end of the period.
    left: Vec<Row<F, L>>,
}

impl<'a, F: Real, const L: usize> Run<'a, F, L> {
    pub(crate) fn new(layout: &'a Layout, numbers: &'a Numbers<F, L>) -> Self {
        Self::of(layout, numbers, Vec::new())
    }

    /// A run that has been made, with what its lagged links have sent.
    pub(crate) fn of(layout: &'a Layout, numbers: &'a Numbers<F, L>, sent: Vec<Row<F, L>>) -> Self {
        Self {
            layout,
            numbers,
            sent,
            work: Work::zeros(layout),
            input: [InputWork::new(), InputWork::new()],
        }
    }

    /// The steady state S = n A x0, O = A x0 as far as links let it through, D = x0 but for what begins in period 1.
    pub(crate) fn start(&self) -> State<F, L> {
        let (layout, v) = (self.layout, self.numbers);
        let mut state = State::zeros(layout);
        for g in 0..layout.inputs() {
            let i = layout.input_firm[g] as usize;
            let x0 = Row::all(layout.steady[i]);
            for k in layout.links_of(g) {
                if !layout.never[g] {
                    state.stock[k] = v.target[layout.place(g, i)] * x0;
                }
                state.orders[k] = match layout.open_of(k) {
                    Some(c) => x0 * v.open[c],
                    None => x0,
                };
                if layout.keeps_wanted() {
                    state.wanted[k] = x0;
                }
                if let Some(l) = layout.lag_of(k) {
                    state.transit[l] = x0 * Row::all(f64::from(layout.lags[l]));
                }
                let goods = Row::all(layout.coefficient[k]) * state.orders[k];
                state.demand[layout.supplier[k] as usize] += goods;
                if layout.ranks() {
                    state.ordered[layout.slot[k] as usize] += goods;
                }
            }
        }
        let one = Row::one();
        for rows in [
            &mut state.trust,
            &mut state.over,
            &mut state.left,
            &mut state.damped,
        ] {
            rows.fill(one);
        }
        for (x, x0) in state.output.iter_mut().zip(&layout.steady) {
            *x = Row::all(*x0);
        }
        layout.ask(v, 1, &mut state);
        state
    }

    /// Period t: from the state before it to that after, which is written over.
    pub(crate) fn step(&mut self, t: usize, before: &State<F, L>, after: &mut State<F, L>) {
        let (layout, v) = (self.layout, self.numbers);
        let work = &mut self.work;
        layout.produce(v, t, before, work);
        layout.deliver(v, t, before, work);
        let [input, _] = &mut self.input;
        layout.order(v, t, (before, work), &mut self.sent, after, input);
        layout.close(v, t, (before, work), after);
    }

    /// What lagged links have sent in all periods.
    pub(crate) fn into_sent(self) -> Vec<Row<F, L>> {
        self.sent
    }

    /// Share of each link in its input's orders of period t, which was the last, in units of the steady share.
    pub(crate) fn shares(&self, t: usize, before: &State<F, L>) -> Vec<Row<F, L>> {
        let (layout, v, work) = (self.layout, self.numbers, &self.work);
        let mut of = InputWork::new();
        let mut out = vec![Row::one(); layout.links()];
        if layout.model.division == Division::PerLink {
            return out;
        }
        for g in 0..layout.inputs() {
            let i = layout.input_firm[g] as usize;
            layout.receive(v, t, (before, work, &self.sent), (g, i), &mut of);
            layout.want(
                v,
                (before, work),
                (g, i),
                layout.basis((before, work), i),
                &mut of,
            );
            out[layout.links_of(g)].copy_from_slice(&of.pull);
        }
        out
    }

    /// What the last period has seen.
    pub(crate) fn work(&self) -> &Work<F, L> {
        &self.work
    }

    /// Adjoints at the end of the last period, all 0.
    pub(crate) fn pull(&self) -> Pull<F, L> {
        let layout = self.layout;
        Pull {
            numbers: self.numbers.zeros(),
            after: State::zeros(layout),
            before: State::zeros(layout),
            work: Work::zeros(layout),
            sent: vec![Row::zero(); self.sent.len()],
            outside: vec![Row::zero(); if layout.ranks() { layout.firms() } else { 0 }],
            rebuilding: vec![Row::zero(); layout.builders.len()],
            // Nothing asks after the last period.
            left: vec![Row::zero(); layout.builders.len()],
        }
    }

    /// The adjoint of period t; `to_output` is that of its outputs, `[firm]`.
    pub(crate) fn back(
        &mut self,
        t: usize,
        before: &State<F, L>,
        to_output: impl Fn(usize) -> Row<F, L>,
        pull: &mut Pull<F, L>,
    ) {
        let (layout, v) = (self.layout, self.numbers);
        self.work_again(t, before);
        let work = &self.work;
        // What the period after asks for comes from what this one leaves.
        let asked = (&pull.outside[..], &pull.rebuilding[..]);
        let left = std::mem::replace(&mut pull.left, before.left.clone());
        let to = (&mut pull.numbers, &mut pull.after);
        layout.ask_back(v, t + 1, &left, asked, to);
        pull.before.clear();
        pull.work.clear();
        for (i, to) in pull.work.output.iter_mut().enumerate() {
            *to = to_output(i);
        }
        let both = (before, work);
        let to = (&mut pull.work, &mut pull.numbers, &mut pull.before);
        layout.close_back(v, t, both, &pull.after, to);
        let seen = Seen {
            t,
            before,
            work,
            sent: &self.sent,
        };
        let mut back = Back {
            numbers: &mut pull.numbers,
            before: &mut pull.before,
            work: &mut pull.work,
            sent: &mut pull.sent,
        };
        layout.order_back(v, seen, &pull.after, &mut back, &mut self.input);
        pull.outside.fill(Row::zero());
        let to = (&mut pull.numbers, &mut pull.before);
        layout.deliver_back(v, t, both, &mut pull.work, to, &mut pull.outside);
        pull.rebuilding.copy_from_slice(&pull.work.rebuilding);
        let to = (&mut pull.numbers, &mut pull.before);
        layout.produce_back(v, t, both, &mut pull.work, to);
        std::mem::swap(&mut pull.before, &mut pull.after);
    }

    /// What period t sees before links act.
    fn work_again(&mut self, t: usize, before: &State<F, L>) {
        let (layout, v) = (self.layout, self.numbers);
        layout.produce(v, t, before, &mut self.work);
        layout.deliver(v, t, before, &mut self.work);
    }

    /// The adjoint of the steady state: the last of a run's; `first` is that state.
    pub(crate) fn end(&self, first: &State<F, L>, pull: Pull<F, L>) -> Numbers<F, L> {
        let (layout, v) = (self.layout, self.numbers);
        let Pull {
            mut numbers,
            mut after,
            outside,
            rebuilding,
            ..
        } = pull;
        let asked = (&outside[..], &rebuilding[..]);
        layout.ask_back(v, 1, &first.left, asked, (&mut numbers, &mut after));
        for g in 0..layout.inputs() {
            let i = layout.input_firm[g] as usize;
            let x0 = Row::all(layout.steady[i]);
            for k in layout.links_of(g) {
                if !layout.never[g] {
                    numbers.target[layout.place(g, i)] += after.stock[k] * x0;
                }
                if let Some(c) = layout.open_of(k) {
                    let mut to_goods = after.demand[layout.supplier[k] as usize];
                    if layout.ranks() {
                        to_goods += after.ordered[layout.slot[k] as usize];
                    }
                    let to = after.orders[k] + Row::all(layout.coefficient[k]) * to_goods;
                    numbers.open[c] += to * x0;
                }
            }
        }
        numbers
    }
}

impl<F: Real, const L: usize> State<F, L> {
    /// Sets all adjoints to 0.
    fn clear(&mut self) {
        let Self {
            stock,
            orders,
            wanted,
            trust,
            transit,
            demand,
            ordered,
            over,
            output,
            left,
            damped,
        } = self;
        for rows in [
            stock, orders, wanted, trust, transit, demand, ordered, over, output, left, damped,
        ] {
            rows.fill(Row::zero());
        }
    }
}
