//! What stays fixed over runs: the links, the steady state, the groups, the horizon; and what backends make of it.

use crate::model::Kernel;
use std::any::Any;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// Everything that a run is computed from except its tensors: links, numbers of firms, groups, horizon, model.
/// Arrays are in the order of the network's firms and links.
#[derive(Clone, Debug, Default)]
pub(crate) struct Design {
    /// First link of each firm's inputs, and the number of links, `[firm + 1]`. Links are sorted by the firm that
    /// buys.
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
    /// Number of groups.
    pub(crate) groups: usize,
    /// Firms whose capacity varies: the columns of the capacity tensor.
    pub(crate) column: Vec<u32>,
    /// Number of periods.
    pub(crate) periods: usize,
    /// The members of the model's families.
    pub(crate) model: Kernel,
    /// Which inventories are kept for the gradient.
    pub(crate) checkpoint: Checkpoint,
    /// Once it is true a run ends before its next period; the periods that are left are NaN. For runs without a
    /// gradient.
    pub(crate) stop: Option<Arc<AtomicBool>>,
}

impl Design {
    /// Whether a run is asked to end before its next period.
    pub(super) fn is_stopped(&self) -> bool {
        let stop = self.stop.as_ref();
        stop.is_some_and(|stop| stop.load(Ordering::Relaxed))
    }

    /// Whether the accumulators of one particle do not fit into the cache. Links then have messages.
    pub(super) fn is_large(&self) -> bool {
        self.steady.len() >= LARGE_NETWORK
    }
}

/// Checkpointing with recomputation: which inventories a run keeps for its gradient. The gradient is the same, bit
/// for bit, under every policy; a policy trades memory against one more simulation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checkpoint {
    /// All periods where they fit into half of the memory that is available, else every k-th with k about the
    /// square root of twice the number of periods.
    #[default]
    Auto,
    /// All periods: links x periods numbers a particle.
    All,
    /// Every k-th period; the periods between are recomputed.
    Every(usize),
}

/// Bytes that are taken to be available without a look at the machine's memory.
const ALWAYS_AVAILABLE: usize = 16 << 20;

impl Checkpoint {
    /// Periods between two checkpoints, for runs that need `bytes` of the `memory` for each period kept. `memory`
    /// is called only where its result matters: the call takes as long as a small run.
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
            Checkpoint::Auto if all <= ALWAYS_AVAILABLE || all <= memory() / 2 => periods,
            Checkpoint::Auto => ((2.0 * periods as f64).sqrt().ceil() as usize).clamp(1, periods),
        }
    }
}

/// From this number of firms on the accumulators of one particle do not fit into the cache.
const LARGE_NETWORK: usize = 20_000;

/// Padding of a row: no firm, or no link.
pub(super) const PADDING: u32 = u32::MAX;

/// A design with what backends make of it, cheap to clone.
#[derive(Clone)]
pub(crate) struct Plan {
    inner: Arc<Inner>,
}

struct Inner {
    design: Design,
    /// Things of different types, in the order in which they were made.
    made: [OnceLock<Box<dyn Any + Send + Sync>>; MADE],
}

/// Types of what is made of a design: a few a backend.
const MADE: usize = 8;

impl Plan {
    pub(crate) fn new(design: Design) -> Self {
        let (firms, links) = (design.steady.len(), design.supplier.len());
        assert_eq!(design.row.len(), firms + 1);
        assert!(links < PADDING as usize && design.supplier.iter().all(|j| (*j as usize) < firms));
        Self {
            inner: Arc::new(Inner {
                design,
                made: Default::default(),
            }),
        }
    }

    pub(crate) fn design(&self) -> &Design {
        &self.inner.design
    }

    /// What a backend makes of the design, once. `make` makes nothing else of this kind.
    pub(super) fn cached<T: Any + Send + Sync>(&self, make: impl FnOnce(&Design) -> T) -> &T {
        let mut make = Some(make);
        let found = self.inner.made.iter().find_map(|place| {
            let made = place.get_or_init(|| {
                let make = make.take().expect("the first free place ends the search");
                Box::new(make(self.design()))
            });
            made.downcast_ref()
        });
        found.expect("a place for every type")
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
