//! Devices behind the engine's door: the simulation as an operation on burn's tensors.

use super::door::{Batch, Engine, Gradient, Inputs, Numbers, Tape};
use super::plan::Plan;
use super::{failure, panel};
use crate::error::Result;
use burn::tensor::{DType, Device, Tensor, TensorData, read_sync};
use std::future::poll_fn;
use std::task::Poll;

/// A device, of this machine or another.
pub(crate) struct Tensors {
    plan: Plan,
    device: Device,
}

impl Tensors {
    pub(crate) fn new(plan: Plan, device: Device) -> Self {
        Self { plan, device }
    }

    fn capacity(&self, inputs: &Inputs<'_>) -> Tensor<3> {
        let remaining = inputs.remaining;
        let made = || {
            let design = self.plan.design();
            let shape = [remaining.rows, design.periods, design.column.len()];
            let numbers = match &remaining.numbers {
                Numbers::Single(v) => v.clone(),
                Numbers::Double(v) => v.iter().map(|z| *z as f32).collect(),
            };
            let options = (&self.device, DType::F32);
            Tensor::from_data(TensorData::new(numbers, shape), options)
        };
        remaining.tensor.get_or_init(made).clone()
    }

    fn rows(&self, numbers: &[f32], particles: usize, device: &Device) -> Tensor<2> {
        let shape = [particles, numbers.len() / particles];
        let data = TensorData::new(numbers.to_vec(), shape);
        Tensor::from_data(data, (device, DType::F32))
    }
}

impl Engine for Tensors {
    fn panel(&self, inputs: &Inputs<'_>) -> Result<Vec<f64>> {
        let batch = Batch::<f32>::new(&self.plan.design().steady, inputs);
        let rows = |numbers: &[f32]| self.rows(numbers, batch.particles, &self.device);
        let (target, rate) = (rows(&batch.target), rows(&batch.rate));
        host(panel(&self.plan, target, rate, self.capacity(inputs)))
    }

    fn record<'a>(
        &'a self,
        inputs: &Inputs<'a>,
        wanted: bool,
    ) -> Result<(Vec<f64>, Box<dyn Tape + 'a>)> {
        let batch = Batch::<f32>::new(&self.plan.design().steady, inputs);
        let device = self.device.clone().autodiff();
        let leaf = |numbers: &[f32]| self.rows(numbers, batch.particles, &device).require_grad();
        let (target, rate) = (leaf(&batch.target), leaf(&batch.rate));
        let mut capacity = Tensor::<3>::from_inner(self.capacity(inputs));
        if wanted {
            capacity = capacity.require_grad();
        }
        let tensor = panel(&self.plan, target.clone(), rate.clone(), capacity.clone());
        let found = host(tensor.clone())?;
        let tape = Kept {
            engine: self,
            batch,
            leaves: (target, rate, capacity),
            panel: tensor,
            wanted,
        };
        Ok((found, Box::new(tape)))
    }
}

/// A run that was kept.
struct Kept<'a> {
    engine: &'a Tensors,
    batch: Batch<f32>,
    leaves: (Tensor<2>, Tensor<2>, Tensor<3>),
    panel: Tensor<3>,
    wanted: bool,
}

impl Tape for Kept<'_> {
    fn pull(self: Box<Self>, slope: &[f64]) -> Result<Gradient> {
        let shape = self.panel.dims();
        let numbers: Vec<f32> = slope.iter().map(|v| *v as f32).collect();
        let options = (&self.panel.device(), DType::F32);
        let slope = Tensor::<3>::from_data(TensorData::new(numbers, shape), options);
        let gradients = (self.panel * slope).sum().backward();
        let (target, rate, capacity) = &self.leaves;
        let flat = |tensor: Option<Tensor<2>>| tensor.map(|t| t.flatten::<1>(0, 1));
        let mut wanted = vec![flat(target.grad(&gradients)), flat(rate.grad(&gradients))];
        if self.wanted {
            let gradient = capacity.grad(&gradients);
            wanted.push(gradient.map(|t| t.flatten::<1>(0, 2)));
        }
        let sizes = [self.batch.target.len(), self.batch.rate.len()];
        let there: Vec<bool> = wanted.iter().map(Option::is_some).collect();
        let mut found = host_all(wanted.into_iter().flatten().collect())?.into_iter();
        let mut take = |k: usize| match there[k] {
            true => found.next().unwrap_or_default(),
            // No output depends on it.
            false => vec![
                0.0;
                sizes
                    .get(k)
                    .copied()
                    .unwrap_or(capacity.dims().iter().product())
            ],
        };
        let single = |v: Vec<f64>| -> Vec<f32> { v.into_iter().map(|g| g as f32).collect() };
        let (target, rate) = (single(take(0)), single(take(1)));
        let remaining = if self.wanted { take(2) } else { Vec::new() };
        let steady = &self.engine.plan.design().steady;
        Ok(self.batch.pull(steady, (&target, &rate), remaining))
    }
}

/// The numbers of a tensor, row by row, on the host in 64 bits. An error where the device fails.
fn host<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f64>> {
    let device = tensor.device();
    let data = tensor.try_into_data().map_err(|e| failure(&device, &e))?;
    Ok(numbers(&data))
}

/// The same of several tensors, all of which are asked for before the first is waited for.
fn host_all<const D: usize>(tensors: Vec<Tensor<D>>) -> Result<Vec<Vec<f64>>> {
    let Some(device) = tensors.first().map(|t| t.device()) else {
        return Ok(Vec::new());
    };
    let answers = tensors.into_iter().map(|t| Box::pin(t.into_data_async()));
    let mut waiting: Vec<_> = answers.map(|answer| (answer, None)).collect();
    read_sync(poll_fn(|context| {
        for (answer, data) in waiting.iter_mut().filter(|(_, data)| data.is_none()) {
            if let Poll::Ready(found) = answer.as_mut().poll(context) {
                *data = Some(found);
            }
        }
        match waiting.iter().all(|(_, data)| data.is_some()) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }));
    let all = waiting.into_iter().filter_map(|(_, data)| data);
    all.map(|data| Ok(numbers(&data.map_err(|e| failure(&device, &e))?)))
        .collect()
}

/// The numbers of a tensor on the host, row by row, in 64 bits.
fn numbers(data: &TensorData) -> Vec<f64> {
    match data.as_slice::<f32>() {
        Ok(numbers) => numbers.iter().map(|v| f64::from(*v)).collect(),
        Err(_) => data.iter::<f64>().collect(),
    }
}
