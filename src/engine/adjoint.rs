//! The panel's node in burn's automatic differentiation, which calls a backend's hand-written adjoint.

use super::{Operation, Plan};
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend};
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

/// A backend's pass through all periods, which leaves a tape, and its adjoint pass, which reads the tape.
pub(super) trait Passes: Backend + Operation {
    type Tape: Send + 'static;

    /// The panel of target, rate and capacity, and the tape.
    fn forward(tensors: [FloatTensor<Self>; 3], plan: &Plan) -> (FloatTensor<Self>, Self::Tape);

    /// The gradients in target, rate and, where `with_capacity`, capacity, in the tensors' own shapes, given the
    /// gradient `panel` in the panel.
    fn backward(
        tape: &mut Self::Tape,
        panel: FloatTensor<Self>,
        with_capacity: bool,
    ) -> [Option<FloatTensor<Self>>; 3];
}

/// A run's tape as the state of an autodiff node, which burn clones.
struct SharedTape<B: Passes>(Arc<Mutex<B::Tape>>);

impl<B: Passes> Clone for SharedTape<B> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<B: Passes> fmt::Debug for SharedTape<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedTape")
    }
}

struct PanelBackward<B>(PhantomData<B>);

impl<B> fmt::Debug for PanelBackward<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PanelBackward")
    }
}

impl<B: Passes> Backward<B, 3> for PanelBackward<B> {
    type State = SharedTape<B>;

    fn backward(self, ops: Ops<SharedTape<B>, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let panel = grads.consume::<B>(&ops.node);
        let mut tape = ops.state.0.lock().unwrap_or_else(PoisonError::into_inner);
        let with_capacity = ops.parents[2].is_some();
        let gradients = B::backward(&mut tape, panel, with_capacity);
        for (parent, gradient) in ops.parents.into_iter().zip(gradients) {
            if let Some((parent, gradient)) = parent.zip(gradient) {
                grads.register::<B>(parent.id, gradient);
            }
        }
    }
}

impl<B: Passes, C: CheckpointStrategy> Operation for Autodiff<B, C> {
    fn panel(
        target: FloatTensor<Self>,
        rate: FloatTensor<Self>,
        capacity: FloatTensor<Self>,
        plan: Plan,
    ) -> FloatTensor<Self> {
        let nodes = [target.node(), rate.node(), capacity.node()];
        let prepared = PanelBackward::<B>(PhantomData)
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful();
        let tensors = [target, rate, capacity].map(|t| t.into_primitive());
        match prepared {
            OpsKind::Tracked(prepared) => {
                let (panel, tape) = B::forward(tensors, &plan);
                prepared.finish(SharedTape(Arc::new(Mutex::new(tape))), panel)
            }
            OpsKind::UnTracked(prepared) => {
                let [target, rate, capacity] = tensors;
                prepared.finish(B::panel(target, rate, capacity, plan))
            }
        }
    }
}
