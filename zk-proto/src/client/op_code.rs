//! What a request asks for.

use crate::codec::DecodeError;

macro_rules! op_codes {
    ($($(#[$meta:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        /// The kind of a request, on the wire and in transactions.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(i32)]
        pub enum OpCode { $($(#[$meta])* $name = $code,)* }

        impl OpCode {
            /// All op codes.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The number on the wire.
            #[must_use]
            pub fn code(self) -> i32 {
                self as i32
            }

            /// The operation's name in Apache's documentation.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }

        impl TryFrom<i32> for OpCode {
            type Error = DecodeError;

            fn try_from(code: i32) -> Result<Self, DecodeError> {
                match code {
                    $($code => Ok(Self::$name),)*
                    value => Err(DecodeError::UnknownValue { what: "op code", value }),
                }
            }
        }
    };
}

op_codes! {
    /// Only from servers: a watch fired.
    Notification = 0, "notification";
    /// Creates a node.
    Create = 1, "create";
    /// Deletes a node.
    Delete = 2, "delete";
    /// Asks for a node's metadata.
    Exists = 3, "exists";
    /// Asks for a node's data.
    GetData = 4, "getData";
    /// Sets a node's data.
    SetData = 5, "setData";
    /// Asks for a node's ACL.
    GetAcl = 6, "getACL";
    /// Sets a node's ACL.
    SetAcl = 7, "setACL";
    /// Asks for a node's children.
    GetChildren = 8, "getChildren";
    /// Catches up with the leader.
    Sync = 9, "sync";
    /// Keeps the session alive.
    Ping = 11, "ping";
    /// Asks for a node's children and metadata. Since 3.3.
    GetChildren2 = 12, "getChildren2";
    /// Checks a version; only inside a multi. Since 3.4.
    Check = 13, "check";
    /// Several writes, all or none. Since 3.4.
    Multi = 14, "multi";
    /// Creates a node and answers with its metadata. Since 3.5.0.
    Create2 = 15, "create2";
    /// Changes the members of the ensemble. Since 3.5.0.
    Reconfig = 16, "reconfig";
    /// Asks whether a watch is set. Since 3.5.0.
    CheckWatches = 17, "checkWatches";
    /// Removes watches. Since 3.5.0.
    RemoveWatches = 18, "removeWatches";
    /// Creates a container. Since 3.5.1.
    CreateContainer = 19, "createContainer";
    /// The server's own: deletes an empty container or a node past its time.
    DeleteContainer = 20, "deleteContainer";
    /// Creates a node with a time to live. Since 3.5.3.
    CreateTtl = 21, "createTTL";
    /// Several reads. Since 3.6.0.
    MultiRead = 22, "multiRead";
    /// Adds an identity to the connection.
    Auth = 100, "auth";
    /// Sets one-shot watches again after a reconnection.
    SetWatches = 101, "setWatches";
    /// A step of a SASL exchange. Since 3.4.
    Sasl = 102, "sasl";
    /// Asks for the session's ephemeral nodes. Since 3.6.0.
    GetEphemerals = 103, "getEphemerals";
    /// Asks for the number of all nodes below one. Since 3.6.0.
    GetAllChildrenNumber = 104, "getAllChildrenNumber";
    /// Sets watches of all kinds again after a reconnection. Since 3.6.0.
    SetWatches2 = 105, "setWatches2";
    /// Adds a persistent watch. Since 3.6.0.
    AddWatch = 106, "addWatch";
    /// Asks for the connection's identities. Since 3.7.0.
    WhoAmI = 107, "whoAmI";
    /// The server's own: a session begins.
    CreateSession = -10, "createSession";
    /// A session ends.
    CloseSession = -11, "closeSession";
    /// In results and transactions: an operation that failed.
    Error = -1, "error";
}

impl OpCode {
    /// Whether a client's request of this kind becomes a transaction: it has its place in the order
    /// of all writes, and must not be sent twice unless sending it once is known to have failed.
    ///
    /// False for `check`, which is a part of a multi, and for what ends or begins sessions.
    #[must_use]
    pub fn is_write(self) -> bool {
        matches!(
            self,
            Self::Create
                | Self::Create2
                | Self::CreateContainer
                | Self::CreateTtl
                | Self::Delete
                | Self::SetData
                | Self::SetAcl
                | Self::Multi
                | Self::Reconfig
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_op_codes_are_one_to_one() {
        for op in OpCode::ALL {
            assert_eq!(OpCode::try_from(op.code()), Ok(*op));
        }
        for code in [10, 23, 99, 108, -2, -12] {
            assert!(OpCode::try_from(code).is_err(), "{code}");
        }
    }
}
