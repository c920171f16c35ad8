//! Whether the cells that were read make one panel, and what is told of them.

use super::{KINDS, Panel, Series};
use crate::error::{Error, Result};
use crate::frame::read::cell::{month_name, were};
use crate::frame::read::choice::fits;
use crate::frame::read::further::nothing_kept;
use crate::frame::read::looks::Looks;
use crate::frame::read::names::look_alike;
use crate::frame::read::{Format, Index, kinds, totals};

impl Panel<'_> {
    /// The frame, where the cells make one panel.
    pub(in crate::frame::read) fn finish(
        mut self,
        format: Format,
        reason: String,
    ) -> Result<Index> {
        if self.read == 0 {
            if self.passed > 0 {
                return Err(nothing_kept(self.options));
            }
            return Err(Error::new(
                "",
                "it has a header, but no observation",
                "download the file again",
            ));
        }
        self.check_choices()?;
        self.check_kinds()?;
        self.check_further()?;
        self.delete()?;
        let missing = self.spots.iter().filter(|s| s.value.is_nan()).count();
        let mut notes = std::mem::take(&mut self.notes);
        notes.extend(self.row_notes());
        notes.extend(self.name_notes()?);
        let mut looks = Looks::default();
        let frame = self.frame(&mut looks)?;
        notes.extend(looks.notes());
        Ok(Index {
            format,
            reason,
            missing,
            notes,
            source: None,
            frame,
        })
    }

    /// Refuses figures that are no levels, and texts with control characters.
    pub(super) fn check_kinds(&self) -> Result<()> {
        self.flags.check("column `flag`")?;
        for (k, names) in self.kinds.iter().enumerate() {
            let place = format!("column `{}`", self.titles[k]);
            names.check(&place)?;
            let Some(kept) = self.kept[k].first().map(|c| names.text(*c)) else {
                continue;
            };
            if k > 0
                && let Some(what) = kinds::code(kept)
            {
                let others: Vec<u32> = (0..names.list.len() as u32)
                    .filter(|c| names.text(*c) != kept)
                    .collect();
                let others = match others.as_slice() {
                    [] => String::new(),
                    _ => names.shown(Some(&others)),
                };
                return Err(kinds::refusal(place, kept, what, &others));
            }
        }
        Ok(())
    }

    pub(super) fn check_further(&mut self) -> Result<()> {
        let keys: Vec<(u32, u32)> = self.series.iter().map(|s| (s.region, s.sector)).collect();
        for track in &self.tracks {
            if let Some(note) = track.judge(&keys)? {
                self.notes.push(note);
            }
        }
        Ok(())
    }

    /// Rows of SDMX that delete are no observations; where they delete what the same file gives, it is not said
    /// which of the two holds.
    fn delete(&mut self) -> Result<()> {
        for (region, sector, month, line) in &self.deleted {
            let series = self
                .by_name
                .get(&(*region, *sector))
                .map(|k| &self.series[*k]);
            let spots = series
                .iter()
                .flat_map(|s| &s.runs)
                .flat_map(|(start, count)| {
                    &self.spots[*start as usize..(*start + *count) as usize]
                });
            let mut given = spots.filter(|s| month.is_none_or(|m| m == s.month()));
            if let Some(spot) = given.find(|s| (s.line as usize) < *line) {
                return Err(Error::new(
                    format!("line {line}"),
                    format!(
                        "it deletes the observation of {} that line {} gives",
                        month_name(spot.month()),
                        spot.line
                    ),
                    "take both out, or the one that does not hold",
                ));
            }
        }
        Ok(())
    }

    /// Notes on rows that do not count.
    fn row_notes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if let Some(first) = self.deleted.first() {
            notes.push(format!(
                "{} left out, as column `ACTION` says that an observation is deleted, the first in line {}",
                were(self.deleted.len(), "row"),
                first.3
            ));
        }
        let (rows, first) = &self.surplus;
        if *rows > 0 {
            notes.push(format!(
                "{} cut to the months of the header, the first in {first}; the cells after them were left out, and if one was inserted before them, the months of the row are wrong",
                were(*rows, "row")
            ));
        }
        notes
    }

    /// Notes on names that look alike, and on totals among their parts.
    fn name_notes(&self) -> Result<Vec<String>> {
        let mut notes = Vec::new();
        for (what, names, of) in [
            (
                "region",
                &self.regions,
                (|s| s.region) as fn(&Series) -> u32,
            ),
            ("sector", &self.sectors, |s| s.sector),
        ] {
            let mut codes: Vec<u32> = self
                .series
                .iter()
                .filter(|s| !s.runs.is_empty())
                .map(of)
                .collect();
            codes.sort_unstable();
            codes.dedup();
            let mut list: Vec<&str> = codes.iter().map(|c| names.text(*c)).collect();
            list.sort_unstable();
            notes.extend(look_alike(what, &list)?);
            notes.extend(totals::note(what, &list));
        }
        Ok(notes)
    }

    fn check_choices(&self) -> Result<()> {
        if !self.options.keep.is_empty() && !self.chosen_by {
            return Err(Error::new(
                "ReadOptions.keep",
                "the format has no columns to choose by",
                "choose with `regions`, `sectors`, `s_adj`, `unit` or `indicator`",
            ));
        }
        for (k, name) in KINDS.into_iter().enumerate() {
            match self.wanted()[k] {
                Some(value) if !self.kinds[k].has(value) => {
                    return Err(Error::new(
                        format!("ReadOptions.{name}"),
                        format!("no row has {value:?}"),
                        format!("the file has {}", self.kinds[k].shown(None)),
                    ));
                }
                None if self.kept[k].len() > 1 => {
                    let found = self.kinds[k].shown(Some(&self.kept[k]));
                    return Err(Error::new(
                        format!("column `{name}`"),
                        format!("it mixes {found}, which cannot stand in one panel"),
                        format!("choose one with ReadOptions {{ {name}: Some(…) }}"),
                    ));
                }
                _ => {}
            }
        }
        let lists = [
            ("regions", &self.options.regions, &self.regions),
            ("sectors", &self.options.sectors, &self.sectors),
        ];
        for (name, wanted, found) in lists {
            let unknown = wanted
                .iter()
                .find(|w| !found.list.iter().any(|n| fits(w, n)));
            if let Some(unknown) = unknown {
                return Err(Error::new(
                    format!("ReadOptions.{name}"),
                    format!("there is no {unknown:?}"),
                    format!("the file has {}", found.shown(None)),
                ));
            }
        }
        if self.spots.is_empty() {
            return Err(Error::new(
                "ReadOptions",
                "no row has all of what was chosen",
                "choose fewer things at a time",
            ));
        }
        Ok(())
    }
}
