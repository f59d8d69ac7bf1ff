//! `-o table|json|yaml`.

use clap::ValueEnum;
use serde::Serialize;

use super::failure::Failure;
use super::terminal::Terminal;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    #[default]
    Table,
    Json,
    Yaml,
}

/// The format of a result, as most commands take it.
#[derive(clap::Args, Clone, Copy, Debug, Default)]
pub(crate) struct Output {
    /// How the result is printed
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    pub(crate) output: Format,
}

impl Output {
    /// Prints the value as it is, unless a table is wanted.
    pub(crate) fn printed(self, value: &impl Serialize, terminal: &mut Terminal) -> Result<bool, Failure> {
        match self.output {
            Format::Table => return Ok(false),
            Format::Json => json(value, terminal)?,
            Format::Yaml => terminal.text(&yaml(value)?)?,
        }
        Ok(true)
    }
}

pub(crate) fn json(value: &impl Serialize, terminal: &mut Terminal) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::Failed(error.to_string()))?;
    Ok(terminal.line(text)?)
}

/// Text that reads back as the same value: what looks like a number is quoted where it is text.
pub(crate) fn yaml(value: &impl Serialize) -> Result<String, Failure> {
    let options = serde_saphyr::ser_options! { prefer_block_scalars: false };
    let mut text = String::new();
    serde_saphyr::to_fmt_writer_with_options(&mut text, value, options)
        .map_err(|error| Failure::Failed(format!("cannot write as YAML: {error}")))?;
    Ok(text)
}
