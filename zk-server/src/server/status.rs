//! What operators are told: a view of the server, rendered in [`crate::ops`].

use zk_proto::four_letter::Word;

use super::connection::Connection;
use super::{Now, Server};
use crate::ops::{ConnectionView, ProcessGauges, ServerView, four_letter};

impl Server {
    pub(super) fn operators_answer(&self, word: Word, now: Now) -> String {
        if !self.config.four_letter_whitelist.allows(word) {
            return four_letter::not_whitelisted(word);
        }
        four_letter::answer(word, &self.view(word, now))
    }

    /// Everything is counted already, but for the list of connections that only `stat` shows.
    fn view(&self, word: Word, now: Now) -> ServerView<'_> {
        ServerView {
            stats: &self.stats,
            last_zxid: self.tree.last_zxid(),
            uptime: now.instant.saturating_duration_since(self.started),
            connection_count: self.connections.len(),
            outstanding: self.in_flight,
            node_count: self.tree.node_count(),
            approximate_data_size: self.tree.approximate_data_size(),
            ephemeral_count: self.tree.ephemeral_count(),
            watch_count: self.watches.watch_count(),
            session_count: self.sessions.len(),
            process: match word {
                Word::Mntr => (self.process)(),
                _ => ProcessGauges::default(),
            },
            connections: match word {
                Word::Stat => self.connections.values().map(view_connection).collect(),
                _ => Vec::new(),
            },
        }
    }
}

fn view_connection(connection: &Connection) -> ConnectionView {
    ConnectionView {
        peer: connection.peer,
        active: connection.session().is_some(),
        queued: connection.lane.len(),
        received: connection.stats.received,
        sent: connection.stats.sent,
    }
}
