//! What cargo has answered to questions that every session asks, kept beside the prepared runtime.

use anyhow::Result;
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// Stands for the session's folder.
const HERE: &str = "{bullwhip-session}";

/// Where the answer to a question is, or is to be; None where folders cannot be told apart in a text. `about` is
/// what the answer depends on besides the question.
pub(crate) fn place(session: &Path, arguments: &[OsString], about: &str) -> Option<PathBuf> {
    let here = session.to_str()?;
    // Answers are JSON, which spells some characters otherwise.
    if here.contains(['"', '\\']) || here.contains(char::is_control) {
        return None;
    }
    let mut question = Sha256::new();
    question.update(about);
    question.update([0]);
    for argument in arguments {
        question.update(argument.to_str()?.replace(here, HERE));
        question.update([0]);
    }
    let name: String = question
        .finalize()
        .iter()
        .take(8)
        .map(|b| format!("{b:02x}"))
        .collect();
    let prepared = session.parent()?.parent()?.join("prepared");
    Some(prepared.join(format!("answer-{name}")))
}

/// The answer in `file`, as if cargo had given it in this session.
pub(crate) fn read(file: &Path, session: &Path) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    Some(text.replace(HERE, session.to_str()?))
}

/// Keeps an answer, whole or not at all.
pub(crate) fn write(file: &Path, session: &Path, text: &str) -> Result<()> {
    let beside = file.with_extension(std::process::id().to_string());
    fs::write(&beside, text.replace(&*session.to_string_lossy(), HERE))?;
    Ok(fs::rename(beside, file)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_serves_another_session() {
        let home = std::env::temp_dir().join(format!("bullwhip-answers-{}", std::process::id()));
        fs::create_dir_all(home.join("prepared")).expect("a folder");
        let session = |name: &str| home.join("sessions").join(name);
        let question = |name: &str| {
            let file = session(name).join("Cargo.toml");
            let arguments = [OsString::from("metadata"), file.into()];
            place(&session(name), &arguments, "a lock").expect("a place")
        };
        let said = format!("{{\"root\": {:?}}}", session("1"));
        assert_eq!(read(&question("1"), &session("1")), None);
        write(&question("1"), &session("1"), &said).expect("written");
        assert_eq!(read(&question("1"), &session("1")), Some(said.clone()));
        let other = format!("{{\"root\": {:?}}}", session("22"));
        assert_eq!(read(&question("22"), &session("22")), Some(other));
        let place = |arguments: &[&str], about: &str| {
            let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
            place(&session("1"), &arguments, about).expect("a place")
        };
        let one = place(&["metadata"], "a lock");
        assert_ne!(one, place(&["metadata", "--no-deps"], "a lock"));
        assert_ne!(one, place(&["metadata"], "another lock"));
        fs::remove_dir_all(home).expect("cleaned up");
    }
}
