//! Extreme arguments of simulations and posteriors.

use crate::world::{Calls, Seen, World, anything, numbers, run};
use bullwhip::prelude::*;

const HUGE: [usize; 3] = [1_000_000_000, 1_000_000_000_000, usize::MAX];
/// Numbers that no argument should have.
pub(crate) const ODD: [f64; 9] = [
    0.0,
    -1.0,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    1e-300,
    1e30,
    1e300,
    f64::MAX,
];

pub(crate) fn simulations(calls: &mut Calls) {
    for periods in [0, 1_000_000_000, 1_000_000_000_000, usize::MAX] {
        for record in [Record::Output, Record::Everything] {
            for method in [Method::Kernels, Method::Reference] {
                calls.add(
                    format!("simulate {periods} periods, {record:?}, {method:?}"),
                    move |w| {
                        w.simulate(Simulation {
                            periods,
                            record,
                            method,
                            ..Simulation::default()
                        })
                    },
                );
            }
        }
    }
    for odd in ODD {
        calls.add(format!("simulate with slack {odd:e}"), move |w| {
            w.simulate(Simulation {
                slack: odd,
                ..Simulation::default()
            })
        });
        for which in 0..2 {
            calls.add(
                format!("simulate with params {which} of {odd:e}"),
                move |w| {
                    let of = |k| if k == which { odd } else { 3.0 };
                    let params = Params::uniform(w.network(), of(0), of(1));
                    let simulation = Simulation::default();
                    run(simulate(
                        w.network(),
                        &params,
                        &w.problem.shock,
                        &simulation,
                    )?)
                },
            );
            calls.add(
                format!("simulate with shock {which} of {odd:e}"),
                move |w| {
                    let of = |k| if k == which { odd } else { 0.3 };
                    let shock = Shock::firms(&[0, 1], 3, of(0), of(1));
                    let simulation = Simulation::default();
                    run(simulate(w.network(), &w.params(), &shock, &simulation)?)
                },
            );
        }
    }
    for (name, stride) in [("0", 0), ("all", usize::MAX)] {
        calls.add(format!("sensitivity with checkpoints {name}"), move |w| {
            let simulation = Simulation {
                periods: w.problem.observed.periods,
                checkpoint: Checkpoint::Every(stride),
                ..Simulation::default()
            };
            let found = sensitivity(
                w.network(),
                &w.params(),
                &w.problem.shock,
                &simulation,
                &w.problem.observed,
            )?;
            numbers(found.target_inventory, false)
        });
    }
    for device in [
        Device::Cuda(9),
        Device::Rocm(9),
        Device::Wgpu(99),
        Device::Remote(9),
    ] {
        calls.add(format!("simulate on {device:?}"), move |w| {
            w.simulate(Simulation {
                device,
                ..Simulation::default()
            })
        });
    }
    for token in ["", "x", "\0", "bullwhip1:zzzz"] {
        calls.add(format!("connect to {token:?}"), move |_| {
            anything(connect("127.0.0.1:9", token)?)
        });
    }
    shocks(calls);
}

fn shocks(calls: &mut Calls) {
    let with = |w: &World, shock: Shock| {
        run(simulate(
            w.network(),
            &w.params(),
            &shock,
            &Simulation::default(),
        )?)
    };
    for start in [0, 61, 1 << 33, usize::MAX] {
        calls.add(format!("an event that starts in {start}"), move |w| {
            with(w, Shock::firms(&[0], start, 0.5, 0.1))
        });
    }
    for firms in [vec![0, 0], vec![40], vec![usize::MAX], Vec::new()] {
        calls.add(format!("an event of firms {firms:?}"), move |w| {
            with(w, Shock::firms(&firms, 3, 0.5, 0.1))
        });
    }
    calls.add("an event with a severity too few", move |w| {
        let mut shock = Shock::firms(&[0, 1], 3, 0.5, 0.1);
        shock.events[0].severity.pop();
        with(w, shock)
    });
    for events in HUGE {
        for share in [0.0, 0.4, 2.0] {
            calls.add(format!("{events} random events of {share}"), move |w| {
                with(w, Shock::random(w.network(), events, share, 9, 1))
            });
        }
    }
    for (share, latest) in [
        (f64::NAN, 9),
        (-1.0, 0),
        (0.5, usize::MAX),
        (f64::INFINITY, 1),
    ] {
        calls.add(
            format!("3 random events of {share} until {latest}"),
            move |w| with(w, Shock::random(w.network(), 3, share, latest, u64::MAX)),
        );
    }
}

type Change<T> = (&'static str, fn(&mut T));

pub(crate) fn posteriors(calls: &mut Calls) {
    for periods in [0, 1, 1_000_000_000, 1_000_000_000_000, usize::MAX] {
        calls.add(format!("predict {periods} periods"), move |w| {
            let made = w
                .posterior()?
                .predict(&w.problem, &w.problem.shock, periods)?;
            numbers(made.samples, false)
        });
        calls.add(format!("what_if over {periods} periods"), move |w| {
            let world = WhatIf {
                periods,
                ..WhatIf::default()
            };
            numbers(w.posterior()?.what_if(&w.problem, &world)?.lost, false)
        });
    }
    for odd in ODD {
        calls.add(format!("what_if of policies of {odd:e}"), move |w| {
            let policy = |more_inventory, slower| Policy {
                firms: vec![0, 1],
                more_inventory,
                slower,
            };
            let fit = w.posterior()?;
            let mut last = None;
            for one in [policy(odd, 1.0), policy(0.0, odd)] {
                let world = WhatIf {
                    policies: vec![one],
                    ..WhatIf::default()
                };
                last = Some(fit.what_if(&w.problem, &world)?);
            }
            numbers(last.into_iter().flat_map(|o| o.lost), false)
        });
        calls.add(format!("quantiles and levels of {odd:e}"), move |w| {
            let fit = w.posterior()?;
            let _ = (fit.check().coverage(odd), fit.check().worst(odd));
            let _ = (
                fit.predictive.quantile(odd),
                fit.predictive.total_quantile(odd),
            );
            let learnt = fit.learnt(Parameter::TargetInventory)?;
            let _ = (learnt.informed(odd), fit.identification());
            numbers(learnt.quantile(odd), true)
        });
    }
    calls.add("params of draw usize::MAX", |w| {
        anything(w.posterior()?.params(&w.problem, usize::MAX)?)
    });
    calls.add("what was not learnt", |w| {
        anything(w.posterior()?.learnt(Parameter::Severity)?)
    });
    calls.add("a policy for firm usize::MAX", |w| {
        let policy = Policy {
            firms: vec![usize::MAX],
            ..Policy::default()
        };
        anything(policy.apply(&w.params())?)
    });
    for problem in [0, 1] {
        calls.add(
            format!("predict with another problem {problem}"),
            move |w| {
                let other = match problem {
                    0 => Problem {
                        priors: Priors::none(),
                        ..w.problem.clone()
                    },
                    _ => {
                        let network = Network::synthetic(&Synthetic {
                            firms: 7,
                            ..Synthetic::default()
                        })?;
                        Problem {
                            network,
                            ..w.problem.clone()
                        }
                    }
                };
                let made = w.posterior()?.predict(&other, &other.shock, 5)?;
                numbers(made.samples, false)
            },
        );
    }
    cut(calls);
}

/// What a posterior does whose tables were cut.
fn cut(calls: &mut Calls) {
    let hurt: [Change<Posterior>; 8] = [
        ("samples cut", |p| p.parameters[0].samples.truncate(3)),
        ("labels cut", |p| p.parameters[0].labels.clear()),
        ("means cut", |p| p.parameters[0].mean.truncate(1)),
        ("predictions cut", |p| p.predictive.samples.truncate(3)),
        ("observed cells cut", |p| p.observed.values.truncate(3)),
        ("usize::MAX draws", |p| p.draws = usize::MAX),
        ("no history", |p| p.history.clear()),
        ("no parameter", |p| p.parameters.clear()),
    ];
    let uses: [(&str, fn(&World, &Posterior) -> Seen); 8] = [
        ("summary", |_, p| anything(p.summary())),
        ("check", |_, p| anything(p.check())),
        ("identification", |_, p| anything(p.identification())),
        ("figure", |_, p| anything(p.figure().svg()?)),
        ("frame", |_, p| anything(p.frame()?)),
        ("samples_frame", |_, p| anything(p.samples_frame()?)),
        ("predict", |w, p| {
            numbers(p.predict(&w.problem, &w.problem.shock, 5)?.samples, false)
        }),
        ("card", |_, p| anything((p.text(), p.html()))),
    ];
    for (name, change) in hurt {
        for (what, of) in uses {
            calls.add(format!("{what} of a posterior with {name}"), move |w| {
                let mut posterior = w.posterior()?;
                change(&mut posterior);
                of(w, &posterior)
            });
        }
    }
}
