//! What the program tells of itself and of the language: schemas, completions, manual pages.

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;
use schemas::source::Level;
use serde_json::{Map, Value};

/// The JSON Schema of a level, with all that it refers to in it.
pub(super) fn schema(level: Level) -> String {
    let mut schema = read(level);
    let mut levels = Vec::new();
    point_inwards(&mut schema, "#", &mut levels);
    let mut definitions = Map::new();
    // Grows while it is gone through: what is put in may refer to more.
    let mut next = 0;
    while let Some(inner) = levels.get(next).copied() {
        let mut schema = read(inner);
        point_inwards(&mut schema, &format!("#/$defs/{}", name(inner)), &mut levels);
        if let Value::Object(schema) = &mut schema {
            schema.remove("$schema");
        }
        definitions.insert(name(inner).to_owned(), schema);
        next += 1;
    }
    if !definitions.is_empty()
        && let Value::Object(schema) = &mut schema
    {
        let own = schema.entry("$defs").or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(own) = own {
            own.extend(definitions);
        }
    }
    format!("{schema:#}\n")
}

/// One schema as it is embedded, without its name, by which nobody refers to it any more.
fn read(level: Level) -> Value {
    // A part of the program, and a test reads them all.
    let mut schema: Value = serde_json::from_str(level.schema()).unwrap_or_default();
    if let Value::Object(schema) = &mut schema {
        schema.remove("$id");
    }
    schema
}

/// Turns references to other files into references to `$defs`, and those to a schema's own `$defs` to where these
/// will stand: below `place`. Adds the levels that are referred to.
fn point_inwards(value: &mut Value, place: &str, levels: &mut Vec<Level>) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get_mut("$ref") {
                if let Some(own) = reference.strip_prefix('#') {
                    *reference = format!("{place}{own}");
                } else if let Some(level) =
                    Level::ALL.into_iter().find(|level| level.file_name() == reference)
                {
                    *reference = format!("#/$defs/{}", name(level));
                    if !levels.contains(&level) {
                        levels.push(level);
                    }
                }
            }
            object.values_mut().for_each(|inner| point_inwards(inner, place, levels));
        }
        Value::Array(items) => items.iter_mut().for_each(|inner| point_inwards(inner, place, levels)),
        _ => {}
    }
}

fn name(level: Level) -> &'static str {
    level.file_name().trim_end_matches(".schema.json")
}

/// The completions of a shell, as the script that it loads.
pub(super) fn completions(shell: Shell, mut command: Command) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, "lwsconf", &mut script);
    script
}

/// The manual page of the program, or of one of its commands; none if there is no such command.
pub(super) fn man(word: Option<&str>, mut program: Command) -> Option<Vec<u8>> {
    program.build();
    let command = match word {
        None => program,
        Some(word) => program.get_subcommands().find(|command| command.get_name() == word)?.clone(),
    };
    let mut page = Vec::new();
    // Writing to memory does not fail.
    Man::new(command).render(&mut page).ok()?;
    Some(page)
}
