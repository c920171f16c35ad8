//! What client and server say to each other beside tensors: the names of the operations, and the plan as
//! bytes.

use crate::engine::plan::{Checkpoint, Design};
use crate::error::{Error, Result};
use crate::memory;
use crate::model::{Kernel, Offer, Production};
use burn_ir::ScalarIr;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use xxhash_rust::xxh3::xxh3_128;

/// No inputs; who the server is, [`HELLO_LENGTH`] numbers: the characters of its version, a line break
/// and its device's name, filled up with zeros.
pub(super) const HELLO: &str = "bullwhip.hello";
/// As many numbers are in a greeting.
pub(super) const HELLO_LENGTH: usize = 256;
/// Target, rate, capacity, plan in; the panel out. Scalars: the plan's digest, the tape's number.
pub(super) const PANEL: &str = "bullwhip.panel";
/// The same and the panel's gradient in; the gradients of target, rate and, where it is wanted, capacity
/// out. Scalars as above.
pub(super) const GRADIENT: &str = "bullwhip.gradient";
/// The tape's number of a run without a gradient.
pub(super) const NO_TAPE: u64 = 0;

/// In front of a reason that is the server's own, to be told to the client's user.
pub(in crate::engine) const REFUSED: &str = "bullwhip refuses: ";

/// Devices that a server says that it has where it serves as many clients as it may: burn has no refusal for that.
pub(super) const FULL: u32 = 0;

/// Client and server speak the same language.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A plan's name: equal plans have equal digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Digest(u128);

impl Digest {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(xxh3_128(bytes))
    }

    /// The scalars of an operation on this plan.
    pub(super) fn with(self, tape: u64) -> Vec<ScalarIr> {
        [(self.0 >> 64) as u64, self.0 as u64, tape]
            .map(ScalarIr::UInt)
            .to_vec()
    }

    /// The digest and the tape's number.
    pub(super) fn read(scalars: &[ScalarIr]) -> Option<(Self, u64)> {
        match scalars {
            [
                ScalarIr::UInt(high),
                ScalarIr::UInt(low),
                ScalarIr::UInt(tape),
            ] => Some((Self(u128::from(*high) << 64 | u128::from(*low)), *tape)),
            _ => None,
        }
    }
}

/// Type, length and bytes of an array.
type Part = (Dtype, usize, Vec<u8>);

/// Numbers as bytes, the least significant first on every machine.
pub(super) fn le_bytes<T: Copy, const N: usize>(numbers: &[T], bytes: fn(T) -> [u8; N]) -> Vec<u8> {
    numbers.iter().flat_map(|x| bytes(*x)).collect()
}

/// The numbers of such bytes; what is left over is dropped.
pub(super) fn numbers<T, const N: usize>(bytes: &[u8], number: fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks().0.iter().map(|b| number(*b)).collect()
}

/// A design as bytes, a multiple of four of them.
pub(super) fn pack(design: &Design) -> Vec<u8> {
    let every = match design.checkpoint {
        Checkpoint::Auto => 0,
        Checkpoint::All => 1,
        Checkpoint::Every(k) => 2 + k as u64,
    };
    let sizes = [
        design.groups as u64,
        design.periods as u64,
        design.model.production as u64,
        design.model.rationing as u64,
        every,
    ];
    let short = |v: &[u32]| -> Part { (Dtype::U32, v.len(), le_bytes(v, |x| x.to_le_bytes())) };
    let long = |v: &[f64]| -> Part { (Dtype::F64, v.len(), le_bytes(v, |x| x.to_le_bytes())) };
    let parts: [(&str, Part); 9] = [
        ("row", short(&design.row)),
        ("supplier", short(&design.supplier)),
        ("coefficient", long(&design.coefficient)),
        ("outside", long(&design.outside)),
        ("steady", long(&design.steady)),
        ("full", long(&design.full)),
        ("group", short(&design.group)),
        ("column", short(&design.column)),
        (
            "sizes",
            (
                Dtype::U64,
                sizes.len(),
                le_bytes(&sizes, |x| x.to_le_bytes()),
            ),
        ),
    ];
    let views = parts.iter().map(|(name, (dtype, length, bytes))| {
        let view = TensorView::new(*dtype, vec![*length], bytes);
        (*name, view.expect("as many bytes as numbers"))
    });
    safetensors::serialize(views, None).expect("plain arrays")
}

// Long: one field after the other, with its check.
/// The design of `pack`'s bytes; what does not fit together is refused.
pub(super) fn unpack(bytes: &[u8]) -> Result<Design> {
    let wrong = |fact: String| {
        Error::new(
            "plan",
            fact,
            "use the same version of bullwhip on both sides",
        )
    };
    let all = SafeTensors::deserialize(bytes).map_err(|e| wrong(e.to_string()))?;
    let part = |name: &str, dtype| {
        let view = all.tensor(name).map_err(|e| wrong(e.to_string()))?;
        if view.dtype() == dtype {
            Ok(view.data().to_vec())
        } else {
            Err(wrong(format!("`{name}` is of another type")))
        }
    };
    let short = |name: &str| -> Result<Vec<u32>> {
        Ok(numbers(&part(name, Dtype::U32)?, u32::from_le_bytes))
    };
    let long = |name: &str| -> Result<Vec<f64>> {
        Ok(numbers(&part(name, Dtype::F64)?, f64::from_le_bytes))
    };
    let sizes = numbers(&part("sizes", Dtype::U64)?, u64::from_le_bytes);
    let &[groups, periods, production, rationing, every] = sizes.as_slice() else {
        return Err(wrong(format!("it has {} sizes", sizes.len())));
    };
    let unknown = || wrong("its model is not known here".into());
    let model = Kernel {
        production: *Production::ALL
            .get(production as usize)
            .ok_or_else(unknown)?,
        rationing: *Offer::ALL.get(rationing as usize).ok_or_else(unknown)?,
    };
    // What is counted by these numbers alone: a panel of one particle, and where groups begin.
    let numbers = groups as f64 * (periods as f64 + 4.0);
    memory::require(
        "plan",
        &format!("{groups} groups over {periods} periods"),
        4.0 * numbers,
        "simulate fewer periods or groups",
    )?;
    let design = Design {
        row: short("row")?,
        supplier: short("supplier")?,
        coefficient: long("coefficient")?,
        outside: long("outside")?,
        steady: long("steady")?,
        full: long("full")?,
        group: short("group")?,
        groups: groups as usize,
        column: short("column")?,
        periods: periods as usize,
        model,
        checkpoint: match every {
            0 => Checkpoint::Auto,
            1 => Checkpoint::All,
            k => Checkpoint::Every(k as usize - 2),
        },
        stop: None,
    };
    let (nodes, links) = (design.steady.len(), design.supplier.len());
    let within = |v: &[u32], end: usize| v.iter().all(|i| (*i as usize) < end);
    let fits = nodes > 0
        && design.periods > 0
        && !design.column.is_empty()
        && design.row.len() == nodes + 1
        && design.row[0] == 0
        && design.row[nodes] as usize == links
        && design.row.is_sorted()
        && design.coefficient.len() == links
        && [&design.outside, &design.full]
            .iter()
            .all(|v| v.len() == nodes)
        && design.group.len() == nodes
        && within(&design.supplier, nodes)
        && within(&design.column, nodes)
        && within(&design.group, design.groups);
    if fits {
        Ok(design)
    } else {
        Err(wrong("its arrays do not fit together".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn design() -> Design {
        Design {
            row: vec![0, 1, 3],
            supplier: vec![1, 0, 1],
            coefficient: vec![0.1, 0.2, 0.3],
            outside: vec![1.0, 2.0],
            steady: vec![3.0, 4.0],
            full: vec![3.3, 4.4],
            group: vec![0, 0],
            groups: 1,
            column: vec![1],
            periods: 7,
            model: Kernel {
                production: Production::Paper,
                ..Kernel::default()
            },
            checkpoint: Checkpoint::Every(3),
            stop: None,
        }
    }

    #[test]
    fn a_design_comes_back() {
        let bytes = pack(&design());
        assert_eq!(bytes.len() % 4, 0);
        let back = unpack(&bytes).expect("a design");
        assert_eq!(format!("{back:?}"), format!("{:?}", design()));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let bytes = pack(&design());
        for cut in [0, 7, 40, bytes.len() - 8] {
            unpack(&bytes[..cut]).expect_err("cut off");
        }
        let mut beyond = design();
        beyond.supplier[2] = 2;
        unpack(&pack(&beyond)).expect_err("a supplier that is not there");
        for (groups, periods) in [(usize::MAX, 7), (1, usize::MAX), (1 << 30, 1 << 30)] {
            let mut endless = design();
            (endless.groups, endless.periods) = (groups, periods);
            let said = unpack(&pack(&endless)).expect_err("more than there is memory");
            assert!(said.to_string().contains("of memory, and"), "{said}");
        }
        let mut short = design();
        short.full.pop();
        unpack(&pack(&short)).expect_err("a node without its full output");
    }

    #[test]
    fn a_digest_goes_through_scalars() {
        let digest = Digest::of(b"plan");
        assert_eq!(Digest::read(&digest.with(5)), Some((digest, 5)));
        assert_eq!(Digest::read(&[]), None);
    }
}
