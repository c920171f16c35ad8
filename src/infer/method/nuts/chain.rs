//! One chain of the no-U-turn sampler: a trajectory that doubles until it turns back, asked for one gradient at a time so
//! that many chains can be evaluated side by side.
//!
//! Hoffman & Gelman 2014, with states chosen by their weights (Betancourt 2017) and turns found without recursion (Phan,
//! Pradhan & Jankowiak 2019).

use crate::infer::guide::dot;
use crate::infer::method::factor::Factor;
use crate::infer::method::slopes::Point;

/// Loss of energy above which a trajectory has left what the steps can follow.
const DIVERGED: f64 = 1000.0;

/// What moves a chain.
#[derive(Clone, Copy)]
pub(super) struct Motion<'a> {
    pub(super) factor: &'a Factor,
    /// Size of a step.
    pub(super) step: f64,
    /// Nats that the loss weighs.
    pub(super) weight: f64,
    /// How often a trajectory may double.
    pub(super) depth: usize,
}

/// One end of a trajectory.
#[derive(Clone)]
struct End {
    u: Vec<f64>,
    momentum: Vec<f64>,
    force: Vec<f64>,
}

/// The half of a trajectory that is being added.
struct Branch {
    forward: bool,
    end: End,
    /// Momentum in the middle of the step that is being made.
    half: Vec<f64>,
    leaves: usize,
    sum: Vec<f64>,
    /// Logarithm of the sum of the states' weights.
    weight: f64,
    chosen: Option<Point>,
    /// Momenta of earlier states, and sums up to them, that later ones are held against.
    marks: Vec<(Vec<f64>, Vec<f64>)>,
}

/// A trajectory that grows.
struct Tree {
    energy: f64,
    ends: [End; 2],
    sum: Vec<f64>,
    weight: f64,
    chosen: Option<Point>,
    depth: usize,
    branch: Branch,
    leaves: usize,
    acceptance: f64,
}

/// What one draw took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drawn {
    pub(super) energy: f64,
    /// Mean probability of the states to be accepted.
    pub(super) acceptance: f64,
    pub(super) leaves: usize,
    pub(super) diverged: bool,
}

/// A chain.
pub(super) struct Chain {
    pub(super) here: Point,
    tree: Option<Tree>,
    chance: Box<dyn Iterator<Item = f64> + Send>,
}

fn add(a: &mut [f64], b: &[f64]) {
    a.iter_mut().zip(b).for_each(|(a, b)| *a += b);
}

/// ln(e^a + e^b).
fn log_add(a: f64, b: f64) -> f64 {
    let (high, low) = (a.max(b), a.min(b));
    match low == f64::NEG_INFINITY {
        true => high,
        false => high + (low - high).exp().ln_1p(),
    }
}

/// True where states between two momenta whose sum is `sum` turn back.
fn turns(left: &[f64], right: &[f64], sum: &[f64]) -> bool {
    let middle = |a: &[f64]| -> f64 {
        let each = a.iter().zip(sum).zip(left.iter().zip(right));
        each.map(|((a, s), (l, r))| a * (s - 0.5 * (l + r))).sum()
    };
    middle(left) <= 0.0 || middle(right) <= 0.0
}

impl Branch {
    fn new(end: End, forward: bool) -> Self {
        Self {
            forward,
            half: Vec::new(),
            leaves: 0,
            sum: vec![0.0; end.u.len()],
            weight: f64::NEG_INFINITY,
            chosen: None,
            marks: Vec::new(),
            end,
        }
    }

    fn step(&self, size: f64) -> f64 {
        if self.forward { size } else { -size }
    }

    /// Marks the state that was added last, or tells whether it turns back against one that is marked.
    fn turned(&mut self) -> bool {
        let leaf = self.leaves - 1;
        let last = (leaf >> 1).count_ones() as usize;
        let momentum = &self.end.momentum;
        if leaf.is_multiple_of(2) {
            self.marks.truncate(last);
            self.marks.push((momentum.clone(), self.sum.clone()));
            return false;
        }
        let first = last + 1 - leaf.trailing_ones() as usize;
        (first..=last).rev().any(|k| {
            let (earlier, before) = &self.marks[k];
            let each = self.sum.iter().zip(before).zip(earlier);
            let between: Vec<f64> = each.map(|((s, b), e)| s - b + e).collect();
            turns(earlier, momentum, &between)
        })
    }
}

impl Chain {
    pub(super) fn new(here: Point) -> Self {
        Self {
            here,
            tree: None,
            chance: Box::new(std::iter::empty()),
        }
    }

    fn luck(&mut self) -> f64 {
        self.chance.next().expect("without end")
    }

    /// Begins a draw with this momentum.
    pub(super) fn begin(
        &mut self,
        motion: Motion<'_>,
        momentum: Vec<f64>,
        chance: Box<dyn Iterator<Item = f64> + Send>,
    ) {
        self.chance = chance;
        let force = motion.factor.transposed(&self.here.force(motion.weight));
        let energy = 0.5 * dot(&momentum, &momentum) - self.here.log(motion.weight);
        let end = End {
            u: self.here.u.clone(),
            momentum: momentum.clone(),
            force,
        };
        let forward = self.luck() < 0.5;
        self.tree = Some(Tree {
            energy,
            branch: Branch::new(end.clone(), forward),
            ends: [end.clone(), end],
            sum: momentum,
            weight: 0.0,
            chosen: None,
            depth: 0,
            leaves: 0,
            acceptance: 0.0,
        });
    }

    /// Where the next gradient is wanted.
    pub(super) fn ask(&mut self, motion: Motion<'_>) -> Vec<f64> {
        let tree = self.tree.as_mut().expect("a draw was begun");
        let branch = &mut tree.branch;
        let step = branch.step(motion.step);
        let End { u, momentum, force } = &branch.end;
        let both = momentum.iter().zip(force);
        branch.half = both.map(|(p, f)| p + 0.5 * step * f).collect();
        let mut to = motion.factor.times(&branch.half);
        to.iter_mut().zip(u).for_each(|(v, u)| *v = u + step * *v);
        to
    }

    /// Takes the gradient that was asked for; what the draw took, where it is made.
    pub(super) fn give(&mut self, motion: Motion<'_>, point: Point) -> Option<Drawn> {
        let luck = self.luck();
        let tree = self.tree.as_mut().expect("a draw was begun");
        let branch = &mut tree.branch;
        let step = branch.step(motion.step);
        let force = motion.factor.transposed(&point.force(motion.weight));
        let both = branch.half.iter().zip(&force);
        let momentum: Vec<f64> = both.map(|(p, f)| p + 0.5 * step * f).collect();
        let energy = 0.5 * dot(&momentum, &momentum) - point.log(motion.weight);
        let gain = match tree.energy - energy {
            gain if gain.is_nan() => f64::NEG_INFINITY,
            gain => gain,
        };
        tree.acceptance += gain.exp().min(1.0);
        tree.leaves += 1;
        branch.leaves += 1;
        let diverged = gain < -DIVERGED;
        if diverged {
            return Some(self.end(motion, true));
        }
        branch.weight = log_add(branch.weight, gain);
        add(&mut branch.sum, &momentum);
        branch.end = End {
            u: point.u.clone(),
            momentum,
            force,
        };
        if luck.ln() < gain - branch.weight {
            branch.chosen = Some(point);
        }
        if branch.turned() {
            return Some(self.end(motion, false));
        }
        if branch.leaves < 1 << tree.depth {
            return None;
        }
        let over = self.merge() || self.tree.as_ref().is_some_and(|t| t.depth >= motion.depth);
        over.then(|| self.end(motion, false))
    }

    /// Takes the finished branch into the tree; true where the whole turns back.
    fn merge(&mut self) -> bool {
        let (taken, forward) = (self.luck(), self.luck() < 0.5);
        let tree = self.tree.as_mut().expect("a draw was begun");
        let side = usize::from(tree.branch.forward);
        if taken.ln() < tree.branch.weight - tree.weight && tree.branch.chosen.is_some() {
            tree.chosen = tree.branch.chosen.take();
        }
        tree.weight = log_add(tree.weight, tree.branch.weight);
        add(&mut tree.sum, &tree.branch.sum);
        tree.ends[side] = tree.branch.end.clone();
        tree.depth += 1;
        let [left, right] = &tree.ends;
        if turns(&left.momentum, &right.momentum, &tree.sum) {
            return true;
        }
        let end = tree.ends[usize::from(forward)].clone();
        tree.branch = Branch::new(end, forward);
        false
    }

    fn end(&mut self, motion: Motion<'_>, diverged: bool) -> Drawn {
        let tree = self.tree.take().expect("a draw was begun");
        if let Some(chosen) = tree.chosen {
            self.here = chosen;
        }
        Drawn {
            energy: -self.here.log(motion.weight),
            acceptance: tree.acceptance / tree.leaves as f64,
            leaves: tree.leaves,
            diverged,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::infer::noise::{Purpose, normals, uniforms};

    /// A point of a normal with standard deviations 1 and 3, correlated by 0.8, as a loss beside the standard normal
    /// prior.
    fn point(u: Vec<f64>) -> Point {
        let precision = [[2.7777778, -0.7407407], [-0.7407407, 0.308642]];
        let at = |i: usize| precision[i][0] * u[0] + precision[i][1] * u[1] - u[i];
        let slope = vec![at(0), at(1)];
        let loss = 0.5 * dot(&u, &slope);
        Point { u, loss, slope }
    }

    #[test]
    fn a_normal_is_sampled() {
        for metric in [
            Factor::unit(2),
            Factor::dense(vec![1.0, 2.4, 2.4, 9.0], 2).expect("a factor"),
        ] {
            let motion = Motion {
                factor: &metric,
                step: 0.4,
                weight: 1.0,
                depth: 8,
            };
            let mut chain = Chain::new(point(vec![0.5, 0.5]));
            let (mut draws, mut leaves) = (Vec::new(), 0);
            for k in 0..20_000 {
                let momentum = normals(1, Purpose::Momentum, k, 2);
                let chance = uniforms(1, Purpose::Choice, k);
                chain.begin(motion, momentum, Box::new(chance));
                let drawn = loop {
                    let u = chain.ask(motion);
                    if let Some(drawn) = chain.give(motion, point(u)) {
                        break drawn;
                    }
                };
                assert!(!drawn.diverged && drawn.acceptance > 0.3);
                leaves += drawn.leaves;
                draws.push(chain.here.u.clone());
            }
            let mean = |f: &dyn Fn(&[f64]) -> f64| {
                draws.iter().map(|u| f(u)).sum::<f64>() / draws.len() as f64
            };
            assert!(leaves < 20_000 * 32, "{leaves}");
            assert!(mean(&|u| u[0]).abs() < 0.04 && mean(&|u| u[1]).abs() < 0.12);
            assert!((mean(&|u| u[0] * u[0]) - 1.0).abs() < 0.06);
            assert!((mean(&|u| u[1] * u[1]) - 9.0).abs() < 0.5);
            assert!((mean(&|u| u[0] * u[1]) - 2.4).abs() < 0.15);
        }
    }
}
