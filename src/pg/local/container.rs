//! A throwaway server in a container, for machines with a Docker engine and no `PostgreSQL`.
//!
//! As with the local ones, a keeper waits for the end of its owner and then removes the container.

use std::fs::File;
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use tokio::process::Command;

use crate::pg::error::{Error, Kind};
use crate::pg::local::{LocalOptions, SETTINGS, Session};

/// The image: Docker's official one, which brings the contrib extensions.
const IMAGE: &str = "postgres:17";

/// Pulling the image has its own time; this is for the server inside to accept connections.
const START_TIMEOUT: Duration = Duration::from_secs(90);

/// Runs as a child in its own process group and outlives us; see `keeper.sh`, which does the same for local servers.
const KEEPER: &str = r#"while read -r _; do :; done; docker rm --force --volumes "$1""#;

/// A running container with a server in it; dropping it removes it, and so does the death of this process.
#[derive(Debug)]
pub struct Container {
    name: String,
    keeper: Child,
    port: u16,
    password: String,
}

impl Container {
    /// Whether a Docker engine answers.
    pub async fn is_possible() -> bool {
        docker(&["version", "--format", "{{.Server.Version}}"])
            .await
            .is_ok()
    }

    /// Runs the image, pulling it if need be, and waits until it accepts connections. Bound to 127.0.0.1 with a random password.
    /// `LocalOptions::parent` and `tcp` mean nothing here.
    ///
    /// # Errors
    /// `Kind::Local`, with what Docker said.
    pub async fn start(options: &LocalOptions) -> Result<Self, Error> {
        let password = random()?;
        let name = format!("pgperf-{}", &random()?[..12]);
        let mut run = Command::new("docker");
        run.args(["run", "--detach", "--rm", "--name", &name])
            .args(["--publish", "127.0.0.1::5432", "--shm-size", "256m"])
            // Only the name: a value on the command line could be read by every user of this machine.
            .args(["--env", "POSTGRES_PASSWORD", IMAGE])
            .env("POSTGRES_PASSWORD", &password);
        let preload = [(
            "shared_preload_libraries".to_owned(),
            options.preload.join(","),
        )];
        let fixed = SETTINGS.map(|(name, value)| (name.to_owned(), value.to_owned()));
        for (name, value) in fixed.iter().chain(&preload).chain(&options.settings) {
            run.args(["-c", &format!("{name}={value}")]);
        }
        // First the keeper, so that there is no moment in which the container has none.
        let keeper = keeper(&name).map_err(|error| failure("cannot run /bin/sh", &error))?;
        let mut container = Self {
            name,
            keeper,
            port: 0,
            password,
        };
        said(run).await?;
        let published = docker(&["port", &container.name, "5432/tcp"]).await?;
        container.port = published
            .lines()
            .find_map(|line| line.rsplit_once(':')?.1.trim().parse().ok())
            .ok_or_else(|| failure("docker port", &published))?;
        container.wait_until_ready().await?;
        Ok(container)
    }

    /// Conninfo of database `name` in it, as superuser `postgres`. Holds the password: not to be shown.
    #[must_use]
    pub fn conninfo(&self, name: &str) -> String {
        format!(
            "host=127.0.0.1 port={} user=postgres password={} dbname={name}",
            self.port, self.password
        )
    }

    /// Its name, for `docker exec`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// While the image initializes its cluster it serves no TCP, so the first connection is to the final server.
    async fn wait_until_ready(&self) -> Result<(), Error> {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            match Session::open(&self.conninfo("postgres")).await {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() > deadline => {
                    return Err(failure(
                        "the server in the container does not answer",
                        &error,
                    ));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

fn keeper(name: &str) -> std::io::Result<Child> {
    std::process::Command::new("/bin/sh")
        .args(["-c", KEEPER, "pgperf-keeper", name])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
}

async fn docker(arguments: &[&str]) -> Result<String, Error> {
    let mut command = Command::new("docker");
    command.args(arguments);
    said(command).await
}

/// What the command prints, or its complaint.
async fn said(mut command: Command) -> Result<String, Error> {
    let output = command
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| failure("cannot run docker", &error))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(failure(
            "docker",
            &String::from_utf8_lossy(&output.stderr).trim(),
        ))
    }
}

fn failure(what: &str, why: &dyn std::fmt::Display) -> Error {
    Error::new(Kind::Local, format!("{what}: {why}"))
        .hint("install PostgreSQL on this machine, or start the Docker engine")
}

/// 32 random hexadecimal digits.
fn random() -> Result<String, Error> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .map_err(|error| failure("cannot read /dev/urandom", &error))?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}
