//! What a program writes to standard error, in the log of its mount.

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::response::complaints::Complaints;

/// The longest line, in bytes; the rest of it is left out.
const LONGEST: usize = 1024;

/// Tells what comes, line by line, to its end.
pub(super) async fn follow(mut stderr: impl AsyncRead + Unpin, complaints: &Complaints) {
    let mut line = Vec::new();
    let mut piece = [0; 1024];
    while let Ok(count) = stderr.read(&mut piece).await {
        if count == 0 {
            break;
        }
        for part in piece[..count].split_inclusive(|&byte| byte == b'\n') {
            let room = LONGEST - line.len();
            line.extend_from_slice(&part[..part.len().min(room)]);
            if part.ends_with(b"\n") {
                tell(&line, complaints);
                line.clear();
            }
        }
    }
    if !line.is_empty() {
        tell(&line, complaints);
    }
}

fn tell(line: &[u8], complaints: &Complaints) {
    complaints.tell(&format!("stderr: {}", String::from_utf8_lossy(line.trim_ascii_end())));
}
