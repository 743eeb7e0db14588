//! The process's limit of open files (`global.rlimit-nofile`).

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

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
}
