//! Where backups and exports land: in a file without a name, which gets one when it was read back. Whatever happens in
//! between, there is a whole file or none.

use crate::exit::Failure;
use anyhow::{Context, anyhow, bail};
use daemon_store::StoreError;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, linkat, open};
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufReader, Read, Seek, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const BUFFER_BYTES: usize = 1024 * 1024;

/// Where a file is to lie.
pub(crate) struct Place {
    pub(crate) folder: PathBuf,
    /// None where only the folder was named.
    name: Option<PathBuf>,
}

/// A file that has no name yet.
pub(crate) struct Draft {
    /// Where it will be given one.
    folder: PathBuf,
    file: File,
    /// Of a file system on which every file has a name.
    named: Option<tempfile::TempPath>,
}

/// What came of a stream.
pub(crate) enum Received {
    /// All of it.
    Whole,
    /// It ended before its end.
    BrokenOff(io::Error),
}

impl Place {
    /// A file that is not there yet, or a folder that is.
    pub(crate) fn of(to: &Path) -> Result<Self, Failure> {
        if to.is_dir() {
            return Ok(Self { folder: to.to_owned(), name: None });
        }
        let refuse = |why: String| Failure::usage(anyhow!("{}: {why}", to.display()));
        if to.exists() {
            return Err(refuse("there is such a file already, and it is not written over".to_owned()));
        }
        let name = to.file_name().ok_or_else(|| refuse("name a file, or a folder that is there".to_owned()))?;
        let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            return Err(refuse(format!("there is no folder {}", folder.display())));
        }
        Ok(Self { folder: folder.to_owned(), name: Some(name.into()) })
    }

    /// A file in the folder that nobody sees.
    pub(crate) fn draft(&self) -> anyhow::Result<Draft> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        if let Ok(file) = open(&self.folder, flags, Mode::RUSR | Mode::WUSR) {
            return Ok(Draft { folder: self.folder.clone(), file: file.into(), named: None });
        }
        let made = tempfile::Builder::new().prefix(".").suffix(".part").tempfile_in(&self.folder);
        let unwritable = |error: io::Error| {
            let why = io::Error::from(error.kind());
            anyhow!("nothing can be written to {}: {why}; name another place", self.folder.display())
        };
        let (file, named) = made.map_err(unwritable)?.into_parts();
        Ok(Draft { folder: self.folder.clone(), file, named: Some(named) })
    }

    /// Whether only the folder was named.
    pub(crate) fn is_folder(&self) -> bool {
        self.name.is_none()
    }

    /// Gives the file its name, which must still be free: the one that was given, or else the usual one.
    pub(crate) fn keep(&self, draft: Draft, usual: impl FnOnce() -> String) -> anyhow::Result<PathBuf> {
        let path = self.folder.join(self.name.clone().unwrap_or_else(|| usual().into()));
        let failed = || format!("keep the file as {}", path.display());
        if let Some(named) = draft.named {
            named.persist_noclobber(&path).with_context(failed)?;
        } else {
            let nameless = format!("/proc/self/fd/{}", draft.file.as_raw_fd());
            linkat(CWD, nameless.as_str(), CWD, &path, AtFlags::SYMLINK_FOLLOW).with_context(failed)?;
        }
        File::open(&self.folder).and_then(|folder| folder.sync_all()).with_context(failed)?;
        Ok(path)
    }
}

impl Draft {
    /// Takes all that there is to read, to the disk. That it cannot be written here is told apart from that it does not
    /// come.
    pub(crate) fn take(&mut self, mut from: impl Read) -> anyhow::Result<Received> {
        let mut buffer = vec![0; BUFFER_BYTES];
        loop {
            let read = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Ok(Received::BrokenOff(error)),
            };
            self.file.write_all(&buffer[..read]).map_err(|error| self.unwritten(error))?;
        }
        self.file.sync_all().map_err(|error| self.unwritten(error))?;
        Ok(Received::Whole)
    }

    fn unwritten(&self, error: io::Error) -> anyhow::Error {
        let folder = self.folder.display();
        anyhow!(error).context(format!(
            "nothing was kept: it cannot be written to {folder}; make room there, or name another place"
        ))
    }

    /// What is wrong with a stream that broke off. Whoever wrote it says so at its end as far as it can, and that is more
    /// than the connection knows.
    pub(crate) fn why_broken(
        &mut self,
        received: Received,
        check: impl FnOnce(&mut BufReader<&mut File>) -> Result<(), StoreError>,
    ) -> anyhow::Result<()> {
        let Received::BrokenOff(broken) = received else { return Ok(()) };
        match check(&mut self.read_again()?) {
            Err(StoreError::BrokenOff { why }) => Err(anyhow!("nothing was kept: {why}")),
            _ => Err(anyhow!(broken).context(
                "nothing was kept: it broke off before its end; if it was the daemon that ended it, its log says why",
            )),
        }
    }

    /// Takes what a command writes, which must end well.
    pub(crate) fn take_output(&mut self, line: &[OsString], args: &[&OsStr]) -> anyhow::Result<()> {
        let (program, first) = line.split_first().context("there is no command for it")?;
        let mut command = Command::new(program);
        command.args(first).args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child: Child = command.spawn().context("start the reader of the store")?;
        let received = self.take(child.stdout.take().context("the reader of the store has no output")?)?;
        let ended = child.wait_with_output().context("wait for the reader of the store")?;
        if let (true, Received::Whole) = (ended.status.success(), received) {
            return Ok(());
        }
        let why = String::from_utf8_lossy(&ended.stderr).trim().trim_start_matches("error: ").to_owned();
        bail!("{}", if why.is_empty() { format!("the reader of the store ended with {}", ended.status) } else { why })
    }

    /// What was taken, from its beginning.
    pub(crate) fn read_again(&mut self) -> anyhow::Result<BufReader<&mut File>> {
        self.file.rewind().context("read it again")?;
        Ok(BufReader::with_capacity(BUFFER_BYTES, &mut self.file))
    }
}
