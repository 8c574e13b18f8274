//! The SQL files: each collector has one a version in which its source changed, and the newest that fits is run.

/// One file under `sql/`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Variant {
    /// First version it fits: server major (and 0), or extension version.
    pub(super) since: (u32, u32),
    /// Its text.
    pub(super) sql: &'static str,
}

/// A collector: its name, which is its folder, and its files, newest first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Collector {
    /// Folder under `sql/`.
    pub(super) name: &'static str,
    /// Files, newest first.
    pub(super) variants: &'static [Variant],
}

impl Collector {
    /// The newest file that fits that version.
    pub(super) fn fitting(&self, version: (u32, u32)) -> Option<&'static str> {
        self.variants
            .iter()
            .find(|variant| variant.since <= version)
            .map(|variant| variant.sql)
    }
}

/// `collector!("indexes", [(15, 0) => "15", (13, 0) => "13"])`: the files of `sql/indexes/`.
macro_rules! collector {
    ($name:literal, [$($since:expr => $file:literal),+ $(,)?]) => {
        $crate::pg::collect::variant::Collector {
            name: $name,
            variants: &[$($crate::pg::collect::variant::Variant {
                since: $since,
                sql: include_str!(concat!("../../../sql/", $name, "/", $file, ".sql")),
            }),+],
        }
    };
}
pub(super) use collector;

/// `1.10` as (1, 10).
pub(super) fn version(text: &str) -> (u32, u32) {
    let mut parts = text.split('.').map(|part| {
        let digits: String = part.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap_or(0)
    });
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_fitting_file_is_chosen() {
        const C: Collector = Collector {
            name: "c",
            variants: &[
                Variant {
                    since: (1, 11),
                    sql: "eleven",
                },
                Variant {
                    since: (1, 9),
                    sql: "nine",
                },
            ],
        };
        assert_eq!(C.fitting(version("1.12")), Some("eleven"));
        assert_eq!(C.fitting(version("1.10")), Some("nine"));
        assert_eq!(C.fitting(version("1.8")), None);
        assert_eq!(C.fitting(version("junk")), None);
        assert_eq!(version("3.4.1beta"), (3, 4));
    }
}
