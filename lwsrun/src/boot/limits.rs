//! The process's limit of open files (`global.rlimit-nofile`).

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit of open files: to what the config asks for, else as far as this process may, since the usual
/// 1024 is a relic of `select` and each connection needs one. Gives the limit that holds afterwards.
///
/// What cannot be had is said in the log; it is no reason not to start.
pub(crate) fn set_open_files(wanted: Option<u32>) -> u64 {
    let now = getrlimit(Resource::Nofile);
    let soft = match wanted {
        Some(wanted) => capped(u64::from(wanted), now.maximum),
        None => now.maximum.or(now.current).unwrap_or(u64::MAX),
    };
    let limit = Rlimit { current: Some(soft), maximum: now.maximum };
    match setrlimit(Resource::Nofile, limit) {
        Ok(()) => soft,
        Err(error) => {
            let kept = now.current.unwrap_or(u64::MAX);
            tracing::warn!("the limit of open files stays at {kept}: setting it to {soft} failed: {error}");
            kept
        }
    }
}

/// What is wanted, but not more than the hard limit.
fn capped(wanted: u64, hard: Option<u64>) -> u64 {
    match hard {
        Some(hard) if wanted > hard => {
            tracing::warn!(
                "`rlimit-nofile` is {wanted}, but the hard limit is {hard}: {hard} it is; raise the hard limit, \
                 such as with systemd's `LimitNOFILE=`"
            );
            hard
        }
        _ => wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hard_limit_caps_what_is_wanted() {
        assert_eq!(capped(500, Some(100)), 100);
        assert_eq!(capped(500, Some(1000)), 500);
        assert_eq!(capped(500, None), 500);
    }
}
