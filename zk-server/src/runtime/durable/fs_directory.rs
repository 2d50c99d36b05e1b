//! A real directory.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::storage::directory::{Directory, DirectoryFile};

/// Bytes that are read of a file at once, and of one of which only the beginning is wanted.
const READ_LEN: usize = 1 << 20;
const PEEK_LEN: usize = 4096;

/// A directory of the file system.
#[derive(Debug)]
pub(super) struct FsDirectory {
    path: PathBuf,
}

impl FsDirectory {
    /// Makes the directory if need be.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let missing: Vec<_> = path.ancestors().take_while(|path| !path.exists()).collect();
        fs::create_dir_all(path)?;
        // The name of each must last as what is in it does.
        for parent in missing.iter().filter_map(|path| path.parent()) {
            let here = parent.as_os_str().is_empty();
            match sync_directory(if here { Path::new(".") } else { parent }) {
                // Whoever may make a directory there may not always read it.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
                synced => synced?,
            }
        }
        Ok(Self { path: path.to_owned() })
    }

    /// Holds the directory for this process for as long as the file is open. `None`: another has it.
    pub(super) fn lock(&self) -> io::Result<Option<File>> {
        let file = open_directory(&self.path)?;
        lock(file)
    }
}

#[cfg(unix)]
fn lock(file: File) -> io::Result<Option<File>> {
    use rustix::fs::{FlockOperation, flock};
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

#[cfg(not(unix))]
fn lock(file: File) -> io::Result<Option<File>> {
    Ok(Some(file))
}

fn open_directory(path: &Path) -> io::Result<File> {
    File::open(path)
}

fn sync_directory(path: &Path) -> io::Result<()> {
    open_directory(path)?.sync_all()
}

impl Directory for FsDirectory {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            // A name that is not UTF-8 is none of ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(io::BufReader::with_capacity(READ_LEN, File::open(self.path.join(name))?)))
    }

    fn peek(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        Ok(Box::new(io::BufReader::with_capacity(PEEK_LEN, File::open(self.path.join(name))?)))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DirectoryFile>> {
        Ok(Box::new(FsFile::new(File::create(self.path.join(name))?)))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DirectoryFile>> {
        let file = OpenOptions::new().write(true).open(self.path.join(name))?;
        Ok(Box::new(FsFile::new(file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn sync(&self) -> io::Result<()> {
        sync_directory(&self.path)
    }
}

#[derive(Debug)]
struct FsFile {
    file: File,
    /// Where the system would write next.
    position: u64,
}

impl FsFile {
    fn new(file: File) -> Self {
        Self { file, position: 0 }
    }
}

impl DirectoryFile for FsFile {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if self.position != offset {
            self.file.seek(SeekFrom::Start(offset))?;
        }
        self.position = offset + bytes.len() as u64;
        self.file.write_all(bytes)
    }

    fn extend(&mut self, len: u64) -> io::Result<()> {
        reserve(&self.file, len)
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// Takes room on the disk where the file system can do that, so that it is not missing later.
#[cfg(target_os = "linux")]
fn reserve(file: &File, len: u64) -> io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;
    match fallocate(file, FallocateFlags::empty(), 0, len) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => file.set_len(len),
        reserved => Ok(reserved?),
    }
}

#[cfg(not(target_os = "linux"))]
fn reserve(file: &File, len: u64) -> io::Result<()> {
    file.set_len(len)
}
