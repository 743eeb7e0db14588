//! The command line.

use std::path::{Path, PathBuf};

use clap::Parser;

/// The plan that is served if none is named. `lwsconf compile` writes it there.
const DEFAULT_PLAN: &str = "/var/lib/lwsws/plan";

const AFTER_HELP: &str = "\
Exit codes: 0 stopped by a signal, or the plan is fit; 1 the plan is not fit, or serving it failed; 2 the command \
line is wrong.
Signals: SIGTERM or SIGINT ends it when connections have finished or `timeout-secs` is over; a second one at once.
Environment: LWSRUN_LOG sets what is logged: error, warn, info (default), debug, trace, also for a part only, as in \
`info,lwsrun::connection=debug`.";

/// Serves a plan that `lwsconf compile` made, in the foreground, and logs to standard error.
#[derive(Debug, Parser)]
#[command(name = "lwsrun", version, after_help = AFTER_HELP, max_term_width = 110)]
pub(crate) struct Cli {
    /// Only say whether the plan can be served: read it and its keys, look for its folders, bind nothing
    #[arg(long)]
    pub(crate) check: bool,

    /// The plan file
    #[arg(default_value = DEFAULT_PLAN)]
    pub(crate) plan: PathBuf,
}

impl Cli {
    /// The word of the command line that stands where a plan is expected, if there is one: such words are kept for
    /// talking to a server that runs, and a plan of that name is written `./reload`.
    pub(crate) fn reserved_word(&self) -> Option<&'static str> {
        ["reload", "status", "stop"].into_iter().find(|word| self.plan == Path::new(word))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
        let cli = Cli::parse_from(["lwsrun"]);
        assert_eq!((cli.plan.as_path(), cli.check), (Path::new(DEFAULT_PLAN), false));
        assert_eq!(Cli::parse_from(["lwsrun", "reload"]).reserved_word(), Some("reload"));
        assert_eq!(Cli::parse_from(["lwsrun", "./reload"]).reserved_word(), None);
    }
}
