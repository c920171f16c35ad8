//! What stays fixed over runs: the links, the steady state, the groups, the horizon.

use super::cpu::Pool;
use std::fmt;
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

impl Checkpoint {
    /// Periods between two checkpoints, for runs that need `bytes` for each period kept.
    pub(crate) fn stride(self, periods: usize, bytes: usize) -> usize {
        match self {
            Checkpoint::All => periods,
            Checkpoint::Every(k) => k.clamp(1, periods),
            Checkpoint::Auto if bytes.saturating_mul(periods) <= available_memory() / 2 => periods,
            Checkpoint::Auto => ((2.0 * periods as f64).sqrt().ceil() as usize).clamp(1, periods),
        }
    }
}

/// Bytes of memory that can be had without swapping; 4 GB where the system does not tell.
fn available_memory() -> usize {
    let told = std::fs::read_to_string("/proc/meminfo")
        .ok()
        .and_then(|text| {
            let line = text.lines().find(|l| l.starts_with("MemAvailable:"))?;
            line.split_whitespace().nth(1)?.parse::<usize>().ok()
        });
    told.map_or(4 << 30, |kib| kib << 10)
}

/// Nodes of a part of the network that one thread works on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) first: usize,
    pub(super) last: usize,
}

/// The arrays of a design in one number format.
pub(super) struct Numbers<F> {
    pub(super) coefficient: Vec<F>,
    pub(super) outside: Vec<F>,
    pub(super) steady: Vec<F>,
    pub(super) full: Vec<F>,
    pub(super) pool: Pool<F>,
}

/// A design made ready, cheap to clone.
#[derive(Clone)]
pub(crate) struct Plan {
    inner: Arc<Inner>,
}

struct Inner {
    design: Design,
    parts: Vec<Part>,
    single: OnceLock<Numbers<f32>>,
    double: OnceLock<Numbers<f64>>,
}

/// Fewer links than this are faster on one thread.
const SMALL: usize = 5_000;
/// Parts of a larger network. Fixed, so that sums, and with them results, do not depend on the
/// number of threads.
const PARTS: usize = 4;

impl Plan {
    pub(crate) fn new(design: Design) -> Self {
        let nodes = design.steady.len();
        let links = design.supplier.len();
        assert_eq!(design.row.len(), nodes + 1);
        assert!(design.supplier.iter().all(|j| (*j as usize) < nodes));
        let wanted = if links < SMALL { 1 } else { PARTS };
        let mut parts = Vec::with_capacity(wanted);
        let mut first = 0;
        for k in 1..=wanted {
            let end = (links * k / wanted) as u32;
            let last = if k == wanted {
                nodes
            } else {
                design.row.partition_point(|r| *r < end).clamp(first, nodes)
            };
            parts.push(Part { first, last });
            first = last;
        }
        Self {
            inner: Arc::new(Inner {
                design,
                parts,
                single: OnceLock::new(),
                double: OnceLock::new(),
            }),
        }
    }

    pub(crate) fn design(&self) -> &Design {
        &self.inner.design
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.inner.parts
    }

    pub(super) fn single(&self) -> &Numbers<f32> {
        self.inner.single.get_or_init(|| numbers(self.design()))
    }

    pub(super) fn double(&self) -> &Numbers<f64> {
        self.inner.double.get_or_init(|| numbers(self.design()))
    }
}

fn numbers<F: super::cpu::Number>(design: &Design) -> Numbers<F> {
    let convert = |v: &[f64]| v.iter().map(|v| F::from_f64(*v)).collect();
    Numbers {
        coefficient: convert(&design.coefficient),
        outside: convert(&design.outside),
        steady: convert(&design.steady),
        full: convert(&design.full),
        pool: Pool::default(),
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
