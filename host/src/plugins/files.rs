//! Files that this user alone can read, whole or not there, also while other threads and hosts use the same folder.
//! Blocking.

use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use tempfile::NamedTempFile;

/// Before the name of what is being written.
const PARTIAL: &str = ".partial-";
/// What was begun as long ago has nobody who ends it.
const PARTIAL_AGE_MAX: Duration = Duration::from_hours(1);

/// Makes the folder where it is missing; what it holds becomes private either way.
pub(super) fn open_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    fs::set_permissions(folder, Permissions::from_mode(0o700))
}

/// In place of what is there.
pub(super) fn write(file: &Path, bytes: &[u8]) -> io::Result<()> {
    partial(file, bytes)?.persist(file).map(drop).map_err(|refused| refused.error)
}

/// Whoever comes first wins: the bytes that are there afterwards, ours or another's.
pub(super) fn write_once(file: &Path, bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    match partial(file, &bytes)?.persist_noclobber(file) {
        Ok(_) => Ok(bytes),
        Err(refused) if refused.error.kind() == ErrorKind::AlreadyExists => fs::read(file),
        Err(refused) => Err(refused.error),
    }
}

fn partial(file: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut partial = tempfile::Builder::new().prefix(PARTIAL).tempfile_in(folder)?;
    partial.write_all(bytes)?;
    Ok(partial)
}

/// Files of the folder whose name is not `kept`; one that another removes first is gone as well.
pub(super) fn keep_only(folder: &Path, kept: impl Fn(&str) -> bool) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let stays = if name.starts_with(PARTIAL) { is_young(&entry) } else { kept(&name) };
        if stays {
            continue;
        }
        match fs::remove_file(entry.path()) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}

fn is_young(entry: &fs::DirEntry) -> bool {
    let changed = entry.metadata().and_then(|data| data.modified());
    changed.is_ok_and(|at| at.elapsed().is_ok_and(|age| age < PARTIAL_AGE_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_whole_though_many_write_it_and_only_one_writes_it_once() {
        let folder = tempfile::tempdir().unwrap();
        let (file, key) = (folder.path().join("file"), folder.path().join("key"));
        let keys = std::thread::scope(|scope| {
            let one = |byte: u8| {
                let (file, key) = (&file, &key);
                scope.spawn(move || {
                    for _ in 0..50 {
                        write(file, &[byte; 4096]).unwrap();
                        let read = fs::read(file).unwrap();
                        assert!(read.len() == 4096 && read.iter().all(|other| Some(other) == read.first()));
                    }
                    write_once(key, vec![byte]).unwrap()
                })
            };
            let writers: Vec<_> = (0..8).map(one).collect();
            writers.into_iter().map(|writer| writer.join().unwrap()).collect::<Vec<_>>()
        });
        assert!(keys.iter().all(|key| Some(key) == keys.first()));
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing partial is left");
    }

    #[test]
    fn what_is_not_kept_goes_but_for_what_another_is_writing() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["kept", "gone", ".partial-of-another"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let abandoned = fs::File::create(folder.path().join(".partial-of-the-dead")).unwrap();
        abandoned.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        keep_only(folder.path(), |name| name == "kept").unwrap();
        let mut left: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, [".partial-of-another", "kept"]);
    }
}
