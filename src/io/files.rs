//! Owns files: reading them compressed or not, and writing them so that a half-written one never bears its name.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use tempfile::NamedTempFile;

/// Bytes read or written at a time.
const BUFFER_BYTES: usize = 1 << 20;
/// zstd's own default level.
const ZSTD_LEVEL: i32 = 3;

/// A file that cannot be read or written: which, why, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is not there, or the system refuses.
    #[error("cannot {action} {}: {source}", path.display())]
    System {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// A folder stands where a file is wanted.
    #[error("cannot read {}: it is a folder; name the files in it", .0.display())]
    Folder(PathBuf),
}

impl FileError {
    /// An error of the system on `path`.
    #[must_use]
    pub fn system(action: &'static str, path: &Path, source: io::Error) -> FileError {
        FileError::System { action, path: path.to_owned(), source }
    }
}

/// Opens a file for reading: `-` is standard input, `.gz` and `.zst` are read uncompressed.
///
/// # Errors
/// When it is not there, is a folder, or may not be read. A truncated compressed file shows when it is read.
pub fn open(path: &Path) -> Result<Box<dyn Read + Send>, FileError> {
    open_counted(path, &Arc::default())
}

/// As [`open`], and counts in `count` the bytes that were read of the file itself, compressed or not.
///
/// # Errors
/// As [`open`].
pub fn open_counted(path: &Path, count: &Arc<AtomicU64>) -> Result<Box<dyn Read + Send>, FileError> {
    let count = Arc::clone(count);
    if path == Path::new("-") {
        return Ok(Box::new(Counted { reader: io::stdin(), count }));
    }
    let system = |source| FileError::system("read", path, source);
    let file = File::open(path).map_err(system)?;
    if file.metadata().map_err(system)?.is_dir() {
        return Err(FileError::Folder(path.to_owned()));
    }
    let file = Counted { reader: file, count };
    Ok(match extension(path) {
        Some("gz") => Box::new(MultiGzDecoder::new(BufReader::with_capacity(BUFFER_BYTES, file))),
        Some("zst") => Box::new(zstd::Decoder::new(file).map_err(system)?),
        _ => Box::new(file),
    })
}

struct Counted<R> {
    reader: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.count.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// A file being written. It bears a temporary name beside its own until [`Output::finish`]; dropped before, it is removed.
pub struct Output {
    writer: Box<dyn Encode>,
    path: PathBuf,
}

impl Output {
    /// Begins a file: `-` is standard output, `.gz` and `.zst` are written compressed.
    ///
    /// # Errors
    /// When no file can be made in its folder, or a folder stands in its place.
    pub fn create(path: &Path) -> Result<Output, FileError> {
        if path == Path::new("-") {
            let writer =
                Box::new(Plain { writer: BufWriter::with_capacity(BUFFER_BYTES, Target::Standard(io::stdout())) });
            return Ok(Output { writer, path: path.to_owned() });
        }
        if path.is_dir() {
            return Err(FileError::Folder(path.to_owned()));
        }
        let system = |source| FileError::system("write", path, source);
        if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
            // A device or a pipe (/dev/null, a shell's >(...)) is written as it stands: a rename would put a file in its place.
            let file = File::options().write(true).open(path).map_err(system)?;
            let writer = Box::new(Plain { writer: BufWriter::with_capacity(BUFFER_BYTES, Target::Special(file)) });
            return Ok(Output { writer, path: path.to_owned() });
        }
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = NamedTempFile::new_in(folder).map_err(system)?;
        let target = BufWriter::with_capacity(BUFFER_BYTES, Target::File(file));
        let writer: Box<dyn Encode> = match extension(path) {
            Some("gz") => Box::new(Gzip { writer: GzEncoder::new(target, flate2::Compression::default()) }),
            Some("zst") => Box::new(Zstd { writer: zstd::Encoder::new(target, ZSTD_LEVEL).map_err(system)? }),
            _ => Box::new(Plain { writer: target }),
        };
        Ok(Output { writer, path: path.to_owned() })
    }

    /// Writes out what is left and gives the file its name.
    ///
    /// # Errors
    /// When the disk is full, or the system refuses.
    pub fn finish(self) -> Result<(), FileError> {
        let system = |source| FileError::system("write", &self.path, source);
        match self.writer.end().map_err(system)? {
            Target::Standard(_) | Target::Special(_) => Ok(()),
            Target::File(file) => {
                set_usual_permissions(file.as_file()).map_err(system)?;
                file.persist(&self.path).map_err(|error| system(error.error))?;
                Ok(())
            }
        }
    }

    /// Its path, as it was named.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// A temporary file is for its owner alone; a finished one is as readable as any other.
#[cfg(unix)]
fn set_usual_permissions(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn set_usual_permissions(_file: &File) -> io::Result<()> {
    Ok(())
}

/// Where bytes end up.
enum Target {
    Standard(io::Stdout),
    Special(File),
    File(NamedTempFile),
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Target::Standard(out) => out.write(bytes),
            Target::Special(out) => out.write(bytes),
            Target::File(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Target::Standard(out) => out.flush(),
            Target::Special(out) => out.flush(),
            Target::File(file) => file.flush(),
        }
    }
}

/// A writer that has something to write at its end.
trait Encode: Write + Send {
    fn end(self: Box<Self>) -> io::Result<Target>;
}

struct Plain {
    writer: BufWriter<Target>,
}

struct Gzip {
    writer: GzEncoder<BufWriter<Target>>,
}

struct Zstd {
    writer: zstd::Encoder<'static, BufWriter<Target>>,
}

impl Encode for Plain {
    fn end(mut self: Box<Self>) -> io::Result<Target> {
        self.writer.flush()?;
        self.writer.into_inner().map_err(io::IntoInnerError::into_error)
    }
}

impl Encode for Gzip {
    fn end(self: Box<Self>) -> io::Result<Target> {
        Box::new(Plain { writer: self.writer.finish()? }).end()
    }
}

impl Encode for Zstd {
    fn end(self: Box<Self>) -> io::Result<Target> {
        Box::new(Plain { writer: self.writer.finish()? }).end()
    }
}

macro_rules! write_through {
    ($($name:ident)*) => {$(
        impl Write for $name {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.writer.write(bytes)
            }

            fn flush(&mut self) -> io::Result<()> {
                self.writer.flush()
            }
        }
    )*};
}

write_through! { Plain Gzip Zstd }

fn extension(path: &Path) -> Option<&str> {
    path.extension().and_then(|extension| extension.to_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_whatever_the_compression() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["plain.jsonl", "small.jsonl.gz", "small.jsonl.zst"] {
            let path = folder.path().join(name);
            let mut output = Output::create(&path).expect("created");
            output.write_all(b"one\ntwo\n").expect("written");
            assert!(!path.exists(), "{name} bears its name before it is whole");
            output.finish().expect("finished");
            let mut text = String::new();
            open(&path).expect("opened").read_to_string(&mut text).expect("read");
            assert_eq!(text, "one\ntwo\n", "{name}");
        }
    }

    #[test]
    fn an_unfinished_file_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut output = Output::create(&folder.path().join("a")).expect("created");
        output.write_all(b"half").expect("written");
        drop(output);
        assert_eq!(std::fs::read_dir(folder.path()).expect("listed").count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_is_written_as_it_stands() {
        use std::os::unix::fs::FileTypeExt;

        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo runs");
        assert!(made.success());
        let reader = {
            let path = path.clone();
            std::thread::spawn(move || std::fs::read_to_string(path).expect("read"))
        };
        let mut output = Output::create(&path).expect("created");
        output.write_all(b"one\n").expect("written");
        output.finish().expect("finished");
        assert_eq!(reader.join().expect("joined"), "one\n");
        assert!(std::fs::metadata(&path).expect("there").file_type().is_fifo());
    }

    #[test]
    fn errors_name_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let missing = folder.path().join("missing");
        let error = open(&missing).err().expect("an error").to_string();
        assert!(error.starts_with(&format!("cannot read {}: ", missing.display())), "{error}");
        assert!(matches!(open(folder.path()), Err(FileError::Folder(_))));
        assert!(Output::create(&missing.join("below")).is_err());
    }
}
