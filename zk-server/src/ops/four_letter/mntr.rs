//! `mntr`: `zk_<key>`, a tab, a value, for each figure this server has.

use super::{line, version};
use crate::ops::{ServerView, metrics};

pub(super) fn mntr(view: &ServerView<'_>) -> String {
    let mut text = String::new();
    pair(&mut text, "version", version());
    pair(&mut text, "server_state", "standalone");
    for metric in metrics::all(view) {
        metric.each(|name, value| pair(&mut text, name, value));
    }
    text
}

fn pair(text: &mut String, key: &str, value: impl std::fmt::Display) {
    line(text, format_args!("zk_{key}\t{value}"));
}
