//! The private directory of one throwaway server: created for its owner only, guarded by a keeper process, found again by `sweep`.
//!
//! Two mechanisms, because either can be killed. While the owner lives, a keeper (`keeper.sh`) waits for the owner's end of
//! a pipe to close and then stops the server and removes the directory; it covers every way out, `kill -9` included. When
//! the keeper was killed too, the lock on the directory's marker file is free, and the next start sweeps it away.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::pg::error::{Error, Kind};
use crate::pg::local::user::ServerUser;

/// Directories of ours begin so.
const PREFIX: &str = "pgperf-";

/// Says that a directory is ours. The living owner holds an exclusive lock on it.
const MARKER: &str = ".pgperf-throwaway-server";

/// `sizeof(sockaddr_un.sun_path)` is 108 on Linux and 104 on macOS and the BSDs, with the terminating zero.
const SOCKET_PATH_MAX: usize = 103;

/// Files in memory, on Linux.
const MEMORY: &str = "/dev/shm";

/// What follows the temporary directory in the longest socket path.
const SOCKET_PATH_TAIL: usize = "/pgperf-0123456789abcdef/data/.s.PGSQL.65535".len();

/// Exists as long as this value does; dropping it stops the server inside and removes everything.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    /// Held for its lock only.
    _marker: File,
    keeper: Child,
}

impl Directory {
    /// Creates `<parent>/pgperf-…/data`, the latter owned by the server's user, and starts the keeper.
    pub(super) fn create(parent: &Path, user: Option<ServerUser>) -> Result<Self, Error> {
        let failed = |error: io::Error| {
            Error::new(
                Kind::Local,
                format!(
                    "cannot create a directory for a server in {}: {error}",
                    parent.display()
                ),
            )
            .hint("set PGPERF_TMPDIR to a directory with room for it")
            .source(error)
        };
        let path = create_unique(parent).map_err(failed)?;
        Self::furnish(&path, user).map_err(|error| {
            // Nothing runs inside yet; what cannot be removed either has already been reported by the first error.
            let _ = fs::remove_dir_all(&path);
            failed(error)
        })
    }

    fn furnish(path: &Path, user: Option<ServerUser>) -> io::Result<Self> {
        // Locked before it gets its name, so that no sweep ever sees an unlocked marker of a living owner.
        let unnamed = path.join(".marker");
        let marker = File::create_new(&unnamed)?;
        marker.lock()?;
        fs::rename(&unnamed, path.join(MARKER))?;
        let data = path.join("data");
        DirBuilder::new().mode(0o700).create(&data)?;
        if let Some(user) = user {
            // The server's user must pass through to its own part, and sees nothing else.
            fs::set_permissions(path, Permissions::from_mode(0o711))?;
            chown(&data, Some(user.uid), Some(user.gid))?;
        }
        Ok(Self {
            path: path.to_owned(),
            _marker: marker,
            keeper: keeper(path, Stdio::piped())?,
        })
    }

    /// The cluster's data directory, which also holds its socket.
    pub(super) fn data(&self) -> PathBuf {
        self.path.join("data")
    }

    /// Everything initdb and the server say.
    pub(super) fn log(&self) -> PathBuf {
        self.path.join("log")
    }

    /// Stops the server and removes everything. Blocks, usually for some 50 ms.
    pub(super) fn remove(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
        // Only if the keeper was killed or gave up.
        if self.path.exists() {
            end(&self.path);
        }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Where a server is put whose files may live in memory: there if there is plenty of room, else as [`parent`] says. Creating
/// thousands of small files takes a third of the time, and nothing is lost that should last.
pub(super) fn memory(user: Option<ServerUser>) -> Option<PathBuf> {
    const PLENTY: u64 = 2 << 30;
    let directory = PathBuf::from(MEMORY);
    let room = rustix::fs::statvfs(&directory).ok()?;
    let free = room.f_bavail.saturating_mul(room.f_frsize);
    let fits = asked_by_environment().is_none() && unfit(&directory, user).is_none();
    (fits && free >= PLENTY).then_some(directory)
}

/// Where servers are put: where the caller or `PGPERF_TMPDIR` says, else the system's temporary directory, else `/tmp`.
///
/// The system's one is passed over when it cannot serve: too long for a socket's path, or out of reach of the server's user.
pub(super) fn parent(asked: Option<&Path>, user: Option<ServerUser>) -> Result<PathBuf, Error> {
    let Some(asked) = asked.map(PathBuf::from).or_else(asked_by_environment) else {
        let usual = std::env::temp_dir();
        return Ok(match unfit(&usual, user) {
            None => usual,
            Some(_) => PathBuf::from("/tmp"),
        });
    };
    match unfit(&asked, user) {
        None => Ok(asked),
        Some(reason) => Err(Error::new(
            Kind::Local,
            format!("{} cannot hold a server: {reason}", asked.display()),
        )
        .hint("set PGPERF_TMPDIR to a short absolute path such as /tmp")),
    }
}

fn asked_by_environment() -> Option<PathBuf> {
    std::env::var_os("PGPERF_TMPDIR")
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

fn unfit(directory: &Path, user: Option<ServerUser>) -> Option<String> {
    if !directory.is_absolute() {
        Some("the path is not absolute".to_owned())
    } else if directory.as_os_str().len() + SOCKET_PATH_TAIL > SOCKET_PATH_MAX {
        Some("the path is too long for a Unix socket".to_owned())
    } else if !directory.is_dir() {
        Some("it is not a directory".to_owned())
    } else if user.is_some_and(|user| !user.can_reach(directory)) {
        Some("the server's user cannot reach it".to_owned())
    } else {
        None
    }
}

/// Removes what killed runs left in `parent` and in the temporary directories, stopping their servers first. Directories of
/// living owners, of other users, or without our marker stay.
pub fn sweep(parent: Option<&Path>) {
    let mut parents = vec![
        std::env::temp_dir(),
        PathBuf::from("/tmp"),
        PathBuf::from(MEMORY),
    ];
    parents.extend(parent.map(PathBuf::from));
    parents.extend(asked_by_environment());
    parents.sort();
    parents.dedup();
    for parent in parents {
        sweep_in(&parent);
    }
}

fn sweep_in(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for entry in entries.flatten() {
        if entry
            .file_name()
            .as_encoded_bytes()
            .starts_with(PREFIX.as_bytes())
        {
            sweep_one(&entry.path());
        }
    }
}

fn sweep_one(path: &Path) {
    let marker = path.join(MARKER);
    if !is_own(path, fs::Metadata::is_dir) || !is_own(&marker, fs::Metadata::is_file) {
        return;
    }
    // The lock is kept until the end, so that two sweeps do not meet in one directory.
    if let Ok(marker) = File::open(&marker)
        && marker.try_lock().is_ok()
    {
        end(path);
    }
}

/// Whether it exists, is of the wanted kind itself (not through a symbolic link), and belongs to this process' user.
fn is_own(path: &Path, kind: fn(&fs::Metadata) -> bool) -> bool {
    fs::symlink_metadata(path)
        .is_ok_and(|found| kind(&found) && found.uid() == rustix::process::geteuid().as_raw())
}

/// Stops the server in `path`, if any, and removes `path`: the keeper's work with nobody to wait for.
fn end(path: &Path) {
    if let Ok(mut keeper) = keeper(path, Stdio::null()) {
        let _ = keeper.wait();
    }
}

fn keeper(path: &Path, owner: Stdio) -> io::Result<Child> {
    Command::new("/bin/sh")
        .args(["-c", include_str!("keeper.sh"), "pgperf-keeper"])
        .arg(path)
        .current_dir("/")
        .stdin(owner)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Ctrl-C in a terminal goes to the whole foreground group; the keeper must survive it.
        .process_group(0)
        .spawn()
}

/// Creates a directory that did not exist, open to this user only.
fn create_unique(parent: &Path) -> io::Result<PathBuf> {
    static COUNTER: AtomicU32 = AtomicU32::new(0);
    loop {
        let nanos = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.subsec_nanos());
        let serial = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!(
            "{PREFIX}{:x}-{:x}",
            std::process::id(),
            nanos ^ serial.rotate_right(8)
        );
        let path = parent.join(name);
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}
