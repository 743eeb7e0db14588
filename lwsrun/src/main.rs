//! The program `lwsrun`: command line, log, exit codes.

mod cli;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;
use lwsrun::protocol::Registry;
use tracing_subscriber::EnvFilter;

use cli::Cli;

// Connections come and go on all workers: it frees memory of other threads cheaply, and is the same on musl.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The exit code for a plan that is not fit, or a server that failed.
const FAILED: u8 = 1;
/// The exit code for a wrong command line.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    // Whatever makes a TLS configuration finds this provider, never another one.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    match Cli::try_parse() {
        Ok(cli) => match cli.reserved_word() {
            Some(word) => usage(word),
            None if cli.check => check(&cli),
            None => run(&cli),
        },
        Err(error) => {
            let code = if error.use_stderr() { USAGE } else { 0 };
            let _ = error.print();
            code.into()
        }
    }
}

fn run(cli: &Cli) -> ExitCode {
    log_to_stderr();
    match lwsrun::run(&cli.plan, Registry::default()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            FAILED.into()
        }
    }
}

fn check(cli: &Cli) -> ExitCode {
    let report = match lwsrun::check(&cli.plan, &Registry::default()) {
        Ok(report) => report,
        Err(error) => {
            say(&format!("error: {error}"));
            return FAILED.into();
        }
    };
    report.errors.iter().for_each(|error| say(&format!("error: {error}")));
    report.warnings.iter().for_each(|warning| say(&format!("warning: {warning}")));
    let fit = report.errors.is_empty();
    say(&format!("{}: {}", report.summary, if fit { "fit to be served" } else { "not fit to be served" }));
    if fit { ExitCode::SUCCESS } else { FAILED.into() }
}

fn usage(word: &str) -> ExitCode {
    say(&format!(
        "error: `{word}` is kept for talking to a running server, which this version cannot do; a plan of that \
         name is written `./{word}`"
    ));
    USAGE.into()
}

/// One line on standard error; there is nobody to tell if that fails.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

fn log_to_stderr() {
    let filter = EnvFilter::builder().with_default_directive(tracing::Level::INFO.into());
    let (filter, error) = match filter.with_env_var("LWSRUN_LOG").try_from_env() {
        Ok(filter) => (filter, None),
        Err(error) if std::env::var_os("LWSRUN_LOG").is_some() => (EnvFilter::new("info"), Some(error)),
        Err(_) => (EnvFilter::new("info"), None),
    };
    let stderr = std::io::stderr;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .with_target(false);
    // The journal has times of its own.
    if std::env::var_os("JOURNAL_STREAM").is_some() {
        log.without_time().init();
    } else {
        log.init();
    }
    if let Some(error) = error {
        tracing::warn!("LWSRUN_LOG cannot be understood, logging as with `info`: {error}");
    }
}
