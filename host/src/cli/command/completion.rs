//! `headgate completion`

use clap::Args;
use clap_complete::Shell;

use crate::cli::command_tree;
use crate::cli::failure::{Exit, Failure};
use crate::cli::session::Session;

/// Print the completions of a shell
#[derive(Args)]
#[command(after_help = "\
Examples:
  headgate completion bash > ~/.local/share/bash-completion/completions/headgate
  headgate completion zsh > \"${fpath[1]}/_headgate\"
  headgate completion fish > ~/.config/fish/completions/headgate.fish")]
pub(in crate::cli) struct Completion {
    shell: Shell,
}

impl Completion {
    pub(in crate::cli) fn run(&self, session: &mut Session<'_>) -> Result<Exit, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command_tree(), "headgate", &mut script);
        session.terminal.text(&String::from_utf8_lossy(&script))?;
        Ok(Exit::Done)
    }
}
