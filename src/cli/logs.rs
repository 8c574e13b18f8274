//! Server logs from files, plain or packed by gzip or zstd, one after another, a piece at a time.

mod gaps;

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;

use crate::model::snapshot::Snapshot;
use crate::query::log::{Counts, Entry, Format, LogReader, Prefix};
use crate::query::n_plus_one::{Loops, NPlusOne, from_loops};

/// Bytes that are read at once.
const PIECE: usize = 256 << 10;

/// The server's default.
const DEFAULT_PREFIX: &str = "%m [%p] ";

/// What pgperf calls itself: what it asks is no part of the load.
const OWN: &str = "pgperf";

/// What was read of one file.
#[derive(Debug, Clone, PartialEq)]
pub struct FileRead {
    /// The file.
    pub path: PathBuf,
    /// Format that it was read in.
    pub format: &'static str,
    /// How much was in it.
    pub counts: Counts,
    /// Entries of other databases, which are left out.
    pub elsewhere: u64,
    /// Entries of this one with a duration.
    pub timed: u64,
    /// Why it was not read to its end, or tells nothing.
    pub problem: Option<String>,
}

/// What was read of all.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LogsRead {
    /// File by file.
    pub files: Vec<FileRead>,
    /// Different statements in them.
    pub statements: usize,
    /// The smallest duration that was logged, ms. Where it is well above the time of a look-up, a threshold
    /// (`log_min_duration_statement`) kept the look-ups out, and loops of them cannot be seen.
    pub shortest_ms: Option<f64>,
}

impl LogsRead {
    /// The sum over files.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut sum = Counts::default();
        self.files.iter().for_each(|f| sum.add(&f.counts));
        sum
    }
}

/// A file that cannot be opened.
#[derive(Debug)]
pub struct Unreadable {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub error: io::Error,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read {}: {}", name(&self.path), self.error)
    }
}

impl std::error::Error for Unreadable {}

/// How a file is called in messages.
#[must_use]
pub fn name(path: &Path) -> String {
    if path.as_os_str() == "-" {
        "stdin".to_owned()
    } else {
        path.display().to_string()
    }
}

/// How a plain log is read, and what of it counts.
#[derive(Debug, Clone, Default)]
pub struct LogOptions {
    /// The `log_line_prefix` that the user gave.
    pub given: Option<String>,
    /// That of the server; it may have been another when the log was written.
    pub of_server: Option<String>,
    /// The database; entries of others are left out. Empty = all.
    pub database: String,
}

impl LogOptions {
    /// The prefixes to try first, and whether others may be guessed.
    fn prefixes(&self) -> (Vec<Prefix>, bool) {
        match (&self.given, &self.of_server) {
            (Some(given), _) => (vec![Prefix::new(given)], false),
            (None, of_server) => (of_server.iter().map(|s| Prefix::new(s)).collect(), true),
        }
    }
}

/// Finds N+1 in logs. They are read in the order given, oldest first; a plain log has the `log_line_prefix` given. With a
/// snapshot foreign keys count as evidence, and fixes name types.
///
/// # Errors
/// A file that cannot be opened. One that turns out to be damaged or to tell nothing is a problem of its [`FileRead`].
pub fn n_plus_one_of_logs(
    paths: &[PathBuf],
    log_line_prefix: &str,
    snapshot: Option<&Snapshot>,
) -> Result<(Vec<NPlusOne>, LogsRead), Unreadable> {
    let options = LogOptions {
        given: Some(log_line_prefix.to_owned()),
        ..LogOptions::default()
    };
    let (loops, read) = loops_of_logs(paths, &options)?;
    Ok((from_loops(&loops, snapshot), read))
}

/// Follows the statements of logs, in the order given, oldest first.
///
/// # Errors
/// A file that cannot be opened.
pub fn loops_of_logs(
    paths: &[PathBuf],
    options: &LogOptions,
) -> Result<(Loops, LogsRead), Unreadable> {
    let (prefixes, may_guess) = options.prefixes();
    let mut loops = Loops::new(0.0);
    let mut read = LogsRead::default();
    for path in paths {
        let opened = Opened::new(path, &prefixes, may_guess)?;
        loops.resolution(opened.resolution);
        let (mut elsewhere, mut timed) = (0, 0);
        let mut observe = |entry: &Entry<'_>| {
            let other = !entry.database.is_empty()
                && !options.database.is_empty()
                && entry.database != options.database;
            if other {
                elsewhere += 1;
            } else if !entry.application_name.starts_with(OWN) {
                timed += u64::from(entry.duration.is_some());
                loops.observe(entry);
            }
        };
        let mut file = opened.each(&mut observe);
        (file.elsewhere, file.timed) = (elsewhere, timed);
        read.files.push(file);
    }
    loops.finish();
    read.statements = loops.statements();
    read.shortest_ms = loops.shortest();
    Ok((loops, read))
}

/// Reads one file, and gives each entry.
///
/// # Errors
/// It cannot be opened.
pub fn each_entry(
    path: &Path,
    prefix: &Prefix,
    sink: &mut dyn FnMut(&Entry<'_>),
) -> Result<FileRead, Unreadable> {
    Ok(Opened::new(path, std::slice::from_ref(prefix), false)?.each(sink))
}

/// A log whose beginning was looked at.
struct Opened<'a> {
    path: &'a Path,
    bytes: Box<dyn Read>,
    piece: Vec<u8>,
    length: usize,
    format: Format,
    /// Smallest difference in time that it shows, ms.
    resolution: f64,
    problem: Option<String>,
}

impl<'a> Opened<'a> {
    fn new(path: &'a Path, prefixes: &[Prefix], may_guess: bool) -> Result<Self, Unreadable> {
        let unreadable = |error| Unreadable {
            path: path.to_owned(),
            error,
        };
        let mut bytes = unpacked(path).map_err(unreadable)?;
        let mut piece = vec![0; PIECE];
        let mut problem = None;
        let length = next(&mut bytes, &mut piece, &mut problem);
        let guess = may_guess
            .then(|| Prefix::guess(&piece[..length], prefixes))
            .flatten();
        let prefix = guess.or_else(|| prefixes.first().cloned());
        let prefix = prefix.unwrap_or_else(|| Prefix::new(DEFAULT_PREFIX));
        let format = Format::detect(&piece[..length], &prefix);
        let mut resolution = 1.0;
        if let Format::Stderr(prefix) = &format {
            resolution = prefix.resolution();
            if !prefix.tells_sessions() {
                problem = Some(
                    "log_line_prefix says not when (%m) or in which session (%c, %p) a line was written"
                        .to_owned(),
                );
            }
        }
        Ok(Self {
            path,
            bytes,
            piece,
            length,
            format,
            resolution,
            problem,
        })
    }

    /// Gives each entry.
    fn each(mut self, sink: &mut dyn FnMut(&Entry<'_>)) -> FileRead {
        let name = self.format.name();
        let mut reader = LogReader::new(self.format);
        while self.length > 0 {
            reader.feed(&self.piece[..self.length], sink);
            self.length = next(&mut self.bytes, &mut self.piece, &mut self.problem);
        }
        let counts = reader.finish(sink);
        let none = counts.entries + counts.others == 0 && counts.malformed > 0;
        let problem = self.problem.or_else(|| {
            none.then(|| {
                if name == "stderr" {
                    "no line begins with the log_line_prefix".to_owned()
                } else {
                    format!("it begins as a {name}, but is none")
                }
            })
        });
        FileRead {
            path: self.path.to_owned(),
            format: name,
            counts,
            elsewhere: 0,
            timed: 0,
            problem,
        }
    }
}

/// Fills the piece; where reading fails, the file ends.
fn next(bytes: &mut dyn Read, piece: &mut [u8], problem: &mut Option<String>) -> usize {
    full(bytes, piece).unwrap_or_else(|error| {
        *problem = Some(format!("it cannot be read to its end: {error}"));
        0
    })
}

/// Fills the piece as far as there are bytes.
fn full(bytes: &mut dyn Read, piece: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < piece.len() {
        match bytes.read(&mut piece[length..]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            // What came before is good; the error comes again.
            Err(_) if length > 0 => break,
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

/// The bytes of a file, `-` for stdin, unpacked if it is packed.
fn unpacked(path: &Path) -> io::Result<Box<dyn Read>> {
    let bytes: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(io::stdin())
    } else {
        let file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        Box::new(file)
    };
    let mut bytes = BufReader::with_capacity(PIECE, bytes);
    Ok(match bytes.fill_buf()? {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(bytes)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(Frames(Frame::Between(bytes))),
        _ => Box::new(bytes),
    })
}

/// Bytes as they are in the file.
type Packed = BufReader<Box<dyn Read>>;

/// The frames of a zstd file, one after another.
struct Frames(Frame);

enum Frame {
    Between(Packed),
    Within(Box<StreamingDecoder<Packed, ruzstd::decoding::FrameDecoder>>),
    Done,
}

impl Read for Frames {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        loop {
            match std::mem::replace(&mut self.0, Frame::Done) {
                Frame::Done => return Ok(0),
                Frame::Between(mut file) => {
                    if file.fill_buf()?.is_empty() {
                        return Ok(0);
                    }
                    let decoder = StreamingDecoder::new(file)
                        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
                    self.0 = Frame::Within(Box::new(decoder));
                }
                Frame::Within(mut decoder) => {
                    let length = decoder.read(piece)?;
                    if length > 0 || piece.is_empty() {
                        self.0 = Frame::Within(decoder);
                        return Ok(length);
                    }
                    self.0 = Frame::Between(decoder.into_inner());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    /// A log of one statement.
    fn log() -> Vec<u8> {
        b"1970-01-01 00:00:01.000 UTC [7] LOG:  duration: 1.000 ms  statement: select 1\n"
            .repeat(1000)
    }

    /// How many entries are read of such a file, and its problem.
    fn read(name: &str, bytes: &[u8]) -> (u64, Option<String>) {
        let path = std::env::temp_dir().join(format!("pgperf-logs-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).unwrap();
        let file = each_entry(&path, &Prefix::new("%m [%p] "), &mut |_| {}).unwrap();
        std::fs::remove_file(&path).unwrap();
        (file.counts.entries, file.problem)
    }

    #[test]
    fn plain_and_packed_logs_are_read() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&log()).unwrap();
        let gzip = gzip.finish().unwrap();
        let zstd = compress_to_vec(log().as_slice(), CompressionLevel::Fastest);
        assert_eq!(read("plain", &log()), (1000, None));
        assert_eq!(read("gzip", &gzip), (1000, None));
        assert_eq!(read("gzips", &gzip.repeat(2)), (2000, None));
        assert_eq!(read("zstd", &zstd), (1000, None));
        assert_eq!(read("zstds", &zstd.repeat(2)), (2000, None));
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&log()).unwrap();
        let gzip = gzip.finish().unwrap();
        let (_, problem) = read("cut", &gzip[..gzip.len() - 20]);
        assert!(problem.is_some_and(|p| p.contains("to its end")));
        let (entries, problem) = read("other", b"hello\nworld\n");
        assert_eq!(entries, 0);
        assert!(problem.is_some_and(|p| p.contains("log_line_prefix")));
        assert_eq!(read("empty", b""), (0, None));
        let missing = n_plus_one_of_logs(&[PathBuf::from("/no/such/log")], "%m [%p] ", None);
        let message = missing.unwrap_err().to_string();
        assert!(
            message.starts_with("cannot read /no/such/log: "),
            "{message}"
        );
    }
}
