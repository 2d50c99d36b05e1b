//! What befalls every recipe, whichever it is: one situation a file, all recipes in it. The guide's
//! page on failures says which test shows what.

mod cost;
mod handles;
mod parents;
mod paused;
mod refused;
mod shut_down;

use zk_recipes::ServiceInstance;

fn api(id: &str) -> ServiceInstance {
    ServiceInstance::new("api", "10.0.0.1", 8080).with_id(id)
}
