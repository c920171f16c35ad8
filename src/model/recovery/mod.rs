//! How the capacity that an event takes comes back.

mod exponential;
mod linear;

family! {
    smooth in recovery;
    /// How the capacity that an event takes comes back. The recovery rate is what is lost at first and comes back in a
    /// period, as a share of all that is lost: 1 over a time.
    Recovery {
        /// A share of what is still lost comes back in each period: exp(-λ s).
        #[default]
        Exponential = exponential,
        /// The same part of the loss comes back in each period: max(0, 1 - λ s).
        Linear = linear,
    }
    rules {
        /// The share of the loss that is left `age` periods after the event's start.
        fn left(age, rate);
        /// Its slope in the rate.
        fn left_to_rate(age, rate);
    }
}
