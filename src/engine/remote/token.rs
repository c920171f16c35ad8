//! Tokens: where a client finds its own, and files that only their user may read.

use crate::error::{Error, Result};
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The token itself.
const TOKEN: &str = "BULLWHIP_TOKEN";
/// A file that has it.
const FILE: &str = "BULLWHIP_TOKEN_FILE";
/// In front of the name of a file, in place of a token.
const FROM: &str = "file:";
/// No token is longer, with what surrounds it.
const LONGEST: u64 = 4096;

/// The folder of keys and tokens of this user.
pub(super) fn folder() -> PathBuf {
    let home = std::env::home_dir().unwrap_or_default();
    home.join(".config/bullwhip")
}

/// The token that a call means: itself, that of the file that it names, or, where it is empty, that of this machine.
pub(super) fn find(given: &str) -> Result<String> {
    let given = given.trim();
    match given.strip_prefix(FROM) {
        Some(file) => read(Path::new(file)),
        None if given.is_empty() => own(&|name| std::env::var_os(name), &folder()),
        None => Ok(given.into()),
    }
}

/// The token of this machine's user.
fn own(set: &dyn Fn(&str) -> Option<OsString>, folder: &Path) -> Result<String> {
    let set = |name| set(name).filter(|value| !value.is_empty());
    if let Some(token) = set(TOKEN) {
        return Ok(token.to_string_lossy().trim().into());
    }
    if let Some(file) = set(FILE) {
        return read(Path::new(&file));
    }
    let file = folder.join("token");
    if !file.exists() {
        return Err(Error::new(
            "connect",
            format!(
                "no token is given, {TOKEN} and {FILE} are not set, and there is no {}",
                file.display()
            ),
            "put the token that `bullwhip-kernel serve` prints into that file, readable by you alone, or set one of the two",
        ));
    }
    read(&file)
}

/// The token in a file that only its user may read.
fn read(path: &Path) -> Result<String> {
    let file = |fact: String| {
        Error::new(
            "connect",
            format!("{}: {fact}", path.display()),
            "name a file that has the token that `bullwhip-kernel serve` prints, and nothing else",
        )
    };
    let opened = std::fs::File::open(path).map_err(|e| file(e.to_string()))?;
    let facts = opened.metadata().map_err(|e| file(e.to_string()))?;
    if !facts.is_file() {
        return Err(file("it is no plain file".into()));
    }
    private(path, "connect")?;
    let mut text = String::new();
    let read = opened.take(LONGEST + 1).read_to_string(&mut text);
    read.map_err(|_| file("it is no text".into()))?;
    match text.trim() {
        "" => Err(file("it is empty".into())),
        _ if text.len() as u64 > LONGEST => Err(file("it is too long to be a token".into())),
        token => Ok(token.into()),
    }
}

/// Refuses a file with a secret that others can read.
pub(super) fn private(path: &Path, place: &str) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path).map_or(0, |facts| facts.permissions().mode()) & 0o777;
        if mode & 0o077 != 0 {
            return Err(Error::new(
                place,
                format!("others can read {} (mode {mode:o})", path.display()),
                format!("take that from them: chmod 600 {}", path.display()),
            ));
        }
    }
    Ok(())
}

/// Makes the folder of a file with a secret, if it is not there, for its user alone.
#[cfg(feature = "serve")]
pub(super) fn folder_of(path: &Path) -> std::io::Result<()> {
    let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) else {
        return Ok(());
    };
    let mut make = std::fs::DirBuilder::new();
    make.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut make, 0o700);
    make.create(folder)
}

/// Writes a token for its user alone.
#[cfg(feature = "serve")]
pub(super) fn write(path: &Path, token: &str) -> Result<()> {
    use std::io::Write;
    let mut options = std::fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let part = path.with_extension(format!("{}.part", std::process::id()));
    let written = || {
        folder_of(path)?;
        let mut file = options.open(&part)?;
        file.write_all(format!("{token}\n").as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&part, path)
    };
    written().map_err(|e| {
        let _ = std::fs::remove_file(&part);
        Error::new(
            "serve.token_file",
            format!("{}: {e}", path.display()),
            "give a file that you may write",
        )
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn file(name: &str, text: &[u8], mode: u32) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("bullwhip-token-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join(name);
        let _ = std::fs::remove_file(&path);
        std::fs::write(&path, text).expect("written");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).expect("its mode");
        path
    }

    #[test]
    fn a_token_is_found_where_it_is_said_to_be() {
        let path = file("good", b"  abc-def\n", 0o600);
        assert_eq!(find(" abc-x ").expect("itself"), "abc-x");
        let named = format!("file:{}", path.display());
        assert_eq!(find(&named).expect("of a file"), "abc-def");
        let nowhere = Path::new("/nowhere");
        let of = |name: &'static str, value: OsString| {
            move |asked: &str| (asked == name).then(|| value.clone())
        };
        let token = own(&of(TOKEN, "from-env".into()), nowhere);
        assert_eq!(token.expect("of the environment"), "from-env");
        let token = own(&of(FILE, path.clone().into()), nowhere);
        assert_eq!(token.expect("of a file"), "abc-def");
        let folder = path.parent().expect("a folder");
        std::fs::rename(&path, folder.join("token")).expect("moved");
        assert_eq!(own(&|_| None, folder).expect("of the user"), "abc-def");
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        for (name, text, mode, told) in [
            ("open", &b"abc-def"[..], 0o644, "others can read"),
            ("group", b"abc-def", 0o640, "chmod 600"),
            ("empty", b" \n", 0o600, "it is empty"),
            ("bytes", b"\xff\xfe", 0o600, "it is no text"),
            ("long", &[b'a'; 5000], 0o600, "it is too long"),
        ] {
            let path = file(name, text, mode);
            let said = read(&path).expect_err(name).to_string();
            assert!(said.contains(told), "{said}");
            assert!(said.contains(name), "{said}");
        }
        let said = own(&|_| None, Path::new("/nowhere")).expect_err("nothing");
        let said = said.to_string();
        for looked in [TOKEN, FILE, "/nowhere/token"] {
            assert!(said.contains(looked), "{said}");
        }
        let said = read(Path::new("/dev/null")).expect_err("a device");
        assert!(said.to_string().contains("it is no plain file"), "{said}");
    }

    #[cfg(feature = "serve")]
    #[test]
    fn a_written_token_is_its_users_alone() {
        let path = file("written", b"old", 0o644);
        write(&path, "abc-new").expect("written");
        assert_eq!(read(&path).expect("a token"), "abc-new");
        let name = format!("bullwhip-secrets-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        write(&folder.join("token"), "abc-new").expect("written");
        let mode = std::fs::metadata(&folder).expect("a folder").permissions();
        assert_eq!(mode.mode() & 0o777, 0o700);
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
