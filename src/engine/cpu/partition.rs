//! Where the numbers of firms and links lie in the kernels' arrays: partitions, rows and bins.

use super::super::plan::{Design, PADDING, Plan};
use super::block::Pool;
use super::{Autotuner, Float, processors};
use std::ops::Range;
use std::sync::OnceLock;

/// Places of firms and links in the kernels' arrays: SELL-C-sigma slices (Kreutzer et al. 2014) with C = `width`,
/// sorted over all firms. A slice is called a row of firms. The firms of a row have about as many inputs, and the
/// k-th inputs of all of them form a row of links. A position is `row x width + lane`.
pub(super) struct Layout {
    /// Rows of firms in all partitions.
    pub(super) rows: usize,
    pub(super) partitions: Vec<Partition>,
}

/// Firms of the network that one thread works on, and the links on which these firms buy.
pub(super) struct Partition {
    /// First row of the partition's firms among the rows of all partitions.
    pub(super) first: usize,
    /// Rows of the partition's firms.
    pub(super) rows: usize,
    /// Rows of the firms of all partitions.
    pub(super) all_rows: usize,
    /// First row of links of each row of firms, and the number of rows of links, `[row + 1]`.
    pub(super) row: Vec<u32>,
    /// Firm at each position, or `PADDING`.
    pub(super) firm: Vec<u32>,
    /// Whether the firm at each position has inputs.
    pub(super) has_inputs: Vec<bool>,
    /// Group of the firm at each position.
    pub(super) group: Vec<u32>,
    /// Where a row is one firm: the first row of each group, and the number of rows, `[group + 1]`.
    pub(super) first_member: Vec<u32>,
    /// (position in this partition, column of the capacity tensor), sorted.
    pub(super) columns: Vec<(u32, u32)>,
    /// Link at each position of the rows of links, or `PADDING`.
    pub(super) link: Vec<u32>,
    /// Position of each link's supplier among all partitions, where a row is several firms and links have no
    /// messages; else empty.
    pub(super) supplier: Vec<u16>,
    /// Otherwise: the place of each link's message or, where a row is one firm, the position of its supplier.
    /// Entries of `PREFETCH_DISTANCE` more rows follow, which are prefetched and not read.
    pub(super) place: Vec<u32>,
    /// Positions of the hubs: suppliers with more than `HUB_CUSTOMERS` customers in the partition.
    pub(super) hubs: Vec<u32>,
    /// Bins of the partition's firms among the bins of all partitions.
    pub(super) bins: Range<usize>,
    /// Bins of the messages of the partition's links, in large networks whose rows are several firms.
    pub(super) routing: Option<Routing>,
}

impl Partition {
    /// The partition's rows of firms among those of all partitions.
    pub(super) fn among_all(&self) -> Range<usize> {
        self.first..self.first + self.rows
    }
}

/// Order of the messages of a partition's links: see `cpu::bins`.
pub(super) struct Routing {
    /// First place of each bin of all partitions, and the number of messages.
    pub(super) bin: Vec<u32>,
    /// Firm, numbered within its bin, that the message at each place comes from.
    pub(super) firm: Vec<u16>,
}

impl Routing {
    /// Places of the messages of a bin.
    pub(super) fn places(&self, bin: usize) -> Range<usize> {
        self.bin[bin] as usize..self.bin[bin + 1] as usize
    }

    /// The routing, and the place of each link's message. `bins` has the first bin and the first position of each
    /// partition, and then the numbers of bins and positions.
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
            // Padding writes to the place after all messages.
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

/// The numbers of a partition in one format, by position; 0 at padding.
pub(super) struct PartitionNumbers<F> {
    pub(super) coefficient: Vec<F>,
    pub(super) outside: Vec<F>,
    pub(super) steady: Vec<F>,
    pub(super) full: Vec<F>,
    /// 1 where a firm has no inputs, else 0.
    pub(super) unfed: Vec<F>,
}

/// The numbers of a layout's partitions, with the memory and the autotuners of its runs.
pub(crate) struct LayoutNumbers<F> {
    pub(super) partitions: Vec<PartitionNumbers<F>>,
    pub(super) pool: Pool<F>,
    /// Autotuners of single blocks: of runs without a gradient, and with one.
    pub(super) tuner: [Autotuner; 2],
    /// Autotuner of runs of many blocks; its times are per particle.
    pub(super) tuner_of_many: Autotuner,
}

/// A layout with its numbers in both formats, each made when it is first read.
#[derive(Default)]
struct LayoutWithNumbers {
    layout: OnceLock<Layout>,
    single: OnceLock<LayoutNumbers<f32>>,
    double: OnceLock<LayoutNumbers<f64>>,
}

/// The layouts of a plan.
pub(super) struct Layouts {
    /// Rows of one firm: lanes are particles.
    particle_lanes: LayoutWithNumbers,
    /// Rows of `FIRM_LANES` firms: lanes are firms of one particle.
    firm_lanes: LayoutWithNumbers,
    /// Threads that a run may have.
    pub(super) processors: usize,
}

impl Layouts {
    /// For runs on up to so many threads. Results are the same for any number of them.
    pub(super) fn for_processors(processors: usize) -> Self {
        Self {
            particle_lanes: LayoutWithNumbers::default(),
            firm_lanes: LayoutWithNumbers::default(),
            processors,
        }
    }

    pub(super) fn of(plan: &Plan) -> &Self {
        plan.cached(|_| Self::for_processors(processors()))
    }

    /// Those whose rows have `width` firms.
    fn of_width(&self, width: usize) -> &LayoutWithNumbers {
        if width == 1 {
            &self.particle_lanes
        } else {
            &self.firm_lanes
        }
    }

    pub(super) fn layout(&self, design: &Design, width: usize) -> &Layout {
        let make = || Layout::new(design, width);
        self.of_width(width).layout.get_or_init(make)
    }

    pub(super) fn single(&self, design: &Design, width: usize) -> &LayoutNumbers<f32> {
        let make = || numbers(design, self.layout(design, width));
        self.of_width(width).single.get_or_init(make)
    }

    pub(super) fn double(&self, design: &Design, width: usize) -> &LayoutNumbers<f64> {
        let make = || numbers(design, self.layout(design, width));
        self.of_width(width).double.get_or_init(make)
    }
}

/// Lanes of a row where lanes are firms.
pub(super) const FIRM_LANES: usize = 8;
/// A supplier with more customers in a partition is a hub: orders on it are added by blocked summation.
const HUB_CUSTOMERS: u32 = 512;
/// Prefetch distance of the offers, in rows of links. The prefetch distance of capacities, which take less time, is
/// twice as long.
pub(super) const PREFETCH_DISTANCE: usize = 12;
/// Firms of a bin: their sums fit into the cache.
pub(super) const BIN: usize = 1 << 14;
/// (Fewest links, partitions) where lanes are firms. Partitions are a property of the network, not of a machine:
/// sums depend on them. More of them than a machine has threads cost it some per cent.
const FIRM_LANE_PARTITIONS: [(usize, usize); 3] = [(2_000, 2), (100_000, 4), (400_000, 8)];
/// The same where lanes are particles: the blocks of particles keep threads busy by themselves.
const PARTICLE_LANE_PARTITIONS: [(usize, usize); 1] = [(500_000, 8)];
/// Time that the firms of a row take apart from their links, in rows of links.
const FIRM_ROW_COST: usize = 4;
/// No network has more partitions. Where links have messages a partition has a bin of firms or more, as more bins
/// would cost time.
pub(super) const MOST_PARTITIONS: usize = 16;

impl Layout {
    /// Whether links have messages.
    pub(super) fn has_messages(&self) -> bool {
        self.partitions.iter().any(|p| p.routing.is_some())
    }

    fn new(design: &Design, width: usize) -> Self {
        let firms = design.steady.len();
        let mut customers = vec![0u32; firms];
        for j in &design.supplier {
            customers[*j as usize] += 1;
        }
        let order = order(design, &customers, width);
        let mut rows: Vec<&[u32]> = order.chunks(width).collect();
        if width > 1 {
            // Rows of firms with many customers lie together: most of the offers that links read stay in the cache.
            let sold = |row: &&[u32]| row.iter().map(|i| customers[*i as usize]).sum::<u32>();
            rows.sort_by_cached_key(|row| std::cmp::Reverse(sold(row)));
        }
        let (mut first, mut bins) = (0, 0);
        let firms_of_partition = divide(design, &rows, width, partitions(design, width));
        let mut laid_out: Vec<Partition> = firms_of_partition
            .into_iter()
            .map(|firm| {
                let partition = Partition::new(design, firm, width, first, bins);
                first += partition.rows;
                bins = partition.bins.end;
                partition
            })
            .collect();
        let mut position = vec![0u32; firms];
        for partition in &laid_out {
            for (k, i) in partition
                .firm
                .iter()
                .enumerate()
                .filter(|(_, i)| **i != PADDING)
            {
                position[*i as usize] = (partition.first * width + k) as u32;
            }
        }
        let bins: Vec<(usize, usize)> = laid_out
            .iter()
            .map(|partition| (partition.bins.start, partition.first * width))
            .chain([(bins, first * width)])
            .collect();
        for partition in &mut laid_out {
            partition.all_rows = first;
            partition.place_links(design, width, &position, &bins);
            partition.place_columns(design, width, &position);
        }
        Self {
            rows: first,
            partitions: laid_out,
        }
    }
}

/// Number of partitions: a property of the network.
fn partitions(design: &Design, width: usize) -> usize {
    let (firms, links) = (design.steady.len(), design.supplier.len());
    let messages = width > 1 && design.is_large();
    let cuts: &[_] = match width {
        // Every partition has accumulators of all firms, which are many here.
        1 if design.is_large() => &[],
        1 => &PARTICLE_LANE_PARTITIONS,
        _ if messages => &[(0, 1 << (firms / BIN).clamp(1, MOST_PARTITIONS).ilog2())],
        _ => &FIRM_LANE_PARTITIONS,
    };
    let reached = cuts.iter().filter(|(least, _)| links >= *least);
    let found = reached.map(|(_, partitions)| *partitions).max();
    let partitions = found.unwrap_or(1);
    // Sums run along a binary tree of partitions.
    debug_assert!(partitions.is_power_of_two());
    partitions
}

/// Number of a firm's inputs.
fn degree(design: &Design, i: u32) -> u32 {
    design.row[i as usize + 1] - design.row[i as usize]
}

/// Firms in the order of their rows.
fn order(design: &Design, customers: &[u32], width: usize) -> Vec<u32> {
    let firms = design.steady.len();
    // The firms of a row have about as many inputs, so that rows have little padding, and about as many
    // customers. Where a row is one firm, the firms of a group follow each other in every partition:
    // `first_member` requires it, and firms of a group often have the same suppliers, whose accumulators then
    // stay in the cache.
    let mut order: Vec<u32> = (0..firms as u32).collect();
    order.sort_by_key(|i| {
        let group = if width == 1 {
            design.group[*i as usize]
        } else {
            0
        };
        let busy = (degree(design, *i), customers[*i as usize]);
        (group, std::cmp::Reverse(busy))
    });
    order
}

/// The firms of each partition, row by row.
fn divide(design: &Design, rows: &[&[u32]], width: usize, partitions: usize) -> Vec<Vec<u32>> {
    // The longest rows first, each row goes to the partition with the least work so far: partitions then have
    // equal work.
    let longest = |row: &[u32]| row.iter().map(|i| degree(design, *i)).max().unwrap_or(0) as usize;
    let mut work: Vec<(usize, usize)> = rows
        .iter()
        .map(|row| longest(row) + FIRM_ROW_COST)
        .enumerate()
        .collect();
    work.sort_by_key(|(_, work)| std::cmp::Reverse(*work));
    let mut load = vec![0; partitions];
    let mut partition_of = vec![0; rows.len()];
    for (row, work) in work {
        let least = (0..partitions)
            .min_by_key(|partition| load[*partition])
            .unwrap_or(0);
        load[least] += work;
        partition_of[row] = least;
    }
    let mut firms_of_partition: Vec<Vec<u32>> = vec![Vec::new(); partitions];
    for (row, partition) in rows.iter().zip(partition_of) {
        let firm = &mut firms_of_partition[partition];
        firm.extend_from_slice(row);
        firm.resize(firm.len().next_multiple_of(width), PADDING);
    }
    firms_of_partition
}

impl Partition {
    /// The partition of these firms, with the links on which they buy; `first` and `bins` are its first row and bin.
    fn new(design: &Design, firm: Vec<u32>, width: usize, first: usize, bins: usize) -> Self {
        let mut partition = Partition {
            first,
            rows: firm.len() / width,
            all_rows: 0,
            row: vec![0],
            has_inputs: Vec::with_capacity(firm.len()),
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
        for firms in partition.firm.chunks_exact(width) {
            let inputs = |i: u32| if i == PADDING { 0 } else { degree(design, i) };
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
            partition
                .has_inputs
                .extend(firms.iter().map(|i| inputs(*i) > 0));
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
    }

    /// Sets where links find their suppliers: positions or messages.
    fn place_links(
        &mut self,
        design: &Design,
        width: usize,
        position: &[u32],
        bins: &[(usize, usize)],
    ) {
        let messages = width > 1 && design.is_large();
        let first = self.all_rows;
        // Padding names the firm of its own lane. If all padding named one firm, its additions of 0 would wait
        // for each other.
        let own = self.row.windows(2).zip(self.first..).flat_map(|(of, row)| {
            let lanes = (of[0]..of[1]).flat_map(|_| 0..width);
            lanes.map(move |lane| (row * width + lane) as u32)
        });
        let supplier = |(e, own): (&u32, u32)| match *e {
            PADDING => own,
            e => position[design.supplier[e as usize] as usize],
        };
        let supplier: Vec<u32> = self.link.iter().zip(own).map(supplier).collect();
        if messages {
            let (routing, place) = Routing::new(&supplier, &self.link, bins);
            (self.routing, self.place) = (Some(routing), place);
        } else {
            let mut sold = vec![0u32; first * width];
            let real = self.link.iter().zip(&supplier);
            for (_, at) in real.filter(|(link, _)| **link != PADDING) {
                sold[*at as usize] += 1;
            }
            let places = 0..sold.len() as u32;
            self.hubs = places
                .filter(|at| sold[*at as usize] > HUB_CUSTOMERS)
                .collect();
            if width == 1 {
                self.place = supplier;
            } else {
                let narrow =
                    |at: &u32| u16::try_from(*at).expect("fewer firms than large networks have");
                self.supplier = supplier.iter().map(narrow).collect();
            }
        }
        let places = self.place.len() + PREFETCH_DISTANCE * width;
        self.place.resize(places, 0);
    }

    /// Sets the columns of the capacity tensor.
    fn place_columns(&mut self, design: &Design, width: usize, position: &[u32]) {
        let range = self.first * width..(self.first + self.rows) * width;
        let columns = design.column.iter().enumerate().filter_map(|(c, i)| {
            let at = position[*i as usize] as usize;
            range
                .contains(&at)
                .then(|| ((at - range.start) as u32, c as u32))
        });
        self.columns = columns.collect();
        self.columns.sort_unstable();
    }
}

fn numbers<F: Float>(design: &Design, layout: &Layout) -> LayoutNumbers<F> {
    let take = |from: &[f64], at: &[u32]| -> Vec<F> {
        let one = |i: &u32| match *i {
            PADDING => F::ZERO,
            i => F::of(from[i as usize]),
        };
        at.iter().map(one).collect()
    };
    LayoutNumbers {
        partitions: layout
            .partitions
            .iter()
            .map(|partition| PartitionNumbers {
                coefficient: take(&design.coefficient, &partition.link),
                outside: take(&design.outside, &partition.firm),
                steady: take(&design.steady, &partition.firm),
                full: take(&design.full, &partition.firm),
                unfed: partition
                    .has_inputs
                    .iter()
                    .map(|has_inputs| F::of(f64::from(!has_inputs)))
                    .collect(),
            })
            .collect(),
        pool: Pool::default(),
        tuner: Default::default(),
        tuner_of_many: Autotuner::default(),
    }
}
