//! Copies of a cluster's files, for a server that starts where another one ended.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, chown};
use std::path::Path;

/// What belongs to the one server that ran here.
const LEFT_OUT: [&str; 2] = ["postmaster.pid", "postmaster.opts"];

/// Copies what is in one directory into another that exists, for `owner` (user and group) or for this process'
/// own. Sockets stay.
pub(in crate::pg) fn copy_cluster(
    from: &Path,
    to: &Path,
    owner: Option<(u32, u32)>,
) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        let left_out = LEFT_OUT.iter().any(|name| entry.file_name() == *name);
        if left_out || !(kind.is_dir() || kind.is_file()) {
            continue;
        }
        if kind.is_dir() {
            DirBuilder::new().mode(0o700).create(&target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
        if let Some((user, group)) = owner {
            chown(&target, Some(user), Some(group))?;
        }
        if kind.is_dir() {
            copy_cluster(&entry.path(), &target, owner)?;
        }
    }
    Ok(())
}
