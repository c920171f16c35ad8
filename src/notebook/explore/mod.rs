//! Pictures that follow sliders: `explore(controls, closure)`.
//!
//! The closure runs in the process of the cells, on a thread of its own, between cells and beside one that runs. It is
//! given the latest values only: those that came while it worked are left out.

mod controls;
mod still;
mod widgets;

pub use controls::{
    Checkbox, Choice, Control, Controls, Kind, Play, Slider, Step, Widget, checkbox, choice, play,
    slider,
};

use super::cell;
use super::page::{emit, in_notebook};
use super::show::Show;
use super::table::escape;
use crate::error::Result;
use serde_json::{Value, json};
use std::any::Any;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// The kind of a display that shows a widget.
const VIEW: &str = "application/vnd.jupyter.widget-view+json";

/// The frames of a page that stands still take this long at most.
const PATIENCE: Duration = Duration::from_millis(1500);

/// What the closure makes of the controls' states.
type Draw = dyn Fn(&[f64]) -> Box<dyn Show> + Send;

/// Controls over a picture that follows them, as `explore` makes it. It is shown as the last value of a cell, or by
/// `show`.
pub struct Explore {
    inner: Arc<Inner>,
}

struct Inner {
    id: String,
    widgets: Vec<Widget>,
    draw: Mutex<Box<Draw>>,
    state: Mutex<State>,
}

/// What is known of the page.
#[derive(Default)]
struct State {
    /// The ids of the models that are moved, once there are models.
    moved: Vec<String>,
    picture: String,
    whole: String,
    /// Every model, for its end.
    models: Vec<String>,
    now: Vec<f64>,
    /// The controls have moved since the picture was drawn.
    dirty: bool,
}

fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Shows controls over a picture, and draws the picture anew when one is moved.
///
/// The closure has the values of the controls as its argument, several in brackets, and gives a figure, a table, or
/// anything that shows itself; also a `Result`, whose error then stands in the picture's place. It owns what it uses:
/// give it copies (`let net = net.clone();`) of what later cells need, too.
///
/// The controls move in JupyterLab, Notebook 7 and VS Code with the kernel *Rust (bullwhip)*, where the extension for
/// Jupyter's widgets is installed (`bullwhip-kernel lab` brings it, `bullwhip-kernel doctor` looks for it). Elsewhere,
/// and in the saved notebook, a page stands there: the picture, and frames of the first control where scripts run.
///
/// # Errors
/// A control that cannot be moved: an empty range, no options, a first value outside the range.
///
/// ```
/// use bullwhip::prelude::*;
///
/// let network = Network::synthetic(&Synthetic { firms: 40, ..Synthetic::default() })?;
/// let params = Params::uniform(&network, 2.0, 6.0);
/// let regions = network.regions().to_vec();
/// explore((slider("severity", 0.0..=1.0, 0.5), choice("region", regions)), move |(severity, region)| {
///     let shock = Shock::region(&network, &region, 5, severity, 0.1)?;
///     Ok(simulate(&network, &params, &shock, &Simulation::default())?.figure())
/// })?;
/// # Ok::<(), bullwhip::Error>(())
/// ```
pub fn explore<C, R, F>(controls: C, picture: F) -> Result<Explore>
where
    C: Controls + Send + 'static,
    R: Show + 'static,
    F: Fn(C::Values) -> R + Send + 'static,
{
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let widgets = controls.widgets();
    widgets.iter().try_for_each(Widget::check)?;
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let now = widgets.iter().map(|w| w.value).collect();
    let draw =
        move |states: &[f64]| -> Box<dyn Show> { Box::new(picture(controls.values(states))) };
    Ok(Explore {
        inner: Arc::new(Inner {
            id: format!("bullwhip-explore-{}-{count}", std::process::id()),
            widgets,
            draw: Mutex::new(Box::new(draw)),
            state: Mutex::new(State {
                now,
                ..State::default()
            }),
        }),
    })
}

impl Explore {
    /// Ends it: the controls go, and what the closure owned is free once this value has gone, too.
    pub fn close(self) {
        let mut all = lock(&hub().all);
        all.retain(|other| other.id != self.inner.id);
        drop(all);
        for id in std::mem::take(&mut lock(&self.inner.state).models) {
            cell::comm(&id, "close", &Value::Null);
        }
    }
}

impl Inner {
    /// What the closure gives for these states, or that it has panicked.
    fn picture(&self, states: &[f64]) -> std::result::Result<Box<dyn Show>, String> {
        let draw = lock(&self.draw);
        cell::quietly(|| draw(states)).map_err(|payload| panic_text(&*payload))
    }

    /// As markup that is quickly made.
    fn quick(&self, states: &[f64]) -> String {
        // A value of the user's own may panic while it shows itself, too.
        let made = cell::quietly(|| self.picture(states).map(|picture| picture.quick()));
        let made = made.unwrap_or_else(|payload| Err(panic_text(&*payload)));
        made.unwrap_or_else(|text| failed(&text))
    }

    /// The page that stands where nothing can be moved, and its other forms.
    fn still(&self) -> Vec<(&'static str, String)> {
        let now = lock(&self.state).now.clone();
        let begin = Instant::now();
        let mut parts = match self.picture(&now) {
            Ok(picture) => picture.parts(),
            Err(text) => vec![("text/html", failed(&text)), ("text/plain", text)],
        };
        let cost = begin.elapsed();
        let Some(control) = self.widgets.first() else {
            return parts;
        };
        let states = control.some(still::FRAMES);
        if cost * states.len() as u32 > PATIENCE {
            return parts;
        }
        let frame = |(state, name): &(f64, String)| {
            let mut at = now.clone();
            at[0] = *state;
            (name.clone(), self.quick(&at))
        };
        let frames: Vec<(String, String)> = states.iter().map(frame).collect();
        let far = |k: &usize| (states[*k].0 - now[0]).abs();
        let first = (0..states.len()).min_by(|a, b| far(a).total_cmp(&far(b)));
        if let Some((_, html)) = parts.iter_mut().find(|(mime, _)| *mime == "text/html") {
            let id = format!("{}-still", self.id);
            *html = still::page(&id, control, &frames, first.unwrap_or(0), html);
        }
        parts
    }

    /// Opens the models, once; false where there is no kernel that knows them.
    fn open(self: &Arc<Self>) -> bool {
        let mut state = lock(&self.state);
        if !state.models.is_empty() {
            return true;
        }
        if !hub().listens() {
            return false;
        }
        let now = state.now.clone();
        let models = widgets::models(&self.id, &self.widgets, &self.quick(&now));
        for (id, model) in &models.all {
            cell::comm(id, "open", model);
        }
        state.models = models.all.into_iter().map(|m| m.0).collect();
        state.moved = models.moved;
        state.picture = models.picture;
        state.whole = models.whole;
        lock(&hub().all).push(self.clone());
        true
    }
}

impl Show for Explore {
    fn html(&self) -> String {
        let parts = self.inner.still();
        let html = parts.into_iter().find(|p| p.0 == "text/html");
        html.map_or(String::new(), |p| p.1)
    }

    fn text(&self) -> String {
        let names: Vec<&str> = self.inner.widgets.iter().map(|w| w.name.as_str()).collect();
        format!("[explore: {}]", names.join(", "))
    }

    fn evcxr_display(&self) {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        if !in_notebook() {
            return emit(&[("text/plain", &self.text())]);
        }
        let mut parts = self.inner.still();
        if self.inner.open() {
            let whole = lock(&self.inner.state).whole.clone();
            let view = json!({ "model_id": whole, "version_major": 2, "version_minor": 0 });
            parts.push((VIEW, view.to_string()));
        }
        let parts: Vec<(&str, &str)> = parts.iter().map(|p| (p.0, p.1.as_str())).collect();
        let id = format!(
            "{}-{}",
            self.inner.id,
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        if !cell::live(&id, &parts) {
            emit(&parts);
        }
    }
}

impl std::fmt::Debug for Explore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text())
    }
}

fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .map(|s| (*s).to_string())
        .or_else(|| payload.downcast_ref::<String>().cloned());
    format!(
        "the closure panicked: {}",
        text.unwrap_or_else(|| "without a message".into())
    )
}

/// An error in the place of the picture.
fn failed(text: &str) -> String {
    format!(
        "<pre style=\"color:#8c1d04;white-space:pre-wrap\">{}</pre>",
        escape(text)
    )
}

/// All that is explored in this process, and who draws it.
struct Hub {
    all: Mutex<Vec<Arc<Inner>>>,
    work: Mutex<bool>,
    changed: Condvar,
    listens: OnceLock<bool>,
}

fn hub() -> &'static Hub {
    static HUB: Hub = Hub {
        all: Mutex::new(Vec::new()),
        work: Mutex::new(false),
        changed: Condvar::new(),
        listens: OnceLock::new(),
    };
    &HUB
}

impl Hub {
    /// Begins to hear what the page moves, and to draw; false where there is no such kernel.
    fn listens(&'static self) -> bool {
        *self.listens.get_or_init(|| {
            let Some(words) = cell::heard() else {
                return false;
            };
            let named = |name: &str| std::thread::Builder::new().name(name.into());
            let drawing = named("explore").spawn(|| self.draw());
            let hearing = named("explore: controls").spawn(move || {
                for word in words {
                    self.take(&word);
                }
            });
            drawing.is_ok() && hearing.is_ok()
        })
    }

    /// Takes a word of the page's.
    fn take(&self, word: &Value) {
        let (Some(id), told) = (word["id"].as_str(), &word["state"]) else {
            return;
        };
        for inner in lock(&self.all).iter() {
            let mut state = lock(&inner.state);
            let Some(at) = state.moved.iter().position(|moved| moved == id) else {
                continue;
            };
            if let Some(value) = widgets::state(&inner.widgets[at], told) {
                state.now[at] = value;
                state.dirty = true;
            }
        }
        *lock(&self.work) = true;
        self.changed.notify_one();
    }

    /// Draws what has moved, for ever.
    fn draw(&self) {
        loop {
            let mut work = lock(&self.work);
            while !*work {
                work = self
                    .changed
                    .wait(work)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            *work = false;
            drop(work);
            let all: Vec<Arc<Inner>> = lock(&self.all).clone();
            for inner in all {
                let mut state = lock(&inner.state);
                if !std::mem::replace(&mut state.dirty, false) {
                    continue;
                }
                let (now, picture) = (state.now.clone(), state.picture.clone());
                drop(state);
                let html = inner.quick(&now);
                cell::comm(&picture, "update", &json!({ "value": html }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn a_closure_s_error_and_panic_stand_in_the_picture_s_place() {
        let both = explore(slider("x", 0..=3, 0), |x| match x {
            0 => Ok("fine".to_string()),
            1 => Err(Error::new("x", "it is <1>", "move it")),
            _ => panic!("far too much"),
        });
        let both = both.expect("controls");
        assert_eq!(both.inner.quick(&[0.0]), "<pre>fine</pre>");
        assert!(
            both.inner
                .quick(&[1.0])
                .contains("x: it is &lt;1&gt;; move it")
        );
        assert!(
            both.inner
                .quick(&[2.0])
                .contains("the closure panicked: far too much")
        );
        assert_eq!(both.text(), "[explore: x]");
        // Where nothing can be moved, a page of frames stands there.
        let html = both.html();
        assert!(
            html.contains("fine") && html.contains("display:none"),
            "{html}"
        );
        assert!(explore(slider("x", 0..=3, 9), |_| ()).is_err());
    }
}
