//! No key can be accepted by the schema and then dropped: the lowering asks for every one.

use std::fs;
use std::sync::atomic::Ordering;

use schemas::source::Level;

use crate::diagnostic::Report;
use crate::schema::keys::Keys;
use crate::{input, parse, resolve, schema};

/// Every level is there, so that all of the lowering runs. Two vhosts, since TLS and no TLS ask for different keys.
const CONF: &str = r#"{
  "global": {},
  "vhosts": [
    { "port": 80, "mounts": [ { "mountpoint": "/", "origin": "file:///srv" } ] },
    { "port": 443, "host-ssl-cert": "/c", "host-ssl-key": "/k", "ws-protocols": [ { "a": {} } ] },
    { "unix-socket": "1", "interface": "/run/a" }
  ]
}"#;

#[test]
fn the_lowering_asks_for_every_key() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("conf"), CONF).unwrap();
    let mut report = Report::new(false);
    let input = input::find(dir.path(), &mut report).unwrap();
    let parsed = parse::parse(input, &mut report);
    let resolved = resolve::resolve(&parsed, "/usr/share", &mut report);
    let config = schema::check(&resolved, &mut report);
    // Not the rules: a key that only a rule asks for is accepted and dropped.
    let _ = super::lower(&config, &mut report);
    assert_eq!(report.errors(), 0, "{report:?}");
    for level in Level::ALL {
        for key in &Keys::of(level).keys {
            // Other spellings and what is refused never come here; the options of a protocol are passed on whole.
            let comes_here = key.alias_of.is_none() && key.outside.is_none();
            let passed_on =
                level == Level::WsProtocol && !super::protocol::COMMON.contains(&key.name.as_str());
            if comes_here && !passed_on {
                assert!(key.asked.load(Ordering::Relaxed), "{level:?}: nobody asks for `{}`", key.name);
            }
        }
    }
}
