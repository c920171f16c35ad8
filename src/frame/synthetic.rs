//! Panels in the shape of an index, and indices from frames.

use super::align::Calendar;
use super::read::{Format, Index};
use super::series::index_series;
use super::{prepare, schema};
use crate::error::{Error, Result};
use crate::observe::{Dates, Observation};
use polars::prelude::{Column, DataFrame, DataType};

impl Calendar {
    /// The months of its periods, as panels keep them.
    pub fn dates(&self) -> Result<Dates> {
        Ok(Dates {
            first: self.first,
            lengths: self.lengths()?,
        })
    }
}

impl Observation {
    /// The same panel with its place in a calendar, which figures and saved files keep.
    ///
    /// # Errors
    /// A calendar with another number of periods.
    pub fn with_calendar(self, calendar: &Calendar) -> Result<Observation> {
        self.with_dates(calendar.dates()?)
    }

    /// The panel as a monthly index, in the shape that `read` gives: the mean of each month's periods, the steady state
    /// = 100. For tests and examples: `align_to` takes it back.
    ///
    /// # Errors
    /// A calendar with another number of periods.
    ///
    /// ```
    /// use bullwhip::prelude::*;
    ///
    /// # let network = Network::synthetic(&Synthetic { firms: 30, ..Synthetic::default() })?;
    /// # let run = simulate(&network, &Params::usual(&network), &Shock::none(), &Simulation { periods: 24, ..Simulation::default() })?;
    /// let calendar = Calendar { first: (2020, 1), months: 24, ..Calendar::default() };
    /// let index = run.observe().noisy(0.02, 1).as_index(&calendar)?;
    /// let back = align_to(&index.frame, &network, &calendar)?;
    /// assert_eq!(back.observed.periods, 24);
    /// # Ok::<(), bullwhip::Error>(())
    /// ```
    pub fn as_index(&self, calendar: &Calendar) -> Result<Index> {
        let dated = self.clone().with_calendar(calendar)?;
        let months = dated.block_means(&calendar.lengths()?)?;
        let first = prepare::code(calendar.first)?;
        let (g, n) = (months.groups(), months.periods);
        let of = |names: &[String]| -> Vec<String> {
            (0..g)
                .flat_map(|k| std::iter::repeat_n(names[k].clone(), n))
                .collect()
        };
        let values: Vec<Option<f64>> = (0..g)
            .flat_map(|k| months.index(k))
            .map(|v| (!v.is_nan()).then_some(v))
            .collect();
        let day = |k: usize| super::read::first_day(first + (k % n.max(1)) as i32);
        let days: Vec<i32> = (0..g * n).map(day).collect();
        let frame = DataFrame::new_infer_height(vec![
            Column::new(schema::REGION.into(), of(&months.region)),
            Column::new(schema::SECTOR.into(), of(&months.sector)),
            Column::new(schema::MONTH.into(), days).cast(&DataType::Date)?,
            Column::new(schema::VALUE.into(), values),
        ])?;
        Index::from_frame(&frame)
    }
}

impl Index {
    /// An index from a frame with the columns region, sector, month (the first day, as a date) and value; others are
    /// left out, but for flag, s_adj and unit.
    ///
    /// # Errors
    /// A column that is missing or of another type; a month that occurs twice in a series.
    pub fn from_frame(frame: &DataFrame) -> Result<Index> {
        let names = [schema::REGION, schema::SECTOR, schema::MONTH, schema::VALUE];
        let types = [
            DataType::String,
            DataType::String,
            DataType::Date,
            DataType::Float64,
        ];
        let mut columns = Vec::new();
        for (name, wanted) in names.iter().zip(types) {
            let found = frame.column(name).map_err(|_| {
                Error::new(
                    "Index::from_frame",
                    format!("there is no column `{name}`"),
                    "give region, sector, month (a date) and value",
                )
            })?;
            let number = wanted == DataType::Float64 && found.dtype().is_primitive_numeric();
            let column = if number {
                found.cast(&wanted)?
            } else {
                found.clone()
            };
            if *column.dtype() != wanted {
                return Err(Error::new(
                    "Index::from_frame",
                    format!("the column `{name}` is of type {}", column.dtype()),
                    format!("give it as {wanted}"),
                ));
            }
            columns.push(column);
        }
        for name in [schema::FLAG, schema::S_ADJ, schema::UNIT] {
            columns.push(match frame.column(name) {
                Ok(column) if *column.dtype() == DataType::String => column.clone(),
                _ => Column::new(name.into(), vec![None::<&str>; frame.height()]),
            });
        }
        let frame = DataFrame::new(frame.height(), columns)?;
        // Refuses months that occur twice.
        let series = index_series(&frame)?;
        let missing = series
            .iter()
            .flat_map(|s| &s.values)
            .filter(|v| v.is_nan())
            .count();
        Ok(Index {
            format: Format::Tidy,
            reason: "it was made from a frame".into(),
            missing,
            notes: Vec::new(),
            source: None,
            frame,
        })
    }
}
