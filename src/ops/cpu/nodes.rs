//! What the nodes of a part do in a period, forward and back, L numbers side by side.

use super::super::plan::{Part, PartNumbers};
use super::Number;
use super::shard::{Shard, links_of};
use super::sweep::{lanes, spread};
use super::vector::Vector;
use std::ops::Range;

/// What the links of a part have added to nodes.
#[derive(Clone, Copy)]
pub(super) enum Sums<'a, F: Number, const L: usize> {
    /// Every so many rows, of a part of this thread.
    Own(&'a [[F; L]], usize),
    /// Told by another thread.
    Told(&'a [F::Shared]),
}

/// Adds such sums to what is there, or to what comes from outside.
pub(super) struct Add<'a, F: Number, const L: usize, const W: usize> {
    pub(super) to: &'a mut [[F; L]],
    pub(super) outside: Option<&'a [F]>,
    pub(super) sums: Sums<'a, F, L>,
}

impl<F: Number, const L: usize, const W: usize> pulp::WithSimd for Add<'_, F, L, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let Self { to, outside, sums } = self;
        let to = to.iter_mut().enumerate().map(|(i, to)| {
            let before = outside.map_or(*to, |outside| spread::<F, L, W>(outside, i));
            (to, before)
        });
        match sums {
            Sums::Own(sums, step) => {
                for ((to, before), sum) in to.zip(sums.iter().step_by(step)) {
                    *to = lanes(|l| before[l] + sum[l]);
                }
            }
            Sums::Told(sums) => {
                for ((to, before), sum) in to.zip(sums.as_chunks::<L>().0) {
                    *to = lanes(|l| before[l] + F::shared(&sum[l]));
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

/// A period of a part's nodes on the way back.
#[derive(Clone, Copy)]
pub(super) struct Back<'a, F> {
    pub(super) part: &'a Part,
    pub(super) numbers: &'a PartNumbers<F>,
    pub(super) scales_inputs: bool,
    /// Gradient of this period's panel: per group L numbers, or one where lanes are nodes.
    pub(super) from_panel: &'a [F],
    pub(super) t: usize,
    /// Slot of the inventories of t-1.
    pub(super) stock_at: usize,
}

/// One period of nodes back: the adjoints of demand (to `pull`) and capacity, and of the inventory that limits output.
pub(super) struct ProduceBack<'a, F, const L: usize, const W: usize> {
    pub(super) shard: &'a mut Shard<F, L, W>,
    pub(super) back: Back<'a, F>,
    /// Which rows of the part's nodes; the rest begins at the first of them.
    pub(super) rows: Range<usize>,
    /// Adjoint of the shares delivered.
    pub(super) owed: &'a [[F; L]],
    pub(super) pull: &'a mut [[F; L]],
    /// Takes the shares of `t`.
    pub(super) share: &'a mut [[F; L]],
}

impl<F: Number, const L: usize, const W: usize> pulp::WithSimd for ProduceBack<'_, F, L, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, simd: S) {
        let Self {
            shard,
            back,
            rows,
            owed,
            pull,
            share,
        } = self;
        let Back {
            part,
            numbers,
            scales_inputs,
            from_panel,
            t,
            stock_at,
        } = back;
        let links = links_of(part, numbers);
        let of = |row: &[F; L]| Vector::of(simd, row);
        let fixed = |all: &[F], i: usize| of(&spread::<F, L, W>(all, i));
        let all = |number: F| Vector::all(simd, number);
        let (zero, one) = (all(F::ZERO), all(F::ONE));
        let (n, e) = (part.rows, links.rows());
        let stock = &shard.stock[stock_at * e..][..e];
        let (demand, output) = (&shard.demand[(t - 1) * n..], &shard.output[(t - 1) * n..]);
        let told = owed.iter().zip(pull).zip(share);
        for (i, ((owed, pull), share)) in rows.zip(told) {
            let (d, x, owed) = (of(&demand[i]), of(&output[i]), of(owed));
            let (sum_s, sum_p) = (of(&shard.sum_stock[i]), of(&shard.sum_order[i]));
            let rate = of(&shard.rate[i]);
            let (inverse, delivered) = (d.gate(one / d), d.gate(x / d));
            let panel = if W == 1 {
                of(&from_panel.as_chunks::<L>().0[part.group[i] as usize])
            } else {
                let group = &part.group[i * W..][..W];
                of(&lanes(|l| from_panel[group[l] as usize]))
            };
            let to_output = panel - sum_s + owed * inverse;
            let direct = x.same(d, to_output, zero);
            (sum_p - owed * delivered * inverse + direct).put(pull);
            delivered.put(share);
            (of(&shard.to_target[i]) + rate * sum_p).put(&mut shard.to_target[i]);
            let limited = x.same(d, zero, to_output);
            if !limited.any::<L>() {
                shard.to_capacity[i] = [F::ZERO; L];
                continue;
            }
            // Who has no input is limited by capacity alone.
            let unfed = fixed(&numbers.unfed, i);
            let by_capacity = if scales_inputs {
                unfed
            } else {
                x.same(of(&shard.own[i]), one, unfed)
            };
            let mut to_z = by_capacity.gate(limited * fixed(&numbers.full, i));
            let by_input = by_capacity.same(zero, limited, zero);
            if by_input.any::<L>() {
                let row = links.of(i);
                let (mut low, mut through) = (x, by_input);
                if scales_inputs {
                    low = stock[row.clone()]
                        .iter()
                        .fold(all(F::INFINITY), |low, s| low.lower(of(s)));
                    to_z = to_z + by_input.same(zero, zero, by_input * low);
                    through = by_input * of(&shard.capacity[i]);
                }
                let before = &mut shard.adjoint_stock[((t - 1) & 1) * e..][row.clone()];
                for (s, adjoint) in stock[row].iter().zip(before) {
                    // The first of several lowest inputs takes it all.
                    let take = of(s).same(low, through, zero);
                    (of(adjoint) + take).put(adjoint);
                    through = through - take;
                }
            }
            to_z.put(&mut shard.to_capacity[i]);
        }
    }
}

/// Sums the outputs of a part's nodes to groups, in 64 bits: thousands of outputs are added to one sum.
pub(super) struct Observe<'a, F, const L: usize, const W: usize> {
    pub(super) output: &'a [[F; L]],
    pub(super) part: &'a Part,
    /// Whether the sums are to be numbers of F.
    pub(super) round: bool,
    /// [group, particle of the block].
    pub(super) sums: &'a mut [f64],
}

impl<F: Number, const L: usize, const W: usize> pulp::WithSimd for Observe<'_, F, L, W> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) {
        let Self {
            output,
            part,
            round: all,
            sums,
        } = self;
        if W == 1 {
            // Group by group: rows of sums then stay in registers.
            let of = part.first_member.windows(2);
            for (sum, of) in sums.as_chunks_mut::<L>().0.iter_mut().zip(of) {
                let mut found = [0.0; L];
                for x in &output[of[0] as usize..of[1] as usize] {
                    found = lanes(|l| found[l] + x[l].to_f64());
                }
                *sum = if all { found.map(rounded::<F>) } else { found };
            }
        } else {
            sums.fill(0.0);
            for (x, g) in output.as_flattened().iter().zip(&part.group) {
                sums[*g as usize] += x.to_f64();
            }
            if all {
                round::<F>(sums);
            }
        }
    }
}

/// Rounds sums to numbers of F.
#[inline(always)]
pub(super) fn round<F: Number>(sums: &mut [f64]) {
    for sum in sums {
        *sum = rounded::<F>(*sum);
    }
}

#[inline(always)]
fn rounded<F: Number>(sum: f64) -> f64 {
    F::from_f64(sum).to_f64()
}
