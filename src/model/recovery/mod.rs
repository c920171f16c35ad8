//! How the capacity that an event takes comes back.

mod damped;
mod exponential;
mod geometric;
mod hill;
mod linear;
mod step;
mod uniform;

family! {
    smooth in recovery;
    /// How what an event takes comes back. The recovery rate λ is 1 over a time, s the number of periods since the
    /// event began, less those for which it holds.
    Recovery {
        /// A share of what is still lost comes back in each period: exp(-λ s).
        #[default]
        Exponential = exponential,
        /// The same part of the loss comes back in each period: max(0, 1 - λ s).
        Linear = linear,
        /// The same capacity comes back in each period: max(0, 1 - λ s / δ). Small losses recover sooner.
        Uniform = uniform,
        /// All of the loss for 1 / λ periods, then none.
        Step = step,
        /// (1 - λ)^s, with λ below 1.
        Geometric = geometric,
        /// 1 / (1 + (λ s)^q): half after 1 / λ, with steepness q.
        Hill = hill,
        /// r <- r (1 - λ z̄), z̄ the mean capacity left of the firm's suppliers and customers: firms among damaged
        /// partners recover slowly. For losses of capacity alone, with whole holds.
        Damped = damped,
    }
    rules {
        /// The share of the loss that is left, `age` periods after the event's start and hold, above 0 but of a step.
        fn left(age, rate, steepness, severity);
    }
}

impl Recovery {
    /// The most that a rate may be, and whether 0 is refused: what the curve is defined for.
    pub(crate) fn rates(self) -> (f64, bool) {
        match self {
            Recovery::Geometric => (1.0, true),
            Recovery::Step | Recovery::Hill => (f64::INFINITY, true),
            Recovery::Damped => (1.0, false),
            Recovery::Exponential | Recovery::Linear | Recovery::Uniform => (f64::INFINITY, false),
        }
    }
}
