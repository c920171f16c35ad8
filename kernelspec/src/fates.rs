//! What became of variables and of what macros made, for the errors that name them later.

use crate::source;
use std::collections::{HashMap, HashSet};

/// How a cell has ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    Well,
    /// An error or a panic, before or while it ran.
    Failed,
    /// With the process of the cells.
    Lost,
}

#[derive(Debug)]
enum Fate {
    Moved { cell: usize, line: String },
    Failed { cell: usize },
    Lost { cell: usize, made: Option<usize> },
    Cleared { cell: usize },
}

/// What a notebook's cells have done, by their numbers.
#[derive(Default)]
pub(crate) struct Fates {
    gone: HashMap<String, Fate>,
    made: HashMap<String, usize>,
    /// Macros that were called as statements: where, which, and with what.
    calls: Vec<(usize, String, String)>,
}

impl Fates {
    /// A cell has ended, with these variables before and behind it.
    pub(crate) fn after(
        &mut self,
        cell: usize,
        code: &str,
        end: End,
        before: &HashSet<String>,
        now: &HashSet<String>,
    ) {
        let bound = source::bound(code);
        let cleared = code.lines().any(|line| line.trim() == ":clear");
        for name in before.difference(now) {
            let fate = match end {
                _ if cleared => Fate::Cleared { cell },
                End::Lost => Fate::Lost {
                    cell,
                    made: self.made.get(name).copied(),
                },
                End::Well | End::Failed => Fate::Moved {
                    cell,
                    line: line_with(code, name),
                },
            };
            self.gone.insert(name.clone(), fate);
        }
        if end != End::Well {
            for name in bound.iter().filter(|name| !now.contains(*name)) {
                let fate = match end {
                    End::Lost => Fate::Lost {
                        cell,
                        made: Some(cell),
                    },
                    _ => Fate::Failed { cell },
                };
                // What is known of an earlier value of the name is of no use any more.
                self.gone.insert(name.clone(), fate);
            }
        }
        for name in now {
            self.gone.remove(name);
            if bound.contains(name) || !self.made.contains_key(name) {
                self.made.insert(name.clone(), cell);
            }
        }
        let calls = source::macro_calls(code).into_iter();
        self.calls
            .extend(calls.map(|(name, inside)| (cell, name, inside)));
    }

    /// What to say of a name that the compiler cannot find, if anything.
    pub(crate) fn note(&self, message: &str) -> Option<String> {
        let name = message.split('`').nth(1)?;
        if !message.starts_with("cannot find ") {
            return None;
        }
        if let Some(fate) = self.gone.get(name) {
            return Some(match fate {
                Fate::Moved { cell, line } => format!(
                    "`{name}` was used up in cell [{cell}], by `{line}`; give that `{name}.clone()`, or `&{name}`, and run the cell that makes `{name}` again"
                ),
                Fate::Failed { cell } => format!(
                    "cell [{cell}], which makes `{name}`, did not come to its end; mend it and run it again"
                ),
                Fate::Lost { cell, made } => {
                    let made = made.map_or("the cell that makes it".into(), |c| {
                        format!("cell [{c}], which makes it,")
                    });
                    format!(
                        "`{name}` was lost when the process of the cells ended in cell [{cell}]; run {made} again"
                    )
                }
                Fate::Cleared { cell } => format!(
                    "`{name}` was cleared in cell [{cell}]; run the cell that makes it again"
                ),
            });
        }
        let word = |inside: &str| {
            let mut words = inside.split(|c: char| !(c.is_alphanumeric() || c == '_'));
            words.any(|word| word == name)
        };
        let (cell, call, _) = self
            .calls
            .iter()
            .rev()
            .find(|(_, _, inside)| word(inside))?;
        Some(format!(
            "what a macro makes ends with its cell, as `{name}` by `{call}!` in cell [{cell}]; call `{call}!` again in this cell, or write `{name}` without the macro"
        ))
    }
}

/// The first line in which a name stands as a word.
fn line_with(code: &str, name: &str) -> String {
    let has = |line: &&str| {
        let mut words = line.split(|c: char| !(c.is_alphanumeric() || c == '_'));
        words.any(|word| word == name)
    };
    let line = code.lines().rev().find(has).unwrap_or_default().trim();
    match line.char_indices().nth(80) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> HashSet<String> {
        names.iter().map(|n| (*n).to_string()).collect()
    }

    #[test]
    fn a_name_that_is_gone_says_where_it_went() {
        let mut fates = Fates::default();
        let missing = |fates: &Fates, name: &str| {
            let message = format!("cannot find value `{name}` in this scope");
            fates.note(&message).unwrap_or_default()
        };
        fates.after(
            1,
            "let a = vec![1];\nlet b = 2;",
            End::Well,
            &set(&[]),
            &set(&["a", "b"]),
        );
        assert_eq!(missing(&fates, "a"), "");
        fates.after(
            2,
            "let c = 1;\nlet d = Problem { ..a };",
            End::Well,
            &set(&["a", "b"]),
            &set(&["b", "c", "d"]),
        );
        assert!(
            missing(&fates, "a").contains("used up in cell [2], by `let d = Problem { ..a };`")
        );
        fates.after(3, "let e = f()?;", End::Failed, &set(&["b"]), &set(&["b"]));
        assert!(
            missing(&fates, "e").contains("cell [3], which makes `e`, did not come to its end")
        );
        fates.after(4, "let e = 1;", End::Well, &set(&["b"]), &set(&["b", "e"]));
        assert_eq!(missing(&fates, "e"), "");
        fates.after(5, "boom()", End::Lost, &set(&["b", "e"]), &set(&[]));
        assert!(
            missing(&fates, "b").contains("ended in cell [5]; run cell [1], which makes it, again")
        );
        fates.after(6, "mk!(three, 3);", End::Well, &set(&[]), &set(&[]));
        let note = fates.note("cannot find function `three` in this scope");
        assert!(note.is_some_and(|note| note.contains("`mk!` in cell [6]")));
        assert_eq!(fates.note("mismatched types"), None);
    }
}
