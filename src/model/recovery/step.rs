//! All of the loss for 1 / λ periods, then none; a fraction of a period counts for its share, so that the duration has
//! a gradient (DisruptSC; Inoue and Todo's option 2).

local! {
    smooth rules {
        fn left(age: Real, rate: Real, _steepness: Real, _severity: Real) -> Real {
            min(positive_part(one(rate) / rate - age), one(rate))
        }
    }
}
