//! Firms among damaged partners recover slowly: r <- r (1 - λ z̄), with z̄ the mean capacity that is left of the firm's
//! suppliers and customers (Inoue and Todo's option 5, all firms at once).
//!
//! What is left is a state of the economy, not a function of time: `model::economy` keeps it. This is what it begins with.

local! {
    smooth rules {
        fn left(_age: Real, rate: Real, _steepness: Real, _severity: Real) -> Real {
            one(rate)
        }
    }
}
