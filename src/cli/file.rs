//! Snapshot files: JSON, gzipped; those that somebody packed with zstd are read too. Written whole or not at all, readable by
//! the owner only; read with care.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal as _, Read, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use ruzstd::decoding::StreamingDecoder;
use serde::Deserialize;

use crate::cli::{Exit, Failure};
use crate::model::snapshot::{FORMAT, Snapshot};

/// A snapshot of 100,000 tables with ten analyzed columns each takes about 2 GB as JSON; what unpacks to more is no snapshot.
const LIMIT: u64 = 4 << 30;

/// Where a snapshot goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Output {
    /// `-`
    Stdout,
    /// A file.
    File(PathBuf),
}

impl From<&str> for Output {
    fn from(text: &str) -> Self {
        if text == "-" {
            Self::Stdout
        } else {
            Self::File(text.into())
        }
    }
}

/// Writes a snapshot; gives the size in bytes. A file appears under its name only when it is complete.
pub(crate) fn write(output: &Output, snapshot: &Snapshot) -> Result<u64, Failure> {
    match output {
        Output::Stdout => {
            let stdout = io::stdout().lock();
            if stdout.is_terminal() {
                return Err(Failure::new(
                    Exit::Usage,
                    "a snapshot is compressed and not for the terminal",
                )
                .hint("-o FILE, or pipe it: pgperf snapshot -o - | zcat"));
            }
            encode(stdout, snapshot).map_err(|error| {
                Failure::new(Exit::Usage, format!("cannot write to stdout: {error}"))
            })
        }
        Output::File(path) => write_file(path, snapshot).map_err(|error| {
            Failure::new(
                Exit::Usage,
                format!("cannot write {}: {error}", path.display()),
            )
        }),
    }
}

fn write_file(path: &Path, snapshot: &Snapshot) -> io::Result<u64> {
    let name = path
        .file_name()
        .ok_or_else(|| io::Error::other("it names no file"))?;
    if path.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    // A device or a pipe is written to; a file in its place would be in everybody's way.
    if fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return encode(&OpenOptions::new().write(true).open(path)?, snapshot);
    }
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = path.with_file_name(temporary);
    // Left behind by a killed process that had this id.
    let _ = fs::remove_file(&temporary);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)
        .and_then(|file| {
            let size = encode(&file, snapshot)?;
            file.sync_all()?;
            fs::rename(&temporary, path)?;
            Ok(size)
        });
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Counts what passes.
struct Counting<W> {
    inner: W,
    bytes: u64,
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn encode(output: impl Write, snapshot: &Snapshot) -> io::Result<u64> {
    // The header of gzip gets no name and no time, so that equal snapshots give equal bytes.
    let counting = Counting {
        inner: output,
        bytes: 0,
    };
    let mut encoder = GzEncoder::new(io::BufWriter::new(counting), Compression::default());
    serde_json::to_writer(&mut encoder, snapshot)?;
    encoder.write_all(b"\n")?;
    let mut buffered = encoder.finish()?;
    buffered.flush()?;
    Ok(buffered.get_ref().bytes)
}

/// Reads a snapshot, packed by gzip or zstd, or plain.
///
/// # Errors
/// One line that names the file: unreadable, newer format, cut short, no snapshot; exit code 2.
pub(crate) fn read(path: &Path) -> Result<Snapshot, Failure> {
    let bytes = unpacked(path, LIMIT).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => cut_short(path),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => Failure::new(
            Exit::Usage,
            format!("{} is damaged: {error}", path.display()),
        )
        .hint("take or copy the snapshot again"),
        _ => Failure::new(
            Exit::Usage,
            format!("cannot read {}: {error}", path.display()),
        ),
    })?;
    decode(path, &bytes)
}

/// A snapshot that is part of the program, gzipped; `name` is for messages.
pub(crate) fn embedded(gzipped: &[u8], name: &str) -> Result<Snapshot, Failure> {
    let mut bytes = Vec::new();
    MultiGzDecoder::new(gzipped)
        .take(LIMIT)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::new(Exit::Usage, format!("{name} is damaged: {error}")))?;
    decode(Path::new(name), &bytes)
}

fn unpacked(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    let mut magic = Vec::with_capacity(4);
    (&mut file).take(4).read_to_end(&mut magic)?;
    let whole = io::BufReader::new(magic.as_slice().chain(file));
    let mut unpacked: Box<dyn Read> = match magic.as_slice() {
        [0x1f, 0x8b, ..] => Box::new(MultiGzDecoder::new(whole)),
        [0x28, 0xb5, 0x2f, 0xfd] => {
            let decoder = StreamingDecoder::new(whole);
            Box::new(decoder.map_err(|e| io::Error::new(io::ErrorKind::InvalidData, e))?)
        }
        _ => Box::new(whole),
    };
    let mut bytes = Vec::new();
    let read = (&mut unpacked).take(limit + 1).read_to_end(&mut bytes);
    let read = read.map_err(|error| match error.kind() {
        // The decoder of zstd says no more than that of what it cannot decode.
        io::ErrorKind::Other => io::Error::new(io::ErrorKind::InvalidData, error),
        _ => error,
    })?;
    if read as u64 > limit {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("it unpacks to more than {limit} bytes"),
        ));
    }
    Ok(bytes)
}

fn cut_short(path: &Path) -> Failure {
    Failure::new(
        Exit::Usage,
        format!("{} ends in the middle", path.display()),
    )
    .hint("take or copy the snapshot again")
}

/// The fields by which a snapshot of any format is known.
#[derive(Deserialize)]
struct Header {
    format: u32,
    pgperf: String,
}

fn decode(path: &Path, bytes: &[u8]) -> Result<Snapshot, Failure> {
    let shown = path.display();
    let refused = |message: String| Failure::new(Exit::Usage, message);
    if bytes.is_empty() {
        return Err(refused(format!("{shown} is empty")).hint("take the snapshot again"));
    }
    let header: Header = serde_json::from_slice(bytes).map_err(|error| {
        if error.is_eof() && bytes.starts_with(b"{\"format\":") {
            cut_short(path)
        } else {
            refused(format!("{shown} is not a pgperf snapshot"))
                .hint("pgperf snapshot -o FILE makes one")
        }
    })?;
    if header.format > FORMAT {
        return Err(refused(format!(
            "{shown} was written by pgperf {}, format {}; this pgperf {} reads up to format {FORMAT}",
            header.pgperf,
            header.format,
            env!("CARGO_PKG_VERSION"),
        ))
        .hint("upgrade pgperf"));
    }
    let mut snapshot: Snapshot = serde_json::from_slice(bytes)
        .map_err(|error| refused(format!("{shown} is not a whole pgperf snapshot: {error}")))?;
    snapshot.restore_order();
    Ok(snapshot)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use ruzstd::encoding::CompressionLevel;

    /// A directory of its own for a test, removed at its end.
    struct Directory(PathBuf);

    impl Directory {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("pgperf-file-{}-{name}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn holding(&self, bytes: &[u8]) -> PathBuf {
            let path = self.0.join("file");
            fs::write(&path, bytes).unwrap();
            path
        }
    }

    impl Drop for Directory {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn snapshot() -> Snapshot {
        Snapshot {
            format: FORMAT,
            pgperf: "0.1.0".into(),
            ..Snapshot::default()
        }
    }

    fn packed(snapshot: &Snapshot) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(&mut bytes, snapshot).unwrap();
        bytes
    }

    #[track_caller]
    fn refused(path: &Path, expected: &str) {
        let message = read(path).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
        assert!(message.contains(&path.display().to_string()), "{message}");
    }

    #[test]
    fn what_is_written_is_read_again() {
        let directory = Directory::new("round");
        let path = directory.0.join("s.json.gz");
        let size = write(&Output::File(path.clone()), &snapshot()).unwrap();
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!(metadata.len(), size);
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        assert_eq!(read(&path).unwrap(), snapshot());
        assert_eq!(fs::read(&path).unwrap(), packed(&snapshot()));
        // Over an old file too, and nothing else is left.
        write(&Output::File(path.clone()), &snapshot()).unwrap();
        assert_eq!(fs::read_dir(&directory.0).unwrap().count(), 1);
        let plain = directory.holding(&serde_json::to_vec(&snapshot()).unwrap());
        assert_eq!(read(&plain).unwrap(), snapshot());
    }

    #[test]
    fn bad_files_are_refused_in_one_line() {
        let directory = Directory::new("bad");
        let whole = packed(&snapshot());
        let json = serde_json::to_vec(&snapshot()).unwrap();
        refused(&directory.0.join("none"), "cannot read");
        refused(&directory.0, "cannot read");
        refused(&directory.holding(b""), "is empty");
        refused(
            &directory.holding(&whole[..whole.len() / 2]),
            "ends in the middle",
        );
        refused(&directory.holding(&whole[..2]), "ends in the middle");
        refused(
            &directory.holding(&json[..json.len() / 2]),
            "ends in the middle",
        );
        refused(
            &directory.holding(b"create table t (a int);"),
            "is not a pgperf snapshot",
        );
        refused(
            &directory.holding(b"{\"a\": 1}"),
            "is not a pgperf snapshot",
        );
        refused(
            &directory.holding(b"{\"format\":1,\"pgperf\":\"0.1.0\",\"tables\":5}"),
            "is not a whole pgperf snapshot",
        );
        let mut damaged = whole.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 0xff;
        assert!(read(&directory.holding(&damaged)).is_err());
    }

    #[test]
    fn what_zstd_packed_is_read() {
        let directory = Directory::new("zstd");
        let json = serde_json::to_vec(&snapshot()).unwrap();
        let packed = ruzstd::encoding::compress_to_vec(json.as_slice(), CompressionLevel::Fastest);
        assert!(packed.len() < json.len());
        assert_eq!(read(&directory.holding(&packed)).unwrap(), snapshot());
        for cut in [4, 8, packed.len() / 2, packed.len() - 1] {
            let error = read(&directory.holding(&packed[..cut])).unwrap_err();
            let message = error.to_string();
            assert!(
                message.contains("is damaged") || message.contains("ends in the middle"),
                "{cut}: {message}"
            );
        }
    }

    #[test]
    fn a_newer_format_is_refused_whatever_it_holds() {
        let directory = Directory::new("newer");
        let file = format!(
            "{{\"format\":{},\"pgperf\":\"9.9.0\",\"tables\":{{}}}}",
            FORMAT + 1
        );
        let path = directory.holding(file.as_bytes());
        refused(&path, "was written by pgperf 9.9.0, format 2; this pgperf");
        assert!(
            read(&path)
                .unwrap_err()
                .to_string()
                .contains("upgrade pgperf")
        );
    }

    #[test]
    fn a_bomb_is_refused() {
        let directory = Directory::new("bomb");
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&vec![b' '; 100_000]).unwrap();
        let path = directory.holding(&encoder.finish().unwrap());
        assert!(unpacked(&path, 100_000).is_ok());
        assert!(unpacked(&path, 99_999).is_err());
    }

    #[test]
    fn an_unwritable_place_is_one_line() {
        let directory = Directory::new("unwritable");
        for path in [directory.0.clone(), directory.0.join("no/such/file")] {
            let message = write(&Output::File(path), &snapshot())
                .unwrap_err()
                .to_string();
            assert!(message.contains("cannot write"), "{message}");
        }
    }
}
