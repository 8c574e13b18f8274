//! Clones of snapshot files, kept for the next time: schema and statistics of 500 tables take two seconds to rebuild, of 10,000
//! nine, and a file is usually asked more than once.
//!
//! What is kept is the cluster as it was shut down, before its files were stretched, so that it takes the room of its catalogs.
//! It holds what the snapshot holds, values of columns included, and is readable by its owner only. An entry's name is a hash
//! of the snapshot, of this program and of the server's version; whatever is not as expected is as good as absent.

use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ring::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};

use crate::model::gap::Gap;
use crate::model::snapshot::Snapshot;
use crate::pg::clone::files::disk_usage;
use crate::pg::clone::lengths::Stored;
use crate::pg::local::{Installation, copy_cluster};

/// What is kept at most: entries, their bytes, and how long after they were last used.
const ENTRIES: usize = 4;
const BYTES: u64 = 1 << 30;
const UNUSED: Duration = Duration::from_secs(7 * 86_400);

/// A place for clones.
pub(super) struct Cache {
    directory: PathBuf,
    /// Name of the entry that is wanted.
    key: String,
}

/// What is known of a kept clone besides its files.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) gaps: Vec<Gap>,
    pub(super) relations: Vec<Stored>,
}

impl Cache {
    /// The place of this snapshot's clone; `None` if it cannot be told.
    pub(super) fn new(
        directory: &Path,
        snapshot: &Snapshot,
        installation: &Installation,
    ) -> Option<Self> {
        let mut hash = Hashing(Context::new(&SHA256));
        serde_json::to_writer(&mut hash, snapshot).ok()?;
        let program = fs::metadata(std::env::current_exe().ok()?).ok()?;
        let changed = program.modified().ok()?;
        write!(
            hash,
            "{changed:?} {} {} {}",
            program.len(),
            installation.version_num,
            installation.bin_dir.display()
        )
        .ok()?;
        let digest = hash.0.finish();
        let half = digest.as_ref().first_chunk().copied()?;
        Some(Self {
            directory: directory.to_owned(),
            key: format!("{:032x}", u128::from_be_bytes(half)),
        })
    }

    /// The kept cluster and what is known of it.
    pub(super) fn find(&self) -> Option<(PathBuf, Kept)> {
        let entry = self.directory.join(&self.key);
        let kept = fs::read(entry.join("kept.json")).ok()?;
        let kept = serde_json::from_slice(&kept).ok()?;
        // It was used now.
        let _ = fs::write(entry.join("used"), "");
        Some((entry.join("data"), kept))
    }

    /// Keeps the cluster in `data`, which no server runs on. That it cannot is no error: then the next time takes as long.
    pub(super) fn keep(&self, data: &Path, kept: &Kept) {
        let unfinished = self
            .directory
            .join(format!("{}.{}", self.key, std::process::id()));
        let stored = self.store(&unfinished, data, kept);
        if stored.is_err() {
            let _ = fs::remove_dir_all(&unfinished);
        }
        self.prune();
    }

    fn store(&self, unfinished: &Path, data: &Path, kept: &Kept) -> io::Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(unfinished.join("data"))?;
        copy_cluster(data, &unfinished.join("data"), None)?;
        fs::write(unfinished.join("kept.json"), serde_json::to_vec(kept)?)?;
        fs::write(unfinished.join("used"), "")?;
        fs::rename(unfinished, self.directory.join(&self.key))
    }

    /// Removes this snapshot's clone: it did not do.
    pub(super) fn forget(&self) {
        let _ = fs::remove_dir_all(self.directory.join(&self.key));
    }

    /// Removes what is too much, the longest unused first, and what a killed run left unfinished.
    fn prune(&self) {
        let Ok(entries) = fs::read_dir(&self.directory) else {
            return;
        };
        let last_used = |path: &Path| {
            let used = fs::metadata(path.join("used")).or_else(|_| fs::metadata(path));
            used.and_then(|u| u.modified())
                .unwrap_or(SystemTime::UNIX_EPOCH)
        };
        let mut entries: Vec<(SystemTime, PathBuf)> = (entries.flatten())
            .map(|entry| (last_used(&entry.path()), entry.path()))
            .collect();
        entries.sort();
        let (mut count, mut bytes) = (0, 0);
        for (used, path) in entries.into_iter().rev() {
            count += 1;
            bytes += disk_usage(&path);
            let age = used.elapsed().unwrap_or_default();
            // One that is being written is as new as this one.
            let unfinished = path.extension().is_some() && age > Duration::from_secs(3600);
            if count > ENTRIES || bytes > BYTES || age > UNUSED || unfinished {
                let _ = fs::remove_dir_all(&path);
            }
        }
    }
}

/// Hashes what is written.
struct Hashing(Context);

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
