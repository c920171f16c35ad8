//! The gradient of the panel in automatic differentiation: the frame of the hand-written passes back.

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

/// A backend's pass through all periods that leaves what the gradient needs, and its pass back.
pub(super) trait Passes: Backend + Operation {
    type Tape: Send + 'static;

    /// The panel of target, rate and capacity.
    fn forward(tensors: [FloatTensor<Self>; 3], plan: &Plan) -> (FloatTensor<Self>, Self::Tape);

    /// The gradients in target, rate and, where it is wanted, capacity, in the tensors' own shapes,
    /// of what has the gradient `panel` in the panel.
    fn backward(
        tape: &mut Self::Tape,
        panel: FloatTensor<Self>,
        with_capacity: bool,
    ) -> [Option<FloatTensor<Self>>; 3];
}

/// What a run leaves for its gradient.
struct Kept<B: Passes>(Arc<Mutex<B::Tape>>);

impl<B: Passes> Clone for Kept<B> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<B: Passes> fmt::Debug for Kept<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kept")
    }
}

struct PanelBackward<B>(PhantomData<B>);

impl<B> fmt::Debug for PanelBackward<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PanelBackward")
    }
}

impl<B: Passes> Backward<B, 3> for PanelBackward<B> {
    type State = Kept<B>;

    fn backward(self, ops: Ops<Kept<B>, 3>, grads: &mut Gradients, _: &mut Checkpointer) {
        let panel = grads.consume::<B>(&ops.node);
        let mut tape = ops.state.0.lock().unwrap_or_else(PoisonError::into_inner);
        let with_capacity = ops.parents[2].is_some();
        let parts = B::backward(&mut tape, panel, with_capacity);
        for (parent, part) in ops.parents.into_iter().zip(parts) {
            if let Some((parent, part)) = parent.zip(part) {
                grads.register::<B>(parent.id, part);
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
                prepared.finish(Kept(Arc::new(Mutex::new(tape))), panel)
            }
            OpsKind::UnTracked(prepared) => {
                let [target, rate, capacity] = tensors;
                prepared.finish(B::panel(target, rate, capacity, plan))
            }
        }
    }
}
