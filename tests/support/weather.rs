//! What a network does to the bytes on it, decided by a seed.

use std::time::Duration;

use fastrand::Rng;

/// How a [`CuttingProxy`](crate::CuttingProxy) treats each connection of its own accord. The same
/// seed decides the same for the same connection, counted from the proxy's start.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    seed: u64,
    is_rough: bool,
    cuts: Cuts,
}

/// Where connections break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cuts {
    Nowhere,
    /// Before the client can have its session: nothing that was asked for is at stake.
    Greeting,
    /// Anywhere within so many bytes of one direction.
    Within(usize),
}

/// The least that a client sends and gets before it has a session. TLS needs more.
const GREETING: usize = 40;

/// One of so many connections in a row is spared, so that a client gets in at last.
const SPARED: u64 = 2;

/// The longest that one piece of a chunk is under way: long enough that what can come in
/// another order does, short enough for suites of thousands of exchanges.
const DELAY_MAX: Duration = Duration::from_millis(4);

/// Pieces that a chunk falls into, and how long all but the last may be: less than any header.
const PIECES_MAX: usize = 4;
const PIECE_MAX: usize = 11;

impl Weather {
    /// Bytes pass at once and together.
    pub const CLEAR: Self = Self { seed: 0, is_rough: false, cuts: Cuts::Nowhere };

    /// Bytes are late, and the first of each chunk come a few at a time.
    #[must_use]
    pub fn rough(seed: u64) -> Self {
        Self { seed, is_rough: true, cuts: Cuts::Nowhere }
    }

    /// Rough, and every other connection breaks while the client is being taken in. What a test
    /// asserts of its requests still holds.
    #[must_use]
    pub fn stormy(seed: u64) -> Self {
        Self { cuts: Cuts::Greeting, ..Self::rough(seed) }
    }

    /// Rough, and every connection breaks somewhere within so many bytes of one direction: each
    /// write may be in doubt, and no client ever has peace.
    #[must_use]
    pub fn wrecking(seed: u64, bytes: usize) -> Self {
        Self { cuts: Cuts::Within(bytes), ..Self::rough(seed) }
    }

    /// What `ZK_TEST_PATH` says: `direct` (the default), `rough` or `stormy`.
    ///
    /// # Panics
    ///
    /// If it says something else: a suite that runs otherwise than asked tells nothing.
    #[must_use]
    pub fn of_environment() -> Option<Self> {
        let path = std::env::var("ZK_TEST_PATH").unwrap_or_else(|_| "direct".to_owned());
        match path.as_str() {
            "direct" => None,
            "rough" => Some(Self::rough(SEED_OF_SUITES)),
            "stormy" => Some(Self::stormy(SEED_OF_SUITES)),
            other => panic!("ZK_TEST_PATH is {other:?}: it may be direct, rough or stormy"),
        }
    }

    /// What becomes of one connection.
    pub(crate) fn of_connection(self, number: u64) -> Fate {
        let mut rng = Rng::with_seed(self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number);
        let within = match self.cuts {
            Cuts::Greeting if number % SPARED != SPARED - 1 => Some(GREETING),
            Cuts::Nowhere | Cuts::Greeting => None,
            Cuts::Within(bytes) => Some(bytes),
        };
        let cut = within.map(|bytes| (rng.bool(), rng.usize(..bytes)));
        let left = |to_client| cut.and_then(|(of, after)| (of == to_client).then_some(after));
        let mut way = |to_client| Way {
            left: left(to_client),
            rng: Rng::with_seed(rng.u64(..)),
            is_rough: self.is_rough,
        };
        Fate { to_server: way(false), to_client: way(true), resets: rng.bool() }
    }
}

/// The seed of suites that run through the proxy as they are; a test of its own draws its own.
const SEED_OF_SUITES: u64 = 11;

/// What becomes of one connection.
#[derive(Debug)]
pub(crate) struct Fate {
    pub(crate) to_server: Way,
    pub(crate) to_client: Way,
    /// Whether its end comes as a reset, not as an end of file.
    pub(crate) resets: bool,
}

/// What becomes of the bytes of one direction.
#[derive(Debug)]
pub(crate) struct Way {
    rng: Rng,
    is_rough: bool,
    /// Bytes until the connection breaks.
    left: Option<usize>,
}

impl Way {
    /// The lengths of the pieces in which a chunk of `len` bytes passes, each with the time it
    /// takes. Less than `len` in all means that the connection breaks behind them.
    pub(crate) fn pieces(&mut self, len: usize) -> Vec<(usize, Duration)> {
        let mut rest = self.left.map_or(len, |left| left.min(len));
        if let Some(left) = &mut self.left {
            *left -= rest;
        }
        let mut pieces = Vec::new();
        let count = if self.is_rough { self.rng.usize(1..=PIECES_MAX) } else { 1 };
        while rest > 0 {
            let is_last = pieces.len() + 1 == count;
            let piece = if is_last { rest } else { self.rng.usize(1..=PIECE_MAX).min(rest) };
            let delay =
                if self.is_rough { DELAY_MAX.mul_f64(self.rng.f64()) } else { Duration::ZERO };
            pieces.push((piece, delay));
            rest -= piece;
        }
        pieces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(way: &mut Way, chunks: &[usize]) -> Vec<Vec<(usize, Duration)>> {
        chunks.iter().map(|len| way.pieces(*len)).collect()
    }

    #[test]
    fn a_seed_decides_everything() {
        let chunks = [1, 500, 3, 70_000];
        for number in 0..20 {
            let [mut one, mut same] =
                [0, 1].map(|_| Weather::wrecking(7, 600).of_connection(number));
            assert_eq!(told(&mut one.to_client, &chunks), told(&mut same.to_client, &chunks));
            assert_eq!((one.resets, one.to_server.left), (same.resets, same.to_server.left));
        }
    }

    #[test]
    fn every_byte_passes_once_unless_the_connection_breaks() {
        for number in 0..200 {
            let mut fate = Weather::rough(number).of_connection(number);
            let passed: usize = fate.to_server.pieces(1000).iter().map(|piece| piece.0).sum();
            assert_eq!(passed, 1000);
            let mut fate = Weather::wrecking(1, 300).of_connection(number);
            let passed = [&mut fate.to_server, &mut fate.to_client]
                .map(|way| way.pieces(300).iter().map(|piece| piece.0).sum::<usize>());
            assert!(passed.contains(&300) && passed.iter().any(|passed| *passed < 300));
        }
    }

    #[test]
    fn a_storm_spares_every_other_connection_and_cuts_no_request() {
        let broken = (0..30).map(|number| {
            let fate = Weather::stormy(5).of_connection(number);
            let left = fate.to_server.left.or(fate.to_client.left);
            assert!(left.is_none_or(|left| left < GREETING));
            left.is_some()
        });
        assert_eq!(broken.filter(|broken| *broken).count(), 15);
    }
}
