//! Controls and a picture as the models of ipywidgets, version 8.

use super::controls::{Kind, Widget, decimals};
use serde_json::{Value, json};

/// Where the models of controls are.
const CONTROLS: &str = "@jupyter-widgets/controls";
/// Where those of layouts are.
const BASE: &str = "@jupyter-widgets/base";

/// A model: its id, and its state.
pub(super) type Model = (String, Value);

/// The models of some controls over a picture.
pub(super) struct Models {
    /// All, each behind those that it names.
    pub(super) all: Vec<Model>,
    /// The id of the model that moves each control.
    pub(super) moved: Vec<String>,
    /// The id of the picture's model.
    pub(super) picture: String,
    /// The id of what holds all of them.
    pub(super) whole: String,
}

/// Makes models with ids of their own.
struct Maker<'a> {
    prefix: &'a str,
    all: Vec<Model>,
}

impl Maker<'_> {
    /// A model of this name, which is shown unless `view` says otherwise; how others name it.
    fn model(&mut self, module: &str, name: &str, view: Value, mut state: Value) -> String {
        let id = format!("{}-{}", self.prefix, self.all.len());
        let facts = json!({
            "_model_module": module, "_model_module_version": "2.0.0", "_model_name": name,
            "_view_module_version": "2.0.0", "_view_name": view, "_view_count": null,
        });
        if let (Some(all), Some(facts)) = (state.as_object_mut(), facts.as_object()) {
            all.extend(facts.clone());
            all.entry("_view_module").or_insert_with(|| module.into());
        }
        self.all.push((id.clone(), state));
        id
    }

    fn layout(&mut self, width: Value) -> String {
        let view = json!("LayoutView");
        self.model(BASE, "LayoutModel", view, json!({ "width": width }))
    }

    /// A style: its view is in the other module.
    fn style(&mut self, name: &str) -> String {
        let state = json!({ "description_width": "9em", "_view_module": BASE });
        self.model(CONTROLS, name, json!("StyleView"), state)
    }

    /// Something that is seen, with its style and layout.
    fn control(
        &mut self,
        name: &str,
        (style, width): (&str, Value),
        words: &str,
        state: Value,
    ) -> String {
        let (style, layout) = (self.style(style), self.layout(width));
        let mut all = json!({
            "_dom_classes": [], "description": words, "description_allow_html": false,
            "disabled": false, "tabbable": null, "tooltip": null,
            "style": named(&style), "layout": named(&layout),
        });
        if let (Some(all), Value::Object(state)) = (all.as_object_mut(), state) {
            all.extend(state);
        }
        let view = json!(format!("{name}View"));
        self.model(CONTROLS, &format!("{name}Model"), view, all)
    }

    fn slider(&mut self, widget: &Widget, (low, high): (f64, f64), step: f64) -> String {
        let whole = match &widget.kind {
            Kind::Slider { whole, .. } => *whole,
            _ => true,
        };
        let number = |v: f64| if whole { json!(v as i64) } else { json!(v) };
        let format = match whole {
            true => "d".to_string(),
            false => format!(".{}f", decimals(step)),
        };
        let state = json!({
            "min": number(low), "max": number(high), "step": number(step), "value": number(widget.value),
            "behavior": "drag-tap", "continuous_update": true, "orientation": "horizontal",
            "readout": true, "readout_format": format,
        });
        let name = if whole { "IntSlider" } else { "FloatSlider" };
        let look = ("SliderStyle", json!("36em"));
        self.control(
            name,
            (&format!("{}Model", look.0), look.1),
            &widget.name,
            state,
        )
    }

    /// Boxes, below or beside each other.
    fn boxes(&mut self, name: &str, children: &[String]) -> String {
        let layout = self.layout(Value::Null);
        let children: Vec<String> = children.iter().map(|id| named(id)).collect();
        let state = json!({
            "_dom_classes": [], "box_style": "", "children": children, "layout": named(&layout),
            "tabbable": null, "tooltip": null,
        });
        let view = json!(format!("{name}View"));
        self.model(CONTROLS, &format!("{name}Model"), view, state)
    }

    /// What is seen of a control, and what is moved.
    fn widget(&mut self, widget: &Widget) -> (String, String) {
        let plain = ("DescriptionStyleModel", json!("36em"));
        match &widget.kind {
            Kind::Slider { range, step, .. } => {
                let id = self.slider(widget, *range, *step);
                (id.clone(), id)
            }
            Kind::Choice(options) => {
                let state = json!({ "_options_labels": options, "index": widget.value as usize });
                let id = self.control("Dropdown", plain, &widget.name, state);
                (id.clone(), id)
            }
            Kind::Checkbox => {
                let state = json!({ "value": widget.value != 0.0, "indent": true });
                let look = ("CheckboxStyleModel", plain.1);
                let id = self.control("Checkbox", look, &widget.name, state);
                (id.clone(), id)
            }
            Kind::Play { range, interval } => {
                let slider = self.slider(widget, *range, 1.0);
                let state = json!({
                    "min": range.0 as i64, "max": range.1 as i64, "step": 1, "value": widget.value as i64,
                    "interval": interval, "playing": false, "repeat": false, "show_repeat": true,
                });
                let button = self.control("Play", (plain.0, Value::Null), "", state);
                // The page itself moves the slider with the button.
                let ends = json!({ "source": [named(&button), "value"], "target": [named(&slider), "value"] });
                self.model(CONTROLS, "LinkModel", Value::Null, ends);
                (self.boxes("HBox", &[slider.clone(), button]), slider)
            }
        }
    }
}

/// How a model names another.
fn named(id: &str) -> String {
    format!("IPY_MODEL_{id}")
}

/// The models of controls over a picture; their ids begin with `prefix`.
pub(super) fn models(prefix: &str, widgets: &[Widget], picture: &str) -> Models {
    let mut maker = Maker {
        prefix,
        all: Vec::new(),
    };
    let (mut seen, moved): (Vec<String>, Vec<String>) =
        widgets.iter().map(|w| maker.widget(w)).unzip();
    let state = json!({ "value": picture, "placeholder": "" });
    let look = ("HTMLStyleModel", Value::Null);
    let picture = maker.control("HTML", look, "", state);
    seen.push(picture.clone());
    let whole = maker.boxes("VBox", &seen);
    Models {
        all: maker.all,
        moved,
        picture,
        whole,
    }
}

/// The state of a control that the page has moved; None of a message about something else.
pub(super) fn state(widget: &Widget, told: &Value) -> Option<f64> {
    match &widget.kind {
        Kind::Slider { range, .. } | Kind::Play { range, .. } => {
            let value = told["value"].as_f64()?;
            Some(value.clamp(range.0, range.1))
        }
        Kind::Choice(options) => {
            let place = told["index"].as_u64()? as usize;
            (place < options.len()).then_some(place as f64)
        }
        Kind::Checkbox => Some(f64::from(u8::from(told["value"].as_bool()?))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::controls::{Control, checkbox, choice, play, slider};
    use super::*;

    #[test]
    fn models_name_only_those_before_them() {
        let widgets = [
            slider("severity", 0.0..=1.0, 0.5).widget(),
            choice("sector", ["a", "b"]).widget(),
            checkbox("stocks", true).widget(),
            play("period", 0..=9).widget(),
        ];
        let models = models("x", &widgets, "<svg/>");
        let mut known: Vec<String> = Vec::new();
        for (id, state) in &models.all {
            let text = state.to_string();
            for part in text.split("IPY_MODEL_").skip(1) {
                let other: String = part.chars().take_while(|c| *c != '"').collect();
                assert!(known.contains(&other), "{id} names {other}");
            }
            known.push(id.clone());
        }
        assert_eq!(models.moved.len(), 4);
        assert!(known.contains(&models.picture) && known.last() == Some(&models.whole));
        let of = |name: &str| {
            let found = models.all.iter().find(|(_, s)| s["_model_name"] == name);
            found.expect("a model").1.clone()
        };
        assert_eq!(of("FloatSliderModel")["readout_format"], ".2f");
        assert_eq!(of("SliderStyleModel")["_view_module"], BASE);
        assert_eq!(of("CheckboxModel")["value"], true);
        assert_eq!(of("LinkModel")["_view_name"], Value::Null);
    }

    #[test]
    fn only_what_a_control_can_be_is_taken() {
        let severity = slider("severity", 0.0..=1.0, 0.5).widget();
        assert_eq!(state(&severity, &json!({ "value": 0.25 })), Some(0.25));
        assert_eq!(state(&severity, &json!({ "value": 7 })), Some(1.0));
        assert_eq!(state(&severity, &json!({ "_view_count": 1 })), None);
        let sector = choice("sector", ["a", "b"]).widget();
        assert_eq!(state(&sector, &json!({ "index": 1 })), Some(1.0));
        assert_eq!(state(&sector, &json!({ "index": 2 })), None);
    }
}
