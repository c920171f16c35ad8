//! What stays fixed over runs: the links, the steady state, the groups, the horizon.

use super::cpu::{Pace, Pool, processors};
use std::fmt;
use std::ops::Range;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

/// How links and nodes limit each other, and for how long: everything but the tensors of one run.
/// Raw arrays; nothing here knows what a node or a group stands for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Design {
    /// First link of each node's inputs, and the number of links, `[node + 1]`. Links are sorted by
    /// the node that buys.
    pub(crate) row: Vec<u32>,
    /// Node that sells, `[link]`.
    pub(crate) supplier: Vec<u32>,
    /// Units of input per unit of output, `[link]`.
    pub(crate) coefficient: Vec<f64>,
    /// Demand from outside, units per period, `[node]`.
    pub(crate) outside: Vec<f64>,
    /// Steady output, units per period, `[node]`.
    pub(crate) steady: Vec<f64>,
    /// Output of a node at full capacity, units per period, `[node]`.
    pub(crate) full: Vec<f64>,
    /// Group that a node's output is added to, `[node]`.
    pub(crate) group: Vec<u32>,
    /// Number of groups.
    pub(crate) groups: usize,
    /// Nodes whose capacity varies: the columns of the capacity tensor.
    pub(crate) column: Vec<u32>,
    /// Number of periods.
    pub(crate) periods: usize,
    /// Capacity multiplies what the inputs allow, instead of being a limit of its own.
    pub(crate) scales_inputs: bool,
    /// Which inventories are kept for the gradient.
    pub(crate) checkpoint: Checkpoint,
    /// Once it is true a run ends before its next period; the periods that are left are NaN. For
    /// runs without a gradient.
    pub(crate) stop: Option<Arc<AtomicBool>>,
}

impl Design {
    /// Whether the stalls of a particle alone do not stay in the cache: its links have letters then.
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
    /// Every k-th period; those between are simulated again.
    Every(usize),
}

/// Bytes that are there without asking.
const LITTLE: usize = 16 << 20;

impl Checkpoint {
    /// Periods between two checkpoints, for runs that need `bytes` of the `memory` for each period
    /// kept. It is asked for where it may matter: to ask takes as long as a small run.
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

/// No node or link: fills up a row.
pub(super) const NONE: u32 = u32::MAX;

/// Where nodes and links stand in the kernels' arrays: in rows of `width` nodes side by side. The
/// nodes of a row have about as many inputs; the k-th inputs of all of them make a row of links. A
/// position is `row x width + place in the row`.
pub(super) struct Layout {
    /// Rows of nodes in all parts.
    pub(super) rows: usize,
    pub(super) parts: Vec<Part>,
}

/// Nodes of a part of the network that one thread works on, and the links of which they are buyers.
pub(super) struct Part {
    /// First row of the part's nodes among all.
    pub(super) first: usize,
    /// Rows of nodes.
    pub(super) rows: usize,
    /// Rows of nodes of all parts.
    pub(super) all_rows: usize,
    /// First row of links of each row of nodes, and their number, `[row + 1]`.
    pub(super) row: Vec<u32>,
    /// Node at each position, or `NONE`.
    pub(super) node: Vec<u32>,
    /// Whether it has inputs.
    pub(super) fed: Vec<bool>,
    /// Group of each position.
    pub(super) group: Vec<u32>,
    /// Where a row is a node: the first row of each group, and their number, `[group + 1]`.
    pub(super) first_member: Vec<u32>,
    /// (position in this part, column of the capacity tensor).
    pub(super) columns: Vec<(u32, u32)>,
    /// Link at each position of the rows of links, or `NONE`.
    pub(super) link: Vec<u32>,
    /// Position of its supplier among all parts, where a row is several nodes and links have no letters.
    pub(super) supplier: Vec<u16>,
    /// Else the place of each link's letter, or that of its supplier where a row is a node; those of `AHEAD` rows more,
    /// which are asked for and not read.
    pub(super) place: Vec<u32>,
    /// Positions of the suppliers from which many nodes of the part buy.
    pub(super) hubs: Vec<u32>,
    /// Shelves of the part's nodes among those of all.
    pub(super) shelves: Range<usize>,
    /// Who writes the letters of the part's links, in large networks whose rows are several nodes.
    pub(super) mail: Option<Mail>,
}

impl Part {
    /// Its rows of nodes among those of all parts.
    pub(super) fn among_all(&self) -> Range<usize> {
        self.first..self.first + self.rows
    }
}

/// Where letters of a part's links lie: see `cpu::mail`.
pub(super) struct Mail {
    /// First place of each shelf of all parts, and the number of letters.
    pub(super) shelf: Vec<u32>,
    /// Node on its shelf from which the letter at each place comes.
    pub(super) node: Vec<u16>,
}

impl Mail {
    /// Places of a shelf.
    pub(super) fn on(&self, shelf: usize) -> Range<usize> {
        self.shelf[shelf] as usize..self.shelf[shelf + 1] as usize
    }

    /// With the place of each link's letter. `shelves` has the first shelf and position of each part, and their numbers.
    fn new(supplier: &[u32], link: &[u32], shelves: &[(usize, usize)]) -> (Self, Vec<u32>) {
        let count = shelves.last().map_or(0, |s| s.0);
        let on = |position: u32| {
            let part = shelves.partition_point(|s| s.1 <= position as usize) - 1;
            let (shelf, first) = shelves[part];
            let within = position as usize - first;
            (shelf + within / SHELF, (within % SHELF) as u16)
        };
        let mut shelf = vec![0u32; count + 1];
        let real = || link.iter().zip(supplier).filter(|(l, _)| **l != NONE);
        for (_, position) in real() {
            shelf[on(*position).0 + 1] += 1;
        }
        for k in 0..count {
            shelf[k + 1] += shelf[k];
        }
        let letters = shelf[count];
        let mut next = shelf.clone();
        let mut node = vec![0; letters as usize];
        let place = link.iter().zip(supplier).map(|(link, position)| {
            // What fills up a row writes behind all letters.
            if *link == NONE {
                return letters;
            }
            let (shelf, within) = on(*position);
            let place = next[shelf];
            node[place as usize] = within;
            next[shelf] += 1;
            place
        });
        let place = place.collect();
        (Self { shelf, node }, place)
    }
}

/// The numbers of a part in one format, by position; 0 where nothing is.
pub(super) struct PartNumbers<F> {
    pub(super) coefficient: Vec<F>,
    pub(super) outside: Vec<F>,
    pub(super) steady: Vec<F>,
    pub(super) full: Vec<F>,
    /// 1 where a node has no inputs.
    pub(super) unfed: Vec<F>,
}

/// The numbers of a layout's parts, and the memory of runs on it.
pub(crate) struct Numbers<F> {
    pub(super) parts: Vec<PartNumbers<F>>,
    pub(super) pool: Pool<F>,
    /// Of runs without a gradient and with one.
    pub(super) pace: [Pace; 2],
    /// Of many runs after another or at once, a particle.
    pub(super) pace_of_many: Pace,
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
    /// One node a row: particles stand side by side.
    narrow: Laid,
    /// `WIDE` nodes a row, of one particle.
    wide: Laid,
    #[cfg(feature = "cube")]
    cube: OnceLock<super::cube::Layout>,
    #[cfg(feature = "cube")]
    devices: super::cube::OnDevices,
    #[cfg(feature = "remote")]
    servers: super::remote::OnServers,
}

/// Nodes side by side where there is one particle.
pub(super) const WIDE: usize = 8;
/// With more customers in a part a supplier is a hub, whose sums are taken in stages.
const HUB: u32 = 512;
/// Rows of links between asking memory for what suppliers tell and reading it; of capacities, which take less, twice as
/// many.
pub(super) const AHEAD: usize = 12;
/// Nodes on a shelf: their sums stay in the cache.
pub(super) const SHELF: usize = 1 << 14;
/// With so many nodes the stalls of a particle alone do not stay in the cache.
const LARGE: usize = 20_000;
/// From so many links on a network is in so many parts, one for each processor at most: of one particle, of several
/// (which keep threads busy by themselves).
const BROAD: [(usize, usize); 3] = [(2_000, 2), (8_000, 4), (25_000, 8)];
const NARROW: [(usize, usize); 1] = [(500_000, 8)];
/// Rows of links that take as long as what nodes do by themselves.
const NODE: usize = 4;
/// No network is in more parts. Those whose links have letters are in so many if there are as many processors.
pub(super) const MOST_PARTS: usize = 16;

impl Plan {
    pub(crate) fn new(design: Design) -> Self {
        Self::on(processors(), design)
    }

    /// For so many processors: results are the same for any number of threads, but not of processors, as sums are then
    /// taken in another order.
    pub(super) fn on(processors: usize, design: Design) -> Self {
        let (nodes, links) = (design.steady.len(), design.supplier.len());
        assert_eq!(design.row.len(), nodes + 1);
        assert!(links < NONE as usize && design.supplier.iter().all(|j| (*j as usize) < nodes));
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
    /// Whether links have letters.
    pub(super) fn mail(&self) -> bool {
        self.parts.iter().any(|p| p.mail.is_some())
    }

    fn new(design: &Design, width: usize, processors: usize) -> Self {
        let (nodes, links) = (design.steady.len(), design.supplier.len());
        let letters = width > 1 && design.is_large();
        let cuts: &[_] = match width {
            // Every part has stalls of all nodes, which are many.
            1 if design.is_large() => &[],
            1 => &NARROW,
            _ if letters => &[(0, MOST_PARTS)],
            _ => &BROAD,
        };
        let reached = cuts.iter().filter(|(least, _)| links >= *least);
        let most = reached.map(|(_, parts)| *parts).max().unwrap_or(1);
        let parts = match processors {
            1 => 1,
            // Those with letters cost nothing: two for each, so that a processor which is disturbed gives work away.
            p if letters && 2 * p <= most => 2 * p,
            p => p.min(most),
        };
        let degree = |i: u32| design.row[i as usize + 1] - design.row[i as usize];
        let mut customers = vec![0u32; nodes];
        for j in &design.supplier {
            customers[*j as usize] += 1;
        }
        // A row's nodes have about as many inputs, so that rows are filled evenly, and customers. Where a row is one node,
        // those of a group come one after the other, in every part: `first_member` counts on it, and they often have
        // the same suppliers, whose stalls then stay in the cache.
        let mut order: Vec<u32> = (0..nodes as u32).collect();
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
        // Each goes to the part that has least to do so far, the longest first: parts are then equal.
        let longest = |row: &[u32]| row.iter().map(|i| degree(*i)).max().unwrap_or(0) as usize;
        let mut work: Vec<(usize, usize)> = rows
            .iter()
            .map(|row| longest(row) + NODE)
            .enumerate()
            .collect();
        work.sort_by_key(|(_, work)| std::cmp::Reverse(*work));
        let mut given = vec![0; parts];
        let mut part_of = vec![0; rows.len()];
        for (row, work) in work {
            let least = (0..parts).min_by_key(|part| given[*part]).unwrap_or(0);
            given[least] += work;
            part_of[row] = least;
        }
        let mut dealt: Vec<Vec<u32>> = vec![Vec::new(); parts];
        for (row, part) in rows.iter().zip(part_of) {
            let node = &mut dealt[part];
            node.extend_from_slice(row);
            node.resize(node.len().next_multiple_of(width), NONE);
        }
        let (mut first, mut shelves) = (0, 0);
        let mut made: Vec<Part> = dealt
            .into_iter()
            .map(|node| {
                let mut part = Part {
                    first,
                    rows: node.len() / width,
                    all_rows: 0,
                    row: vec![0],
                    fed: Vec::with_capacity(node.len()),
                    group: Vec::with_capacity(node.len()),
                    first_member: Vec::new(),
                    columns: Vec::new(),
                    link: Vec::new(),
                    supplier: Vec::new(),
                    place: Vec::new(),
                    hubs: Vec::new(),
                    shelves: shelves..shelves + node.len().div_ceil(SHELF),
                    mail: None,
                    node,
                };
                first += part.rows;
                shelves = part.shelves.end;
                for nodes in part.node.chunks_exact(width) {
                    let inputs = |i: u32| if i == NONE { 0 } else { degree(i) };
                    let most = nodes.iter().map(|i| inputs(*i)).max().unwrap_or(0);
                    for k in 0..most {
                        part.link.extend(nodes.iter().map(|i| {
                            if k < inputs(*i) {
                                design.row[*i as usize] + k
                            } else {
                                NONE
                            }
                        }));
                    }
                    part.row.push((part.link.len() / width) as u32);
                    part.fed.extend(nodes.iter().map(|i| inputs(*i) > 0));
                    let group = |i: u32| {
                        if i == NONE {
                            0
                        } else {
                            design.group[i as usize]
                        }
                    };
                    part.group.extend(nodes.iter().map(|i| group(*i)));
                }
                if width == 1 {
                    let first = |g| part.group.partition_point(|of| *of < g) as u32;
                    part.first_member = (0..=design.groups as u32).map(first).collect();
                }
                part
            })
            .collect();
        let mut position = vec![0u32; nodes];
        for part in &made {
            for (k, i) in part.node.iter().enumerate().filter(|(_, i)| **i != NONE) {
                position[*i as usize] = (part.first * width + k) as u32;
            }
        }
        let shelves: Vec<(usize, usize)> = made
            .iter()
            .map(|part| (part.shelves.start, part.first * width))
            .chain([(shelves, first * width)])
            .collect();
        for part in &mut made {
            part.all_rows = first;
            // What fills up a row names its own node: were it the same for all, additions of nothing
            // would wait for each other.
            let own = part.row.windows(2).zip(part.first..).flat_map(|(of, row)| {
                let lanes = (of[0]..of[1]).flat_map(|_| 0..width);
                lanes.map(move |lane| (row * width + lane) as u32)
            });
            let supplier = |(e, own): (&u32, u32)| match *e {
                NONE => own,
                e => position[design.supplier[e as usize] as usize],
            };
            let supplier: Vec<u32> = part.link.iter().zip(own).map(supplier).collect();
            if letters {
                let (mail, place) = Mail::new(&supplier, &part.link, &shelves);
                (part.mail, part.place) = (Some(mail), place);
            } else {
                let mut sold = vec![0u32; first * width];
                let real = part.link.iter().zip(&supplier);
                for (_, at) in real.filter(|(link, _)| **link != NONE) {
                    sold[*at as usize] += 1;
                }
                let places = 0..sold.len() as u32;
                part.hubs = places.filter(|at| sold[*at as usize] > HUB).collect();
                if width == 1 {
                    part.place = supplier;
                } else {
                    let narrow = |at: &u32| {
                        u16::try_from(*at).expect("fewer nodes than large networks have")
                    };
                    part.supplier = supplier.iter().map(narrow).collect();
                }
            }
            part.place.resize(part.place.len() + AHEAD * width, 0);
            let range = part.first * width..(part.first + part.rows) * width;
            let columns = design.column.iter().enumerate().filter_map(|(c, i)| {
                let at = position[*i as usize] as usize;
                range
                    .contains(&at)
                    .then(|| ((at - range.start) as u32, c as u32))
            });
            part.columns = columns.collect();
            part.columns.sort_unstable();
        }
        Self {
            rows: first,
            parts: made,
        }
    }
}

fn numbers<F: super::cpu::Number>(design: &Design, layout: &Layout) -> Numbers<F> {
    let take = |from: &[f64], at: &[u32]| -> Vec<F> {
        let one = |i: &u32| match *i {
            NONE => F::ZERO,
            i => F::from_f64(from[i as usize]),
        };
        at.iter().map(one).collect()
    };
    Numbers {
        parts: layout
            .parts
            .iter()
            .map(|part| PartNumbers {
                coefficient: take(&design.coefficient, &part.link),
                outside: take(&design.outside, &part.node),
                steady: take(&design.steady, &part.node),
                full: take(&design.full, &part.node),
                unfed: part
                    .fed
                    .iter()
                    .map(|fed| F::from_f64(f64::from(!fed)))
                    .collect(),
            })
            .collect(),
        pool: Pool::default(),
        pace: Default::default(),
        pace_of_many: Pace::default(),
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let design = self.design();
        write!(
            f,
            "Plan({} nodes, {} links)",
            design.steady.len(),
            design.supplier.len()
        )
    }
}
