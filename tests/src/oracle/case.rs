//! One recorded case, as its line of `cases.jsonl` has it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use crate::repository;

/// What a case does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Sends one request, or several in one packet.
    Http,
    /// Opens websockets and exchanges messages.
    Ws,
    /// Has a config judged.
    Config,
}

/// A recorded case.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its name, such as `files-012`.
    pub id: String,
    /// What it does.
    pub kind: Kind,
    /// Why it is not counted: lwsws has a quirk there, or the project decided to do better.
    pub excused: Option<String>,
    /// The whole line.
    pub value: Value,
}

impl Case {
    /// A text of the case.
    ///
    /// # Panics
    /// If there is none of that name.
    #[must_use]
    pub fn text(&self, key: &str) -> &str {
        self.value[key].as_str().unwrap_or_else(|| panic!("{}: no text `{key}`", self.id))
    }

    /// A list of the case, empty if there is none of that name.
    #[must_use]
    pub fn list(&self, key: &str) -> &[Value] {
        self.value[key].as_array().map_or(&[], Vec::as_slice)
    }
}

/// The folder of the recordings.
#[must_use]
pub fn folder() -> PathBuf {
    repository::root().join("tests/oracle")
}

/// The cases of a group, in the order recorded.
///
/// # Panics
/// If there are none.
#[must_use]
pub fn cases(group: &str) -> Vec<Case> {
    let decided: BTreeMap<String, String> =
        serde_json::from_str(&read("decided.json")).expect("case to reason");
    let lines = read("cases.jsonl");
    let values = lines.lines().map(|line| serde_json::from_str::<Value>(line).expect("a case is JSON"));
    let cases: Vec<Case> =
        values.filter(|value| value["config"] == group).map(|value| from_value(value, &decided)).collect();
    assert!(!cases.is_empty(), "no cases in group `{group}`");
    cases
}

fn from_value(value: Value, decided: &BTreeMap<String, String>) -> Case {
    let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let id = text("id");
    let kind = match text("kind").as_str() {
        "http" => Kind::Http,
        "ws" => Kind::Ws,
        "config" => Kind::Config,
        other => panic!("{id}: unknown kind `{other}`"),
    };
    let quirk = (value["quirk"] == true).then(|| text("note"));
    let excused = decided.get(&id).cloned().or(quirk);
    Case { id, kind, excused, value }
}

fn read(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).expect("a file of the recordings")
}
