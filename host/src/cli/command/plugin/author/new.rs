//! `headgate plugin new`: a project that builds, tests and does something.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::cli::failure::{Exit, Failure};
use crate::cli::session::Session;
use crate::kit::language::Language;
use crate::kit::project;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Lang {
    Rust,
    Js,
    Python,
}

impl From<Lang> for Language {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::Rust => Self::Rust,
            Lang::Js => Self::Js,
            Lang::Python => Self::Python,
        }
    }
}

/// Make the project of a new plugin: a kind over a JSON HTTP API, with tests, the SDK and the contract
#[derive(Args)]
#[command(after_help = "\
Examples:
  headgate plugin new wine-cellar --lang rust
  headgate plugin new wine-cellar --lang js --dir ~/work/cellar

The name is the kind: the word that users write (`headgate cluster add lab --kind wine-cellar`). The project has all
that it needs beside it, `sdk/` and `wit/`, and a README that says what is where.")]
pub(in crate::cli) struct New {
    /// The kind: a-z, 0-9 and `-`, beginning with a letter
    name: String,
    /// Language of the plugin
    #[arg(long, value_name = "LANG")]
    lang: Lang,
    /// Folder of the project; not there yet, or empty [default: NAME]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl New {
    pub(super) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let language = Language::from(self.lang);
        let files = project::plan(&self.name, language)?;
        let folder = self.dir.as_deref().unwrap_or(Path::new(&self.name));
        project::write(folder, &files)?;
        let shown = folder.display();
        session.terminal.line(format_args!(
            "Made {shown}: the kind `{}` in {language}, {} files. README.md says what is where. Next:\n",
            self.name,
            files.len()
        ))?;
        let place = if folder == Path::new(".") { String::new() } else { format!("cd {shown} && ") };
        for (command, what) in [
            (format!("{place}{}", language.test_command()), "it works before you change anything"),
            ("headgate plugin build".to_owned(), "the component, checked as a host would"),
            ("headgate plugin dev".to_owned(), "a host of its own, that follows your changes"),
        ] {
            session.terminal.line(format_args!("  {command:<44}  # {what}"))?;
        }
        Ok(Exit::Done)
    }
}
