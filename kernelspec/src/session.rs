//! One kernel's own working folder, made from the prepared runtime by hard links.

use crate::folder::{copy_file, copy_tree, link_tree};
use crate::known;
use crate::link::{CELLS, LIBRARIES, SHOWS};
use crate::process;
use crate::runtime::{PROFILE, Runtime};
use crate::toolchain;
use anyhow::{Context, Result};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// A working folder that is removed when dropped.
pub(crate) struct Session {
    pub(crate) dir: PathBuf,
}

impl Session {
    /// Makes the folder of this process, after clearing those of processes that are gone.
    pub(crate) fn new(runtime: &Runtime) -> Result<Self> {
        let all = runtime.home.join("sessions");
        fs::create_dir_all(&all)?;
        for entry in fs::read_dir(&all)? {
            let path = entry?.path();
            if !process::is_alive(&path) {
                // Another kernel may be clearing the same folder: then it is gone, as wanted.
                let _ = fs::remove_dir_all(&path);
            }
        }
        let session = Self {
            dir: runtime.session_dir(std::process::id()),
        };
        if session.dir.exists() {
            // Of a process that had the same number.
            fs::remove_dir_all(&session.dir)?;
        }
        // What is said on the sockets in it is for its user only.
        fs::DirBuilder::new().mode(0o700).create(&session.dir)?;
        let prepared = runtime.prepared();
        link_tree(&prepared.join("target"), &session.dir.join("target"))
            .and_then(|()| copy_tree(&prepared.join("src"), &session.dir.join("src")))
            .and_then(|()| {
                copy_file(
                    &prepared.join("Cargo.lock"),
                    &session.dir.join(known::VERSIONS),
                )
            })
            .context("making the session's folder")?;
        known::recall(&prepared, &session.dir).context("making the session's folder")?;
        Ok(session)
    }

    /// What the kernel process needs in its environment.
    pub(crate) fn environment(&self, runtime: &Runtime) -> Result<Vec<(OsString, OsString)>> {
        let release = self
            .dir
            .join("target")
            .join(&runtime.triple)
            .join("release");
        // The shared library of the toolkit, and the standard library that it links.
        let mut libraries = OsString::from(release.join("deps"));
        libraries.push(":");
        libraries.push(toolchain::standard_library()?);
        let mut all: Vec<(OsString, OsString)> = vec![
            ("BULLWHIP_KERNEL".into(), env!("CARGO_PKG_VERSION").into()),
            ("EVCXR_TMPDIR".into(), self.dir.clone().into()),
            (
                "EVCXR_CONFIG_DIR".into(),
                runtime.home.join("config").into(),
            ),
            (
                "LD_LIBRARY_PATH".into(),
                toolchain::in_front("LD_LIBRARY_PATH", Path::new(&libraries)),
            ),
            ("CARGO_ENCODED_RUSTFLAGS".into(), "".into()),
            // Here evcxr looks for a kernel of its own to update: nothing of the user's is there.
            ("JUPYTER_PATH".into(), self.dir.join("no-jupyter").into()),
        ];
        all.extend(toolchain::environment(&self.dir.join("bin"))?);
        all.extend(cells_environment(&self.dir, libraries));
        all.extend(PROFILE.map(|(k, v)| (OsString::from(k), OsString::from(v))));
        Ok(all)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // What cannot be removed now is cleared by the next session.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

/// The variables that the evaluator's process needs for its cells.
fn cells_environment(dir: &Path, libraries: OsString) -> Vec<(OsString, OsString)> {
    vec![
        (CELLS.into(), dir.join("cells.sock").into()),
        (SHOWS.into(), dir.join("shows.sock").into()),
        (LIBRARIES.into(), libraries),
    ]
}
