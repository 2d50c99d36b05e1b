//! How session ids are given out.

use zk_proto::SessionId;

/// Bits of an id below the server's own number.
const SERVER_SHIFT: u32 = 56;

/// The first id a server gives out, laid out as Apache lays it out: the server's number in the
/// top byte, 40 bits of a clock below it, 16 bits that start at 0.
///
/// Apache takes the milliseconds of its monotonic clock, which repeat after a reboot, so that a
/// live or remembered id can be given out twice. `clock_ms` is the wall clock here: it only
/// repeats when somebody sets it back, and the session tracker skips ids that it knows.
#[must_use]
#[expect(clippy::cast_sign_loss, clippy::cast_possible_wrap, reason = "the id is a bit pattern")]
pub fn first_session_id(clock_ms: i64, server_id: u8) -> SessionId {
    let clock_bits = ((clock_ms as u64) << 24) >> 8;
    SessionId((clock_bits | u64::from(server_id) << SERVER_SHIFT) as i64)
}

/// The id after `id`, leaving out the values that stand for something else: 0 (no session) and
/// the smallest long (the owner of container nodes).
#[must_use]
pub(super) fn following(id: SessionId) -> SessionId {
    match id.0.wrapping_add(1) {
        0 | i64::MIN => SessionId(id.0.wrapping_add(2)),
        next => SessionId(next),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_carry_the_server_the_clock_and_room_for_a_counter() {
        let id = first_session_id(0x0000_0123_4567_89ab, 1);
        assert_eq!(id, SessionId(0x0123_4567_89ab_0000));
        let id = first_session_id(0x0000_01ff_4567_89ab, 3);
        assert_eq!(id, SessionId(0x03ff_4567_89ab_0000));
    }

    #[test]
    fn sentinels_are_never_ids() {
        assert_eq!(following(SessionId(-1)), SessionId(1));
        assert_eq!(following(SessionId(i64::MAX)), SessionId(i64::MIN + 1));
        assert_eq!(following(SessionId(7)), SessionId(8));
    }
}
