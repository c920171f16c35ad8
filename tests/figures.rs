//! Figures: what they say, that nothing overlaps, and that odd data draw too. With
//! BULLWHIP_FIGURES=DIR every figure is saved there, to be looked at.

use bullwhip::prelude::*;

/// Keeps every picture of a calibration, and stops it after so many.
struct Album(Vec<Snapshot>, usize);

impl Progress for Album {
    fn stop(&self) -> bool {
        self.0.len() == self.1
    }
}

impl Watch for Album {
    fn watches(&self) -> bool {
        true
    }
    fn wants_picture(&mut self) -> bool {
        true
    }
    fn picture(&mut self, snapshot: Snapshot) {
        self.0.push(snapshot);
    }
}

/// Pictures of calibrations: after one step, in the middle, and at the end.
fn moving(problem: &Problem) -> Vec<(&'static str, Figure)> {
    let mut problem = problem.clone();
    let mut album = Album(Vec::new(), usize::MAX);
    calibrate(&problem, Svi::default(), &Run::default(), &mut album).expect("a posterior");
    let at = |album: &Album, k: usize| album.0[k].figure();
    let end = album.0.len() - 1;
    let mut figures = vec![
        ("live_first", at(&album, 0)),
        ("live_middle", at(&album, 120)),
        ("live_end", at(&album, end)),
    ];
    // All four parameters, and so long steps that dropped particles are told.
    problem.priors.severity = Some(Prior::LogitNormal {
        median: 0.5,
        sigma: 1.0,
    });
    problem.priors.recovery_rate = Some(Prior::LogNormal {
        shift: 0.0,
        median: 0.1,
        sigma: 0.5,
    });
    let mut album = Album(Vec::new(), 36);
    calibrate(
        &problem,
        &Svi {
            steps: 5000,
            particles: 4,
            ..Svi::default()
        },
        &Run::default(),
        &mut album,
    )
    .expect("a posterior");
    figures.push(("live_all", at(&album, album.0.len() - 1)));
    let mut album = Album(Vec::new(), usize::MAX);
    calibrate(&problem, Abc::default(), &Run::default(), &mut album).expect("a posterior");
    figures.push(("live_abc", at(&album, album.0.len() / 2)));
    figures.extend([
        ("live_one", few(1)),
        ("live_two", few(2)),
        ("live_four", few(4)),
    ]);
    figures
}

/// A calibration of an economy with so few groups.
fn few(groups: usize) -> Figure {
    let network = Network::synthetic(&Synthetic {
        firms: 40,
        regions: groups,
        sectors: 1,
        ..Synthetic::default()
    })
    .expect("an economy");
    let shock = Shock::random(&network, 5, 0.4, 10, 1);
    let truth = Priors::default().draw(&network, 3);
    let run = simulate(&network, &truth, &shock, &Simulation::default()).expect("a run");
    let problem = Problem::new(&network, &shock, &run.observe());
    let mut album = Album(Vec::new(), 20);
    calibrate(&problem, Svi::default(), &Run::default(), &mut album).expect("a posterior");
    album.0[19].figure()
}

fn all() -> Vec<(&'static str, Figure)> {
    let network = Network::synthetic(&Synthetic {
        firms: 150,
        regions: 4,
        sectors: 3,
        ..Synthetic::default()
    })
    .expect("an economy");
    let truth = Params {
        target_inventory: (0..150).map(|i| 1.2 + 0.03 * (i % 60) as f64).collect(),
        adjustment_time: (0..150).map(|i| 3.0 + 0.1 * (i % 50) as f64).collect(),
        ..Params::default()
    };
    let shock = Shock::region(&network, "R2", 4, 0.6, 0.15).expect("a shock");
    let simulation = Simulation {
        periods: 30,
        ..Simulation::default()
    };
    let run = simulate(&network, &truth, &shock, &simulation).expect("a run");
    let problem = Problem::new(&network, &shock, &run.observe());
    let svi = calibrate(
        &problem,
        &Svi {
            steps: 40,
            draws: 20,
            ..Svi::default()
        },
        &Run::default(),
        &mut (),
    )
    .expect("a posterior");
    let abc = calibrate(
        &problem,
        &Abc {
            draws: 60,
            keep: 20,
            ..Abc::default()
        },
        &Run::default(),
        &mut (),
    )
    .expect("a posterior");
    let learnt = svi.learnt(Parameter::TargetInventory).expect("it varied");
    let mut figures = moving(&problem);
    figures.extend([
        ("trajectory", run.figure()),
        ("observation", run.observe().figure()),
        ("history", svi.figure()),
        (
            "compare",
            compare(&[("variational inference", &svi), ("ABC rejection", &abc)]),
        ),
        (
            "prior_posterior",
            prior_posterior(&learnt, Some(&truth.target_inventory)),
        ),
        ("posterior_alone", prior_posterior(&learnt, None)),
        ("fit", fit(&svi.predictive, &svi.observed)),
        ("degrees", degrees(&network)),
    ]);
    figures
}

/// A text of an SVG file: its place, size, and whether it is turned.
struct Placed {
    text: String,
    x: f64,
    y: f64,
    width: f64,
    height: f64,
}

fn texts(svg: &str) -> Vec<Placed> {
    let attribute = |tag: &str, name: &str| -> Option<String> {
        let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
        Some(tag[start..].split('"').next()?.to_string())
    };
    let mut found = Vec::new();
    for part in svg.split("<text").skip(1) {
        let (tag, rest) = part.split_once('>').expect("a tag");
        let text = rest
            .split("</text")
            .next()
            .unwrap_or_default()
            .trim()
            .to_string();
        let number = |name: &str| attribute(tag, name).and_then(|v| v.parse::<f64>().ok());
        let (Some(x), Some(y), Some(size)) = (number("x"), number("y"), number("font-size")) else {
            continue;
        };
        if attribute(tag, "transform").is_some() {
            continue;
        }
        // Roboto's letters are about half as wide as high.
        let width = 0.5 * size / 1.24 * text.chars().count() as f64 * 1.15;
        let x = match attribute(tag, "text-anchor").as_deref() {
            Some("middle") => x - width / 2.0,
            Some("end") => x - width,
            _ => x,
        };
        found.push(Placed {
            text,
            x,
            y,
            width,
            height: 0.55 * size / 1.24,
        });
    }
    found
}

#[test]
fn every_figure_draws_in_both_formats_without_overlapping_text() {
    let folder = std::env::var_os("BULLWHIP_FIGURES").map(std::path::PathBuf::from);
    for (name, figure) in all() {
        let svg = figure.svg().expect("SVG");
        let png = figure.png().expect("PNG");
        assert!(png.starts_with(b"\x89PNG"), "{name}");
        let width = u32::from_be_bytes(png[16..20].try_into().expect("four bytes"));
        assert_eq!(width, figure.size.0 * 2, "{name}");
        for panel in &figure.panels {
            for label in [&panel.x_label, &panel.y_label] {
                assert!(svg.contains(label.as_str()), "{name} lacks {label:?}");
            }
        }
        let placed = texts(&svg);
        assert!(placed.len() > 8, "{name}");
        for (k, a) in placed.iter().enumerate() {
            assert!(
                a.x >= 0.0 && a.x + a.width * 0.87 <= f64::from(figure.size.0),
                "{name}: {:?} leaves the figure",
                a.text
            );
            for b in &placed[k + 1..] {
                let apart = a.x + a.width <= b.x
                    || b.x + b.width <= a.x
                    || (a.y - b.y).abs() >= a.height.min(b.height);
                assert!(apart, "{name}: {:?} and {:?} overlap", a.text, b.text);
            }
        }
        if let Some(folder) = &folder {
            std::fs::create_dir_all(folder).expect("a folder");
            figure
                .save(folder.join(format!("{name}.png")))
                .expect("saved");
            figure
                .save(folder.join(format!("{name}.svg")))
                .expect("saved");
        }
    }
}

#[test]
fn a_live_picture_has_the_loss_and_what_is_learnt_side_by_side() {
    for groups in [1, 2, 4] {
        let figure = few(groups);
        assert_eq!(figure.panels.len(), 2 + groups);
        let placed = texts(&figure.svg().expect("SVG"));
        let place = |title: &str| {
            let found = placed.iter().find(|p| p.text == title);
            found.map(|p| (p.x, p.y)).expect("the panel's title")
        };
        let (loss, learnt) = (place("Loss"), place("Uncertainty that is left"));
        assert_eq!(loss.1, learnt.1, "{groups} groups");
        assert!(loss.0 < learnt.0, "{groups} groups");
        // The fits are below, and fill their rows.
        let fits: Vec<(f64, f64)> = figure.panels[2..].iter().map(|p| place(&p.title)).collect();
        assert!(fits.iter().all(|fit| fit.1 > loss.1), "{groups} groups");
        for row in fits.chunk_by(|a, b| a.1 == b.1) {
            assert_eq!(row.len(), groups.min(2), "{groups} groups");
        }
    }
}

#[test]
fn odd_data_draw_without_a_panic() {
    for values in [
        vec![],
        vec![f64::NAN; 5],
        vec![1.0],
        vec![0.0; 3],
        vec![f64::INFINITY, 1.0, -1e300],
        vec![1e-320, 1e300],
    ] {
        for (log_x, log_y) in [(false, false), (true, true)] {
            for mark in [
                bullwhip::plot::Mark::Line,
                bullwhip::plot::Mark::Dots,
                bullwhip::plot::Mark::Band,
                bullwhip::plot::Mark::Reference,
            ] {
                let figure = Figure {
                    title: "odd <&> data".into(),
                    subtitle: String::new(),
                    panels: vec![bullwhip::plot::Panel {
                        log_x,
                        log_y,
                        layers: vec![bullwhip::plot::Layer {
                            mark,
                            label: "series".into(),
                            color: 99,
                            x: values.clone(),
                            y: values.clone(),
                            low: Vec::new(),
                            high: values.clone(),
                            ..Default::default()
                        }],
                        ..Default::default()
                    }],
                    columns: 0,
                    size: (300, 200),
                };
                assert!(figure.svg().expect("SVG").contains("&lt;&amp;&gt;"));
                figure.png().expect("PNG");
            }
        }
    }
}

#[test]
fn a_figure_is_saved_only_as_what_it_can_be() {
    let (_, figure) = all().swap_remove(0);
    let said = figure.save("figure.gif").expect_err("no GIF").to_string();
    assert_eq!(
        said,
        "figure.gif: figures are saved as PNG or SVG; end the file's name in .png or .svg"
    );
    assert!(figure.save("no-such-folder/figure.png").is_err());
}
