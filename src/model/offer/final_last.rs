//! Firms are served first, in proportion to their orders; final demand gets what is left (Inoue and Todo's option 1).
//!
//! share = min(1, x / Σ orders of firms).

local! {
    rules {
        #[cube]
        fn offer(output: Real, demand: Real, outside: Real) -> Real {
            let ordered = demand - outside;
            min(one(demand), select_positive(ordered, output / ordered))
        }

        #[cube]
        fn offer_to_output(output: Real, demand: Real, outside: Real, to_offer: Real) -> Real {
            let ordered = demand - outside;
            select_positive(ordered - output, to_offer / ordered)
        }

        #[cube]
        fn offer_to_demand(output: Real, demand: Real, outside: Real, to_offer: Real) -> Real {
            let ordered = demand - outside;
            let slope = to_offer * output / ordered / ordered;
            zero(demand) - select_positive(ordered - output, slope)
        }
    }
}
