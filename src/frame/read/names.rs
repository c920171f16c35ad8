//! Texts that occur often, each kept once; names that look alike, and those that hide characters.

use super::cell::shown;
use super::months::plain;
use crate::error::{Error, Result};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// Texts that occur often, each once.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) list: Vec<Arc<str>>,
    codes: HashMap<Arc<str>, u32>,
    last: u32,
}

impl Names {
    pub(super) fn code(&mut self, name: &str) -> u32 {
        let last = self.list.get(self.last as usize);
        if last.is_some_and(|last| same(last, name)) {
            return self.last;
        }
        self.last = match self.codes.get(name) {
            Some(code) => *code,
            None => {
                let code = self.list.len() as u32;
                let name: Arc<str> = name.into();
                self.list.push(name.clone());
                self.codes.insert(name, code);
                code
            }
        };
        self.last
    }

    pub(super) fn text(&self, code: u32) -> &str {
        &self.list[code as usize]
    }

    /// The place of each name among all in their order.
    pub(super) fn ranks(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..self.list.len() as u32).collect();
        order.sort_by_key(|c| self.text(*c));
        let mut ranks = vec![0; order.len()];
        for (rank, code) in order.iter().enumerate() {
            ranks[*code as usize] = rank as u32;
        }
        ranks
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.codes.contains_key(name)
    }

    /// The first names in order, for a message.
    pub(super) fn shown(&self, codes: Option<&[u32]>) -> String {
        let mut names: Vec<&str> = (0..self.list.len() as u32)
            .filter(|c| codes.is_none_or(|some| some.contains(c)))
            .map(|c| self.text(c))
            .map(|n| if n.is_empty() { "(none)" } else { n })
            .collect();
        names.sort_unstable();
        let more = names.len().saturating_sub(20);
        names.truncate(20);
        let list = names.join(", ");
        if more > 0 {
            format!("{list} and {more} more")
        } else {
            list
        }
    }

    /// Refuses control characters, which a terminal or a notebook obeys when the name is printed.
    pub(super) fn check(&self, what: &str) -> Result<()> {
        match self.list.iter().find(|n| n.contains(char::is_control)) {
            Some(name) => Err(control(what, name)),
            None => Ok(()),
        }
    }
}

/// Whether two texts are the same: most are short, and a call of the library's comparison takes longer than this does.
#[inline]
pub(super) fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    match (a.first_chunk::<8>(), b.first_chunk::<8>()) {
        (None, None) => a.iter().zip(b).all(|(a, b)| a == b),
        // The last eight may be some of the first.
        (first, other) if a.len() <= 16 => first == other && a.last_chunk::<8>() == b.last_chunk(),
        _ => a == b,
    }
}

/// The refusal of a text with control characters.
pub(super) fn control(place: &str, text: &str) -> Error {
    Error::new(
        place,
        format!("{} holds a control character", shown(text)),
        "take it out; the file may be damaged, or made to deceive",
    )
}

/// Characters that are not seen: of no width, or changing the direction of the text.
fn is_hidden(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e007f}')
}

/// What a name looks like: without hidden characters, case, accents, and the alphabet or width of its letters.
fn looks(name: &str) -> String {
    let mut out = String::new();
    for c in plain(name).chars().filter(|c| !is_hidden(*c)) {
        let c = match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
            'а' | 'α' => 'a',
            'в' | 'β' => 'b',
            'с' => 'c',
            'е' | 'ε' => 'e',
            'н' | 'η' => 'h',
            'і' | 'ι' => 'i',
            'к' | 'κ' => 'k',
            'м' | 'μ' => 'm',
            'о' | 'ο' => 'o',
            'р' | 'ρ' => 'p',
            'т' | 'τ' => 't',
            'у' | 'υ' => 'y',
            'х' | 'χ' => 'x',
            '‐'..='―' | '−' => '-',
            '’' | '‘' | '`' => '\'',
            c if c.is_whitespace() => ' ',
            c => c,
        };
        if c != ' ' || !(out.is_empty() || out.ends_with(' ')) {
            out.push(c);
        }
    }
    out.trim_end().to_string()
}

fn hash(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

/// Refuses two names that cannot be told apart on a screen; tells of those that differ in case or accents only.
pub(super) fn look_alike(what: &str, names: &[&str]) -> Result<Vec<String>> {
    // Hashes instead of texts: a file may have millions of names.
    let mut seen: HashMap<u64, &str> = HashMap::new();
    let (mut notes, mut more) = (Vec::new(), 0);
    let bare = |n: &str| -> String { n.chars().filter(|c| !is_hidden(*c)).collect() };
    for name in names {
        let note = if let Some(first) = seen.insert(hash(&looks(name)), name) {
            let both = format!("{} and {}", escaped(first), escaped(name));
            if bare(first) == bare(name) {
                return Err(Error::new(
                    format!("column `{what}`"),
                    format!("{both} look the same: a hidden character makes them two"),
                    "take the hidden character out of the file",
                ));
            }
            format!("the {what}s {both} look alike and are read as two")
        } else if name.contains(is_hidden) {
            format!("the {what} {} holds a hidden character", escaped(name))
        } else {
            continue;
        };
        if notes.len() < 5 {
            notes.push(note);
        } else {
            more += 1;
        }
    }
    if more > 0 {
        notes.push(format!("{more} more {what}s look alike"));
    }
    Ok(notes)
}

/// A name with its hidden characters, and those of other alphabets that look like ours, written out.
fn escaped(name: &str) -> String {
    let mut out = String::from("\"");
    for c in name.chars() {
        if is_hidden(c)
            || matches!(c, 'α'..='ω' | 'Α'..='Ω' | 'А'..='я' | '\u{a0}' | '\u{ff01}'..='\u{ff5e}' | '‐'..='―')
        {
            out += &c.escape_unicode().to_string();
        } else {
            out.push(c);
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_look_alike_are_found() {
        let alike = |names: &[&str]| look_alike("region", names);
        for hidden in ["BE\u{200b}", "\u{feff}BE", "B\u{ad}E", "BE\u{200e}"] {
            assert!(alike(&["BE", hidden]).is_err(), "{hidden:?}");
        }
        for other in ["be", "Be", "\u{412}E", "ＢＥ"] {
            assert_eq!(alike(&["BE", other]).map(|n| n.len()), Ok(1), "{other}");
        }
        assert_eq!(alike(&["B-D", "B–D"]).map(|n| n.len()), Ok(1));
        assert_eq!(alike(&["Île", "I\u{302}le"]).map(|n| n.len()), Ok(1));
        assert_eq!(alike(&["a b", "a  b"]).map(|n| n.len()), Ok(1));
        assert_eq!(
            alike(&["BE", "DE", "B", "C31", "C32"]).map(|n| n.len()),
            Ok(0)
        );
    }
}
