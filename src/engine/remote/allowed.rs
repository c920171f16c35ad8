//! The operations of burn that a server does: those that the library sends, as long as their results fit.

use burn::tensor::Shape;
use burn_ir::{
    ActivationOperationIr as Activation, BaseOperationIr as Base, BoolOperationIr as Bool,
    FloatOperationIr as Float, IntOperationIr as Int, NumericOperationIr as Numeric,
    OperationIr as Op, TensorIr,
};

/// How large the result of an operation can be.
enum Size {
    /// As its inputs, each as long as the longest in each direction.
    Inputs,
    /// As the client says: the result is made in that shape.
    Said,
    /// So many numbers.
    Numbers(f64),
    /// The library does not send it.
    Unknown(&'static str),
}

pub(super) fn numbers(shape: &Shape) -> f64 {
    shape.iter().map(|n| *n as f64).product()
}

pub(super) fn bytes(tensor: &TensorIr) -> f64 {
    numbers(&tensor.shape) * tensor.dtype.size() as f64
}

/// Bytes of an operation's results, whatever shape the client says that they have; why it is not done else.
pub(super) fn results(op: &Op) -> Result<f64, String> {
    let said: f64 = op.outputs().map(bytes).sum();
    let inputs: Vec<&TensorIr> = op.inputs().collect();
    match size(op) {
        Size::Said => Ok(said),
        Size::Inputs => at_most(widest(&inputs), said, op),
        Size::Numbers(most) => at_most(most, said, op),
        Size::Unknown(name) => Err(format!("{name} is no operation of bullwhip")),
    }
}

/// The bytes that a result of so many numbers takes, if what the client says is no more.
fn at_most(most: f64, said: f64, op: &Op) -> Result<f64, String> {
    let widest = op.outputs().map(|t| t.dtype.size()).max().unwrap_or(0) as f64;
    match said <= most * widest {
        true => Ok(most * widest),
        false => Err("an operation's result is larger than its inputs allow".into()),
    }
}

/// Numbers of a tensor that is as long in each direction as the longest.
fn widest(inputs: &[&TensorIr]) -> f64 {
    let directions = inputs.iter().map(|t| t.shape.iter().count()).max();
    let longest = |k: usize| {
        let all = inputs.iter().filter_map(|t| t.shape.iter().nth(k));
        all.copied().max().unwrap_or(1) as f64
    };
    (0..directions.unwrap_or(0)).map(longest).product()
}

fn size(op: &Op) -> Size {
    match op {
        Op::BaseFloat(op) | Op::BaseInt(op) | Op::BaseBool(op) => base(op),
        Op::NumericFloat(_, op) | Op::NumericInt(_, op) => numeric(op),
        Op::Float(_, Float::Exp(_) | Float::IntoInt(_) | Float::Log(_) | Float::Sqrt(_))
        | Op::Float(_, Float::Recip(_) | Float::Powf(_) | Float::PowfScalar(_))
        | Op::Int(Int::IntoFloat(_))
        | Op::Bool(Bool::IntoFloat(_) | Bool::IntoInt(_) | Bool::Not(_))
        | Op::Bool(Bool::And(_) | Bool::Or(_))
        | Op::Activation(Activation::Relu(_) | Activation::ReluBackward(_)) => Size::Inputs,
        Op::Float(..) => Size::Unknown("that function"),
        Op::Int(_) | Op::Bool(_) => Size::Unknown("an operation on bits"),
        Op::Module(_) | Op::Activation(_) => Size::Unknown("a part of a neural network"),
        Op::Distributed(_) => Size::Unknown("an exchange between devices"),
        // Ours and what makes or drops nothing but a name are told apart by whoever asks.
        Op::Init(_) | Op::Custom(_) | Op::Drop(_) => Size::Said,
    }
}

fn base(op: &Base) -> Size {
    match op {
        Base::Reshape(d) => Size::Numbers(numbers(&d.input.shape)),
        Base::Expand(_) | Base::Empty(_) | Base::Ones(_) | Base::Zeros(_) => Size::Said,
        Base::SwapDims(_) | Base::Permute(_) | Base::Flip(_) | Base::Slice(_) => Size::Inputs,
        Base::SliceAssign(_) | Base::SelectAssign(_) | Base::MaskFill(_) => Size::Inputs,
        Base::MaskWhere(_) | Base::Equal(_) | Base::EqualElem(_) => Size::Inputs,
        Base::NotEqual(_) | Base::NotEqualElem(_) | Base::Cast(_) => Size::Inputs,
        Base::Gather(_) | Base::Scatter(_) => Size::Inputs,
        Base::Select(d) => {
            let along = d.tensor.shape.iter().nth(d.dim).copied().unwrap_or(1);
            let each = numbers(&d.tensor.shape) / (along.max(1) as f64);
            Size::Numbers(each * numbers(&d.indices.shape))
        }
        Base::RepeatDim(d) => Size::Numbers(numbers(&d.tensor.shape) * d.times as f64),
        Base::Cat(d) => Size::Numbers(d.tensors.iter().map(|t| numbers(&t.shape)).sum()),
        _ => Size::Unknown("that way to choose numbers"),
    }
}

fn numeric(op: &Numeric) -> Size {
    match op {
        Numeric::Add(_) | Numeric::Sub(_) | Numeric::Mul(_) | Numeric::Div(_) => Size::Inputs,
        Numeric::AddScalar(_) | Numeric::SubScalar(_) => Size::Inputs,
        Numeric::MulScalar(_) | Numeric::DivScalar(_) => Size::Inputs,
        Numeric::Neg(_) | Numeric::Abs(_) | Numeric::Sign(_) => Size::Inputs,
        Numeric::Powi(_) | Numeric::PowiScalar(_) => Size::Inputs,
        Numeric::Clamp(_) | Numeric::ClampMin(_) | Numeric::ClampMax(_) => Size::Inputs,
        Numeric::Greater(_) | Numeric::GreaterElem(_) => Size::Inputs,
        Numeric::GreaterEqual(_) | Numeric::GreaterEqualElem(_) => Size::Inputs,
        Numeric::Lower(_) | Numeric::LowerElem(_) => Size::Inputs,
        Numeric::LowerEqual(_) | Numeric::LowerEqualElem(_) => Size::Inputs,
        Numeric::Sum(_) | Numeric::SumDim(_) | Numeric::SumDims(_) => Size::Inputs,
        Numeric::Mean(_) | Numeric::MeanDim(_) => Size::Inputs,
        Numeric::Full(_) => Size::Said,
        _ => Size::Unknown("that sum or order"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::DType;
    use burn_ir::{
        BinaryOpIr, CreationOpIr, FloatOperationIr, MatmulOpIr, RepeatDimOpIr, TensorId,
    };

    fn tensor(id: u64, shape: &[usize]) -> TensorIr {
        TensorIr::uninit(TensorId::new(id), Shape::from(shape.to_vec()), DType::F32)
    }

    #[test]
    fn results_are_counted_whatever_the_client_says() {
        let (row, column) = (tensor(1, &[1, 1000]), tensor(2, &[1000, 1]));
        let sum = |out| {
            let (lhs, rhs) = (row.clone(), column.clone());
            Op::NumericFloat(DType::F32, Numeric::Add(BinaryOpIr { lhs, rhs, out }))
        };
        assert_eq!(results(&sum(tensor(3, &[1000, 1000]))), Ok(4e6));
        assert_eq!(results(&sum(tensor(3, &[1]))), Ok(4e6));
        assert!(results(&sum(tensor(3, &[1001, 1000]))).is_err());
        let repeated = Op::BaseFloat(Base::RepeatDim(RepeatDimOpIr {
            tensor: row.clone(),
            dim: 0,
            times: usize::MAX,
            out: tensor(3, &[1]),
        }));
        assert!(results(&repeated).is_ok_and(|bytes| bytes > 1e22));
        let zeros = Op::BaseFloat(Base::Zeros(CreationOpIr {
            out: tensor(3, &[1 << 40]),
        }));
        assert_eq!(results(&zeros), Ok(4.0 * (1u64 << 40) as f64));
    }

    #[test]
    fn what_the_library_does_not_send_is_not_done() {
        let (lhs, rhs) = (tensor(1, &[8, 8]), tensor(2, &[8, 8]));
        let product = MatmulOpIr::create(lhs, rhs, || TensorId::new(3));
        let said = results(&Op::Float(DType::F32, FloatOperationIr::Matmul(product)));
        assert!(said.is_err_and(|e| e.contains("no operation of bullwhip")));
    }
}
