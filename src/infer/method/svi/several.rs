//! Several guides side by side, of which the best goes on alone.

use super::ascent::Ascent;
use crate::error::Result;
use std::ops::Range;

impl Ascent<'_> {
    /// Number of guides.
    pub(super) fn guides(&self) -> usize {
        self.state.moves.len()
    }

    /// Where guide `k` stands among all unknowns.
    pub(super) fn place(&self, k: usize) -> Range<usize> {
        let size = self.state.guide.len() / self.guides();
        k * size..(k + 1) * size
    }

    /// The guide with the lowest objective by now.
    pub(super) fn leading(&self) -> usize {
        let standing = self.state.standing.iter().enumerate();
        let finite = standing.filter(|(_, s)| s.is_finite());
        finite
            .min_by(|a, b| a.1.total_cmp(b.1))
            .map_or(0, |(k, _)| k)
    }

    /// The unknowns of that guide.
    pub(super) fn guide(&self) -> &[f64] {
        &self.state.guide[self.place(self.leading())]
    }

    /// Lets the best guide go on alone, and keeps what the others came to.
    pub(super) fn select(&mut self) {
        let (best, n, family) = (self.leading(), self.n, self.options.guide);
        let guide = |k: usize| &self.state.guide[self.place(k)];
        let spread = |i: usize| match family.is_point() {
            true => 1.0,
            false => family.moments(guide(best), n, [(i, 1.0)].into_iter()).1,
        };
        let spreads: Vec<f64> = (0..n).map(spread).collect();
        let tried = (0..self.guides()).map(|k| {
            let apart = guide(k)[..n].iter().zip(&guide(best)[..n]).zip(&spreads);
            let squares = apart.map(|((a, b), s)| ((a - b) / s).powi(2));
            let distance = (squares.sum::<f64>() / n as f64).sqrt();
            [self.state.standing[k], distance]
        });
        self.state.tried = tried.collect();
        self.state.kept = best;
        let place = self.place(best);
        for all in [
            &mut self.state.guide,
            &mut self.state.first,
            &mut self.state.second,
        ] {
            *all = all[place.clone()].to_vec();
        }
        self.state.moves = vec![self.state.moves[best]];
        self.state.standing = vec![self.state.standing[best]];
        self.good = Default::default();
    }

    /// Takes guide `k`, which is no longer finite, out of the search; an error where it is the last.
    pub(super) fn lose(&mut self, k: usize, what: &str) -> Result<()> {
        let others = self.state.standing.iter().enumerate();
        let mut others = others.filter(|(other, s)| *other != k && !s.is_infinite());
        if others.next().is_none() {
            return Err(self.diverged(what));
        }
        let place = self.place(k);
        let good = [&self.good.0, &self.good.1, &self.good.2];
        let state = [
            &mut self.state.guide,
            &mut self.state.first,
            &mut self.state.second,
        ];
        for (to, from) in state.into_iter().zip(good) {
            match from.get(place.clone()) {
                Some(from) => to[place.clone()].copy_from_slice(from),
                None => to[place.clone()].fill(0.0),
            }
        }
        self.state.standing[k] = f64::INFINITY;
        Ok(())
    }
}
