//! What is written where.

use std::collections::BTreeSet;

use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::parents::child;

/// What became of a transaction. Final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Decision {
    /// Everybody carries it out.
    Committed,
    /// Nobody does.
    Aborted,
}

/// What a participant says. Final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Vote {
    /// It can carry it out, whatever happens from now on.
    Commit,
    /// It cannot.
    Abort,
}

/// The data of a transaction's node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    pub(super) participants: BTreeSet<String>,
    pub(super) decision: Option<Decision>,
    pub(super) payload: Bytes,
}

#[derive(Serialize, Deserialize)]
struct Header {
    participants: BTreeSet<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decision: Option<Decision>,
}

impl Record {
    pub(super) fn decided(&self, decision: Decision) -> Self {
        Self { decision: Some(decision), ..self.clone() }
    }

    pub(super) fn encode(&self) -> Bytes {
        let header = Header { participants: self.participants.clone(), decision: self.decision };
        // Strings only: nothing in it that JSON could not hold.
        let header = serde_json::to_vec(&header).unwrap_or_default();
        let mut data = BytesMut::from(header.as_slice());
        data.extend_from_slice(b"\n");
        data.extend_from_slice(&self.payload);
        data.freeze()
    }

    /// The record in the data of the transaction's node, which has this version.
    pub(super) fn decode(path: &str, data: &Bytes, version: i32) -> Result<Self> {
        let malformed = |reason: String| Error::Malformed { path: path.to_owned(), reason };
        let end = data.iter().position(|byte| *byte == b'\n');
        let end = end.ok_or_else(|| malformed("there is no line of JSON".to_owned()))?;
        let header: Header =
            serde_json::from_slice(&data[..end]).map_err(|error| malformed(error.to_string()))?;
        if header.decision.is_none() && version != 0 {
            // Only the decision is ever written, and it could not be any more.
            return Err(malformed("somebody has written it, and it is no decision".to_owned()));
        }
        let payload = data.slice(end + 1..);
        Ok(Self { participants: header.participants, decision: header.decision, payload })
    }
}

/// The nodes of one transaction.
#[derive(Clone, Debug)]
pub(super) struct Paths {
    pub(super) transaction: String,
    pub(super) coordinator: String,
}

/// What begins the names of participants' nodes.
const PRESENT: &str = "at-";
const VOTED: &str = "vote-";

impl Paths {
    pub(super) fn new(transaction: String) -> Self {
        let coordinator = child(&transaction, "coordinator");
        Self { transaction, coordinator }
    }

    /// The node that shows that a participant is there.
    pub(super) fn presence(&self, name: &str) -> String {
        child(&self.transaction, &format!("{PRESENT}{name}"))
    }

    /// The node with a participant's vote.
    pub(super) fn vote(&self, name: &str) -> String {
        child(&self.transaction, &format!("{VOTED}{name}"))
    }
}

/// Which of the participants have come and voted, by the names of the transaction's children.
pub(super) fn attendance(children: &[String]) -> (BTreeSet<&str>, BTreeSet<&str>) {
    let named = |mark| children.iter().filter_map(move |name| name.strip_prefix(mark)).collect();
    (named(PRESENT), named(VOTED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_as_they_were_written() {
        let open = Record {
            participants: BTreeSet::from(["a".to_owned(), "b\n".to_owned()]),
            decision: None,
            payload: Bytes::from_static(b"\n\x00{}"),
        };
        for record in [open.clone(), open.decided(Decision::Committed)] {
            assert_eq!(Record::decode("/x", &record.encode(), 0).unwrap(), record);
        }
        assert!(Record::decode("/x", &open.encode(), 1).is_err());
        for nonsense in ["", "{}", "{}\n", "x\n"] {
            assert!(Record::decode("/x", &Bytes::from(nonsense), 0).is_err(), "{nonsense}");
        }
    }
}
