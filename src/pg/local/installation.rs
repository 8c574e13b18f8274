//! Which `PostgreSQL` servers are installed on this machine, and where.

use std::collections::HashSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A server installation on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// As `server_version_num`: 150018.
    pub version_num: u32,
    /// Directory with `postgres` and `initdb`.
    pub bin_dir: PathBuf,
}

/// Where packages put `bin`; one `*` a component, replaced by whatever is there.
const USUAL_PLACES: [&str; 14] = [
    "/usr/lib/postgresql/*/bin",                          // Debian, Ubuntu
    "/usr/lib/postgresql*/bin",                           // openSUSE, Alpine
    "/usr/libexec/postgresql*",                           // Alpine
    "/usr/pgsql-*/bin",                                   // PostgreSQL's own RPMs
    "/usr/lib64/pgsql/*/bin",                             // Fedora's upgrade packages
    "/opt/homebrew/opt/postgresql@*/bin",                 // Homebrew on Apple silicon
    "/usr/local/opt/postgresql@*/bin",                    // Homebrew on Intel
    "/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",    // Homebrew on Linux
    "/Applications/Postgres.app/Contents/Versions/*/bin", // Postgres.app
    "/Library/PostgreSQL/*/bin",                          // EDB's installer on macOS
    "/opt/local/lib/postgresql*/bin",                     // MacPorts
    "/run/current-system/sw/bin",                         // NixOS
    "/nix/var/nix/profiles/default/bin",                  // Nix
    "/usr/local/pgsql/bin",                               // built from source
];

impl Installation {
    /// The installation whose programs are in `bin_dir`, if both programs are there and say which version they are.
    #[must_use]
    pub fn at(bin_dir: &Path) -> Option<Self> {
        let postgres = bin_dir.join("postgres");
        if !bin_dir.join("initdb").is_file() || !postgres.is_file() {
            return None;
        }
        // `postgres` is often a link into the real place (Homebrew, Nix), and finds its files relative to that.
        let bin_dir = fs::canonicalize(postgres).ok()?.parent()?.to_owned();
        let output = Command::new(bin_dir.join("postgres"))
            .arg("--version")
            .output()
            .ok()?;
        Some(Self {
            version_num: version_num(&String::from_utf8_lossy(&output.stdout))?,
            bin_dir,
        })
    }

    /// Whether the files of an extension lie where packages put them. A wish, not a promise: an unusual layout says no.
    #[must_use]
    pub fn has_extension(&self, name: &str) -> bool {
        let share = self.bin_dir.join("../share");
        let debian = format!("/usr/share/postgresql/{}", self.major());
        [share.join("postgresql"), share, debian.into()]
            .iter()
            .any(|directory| {
                directory
                    .join("extension")
                    .join(format!("{name}.control"))
                    .is_file()
            })
    }

    /// 15 for 15.18.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.version_num / 10_000
    }

    /// 15.18, as people write it.
    #[must_use]
    pub fn version(&self) -> String {
        format!("{}.{}", self.major(), self.version_num % 10_000)
    }
}

/// Finds installations: those in `PGPERF_PG_BIN` (a list like `PATH`) and no others, or else `pg_config --bindir`, `PATH` and the
/// usual places of Debian, RPM, Homebrew, Postgres.app, Nix and FreeBSD. Newest first; of equal versions, the one found first
/// comes first.
#[must_use]
pub fn installations() -> Vec<Installation> {
    let mut seen = HashSet::new();
    let mut found: Vec<Installation> = places()
        .iter()
        .filter_map(|bin_dir| Installation::at(bin_dir))
        .filter(|installation| seen.insert(installation.bin_dir.clone()))
        .collect();
    found.sort_by_key(|installation| std::cmp::Reverse(installation.version_num));
    found
}

fn places() -> Vec<PathBuf> {
    let list = |name| {
        env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(|v| env::split_paths(&v).collect::<Vec<_>>())
    };
    if let Some(asked) = list("PGPERF_PG_BIN") {
        return asked;
    }
    let mut places: Vec<PathBuf> = pg_config_bindir().into_iter().collect();
    places.extend(list("PATH").unwrap_or_default());
    if let Some(home) = env::var_os("HOME") {
        places.push(Path::new(&home).join(".nix-profile/bin"));
    }
    // FreeBSD's packages install into the common prefix.
    places.extend(["/usr/local/bin".into(), "/opt/homebrew/bin".into()]);
    places.extend(USUAL_PLACES.into_iter().flat_map(expand));
    places.retain(|place| place.is_absolute());
    places
}

fn pg_config_bindir() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let bindir = String::from_utf8(output.stdout).ok()?;
    Some(PathBuf::from(bindir.trim()))
}

/// The existing directories that fit a pattern with at most one `*`.
fn expand(pattern: &str) -> Vec<PathBuf> {
    let Some((before, after)) = pattern.split_once('*') else {
        return vec![pattern.into()];
    };
    let prefix_at = before.rfind('/').map_or(0, |slash| slash + 1);
    let (parent, prefix) = before.split_at(prefix_at);
    let after = after.trim_start_matches('/');
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    let mut found: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
        .map(|entry| entry.path().join(after))
        .collect();
    found.sort();
    found
}

/// Reads what `postgres --version` prints: `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, `… 18beta1`, `… 19devel`.
fn version_num(output: &str) -> Option<u32> {
    let version = output.split_once("(PostgreSQL) ")?.1;
    let digits = |text: &str| -> Option<u32> {
        let end = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        text[..end].parse().ok()
    };
    let major = digits(version)?;
    let minor = version
        .trim_start_matches(|c: char| c.is_ascii_digit())
        .strip_prefix('.')
        .and_then(digits)
        .unwrap_or(0);
    Some(major * 10_000 + minor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_as_printed() {
        let debian = "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n";
        assert_eq!(version_num(debian), Some(150_018));
        assert_eq!(
            version_num("postgres (PostgreSQL) 18beta1\n"),
            Some(180_000)
        );
        assert_eq!(version_num("postgres (PostgreSQL) 19devel"), Some(190_000));
    }

    #[test]
    fn other_programs_have_no_version() {
        assert_eq!(version_num("postgres (EnterpriseDB) 15.2"), None);
        assert_eq!(version_num("postgres (PostgreSQL) "), None);
        assert_eq!(version_num(""), None);
    }

    #[test]
    fn a_pattern_finds_what_is_there() {
        assert_eq!(expand("/us*/bin"), [PathBuf::from("/usr/bin")]);
        assert!(expand("/no such directory/*/bin").is_empty());
    }

    #[test]
    fn extensions_are_looked_for_by_name() {
        let nowhere = Installation {
            version_num: 150_018,
            bin_dir: "/no such directory/bin".into(),
        };
        assert!(!nowhere.has_extension("no such extension"));
    }

    #[test]
    fn a_directory_without_the_programs_is_none() {
        assert_eq!(Installation::at(Path::new("/")), None);
    }
}
