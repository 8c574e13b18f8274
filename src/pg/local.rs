//! Throwaway local servers: found, started, stopped and removed, also after a kill.
//!
//! Each server is a fresh cluster in a private directory, reachable over a Unix socket in it, tuned to start fast and
//! survive nothing. `initdb` takes 0.6 s and starting 0.1 s; copying a cached cluster instead would take 0.2 s, which is not
//! worth a cache that grows stale.

mod container;
mod copy;
mod directory;
mod installation;
mod session;
mod user;

use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::pg::error::{Error, Kind};

pub use container::Container;
pub(in crate::pg) use copy::copy_cluster;
use directory::Directory;
pub use directory::sweep;
pub use installation::{Installation, installations};
pub use session::Session;
use user::ServerUser;

/// No durability: the data is worth nothing, and nobody else is served. What `LocalOptions::settings` says comes after and wins.
const SETTINGS: [(&str, &str); 12] = [
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
    ("autovacuum", "off"),
    ("checkpoint_timeout", "1h"),
    ("max_wal_size", "4GB"),
    // Within the directory: a segment in /dev/shm would outlive a server that is killed.
    ("dynamic_shared_memory_type", "mmap"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("unix_socket_permissions", "0700"),
];

/// A server that takes longer than this to accept a connection will not do so at all.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// How to start one.
#[derive(Debug, Clone, Default)]
pub struct LocalOptions {
    /// Settings added to the command line, `name=value`.
    pub settings: Vec<(String, String)>,
    /// `shared_preload_libraries`. Those that the installation does not have are left out; see [`LocalServer::preloaded`].
    pub preload: Vec<String>,
    /// Listens on 127.0.0.1 too, at a free port. TCP connections need a password (`scram-sha-256`).
    pub tcp: bool,
    /// Where to put it, instead of `PGPERF_TMPDIR` or the system's temporary directory.
    pub parent: Option<PathBuf>,
    /// Puts it into memory, if this machine has a place for files there and plenty of room.
    pub in_memory: bool,
}

/// A running throwaway server. Dropping it stops it and removes it; so does the death of this process, of any kind.
#[derive(Debug)]
pub struct LocalServer {
    // Dropped after `postmaster` was told to stop; see `Drop`.
    directory: Directory,
    postmaster: Option<Child>,
    installation: Installation,
    preloaded: Vec<String>,
    port: u16,
}

impl LocalServer {
    /// Starts a fresh cluster with one superuser, `postgres`, and waits until it accepts connections.
    ///
    /// # Errors
    /// `Kind::Local`, with the end of the server's log.
    pub async fn start(installation: &Installation, options: &LocalOptions) -> Result<Self, Error> {
        let (mut server, user) = Self::place(installation, options)?;
        server.initialize(user).await?;
        server.launch(options, user).await?;
        Ok(server)
    }

    /// Starts a copy of a cluster that was shut down, after something was done to its files, which are in the directory given.
    ///
    /// # Errors
    /// `Kind::Local`, and what `before` says.
    pub async fn start_copy(
        installation: &Installation,
        options: &LocalOptions,
        cluster: &Path,
        before: impl FnOnce(&Path) -> Result<(), Error>,
    ) -> Result<Self, Error> {
        let (mut server, user) = Self::place(installation, options)?;
        let data = server.directory.data();
        copy_cluster(cluster, &data, user.map(|u| (u.uid, u.gid)))
            .map_err(|error| server.failure(&error))?;
        before(&data)?;
        server.launch(options, user).await?;
        Ok(server)
    }

    /// A server without files.
    fn place(
        installation: &Installation,
        options: &LocalOptions,
    ) -> Result<(Self, Option<ServerUser>), Error> {
        sweep(options.parent.as_deref());
        let user = ServerUser::needed()?;
        if user.is_some_and(|user| !user.can_reach(&installation.bin_dir)) {
            return Err(Error::new(
                Kind::Local,
                format!(
                    "{} is out of reach of the user that would run the server in root's stead",
                    installation.bin_dir.display()
                ),
            )
            .hint("run pgperf as an ordinary user, or make the directory accessible"));
        }
        let parent = match directory::memory(user).filter(|_| options.in_memory) {
            Some(memory) if options.parent.is_none() => memory,
            _ => directory::parent(options.parent.as_deref(), user)?,
        };
        let server = Self {
            directory: Directory::create(&parent, user)?,
            postmaster: None,
            installation: installation.clone(),
            preloaded: options.preload.clone(),
            port: 5432,
        };
        Ok((server, user))
    }

    /// Stops and removes it. Dropping does the same, but blocks the thread meanwhile.
    pub async fn stop(self) {
        // Fails only when the runtime is going down, and then the value was dropped as well.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }

    /// Conninfo of database `name` on it, as superuser `postgres`, over the Unix socket.
    #[must_use]
    pub fn conninfo(&self, name: &str) -> String {
        self.conninfo_as("postgres", name)
    }

    /// The same as another role, of a plain name. Whoever can reach the socket may be anybody.
    #[must_use]
    pub fn conninfo_as(&self, role: &str, name: &str) -> String {
        format!(
            "host={} port={} user={role} dbname={}",
            quote(&self.socket_dir().to_string_lossy()),
            self.port,
            quote(name)
        )
    }

    /// Stops the server, does something to its files, and starts it again with the same options.
    ///
    /// # Errors
    /// `Kind::Local`, and what `meanwhile` says.
    pub async fn restart(
        &mut self,
        options: &LocalOptions,
        meanwhile: impl FnOnce() -> Result<(), Error>,
    ) -> Result<(), Error> {
        if let Some(mut postmaster) = self.postmaster.take() {
            let pid = i32::try_from(postmaster.id()).ok().and_then(Pid::from_raw);
            if let Some(pid) = pid {
                // "Fast": sessions are ended. That it is gone already is seen below.
                let _ = kill_process(pid, Signal::INT);
            }
            let deadline = Instant::now() + START_TIMEOUT;
            while let Ok(None) = postmaster.try_wait() {
                if Instant::now() > deadline {
                    let _ = postmaster.kill();
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        meanwhile()?;
        self.launch(options, ServerUser::needed()?).await
    }

    /// What it was started from.
    #[must_use]
    pub fn installation(&self) -> &Installation {
        &self.installation
    }

    /// The wanted `shared_preload_libraries` that the installation has.
    #[must_use]
    pub fn preloaded(&self) -> &[String] {
        &self.preloaded
    }

    /// Directory of the Unix socket, which also is the data directory.
    #[must_use]
    pub fn socket_dir(&self) -> PathBuf {
        self.directory.data()
    }

    /// Port: in the socket's name, and on 127.0.0.1 when `LocalOptions::tcp` was set.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The postmaster's process id.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.postmaster.as_ref().map(Child::id)
    }

    /// Everything that initdb and the server said so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read(self.directory.log())
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    async fn initialize(&self, user: Option<ServerUser>) -> Result<(), Error> {
        let mut command = self.command("initdb", user)?;
        command
            .arg("-D")
            .arg(self.directory.data())
            .args([
                "-U",
                "postgres",
                "--encoding=UTF8",
                "--locale=C",
                "--no-sync",
            ])
            // 18 has checksums unless told otherwise; nobody reads these files again, and a clone writes into them.
            .args((self.installation.major() >= 18).then_some("--no-data-checksums"))
            // Whoever can enter the private directory is the owner.
            .args(["--auth-local=trust", "--auth-host=scram-sha-256"]);
        let mut command = tokio::process::Command::from(command);
        let status = command
            .kill_on_drop(true)
            .status()
            .await
            .map_err(|e| self.failure(&e))?;
        if status.success() {
            Ok(())
        } else {
            Err(self.failure(&format!("initdb: {status}")))
        }
    }

    /// Starts the postmaster, again with less if it says that it cannot have what was asked for.
    async fn launch(
        &mut self,
        options: &LocalOptions,
        user: Option<ServerUser>,
    ) -> Result<(), Error> {
        for _ in 0..5 {
            if options.tcp {
                self.port = free_port().map_err(|error| self.failure(&error))?;
            }
            let said = self.log().len();
            let mut command = self.command("postgres", user)?;
            command.args(self.arguments(options));
            self.postmaster = Some(command.spawn().map_err(|error| self.failure(&error))?);
            let Err(failure) = self.wait_until_ready().await else {
                return Ok(());
            };
            let log = self.log();
            let log = log.get(said..).unwrap_or_default();
            let absent =
                |library: &String| log.contains(&format!("could not access file \"{library}\""));
            if let Some(at) = self.preloaded.iter().position(absent) {
                self.preloaded.remove(at);
            } else if !(options.tcp && log.contains("could not bind")) {
                return Err(failure);
            }
        }
        Err(self.failure(&"gave up after five attempts"))
    }

    fn arguments(&self, options: &LocalOptions) -> Vec<String> {
        let data = self.directory.data().to_string_lossy().into_owned();
        let mut arguments = vec!["-D".to_owned(), data.clone(), "-k".to_owned(), data];
        let listen = if options.tcp { "127.0.0.1" } else { "" };
        let mut set = |name: &str, value: &str| {
            arguments.extend(["-c".to_owned(), format!("{name}={value}")]);
        };
        set("listen_addresses", listen);
        set("port", &self.port.to_string());
        set("shared_preload_libraries", &self.preloaded.join(","));
        for (name, value) in SETTINGS {
            set(name, value);
        }
        for (name, value) in &options.settings {
            set(name, value);
        }
        arguments
    }

    /// A program of the installation that runs as the server's user, says everything to the log, and survives Ctrl-C.
    fn command(&self, program: &str, user: Option<ServerUser>) -> Result<Command, Error> {
        let log = File::options()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(self.directory.log())
            .map_err(|error| self.failure(&error))?;
        let both = log.try_clone().map_err(|error| self.failure(&error))?;
        let mut command = Command::new(self.installation.bin_dir.join(program));
        // Nothing of the caller's environment: PGDATA, PGPORT or a locale would leak into the cluster.
        command
            .env_clear()
            .envs(
                ["PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"]
                    .into_iter()
                    .filter_map(|name| Some((name, std::env::var_os(name)?))),
            )
            .env("LC_ALL", "C")
            .env("HOME", self.directory.data())
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(both)
            .process_group(0);
        if let Some(user) = user {
            command.uid(user.uid).gid(user.gid);
        }
        Ok(command)
    }

    async fn wait_until_ready(&mut self) -> Result<(), Error> {
        let mut config = tokio_postgres::Config::new();
        config
            .host_path(self.socket_dir())
            .port(self.port)
            .user("postgres")
            .dbname("postgres");
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            let Err(refused) = config.connect(tokio_postgres::NoTls).await else {
                return Ok(());
            };
            if let Some(postmaster) = &mut self.postmaster
                && let Ok(Some(status)) = postmaster.try_wait()
            {
                return Err(self.failure(&format!("postgres: {status}")));
            }
            if Instant::now() > deadline {
                return Err(self.failure(&refused));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn failure(&self, reason: &dyn std::fmt::Display) -> Error {
        let log = self.log();
        let lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
        let end = lines[lines.len().saturating_sub(8)..].join("\n    ");
        let said = if end.is_empty() {
            String::new()
        } else {
            format!("; the end of its log:\n    {end}")
        };
        let message = format!(
            "cannot start PostgreSQL {} from {}: {reason}{said}",
            self.installation.version(),
            self.installation.bin_dir.display()
        );
        Error::new(Kind::Local, message)
    }
}

impl Drop for LocalServer {
    fn drop(&mut self) {
        self.directory.remove();
        if let Some(postmaster) = &mut self.postmaster {
            // It is gone already unless the keeper could not do its work; killing what is gone is no error.
            let _ = postmaster.kill();
            let _ = postmaster.wait();
        }
    }
}

/// A port that nobody listens on at the moment.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

/// Quotes a value for a conninfo string.
fn quote(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}
