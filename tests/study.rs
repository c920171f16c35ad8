//! Tables that people hand in: losses, policies, grids, bands, means, calendars, exports.

use bullwhip::Result;
use bullwhip::prelude::*;

fn economy() -> Network {
    Network::synthetic(&opts!(Synthetic {
        firms: 60,
        regions: 3,
        sectors: 4
    }))
    .expect("an economy")
}

fn run(network: &Network) -> Trajectory {
    let shock = Shock::region(network, "R2", 4, 0.6, 0.1).expect("a shock");
    let simulation = opts!(Simulation { periods: 24 });
    simulate(network, &Params::usual(network), &shock, &simulation).expect("a run")
}

/// A problem that is calibrated a little, with severities by region.
fn fitted(network: &Network) -> Result<(Problem, Posterior)> {
    let shock = Shock::region(network, "R2", 4, 0.6, 0.1)?;
    let observed = run(network).observe().noisy(0.01, 3);
    let mut problem = Problem::new(network, &shock, &observed);
    problem.priors.severity = Some(Prior::LogitNormal {
        median: 0.5,
        sigma: 1.0,
    });
    let svi = opts!(Svi {
        steps: 30,
        early_stop: None,
        draws: 16
    });
    let posterior = calibrate(&problem, &svi, &Run::default(), &mut ())?;
    Ok((problem, posterior))
}

#[test]
fn losses_add_up_whoever_is_told_apart() -> Result<()> {
    let network = economy();
    let run = run(&network);
    let steady: f64 = network.output().iter().sum();
    let all = run.loss_share() * steady * run.periods as f64;
    for by in [By::Group, By::Sector, By::Region, By::Firm] {
        let losses = run.losses(by)?;
        let sum: f64 = losses.rows.iter().map(|r| r.lost).sum();
        assert!((sum / all - 1.0).abs() < 1e-9, "{by:?}: {sum} of {all}");
        let shares: f64 = losses.rows.iter().map(|r| r.of_all).sum();
        assert!((shares - 1.0).abs() < 1e-9);
        assert!(losses.rows.windows(2).all(|w| w[0].own >= w[1].own));
        assert_eq!(losses.frame()?.height(), losses.rows.len());
    }
    let regions = run.losses(By::Region)?;
    assert_eq!(
        (regions.rows.len(), regions.rows[0].region.as_str()),
        (3, "R2")
    );
    assert_eq!(regions.rows[0].worst, 4);
    assert!(
        (regions.rows[0].fall - 0.52).abs() < 0.02,
        "0.4 of 1.2 is left"
    );
    assert!(regions.rows[0].back.is_some_and(|t| t > 4));
    assert_eq!(regions.top(1).rows.len(), 1);
    // The largest loss in units is not that of the largest share where the region is small.
    let largest = run.losses(By::Firm)?.largest(3);
    assert!(largest.rows.windows(2).all(|w| w[0].lost >= w[1].lost));
    let quiet = simulate(
        &network,
        &Params::usual(&network),
        &Shock::none(),
        &Simulation::default(),
    )?;
    let none = quiet.losses(By::Region)?;
    assert!(
        none.rows
            .iter()
            .all(|r| r.own.abs() < 1e-6 && r.back == Some(0))
    );
    Ok(())
}

#[test]
fn what_was_learnt_is_tabled_averaged_and_tried() -> Result<()> {
    let network = economy();
    let (problem, posterior) = fitted(&network)?;
    let table = posterior.table(&[0.05, 0.5, 0.95])?;
    let entries: usize = posterior.parameters.iter().map(|l| l.len()).sum();
    assert_eq!((table.height(), table.width()), (entries, 7));
    let both = beside(&[("a", &posterior), ("b", &posterior)])?;
    assert_eq!(
        both.column("mean a")?.f64()?.get(3),
        both.column("mean b")?.f64()?.get(3)
    );
    assert!(beside(&[("a", &posterior), ("a", &posterior)]).is_err());
    // Single entries.
    let severity = posterior.learnt(Parameter::Severity)?;
    let label = severity.labels[1].clone();
    assert_eq!(severity.of(&label)?.len(), posterior.draws);
    assert_eq!(severity.draw(2)?[1], severity.of(&label)?[2]);
    let told = severity.of("nobody").expect_err("unknown").to_string();
    assert!(told.contains("nothing was learnt of \"nobody\"") && told.contains(&label));
    assert!(severity.draw(posterior.draws).is_err());
    // Means.
    let (params, shock) = (
        Params::of(&posterior, &problem)?,
        Shock::of(&posterior, &problem)?,
    );
    params.check(&network)?;
    shock.check(&network)?;
    let draws: Vec<f64> = (0..posterior.draws)
        .map(|k| Ok(posterior.params(&problem, k)?.target_inventory[5]))
        .collect::<Result<_>>()?;
    let mean = draws.iter().sum::<f64>() / draws.len() as f64;
    assert!((params.target_inventory[5] - mean).abs() < 1e-9);
    assert_ne!(shock.events[0].severity, problem.shock.events[0].severity);
    assert_eq!(
        shock.events[0].recovery_rate,
        problem.shock.events[0].recovery_rate
    );
    // Bands.
    let band = posterior.predictive.band(&Of::region("R2"), 0.9)?;
    assert_eq!(band.low.len(), 24);
    assert!(band.low.iter().zip(&band.middle).all(|(l, m)| l <= m));
    assert!(posterior.predictive.band(&Of::region("R9"), 0.9).is_err());
    assert!(posterior.predictive.band(&Of::Total, 90.0).is_err());
    let index = posterior.observed.index_of(&Of::Group(0))?;
    assert_eq!(index, posterior.observed.index(0));
    let parts = [Of::Total, Of::region("R2"), Of::sector("S1")];
    bands(
        &posterior.predictive,
        Some(&posterior.observed),
        &parts,
        0.9,
    )?
    .svg()?;
    // Policies.
    let stocks = opts!(Policy {
        firms: network.firms_in_region("R1")?,
        more_inventory: 2.0
    });
    let found = compare_policies(
        &posterior,
        &problem,
        &[("nothing new", Policy::default()), ("stocks", stocks)],
    )?;
    assert!(found.tried[0].avoided.iter().all(|v| *v == 0.0));
    assert_eq!(found.frame()?.height(), 3);
    found.figure().svg()?;
    assert!(found.nothing.losses(By::Region)?.has_bands());
    assert!(found.nothing.losses(By::Firm).is_err());
    let bad = Policy {
        firms: vec![1_000],
        ..Policy::default()
    };
    let told = compare_policies(&posterior, &problem, &[("bad", bad)]).expect_err("refused");
    assert!(told.to_string().contains("policy \"bad\""), "{told}");
    Ok(())
}

#[test]
fn grids_and_lists_give_what_single_runs_give() -> Result<()> {
    let network = economy();
    let usual = Params::usual(&network);
    let simulation = opts!(Simulation { periods: 20 });
    let regions = ["R1", "R2"];
    let grid = grid! { severity: [0.2, 0.5, 0.9], region: regions };
    let found = scenarios(&network, grid, |s| {
        let shock = Shock::region(&network, s.region, 3, s.severity, 0.1)?;
        Ok((usual.clone(), shock, simulation.clone()))
    })?;
    assert_eq!((found.lost.len(), found.names.len()), (6, 2));
    let shock = shock! { network: region "R2" at 3 loses 50 % recovers 10 % }?;
    let one = simulate(&network, &usual, &shock, &simulation)?;
    assert_eq!(found.lost[3], one.loss_share());
    let frame = found.frame()?;
    assert_eq!(frame.column("severity")?.f64()?.get(4), Some(0.9));
    assert_eq!(frame.column("region")?.str()?.get(5), Some("R2"));
    found.figure().svg()?;
    let all = simulate_all(
        &network,
        &[(usual.clone(), Shock::none()), (usual.clone(), shock)],
        &simulation,
    )?;
    assert_eq!(all[1].output, one.output);
    let told = scenarios(&network, grid! { region: ["R1", "R7"] }, |s| {
        Shock::region(&network, s.region, 3, 0.5, 0.1)
    });
    let told = told.expect_err("no such region").to_string();
    assert!(
        told.starts_with("scenario region R7: there is no region \"R7\""),
        "{told}"
    );
    let told = simulate_all(&network, &[(Params::default(), Shock::none())], &simulation);
    assert!(
        told.expect_err("no values")
            .to_string()
            .starts_with("scenario 0, params")
    );
    Ok(())
}

#[test]
fn firms_tables_and_calendars_are_made_from_what_is_at_hand() -> Result<()> {
    let network = economy();
    let firms = network.firms_where("R2", "S1")?;
    assert!(
        !firms.is_empty()
            && firms
                .iter()
                .all(|i| network.firms_in_sector("S1").is_ok_and(|s| s.contains(i)))
    );
    assert!(network.firms_where("R2", "S9").is_err());
    let largest = network.largest(5);
    assert!(
        largest
            .windows(2)
            .all(|w| network.output()[w[0]] >= network.output()[w[1]])
    );
    let made =
        InputOutput::from_flows(&["A", "B"], &["x", "x"], &[1.0, 2.0, 3.0, 4.0], &[5.0, 6.0])?;
    assert_eq!(made.output, [8.0, 13.0]);
    assert!(disaggregate(&made, &opts!(Disaggregate { firms: 20 })).is_ok());
    let none: [&str; 0] = [];
    for (regions, sectors, flows, demand) in [
        (&none[..], &["x", "x"][..], &[1.0; 4][..], &[5.0, 6.0][..]),
        (&none, &["x", "y"], &[1.0; 3], &[5.0, 6.0]),
        (&none, &["x", "y"], &[1.0; 4], &[5.0]),
        (&none, &["x", "y"], &[f64::NAN; 4], &[5.0, 6.0]),
        (&["A"], &["x", "y"], &[1.0; 4], &[5.0, 6.0]),
    ] {
        assert!(InputOutput::from_flows(regions, sectors, flows, demand).is_err());
    }
    // A panel keeps its place in the calendar, also in files.
    let calendar = opts!(Calendar {
        first: (2020, 3),
        months: 24
    });
    let panel = run(&network).observe().with_calendar(&calendar)?;
    let dates = panel.dates.clone().expect("dates");
    assert_eq!(
        (dates.month(1), dates.month(11)),
        (Some((2020, 3)), Some((2021, 1)))
    );
    assert!(panel.figure().svg()?.contains("Jul 2020"));
    let file = std::env::temp_dir().join(format!("bullwhip-dates-{}.parquet", std::process::id()));
    panel.save(&file)?;
    assert_eq!(Observation::load(&file)?.dates, panel.dates);
    std::fs::remove_file(&file).expect("removed");
    let index = panel.as_index(&calendar)?;
    let back = align_to(&index.frame, &network, &calendar)?;
    assert_eq!(back.observed.dates, panel.dates);
    for (a, b) in back.observed.values.iter().zip(&panel.values) {
        assert!((a - b).abs() < 1e-9 * b.abs().max(1.0));
    }
    let short = opts!(Calendar { months: 3 });
    assert!(panel.clone().with_calendar(&short).is_err());
    let wrong =
        table!("region" => ["a"], "sector" => ["b"], "month" => ["2020-01"], "value" => [1.0])?;
    let told = Index::from_frame(&wrong)
        .expect_err("text is no date")
        .to_string();
    assert!(told.contains("the column `month` is of type str"), "{told}");
    Ok(())
}

#[test]
fn tables_are_shown_whole_and_written_for_papers() -> Result<()> {
    let network = economy();
    let losses = run(&network).losses(By::Group)?;
    let frame = losses.frame()?;
    assert!(frame.show_all().html.matches("<tr>").count() == frame.height() + 1);
    assert_eq!(frame.show(3).html.matches("<tr>").count(), 1 + 3 + 1);
    let latex = losses.top(2).to_latex()?;
    assert!(
        latex.contains("of\\_all") && latex.matches("\\\\\n").count() == 3,
        "{latex}"
    );
    assert_eq!(losses.top(2).to_markdown()?.lines().count(), 4);
    let made = table!(
        "sector" => network.sectors(),
        "place" => 0..network.sectors().len(),
        "known" => network.sectors().iter().map(|s| s == "S1"),
        "half" => vec![Some(0.5); network.sectors().len()],
    )?;
    assert_eq!(made.shape(), (4, 4));
    assert!(
        table!("a" => [1, 2], "b" => [1])
            .expect_err("uneven")
            .to_string()
            .contains("column \"b\"")
    );
    assert!(table!("a" => [1], "a" => [1]).is_err());
    Ok(())
}

/// The folder where pictures stay to be looked at.
fn pictures() -> std::path::PathBuf {
    let dir = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("study");
    std::fs::create_dir_all(&dir).expect("a folder");
    dir
}

#[test]
fn every_picture_draws_and_odd_ones_are_refused() -> Result<()> {
    let network = economy();
    let run = run(&network);
    let (problem, posterior) = fitted(&network)?;
    let calendar = opts!(Calendar {
        first: (2020, 1),
        months: 24
    });
    let panel = run.observe().with_calendar(&calendar)?;
    let severity = posterior.learnt(Parameter::Severity)?;
    let entries: Vec<(Parameter, &str)> = severity.labels[..3]
        .iter()
        .map(|l| (Parameter::Severity, l.as_str()))
        .collect();
    let stocks = opts!(Policy {
        firms: network.firms_in_region("R1")?,
        more_inventory: 2.0
    });
    let faster = opts!(Policy {
        firms: network.firms_in_region("R2")?,
        slower: 0.5
    });
    let tried = [("stocks in R1", stocks), ("faster orders in R2", faster)];
    let policies = compare_policies(&posterior, &problem, &tried)?;
    let grid = grid! { severity: [0.1, 0.3, 0.5, 0.7, 0.9], stocks: [1.5, 2.0, 4.0, 8.0] };
    let found = scenarios(&network, grid, |s| {
        let shock = Shock::region(&network, "R2", 4, s.severity, 0.1)?;
        Ok((Params::uniform(&network, s.stocks, 6.0), shock))
    })?;
    let flows = [
        ("C24", "C29", 3.0),
        ("C24", "C28", 1.0),
        ("C29", "C29", 2.0),
        ("C29", "G45", 1.5),
        ("C28", "C24", 0.4),
    ];
    let parts = [Of::Total, Of::region("R2"), Of::sector("S1")];
    let figures = [
        ("heat", heat(&panel)),
        ("series", panel.figure()),
        ("forest", forest(&severity)),
        ("pairs", pairs(&posterior, &entries)?),
        ("trace", trace(&severity, &[])?),
        ("map", map(&run, 6)?),
        ("sankey", sankey("Losses by where they come from", &flows)?),
        ("losses", run.losses(By::Group)?.figure()),
        ("losses_band", policies.nothing.losses(By::Sector)?.figure()),
        ("policies", policies.figure()),
        ("scenarios", found.figure()),
        (
            "bands",
            bands(
                &posterior.predictive,
                Some(&posterior.observed.clone().with_calendar(&calendar)?),
                &parts,
                0.9,
            )?,
        ),
    ];
    for (name, figure) in figures {
        figure.svg()?;
        figure.save(pictures().join(format!("{name}.png")))?;
    }
    let moving = travel(&run)?;
    assert_eq!(moving.frames.len(), 25);
    let gif = moving.gif()?;
    assert!(gif.starts_with(b"GIF89a") && gif.ends_with(b";"));
    moving.save(pictures().join("travel.gif"))?;
    assert!(moving.save("travel.mp4").is_err());
    assert!(pairs(&posterior, &entries[..1]).is_err());
    assert!(trace(&severity, &["nobody"]).is_err());
    assert!(sankey("none", &[("a", "b", 0.0)]).is_err());
    assert!(sankey("odd", &[("a", "b", f64::NAN)]).is_err());
    assert!(map(&run, 25).is_err());
    Ok(())
}
