//! A record as names and values, to be shown as text or as JSON.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};
use zk_proto::txn::Txn;
use zk_proto::{Acl, EphemeralOwner};

use crate::output::utc;

/// A record: its fields in their order.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<(&'static str, Value)>);

/// What a field can be.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Text(String),
    /// Milliseconds since 1970; a date in text.
    Time(i64),
    Bytes(#[serde(serialize_with = "as_base64")] Vec<u8>),
    List(Vec<String>),
    Records(Vec<Fields>),
}

fn as_base64<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&STANDARD.encode(bytes))
}

impl Fields {
    /// Adds a field behind the others.
    pub(crate) fn with(mut self, name: &'static str, value: Value) -> Self {
        self.0.push((name, value));
        self
    }

    pub(crate) fn int(self, name: &'static str, value: impl Into<i64>) -> Self {
        self.with(name, Value::Int(value.into()))
    }

    /// A number of which there are more than a signed one holds only in damaged files.
    pub(crate) fn count(self, name: &'static str, value: u64) -> Self {
        self.int(name, i64::try_from(value).unwrap_or(i64::MAX))
    }

    pub(crate) fn text(self, name: &'static str, value: impl ToString) -> Self {
        self.with(name, Value::Text(value.to_string()))
    }

    /// The length of data, and the data if they are wanted.
    pub(crate) fn data(self, data: Option<&[u8]>, shown: bool) -> Self {
        let Some(data) = data else { return self.with("data_len", Value::Null) };
        let fields = self.count("data_len", data.len() as u64);
        if shown { fields.with("data", Value::Bytes(data.to_vec())) } else { fields }
    }

    pub(crate) fn acl(self, acl: &[Acl]) -> Self {
        self.with("acl", Value::List(acl.iter().map(acl_entry).collect()))
    }

    /// What ends a node; nothing for one that only a delete does.
    pub(crate) fn owner(self, owner: EphemeralOwner) -> Self {
        match owner {
            EphemeralOwner::Persistent => self,
            EphemeralOwner::Session(session) => self.text("ephemeral_owner", session),
            EphemeralOwner::Container => self.with("container", Value::Bool(true)),
            EphemeralOwner::Ttl(ms) => self.int("ttl_ms", ms),
        }
    }

    /// What a transaction changes.
    pub(crate) fn txn(self, txn: &Txn, with_data: bool) -> Self {
        let fields = self.text("op", op_name(txn));
        let node = |path: &str, data: &Option<bytes::Bytes>, acl: &[Acl], fields: Self| {
            fields.text("path", path).data(data.as_deref(), with_data).acl(acl)
        };
        match txn {
            Txn::Create { path, data, acl, ephemeral, parent_cversion, .. } => {
                node(path, data, acl, fields)
                    .with("ephemeral", Value::Bool(*ephemeral))
                    .int("parent_cversion", *parent_cversion)
            }
            Txn::CreateContainer { path, data, acl, parent_cversion } => {
                node(path, data, acl, fields).int("parent_cversion", *parent_cversion)
            }
            Txn::CreateTtl { path, data, acl, parent_cversion, ttl_ms } => {
                node(path, data, acl, fields)
                    .int("parent_cversion", *parent_cversion)
                    .int("ttl_ms", *ttl_ms)
            }
            Txn::Delete { path } | Txn::DeleteContainer { path } => fields.text("path", path),
            Txn::SetData { path, data, version } | Txn::Reconfig { path, data, version } => {
                fields.text("path", path).data(data.as_deref(), with_data).int("version", *version)
            }
            Txn::SetAcl { path, acl, version } => {
                fields.text("path", path).acl(acl).int("version", *version)
            }
            Txn::Check { path, version } => fields.text("path", path).int("version", *version),
            Txn::CreateSession { timeout_ms } => fields.int("timeout_ms", *timeout_ms),
            Txn::CloseSession { paths: Some(paths) } => {
                fields.with("paths", Value::List(paths.clone()))
            }
            Txn::Multi(parts) => {
                let part = |part: &Txn| Self::default().txn(part, with_data);
                fields.with("parts", Value::Records(parts.iter().map(part).collect()))
            }
            Txn::Error(code) => fields.int("error", code.code()),
            _ => fields,
        }
    }
}

/// An entry of an ACL, as the command line of ZooKeeper's client writes it.
fn acl_entry(acl: &Acl) -> String {
    format!("{}:{}:{}", acl.scheme, acl.id, acl.perms)
}

fn op_name(txn: &Txn) -> &'static str {
    match txn {
        Txn::Create { with_stat: false, .. } => "create",
        Txn::Create { with_stat: true, .. } => "create2",
        Txn::CreateContainer { .. } => "createContainer",
        Txn::CreateTtl { .. } => "createTTL",
        Txn::Delete { .. } => "delete",
        Txn::DeleteContainer { .. } => "deleteContainer",
        Txn::SetData { .. } => "setData",
        Txn::Reconfig { .. } => "reconfig",
        Txn::SetAcl { .. } => "setACL",
        Txn::Check { .. } => "check",
        Txn::CreateSession { .. } => "createSession",
        Txn::CloseSession { .. } => "closeSession",
        Txn::Multi(_) => "multi",
        Txn::Error(_) => "error",
        _ => "unknown",
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// `name=value` pairs on one line; records inside it indented below.
impl fmt::Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut inner = None;
        for (index, (name, value)) in self.0.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            match value {
                Value::Records(records) => {
                    write!(f, "{space}{name}={}", records.len())?;
                    inner = Some(records);
                }
                value => write!(f, "{space}{name}={value}")?,
            }
        }
        inner.into_iter().flatten().try_for_each(|record| write!(f, "\n    {record}"))
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => value.fmt(f),
            Self::Int(value) => value.fmt(f),
            Self::Text(text) => write_word(f, text),
            Self::Time(ms) => f.write_str(&utc(*ms)),
            Self::Bytes(bytes) => write!(f, "\"{}\"", bytes.escape_ascii()),
            Self::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { "," })?;
                    write_word(f, item)?;
                }
                f.write_str("]")
            }
            Self::Records(records) => write!(f, "{}", records.len()),
        }
    }
}

/// A text that cannot be taken for more than one word, nor change a terminal.
fn write_word(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let plain = |c: char| !(c.is_whitespace() || c.is_control() || "\",[]".contains(c));
    if !text.is_empty() && text.chars().all(plain) && text.escape_debug().eq(text.chars()) {
        return f.write_str(text);
    }
    write!(f, "\"{}\"", text.escape_debug())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_word_is_quoted() {
        let shown = |text: &str| Value::Text(text.to_owned()).to_string();
        assert_eq!(shown("/a/b=c"), "/a/b=c");
        assert_eq!(shown("/a b"), "\"/a b\"");
        assert_eq!(shown(""), "\"\"");
        assert_eq!(shown("/\u{1b}[31m"), "\"/\\u{1b}[31m\"");
        assert_eq!(Value::Bytes(b"a\n\xff".to_vec()).to_string(), "\"a\\n\\xff\"");
    }

    #[test]
    fn both_forms_have_the_same_fields_in_the_same_order() {
        let acl = Acl::new(zk_proto::Permissions::READ, "world", "anyone");
        let fields = Fields::default()
            .text("zxid", "0x1")
            .with("time", Value::Time(0))
            .data(Some(b"hi"), true)
            .acl(&[acl])
            .with("parts", Value::Records(vec![Fields::default().int("n", 1)]));
        let text = "zxid=0x1 time=1970-01-01T00:00:00.000Z data_len=2 data=\"hi\" \
                    acl=[world:anyone:r] parts=1\n    n=1";
        assert_eq!(fields.to_string(), text);
        let json = "{\"zxid\":\"0x1\",\"time\":0,\"data_len\":2,\"data\":\"aGk=\",\
                    \"acl\":[\"world:anyone:r\"],\"parts\":[{\"n\":1}]}";
        assert_eq!(serde_json::to_string(&fields).unwrap(), json);
    }
}
