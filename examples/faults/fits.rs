//! Extreme arguments of calibrations: options, problems and priors.

use crate::calls::ODD;
use crate::world::{Calls, anything, fitted, numbers};
use bullwhip::prelude::*;

/// Options for a fit that ends soon.
fn svi() -> Svi {
    Svi {
        steps: 30,
        draws: 10,
        ..Svi::default()
    }
}

/// So many seconds at most.
fn within(seconds: f64) -> Run {
    Run {
        max_seconds: Some(seconds),
        ..Run::default()
    }
}

type Change<T> = (&'static str, fn(&mut T));

type Change2<T> = (&'static str, fn(&mut T, usize));

pub(crate) fn fits(calls: &mut Calls) {
    for n in [0, 10_000_000, 1_000_000_000, usize::MAX] {
        let whole: [Change2<Svi>; 5] = [
            ("steps", |o, n| o.steps = n),
            ("particles", |o, n| o.particles = n),
            ("draws", |o, n| o.draws = n),
            ("warm_up", |o, n| o.warm_up = n),
            ("guide", |o, n| o.guide = Guide::LowRank(n)),
        ];
        for (name, change) in whole {
            calls.add(format!("Svi.{name} of {n}"), move |w| {
                let mut options = svi();
                change(&mut options, n);
                fitted(calibrate(&w.problem, &options, &within(2.0), &mut ())?)
            });
        }
        for patience in [n, (1 << 63) + n / 2] {
            calls.add(format!("EarlyStop.patience of {patience}"), move |w| {
                let stop = EarlyStop {
                    patience,
                    ..EarlyStop::default()
                };
                let options = Svi {
                    early_stop: Some(stop),
                    ..svi()
                };
                fitted(calibrate(&w.problem, &options, &within(2.0), &mut ())?)
            });
        }
        populations(calls, n);
    }
    reals(calls);
    problems(calls);
    objectives(calls);
    priors(calls);
    background(calls);
}

/// Options and fields of a problem that are real numbers.
fn reals(calls: &mut Calls) {
    for odd in ODD {
        let real: [(&str, fn(&mut Svi, f64)); 7] = [
            ("learning_rate", |o, v| o.learning_rate = v),
            ("final_rate", |o, v| o.final_rate = v),
            ("initial_scale", |o, v| o.initial_scale = v),
            ("kl_weight", |o, v| o.kl_weight = v),
            ("clip", |o, v| o.clip = Some(v)),
            ("divergence", |o, v| o.divergence = Divergence::Renyi(v)),
            ("early_stop.landing", |o, v| {
                o.early_stop = Some(EarlyStop {
                    patience: 5,
                    tolerance: 1e9,
                    landing: v,
                })
            }),
        ];
        for (name, change) in real {
            calls.add(format!("Svi.{name} of {odd:e}"), move |w| {
                let mut options = svi();
                change(&mut options, odd);
                fitted(calibrate(&w.problem, &options, &within(2.0), &mut ())?)
            });
        }
        let shared: [(&str, fn(&mut Run, f64)); 3] = [
            ("seed", |r, v| r.seed = v as u64),
            ("max_seconds", |r, v| r.max_seconds = Some(v)),
            ("save_seconds", |r, v| r.save_seconds = v),
        ];
        for (name, change) in shared {
            calls.add(format!("Run.{name} of {odd:e}"), move |w| {
                let mut run = within(2.0);
                change(&mut run, odd);
                fitted(calibrate(&w.problem, svi(), &run, &mut ())?)
            });
        }
        let problem: [(&str, fn(&mut Problem, f64)); 6] = [
            ("noise", |p, v| p.noise = v),
            ("a weight", |p, v| {
                p.weights = vec![v; p.network.groups().len()]
            }),
            ("degrees of freedom", |p, v| {
                p.loss = Loss::StudentT { freedom: v }
            }),
            ("a cell", |p, v| p.observed.values[7] = v),
            ("a base level", |p, v| p.observed.base[1] = v),
            ("a common share", |p, v| {
                p.priors.per.target_inventory = Per::FirmInRegion(v)
            }),
        ];
        for (name, change) in problem {
            calls.add(format!("calibrate with {name} of {odd:e}"), move |w| {
                let mut problem = w.problem.clone();
                change(&mut problem, odd);
                fitted(calibrate(&problem, svi(), &within(2.0), &mut ())?)
            });
        }
    }
}

fn populations(calls: &mut Calls, n: usize) {
    let abc: [Change2<Abc>; 3] = [
        ("draws", |o, n| o.draws = n),
        ("keep", |o, n| (o.keep, o.draws) = (n, n)),
        ("batch", |o, n| o.batch = n),
    ];
    for (name, change) in abc {
        calls.add(format!("Abc.{name} of {n}"), move |w| {
            let mut options = Abc {
                draws: 200,
                keep: 20,
                ..Abc::default()
            };
            change(&mut options, n);
            fitted(calibrate(&w.problem, &options, &within(1.0), &mut ())?)
        });
    }
    let smc: [Change2<Smc>; 3] = [
        ("population", |o, n| (o.population, o.evaluations) = (n, n)),
        ("evaluations", |o, n| o.evaluations = n),
        ("batch", |o, n| o.batch = n),
    ];
    for (name, change) in smc {
        calls.add(format!("Smc.{name} of {n}"), move |w| {
            let mut options = Smc {
                population: 50,
                evaluations: 300,
                ..Smc::default()
            };
            change(&mut options, n);
            fitted(calibrate(&w.problem, &options, &within(1.0), &mut ())?)
        });
    }
    let walk: [Change2<RandomWalk>; 3] = [
        ("chains", |o, n| o.chains = n),
        ("evaluations", |o, n| o.evaluations = n),
        ("keep", |o, n| o.keep = n),
    ];
    for (name, change) in walk {
        calls.add(format!("RandomWalk.{name} of {n}"), move |w| {
            let mut options = RandomWalk {
                chains: 8,
                evaluations: 400,
                keep: 40,
            };
            change(&mut options, n);
            fitted(calibrate(&w.problem, &options, &within(1.0), &mut ())?)
        });
    }
}

fn problems(calls: &mut Calls) {
    let changes: [Change<Problem>; 14] = [
        ("levels 1000 times as high", |p| {
            p.observed.values.iter_mut().for_each(|v| *v *= 1000.0)
        }),
        ("negative levels", |p| {
            p.observed.values.iter_mut().for_each(|v| *v = -*v)
        }),
        ("no level at all", |p| p.observed.values.fill(f64::NAN)),
        ("levels of 1e300", |p| p.observed.values.fill(1e300)),
        ("levels of 0", |p| p.observed.values.fill(0.0)),
        ("a panel cut short", |p| p.observed.values.truncate(3)),
        ("a panel of no group", |p| p.observed.base.clear()),
        ("a panel of usize::MAX periods", |p| {
            (p.observed.periods, p.simulation.periods) = (usize::MAX, usize::MAX)
        }),
        ("weights too few", |p| p.weights = vec![1.0]),
        ("indices of period 0", |p| {
            p.scale = Scale::Indices { first: 0, last: 3 }
        }),
        ("indices of usize::MAX", |p| {
            p.scale = Scale::Indices {
                first: 1,
                last: usize::MAX,
            }
        }),
        ("a total of no such group", |p| {
            p.totals = vec![Total {
                name: "t".into(),
                groups: vec![usize::MAX],
                values: vec![1.0; p.observed.periods],
            }]
        }),
        ("a total cut short", |p| {
            p.totals = vec![Total {
                name: "t".into(),
                groups: vec![0],
                values: vec![1.0],
            }]
        }),
        ("a further scenario cut short", |p| {
            let mut observed = p.observed.clone();
            observed.values.truncate(5);
            p.further = vec![Scenario {
                shock: p.shock.clone(),
                observed,
            }]
        }),
    ];
    for (name, change) in changes {
        calls.add(format!("calibrate with {name}"), move |w| {
            let mut problem = w.problem.clone();
            change(&mut problem);
            fitted(calibrate(&problem, svi(), &within(2.0), &mut ())?)
        });
        calls.add(format!("Objective with {name}"), move |w| {
            let mut problem = w.problem.clone();
            change(&mut problem);
            let objective = Objective::new(&problem)?;
            numbers(objective.loss(&vec![0.0; objective.dimension()])?, false)
        });
    }
}

fn objectives(calls: &mut Calls) {
    for (name, u) in [("none", Vec::new()), ("one", vec![0.0])] {
        calls.add(format!("Objective::loss of {name}"), move |w| {
            numbers(Objective::new(&w.problem)?.loss(&u)?, false)
        });
    }
    for odd in ODD {
        calls.add(format!("Objective at {odd:e}"), move |w| {
            let objective = Objective::new(&w.problem)?;
            let found = objective.gradient(&vec![odd; objective.dimension()])?;
            // A loss that is not finite says so itself.
            numbers(found.loss, true)
        });
    }
    calls.add("sbc of usize::MAX bins", |w| {
        let found = sbc(&w.problem, svi(), 2, &within(2.0), &mut ())?;
        for bins in [0, 1, usize::MAX] {
            found.parameters[0].histogram(bins);
        }
        numbers(found.loss, false)
    });
    calls.add("ranks of usize::MAX draws", |w| {
        let mut found = sbc(&w.problem, svi(), 2, &within(2.0), &mut ())?;
        found.parameters[0].draws = usize::MAX;
        found.parameters[0].histogram(5);
        numbers([found.parameters[0].coverage(f64::NAN)], true)
    });
    calls.add("sbc of no run", |w| {
        anything(sbc(&w.problem, svi(), 0, &within(2.0), &mut ())?)
    });
    calls.add("a contest of nobody", |w| {
        anything(contest(&w.problem, &[], &[], u64::MAX, &mut ())?)
    });
}

fn priors(calls: &mut Calls) {
    for odd in ODD {
        let shapes = [
            Prior::LogNormal {
                shift: odd,
                median: 1.0,
                sigma: 1.0,
            },
            Prior::LogNormal {
                shift: 1.0,
                median: odd,
                sigma: 1.0,
            },
            Prior::LogNormal {
                shift: 1.0,
                median: 1.0,
                sigma: odd,
            },
            Prior::Uniform {
                low: odd,
                high: 3.0,
            },
            Prior::Uniform {
                low: 1.0,
                high: odd,
            },
            Prior::Beta {
                alpha: odd,
                beta: 1.0,
            },
            Prior::Gamma {
                shift: 0.0,
                shape: odd,
                scale: 1.0,
            },
            Prior::Gamma {
                shift: 0.0,
                shape: 1.0,
                scale: odd,
            },
            Prior::TruncatedNormal {
                mean: odd,
                sd: 1.0,
                low: 1.0,
                high: 9.0,
            },
            Prior::TruncatedNormal {
                mean: 2.0,
                sd: odd,
                low: 1.0,
                high: 9.0,
            },
        ];
        for (k, prior) in shapes.into_iter().enumerate() {
            calls.add(format!("prior {k} of {odd:e}"), move |w| {
                for x in ODD {
                    let _ = (prior.value(x), prior.coordinate(x), prior.density(x));
                }
                let _ = (prior.moments(), prior.support());
                let mut problem = w.problem.clone();
                problem.priors.target_inventory = Some(prior);
                let drawn = problem.priors.draw(w.network(), 1);
                let _ = simulate(w.network(), &drawn, &problem.shock, &problem.simulation);
                fitted(calibrate(&problem, svi(), &within(2.0), &mut ())?)
            });
        }
    }
}

fn background(calls: &mut Calls) {
    calls.add("64 fits in the background", |w| {
        let all: Result<Vec<_>, _> = (0..64)
            .map(|_| Background::spawn(&w.problem, svi(), &within(2.0)))
            .collect();
        for fit in all? {
            let _ = (fit.status(), fit.snapshot().map(|s| s.line()));
            fitted(fit.wait()?)?;
        }
        anything(())
    });
    calls.add("50 dropped fits", |w| {
        for _ in 0..50 {
            let endless = Svi {
                steps: usize::MAX,
                early_stop: None,
                ..Svi::default()
            };
            let _ = Background::spawn(&w.problem, endless, &Run::default())?;
        }
        anything(())
    });
}
