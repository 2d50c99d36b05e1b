//! Members who do not let go of items, or do not take them up.

use std::sync::{Arc, Mutex};

use zk_client::Client;
use zk_recipes::Error;

use crate::partitioner::RealPartitioner;
use crate::run::{Scenario, caught};
use crate::scenario::mutex::Boxed;
use crate::scenario::sharing::{AtLast, Member, Piece, Sharing, share};
use crate::world::{Allowed, World};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mistake {
    /// Goes on with what it has lost, until it is told to let go.
    IgnoresLoss,
    /// Has items that it does not work on.
    SitsOnThem,
}

struct Careless(Mistake);

struct CarelessMember {
    member: Arc<dyn Member>,
    mistake: Mistake,
    /// What nobody works on.
    idle: Mutex<Vec<Box<dyn Piece>>>,
}

struct Kept(Box<dyn Piece>);

impl Sharing for Careless {
    fn join(&self, client: &Client, id: &str) -> Boxed<Result<Arc<dyn Member>, Error>> {
        let (joining, mistake) = (RealPartitioner.join(client, id), self.0);
        Box::pin(async move {
            let (member, idle) = (joining.await?, Mutex::default());
            Ok(Arc::new(CarelessMember { member, mistake, idle }) as Arc<dyn Member>)
        })
    }
}

impl Member for CarelessMember {
    fn next(self: Arc<Self>) -> Boxed<Option<Box<dyn Piece>>> {
        Box::pin(async move {
            loop {
                let piece = Arc::clone(&self.member).next().await?;
                if self.mistake == Mistake::IgnoresLoss {
                    return Some(Box::new(Kept(piece)) as Box<dyn Piece>);
                }
                if piece.item() != "c" {
                    return Some(piece);
                }
                self.idle.lock().unwrap().push(piece);
            }
        })
    }

    fn leave(self: Arc<Self>) -> Boxed<Result<(), Error>> {
        self.idle.lock().unwrap().clear();
        Arc::clone(&self.member).leave()
    }
}

impl Piece for Kept {
    fn item(&self) -> String {
        self.0.item()
    }

    fn token(&self) -> i64 {
        self.0.token()
    }

    fn is_held(&self) -> bool {
        true
    }

    fn revoked(&self) -> Boxed<()> {
        self.0.revoked()
    }

    fn release(self: Box<Self>) -> Boxed<Result<(), Error>> {
        self.0.release()
    }
}

fn scenario(begin: fn(&Arc<World>)) -> Scenario {
    let allowed = Allowed { crashes: true, kills: false };
    Scenario { name: "planted::sharing", processes: 3, allowed, begin }
}

#[test]
fn a_member_that_keeps_what_it_has_lost_is_found() {
    let begin = |world: &Arc<World>| share(world, Careless(Mistake::IgnoresLoss), AtLast::Stay);
    caught(&scenario(begin), 1, "holders at once");
}

#[test]
fn an_item_that_nobody_works_on_is_found() {
    let begin = |world: &Arc<World>| share(world, Careless(Mistake::SitsOnThem), AtLast::Stay);
    caught(&scenario(begin), 1, "0 work on c in the end");
}
