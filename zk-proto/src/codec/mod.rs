//! Jute, ZooKeeper's serialisation: big-endian integers, length-prefixed strings, buffers and
//! vectors, records as their fields in order. No tags, no versions, no checksums.
//!
//! | type | bytes |
//! | --- | --- |
//! | `bool` | 1; written 0 or 1, any other non-zero byte reads as true |
//! | `i32`, `i64` | 4, 8; big-endian two's complement |
//! | string, buffer | an `i32` length, then the bytes; -1 is null, which differs from empty |
//! | vector | an `i32` count, then the elements; -1 is null |
//! | record | its fields in declared order |
//!
//! Everything that reads goes through [`Reader`], which checks each length against the bytes that
//! are present before it allocates, so that no frame costs more memory than a small multiple of
//! its own size.

mod error;
mod frame;
mod reader;
mod values;

pub use error::DecodeError;
pub use frame::{DEFAULT_FRAME_LIMIT, FRAME_PREFIX_LEN, FrameDecoder, FrameError, encode_frame};
pub use reader::Reader;
pub(crate) use values::{put_count, put_slice};

use bytes::BytesMut;

/// A value that can be written to the wire.
pub trait Encode {
    /// Appends the value to `out`.
    fn encode(&self, out: &mut BytesMut);

    /// About how many bytes [`encode`](Self::encode) appends: what to reserve for it. Only payloads
    /// need an answer of their own.
    fn len_hint(&self) -> usize {
        size_of::<i64>()
    }
}

/// A value that can be read from the wire, borrowing from it where that saves a copy.
pub trait Decode<'a>: Sized {
    /// Reads one value and leaves the reader behind it.
    ///
    /// # Errors
    ///
    /// When the bytes end too early or cannot mean such a value. The reader's position is then
    /// unspecified: give the whole frame up.
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError>;
}

/// Defines a record, a struct whose fields go over the wire in declared order.
macro_rules! record {
    ($(#[$meta:meta])* pub struct $name:ident<$lt:lifetime> { $($(#[$fmeta:meta])* pub $field:ident: $ty:ty,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name<$lt> { $($(#[$fmeta])* pub $field: $ty,)* }

        impl $crate::codec::Encode for $name<'_> {
            fn encode(&self, out: &mut ::bytes::BytesMut) {
                $($crate::codec::Encode::encode(&self.$field, out);)*
            }

            fn len_hint(&self) -> usize {
                0 $(+ $crate::codec::Encode::len_hint(&self.$field))*
            }
        }

        impl<$lt> $crate::codec::Decode<$lt> for $name<$lt> {
            fn decode(reader: &mut $crate::codec::Reader<$lt>) -> Result<Self, $crate::codec::DecodeError> {
                Ok(Self { $($field: $crate::codec::Decode::decode(reader)?,)* })
            }
        }
    };
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$fmeta:meta])* pub $field:ident: $ty:ty,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name { $($(#[$fmeta])* pub $field: $ty,)* }

        impl $crate::codec::Encode for $name {
            fn encode(&self, out: &mut ::bytes::BytesMut) {
                $($crate::codec::Encode::encode(&self.$field, out);)*
            }

            fn len_hint(&self) -> usize {
                0 $(+ $crate::codec::Encode::len_hint(&self.$field))*
            }
        }

        impl<'a> $crate::codec::Decode<'a> for $name {
            fn decode(reader: &mut $crate::codec::Reader<'a>) -> Result<Self, $crate::codec::DecodeError> {
                Ok(Self { $($field: $crate::codec::Decode::decode(reader)?,)* })
            }
        }
    };
}
pub(crate) use record;
