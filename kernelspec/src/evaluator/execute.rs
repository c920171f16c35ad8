//! Runs a cell: has evcxr compile it, and tells how it has ended.

use super::shared::process_id;
use super::{Evaluator, own_crate};
use crate::compile;
use crate::fates::End;
use crate::link::{Failure, Tell};
use crate::process;
use crate::report;
use crate::source;
use crate::standin;
use anyhow::Result;
use evcxr::{EvalCallbacks, EvalOutputs};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;

impl Evaluator {
    pub(super) fn execute(&mut self, code: &str, count: usize) {
        let shared = self.shared.clone();
        if let Some(failure) = source::foreign(code) {
            shared.tell(&Tell::Failed(failure));
            return shared.tell(&Tell::Done {
                ok: false,
                restarted: false,
            });
        }
        let begin = process_id(&shared.process);
        let before = self.variables();
        let memory_ends = process::memory_ends();
        shared.killed.store(false, Ordering::SeqCst);
        shared.ours.cells.fetch_add(1, Ordering::SeqCst);
        // A line that was sent for a cell before.
        while shared.ours.input.1.try_recv().is_ok() {}
        let (cell, ours) = (code.to_string(), shared.ours.clone());
        self.outlet
            .begin(move |file, line| report::place(&cell, &ours.compiled(), file, line));
        let result = catch_unwind(AssertUnwindSafe(|| self.evaluate(code)));
        let stop = self.outlet.end();
        let restarted = process_id(&shared.process) != begin;
        if restarted {
            process::end_group(begin);
        }
        let mut failures = match result {
            Ok(Ok(output)) => {
                self.show(output);
                let compiled = shared.ours.compiled();
                stop.iter()
                    .map(|stop| report::stopped(stop, code, &compiled, count))
                    .collect()
            }
            Ok(Err(error)) => self.failures(&error, code, count, memory_ends),
            Err(_) => {
                let text = "evcxr failed inside; please simplify the cell, or restart the kernel";
                vec![Failure::of("Error", text)]
            }
        };
        let end = match (restarted, failures.is_empty()) {
            (true, _) => End::Lost,
            (false, false) => End::Failed,
            (false, true) => End::Well,
        };
        self.fates
            .after(count, code, end, &before, &self.variables());
        self.advise(code, &mut failures);
        let ok = failures.is_empty();
        for failure in failures {
            shared.tell(&Tell::Failed(failure));
        }
        shared.tell(&Tell::Done { ok, restarted });
    }

    /// Has evcxr compile and run a cell.
    fn evaluate(&mut self, code: &str) -> Result<EvalOutputs, evcxr::Error> {
        // A crate of the user's own takes the place of the one that is there under its name.
        for line in code.lines() {
            let dependency = line.trim_start().strip_prefix(":dep ");
            let Some(name) = dependency.and_then(own_crate) else {
                continue;
            };
            self.context.execute(&format!("{line}\nuse ::{name};"))?;
        }
        let items = source::with_items(code);
        // For the stand-in for cargo; without it a panic is told without the line that has called.
        let _ = fs::write(
            self.shared.ours.dir.join(standin::CELL),
            items.as_deref().unwrap_or(code),
        );
        // Cells that wait for input are asked by way of the outlet.
        let mut callbacks = EvalCallbacks::default();
        self.context
            .execute_with_callbacks(items.as_deref().unwrap_or(code), &mut callbacks)
    }

    fn variables(&self) -> HashSet<String> {
        let all = self.context.variables_and_types();
        all.map(|(name, _)| name.to_string()).collect()
    }

    /// Why evcxr says that a cell has failed.
    fn failures(
        &self,
        error: &evcxr::Error,
        code: &str,
        count: usize,
        memory_ends: u64,
    ) -> Vec<Failure> {
        let interrupted = |text| vec![Failure::of("Interrupted", text)];
        if self.shared.killed.load(Ordering::SeqCst) {
            return interrupted(
                "ended by the second interrupt; the variables are lost, the items are kept",
            );
        }
        if compile::was_stopped(&self.shared.ours.dir) {
            return interrupted("interrupted before it ran; nothing has changed");
        }
        match error {
            evcxr::Error::SubprocessTerminated(words) => {
                let memory = process::memory_ends() > memory_ends;
                vec![report::death(words, &self.outlet.errors(), memory)]
            }
            error => report::failures(error, code, count, &self.fates),
        }
    }

    /// Says what goes with how a cell has ended.
    fn advise(&self, code: &str, failures: &mut [Failure]) {
        let note = |text: String| self.shared.tell(&Tell::Text { error: true, text });
        if self.outlet.refused() {
            match failures.first_mut() {
                Some(failure) => {
                    let old = std::mem::replace(&mut failure.evalue, report::NO_INPUT.into());
                    failure.traceback.retain(|line| !line.ends_with(&old));
                    failure.traceback.push(report::NO_INPUT.into());
                }
                None => note(format!("{}\n", report::NO_INPUT)),
            }
        }
        if failures.is_empty() && source::only_defines_main(code) {
            note("`fn main` is defined and not run: a notebook runs the statements of a cell; call it by `main()`, or write its statements without it\n".into());
        }
    }

    fn show(&self, output: EvalOutputs) {
        if !output.is_empty() {
            let data = output.content_by_mime_type.into_iter().map(|(kind, text)| {
                let json = kind
                    .contains("json")
                    .then(|| serde_json::from_str(&text).ok());
                (
                    kind,
                    json.flatten().unwrap_or_else(|| report::cut(text).into()),
                )
            });
            self.shared.tell(&Tell::Show(Value::Object(data.collect())));
        }
        if let Some(time) = output.timing {
            let text = format!("Took {}ms", time.as_millis());
            let html = format!("<span style=\"color: rgba(0,0,0,0.4);\">{text}</span>");
            let data = json!({ "text/html": html, "text/plain": text });
            self.shared.tell(&Tell::Show(data));
        }
    }
}
