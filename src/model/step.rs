//! One period of the model in plain tensors: the specification, and the oracle of any faster path.

use super::{Production, Shock};
use crate::network::{Csr, Network};
use crate::simulate::Precision;
use burn::tensor::{DType, Device, IndexingUpdateOp, Int, Tensor, TensorData};

/// What is carried from period to period. Links are in units of the buyer's output (S / A and
/// O / A), so that technical coefficients enter only where demand is summed.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// Inventory of each input, S_ij / A_ij, [particle, link], units of buyer output.
    pub(crate) inventory: Tensor<2>,
    /// Orders placed, O_ij / A_ij, [particle, link], units of buyer output per period.
    pub(crate) orders: Tensor<2>,
    /// Demand received D_j, [particle, firm], units per period.
    pub(crate) demand: Tensor<2>,
}

/// The constant tensors of an economy on one device.
pub(crate) struct Economy {
    pub(crate) device: Device,
    pub(crate) dtype: DType,
    /// Technical coefficient A_ij, [1, link].
    pub(crate) coefficient: Tensor<2>,
    final_demand: Tensor<2>,
    /// Steady output x0, [1, firm].
    pub(crate) steady: Tensor<2>,
    pub(crate) buyer: Tensor<1, Int>,
    supplier: Tensor<1, Int>,
    group: Tensor<1, Int>,
    groups: usize,
    levels: Levels,
}

/// Behaviour that stays fixed over a run, gathered to links once.
pub(crate) struct Behaviour {
    /// Target inventory n_i x0_i of each input, [particle, link].
    target: Tensor<2>,
    /// Adjustment time tau_i of the buyer, [particle, link].
    time: Tensor<2>,
}

impl Economy {
    pub(crate) fn new(network: &Network, device: &Device, precision: Precision) -> Self {
        let dtype = match precision {
            Precision::Single => DType::F32,
            Precision::Double => DType::F64,
        };
        let row = |v: &[f64]| row(v, device, dtype);
        Self {
            coefficient: row(network.coefficient()),
            final_demand: row(network.final_demand()),
            steady: row(network.output()),
            buyer: index(network.buyer(), device),
            supplier: index(network.supplier(), device),
            group: index(network.group(), device),
            groups: network.groups().len(),
            levels: Levels::new(network.by_buyer(), network.firms(), device),
            device: device.clone(),
            dtype,
        }
    }

    /// A constant row [1, n] on this economy's device.
    pub(crate) fn row(&self, values: &[f64]) -> Tensor<2> {
        row(values, &self.device, self.dtype)
    }

    fn zeros(&self, particles: usize, columns: usize) -> Tensor<2> {
        Tensor::zeros([particles, columns], (&self.device, self.dtype))
    }

    /// The steady state S = n A x0, O = A x0, D = x0, and what the firms aim at.
    /// `n` and `tau` are [particle, firm].
    pub(crate) fn start(&self, n: Tensor<2>, tau: Tensor<2>) -> (State, Behaviour) {
        let [particles, _] = n.dims();
        let steady = self.steady.clone().repeat_dim(0, particles);
        let target = (n * steady.clone()).select(1, self.buyer.clone());
        let state = State {
            inventory: target.clone(),
            orders: steady.clone().select(1, self.buyer.clone()),
            demand: steady,
        };
        let time = tau.select(1, self.buyer.clone());
        (state, Behaviour { target, time })
    }

    /// Remaining capacity z [particle, firm] in period `t`: the product over the events that have
    /// begun of 1 - delta exp(-lambda (t - t*)). `severity` and `recovery_rate` are
    /// [particle, hit], one column per (event, firm) pair of `shock`.
    pub(crate) fn capacity(
        &self,
        hits: &[Hits],
        severity: &Tensor<2>,
        recovery_rate: &Tensor<2>,
        t: usize,
    ) -> Tensor<2> {
        let [particles, firms] = [severity.dims()[0], self.steady.dims()[1]];
        let mut z = self.zeros(particles, firms).add_scalar(1.0);
        for event in hits.iter().filter(|e| t >= e.start && e.first < e.last) {
            let part = |v: &Tensor<2>| v.clone().slice([0..particles, event.first..event.last]);
            let age = (t - event.start) as f64;
            let lost = part(severity) * part(recovery_rate).mul_scalar(-age).exp();
            z = z.clone() - z * self.sum_into(firms, &event.firms, lost);
        }
        z
    }

    /// The same for the firms `columns`, sorted, over periods 1..=`periods`, [particle, period,
    /// column]; `severity` and `recovery_rate` may also be [1, hit].
    pub(crate) fn capacity_path(
        &self,
        hits: &[Hits],
        columns: &[u32],
        periods: usize,
        severity: &Tensor<2>,
        recovery_rate: &Tensor<2>,
    ) -> Tensor<3> {
        let particles = severity.dims()[0].max(recovery_rate.dims()[0]);
        let zeros = Tensor::<3>::zeros(
            [particles, periods, columns.len()],
            (&self.device, self.dtype),
        );
        let mut z = zeros.clone().add_scalar(1.0);
        for event in hits.iter().filter(|e| e.first < e.last) {
            let n = event.last - event.first;
            let part = |v: &Tensor<2>| -> Tensor<3> {
                let rows = v.dims()[0];
                let part = v.clone().slice([0..rows, event.first..event.last]);
                part.reshape([rows, 1, n])
            };
            let begun = |t: usize| t >= event.start;
            let age = |t: usize| {
                if begun(t) {
                    (t - event.start) as f64
                } else {
                    0.0
                }
            };
            let over_time = |f: &dyn Fn(usize) -> f64| -> Tensor<3> {
                let values: Vec<f64> = (1..=periods).map(f).collect();
                self.row(&values).reshape([1, periods, 1])
            };
            let kept = (part(recovery_rate) * over_time(&|t| -age(t))).exp();
            let lost = part(severity) * kept * over_time(&|t| f64::from(u8::from(begun(t))));
            let lost = if lost.dims()[0] < particles {
                lost.repeat_dim(0, particles)
            } else {
                lost
            };
            let place: Vec<u32> = event
                .hit
                .iter()
                .map(|i| columns.partition_point(|c| c < i) as u32)
                .collect();
            let place = index(&place, &self.device);
            let lost = zeros
                .clone()
                .select_assign(2, place, lost, IndexingUpdateOp::Add);
            z = z.clone() - z * lost;
        }
        z
    }

    /// One period (model, steps 2-6): the state at the end of it, and output x, [particle, firm].
    ///
    /// Where the minimum of production is tied, the gradient goes to demand first, then to
    /// capacity, then to the input whose link comes first.
    pub(crate) fn step_reference(
        &self,
        production: Production,
        slack: f64,
        state: &State,
        behaviour: &Behaviour,
        z: Tensor<2>,
    ) -> (State, Tensor<2>) {
        let State {
            inventory,
            orders,
            demand,
        } = state;
        let own = z.clone() * self.steady.clone().mul_scalar(1.0 + slack);
        let limit = match (self.levels.min(inventory), production) {
            (None, _) => own,
            (Some(inputs), Production::Capacity) => {
                self.levels.with_inputs(own.clone().min_pair(inputs), own)
            }
            (Some(inputs), Production::Paper) => self.levels.with_inputs(z * inputs, own),
        };
        let output = demand.clone().min_pair(limit);

        // 3. Deliveries in proportion to orders; nobody ordered where demand is zero.
        let idle = demand.clone().equal_elem(0.0);
        let share = output.clone() / demand.clone().mask_fill(idle, 1.0);
        let delivered = orders.clone() * share.select(1, self.supplier.clone());

        // 4. Inventories. Used before delivered, so that rounding cannot take them below zero.
        let used = output.clone().select(1, self.buyer.clone());
        let next_inventory = inventory.clone() - used + delivered;

        // 5. Orders: the demand received, and the gap to the target.
        let gap = (behaviour.target.clone() - inventory.clone()) / behaviour.time.clone();
        let next_orders =
            burn::tensor::activation::relu(demand.clone().select(1, self.buyer.clone()) + gap);

        // 6. Demand.
        let firms = self.steady.dims()[1];
        let ordered = next_orders.clone() * self.coefficient.clone();
        let next_demand = self.sum_into(firms, &self.supplier, ordered) + self.final_demand.clone();
        let next = State {
            inventory: next_inventory,
            orders: next_orders,
            demand: next_demand,
        };
        (next, output)
    }

    /// Output [particle, firm] summed to groups, [particle, group].
    pub(crate) fn observe(&self, output: Tensor<2>) -> Tensor<2> {
        self.sum_into(self.groups, &self.group, output)
    }

    /// Sums the columns of `values` into `columns` new ones.
    fn sum_into(&self, columns: usize, to: &Tensor<1, Int>, values: Tensor<2>) -> Tensor<2> {
        let [particles, n] = values.dims();
        let zeros = self.zeros(particles, columns);
        if n == 0 {
            return zeros;
        }
        zeros.select_assign(1, to.clone(), values, IndexingUpdateOp::Add)
    }
}

/// The (event, firm) pairs of one event, as columns `first..last` of the severity tensor.
pub(crate) struct Hits {
    start: usize,
    first: usize,
    last: usize,
    hit: Vec<u32>,
    firms: Tensor<1, Int>,
}

impl Hits {
    /// The events of `shock`, laid end to end.
    pub(crate) fn of(shock: &Shock, device: &Device) -> Vec<Hits> {
        let mut first = 0;
        shock
            .events
            .iter()
            .map(|event| {
                let firms: Vec<u32> = event.firms.iter().map(|f| *f as u32).collect();
                let hits = Hits {
                    start: event.start,
                    first,
                    last: first + firms.len(),
                    firms: index(&firms, device),
                    hit: firms,
                };
                first = hits.last;
                hits
            })
            .collect()
    }
}

/// The minimum over each buyer's inputs, by pairwise halving: exact, and a gather per level.
pub(crate) struct Levels {
    /// Columns to compare at each level; equal where a column has no partner.
    pairs: Vec<(Tensor<1, Int>, Tensor<1, Int>)>,
    /// Column of each firm's minimum after the last level (0 where it has no inputs), `[firm]`.
    result: Tensor<1, Int>,
    /// 1 where a firm has inputs, 0 where not, [1, firm].
    has_inputs: Tensor<2, Int>,
    any: bool,
}

impl Levels {
    fn new(by_buyer: &Csr, firms: usize, device: &Device) -> Self {
        let mut length: Vec<u32> = (0..firms).map(|i| by_buyer.degree(i) as u32).collect();
        let has: Vec<i64> = length.iter().map(|n| (*n > 0) as i64).collect();
        let any = has.contains(&1);
        let mut pairs = Vec::new();
        while length.iter().any(|n| *n > 1) {
            let (mut left, mut right, mut first) = (Vec::new(), Vec::new(), 0);
            for n in &mut length {
                for k in (0..*n).step_by(2) {
                    left.push(first + k);
                    right.push(first + (k + 1).min(*n - 1));
                }
                first += *n;
                *n = n.div_ceil(2);
            }
            pairs.push((index(&left, device), index(&right, device)));
        }
        let mut column = 0;
        let result: Vec<u32> = length
            .iter()
            .map(|n| {
                if *n == 0 {
                    0
                } else {
                    column += 1;
                    column - 1
                }
            })
            .collect();
        Self {
            pairs,
            result: index(&result, device),
            has_inputs: Tensor::from_data(TensorData::new(has, [1, firms]), device),
            any,
        }
    }

    /// Minimum over inputs, [particle, firm]; meaningless for firms without. None if no firm has.
    fn min(&self, values: &Tensor<2>) -> Option<Tensor<2>> {
        if !self.any {
            return None;
        }
        let halved = self.pairs.iter().fold(values.clone(), |v, (left, right)| {
            v.clone()
                .select(1, left.clone())
                .min_pair(v.select(1, right.clone()))
        });
        Some(halved.select(1, self.result.clone()))
    }

    /// `with` for firms that have inputs, `without` for the others.
    fn with_inputs(&self, with: Tensor<2>, without: Tensor<2>) -> Tensor<2> {
        let mask = self
            .has_inputs
            .clone()
            .repeat_dim(0, with.dims()[0])
            .equal_elem(1);
        without.mask_where(mask, with)
    }
}

fn row(values: &[f64], device: &Device, dtype: DType) -> Tensor<2> {
    let data = TensorData::new(values.to_vec(), [1, values.len()]).convert_dtype(dtype);
    Tensor::from_data(data, (device, dtype))
}

fn index(values: &[u32], device: &Device) -> Tensor<1, Int> {
    let values: Vec<i64> = values.iter().map(|v| i64::from(*v)).collect();
    let n = values.len();
    Tensor::from_data(TensorData::new(values, [n]), device)
}
