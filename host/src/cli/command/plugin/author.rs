//! `headgate plugin`, for authors: a project is made, built and looked into with this binary alone, without a host.

mod bench;
mod build;
mod check;
mod dev;
mod inspect;
mod new;

use clap::Subcommand;

pub(super) use check::size;

use crate::cli::failure::{Exit, Failure};
use crate::cli::session::Session;
use crate::kit::KitError;
use crate::kit::bench::MeasureError;

#[derive(Subcommand)]
pub(in crate::cli) enum Author {
    New(new::New),
    Build(build::Build),
    Check(check::Check),
    Inspect(inspect::Inspect),
    Dev(dev::Dev),
    Bench(bench::Bench),
}

impl Author {
    pub(in crate::cli) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        match self {
            Self::New(command) => command.run(session),
            Self::Build(command) => command.run(session),
            Self::Check(command) => command.run(session),
            Self::Inspect(command) => command.run(session),
            Self::Dev(command) => command.run(session),
            Self::Bench(command) => command.run(session),
        }
    }
}

impl From<KitError> for Failure {
    fn from(error: KitError) -> Self {
        match error {
            KitError::Name { .. } | KitError::NameTaken { .. } | KitError::NoProject(_) => {
                Self::Input(error.to_string())
            }
            KitError::Measure(MeasureError::Refused(_)) | KitError::NotEmpty(_) => {
                Self::Refused(error.to_string())
            }
            KitError::Measure(MeasureError::Call(_) | MeasureError::Host(_))
            | KitError::Tool { .. }
            | KitError::Build { .. }
            | KitError::Io { .. } => Self::Failed(error.to_string()),
        }
    }
}
