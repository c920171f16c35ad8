//! Up to L particles through all periods and back: the state of a run and its two passes.

use super::super::plan::{Design, Layout, NONE, Numbers, Plan, available_memory};
use super::Number;
use super::mail::{desks, make_room};
use super::nodes::{Back, round};
use super::shard::{Shard, Slot, links_of};
use super::sweep::Links;
use super::team::{each_part, meet};
use super::worker::{Common, See, Table, Worker};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

/// The tensors of a run as flat host arrays.
#[derive(Clone, Copy)]
pub(crate) struct Inputs<'a, F> {
    /// Number of particles P.
    pub(crate) particles: usize,
    /// Target inventory n x0, [particle, node].
    pub(crate) target: &'a [F],
    /// 1 / adjustment time, [particle, node].
    pub(crate) rate: &'a [F],
    /// Remaining capacity, [particle, period, column], or [period, column] for all particles.
    pub(crate) capacity: &'a [F],
}

/// Where the gradient goes; shapes as in `Inputs`.
pub(crate) struct Gradient<F> {
    pub(crate) target: Vec<F>,
    pub(crate) rate: Vec<F>,
    /// Of every particle, [particle, period, column]; empty where it was not asked for.
    pub(crate) capacity: Vec<F>,
}

/// The state of the particles of one block: of L particles (W = 1), or of one whose nodes stand side
/// by side (W = L). Arrays keep their memory from run to run.
pub(super) struct Block<F: Number, const L: usize, const W: usize> {
    shards: Vec<Shard<F, L, W>>,
    /// What is known of the nodes of all parts, for each thread.
    tables: Vec<Table<F, L>>,
    /// What threads tell each other.
    common: Common<F>,
    /// Letters of each part's links, in large networks: share and order in turn.
    boxes: Vec<Vec<F>>,
    /// Two numbers each: the adjoint of demand and then that of the share, and the share.
    boxes_back: Vec<Vec<F>>,
    /// Output of one period summed to groups, [group, particle of the block].
    sums: Vec<f64>,
    /// Room for a panel [period, group, particle of the block].
    pub(super) panel: Vec<F>,
    /// Periods between checkpoints; 0 where nothing is kept for a gradient.
    stride: usize,
    /// Periods at the start in which nothing happens: they are not simulated.
    quiet: usize,
}

/// What a run is made of: where things stand, and the numbers of this format.
#[derive(Clone, Copy)]
pub(super) struct Ground<'a, F> {
    pub(super) design: &'a Design,
    pub(super) layout: &'a Layout,
    pub(super) numbers: &'a Numbers<F>,
    /// Whether the parts go over several threads.
    pub(super) apart: bool,
}

impl<'a, F: super::Format> Ground<'a, F> {
    /// For so many blocks at once: where they keep all threads busy, each does its parts one after the other.
    pub(super) fn new(plan: &'a Plan, width: usize, blocks: usize) -> Self {
        let layout = plan.layout(width);
        Self {
            design: plan.design(),
            layout,
            numbers: F::numbers(plan, width),
            apart: layout.parts.len() > 1 && blocks < rayon::current_num_threads(),
        }
    }
}

/// One run of a block.
#[derive(Clone, Copy)]
pub(super) struct Run<'a, F> {
    pub(super) inputs: &'a Inputs<'a, F>,
    pub(super) slot: Slot,
    /// Periods at the start that are not simulated, and those that are.
    pub(super) quiet: usize,
    pub(super) periods: usize,
    /// Periods between checkpoints; 0 where nothing is kept for a gradient.
    pub(super) stride: usize,
}

/// Does the work of every part with the links of which its nodes are buyers, and their letters.
fn each_buyer<F: Number, const L: usize, const W: usize>(
    ground: Ground<'_, F>,
    shards: &mut [Shard<F, L, W>],
    boxes: &mut [Vec<F>],
    work: impl Fn(&mut Shard<F, L, W>, Links<'_, F>, &mut [F]) + Sync,
) {
    let buyers = shards.iter_mut().zip(boxes);
    let fixed = ground.layout.parts.iter().zip(&ground.numbers.parts);
    each_part(
        ground.apart,
        buyers.zip(fixed),
        |((shard, letters), (part, numbers))| work(shard, links_of(part, numbers), letters),
    );
}

/// Periods before any capacity differs from 1: the steady state is a fixed point then, unless a node
/// aims at less inventory than it uses in a period. At least one period is left.
fn quiet<F: Number>(design: &Design, inputs: &Inputs<'_, F>, slot: Slot) -> usize {
    let (nodes, columns) = (design.steady.len(), design.column.len());
    let stocked = (slot.first..slot.last).all(|p| {
        let target = &inputs.target[p * nodes..][..nodes];
        let steady = design.steady.iter().map(|x| F::from_f64(*x));
        target.iter().zip(steady).all(|(n, x)| *n >= x)
    });
    if !stocked {
        return 0;
    }
    let rows = inputs.capacity.chunks_exact(columns);
    let first = |particle: usize| {
        let own = rows.clone().skip(particle * design.periods);
        own.take(design.periods)
            .position(|row| row.iter().any(|z| *z != F::ONE))
            .unwrap_or(design.periods)
    };
    let earliest = if inputs.capacity.len() == design.periods * columns {
        first(0)
    } else {
        (slot.first..slot.last).map(first).min().unwrap_or(0)
    };
    earliest.min(design.periods - 1)
}

/// What was locked by a thread that has panicked is set anew by the next run.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<F: Number, const L: usize, const W: usize> Block<F, L, W> {
    /// Particles in a row.
    const PARTICLES: usize = L / W;

    pub(super) fn new() -> Self {
        Self {
            shards: Vec::new(),
            tables: Vec::new(),
            common: Common::default(),
            boxes: Vec::new(),
            boxes_back: Vec::new(),
            sums: Vec::new(),
            panel: Vec::new(),
            stride: 0,
            quiet: 0,
        }
    }

    /// Simulates all periods; `keep` for a gradient that is to follow. `see` is told each period; a run that is
    /// stopped ends early, too.
    pub(super) fn forward(
        &mut self,
        ground: Ground<'_, F>,
        inputs: &Inputs<'_, F>,
        slot: Slot,
        keep: bool,
        see: &mut See<'_>,
    ) {
        let Ground { design, layout, .. } = ground;
        self.quiet = quiet(design, inputs, slot);
        let periods = design.periods - self.quiet;
        self.stride = 0;
        if keep {
            // All blocks keep theirs at once.
            let links: usize = layout.parts.iter().map(|p| p.link.len() / W).sum();
            let blocks = inputs.particles.div_ceil(Self::PARTICLES);
            let bytes = blocks * links * size_of::<[F; L]>();
            self.stride = design.checkpoint.stride(periods, bytes, available_memory);
        }
        let cells = design.groups * Self::PARTICLES;
        if self.quiet > 0 {
            self.see_steady(design, cells);
            if !(0..self.quiet).all(|t| see(t, &self.sums)) {
                return;
            }
        }
        self.shards.resize_with(layout.parts.len(), Shard::default);
        self.tables.resize_with(layout.parts.len(), Table::default);
        let run = self.run(design, inputs, slot);
        if layout.mail() {
            return self.forward_by_mail(ground, run, see);
        }
        let seen = if keep { periods } else { 1 };
        self.common.start::<L>(layout, seen * cells);
        let see = Mutex::new(Some(see));
        self.together(ground, run, |mut worker| {
            let first = worker.member.is_first();
            let see = first.then(|| lock(&see).take()).flatten();
            worker.forward(see);
        });
    }

    fn run<'a>(&self, design: &Design, inputs: &'a Inputs<'a, F>, slot: Slot) -> Run<'a, F> {
        Run {
            inputs,
            slot,
            quiet: self.quiet,
            periods: design.periods - self.quiet,
            stride: self.stride,
        }
    }

    /// Sums the steady output to groups.
    fn see_steady(&mut self, design: &Design, cells: usize) {
        self.sums.clear();
        self.sums.resize(cells, 0.0);
        for (x, g) in design.steady.iter().zip(&design.group) {
            for y in &mut self.sums[*g as usize * Self::PARTICLES..][..Self::PARTICLES] {
                *y += *x;
            }
        }
        round::<F>(&mut self.sums);
    }

    /// Has the threads of a run do their parts.
    fn together(
        &mut self,
        ground: Ground<'_, F>,
        run: Run<'_, F>,
        work: impl Fn(Worker<'_, F, L, W>) + Sync,
    ) {
        let parts = self.shards.len();
        let common = &self.common;
        let shards: Vec<_> = self.shards.iter_mut().map(Mutex::new).collect();
        let tables: Vec<_> = self.tables.iter_mut().map(Mutex::new).collect();
        meet(if ground.apart { parts } else { 1 }, |member| {
            let own = member.parts(parts);
            let mut shards: Vec<_> = shards[own.clone()].iter().map(lock).collect();
            work(Worker {
                ground,
                run,
                member,
                shards: shards.iter_mut().map(|shard| &mut ***shard).collect(),
                table: &mut lock(&tables[own.start]),
                common,
            });
        });
    }

    /// The gradient, given that of the panel, [period, group, particle of the block]; `to_capacity`
    /// takes [particle, period, column] where it is wanted.
    pub(super) fn backward(
        &mut self,
        ground: Ground<'_, F>,
        inputs: &Inputs<'_, F>,
        slot: Slot,
        panel: &[F],
        to_capacity: Option<&mut [F]>,
    ) {
        assert!(
            self.stride > 0,
            "a run without a gradient was asked for one"
        );
        let run = self.run(ground.design, inputs, slot);
        if ground.layout.mail() {
            return self.backward_by_mail(ground, run, panel, to_capacity);
        }
        let to_capacity = to_capacity.map(Mutex::new);
        self.together(ground, run, |mut worker| {
            worker.backward(panel, to_capacity.as_ref());
        });
    }

    /// `forward` of a network whose links have letters. A thread writes letters to all parts, so that every phase
    /// gives each thread what it writes in it.
    fn forward_by_mail(&mut self, ground: Ground<'_, F>, run: Run<'_, F>, see: &mut See<'_>) {
        let Ground {
            design,
            layout,
            numbers,
            apart,
        } = ground;
        let Run {
            inputs,
            slot,
            quiet,
            periods,
            stride,
        } = run;
        let (keep, whole) = (stride > 0, stride >= periods);
        let cells = design.groups * Self::PARTICLES;
        make_room::<F, 1>(&mut self.boxes, layout);
        let parts = layout.parts.iter().zip(&numbers.parts);
        each_part(
            apart,
            self.shards.iter_mut().zip(parts),
            |(shard, (part, numbers))| shard.start(part, numbers, run),
        );
        for t in 1..=periods {
            let (demand_at, output_at) = if keep {
                (t - 1, t - 1)
            } else {
                ((t - 1) & 1, 0)
            };
            each_part(
                apart,
                self.shards
                    .iter_mut()
                    .zip(desks::<F, 1>(&mut self.boxes, layout))
                    .zip(layout.parts.iter().zip(&numbers.parts)),
                |((shard, mut desk), (part, numbers))| {
                    shard.set_capacity(design, part, &numbers.full, inputs, slot, quiet + t);
                    let at = (demand_at, output_at);
                    shard.trade(design.scales_inputs, numbers, at, &mut desk, t == 1);
                    shard.observe(part, output_at, cells, false);
                },
            );
            self.sums.clear();
            self.sums.resize(cells, 0.0);
            for shard in &self.shards {
                for (sum, own) in self.sums.iter_mut().zip(&shard.sums) {
                    *sum += *own;
                }
            }
            round::<F>(&mut self.sums);
            let stop = design.stop.as_ref();
            if !see(quiet + t - 1, &self.sums) || stop.is_some_and(|s| s.load(Ordering::Relaxed)) {
                break;
            }
            if keep && !whole && (t - 1) % stride == 0 {
                for (shard, part) in self.shards.iter_mut().zip(&layout.parts) {
                    shard.save(part.link.len() / W, t - 1, stride);
                }
            }
            if t == periods {
                break;
            }
            each_buyer(
                ground,
                &mut self.shards,
                &mut self.boxes,
                |shard, links, letters| {
                    let demand_before = if keep { t.max(2) - 2 } else { t & 1 };
                    let at = (output_at, demand_at, demand_before);
                    let stock = if whole {
                        [t, t - 1, t + 1]
                    } else {
                        // Period t - 1 is read, t - 2 is overwritten by t.
                        [(t - 1) & 1, t & 1, t & 1]
                    };
                    shard.advance(layout, links, at, stock, &[], Some(letters));
                },
            );
        }
    }

    /// `backward` of such a network.
    fn backward_by_mail(
        &mut self,
        ground: Ground<'_, F>,
        run: Run<'_, F>,
        panel: &[F],
        mut to_capacity: Option<&mut [F]>,
    ) {
        let Ground {
            design,
            layout,
            numbers,
            apart,
        } = ground;
        let Run {
            inputs,
            slot,
            quiet,
            periods,
            stride,
        } = run;
        let cells = design.groups * Self::PARTICLES;
        make_room::<F, 2>(&mut self.boxes_back, layout);
        let shards = self.shards.iter_mut().zip(&layout.parts);
        each_part(apart, shards, |(shard, part)| shard.start_back(part));
        for t in (1..=periods).rev() {
            // The segment of checkpoint c holds the inventories of c-1 to c+stride-1.
            let c = (t - 1) / stride * stride;
            if stride < periods && (t == periods || t.is_multiple_of(stride)) {
                self.again_by_mail(ground, c, t - 1);
            }
            let at = |period: usize| period + 1 - c;
            if t < periods {
                each_buyer(
                    ground,
                    &mut self.shards,
                    &mut self.boxes_back,
                    |shard, links, letters| {
                        shard.retreat(layout, links, t, at(t - 1), &[], &[], Some(letters));
                    },
                );
            }
            let from_panel = &panel[(quiet + t - 1) * cells..][..cells];
            each_part(
                apart,
                self.shards
                    .iter_mut()
                    .zip(desks::<F, 2>(&mut self.boxes_back, layout))
                    .zip(layout.parts.iter().zip(&numbers.parts)),
                |((shard, mut desk), (part, numbers))| {
                    shard.set_capacity(design, part, &numbers.full, inputs, slot, quiet + t);
                    let back = Back {
                        part,
                        numbers,
                        scales_inputs: design.scales_inputs,
                        from_panel,
                        t,
                        stock_at: at(t - 1),
                    };
                    shard.trade_back(back, &mut desk, t == periods);
                },
            );
            if let Some(out) = to_capacity.as_deref_mut() {
                for (shard, part) in self.shards.iter().zip(&layout.parts) {
                    shard.put_capacity(design, part, quiet + t, out);
                }
            }
        }
        let parts = layout.parts.iter().zip(&numbers.parts);
        let shards = self.shards.iter_mut().zip(parts);
        each_part(apart, shards, |(shard, (part, numbers))| {
            shard.end_back(part, numbers);
        });
    }

    /// Simulates the inventories from checkpoint `c` to period `last` again, into the segment.
    fn again_by_mail(&mut self, ground: Ground<'_, F>, c: usize, last: usize) {
        let Ground { layout, apart, .. } = ground;
        for (shard, part) in self.shards.iter_mut().zip(&layout.parts) {
            shard.take_up(part.link.len() / W, c, self.stride);
        }
        for t in c + 1..=last {
            each_part(
                apart,
                self.shards
                    .iter_mut()
                    .zip(desks::<F, 1>(&mut self.boxes, layout)),
                |(shard, mut desk)| shard.send_shares(t, &mut desk),
            );
            each_buyer(
                ground,
                &mut self.shards,
                &mut self.boxes,
                |shard, links, letters| {
                    let at = (t - 1, t - 1, t.max(2) - 2);
                    let stock = [t - c, t - c - 1, t - c + 1];
                    shard.advance(layout, links, at, stock, &[], Some(letters));
                },
            );
        }
    }

    /// Puts the gradients of a block's particles into [particle, node] arrays that begin at the
    /// block's first particle.
    pub(super) fn gradients(
        &self,
        layout: &Layout,
        nodes: usize,
        target: &mut [F],
        rate: &mut [F],
    ) {
        for (shard, part) in self.shards.iter().zip(&layout.parts) {
            let found = (shard.to_target.as_flattened(), shard.to_rate.as_flattened());
            for (i, node) in part.node.iter().enumerate().filter(|(_, n)| **n != NONE) {
                for p in 0..target.len() / nodes {
                    let (to, from) = (p * nodes + *node as usize, i * Self::PARTICLES + p);
                    target[to] = found.0[from];
                    rate[to] = found.1[from];
                }
            }
        }
    }
}
