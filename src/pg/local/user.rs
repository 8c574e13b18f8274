//! Who runs a throwaway server: this process' user, or somebody harmless when that is root.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Command;

use crate::pg::error::{Error, Kind};

/// In order of preference. The last one exists everywhere.
const NAMES: [&str; 3] = ["postgres", "_postgres", "nobody"];

/// A user other than this process' one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ServerUser {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl ServerUser {
    /// `PostgreSQL` refuses to run as root, so root's servers run as `postgres` if that user exists, else as `nobody`.
    /// `None`: this process is not root, and its servers run as itself.
    pub(super) fn needed() -> Result<Option<Self>, Error> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        NAMES.into_iter().find_map(Self::named).map(Some).ok_or_else(|| {
            Error::new(
                Kind::Local,
                "PostgreSQL does not run as root, and there is no user postgres or nobody to run it as",
            )
            .hint("run pgperf as an ordinary user")
        })
    }

    /// Asks `id`, which knows every name service; reading `/etc/passwd` would not.
    fn named(name: &str) -> Option<Self> {
        let id = |flag| {
            let output = Command::new("id").args([flag, name]).output().ok()?;
            String::from_utf8(output.stdout).ok()?.trim().parse().ok()
        };
        Some(Self {
            uid: id("-u")?,
            gid: id("-g")?,
        })
    }

    /// Whether this user may pass through `path` and every directory above it, going by owner, group and mode.
    pub(super) fn can_reach(self, path: &Path) -> bool {
        path.ancestors().all(|directory| {
            fs::metadata(directory).is_ok_and(|found| {
                let execute = if found.uid() == self.uid {
                    0o100
                } else if found.gid() == self.gid {
                    0o010
                } else {
                    0o001
                };
                found.mode() & execute != 0
            })
        })
    }
}
