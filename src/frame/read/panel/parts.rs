//! Room for cells, held against the memory that is free, and parts of a file put together.

use super::{FLAG_BITS, Panel, Series, Spot, too_many_flags};
use crate::error::Result;
use crate::frame::read::further::Track;
use crate::frame::read::names::Names;
use crate::memory;

/// Cells from which on it is looked whether there are more of them than months.
const MANY: usize = 1 << 20;
/// Bytes of a cell, at most, while the frame is made of it, and of a series with its names.
const HELD: (f64, f64) = (72.0, 400.0);

impl<'o> Panel<'o> {
    /// A quarter more at a time: memory is scarcer than time here. What it takes is held against what is free, and the
    /// cells are looked through where there are too many.
    pub(super) fn make_room(&mut self, more: usize, line: usize) -> Result<()> {
        if self.spots.len() + more <= self.spots.capacity() {
            return Ok(());
        }
        self.early()?;
        let more = more.max(self.spots.len() / 4).max(1024);
        let there = (self.spots.len() * size_of::<Spot>()) as f64;
        let bytes = HELD.0 * (self.spots.len() + more) as f64 + HELD.1 * self.series.len() as f64;
        memory::require(
            &format!("line {line}"),
            &format!("the cells of {} series", self.series.len()),
            bytes - there,
            "choose with `regions` and `sectors`, or read it where more memory is free",
        )?;
        self.spots.reserve_exact(more);
        Ok(())
    }

    /// Refuses a month that occurs twice before the end of the file where one must: there are more cells than all
    /// series have months.
    fn early(&mut self) -> Result<()> {
        let months =
            (self.ends.1 >> FLAG_BITS).saturating_sub(self.ends.0 >> FLAG_BITS) as usize + 1;
        if self.spots.len() < MANY || self.spots.len() <= months.saturating_mul(self.series.len()) {
            return Ok(());
        }
        self.check_kinds()?;
        self.check_further()?;
        let mut spots = Vec::new();
        self.series
            .iter()
            .try_for_each(|s| self.gather(s, &mut spots))
    }

    /// An empty panel for a part of the same file.
    pub(in crate::frame::read) fn part(&self) -> Panel<'o> {
        let tracks = self.tracks.iter().map(Track::empty).collect();
        Panel {
            tracks,
            ..Panel::new(self.options)
        }
    }

    /// Adds the cells of the next part of the file.
    pub(in crate::frame::read) fn absorb(&mut self, part: Panel<'_>) -> Result<()> {
        self.read += part.read;
        self.notes.extend(part.notes);
        let codes = |mine: &mut Names, theirs: &Names| -> Vec<u32> {
            theirs.list.iter().map(|name| mine.code(name)).collect()
        };
        for k in 0..3 {
            let kinds = codes(&mut self.kinds[k], &part.kinds[k]);
            for code in &part.kept[k] {
                let code = kinds[*code as usize];
                if !self.kept[k].contains(&code) {
                    self.kept[k].push(code);
                }
            }
        }
        let regions = codes(&mut self.regions, &part.regions);
        let sectors = codes(&mut self.sectors, &part.sectors);
        self.passed += part.passed;
        if self.surplus.0 == 0 {
            self.surplus.1 = part.surplus.1;
        }
        self.surplus.0 += part.surplus.0;
        let deleted = part.deleted.iter();
        self.deleted.extend(deleted.map(|(r, s, month, line)| {
            (regions[*r as usize], sectors[*s as usize], *month, *line)
        }));
        if self.is_mixed() {
            return Ok(());
        }
        let line = |spot: &Spot| spot.line as usize;
        let room = self.most() - self.spots.len();
        if let Some(first) = part.spots.get(room) {
            return Err(self.too_many(line(first)));
        }
        let flags = codes(&mut self.flags, &part.flags);
        let from = self.spots.len();
        if let Some(first) = part.spots.first() {
            self.make_room(part.spots.len(), line(first))?;
        }
        self.ends.0 = self.ends.0.min(part.ends.0);
        self.ends.1 = self.ends.1.max(part.ends.1);
        for spot in &part.spots {
            let flag = flags[spot.flag() as usize];
            if flag >> FLAG_BITS > 0 {
                return Err(too_many_flags(line(spot)));
            }
            let when = spot.when >> FLAG_BITS << FLAG_BITS | flag;
            self.spots.push(Spot { when, ..*spot });
        }
        let mut numbers = Vec::with_capacity(part.series.len());
        for series in &part.series {
            let key = (
                regions[series.region as usize],
                sectors[series.sector as usize],
            );
            let k = *self.by_name.entry(key).or_insert(self.series.len());
            if k == self.series.len() {
                self.series.push(Series {
                    region: key.0,
                    sector: key.1,
                    wanted: series.wanted,
                    runs: Vec::new(),
                });
            }
            for (start, count) in &series.runs {
                self.series[k].take(from + *start as usize, *count);
            }
            numbers.push(k);
        }
        for (track, theirs) in self.tracks.iter_mut().zip(&part.tracks) {
            track.absorb(theirs, &numbers);
        }
        Ok(())
    }
}
