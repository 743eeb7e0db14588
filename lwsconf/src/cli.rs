//! The command line: words and options, what goes to which stream, exit codes.

mod output;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use schemas::plan::{self, Plan};

use crate::diagnostic::Code;
use crate::{Options, Outcome, input};
use output::Output;

/// The configuration is clean, or there are only warnings.
const CLEAN: u8 = 0;
/// The configuration has errors.
const ERRORS: u8 = 1;
/// The command could not be carried out at all.
const COULD_NOT_RUN: u8 = 2;

/// What `_lws_ddir_` stands for if neither `--ddir` nor the environment says so.
const DEFAULT_DDIR: &str = "/usr/share";
/// Where plans are written to and read from if nobody says otherwise.
const DEFAULT_PLAN: &str = "/var/lib/lwsws/plan";

#[derive(Debug, Parser)]
#[command(
    name = "lwsconf",
    version,
    about = "Checks lwsws configurations and compiles them to plans",
    after_help = "Exit codes:\n  0  clean, or only warnings\n  1  errors in the configuration\n  2  could not run\n\n\
                  `lwsconf explain CODE` tells what a finding such as L0201 means."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check a configuration and write nothing
    Check(Check),
    /// Check a configuration and write its plan
    Compile {
        #[command(flatten)]
        check: Check,
        /// The plan to write; it is replaced only by a good one
        #[arg(short, long, value_name = "PLAN", default_value = DEFAULT_PLAN)]
        output: PathBuf,
    },
    /// Print a plan as text
    Show {
        /// The plan
        #[arg(default_value = DEFAULT_PLAN)]
        plan: PathBuf,
    },
    /// Print what a code such as L0201 means
    Explain {
        /// The code, as findings show it in brackets
        code: String,
    },
}

#[derive(Debug, Args)]
struct Check {
    /// The directory with `conf` and `conf.d`
    #[arg(default_value = "/etc/lwsws")]
    dir: PathBuf,
    /// What `_lws_ddir_` stands for [default: the environment's LWS_DDIR, else /usr/share]
    #[arg(long, value_name = "DIR")]
    ddir: Option<String>,
    /// Only warn of what lwsws tolerates, and read it as lwsws does
    #[arg(long)]
    compat: bool,
    /// Treat warnings like errors: exit with 1, and write no plan
    #[arg(long, value_enum, value_name = "WHAT")]
    deny: Option<Deny>,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Deny {
    /// Warnings count like errors
    Warnings,
}

/// How findings are shown.
#[derive(Debug, Clone, Copy, Args)]
struct OutputArgs {
    /// How findings are shown: `full` goes to standard error, the others to standard output
    #[arg(long, value_enum, default_value_t = Format::Full)]
    format: Format,
    /// Whether findings are coloured
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    color: Color,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// The lines themselves with the places marked
    Full,
    /// One line each: file:line:column: error[CODE]: what
    Short,
    /// One JSON object a line
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Color {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Reads the command line, does what it says, and returns the exit code.
#[must_use]
pub fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Check(check) => run_check(&check),
        Command::Compile { check, output } => run_compile(&check, &output),
        Command::Show { plan } => show(&plan),
        Command::Explain { code } => explain(&code),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(reason) => {
            output::complain(&reason);
            ExitCode::from(COULD_NOT_RUN)
        }
    }
}

fn run_check(args: &Check) -> Result<u8, String> {
    let outcome = crate::check(&args.options()?).map_err(|error| error.to_string())?;
    report(args, &outcome)
}

fn run_compile(args: &Check, plan: &Path) -> Result<u8, String> {
    let outcome = crate::compile(&args.options()?, plan).map_err(|error| error.to_string())?;
    report(args, &outcome)
}

/// Shows the findings, and says by the exit code whether there are errors.
fn report(args: &Check, outcome: &Outcome) -> Result<u8, String> {
    let count = Output::of(args.output).show(outcome).map_err(|error| error.to_string())?;
    let denied = args.deny == Some(Deny::Warnings) && count.warnings > 0;
    Ok(if count.errors > 0 || denied { ERRORS } else { CLEAN })
}

fn show(path: &Path) -> Result<u8, String> {
    let shown = path.display();
    let bytes = input::read_file(path, u64::MAX)
        .map_err(|error| format!("cannot read the plan `{shown}`: {error}"))?;
    let plan = Plan::from_bytes(bytes).map_err(|error| format!("`{shown}` is no good plan: {error}"))?;
    output::print(&plan::dump(&plan)).map(|()| CLEAN).map_err(|error| error.to_string())
}

fn explain(code: &str) -> Result<u8, String> {
    match Code::find(code) {
        Some(code) => output::print(code.page()).map(|()| CLEAN).map_err(|error| error.to_string()),
        None => Err(format!("there is no code `{code}`: codes look like `L0201`")),
    }
}

impl Check {
    fn options(&self) -> Result<Options, String> {
        let ddir = match (&self.ddir, std::env::var_os("LWS_DDIR")) {
            (Some(ddir), _) => ddir.clone(),
            (None, Some(ddir)) if !ddir.is_empty() => {
                ddir.into_string().map_err(|_| "the environment's `LWS_DDIR` is not UTF-8".to_owned())?
            }
            _ => DEFAULT_DDIR.to_owned(),
        };
        Ok(Options {
            dir: self.dir.clone(),
            ddir,
            compat: self.compat,
            deny_warnings: self.deny == Some(Deny::Warnings),
        })
    }
}
