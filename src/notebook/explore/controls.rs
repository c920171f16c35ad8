//! What can be moved: sliders, choices, checkboxes and a play button, and how they become a closure's arguments.

use crate::error::{Error, Result};
use std::ops::RangeInclusive;

/// What a control looks like to whoever draws it. A control's state is one number: the value, the place of the
/// option, or 1 for a tick.
#[derive(Clone, Debug, PartialEq)]
pub struct Widget {
    /// The name beside it.
    pub name: String,
    /// Its state at first.
    pub value: f64,
    /// What it is.
    pub kind: Kind,
}

/// What a control is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// A slider over numbers, or over whole ones.
    Slider {
        /// The lowest and the highest value.
        range: (f64, f64),
        /// From one value to the next.
        step: f64,
        /// Whether only whole numbers are meant.
        whole: bool,
    },
    /// One of several texts.
    Choice(Vec<String>),
    /// Yes or no.
    Checkbox,
    /// Whole numbers that a play button runs through.
    Play {
        /// The first and the last value.
        range: (f64, f64),
        /// Milliseconds from one to the next.
        interval: usize,
    },
}

/// Something that can be moved, and gives one argument of the closure.
pub trait Control {
    /// The argument.
    type Value;
    /// What it looks like.
    fn widget(&self) -> Widget;
    /// The argument in this state.
    fn value(&self, state: f64) -> Self::Value;
}

/// One control, or up to six in brackets; the closure has as many arguments, in brackets too.
pub trait Controls {
    /// The closure's arguments.
    type Values;
    /// What they look like.
    fn widgets(&self) -> Vec<Widget>;
    /// The arguments in these states.
    fn values(&self, states: &[f64]) -> Self::Values;
}

/// Numbers that a slider can have: `f64` or `usize`.
pub trait Step: Copy {
    /// Whether only whole numbers are meant.
    const WHOLE: bool;
    /// As the slider's number.
    fn number(self) -> f64;
    /// From the slider's number.
    fn of(number: f64) -> Self;
}

impl Step for f64 {
    const WHOLE: bool = false;
    fn number(self) -> f64 {
        self
    }
    fn of(number: f64) -> Self {
        number
    }
}

impl Step for usize {
    const WHOLE: bool = true;
    fn number(self) -> f64 {
        self as f64
    }
    fn of(number: f64) -> Self {
        number.round() as usize
    }
}

/// A slider: `slider("severity", 0.0..=1.0, 0.5)`, or over whole numbers `slider("start", 1..=12, 5)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Slider<N> {
    /// The name beside it.
    pub name: String,
    /// The lowest and the highest value.
    pub range: (N, N),
    /// The value at first.
    pub value: N,
    /// From one value to the next; None is a hundredth of the range, rounded, or 1 of whole numbers.
    pub step: Option<N>,
}

/// A slider over a range of numbers, which begins at `value`.
///
/// ```
/// use bullwhip::prelude::*;
///
/// let severity = slider("severity", 0.0..=1.0, 0.5);
/// assert_eq!(severity.widget().value, 0.5);
/// let start = slider("start", 1..=12, 5);
/// assert_eq!(start.value(7.0), 7_usize);
/// ```
pub fn slider<N: Step>(name: impl Into<String>, range: RangeInclusive<N>, value: N) -> Slider<N> {
    Slider {
        name: name.into(),
        range: (*range.start(), *range.end()),
        value,
        step: None,
    }
}

impl<N: Step> Slider<N> {
    /// From one value to the next.
    pub fn step(mut self, step: N) -> Self {
        self.step = Some(step);
        self
    }
}

/// A hundredth of a range, rounded to 1, 2 or 5 times a power of ten.
fn usual_step(low: f64, high: f64) -> f64 {
    let hundredth = (high - low) / 100.0;
    let power = 10f64.powi(hundredth.log10().floor() as i32);
    let steps = [1.0, 2.0, 5.0, 10.0];
    let found = steps.iter().find(|s| *s * power >= 0.999 * hundredth);
    found.unwrap_or(&10.0) * power
}

impl<N: Step> Control for Slider<N> {
    type Value = N;
    fn widget(&self) -> Widget {
        let (low, high) = (self.range.0.number(), self.range.1.number());
        let usual = if N::WHOLE { 1.0 } else { usual_step(low, high) };
        Widget {
            name: self.name.clone(),
            value: self.value.number(),
            kind: Kind::Slider {
                range: (low, high),
                step: self.step.map_or(usual, N::number),
                whole: N::WHOLE,
            },
        }
    }
    fn value(&self, state: f64) -> N {
        N::of(state)
    }
}

/// One of several texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// The name beside it.
    pub name: String,
    /// The texts, of which the first is chosen at first.
    pub options: Vec<String>,
}

/// A list of texts to choose from, such as `choice("sector", network.sectors())`; it begins with the first.
///
/// ```
/// use bullwhip::prelude::*;
///
/// let which = choice("sector", ["cars", "steel"]);
/// assert_eq!(which.value(1.0), "steel");
/// ```
pub fn choice<T: ToString>(
    name: impl Into<String>,
    options: impl IntoIterator<Item = T>,
) -> Choice {
    Choice {
        name: name.into(),
        options: options.into_iter().map(|o| o.to_string()).collect(),
    }
}

impl Control for Choice {
    type Value = String;
    fn widget(&self) -> Widget {
        Widget {
            name: self.name.clone(),
            value: 0.0,
            kind: Kind::Choice(self.options.clone()),
        }
    }
    fn value(&self, state: f64) -> String {
        self.options
            .get(state as usize)
            .cloned()
            .unwrap_or_default()
    }
}

/// Yes or no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkbox {
    /// The name beside it.
    pub name: String,
    /// Whether it is ticked at first.
    pub value: bool,
}

/// A box to tick: `checkbox("with stocks", true)`.
///
/// ```
/// use bullwhip::prelude::*;
///
/// assert!(checkbox("with stocks", false).value(1.0));
/// ```
pub fn checkbox(name: impl Into<String>, value: bool) -> Checkbox {
    Checkbox {
        name: name.into(),
        value,
    }
}

impl Control for Checkbox {
    type Value = bool;
    fn widget(&self) -> Widget {
        Widget {
            name: self.name.clone(),
            value: f64::from(u8::from(self.value)),
            kind: Kind::Checkbox,
        }
    }
    fn value(&self, state: f64) -> bool {
        state != 0.0
    }
}

/// Whole numbers that a play button runs through, such as periods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Play {
    /// The name beside it.
    pub name: String,
    /// The first and the last value.
    pub range: (usize, usize),
    /// Milliseconds from one to the next.
    pub interval: usize,
}

/// A play button and a slider over whole numbers, such as `play("period", 0..=60)`; a fifth of a second each.
///
/// ```
/// use bullwhip::prelude::*;
///
/// assert_eq!(play("period", 0..=60).value(12.0), 12);
/// ```
pub fn play(name: impl Into<String>, range: RangeInclusive<usize>) -> Play {
    Play {
        name: name.into(),
        range: (*range.start(), *range.end()),
        interval: 200,
    }
}

impl Control for Play {
    type Value = usize;
    fn widget(&self) -> Widget {
        Widget {
            name: self.name.clone(),
            value: self.range.0 as f64,
            kind: Kind::Play {
                range: (self.range.0 as f64, self.range.1 as f64),
                interval: self.interval,
            },
        }
    }
    fn value(&self, state: f64) -> usize {
        state.round() as usize
    }
}

impl<C: Control> Controls for C {
    type Values = C::Value;
    fn widgets(&self) -> Vec<Widget> {
        vec![self.widget()]
    }
    fn values(&self, states: &[f64]) -> C::Value {
        self.value(states[0])
    }
}

macro_rules! several {
    ($($Name:ident $at:tt),+) => {
        impl<$($Name: Control),+> Controls for ($($Name,)+) {
            type Values = ($($Name::Value,)+);
            fn widgets(&self) -> Vec<Widget> {
                vec![$(self.$at.widget()),+]
            }
            fn values(&self, states: &[f64]) -> Self::Values {
                ($(self.$at.value(states[$at]),)+)
            }
        }
    };
}

several!(A 0);
several!(A 0, B 1);
several!(A 0, B 1, C 2);
several!(A 0, B 1, C 2, D 3);
several!(A 0, B 1, C 2, D 3, E 4);
several!(A 0, B 1, C 2, D 3, E 4, F 5);

impl Widget {
    /// Refuses a control that nobody could move.
    pub(super) fn check(&self) -> Result<()> {
        let place = || format!("explore, \"{}\"", self.name);
        match &self.kind {
            Kind::Choice(options) if options.is_empty() => Err(Error::new(
                place(),
                "there is nothing to choose from",
                "give at least one option",
            )),
            Kind::Slider { range, step, .. } => {
                let (low, high) = *range;
                if !(low < high && low.is_finite() && high.is_finite()) {
                    return Err(Error::new(
                        place(),
                        format!("its range is {low} to {high}"),
                        "give a lower and a higher number, such as 0.0..=1.0",
                    ));
                }
                if !(*step > 0.0 && *step <= high - low) {
                    return Err(Error::new(
                        place(),
                        format!("its step is {step}, and its range {low} to {high}"),
                        "give a step above 0 that fits into the range",
                    ));
                }
                if !(low..=high).contains(&self.value) {
                    return Err(Error::new(
                        place(),
                        format!("it begins at {}, outside {low} to {high}", self.value),
                        "let it begin inside its range",
                    ));
                }
                Ok(())
            }
            Kind::Play { range, .. } if range.0 >= range.1 => Err(Error::new(
                place(),
                format!("it runs from {} to {}", range.0, range.1),
                "give a first and a later last number, such as 0..=60",
            )),
            _ => Ok(()),
        }
    }

    /// Some of its states, evenly, with how each reads.
    pub(super) fn some(&self, most: usize) -> Vec<(f64, String)> {
        let over = |low: f64, high: f64, step: f64| {
            let steps = ((high - low) / step).round().max(1.0);
            let shown = (most.max(2) - 1).min(steps as usize);
            let at = move |k: usize| low + step * (steps * k as f64 / shown as f64).round();
            let decimals = decimals(step);
            (0..=shown)
                .map(|k| (at(k), format!("{:.decimals$}", at(k))))
                .collect()
        };
        match &self.kind {
            Kind::Slider { range, step, .. } => over(range.0, range.1, *step),
            Kind::Play { range, .. } => over(range.0, range.1, 1.0),
            Kind::Choice(options) => {
                let named = options.iter().take(most).enumerate();
                named.map(|(k, o)| (k as f64, o.clone())).collect()
            }
            Kind::Checkbox => vec![(0.0, "no".into()), (1.0, "yes".into())],
        }
    }
}

/// Digits behind the point that tell one step from the next.
pub(super) fn decimals(step: f64) -> usize {
    let fits = |d: &usize| {
        let scaled = step * 10f64.powi(*d as i32);
        (scaled - scaled.round()).abs() < 1e-6 * scaled.abs().max(1e-300) && scaled.round() > 0.0
    };
    (0..9).find(fits).unwrap_or(9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_read_so() {
        assert_eq!(usual_step(0.0, 1.0), 0.01);
        assert!((usual_step(0.0, 3.0) - 0.05).abs() < 1e-12);
        assert_eq!((decimals(0.01), decimals(1.0), decimals(0.05)), (2, 0, 2));
        let some = slider("x", 0.0..=1.0, 0.5).widget().some(11);
        let names: Vec<&str> = some.iter().map(|s| s.1.as_str()).collect();
        assert_eq!(names.len(), 11);
        assert_eq!((names[0], names[3], names[10]), ("0.00", "0.30", "1.00"));
        assert_eq!(play("t", 0..=3).widget().some(11).len(), 4);
    }

    #[test]
    fn controls_that_cannot_be_moved_are_refused() {
        let told = |w: Widget| w.check().expect_err("refused").to_string();
        assert!(told(slider("a", 1.0..=1.0, 1.0).widget()).contains("range is 1 to 1"));
        assert!(told(slider("a", 0.0..=1.0, 2.0).widget()).contains("begins at 2"));
        assert!(told(slider("a", 0.0..=1.0, 0.5).step(3.0).widget()).contains("step is 3"));
        assert!(told(slider("a", 0.0..=f64::NAN, 0.5).widget()).contains("range"));
        assert!(told(choice("b", Vec::<String>::new()).widget()).contains("nothing to choose"));
        assert!(told(play("c", 3..=3).widget()).contains("runs from 3"));
        let all = (
            slider("a", 0..=9, 5),
            choice("b", ["x"]),
            checkbox("c", true),
        );
        assert!(all.widgets().iter().all(|w| w.check().is_ok()));
        assert_eq!(all.values(&[4.0, 0.0, 0.0]), (4, "x".to_string(), false));
    }
}
