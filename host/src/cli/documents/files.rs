//! Where documents come from: a file, a folder of them in the order of their names, or standard input.

use std::io;
use std::path::{Path, PathBuf};

use crate::cli::failure::Failure;
use crate::cli::terminal::Terminal;

/// A file of 10,000 topics with twenty settings each is about 10 MB.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Levels of folders that are looked into: a loop of links ends here.
const FOLDER_DEPTH_MAX: u32 = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Yaml,
    Json,
}

/// The text of one file, with the name that errors show.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) format: Format,
    pub(super) text: String,
}

pub(super) fn read(arguments: &[PathBuf], terminal: &mut Terminal) -> Result<Vec<Source>, Failure> {
    let mut sources = Vec::new();
    for argument in arguments {
        if argument.as_os_str() == "-" {
            sources.push(read_stdin(terminal)?);
            continue;
        }
        let about = |source| Failure::File { path: argument.clone(), source };
        if std::fs::metadata(argument).map_err(about)?.is_dir() {
            let before = sources.len();
            read_folder(argument, 0, &mut sources)?;
            if sources.len() == before {
                let message = format!("no .yaml, .yml or .json file in {}", argument.display());
                return Err(Failure::Input(message));
            }
        } else {
            sources.push(read_file(argument)?);
        }
    }
    Ok(sources)
}

fn read_stdin(terminal: &mut Terminal) -> Result<Source, Failure> {
    let about = |source| Failure::File { path: PathBuf::from("standard input"), source };
    let bytes = terminal.read_stdin().map_err(about)?;
    let text = utf8("standard input", bytes)?;
    let format = if text.trim_start().starts_with(['{', '[']) { Format::Json } else { Format::Yaml };
    Ok(Source { name: "stdin".to_owned(), format, text })
}

fn read_folder(folder: &Path, depth: u32, sources: &mut Vec<Source>) -> Result<(), Failure> {
    if depth > FOLDER_DEPTH_MAX {
        let message = format!("{} is {depth} folders deep; is it a loop of links?", folder.display());
        return Err(Failure::Input(message));
    }
    let about = |source| Failure::File { path: folder.to_owned(), source };
    let entries = std::fs::read_dir(folder).map_err(about)?;
    let mut paths = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()
        .map_err(about)?;
    paths.sort();
    for path in paths {
        if path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.')) {
            continue;
        }
        if path.is_dir() {
            read_folder(&path, depth + 1, sources)?;
        } else if format_of(&path).is_some() {
            sources.push(read_file(&path)?);
        }
    }
    Ok(())
}

fn read_file(path: &Path) -> Result<Source, Failure> {
    let about = |source| Failure::File { path: path.to_owned(), source };
    let size = std::fs::metadata(path).map_err(about)?.len();
    if size > FILE_BYTES_MAX {
        let message =
            format!("{} has {size} bytes; {FILE_BYTES_MAX} are taken at most: split it", path.display());
        return Err(Failure::Input(message));
    }
    let name = path.display().to_string();
    let text = utf8(&name, std::fs::read(path).map_err(about)?)?;
    Ok(Source { name, format: format_of(path).unwrap_or(Format::Yaml), text })
}

fn utf8(name: &str, bytes: Vec<u8>) -> Result<String, Failure> {
    let text = String::from_utf8(bytes).map_err(|error| {
        Failure::Input(format!("{name} is no UTF-8 text: byte {} is wrong", error.utf8_error().valid_up_to()))
    })?;
    // Editors of some systems begin a file with it.
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

fn format_of(path: &Path) -> Option<Format> {
    match path.extension()?.to_str()? {
        "yaml" | "yml" => Some(Format::Yaml),
        "json" | "jsonl" | "ndjson" => Some(Format::Json),
        _ => None,
    }
}
