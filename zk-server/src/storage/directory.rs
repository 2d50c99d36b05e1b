//! What storage needs of a disk.
//!
//! A disk forgets, when the machine stops, what it was not told to keep: the bytes of a file until
//! [`DirectoryFile::sync`], and that a file has a name, another name or none until
//! [`Directory::sync`]. Whoever promises something syncs first.

use std::fmt;
use std::io::{self, Read};

/// One directory, files only.
pub trait Directory: fmt::Debug + Send + Sync {
    /// The names of the files in it, in no order.
    ///
    /// # Errors
    ///
    /// What the system says; so everywhere.
    fn list(&self) -> io::Result<Vec<String>>;

    /// Reads a file from its beginning. What was opened so can be read to its end, even if the name
    /// is removed meanwhile.
    ///
    /// # Errors
    ///
    /// Also if there is none.
    fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>>;

    /// Reads a file of which only the beginning is wanted, like [`read`](Self::read).
    ///
    /// # Errors
    ///
    /// Also if there is none.
    fn peek(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        self.read(name)
    }

    /// A new, empty file; one of that name is emptied.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn create(&self, name: &str) -> io::Result<Box<dyn DirectoryFile>>;

    /// A file to change.
    ///
    /// # Errors
    ///
    /// Also if there is none.
    fn open(&self, name: &str) -> io::Result<Box<dyn DirectoryFile>>;

    /// Gives a file another name; one that had it is gone.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Makes the names durable.
    ///
    /// # Errors
    ///
    /// What the system says. Then nothing is known about what is durable, and asking again proves
    /// nothing.
    fn sync(&self) -> io::Result<()>;
}

/// A file that is written.
pub trait DirectoryFile: fmt::Debug + Send {
    /// Writes all of `bytes`.
    ///
    /// # Errors
    ///
    /// What the system says. Any part may have been written.
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Makes the file `len` bytes long, with zeros behind what it has, and takes the room for them
    /// if the system lets it.
    ///
    /// # Errors
    ///
    /// What the system says, above all that there is no room.
    fn extend(&mut self, len: u64) -> io::Result<()>;

    /// Cuts the file off behind `len` bytes.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn truncate(&mut self, len: u64) -> io::Result<()>;

    /// Makes the bytes and the length durable; not the name.
    ///
    /// # Errors
    ///
    /// What the system says. What was not durable before may be lost for good, even if a second
    /// call succeeds.
    fn sync(&mut self) -> io::Result<()>;
}
