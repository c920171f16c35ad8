//! The numbers that an economy computes with, L particles in a row, and their adjoints in the same shape.

use crate::number::{Real, Row};

/// Rows of firms, or one row for all of them.
#[derive(Clone, Debug)]
pub(crate) struct Each<F, const L: usize>(pub(crate) Vec<Row<F, L>>);

impl<F: Real, const L: usize> Each<F, L> {
    /// The same number for all firms and particles.
    pub(crate) fn all(v: f64) -> Self {
        Self(vec![Row::all(v)])
    }

    #[inline(always)]
    pub(crate) fn of(&self, i: usize) -> Row<F, L> {
        self.0[if self.0.len() == 1 { 0 } else { i }]
    }

    #[inline(always)]
    pub(crate) fn add(&mut self, i: usize, v: Row<F, L>) {
        let i = if self.0.len() == 1 { 0 } else { i };
        self.0[i] += v;
    }

    fn zeros(&self) -> Self {
        Self(vec![Row::zero(); self.0.len()])
    }

    /// Whether any number is not `v`.
    pub(crate) fn is_other_than(&self, v: f64) -> bool {
        let v = F::of(v);
        self.0.iter().any(|row| row.0.iter().any(|x| *x != v))
    }
}

type Rows<F, const L: usize> = Vec<Row<F, L>>;

macro_rules! numbers {
    ($( $(#[$doc:meta])* $field:ident: $Kind:ident ),* $(,)?) => {
        /// What behaviour and scenario are, in numbers.
        #[derive(Clone, Debug)]
        pub(crate) struct Numbers<F, const L: usize> {
            $( $(#[$doc])* pub(crate) $field: $Kind<F, L>, )*
        }

        impl<F: Real, const L: usize> Numbers<F, L> {
            /// Adjoints of all of them, at 0.
            pub(crate) fn zeros(&self) -> Self {
                Self { $( $field: numbers!(@zeros $Kind, self.$field), )* }
            }

            /// The rows of each field.
            #[cfg(test)]
            pub(crate) fn rows(&self) -> Vec<&Vec<Row<F, L>>> {
                vec![$( numbers!(@rows $Kind, self.$field) ),*]
            }

            /// The same in other numbers: `make` gets the field, the row and the value of the first lane.
            #[cfg(test)]
            pub(crate) fn map<G: Real>(
                &self,
                make: impl Fn(usize, usize, F) -> G,
            ) -> Numbers<G, L> {
                let mut field = 0;
                $(
                    let $field = numbers!(@rows $Kind, self.$field).iter().enumerate();
                    let $field = $field.map(|(k, row)| Row([make(field, k, row.0[0]); L])).collect();
                    field += 1;
                )*
                let _ = field;
                Numbers { $( $field: numbers!(@made $Kind, $field), )* }
            }
        }
    };
    (@rows Each, $from:expr) => { &$from.0 };
    (@rows Rows, $from:expr) => { &$from };
    (@made Each, $from:expr) => { Each($from) };
    (@made Rows, $from:expr) => { $from };
    (@zeros Each, $from:expr) => { $from.zeros() };
    (@zeros Rows, $from:expr) => { vec![Row::zero(); $from.len()] };
}

numbers! {
    /// Target inventory n in periods of use, `[firm]`, or `[input]` where `Structure::per_input`.
    target: Rows,
    /// 1 / τ, of the same length.
    rate: Rows,
    /// Criticality θ, `[input]`; empty where every input binds.
    criticality: Rows,
    /// Spare capacity above the steady output, as a share of it.
    slack: Each,
    /// Share ψ of the target stock below which output is cut.
    psi: Each,
    /// Weight μ of the rationing rule, of the supplier; the rest is rationed in proportion.
    mix: Each,
    /// Speed η at which trust in suppliers is learnt, of the buyer.
    learning: Each,
    /// Trust that a supplier keeps that never delivers, of the buyer.
    floor: Each,
    /// Most overproduction α_max.
    most: Each,
    /// 1 / τ_α.
    pace: Each,
    /// Weight ν of goods in transit in the gap, of the buyer.
    supply_line: Each,
    /// Capital K in units of output, `[firm]`; empty where none is destroyed.
    capital: Rows,
    /// Capital destroyed, `[damage]`.
    damage: Rows,
    /// Share of a rebuilding that a firm delivers, `[builder]`.
    share: Rows,
    /// 1 / τ_R and φ, `[rebuilding]`.
    rebuild_rate: Rows,
    rebuild_factor: Rows,
    /// Severity and rate of hits that recover as their partners do, `[damped hit]`.
    damped_severity: Rows,
    damped_rate: Rows,
    /// Share of capacity that is left, [period, column].
    capacity: Rows,
    /// Final demand, [period, column], for one period more than is simulated.
    demand: Rows,
    /// What links let through, [period, column], for one period more.
    open: Rows,
}
