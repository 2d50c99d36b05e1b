//! What a watch reports.

use bytes::BytesMut;

use crate::codec::{Decode, DecodeError, Encode, Reader, record};

macro_rules! wire_enum {
    ($(#[$meta:meta])* pub enum $name:ident, $what:literal { $($(#[$vmeta:meta])* $variant:ident = $value:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(i32)]
        pub enum $name { $($(#[$vmeta])* $variant = $value,)* }

        impl $name {
            /// The number on the wire.
            #[must_use]
            pub fn code(self) -> i32 {
                self as i32
            }
        }

        impl TryFrom<i32> for $name {
            type Error = DecodeError;

            fn try_from(value: i32) -> Result<Self, DecodeError> {
                match value {
                    $($value => Ok(Self::$variant),)*
                    value => Err(DecodeError::UnknownValue { what: $what, value }),
                }
            }
        }

        impl Encode for $name {
            fn encode(&self, out: &mut BytesMut) {
                self.code().encode(out);
            }
        }

        impl<'a> Decode<'a> for $name {
            fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
                i32::decode(reader)?.try_into()
            }
        }
    };
}
pub(super) use wire_enum;

wire_enum! {
    /// What happened to a node.
    pub enum EventType, "event type" {
        /// Nothing to a node: the session's state changed. Client-local.
        None = -1,
        /// The node was created.
        NodeCreated = 1,
        /// The node was deleted.
        NodeDeleted = 2,
        /// The node's data was set.
        NodeDataChanged = 3,
        /// A child was created or deleted.
        NodeChildrenChanged = 4,
        /// A data watch was removed. Client-local.
        DataWatchRemoved = 5,
        /// A child watch was removed. Client-local.
        ChildWatchRemoved = 6,
        /// A persistent watch was removed. Client-local.
        PersistentWatchRemoved = 7,
    }
}

wire_enum! {
    /// The state of the session that an event tells of. From a server it is always
    /// [`SyncConnected`](Self::SyncConnected).
    pub enum KeeperState, "session state" {
        /// The session has expired.
        Expired = -112,
        /// Not connected.
        Disconnected = 0,
        /// Connected to a server that takes writes.
        SyncConnected = 3,
        /// Authentication was refused.
        AuthFailed = 4,
        /// Connected to a read-only server.
        ConnectedReadOnly = 5,
        /// SASL has finished.
        SaslAuthenticated = 6,
        /// Closed by the client. Since 3.5.5.
        Closed = 7,
    }
}

record! {
    /// A watch fired. The change's zxid is in the header in front.
    pub struct WatcherEvent {
        /// What happened.
        pub kind: EventType,
        /// Always [`KeeperState::SyncConnected`] from a server.
        pub state: KeeperState,
        /// The node, as the server names it: no client's chroot is taken off.
        pub path: String,
    }
}
