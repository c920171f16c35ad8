//! What the nodes of a part do in a period, forward and back, L numbers side by side.

use super::super::plan::Part;
use super::Number;
use super::shard::Shard;
use super::sweep::{Links, lanes, spread};
use std::marker::PhantomData;

/// What the links of a part have added to nodes.
#[derive(Clone, Copy)]
pub(super) enum Sums<'a, F: Number, const L: usize> {
    /// Every so many rows, of a part of this thread.
    Own(&'a [[F; L]], usize),
    /// Told by another thread.
    Told(&'a [F::Shared]),
}

/// Adds such sums up.
pub(super) struct Add<'a, F: Number, const L: usize> {
    pub(super) to: &'a mut [[F; L]],
    pub(super) sums: Sums<'a, F, L>,
}

impl<F: Number, const L: usize> pulp::WithSimd for Add<'_, F, L> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        match self.sums {
            Sums::Own(sums, step) => {
                for (to, sum) in self.to.iter_mut().zip(sums.iter().step_by(step)) {
                    *to = lanes(|l| to[l] + sum[l]);
                }
            }
            Sums::Told(sums) => {
                for (to, sum) in self.to.iter_mut().zip(sums.as_chunks::<L>().0) {
                    *to = lanes(|l| to[l] + F::shared(&sum[l]));
                }
            }
        }
    }
}

/// Output, and the share of orders that is delivered.
pub(super) struct Produce<'a, F, const L: usize> {
    pub(super) demand: &'a [[F; L]],
    pub(super) output: &'a mut [[F; L]],
    pub(super) lowest: &'a [[F; L]],
    pub(super) capacity: &'a [[F; L]],
    pub(super) own: &'a [[F; L]],
    pub(super) scales_inputs: bool,
    pub(super) share: &'a mut [[F; L]],
}

impl<F: Number, const L: usize> pulp::WithSimd for Produce<'_, F, L> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        // Flat loops over nodes and lanes: the compiler makes the best of these.
        let (x, share) = (
            self.output.as_flattened_mut(),
            self.share.as_flattened_mut(),
        );
        let (d, own) = (self.demand.as_flattened(), self.own.as_flattened());
        let (z, lowest) = (self.capacity.as_flattened(), self.lowest.as_flattened());
        if self.scales_inputs {
            for ((((x, d), own), z), lowest) in x.iter_mut().zip(d).zip(own).zip(z).zip(lowest) {
                let scaled = *z * *lowest;
                *x = d.lower(if *lowest < F::FAR { scaled } else { *own });
            }
        } else {
            for (((x, d), own), lowest) in x.iter_mut().zip(d).zip(own).zip(lowest) {
                *x = d.lower(own.lower(*lowest));
            }
        }
        for ((share, x), d) in share.iter_mut().zip(&*x).zip(d) {
            *share = d.gate(*x / *d);
        }
    }
}

/// One period of nodes back: the adjoints of demand (to `pull`) and capacity, and what the limiting
/// input is owed, which waits in its order's adjoint.
pub(super) struct ProduceBack<'a, F, const L: usize, const W: usize> {
    pub(super) shard: &'a mut Shard<F, L, W>,
    pub(super) links: Links<'a, F>,
    pub(super) part: &'a Part,
    pub(super) full: &'a [F],
    pub(super) scales_inputs: bool,
    /// Gradient of this period's panel: per group L numbers, or one where lanes are nodes.
    pub(super) from_panel: &'a [F],
    pub(super) t: usize,
    /// Slot of the inventories of t-1.
    pub(super) stock_at: usize,
    pub(super) pull: &'a mut [[F; L]],
    /// Takes the shares of `t`.
    pub(super) share: &'a mut [[F; L]],
}

impl<F: Number, const L: usize, const W: usize> pulp::WithSimd for ProduceBack<'_, F, L, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let Self {
            shard,
            links,
            part,
            full,
            scales_inputs,
            from_panel,
            t,
            stock_at,
            pull,
            share,
        } = self;
        let (n, e) = (part.rows, links.rows());
        let stock = &shard.stock[stock_at * e..][..e];
        for i in 0..n {
            let (d, x) = (shard.demand[(t - 1) * n + i], shard.output[(t - 1) * n + i]);
            let owed = shard.owed[i];
            let inverse: [F; L] = lanes(|l| d[l].gate(F::ONE / d[l]));
            let delivered: [F; L] = lanes(|l| d[l].gate(x[l] / d[l]));
            let panel: [F; L] = if W == 1 {
                from_panel.as_chunks::<L>().0[part.group[i] as usize]
            } else {
                lanes(|l| from_panel[part.group[i * W + l] as usize])
            };
            let (sum_s, sum_p, rate) = (shard.sum_stock[i], shard.sum_order[i], shard.rate[i]);
            let to_output: [F; L] = lanes(|l| panel[l] - sum_s[l] + owed[l] * inverse[l]);
            let by_demand: [bool; L] = lanes(|l| x[l] == d[l]);
            pull[i] = lanes(|l| {
                let direct = if by_demand[l] { to_output[l] } else { F::ZERO };
                sum_p[l] - owed[l] * delivered[l] * inverse[l] + direct
            });
            share[i] = delivered;
            let to_target = shard.to_target[i];
            shard.to_target[i] = lanes(|l| to_target[l] + rate[l] * sum_p[l]);
            shard.to_capacity[i] = [F::ZERO; L];
            if by_demand.iter().all(|b| *b) {
                continue;
            }
            let full: [F; L] = spread::<F, L, W>(full, i);
            let row = links.of(i);
            let (z, own) = (shard.capacity[i], shard.own[i]);
            let by_capacity: [bool; L] = lanes(|l| {
                let fed = part.fed[if W == 1 { i } else { i * W + l }];
                !fed || (!scales_inputs && x[l] == own[l])
            });
            let to_limit: [F; L] = lanes(|l| if by_demand[l] { F::ZERO } else { to_output[l] });
            let mut to_z: [F; L] = lanes(|l| {
                if by_capacity[l] {
                    to_limit[l] * full[l]
                } else {
                    F::ZERO
                }
            });
            if (0..L).any(|l| !by_demand[l] && !by_capacity[l]) {
                let mut low = x;
                if scales_inputs {
                    low = [F::INFINITY; L];
                    for s in &stock[row.clone()] {
                        low = lanes(|l| low[l].lower(s[l]));
                    }
                    to_z = lanes(|l| {
                        if by_capacity[l] {
                            to_z[l]
                        } else {
                            to_limit[l] * low[l]
                        }
                    });
                }
                let mut left: [F; L] = lanes(|l| {
                    let through = if scales_inputs { z[l] } else { F::ONE };
                    if by_demand[l] || by_capacity[l] {
                        F::ZERO
                    } else {
                        to_limit[l] * through / rate[l]
                    }
                });
                for (s, ord) in stock[row.clone()].iter().zip(&mut shard.adjoint_order[row]) {
                    // The first of several lowest inputs takes it all.
                    let take: [F; L] = lanes(|l| if s[l] == low[l] { left[l] } else { F::ZERO });
                    *ord = lanes(|l| ord[l] - take[l]);
                    left = lanes(|l| left[l] - take[l]);
                }
            }
            shard.to_capacity[i] = to_z;
        }
    }
}

/// Adds the outputs of a part's nodes to their groups' sums, in 64 bits.
pub(super) struct Observe<'a, F, const L: usize, const W: usize> {
    pub(super) output: &'a [[F; L]],
    pub(super) group: &'a [u32],
    /// [group, particle of the block].
    pub(super) sums: &'a mut [f64],
}

impl<F: Number, const L: usize, const W: usize> pulp::WithSimd for Observe<'_, F, L, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        if W == 1 {
            let sums = self.sums.as_chunks_mut::<L>().0;
            for (x, g) in self.output.iter().zip(self.group) {
                let y = &mut sums[*g as usize];
                *y = lanes(|l| y[l] + x[l].to_f64());
            }
        } else {
            for (x, g) in self.output.as_flattened().iter().zip(self.group) {
                self.sums[*g as usize] += x.to_f64();
            }
        }
    }
}

/// Rounds sums to the run's format.
pub(super) struct Round<'a, F> {
    sums: &'a mut [f64],
    format: PhantomData<F>,
}

impl<'a, F> Round<'a, F> {
    pub(super) fn of(sums: &'a mut [f64]) -> Self {
        Self {
            sums,
            format: PhantomData,
        }
    }
}

impl<F: Number> pulp::WithSimd for Round<'_, F> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        for sum in self.sums {
            *sum = F::from_f64(*sum).to_f64();
        }
    }
}
