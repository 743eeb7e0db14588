//! The command line: words and options, what goes to which stream, exit codes.

mod documents;
mod output;
mod waiting;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use schemas::plan::{self, Plan};
use schemas::source::Level;

use crate::diagnostic::Code;
use crate::progress::Progress;
use crate::{Options, Outcome, input};
use output::Output;
use waiting::Waiting;

/// The configuration is clean, or there are only warnings.
const CLEAN: u8 = 0;
/// The configuration has errors.
const ERRORS: u8 = 1;
/// The command could not be carried out at all.
const COULD_NOT_RUN: u8 = 2;

/// Where plans are written to and read from if nobody says otherwise.
const DEFAULT_PLAN: &str = "/var/lib/lwsws/plan";

/// The exit codes of the commands that check.
const CHECK_CODES: &str = "\
Exit codes:
  0  clean, or only warnings
  1  errors in the configuration, or warnings with `--deny warnings`
  2  could not run: no such folder, a plan that cannot be written, a wrong command line

Environment: LWS_DDIR stands in for `--ddir`. Colours are left out where NO_COLOR is set or nothing is a terminal.";
/// The exit codes of the commands that only tell something.
const TELL_CODES: &str = "\
Exit codes:
  0  done
  2  could not run";

#[derive(Debug, Parser)]
#[command(
    name = "lwsconf",
    version,
    about = "Checks lwsws configurations and compiles them to plans",
    max_term_width = 110,
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
    #[command(after_help = CHECK_CODES)]
    Check(Check),
    /// Check a configuration and write its plan
    #[command(after_help = CHECK_CODES)]
    Compile {
        #[command(flatten)]
        check: Check,
        /// The plan to write; it is replaced only by a good one
        #[arg(short, long, value_name = "PLAN", default_value = DEFAULT_PLAN)]
        output: PathBuf,
    },
    /// Print a plan as text
    #[command(after_help = TELL_CODES)]
    Show {
        /// The plan
        #[arg(default_value = DEFAULT_PLAN)]
        plan: PathBuf,
    },
    /// Print what a code such as L0201 means
    #[command(after_help = TELL_CODES)]
    Explain {
        /// The code, as findings show it in brackets
        code: String,
    },
    /// Print the JSON Schema of the configuration, for editors
    ///
    /// The schema holds all that it refers to. Editors that take JSON with comments can use it for `conf` and the files
    /// of `conf.d`.
    #[command(after_help = TELL_CODES)]
    Schema {
        /// The part of a configuration to describe
        #[arg(value_enum, default_value_t = Part::Conf)]
        level: Part,
    },
    /// Print the completions of a shell
    #[command(after_help = TELL_CODES)]
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page, for `man -l -`
    #[command(after_help = TELL_CODES)]
    Man {
        /// The command to tell about, rather than all of them
        command: Option<String>,
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
    /// Look at this machine too: files, certificates, users, interfaces, ports
    #[arg(long)]
    target: bool,
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
    /// One SARIF 2.1.0 document
    Sarif,
    /// Annotations of GitHub's workflows
    Github,
}

/// The levels of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// A whole file
    Conf,
    /// `global`
    Global,
    /// An entry of `vhosts`
    Vhost,
    /// An entry of `mounts`
    Mount,
    /// The options of a protocol in `ws-protocols`
    WsProtocol,
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
        Command::Schema { level } => print(documents::schema(level.into()).as_bytes()),
        Command::Completions { shell } => print(&documents::completions(shell, Cli::command())),
        Command::Man { command } => man(command.as_deref()),
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
    let options = args.options()?;
    let waiting = Waiting::on_terminal(options.progress.clone());
    let outcome = crate::check(&options).map_err(|error| error.to_string())?;
    drop(waiting);
    report(args, &outcome)
}

fn run_compile(args: &Check, plan: &Path) -> Result<u8, String> {
    let options = args.options()?;
    let waiting = Waiting::on_terminal(options.progress.clone());
    let outcome = crate::compile(&options, plan).map_err(|error| error.to_string())?;
    drop(waiting);
    report(args, &outcome)
}

/// Shows the findings, and says by the exit code whether there are errors.
fn report(args: &Check, outcome: &Outcome) -> Result<u8, String> {
    let count = Output::of(args.output).show(outcome, &args.dir).map_err(|error| error.to_string())?;
    let denied = args.deny == Some(Deny::Warnings) && count.warnings > 0;
    Ok(if count.errors > 0 || denied { ERRORS } else { CLEAN })
}

fn show(path: &Path) -> Result<u8, String> {
    let shown = path.display();
    let bytes = input::read_file(path, u64::MAX)
        .map_err(|error| format!("cannot read the plan `{shown}`: {error}"))?;
    let plan = Plan::from_bytes(bytes).map_err(|error| format!("`{shown}` is no good plan: {error}"))?;
    print(plan::dump(&plan).as_bytes())
}

fn explain(code: &str) -> Result<u8, String> {
    match Code::find(code) {
        Some(code) => print(code.page().as_bytes()),
        None => Err(format!("there is no code `{code}`: codes look like `L0201`")),
    }
}

fn man(command: Option<&str>) -> Result<u8, String> {
    let page = documents::man(command, Cli::command());
    let page = page.ok_or_else(|| format!("there is no command `{}`", command.unwrap_or_default()))?;
    print(&page)
}

fn print(text: &[u8]) -> Result<u8, String> {
    output::print(text).map(|()| CLEAN).map_err(|error| format!("cannot write to standard output: {error}"))
}

impl Check {
    fn options(&self) -> Result<Options, String> {
        let default = Options::default();
        let ddir = match (&self.ddir, std::env::var_os("LWS_DDIR")) {
            (Some(ddir), _) => ddir.clone(),
            (None, Some(ddir)) if !ddir.is_empty() => {
                ddir.into_string().map_err(|_| "the environment's `LWS_DDIR` is not UTF-8".to_owned())?
            }
            _ => default.ddir,
        };
        Ok(Options {
            dir: self.dir.clone(),
            ddir,
            compat: self.compat,
            deny_warnings: self.deny == Some(Deny::Warnings),
            target: self.target,
            progress: Progress::default(),
        })
    }
}

impl From<Part> for Level {
    fn from(part: Part) -> Self {
        match part {
            Part::Conf => Level::Conf,
            Part::Global => Level::Global,
            Part::Vhost => Level::Vhost,
            Part::Mount => Level::Mount,
            Part::WsProtocol => Level::WsProtocol,
        }
    }
}
