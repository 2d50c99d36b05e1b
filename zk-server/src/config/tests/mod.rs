mod members;
mod mistakes;
mod security;
mod settings;

use super::*;

const LEAST: &str = "dataDir=/data\nclientPort=2181\n";

fn parsed(lines: &str) -> ParsedConfig {
    parse("zoo.cfg", &format!("{LEAST}{lines}")).unwrap()
}

fn refused(lines: &str) -> String {
    parse("zoo.cfg", &format!("{LEAST}{lines}")).unwrap_err().to_string()
}

fn warned(lines: &str) -> Vec<String> {
    parsed(lines).warnings.iter().map(ToString::to_string).collect()
}
