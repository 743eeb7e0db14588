//! The process's limit of open files (`global.rlimit-nofile`), and how it is shared out: three quarters are for connections,
//! an eighth is for CGI programs, and the rest is for the files that are sent.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use schemas::plan::Plan;

/// Open files that are kept for the server itself: plan, logs, runtimes, sockets.
pub(super) const RESERVED_FILES: u64 = 64;

/// Open files of a CGI program: its input, its output, its errors, and the descriptor that tells of its end.
const FILES_OF_PROGRAM: u64 = 4;

/// Raises the limit of open files: to what the config asks for, else as far as this process may, since the usual
/// 1024 is a relic of `select` and each connection needs one. Gives the limit that holds afterwards.
///
/// What cannot be had is said in the log; it is no reason not to start.
pub(crate) fn set_open_files(wanted: Option<u32>) -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let soft = wanted.map(u64::from).or(maximum).or(current).unwrap_or(u64::MAX);
    // Beyond the hard limit only root may go.
    let hard = maximum.map(|hard| hard.max(soft));
    if set(soft, hard) {
        return soft;
    }
    let possible = maximum.map_or(soft, |hard| hard.min(soft));
    let limit = if set(possible, maximum) { possible } else { current.unwrap_or(u64::MAX) };
    tracing::warn!(
        "`rlimit-nofile` is {soft}, but this process may not have more than {limit} open files: {limit} it is; \
         raise the hard limit, such as with systemd's `LimitNOFILE=`"
    );
    limit
}

/// How many CGI programs a limit of open files has room for; one at least.
pub(crate) fn room_for_programs(open_files: u64) -> u32 {
    let room = open_files.saturating_sub(RESERVED_FILES) / 8 / FILES_OF_PROGRAM;
    u32::try_from(room.max(1)).unwrap_or(u32::MAX)
}

/// Words about a `limit-cgi-programs` that allows more programs than there is room for.
pub(crate) fn too_many_programs(plan: &Plan, open_files: u64) -> Option<String> {
    const KEY: &str = "limit-cgi-programs";
    let (global, room) = (plan.global(), room_for_programs(open_files));
    let limit = global.limit_cgi_programs.filter(|&limit| limit > room)?;
    let place = global.places.iter().find(|at| at.key == KEY);
    let place = place.map_or_else(|| "global".to_owned(), |at| plan.describe(at.place));
    Some(format!(
        "{place}: `{KEY}` is {limit}, but {open_files} open files have room for {room} programs: with more of them other \
         requests may be answered 503; lower it, or raise `rlimit-nofile` or the hard limit"
    ))
}

fn set(current: u64, maximum: Option<u64>) -> bool {
    setrlimit(Resource::Nofile, Rlimit { current: Some(current), maximum }).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_had_ends_at_the_hard_limit() {
        let hard = getrlimit(Resource::Nofile).maximum.unwrap();
        // More than any kernel gives, even to root.
        assert_eq!(set_open_files(Some(u32::MAX)), hard);
        assert_eq!(getrlimit(Resource::Nofile).current, Some(hard));
        assert_eq!(set_open_files(None), hard);
    }
    #[test]
    fn programs_leave_files_for_the_rest() {
        assert_eq!(room_for_programs(1024), 30);
        assert_eq!(room_for_programs(10), 1);
        assert_eq!(room_for_programs(u64::MAX), u32::MAX);
    }
}
