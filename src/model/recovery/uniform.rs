//! The same capacity comes back in each period, so that small losses recover sooner: max(0, 1 - λ s / δ); a total loss
//! takes 1 / λ (Inoue and Todo's option 1).

local! {
    smooth rules {
        fn left(age: Real, rate: Real, _steepness: Real, severity: Real) -> Real {
            let size = positive_part(severity) + positive_part(zero(severity) - severity);
            // Where nothing is lost nothing is left of it.
            select_positive(size, positive_part(one(rate) - rate * age / size))
        }
    }
}
