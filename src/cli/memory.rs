//! The memory of the server's machine: the server does not tell, but on its own machine the system does.

use super::args::size;
use super::{Exit, Failure};

/// What the user says that the machine has; else, where the server is reached by a socket of this machine, what this machine has.
pub(crate) fn of_server(given: Option<&str>, endpoint: &str) -> Result<Option<f64>, Failure> {
    match given {
        Some(text) => {
            let error = || {
                Failure::new(Exit::Usage, format!("--memory {text}: not a size"))
                    .hint("what the server's machine has: 16GB")
            };
            size(text)
                .filter(|size| *size > 0.0)
                .map(Some)
                .ok_or_else(error)
        }
        None if endpoint.starts_with('/') => Ok(of_this_machine()),
        None => Ok(None),
    }
}

/// What the kernel has, or what a control group leaves of it (`/sys/fs/cgroup/memory.max`).
fn of_this_machine() -> Option<f64> {
    let total = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = total
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let total = size(line)?;
    let limit = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let limit = limit.and_then(|text| size(&text));
    Some(limit.map_or(total, |limit| limit.min(total)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_socket_is_of_this_machine() {
        assert_eq!(of_server(None, "db1:5432").unwrap(), None);
        assert!(of_server(None, "/tmp/.s.PGSQL.5432").unwrap().is_some());
        assert_eq!(of_server(Some("1kB"), "db1:5432").unwrap(), Some(1024.0));
        assert!(of_server(Some("much"), "db1:5432").is_err());
    }
}
