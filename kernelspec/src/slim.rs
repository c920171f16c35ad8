//! Of a prepared runtime, keeps what the cells' own crate is built of: each session copies it, file by file.
//!
//! The target folder that it is made from also holds what the kernel itself, tests and older versions have
//! been compiled to.

use anyhow::Result;
use serde_json::Value;
use std::collections::HashSet;
use std::fs;
use std::path::Path;

/// What a build used, as cargo's messages (`--message-format=json`) tell.
#[derive(Default)]
struct Used {
    /// The marks by which cargo tells apart several builds of a crate, such as `0123456789abcdef`.
    marks: HashSet<String>,
    /// Crates whose files have no mark.
    plain: HashSet<String>,
}

impl Used {
    fn by(messages: &str) -> Self {
        let mut used = Self::default();
        for message in messages
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        {
            let files = message["filenames"].as_array().into_iter().flatten();
            let all = files
                .chain([&message["out_dir"]])
                .filter_map(Value::as_str)
                .flat_map(|path| path.split(['/', '\\']))
                .filter_map(mark);
            let mut named = false;
            for (_, mark) in all {
                named = true;
                used.marks.insert(mark.to_string());
            }
            if let (false, Some(name)) = (named, message["target"]["name"].as_str()) {
                used.plain.insert(name.replace('-', "_"));
            }
        }
        used
    }

    /// True for what this build has used, and for what is nobody's in particular.
    fn keeps(&self, name: &str) -> bool {
        mark(name).is_none_or(|(owner, mark)| {
            let owner = owner.strip_prefix("lib").unwrap_or(owner).replace('-', "_");
            self.marks.contains(mark) || self.plain.contains(&owner)
        })
    }
}

/// A file's name before cargo's mark, and the mark.
fn mark(name: &str) -> Option<(&str, &str)> {
    let dashes = name.match_indices('-').map(|(at, _)| at);
    let mut marks = dashes.filter_map(|at| {
        let (mark, rest) = (name.get(at + 1..at + 17)?, &name[at + 17..]);
        let hexadecimal = mark
            .bytes()
            .all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'));
        (hexadecimal && !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
            .then_some((&name[..at], mark))
    });
    marks.next()
}

/// Removes from a release folder what the build with these messages has not used.
pub(crate) fn slim(release: &Path, messages: &str) -> Result<()> {
    let used = Used::by(messages);
    if used.marks.is_empty() {
        // Nothing was told: what is too much only costs time.
        return Ok(());
    }
    for part in ["deps", ".fingerprint", "build"] {
        for entry in fs::read_dir(release.join(part)).into_iter().flatten() {
            let entry = entry?;
            if used.keeps(&entry.file_name().to_string_lossy()) {
                continue;
            }
            match entry.file_type()?.is_dir() {
                true => fs::remove_dir_all(entry.path())?,
                false => fs::remove_file(entry.path())?,
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_build_has_not_used_goes() {
        let root = std::env::temp_dir().join(format!("bullwhip-slim-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        let (used, other) = ("0123456789abcdef", "fedcba9876543210");
        let messages = [
            format!("{{\"filenames\": [\"/t/release/deps/libserde_core-{used}.rlib\"], \"target\": {{\"name\": \"serde_core\"}}}}"),
            "{\"reason\": \"build-script-executed\", \"out_dir\": \"/t/release/build/libc-00000000000000aa/out\"}".into(),
            "{\"filenames\": [\"/t/release/libtoolkit_notebook.so\"], \"target\": {\"name\": \"toolkit_notebook\"}}".into(),
            "not JSON".into(),
        ]
        .join("\n");
        let kept = [
            format!("deps/libserde_core-{used}.rlib"),
            format!("deps/libserde_core-{used}.rmeta"),
            "deps/libtoolkit_notebook.so".into(),
            format!(".fingerprint/serde-core-{used}/dep-lib"),
            format!(".fingerprint/toolkit-notebook-{other}/dep-lib"),
            "build/libc-00000000000000aa/out/a".into(),
        ];
        let gone = [
            format!("deps/libserde_core-{other}.rlib"),
            format!("deps/toolkit-{other}.0a.0b.rcgu.o"),
            format!(".fingerprint/serde-core-{other}/dep-lib"),
            format!("build/libc-{other}/out/a"),
        ];
        for file in kept.iter().chain(&gone) {
            let file = root.join(file);
            fs::create_dir_all(file.parent().expect("a folder")).expect("made");
            fs::write(file, "").expect("written");
        }
        slim(&root, "").expect("nothing was told");
        assert!(gone.iter().all(|file| root.join(file).exists()));
        slim(&root, &messages).expect("it is there");
        for file in &kept {
            assert!(root.join(file).exists(), "{file}");
        }
        for file in &gone {
            assert!(!root.join(file).exists(), "{file}");
        }
        fs::remove_dir_all(root).expect("cleaned up");
    }

    #[test]
    fn a_mark_has_sixteen_digits() {
        assert_eq!(
            mark("libserde-0123456789abcdef.rlib"),
            Some(("libserde", "0123456789abcdef"))
        );
        assert_eq!(
            mark("aho-corasick-0123456789abcdef"),
            Some(("aho-corasick", "0123456789abcdef"))
        );
        assert_eq!(mark("libserde-0123456789abcdef0.rlib"), None);
        assert_eq!(mark("libctx.so"), None);
        assert_eq!(mark("a-0123456789abcdeg"), None);
    }
}
