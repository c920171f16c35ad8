//! Everybody gets the same share of what was ordered, final demand too.
//!
//! share = x / D, 0 where nothing was ordered.

local! {
    rules {
        #[cube]
        fn offer(output: Real, demand: Real, _outside: Real) -> Real {
            select_positive(demand, output / demand)
        }

        #[cube]
        fn offer_to_output(_output: Real, demand: Real, _outside: Real, to_offer: Real) -> Real {
            to_offer * select_positive(demand, one(demand) / demand)
        }

        #[cube]
        fn offer_to_demand(output: Real, demand: Real, _outside: Real, to_offer: Real) -> Real {
            let inverse = select_positive(demand, one(demand) / demand);
            let offer = select_positive(demand, output / demand);
            zero(demand) - to_offer * offer * inverse
        }
    }
}
