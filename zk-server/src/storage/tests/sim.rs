//! A disk that forgets: what was written, what was synced, and every state between that a machine
//! may find when it starts again.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Read};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::storage::directory::{Directory, DirectoryFile};

/// What reaches the disk as a whole or not at all. Real ones have at least 512 bytes; with fewer
/// there is more to get wrong.
const SECTOR: usize = 64;

/// States that are tried one by one; of more a sample is.
const IMAGES_MAX: u64 = 150;

/// One directory. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct SimDirectory {
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Debug, Default)]
struct State {
    files: Vec<SimFile>,
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    renamings: Vec<Naming>,
    /// How many operations are carried out before the power fails.
    left: Option<usize>,
    operations: usize,
}

#[derive(Clone, Debug, Default)]
struct SimFile {
    content: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Sector(usize, Vec<u8>),
    Len(usize),
}

#[derive(Clone, Debug)]
enum Naming {
    Create(String, usize),
    Rename(String, String),
    Remove(String),
}

impl State {
    /// Counts an operation; the power fails when there are none left.
    fn step(&mut self) -> io::Result<()> {
        self.operations += 1;
        match &mut self.left {
            Some(0) => Err(io::Error::other("the power failed")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn file(&mut self, name: &str) -> io::Result<usize> {
        self.names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn name(&mut self, naming: Naming) {
        apply(&mut self.names, &naming);
        self.renamings.push(naming);
    }
}

fn apply(names: &mut BTreeMap<String, usize>, naming: &Naming) {
    match naming {
        Naming::Create(name, file) => {
            names.insert(name.clone(), *file);
        }
        Naming::Rename(from, to) => {
            if let Some(file) = names.remove(from) {
                names.insert(to.clone(), file);
            }
        }
        Naming::Remove(name) => {
            names.remove(name);
        }
    }
}

impl SimDirectory {
    pub(crate) fn with(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        let mut state = State::default();
        for (name, content) in files {
            state.names.insert(name, state.files.len());
            state.files.push(SimFile { durable: content.clone(), content, pending: Vec::new() });
        }
        state.durable_names = state.names.clone();
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// What is in a real directory, as plain files.
    pub(crate) fn load(path: &std::path::Path) -> Self {
        let entries = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap());
        Self::with(entries.map(|entry| {
            let name = entry.file_name().to_str().unwrap().to_owned();
            (name, std::fs::read(entry.path()).unwrap())
        }))
    }

    /// The power fails after so many more operations.
    pub(crate) fn fail_after(&self, operations: usize) {
        self.state().left = Some(operations);
    }

    pub(crate) fn operations(&self) -> usize {
        self.state().operations
    }

    pub(crate) fn content(&self, name: &str) -> Vec<u8> {
        let mut state = self.state();
        let file = state.file(name).unwrap();
        state.files[file].content.clone()
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.state().names.keys().cloned().collect()
    }

    /// The process dies, and the machine goes on: everything is there, nothing more is durable.
    pub(crate) fn after_kill(&self) -> Self {
        let mut state = self.state().clone();
        state.left = None;
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Every state, or a sample of them, that may be found after the power failed now. Gives how
    /// many there were.
    pub(crate) fn each_image(&self, mut check: impl FnMut(Self)) -> u64 {
        let state = self.state().clone();
        let choices = state.choices();
        let all = choices.iter().try_fold(1_u64, |all, base| all.checked_mul(*base as u64));
        let mut rng = fastrand::Rng::with_seed(choices.len() as u64);
        let mut tried = 0;
        let mut digits = vec![0; choices.len()];
        loop {
            check(Self::with(state.image(&digits)));
            tried += 1;
            if all.is_some_and(|all| all <= IMAGES_MAX) {
                let Some(up) = (0..digits.len()).find(|i| digits[*i] + 1 < choices[*i]) else {
                    return tried;
                };
                digits[up] += 1;
                digits[..up].fill(0);
            } else if tried == IMAGES_MAX {
                return tried;
            } else if tried == 1 {
                digits = choices.iter().map(|base| base - 1).collect();
            } else {
                digits = choices.iter().map(|base| rng.usize(..base)).collect();
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl State {
    /// How many ways there are for each thing that is not durable: whether a change of a name or a
    /// sector has arrived, and which length a file has.
    fn choices(&self) -> Vec<usize> {
        let mut choices = vec![2; self.renamings.len()];
        for file in &self.files {
            choices
                .extend(file.pending.iter().filter(|c| matches!(c, Change::Sector(..))).map(|_| 2));
            choices.push(file.lens().len());
        }
        choices
    }

    fn image(&self, digits: &[usize]) -> Vec<(String, Vec<u8>)> {
        let mut digits = digits.iter();
        let mut take = || *digits.next().unwrap();
        let mut names = self.durable_names.clone();
        for naming in &self.renamings {
            if take() == 1 {
                apply(&mut names, naming);
            }
        }
        let mut contents = Vec::new();
        for file in &self.files {
            let mut content = file.durable.clone();
            for change in &file.pending {
                if let Change::Sector(at, bytes) = change
                    && take() == 1
                {
                    content.resize(content.len().max(at + bytes.len()), 0);
                    content[*at..at + bytes.len()].copy_from_slice(bytes);
                }
            }
            content.resize(file.lens()[take()], 0);
            contents.push(content);
        }
        names.into_iter().map(|(name, file)| (name, contents[file].clone())).collect()
    }
}

impl SimFile {
    /// The lengths that the file may have: the durable one first, the last one last.
    fn lens(&self) -> Vec<usize> {
        let mut lens = vec![self.durable.len()];
        let mut len = self.durable.len();
        for change in &self.pending {
            len = match change {
                Change::Sector(at, bytes) => len.max(at + bytes.len()),
                Change::Len(len) => *len,
            };
            if lens.last() != Some(&len) {
                lens.push(len);
            }
        }
        lens
    }
}

impl Directory for SimDirectory {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.names())
    }

    fn read(&self, name: &str) -> io::Result<Box<dyn Read + Send>> {
        let mut state = self.state();
        let file = state.file(name)?;
        Ok(Box::new(Cursor::new(state.files[file].content.clone())))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DirectoryFile>> {
        let mut state = self.state();
        state.step()?;
        if let Ok(file) = state.file(name) {
            drop(state);
            let mut file = OpenFile { directory: self.clone(), file };
            file.truncate(0)?;
            return Ok(Box::new(file));
        }
        let file = state.files.len();
        state.files.push(SimFile::default());
        state.name(Naming::Create(name.to_owned(), file));
        Ok(Box::new(OpenFile { directory: self.clone(), file }))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn DirectoryFile>> {
        let file = self.state().file(name)?;
        Ok(Box::new(OpenFile { directory: self.clone(), file }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        state.file(from)?;
        state.name(Naming::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        state.file(name)?;
        state.name(Naming::Remove(name.to_owned()));
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state();
        state.step()?;
        state.durable_names = state.names.clone();
        state.renamings.clear();
        Ok(())
    }
}

#[derive(Debug)]
struct OpenFile {
    directory: SimDirectory,
    file: usize,
}

impl DirectoryFile for OpenFile {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.directory.state();
        // The power may fail while it is written, which is a write that is not durable.
        let stepped = state.step();
        let file = &mut state.files[self.file];
        let mut at = usize::try_from(offset).unwrap();
        file.content.resize(file.content.len().max(at + bytes.len()), 0);
        file.content[at..at + bytes.len()].copy_from_slice(bytes);
        let mut rest = bytes;
        while !rest.is_empty() {
            let (sector, more) = rest.split_at(rest.len().min(SECTOR - at % SECTOR));
            file.pending.push(Change::Sector(at, sector.to_vec()));
            at += sector.len();
            rest = more;
        }
        stepped
    }

    fn extend(&mut self, len: u64) -> io::Result<()> {
        self.truncate(len)
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        let mut state = self.directory.state();
        state.step()?;
        let len = usize::try_from(len).unwrap();
        let file = &mut state.files[self.file];
        file.content.resize(len, 0);
        file.pending.push(Change::Len(len));
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.directory.state();
        state.step()?;
        let file = &mut state.files[self.file];
        file.durable = file.content.clone();
        file.pending.clear();
        Ok(())
    }
}
