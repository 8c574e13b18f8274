//! The files of a clone's relations: empty ones made as long as the real ones are, sparsely, so that they take no room.
//!
//! The planner asks the file system how many pages a relation has and scales its row count by that. Pages of zeros are valid
//! to the server, with checksums too.

use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, fchown};
use std::path::{Path, PathBuf};

use crate::pg::clone::btree::{PAGE, set_root, spine};

/// Pages of one file; a longer relation has several (`RELSEG_SIZE`, 1 GB).
const SEGMENT: u64 = 131_072;

/// Makes a relation's files as long as `pages`.
pub(super) fn extend(path: &Path, pages: u64) -> io::Result<()> {
    let first = fs::metadata(path)?;
    for number in 0..=pages / SEGMENT {
        let length = (pages - number * SEGMENT).min(SEGMENT);
        let file = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(segment(path, number))?;
        if number > 0 {
            fchown(&file, Some(first.uid()), Some(first.gid()))?;
        }
        file.set_len(length * PAGE as u64)?;
    }
    Ok(())
}

/// Makes a relation's files empty. They stay, because a server process may have them open.
pub(super) fn empty(path: &Path) -> io::Result<()> {
    for number in 0.. {
        match File::options().write(true).open(segment(path, number)) {
            Ok(file) => file.set_len(0)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Gives a btree, empty so far and read by nobody, that height, and its length.
pub(super) fn grow_btree(path: &Path, height: u32, pages: u64) -> io::Result<()> {
    let mut file = File::options().read(true).write(true).open(path)?;
    let mut metapage = vec![0; PAGE];
    file.read_exact(&mut metapage)?;
    if !set_root(&mut metapage, height) {
        return Err(io::Error::other("no btree's first page"));
    }
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&metapage)?;
    file.write_all(&spine(height))?;
    extend(path, pages.max(u64::from(height) + 2))
}

fn segment(path: &Path, number: u64) -> PathBuf {
    match number {
        0 => path.to_owned(),
        _ => PathBuf::from(format!("{}.{number}", path.display())),
    }
}

/// Bytes that the files below a directory really take.
pub(super) fn disk_usage(directory: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(directory) else {
        return 0;
    };
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => disk_usage(&entry.path()),
        Ok(found) => found.blocks() * 512,
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_terabytes_take_no_room() {
        let directory = std::env::temp_dir().join(format!("pgperf-files-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let path = directory.join("16384");
        File::create(&path).unwrap();
        extend(&path, 3 * SEGMENT + 5).unwrap();
        let lengths = |names: &[&str]| -> Vec<u64> {
            let length =
                |name: &&str| fs::metadata(directory.join(name)).unwrap().len() / PAGE as u64;
            names.iter().map(length).collect()
        };
        let names = ["16384", "16384.1", "16384.2", "16384.3"];
        assert_eq!(lengths(&names), [SEGMENT, SEGMENT, SEGMENT, 5]);
        assert!(disk_usage(&directory) < 100_000);
        empty(&path).unwrap();
        assert_eq!(lengths(&names), [0, 0, 0, 0]);
        extend(&path, 268_435_456).unwrap();
        assert!(disk_usage(&directory) < 1_000_000);
        fs::remove_dir_all(&directory).unwrap();
    }
}
