//! The simulation of the whole horizon as a differentiable operation on burn's tensors, for those who train modules
//! through it or compose a loss of their own.

use super::panel;
use super::plan::Plan;
use crate::error::{Error, Result};
use burn::tensor::{DType, Device, Tensor, TensorData};

/// A scenario on an economy as one operation on burn's tensors: behaviour in, panel out, with the gradient of the
/// kernels. `bullwhip::simulate::differentiable` makes it.
///
/// ```
/// use burn::tensor::Tensor;
/// use bullwhip::prelude::*;
/// use bullwhip::simulate::differentiable;
///
/// let network = Network::synthetic(&Synthetic { firms: 20, ..Synthetic::default() })?;
/// let shock = Shock::random(&network, 3, 0.3, 5, 1);
/// let simulation = Simulation { periods: 12, device: Device::Cpu, ..Simulation::default() };
/// let simulator = differentiable(&network, &shock, &simulation)?;
///
/// // One particle; its inventories are to be learnt.
/// let device = simulator.device().autodiff();
/// let stocks = Tensor::<2>::full([1, 20], 2.5, &device).require_grad();
/// let times = Tensor::<2>::full([1, 20], 6.0, &device);
/// let panel = simulator.panel(stocks.clone(), times, None)?;
/// let slopes = stocks.grad(&panel.sum().backward()).expect("output depends on stocks");
/// assert_eq!(slopes.dims(), [1, 20]);
/// # Ok::<(), bullwhip::Error>(())
/// ```
#[derive(Debug)]
pub struct Differentiable {
    plan: Plan,
    device: Device,
    dtype: DType,
    /// The scenario's own share of capacity that is left, [period, column].
    remaining: Vec<f64>,
}

impl Differentiable {
    pub(crate) fn new(plan: Plan, device: Device, double: bool, remaining: Vec<f64>) -> Self {
        Self {
            plan,
            device,
            dtype: if double { DType::F64 } else { DType::F32 },
            remaining,
        }
    }

    /// The device on which tensors must be, or its `autodiff()`.
    pub fn device(&self) -> Device {
        self.device.clone()
    }

    /// The firms whose capacity varies, by index, in the order of `remaining`'s columns: those that an event hits, or
    /// firm 0 where none is.
    pub fn hit(&self) -> Vec<usize> {
        let columns = self.plan.design().column.iter();
        columns.map(|i| *i as usize).collect()
    }

    /// The share of capacity that the scenario leaves, [1, period, column].
    pub fn remaining(&self) -> Tensor<3> {
        let design = self.plan.design();
        let shape = [1, design.periods, design.column.len()];
        let data = TensorData::new(self.remaining.clone(), shape).convert_dtype(self.dtype);
        Tensor::from_data(data, (&self.device, self.dtype))
    }

    /// The panels, [particle, period, group], units per period, in the order of `Network::groups`, of firms with
    /// these target inventories n, in periods of use, and adjustment times τ, in periods, both [particle, firm].
    /// `remaining` takes the place of the scenario's share of capacity that is left, [particle or 1, period, column].
    /// Differentiable in all three. An error where shapes do not fit.
    ///
    /// Values are not looked at: one that is not finite makes its particle's panel NaN.
    pub fn panel(
        &self,
        target_inventory: Tensor<2>,
        adjustment_time: Tensor<2>,
        remaining: Option<Tensor<3>>,
    ) -> Result<Tensor<3>> {
        let design = self.plan.design();
        let firms = design.steady.len();
        let [particles, _] = target_inventory.dims();
        for (name, found) in [
            ("target_inventory", target_inventory.dims()),
            ("adjustment_time", adjustment_time.dims()),
        ] {
            if found != [particles, firms] || particles == 0 {
                return Err(Error::new(
                    name,
                    format!("its shape is {found:?}, and there are {firms} firms"),
                    "give a row of one number a firm for each particle",
                ));
            }
        }
        let device = target_inventory.device();
        let remaining = match remaining {
            Some(remaining) => remaining,
            None if device == self.device => self.remaining(),
            None => Tensor::from_inner(self.remaining()),
        };
        let (periods, columns) = (design.periods, design.column.len());
        let found = remaining.dims();
        if found[1..] != [periods, columns] || !(found[0] == 1 || found[0] == particles) {
            return Err(Error::new(
                "remaining",
                format!(
                    "its shape is {found:?}, and there are {periods} periods and {columns} firms that are hit"
                ),
                "give [particle or 1, period, column], with a column for each of Differentiable::hit",
            ));
        }
        let steady = TensorData::new(design.steady.clone(), [1, firms]).convert_dtype(self.dtype);
        let steady = Tensor::<2>::from_data(steady, (&device, self.dtype));
        let target = target_inventory * steady;
        Ok(panel(
            &self.plan,
            target,
            adjustment_time.recip(),
            remaining,
        ))
    }
}
