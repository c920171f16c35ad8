//! A block of L particles: its pass through all periods, its checkpoints, and its way back.

use super::{General, Kept, Values};
use crate::memory;
use crate::model::ByParameter;
use crate::model::economy::{Attribution, Layout, Numbers, Run, State};
use crate::number::{Real, Row};
use std::sync::atomic::Ordering;

/// L particles with their numbers and, once it has run, the states that were kept.
pub(super) struct Block<'a, F, const L: usize> {
    general: &'a General,
    numbers: Numbers<F, L>,
    /// Periods between two states that are kept, and these.
    stride: usize,
    kept: Vec<State<F, L>>,
    /// What lagged links have sent.
    sent: Vec<Row<F, L>>,
}

/// What a period of one particle has seen, in 64 bits and in the order of the network.
pub(crate) struct Period<'a> {
    /// The period, from 1.
    pub(crate) t: usize,
    pub(crate) seen: &'a dyn Trace,
}

/// What can be asked of a period.
pub(crate) trait Trace {
    /// Output and demand at the end, `[firm]`.
    fn output(&self) -> Vec<f64>;
    fn demand(&self) -> Vec<f64>;
    /// Orders that got through and stocks at the end, `[link]`, in units of the supplier's good.
    fn orders(&self) -> Vec<f64>;
    fn stock(&self) -> Vec<f64>;
    /// Share of each link in its input's orders, `[link]`.
    fn shares(&self) -> Vec<f64>;
    /// Final demand that is not met, `[firm]`.
    fn unmet(&self) -> Vec<f64>;
    /// Overproduction, `[firm]`.
    fn overproduction(&self) -> Vec<f64>;
    /// Share of the damage of each rebuilding that is left at the end.
    fn damage_left(&self) -> Vec<f64>;
    /// What limits each firm.
    fn limits(&self) -> Vec<Attribution>;
}

/// A period of the first particle of a block.
struct Moment<'a, F, const L: usize> {
    layout: &'a Layout,
    numbers: &'a Numbers<F, L>,
    t: usize,
    run: &'a Run<'a, F, L>,
    before: &'a State<F, L>,
    after: &'a State<F, L>,
}

impl<F: Real, const L: usize> Moment<'_, F, L> {
    fn firms(&self, rows: &[Row<F, L>]) -> Vec<f64> {
        rows.iter().map(|row| row.0[0].value()).collect()
    }

    /// Numbers of links in the order of the network, times the coefficients.
    fn links(&self, rows: &[Row<F, L>]) -> Vec<f64> {
        let mut out = vec![0.0; rows.len()];
        for (k, row) in rows.iter().enumerate() {
            out[self.layout.link[k] as usize] = row.0[0].value() * self.layout.coefficient[k];
        }
        out
    }
}

impl<F: Real, const L: usize> Trace for Moment<'_, F, L> {
    fn output(&self) -> Vec<f64> {
        self.firms(&self.run.work().output)
    }

    fn demand(&self) -> Vec<f64> {
        self.firms(&self.after.demand)
    }

    fn orders(&self) -> Vec<f64> {
        self.links(&self.after.orders)
    }

    fn stock(&self) -> Vec<f64> {
        let mut out = self.links(&self.after.stock);
        for g in (0..self.layout.inputs()).filter(|g| self.layout.never[*g]) {
            for k in self.layout.links_of(g) {
                out[self.layout.link[k] as usize] = f64::INFINITY;
            }
        }
        out
    }

    fn shares(&self) -> Vec<f64> {
        let mut out = vec![0.0; self.layout.links()];
        for (k, pull) in self.run.shares(self.t, self.before).into_iter().enumerate() {
            out[self.layout.link[k] as usize] = pull.0[0].value() * self.layout.share[k];
        }
        out
    }

    fn unmet(&self) -> Vec<f64> {
        let of = |j| {
            self.layout
                .unmet(self.numbers, self.t, (self.before, self.run.work()), j)
        };
        let firms = 0..self.layout.firms();
        firms.map(|j| of(j).0[0].value()).collect()
    }

    fn overproduction(&self) -> Vec<f64> {
        let firms = 0..self.layout.firms();
        firms
            .map(|i| self.run.work().alpha(i).0[0].value())
            .collect()
    }

    fn damage_left(&self) -> Vec<f64> {
        self.firms(&self.layout.destroyed(self.numbers, &self.after.left))
    }

    fn limits(&self) -> Vec<Attribution> {
        let both = (self.before, self.run.work());
        let firms = 0..self.layout.firms();
        firms
            .map(|i| self.layout.attribute(self.numbers, both, i))
            .collect()
    }
}

impl<'a, F: Real + 'static, const L: usize> Block<'a, F, L> {
    pub(super) fn new(general: &'a General, first: usize, values: &Values<'_>) -> Self {
        Self {
            general,
            numbers: general.numbers(values, first),
            stride: 0,
            kept: Vec::new(),
            sent: Vec::new(),
        }
    }

    /// Sums outputs to groups, [group], of every particle of `panel` [particle, period, group].
    fn observe(&self, t: usize, output: &[Row<F, L>], panel: &mut [f64]) {
        let (cells, groups) = (self.general.cells(), self.general.groups);
        for (l, panel) in panel.chunks_exact_mut(cells).enumerate() {
            let row = &mut panel[(t - 1) * groups..][..groups];
            row.fill(0.0);
            for (x, g) in output.iter().zip(&self.general.group) {
                row[*g as usize] += x.0[l].value();
            }
        }
    }

    /// All periods; `keep` gets the state before each.
    fn run(&self, panel: &mut [f64], mut keep: impl FnMut(usize, &State<F, L>)) -> Vec<Row<F, L>> {
        let mut run = Run::new(&self.general.layout, &self.numbers);
        let mut before = run.start();
        let mut after = State::zeros(&self.general.layout);
        for t in 1..=self.general.layout.periods {
            let stop = self.general.stop.as_ref();
            // The first period is always done.
            if t > 1 && stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) {
                break;
            }
            keep(t, &before);
            run.step(t, &before, &mut after);
            self.observe(t, &run.work().output, panel);
            std::mem::swap(&mut before, &mut after);
        }
        run.into_sent()
    }

    pub(super) fn panel(&self, panel: &mut [f64]) {
        self.run(panel, |_, _| {});
    }

    /// Runs, and keeps what the way back needs.
    pub(super) fn kept(
        general: &'a General,
        first: usize,
        values: &Values<'_>,
        panel: &mut [f64],
    ) -> Box<dyn Kept + 'a> {
        let mut block = Self::new(general, first, values);
        let layout = &general.layout;
        let bytes = State::<F, L>::size(layout) * size_of::<Row<F, L>>();
        let stride = general
            .checkpoint
            .stride(layout.periods, bytes, memory::available);
        block.stride = stride;
        let mut kept = Vec::new();
        let all = stride >= layout.periods;
        block.sent = block.run(panel, |t, state| {
            if all || (t - 1) % stride == 0 {
                kept.push(state.clone());
            }
        });
        block.kept = kept;
        Box::new(block)
    }

    /// Shows each period of the first particle.
    pub(super) fn trace(&self, see: &mut dyn FnMut(&Period<'_>) -> bool) {
        let layout = &self.general.layout;
        let mut run = Run::new(layout, &self.numbers);
        let mut before = run.start();
        let mut after = State::zeros(layout);
        for t in 1..=layout.periods {
            run.step(t, &before, &mut after);
            let seen = Moment {
                layout,
                numbers: &self.numbers,
                t,
                run: &run,
                before: &before,
                after: &after,
            };
            if !see(&Period { t, seen: &seen }) {
                break;
            }
            std::mem::swap(&mut before, &mut after);
        }
    }
}

impl<F: Real + 'static, const L: usize> Kept for Block<'_, F, L> {
    fn pull(
        mut self: Box<Self>,
        first: usize,
        values: &Values<'_>,
        wanted: bool,
        slope: &[f64],
    ) -> ByParameter<Vec<f64>> {
        let general = self.general;
        let layout = &general.layout;
        let (cells, groups) = (general.cells(), general.groups);
        let count = slope.len() / cells;
        let of_output = |t: usize, i: usize| -> Row<F, L> {
            let cell = (t - 1) * groups + general.group[i] as usize;
            Row(std::array::from_fn(|l| match l < count {
                true => F::of(slope[l * cells + cell]),
                false => F::of(0.0),
            }))
        };
        let mut run = Run::of(layout, &self.numbers, std::mem::take(&mut self.sent));
        let mut pull = run.pull();
        let all = self.stride >= layout.periods;
        let mut segment: Vec<State<F, L>> = Vec::new();
        for t in (1..=layout.periods).rev() {
            // States before period t: kept, or made again from the last that was.
            if !all && (t == layout.periods || t % self.stride == 0) {
                let from = (t - 1) / self.stride;
                segment.clear();
                segment.push(self.kept[from].clone());
                for again in from * self.stride + 1..t {
                    let mut after = State::zeros(layout);
                    let before = &segment[segment.len() - 1];
                    run.step(again, before, &mut after);
                    segment.push(after);
                }
                self.kept.truncate(from + 1);
            }
            let before = match all {
                true => self.kept.pop(),
                false => segment.pop(),
            };
            let Some(before) = before else { break };
            run.back(t, &before, |i| of_output(t, i), &mut pull);
            if t == 1 {
                let to = run.end(&before, pull);
                return general.pull((values, wanted), (first, count), &self.numbers, &to);
            }
        }
        ByParameter::default()
    }
}
