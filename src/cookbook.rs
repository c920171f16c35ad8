//! How to do what is done often, task by task. Every example is run by the tests.
//!
//! All begin with `use bullwhip::prelude::*;`, which a notebook has by itself.
//!
//! # From a table to firms
//!
//! `read_table("table.csv", &TableOptions::default())?` reads a file; a table can be written down, too:
//!
//! ```
//! use bullwhip::prelude::*;
//!
//! let flows = [10.0, 20.0, 5.0, 30.0];
//! let table = InputOutput::from_flows(&["HU"; 2], &["C24", "C29"], &flows, &[70.0, 15.0])?;
//! let made = disaggregate(&table, &opts!(Disaggregate { firms: 50 }))?;
//! assert_eq!(made.network.firms(), 50);
//! # Ok::<(), bullwhip::Error>(())
//! ```
//!
//! # A shock, and who loses
//!
//! ```
//! use bullwhip::prelude::*;
//!
//! let network = Network::synthetic(&opts!(Synthetic { firms: 60, regions: 3, sectors: 4 }))?;
//! let shock = shock! { network:
//!     region "R2" at 4 loses 60 % recovers 10 %;
//!     sector "S1" at 8 loses 20 % recovers 5 % holds 3
//! }?;
//! let run = simulate(&network, &Params::usual(&network), &shock, &Simulation::default())?;
//! let losses = run.losses(By::Group)?.top(5);
//! losses.figure().svg()?;
//! println!("{}", losses.to_latex()?);
//! // The same over time, and on a map that moves.
//! heat(&run.observe()).svg()?;
//! map(&run, 8)?.svg()?;
//! # Ok::<(), bullwhip::Error>(())
//! ```
//!
//! # Exploring by sliders
//!
//! The closure owns what it uses: give it copies of what later cells need.
//!
//! ```
//! use bullwhip::prelude::*;
//!
//! let network = Network::synthetic(&opts!(Synthetic { firms: 60, regions: 3 }))?;
//! let params = Params::usual(&network);
//! let (net, names) = (network.clone(), network.regions().to_vec());
//! explore((slider("severity", 0.0..=1.0, 0.5), choice("region", names)), move |(severity, region)| {
//!     let shock = Shock::region(&net, &region, 5, severity, 0.1)?;
//!     Ok(simulate(&net, &params, &shock, &Simulation::default())?.figure())
//! })?;
//! # Ok::<(), bullwhip::Error>(())
//! ```
//!
//! # Many scenarios at once
//!
//! ```
//! use bullwhip::prelude::*;
//!
//! let network = Network::synthetic(&opts!(Synthetic { firms: 60, regions: 3 }))?;
//! let found = scenarios(&network, grid! { severity: [0.2, 0.5, 0.8], stocks: [2.0, 4.0] }, |s| {
//!     let shock = Shock::region(&network, "R1", 5, s.severity, 0.1)?;
//!     Ok((Params::uniform(&network, s.stocks, 6.0), shock))
//! })?;
//! found.figure().svg()?;
//! assert_eq!(found.frame()?.height(), 6);
//! # Ok::<(), bullwhip::Error>(())
//! ```
//!
//! # Learning from data, and what to do about it
//!
//! ```
//! use bullwhip::prelude::*;
//!
//! let network = Network::synthetic(&opts!(Synthetic { firms: 40, regions: 3 }))?;
//! let shock = shock! { network: region "R2" at 4 loses 60 % recovers 10 % }?;
//! let run = simulate(&network, &Params::usual(&network), &shock, &opts!(Simulation { periods: 24 }))?;
//! // Of data that were read: `align(&index.frame, &network, (2020, 1), 24)?.observed`.
//! let calendar = opts!(Calendar { first: (2020, 1), months: 24 });
//! let observed = run.observe().noisy(0.02, 1).with_calendar(&calendar)?;
//! let problem = Problem::new(&network, &shock, &observed);
//! let svi = opts!(Svi { steps: 20, early_stop: None, draws: 16 });
//! let posterior = calibrate(&problem, &svi, &Run::default(), &mut ())?;
//! posterior.table(&[0.05, 0.5, 0.95])?;
//! forest(&posterior.learnt(Parameter::TargetInventory)?).svg()?;
//! bands(&posterior.predictive, Some(&observed), &[Of::Total, Of::region("R2")], 0.9)?.svg()?;
//! let stocks = Policy { more_inventory: 2.0, ..Policy::region(&network, "R1")? };
//! let tried = compare_policies(&posterior, &problem, &[("stocks in R1", stocks)])?;
//! assert_eq!(tried.frame()?.height(), 2);
//! // To simulate with what was learnt on average.
//! let (params, shock) = (Params::of(&posterior, &problem)?, Shock::of(&posterior, &problem)?);
//! simulate(&network, &params, &shock, &Simulation::default())?;
//! # Ok::<(), bullwhip::Error>(())
//! ```
//!
//! # Tables and figures of one's own
//!
//! ```
//! use bullwhip::prelude::*;
//!
//! let table = table!("sector" => ["C24", "C29"], "lost (%)" => [3.25, 1.5])?;
//! table.show_all();
//! println!("{}", table.to_markdown()?);
//! let x = vec![1.0, 2.0, 3.0];
//! Figure::titled("Orders").line("mean", x, [1.0, 1.5, 2.0]).labels("period", "orders").svg()?;
//! assert_eq!(sector_name("C29"), "C29 motor vehicles");
//! # Ok::<(), bullwhip::Error>(())
//! ```
