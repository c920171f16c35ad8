//! Rationing as the kernels of the default behaviour know it: every firm that orders gets the same share.

mod final_last;
mod proportional;

family! {
    in offer;
    /// What the kernels know of rationing: one share for all firms that order.
    Offer {
        /// Everybody gets the same share of what was ordered.
        #[default]
        Proportional = proportional,
        /// Firms first, in proportion to their orders; final demand gets what is left.
        FinalLast = final_last,
    }
    rules {
        /// The share of its order that every firm gets: `output` is what the supplier makes, `demand` all that was
        /// ordered, `outside` the final demand in it.
        fn offer(output, demand, outside);
        /// The adjoint of the output, given that of the offer.
        fn offer_to_output(output, demand, outside, to_offer);
        /// The adjoint of the demand, given that of the offer.
        fn offer_to_demand(output, demand, outside, to_offer);
    }
}
