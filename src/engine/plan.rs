//! What stays fixed over runs: the links, the steady state, the groups, the horizon.

use super::cpu::{Autotuner, Pool, processors};
use crate::model::Model;
use std::fmt;
use std::ops::Range;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

/// How links and firms limit each other, and for how long: everything but the tensors of one run.
/// Raw arrays; nothing here knows what a firm or a group stands for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Design {
    /// First link of each firm's inputs, and the number of links, `[firm + 1]`. Links are sorted by
    /// the firm that buys.
    pub(crate) row: Vec<u32>,
    /// Firm that sells, `[link]`.
    pub(crate) supplier: Vec<u32>,
    /// Units of input per unit of output, `[link]`.
    pub(crate) coefficient: Vec<f64>,
    /// Demand from outside, units per period, `[firm]`.
    pub(crate) outside: Vec<f64>,
    /// Steady output, units per period, `[firm]`.
    pub(crate) steady: Vec<f64>,
    /// Output of a firm at full capacity, units per period, `[firm]`.
    pub(crate) full: Vec<f64>,
    /// Group that a firm's output is added to, `[firm]`.
    pub(crate) group: Vec<u32>,
    /// Float of groups.
    pub(crate) groups: usize,
    /// Firms whose capacity varies: the columns of the capacity tensor.
    pub(crate) column: Vec<u32>,
    /// Float of periods.
    pub(crate) periods: usize,
    /// The members of the model's families.
    pub(crate) model: Model,
    /// Which inventories are kept for the gradient.
    pub(crate) checkpoint: Checkpoint,
    /// Once it is true a run ends before its next period; the periods that are left are NaN. For
    /// runs without a gradient.
    pub(crate) stop: Option<Arc<AtomicBool>>,
}

impl Design {
    /// Whether the accumulators of a particle alone do not stay in the cache: its links have messages then.
    pub(super) fn is_large(&self) -> bool {
        self.steady.len() >= LARGE
    }
}

/// Which inventories a run keeps for its gradient. The gradient is the same, bit for bit, under
/// every policy; what differs is memory against one more simulation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checkpoint {
    /// All periods where they fit into half of the memory that is available, else every k-th with k
    /// about the square root of twice the number of periods.
    #[default]
    Auto,
    /// All periods: links x periods numbers a particle.
    All,
    /// Every k-th period; those between are simulated recompute.
    Every(usize),
}

/// Bytes that are there without asking.
const LITTLE: usize = 16 << 20;

impl Checkpoint {
    /// Periods between two checkpoints, for runs that need `bytes` of the `memory` for each period
    /// kept. It is asked for where it may matter: to prefetch takes as long as a small run.
    pub(crate) fn stride(
        self,
        periods: usize,
        bytes: usize,
        memory: impl FnOnce() -> usize,
    ) -> usize {
        let all = bytes.saturating_mul(periods);
        match self {
            Checkpoint::All => periods,
            Checkpoint::Every(k) => k.clamp(1, periods),
            Checkpoint::Auto if all <= LITTLE || all <= memory() / 2 => periods,
            Checkpoint::Auto => ((2.0 * periods as f64).sqrt().ceil() as usize).clamp(1, periods),
        }
    }
}

/// No firm or link: fills up a row.
pub(super) const PADDING: u32 = u32::MAX;

/// Where firms and links stand in the kernels' arrays: in rows of `width` firms side by side. The
/// firms of a row have about as many inputs; the k-th inputs of all of them make a row of links. A
/// position is `row x width + place in the row`.
pub(super) struct Layout {
    /// Rows of firms in all partitions.
    pub(super) rows: usize,
    pub(super) partitions: Vec<Partition>,
}

/// Firms of a partition of the network that one thread works on, and the links of which they are buyers.
pub(super) struct Partition {
    /// First row of the partition's firms among all.
    pub(super) first: usize,
    /// Rows of firms.
    pub(super) rows: usize,
    /// Rows of firms of all partitions.
    pub(super) all_rows: usize,
    /// First row of links of each row of firms, and their number, `[row + 1]`.
    pub(super) row: Vec<u32>,
    /// Firm at each position, or `PADDING`.
    pub(super) firm: Vec<u32>,
    /// Whether it has inputs.
    pub(super) fed: Vec<bool>,
    /// Group of each position.
    pub(super) group: Vec<u32>,
    /// Where a row is a firm: the first row of each group, and their number, `[group + 1]`.
    pub(super) first_member: Vec<u32>,
    /// (position in this partition, column of the capacity tensor).
    pub(super) columns: Vec<(u32, u32)>,
    /// Link at each position of the rows of links, or `PADDING`.
    pub(super) link: Vec<u32>,
    /// Position of its supplier among all partitions, where a row is several firms and links have no messages.
    pub(super) supplier: Vec<u16>,
    /// Else the place of each link's message, or that of its supplier where a row is a firm; those of `PREFETCH_DISTANCE` rows more,
    /// which are asked for and not read.
    pub(super) place: Vec<u32>,
    /// Positions of the suppliers from which many firms of the partition buy.
    pub(super) hubs: Vec<u32>,
    /// Bins of the partition's firms among those of all.
    pub(super) bins: Range<usize>,
    /// Who writes the messages of the partition's links, in large networks whose rows are several firms.
    pub(super) routing: Option<Routing>,
}

impl Partition {
    /// Its rows of firms among those of all partitions.
    pub(super) fn among_all(&self) -> Range<usize> {
        self.first..self.first + self.rows
    }
}

/// Where messages of a partition's links lie: sink `cpu::routing`.
pub(super) struct Routing {
    /// First place of each bin of all partitions, and the number of messages.
    pub(super) bin: Vec<u32>,
    /// Firm on its bin from which the message at each place comes.
    pub(super) firm: Vec<u16>,
}

impl Routing {
    /// Places of a bin.
    pub(super) fn on(&self, bin: usize) -> Range<usize> {
        self.bin[bin] as usize..self.bin[bin + 1] as usize
    }

    /// With the place of each link's message. `bins` has the first bin and position of each partition, and their numbers.
    fn new(supplier: &[u32], link: &[u32], bins: &[(usize, usize)]) -> (Self, Vec<u32>) {
        let count = bins.last().map_or(0, |s| s.0);
        let on = |position: u32| {
            let partition = bins.partition_point(|s| s.1 <= position as usize) - 1;
            let (bin, first) = bins[partition];
            let within = position as usize - first;
            (bin + within / BIN, (within % BIN) as u16)
        };
        let mut bin = vec![0u32; count + 1];
        let real = || link.iter().zip(supplier).filter(|(l, _)| **l != PADDING);
        for (_, position) in real() {
            bin[on(*position).0 + 1] += 1;
        }
        for k in 0..count {
            bin[k + 1] += bin[k];
        }
        let messages = bin[count];
        let mut next = bin.clone();
        let mut firm = vec![0; messages as usize];
        let place = link.iter().zip(supplier).map(|(link, position)| {
            // What fills up a row writes behind all messages.
            if *link == PADDING {
                return messages;
            }
            let (bin, within) = on(*position);
            let place = next[bin];
            firm[place as usize] = within;
            next[bin] += 1;
            place
        });
        let place = place.collect();
        (Self { bin, firm }, place)
    }
}

/// The numbers of a partition in one format, by position; 0 where nothing is.
pub(super) struct PartitionNumbers<F> {
    pub(super) coefficient: Vec<F>,
    pub(super) outside: Vec<F>,
    pub(super) steady: Vec<F>,
    pub(super) full: Vec<F>,
    /// 1 where a firm has no inputs.
    pub(super) unfed: Vec<F>,
}

/// The numbers of a layout's partitions, and the memory of runs on it.
pub(crate) struct Numbers<F> {
    pub(super) partitions: Vec<PartitionNumbers<F>>,
    pub(super) pool: Pool<F>,
    /// Of runs without a gradient and with one.
    pub(super) tuner: [Autotuner; 2],
    /// Of many runs after another or at once, a particle.
    pub(super) tuner_of_many: Autotuner,
}

/// A layout with its numbers in both formats.
#[derive(Default)]
struct Laid {
    layout: OnceLock<Layout>,
    single: OnceLock<Numbers<f32>>,
    double: OnceLock<Numbers<f64>>,
}

/// A design made ready, cheap to clone.
#[derive(Clone)]
pub(crate) struct Plan {
    inner: Arc<Inner>,
}

struct Inner {
    design: Design,
    /// Processors that runs are laid out for.
    processors: usize,
    /// One firm a row: particles stand side by side.
    narrow: Laid,
    /// `WIDE` firms a row, of one particle.
    wide: Laid,
    #[cfg(feature = "cube")]
    cube: OnceLock<super::cube::Layout>,
    #[cfg(feature = "cube")]
    devices: super::cube::OnDevices,
    #[cfg(feature = "remote")]
    servers: super::remote::OnServers,
}

/// Firms side by side where there is one particle.
pub(super) const WIDE: usize = 8;
/// With more customers in a partition a supplier is a hub, whose sums are taken in stages.
const HUB: u32 = 512;
/// Rows of links between asking memory for what suppliers tell and reading it; of capacities, which take less, twice as
/// many.
pub(super) const PREFETCH_DISTANCE: usize = 12;
/// Firms on a bin: their sums stay in the cache.
pub(super) const BIN: usize = 1 << 14;
/// With so many firms the accumulators of a particle alone do not stay in the cache.
const LARGE: usize = 20_000;
/// From so many links on a network is in so many partitions, one for each processor at most: of one particle, of several
/// (which keep threads busy by themselves).
const BROAD: [(usize, usize); 3] = [(2_000, 2), (8_000, 4), (25_000, 8)];
const NARROW: [(usize, usize); 1] = [(500_000, 8)];
/// Rows of links that take as long as what firms do by themselves.
const FIRM: usize = 4;
/// No network is in more partitions. Those whose links have messages are in so many if there are as many processors.
pub(super) const MOST_PARTITIONS: usize = 16;

impl Plan {
    pub(crate) fn new(design: Design) -> Self {
        Self::on(processors(), design)
    }

    /// For so many processors: results are the same for any number of threads, but not of processors, as sums are then
    /// taken in another order.
    pub(super) fn on(processors: usize, design: Design) -> Self {
        let (firms, links) = (design.steady.len(), design.supplier.len());
        assert_eq!(design.row.len(), firms + 1);
        assert!(links < PADDING as usize && design.supplier.iter().all(|j| (*j as usize) < firms));
        Self {
            inner: Arc::new(Inner {
                design,
                processors,
                narrow: Laid::default(),
                wide: Laid::default(),
                #[cfg(feature = "cube")]
                cube: OnceLock::new(),
                #[cfg(feature = "cube")]
                devices: super::cube::OnDevices::default(),
                #[cfg(feature = "remote")]
                servers: super::remote::OnServers::default(),
            }),
        }
    }

    pub(crate) fn design(&self) -> &Design {
        &self.inner.design
    }

    pub(super) fn processors(&self) -> usize {
        self.inner.processors
    }

    #[cfg(feature = "cube")]
    pub(super) fn layout_on_devices(&self) -> &super::cube::Layout {
        let make = || super::cube::Layout::new(self.design());
        self.inner.cube.get_or_init(make)
    }

    #[cfg(feature = "cube")]
    pub(super) fn on_devices(&self) -> &super::cube::OnDevices {
        &self.inner.devices
    }

    #[cfg(feature = "remote")]
    pub(super) fn on_servers(&self) -> &super::remote::OnServers {
        &self.inner.servers
    }

    fn laid(&self, width: usize) -> &Laid {
        if width == 1 {
            &self.inner.narrow
        } else {
            &self.inner.wide
        }
    }

    pub(super) fn layout(&self, width: usize) -> &Layout {
        let make = || Layout::new(self.design(), width, self.processors());
        self.laid(width).layout.get_or_init(make)
    }

    pub(super) fn single(&self, width: usize) -> &Numbers<f32> {
        let make = || numbers(self.design(), self.layout(width));
        self.laid(width).single.get_or_init(make)
    }

    pub(super) fn double(&self, width: usize) -> &Numbers<f64> {
        let make = || numbers(self.design(), self.layout(width));
        self.laid(width).double.get_or_init(make)
    }
}

impl Layout {
    /// Whether links have messages.
    pub(super) fn routing(&self) -> bool {
        self.partitions.iter().any(|p| p.routing.is_some())
    }

    fn new(design: &Design, width: usize, processors: usize) -> Self {
        let (firms, links) = (design.steady.len(), design.supplier.len());
        let messages = width > 1 && design.is_large();
        let cuts: &[_] = match width {
            // Every partition has accumulators of all firms, which are many.
            1 if design.is_large() => &[],
            1 => &NARROW,
            _ if messages => &[(0, MOST_PARTITIONS)],
            _ => &BROAD,
        };
        let reached = cuts.iter().filter(|(least, _)| links >= *least);
        let most = reached
            .map(|(_, partitions)| *partitions)
            .max()
            .unwrap_or(1);
        let partitions = match processors {
            1 => 1,
            // Those with messages cost nothing: two for each, so that a processor which is disturbed gives work away.
            p if messages && 2 * p <= most => 2 * p,
            p => p.min(most),
        };
        let degree = |i: u32| design.row[i as usize + 1] - design.row[i as usize];
        let mut customers = vec![0u32; firms];
        for j in &design.supplier {
            customers[*j as usize] += 1;
        }
        // A row's firms have about as many inputs, so that rows are filled evenly, and customers. Where a row is one firm,
        // those of a group come one after the other, in every partition: `first_member` counts on it, and they often have
        // the same suppliers, whose accumulators then stay in the cache.
        let mut order: Vec<u32> = (0..firms as u32).collect();
        order.sort_by_key(|i| {
            let group = if width == 1 {
                design.group[*i as usize]
            } else {
                0
            };
            let busy = (degree(*i), customers[*i as usize]);
            (group, std::cmp::Reverse(busy))
        });
        let mut rows: Vec<&[u32]> = order.chunks(width).collect();
        if width > 1 {
            // Rows that many buy from lie together: most of what links read stays in the cache.
            let sold = |row: &&[u32]| row.iter().map(|i| customers[*i as usize]).sum::<u32>();
            rows.sort_by_cached_key(|row| std::cmp::Reverse(sold(row)));
        }
        // Each goes to the partition that has least to do so far, the longest first: partitions are then equal.
        let longest = |row: &[u32]| row.iter().map(|i| degree(*i)).max().unwrap_or(0) as usize;
        let mut work: Vec<(usize, usize)> = rows
            .iter()
            .map(|row| longest(row) + FIRM)
            .enumerate()
            .collect();
        work.sort_by_key(|(_, work)| std::cmp::Reverse(*work));
        let mut given = vec![0; partitions];
        let mut partition_of = vec![0; rows.len()];
        for (row, work) in work {
            let least = (0..partitions)
                .min_by_key(|partition| given[*partition])
                .unwrap_or(0);
            given[least] += work;
            partition_of[row] = least;
        }
        let mut dealt: Vec<Vec<u32>> = vec![Vec::new(); partitions];
        for (row, partition) in rows.iter().zip(partition_of) {
            let firm = &mut dealt[partition];
            firm.extend_from_slice(row);
            firm.resize(firm.len().next_multiple_of(width), PADDING);
        }
        let (mut first, mut bins) = (0, 0);
        let mut made: Vec<Partition> = dealt
            .into_iter()
            .map(|firm| {
                let mut partition = Partition {
                    first,
                    rows: firm.len() / width,
                    all_rows: 0,
                    row: vec![0],
                    fed: Vec::with_capacity(firm.len()),
                    group: Vec::with_capacity(firm.len()),
                    first_member: Vec::new(),
                    columns: Vec::new(),
                    link: Vec::new(),
                    supplier: Vec::new(),
                    place: Vec::new(),
                    hubs: Vec::new(),
                    bins: bins..bins + firm.len().div_ceil(BIN),
                    routing: None,
                    firm,
                };
                first += partition.rows;
                bins = partition.bins.end;
                for firms in partition.firm.chunks_exact(width) {
                    let inputs = |i: u32| if i == PADDING { 0 } else { degree(i) };
                    let most = firms.iter().map(|i| inputs(*i)).max().unwrap_or(0);
                    for k in 0..most {
                        partition.link.extend(firms.iter().map(|i| {
                            if k < inputs(*i) {
                                design.row[*i as usize] + k
                            } else {
                                PADDING
                            }
                        }));
                    }
                    partition.row.push((partition.link.len() / width) as u32);
                    partition.fed.extend(firms.iter().map(|i| inputs(*i) > 0));
                    let group = |i: u32| {
                        if i == PADDING {
                            0
                        } else {
                            design.group[i as usize]
                        }
                    };
                    partition.group.extend(firms.iter().map(|i| group(*i)));
                }
                if width == 1 {
                    let first = |g| partition.group.partition_point(|of| *of < g) as u32;
                    partition.first_member = (0..=design.groups as u32).map(first).collect();
                }
                partition
            })
            .collect();
        let mut position = vec![0u32; firms];
        for partition in &made {
            for (k, i) in partition
                .firm
                .iter()
                .enumerate()
                .filter(|(_, i)| **i != PADDING)
            {
                position[*i as usize] = (partition.first * width + k) as u32;
            }
        }
        let bins: Vec<(usize, usize)> = made
            .iter()
            .map(|partition| (partition.bins.start, partition.first * width))
            .chain([(bins, first * width)])
            .collect();
        for partition in &mut made {
            partition.all_rows = first;
            // What fills up a row names its own firm: were it the same for all, additions of nothing
            // would wait for each other.
            let own = partition
                .row
                .windows(2)
                .zip(partition.first..)
                .flat_map(|(of, row)| {
                    let lanes = (of[0]..of[1]).flat_map(|_| 0..width);
                    lanes.map(move |lane| (row * width + lane) as u32)
                });
            let supplier = |(e, own): (&u32, u32)| match *e {
                PADDING => own,
                e => position[design.supplier[e as usize] as usize],
            };
            let supplier: Vec<u32> = partition.link.iter().zip(own).map(supplier).collect();
            if messages {
                let (routing, place) = Routing::new(&supplier, &partition.link, &bins);
                (partition.routing, partition.place) = (Some(routing), place);
            } else {
                let mut sold = vec![0u32; first * width];
                let real = partition.link.iter().zip(&supplier);
                for (_, at) in real.filter(|(link, _)| **link != PADDING) {
                    sold[*at as usize] += 1;
                }
                let places = 0..sold.len() as u32;
                partition.hubs = places.filter(|at| sold[*at as usize] > HUB).collect();
                if width == 1 {
                    partition.place = supplier;
                } else {
                    let narrow = |at: &u32| {
                        u16::try_from(*at).expect("fewer firms than large networks have")
                    };
                    partition.supplier = supplier.iter().map(narrow).collect();
                }
            }
            partition
                .place
                .resize(partition.place.len() + PREFETCH_DISTANCE * width, 0);
            let range = partition.first * width..(partition.first + partition.rows) * width;
            let columns = design.column.iter().enumerate().filter_map(|(c, i)| {
                let at = position[*i as usize] as usize;
                range
                    .contains(&at)
                    .then(|| ((at - range.start) as u32, c as u32))
            });
            partition.columns = columns.collect();
            partition.columns.sort_unstable();
        }
        Self {
            rows: first,
            partitions: made,
        }
    }
}

fn numbers<F: super::cpu::Float>(design: &Design, layout: &Layout) -> Numbers<F> {
    let take = |from: &[f64], at: &[u32]| -> Vec<F> {
        let one = |i: &u32| match *i {
            PADDING => F::ZERO,
            i => F::of(from[i as usize]),
        };
        at.iter().map(one).collect()
    };
    Numbers {
        partitions: layout
            .partitions
            .iter()
            .map(|partition| PartitionNumbers {
                coefficient: take(&design.coefficient, &partition.link),
                outside: take(&design.outside, &partition.firm),
                steady: take(&design.steady, &partition.firm),
                full: take(&design.full, &partition.firm),
                unfed: partition
                    .fed
                    .iter()
                    .map(|fed| F::of(f64::from(!fed)))
                    .collect(),
            })
            .collect(),
        pool: Pool::default(),
        tuner: Default::default(),
        tuner_of_many: Autotuner::default(),
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let design = self.design();
        write!(
            f,
            "Plan({} firms, {} links)",
            design.steady.len(),
            design.supplier.len()
        )
    }
}
